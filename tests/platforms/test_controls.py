"""Controls: pending while a command is on its way, then as commanded until the car speaks, and true after a refusal."""

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Event, EventStateChangedData, State, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from simulator.car.command_table import REST_COMMANDS
from tests.support.entities import ask_again, call

from ..support.home import MIDNIGHT, PEARL, Home

CONTROLS: list[Any] = [
    pytest.param("switch", "charging", "turn_off", {}, "on", "off", id="switch"),
    pytest.param("number", "charge_limit", "set_value", {"value": 90}, "80", "90", id="limit"),
    pytest.param("number", "charging_current", "set_value", {"value": 8}, "16", "8", id="current"),
]


def watch(home: Home, platform: str, key: str) -> list[tuple[str, bool]]:
    """Return what a control shows from now on, each time that it shows something else."""
    shown: list[tuple[str, bool]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state is not None
        shown.append((state.state, state.attributes["pending"]))

    async_track_state_change_event(home.hass, home.entity_id(platform, key), note)
    return shown


@pytest.mark.parametrize(("platform", "key", "service", "data", "before", "after"), CONTROLS)
async def test_a_control_is_pending_until_the_car_has_accepted(
    charging_home: Home,
    platform: str,
    key: str,
    service: str,
    data: dict[str, Any],
    before: str,
    after: str,
) -> None:
    home = charging_home
    assert home.state(platform, key) == before
    shown = watch(home, platform, key)
    await call(home, platform, key, service, **data)
    await home.hass.async_block_till_done()
    assert shown == [(before, True), (after, True), (after, False)]
    await ask_again(home)
    assert home.state(platform, key) == after


@pytest.mark.parametrize(("platform", "key", "service", "data", "before", "after"), CONTROLS)
async def test_after_a_refusal_a_control_shows_what_is_true(
    charging_home: Home,
    platform: str,
    key: str,
    service: str,
    data: dict[str, Any],
    before: str,
    after: str,
) -> None:
    home = charging_home
    home.tesla.faults.status(500, "signed_command", times=10)
    shown = watch(home, platform, key)
    with pytest.raises(HomeAssistantError):
        await call(home, platform, key, service, **data)
    await home.hass.async_block_till_done()
    assert shown == [(before, True), (before, False)]


async def test_the_car_has_the_last_word_about_what_was_commanded(charging_home: Home) -> None:
    home = charging_home
    await call(home, "number", "charging_current", "set_value", value=12)
    assert home.state("number", "charging_current") == "12"
    # somebody pulls the slider in the car
    home.car._run(REST_COMMANDS["set_charging_amps"], {"charging_amps": 7}, "rest")
    home.tesla.clock.advance(30)
    await ask_again(home)
    assert home.state("number", "charging_current") == "7"


async def test_a_sleeping_car_is_pending_as_long_as_it_takes_to_wake_up(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(MIDNIGHT, "Midnight", wake_seconds=1.0)
    await home.set_up()
    car.sleep()
    await home.poll()

    def limit() -> State:
        state = home.hass.states.get(home.entity_id("number", "charge_limit"))
        assert state is not None
        return state

    service = home.hass.services.async_call(
        "number",
        "set_value",
        {ATTR_ENTITY_ID: home.entity_id("number", "charge_limit"), "value": 66},
        blocking=True,
    )
    task = home.hass.async_create_task(service)
    await asyncio.sleep(0.3)
    assert (limit().state, limit().attributes["pending"]) == ("80", True)
    await task
    assert (limit().state, limit().attributes["pending"]) == ("66", False)


@pytest.mark.parametrize(
    ("happening", "key", "bound", "expected"),
    [
        (lambda car: car.plug_in(max_amps=10), "charging_current", "max", 32),
        (lambda car: car.plug_in(max_amps=32), "charging_current", "max", 32),
        (lambda car: None, "charge_limit", "min", 50),
        (lambda car: None, "charge_limit", "max", 100),
    ],
)
async def test_bounds_follow_the_car_and_its_cable(
    charging_home: Home,
    happening: Callable[[Any], None],
    key: str,
    bound: str,
    expected: float,
) -> None:
    home = charging_home
    happening(home.car)
    home.tesla.clock.advance(60)
    await ask_again(home)
    state = home.hass.states.get(home.entity_id("number", key))
    assert state is not None
    assert state.attributes[bound] == expected


@pytest.mark.parametrize("protocol", ["required", "not_supported"])
@pytest.mark.parametrize("cable", [None, 16])
async def test_more_than_the_cable_gives_is_accepted_and_what_is_used_is_shown(
    home: Home, protocol: str, cable: int | None
) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", protocol=protocol, max_amps=48, sleep_after=None)
    if cable:
        car.plug_in(max_amps=cable)
    await home.set_up()
    await call(home, "number", "charging_current", "set_value", value=32)
    assert [command.name for command in car.commands] == ["set_charging_amps"]
    shown = home.hass.states.get(home.entity_id("number", "charging_current"))
    assert shown is not None
    assert shown.attributes["effective_current"] == 16
    response = await home.act("set_charging_current", current=80)
    assert response["vehicles"][0]["outcome"] in {"executed", "already"}
    assert response["vehicles"][0]["effective_current"] == 16


async def test_the_slider_keeps_the_highest_maximum_that_the_car_ever_reported(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", max_amps=48, sleep_after=None)
    car.plug_in(max_amps=48)
    await home.set_up()

    def highest() -> float:
        state = home.hass.states.get(home.entity_id("number", "charging_current"))
        assert state is not None
        found: float = state.attributes["max"]
        return found

    assert highest() == 48
    car.unplug()
    car.plug_in(max_amps=10)
    home.tesla.clock.advance(60)
    await ask_again(home)
    assert highest() == 48
    await home.restart()
    assert highest() == 48


@pytest.mark.parametrize("key", ["charge_limit", "charging_current"])
async def test_a_value_that_is_no_number_is_out_of_range(charging_home: Home, key: str) -> None:
    """A template that divides by zero gives it."""
    home = charging_home
    with pytest.raises(ServiceValidationError) as caught:
        await call(home, "number", key, "set_value", value="nan")
    assert "nan" in str(caught.value)
    assert not home.car.commands
