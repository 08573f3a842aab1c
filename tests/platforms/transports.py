"""A home whose car is polled, or streams: the same questions to both."""

from collections.abc import Callable

from homeassistant.helpers import entity_registry as er
import pytest

from tests.support.entities import ask_again
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until


def keys_of(home: Home) -> set[str]:
    assert home.entry is not None
    return {
        entity.unique_id.removeprefix(f"{PEARL}_")
        for entity in er.async_entries_for_config_entry(
            er.async_get(home.hass), home.entry.entry_id
        )
    }


class World:
    """A home whose car is asked, or heard."""

    def __init__(self, home: Home, road: str) -> None:
        self.home = home
        self.road = road

    async def set_up(self, *switched_on: tuple[str, str], location: bool = False) -> None:
        """Set up; then have a person switch on some of what is off at first."""
        home = self.home
        if self.road == "poll":
            await home.set_up(location=location)
        else:
            port = free_port()
            home.tesla.telemetry_pace = 20
            home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
            await home.set_up(telemetry=embedded(port), location=location)
            await self.connected()
        if switched_on:
            await self.switch_on(*switched_on)

    async def switch_on(self, *entities: tuple[str, str]) -> None:
        """Have a person switch on some of what is off at first."""
        home = self.home
        await until(lambda: {key for _, key in entities} <= keys_of(home))
        registry = er.async_get(home.hass)
        for platform, key in entities:
            registry.async_update_entity(home.entity_id(platform, key), disabled_by=None)
        # as Home Assistant itself does then
        await home.restart()
        await self.connected()

    async def connected(self) -> None:
        """Wait until the car is connected, if it is to be."""
        if self.road == "push":
            await until(lambda: self.home.state("sensor", "telemetry") == "connected")

    async def shows(self, platform: str, key: str, expected: Callable[[str], bool] | str) -> None:
        """Wait until an entity shows something, told by the road alone."""

        def is_so() -> bool:
            try:
                state = self.home.state(platform, key)
            except AssertionError:
                return False  # not there yet
            return state == expected if isinstance(expected, str) else expected(state)

        if self.road == "poll":
            await ask_again(self.home)
        else:
            # no field's interval is longer
            self.home.tesla.clock.advance(300)
        try:
            await until(is_so, 15)
        except TimeoutError:
            pytest.fail(f"{key} shows {self.home.state(platform, key)}, not {expected}")


def about(number: float, tolerance: float = 0.02) -> Callable[[str], bool]:
    """Return what checks for a number, and not for a word."""

    def check(state: str) -> bool:
        try:
            return float(state) == pytest.approx(number, rel=tolerance, abs=0.06)
        except ValueError:
            return False

    return check
