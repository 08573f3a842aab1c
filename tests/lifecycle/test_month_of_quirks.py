"""Days of a car that does everything that owners' cars were seen to do: nothing breaks, and what is shown is sane."""

import asyncio
from collections.abc import Iterator, Mapping
import logging
import math
import random
import re
from typing import Any, Final

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.tesla_charging.commands import commander, redundancy, wake
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.vehicle_command import COMMANDS, sender
from simulator import Car, Quirk
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

HOUR: Final = 3600.0
ALWAYS: Final = (
    Quirk.COUNTER_IS_NET,
    Quirk.DEPARTURE_KEEPS_ITS_DATE,
    Quirk.FAST_CHARGER_READS_IDLE,
    Quirk.FIRST_RECORD_AHEAD,
    Quirk.LAST_CABLE_MAXIMUM,
    Quirk.ODOMETER_DIFFERS,
    Quirk.PROTOCOL_DENIED,
    Quirk.SENTINEL_RANGE,
    Quirk.TWO_PHASES,
)
"""What such a car does all the time."""
EPISODES: Final[Mapping[Quirk, dict[str, Any]]] = {
    Quirk.ANSWER_HANGS: {"seconds": 0.05, "times": 1},
    Quirk.ANSWERS_ASLEEP: {"lasts": HOUR},
    Quirk.COMMAND_HANGS: {"seconds": 0.05, "times": 1},
    Quirk.COMMAND_UNAVAILABLE: {"times": 1},
    Quirk.CHARGES_ON_SOLAR: {"lasts": HOUR / 4},
    Quirk.COUNTER_READS_ZERO: {"lasts": HOUR / 2},
    Quirk.DATA_FAILS: {"lasts": 2 * HOUR},
    Quirk.DELIVERED_TWICE: {"times": 1},
    Quirk.GIVES_UP: {"lasts": HOUR},
    Quirk.HEATER_OUTDRAWS_CHARGER: {"lasts": HOUR},
    Quirk.HOT_PLUG: {"lasts": 2 * HOUR},
    Quirk.IN_SERVICE: {"lasts": HOUR},
    Quirk.LOST_PUSH: {"times": 1},
    Quirk.LOST_WHILE_CHARGING: {"times": 1, "seconds": 600.0},
    Quirk.NEVER_PUSHED: {"lasts": HOUR},
    Quirk.NULL_POLL: {"times": 1},
    Quirk.OUT_OF_COVERAGE: {"lasts": HOUR / 2},
    Quirk.READ_BACK_LAGS: {"lasts": HOUR, "seconds": 50.0},
    Quirk.RESTS_NEAR_LIMIT: {"lasts": HOUR},
    Quirk.SLEEPS_THROUGH_START: {"lasts": HOUR},
    Quirk.START_FAILS: {"lasts": HOUR},
    Quirk.STOPS_AFTER_UPDATE: {"lasts": 3 * HOUR},
    Quirk.STUCK_ON_STARTING: {"lasts": HOUR},
    Quirk.UNKNOWN_WORD: {"lasts": HOUR / 3},
}
"""What it does from time to time."""
OUTAGES: Final = frozenset({Quirk.DATA_FAILS, Quirk.IN_SERVICE, Quirk.OUT_OF_COVERAGE})
SAID: Final = re.compile("does not give the data of the car")
"""The one warning: once for each outage."""
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "battery": (0, 100),
    "current": (0, 400),
    "distance": (0, 100_000),
    "duration": (0, 100),
    "energy": (0, 5_000),
    "energy_storage": (0, 130),
    "monetary": (0, 10),
    "power": (0, 250),
    "speed": (0, 2_000),
    "voltage": (0, 500),
}
"""By device class: what can be true of this car."""
GROWS: Final = ("odometer", "energy_charged", "energy_charged_home", "energy_charged_away")


def test_every_quirk_is_switched_on() -> None:
    assert {*ALWAYS, *EPISODES} == {*Quirk}


class Days:
    """So many days of one car, and of the home that looks at it."""

    def __init__(self, home: Home, days: int, *, streams: bool) -> None:
        self.home, self.days, self.streams = home, days, streams
        self.dice = random.Random(days * 2 + streams)
        self.here = (home.hass.config.latitude, home.hass.config.longitude)
        self.highest: dict[str, float] = {}
        self.outcomes: list[str] = []
        """What came of each command."""
        self.sessions = 1
        self.outages = 0
        self.lost_at: float | None = None
        self.seen: set[Quirk] = set()
        self.passed = 0.0
        self.already = 0.0
        # each kind of episode once in two days
        self.plan = sorted(
            (self.dice.uniform(start, start + 2 * 24 * HOUR), quirk.value)
            for start in (day * 24 * HOUR for day in range(0, days, 2))
            for quirk in EPISODES
        )

    @property
    def car(self) -> Car:
        return self.home.car

    async def set_up(self) -> None:
        home = self.home
        home.add_car(PEARL, "Pearl", home=self.here, battery_kwh=75.0, quirks=ALWAYS)
        if self.streams:
            port = free_port()
            home.tesla.telemetry_pace = 200
            home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
            await home.set_up(telemetry=embedded(port), location=True)
            await until(lambda: home.state("sensor", "telemetry") == "connected")
        else:
            await home.set_up(location=True)
        registry = er.async_get(home.hass)
        assert home.entry is not None
        for entry in er.async_entries_for_config_entry(registry, home.entry.entry_id):
            registry.async_update_entity(entry.entity_id, disabled_by=None)
        await home.restart()
        await self.look()
        self.already = self.car.charged_kwh

    # -- time ----------------------------------------------------------------------------------------

    async def wait(self, hours: float, step: float = 900.0) -> None:
        """Let time pass, with whatever is planned for it, and look again and again."""
        end = self.passed + hours * HOUR
        while self.passed < end:
            seconds = min(step, end - self.passed)
            self.home.tesla.clock.advance(seconds)
            self.passed += seconds
            while self.plan and self.plan[0][0] <= self.passed:
                self.begin(Quirk(self.plan.pop(0)[1]))
            self.find_again()
            await self.look()

    def begin(self, quirk: Quirk) -> None:
        """Let an episode begin."""
        if quirk is Quirk.STOPS_AFTER_UPDATE:
            self.car.install_firmware(f"2026.32.{6 + len(self.seen)}")
        self.car.quirks.add(quirk, **EPISODES[quirk])
        self.seen.add(quirk)
        self.outages += quirk in OUTAGES

    def find_again(self) -> None:
        """Bring a car back that was lost while it charged, some hours later."""
        if self.car.state == "offline" and Quirk.OUT_OF_COVERAGE not in self.car.quirks:
            self.lost_at = self.lost_at or self.passed
            if self.passed - self.lost_at > 2 * HOUR:
                self.car.set_offline(False)
                self.lost_at = None

    async def look(self) -> None:
        await self.home.poll()
        if self.streams:
            await asyncio.sleep(0.03)
            await self.home.settle()
        self.check()

    # -- what must hold at any moment ----------------------------------------------------------------

    def states(self) -> Iterator[tuple[str, State]]:
        assert self.home.entry is not None
        registry = er.async_get(self.home.hass)
        for entry in er.async_entries_for_config_entry(registry, self.home.entry.entry_id):
            state = self.home.hass.states.get(entry.entity_id)
            if state is not None and state.state not in {STATE_UNAVAILABLE, STATE_UNKNOWN}:
                yield entry.unique_id.removeprefix(f"{PEARL}_"), state

    def check(self) -> None:
        for key, state in self.states():
            bounds = BOUNDS.get(state.attributes.get("device_class", ""))
            if bounds is None:
                continue
            value = float(state.state)
            assert math.isfinite(value), f"{key} is {value}"
            assert bounds[0] <= value <= bounds[1], f"{key} is {value}"
            if key in GROWS:
                assert value >= self.highest.get(key, 0.0), f"{key} sank"
                self.highest[key] = value
        assert self.counted <= self.true + 0.75 * self.sessions, "more than was charged"

    @property
    def counted(self) -> float:
        return self.highest.get("energy_charged", 0.0)

    @property
    def true(self) -> float:
        return self.car.charged_kwh - self.already

    # -- what people do ------------------------------------------------------------------------------

    async def wish(self, action: str, name: str, **data: Any) -> None:
        """Command something through an action."""
        before = len(self.car.commands)
        try:
            answer = await self.home.act(action, **data)
        except HomeAssistantError as err:
            outcome = str(err.translation_key)
        else:
            outcome = answer["vehicles"][0]["outcome"]
        self.outcomes.append(outcome)
        executed = [told.name for told in self.car.commands[before:] if told.reply.result]
        times = executed.count(name)
        assert set(executed) <= {name}
        assert times <= (1 if not COMMANDS[name].repeatable or outcome == "executed" else 2)
        if outcome not in {"executed", "already", "unknown"}:
            assert times == 0, f"{name} was executed, and is said to be {outcome}"

    def plug_in(self, *, fast: bool = False) -> None:
        self.sessions += 1
        if fast:
            self.car.plug_in_fast(100)
        else:
            self.car.plug_in()

    async def drive(self, ahead: float) -> None:
        self.car.drive_away(self.here[0] + ahead, self.here[1])
        await self.wait(0.7, 300)

    async def live(self) -> None:
        for day in range(self.days):
            await self.wait(7)
            await self.wish("set_charge_limit", "set_charge_limit", percent=60 + day % 30)
            await self.drive(0.3)
            if day % 3 == 1:
                self.plug_in(fast=True)
                await self.wait(0.4, 120)
            await self.wait(8.5)
            await self.drive(0)
            await self.wish("open_charge_port", "charge_port_door_open")
            self.plug_in()
            await self.wait(1, 300)
            await self.wish("stop_charging", "charge_stop")
            await self.wait(1)
            await self.wish("start_charging", "charge_start")
            await self.wish("set_charging_current", "set_charging_amps", current=6 + day % 10)
            await self.wait(24 - (self.passed / HOUR) % 24, 600)
        # what was charged while it could not be reached is known once it is awake
        self.plan.clear()
        await self.wait(3)
        self.car.set_offline(False)
        self.car.wake()
        await self.wait(1, 300)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting is short: the test turns the clock."""
    monkeypatch.setattr(commander, "RETRY_DELAY", 0.05)
    monkeypatch.setattr(wake, "WAKE_POLL", 0.03)
    monkeypatch.setattr(wake, "WAKE_TIMEOUT", 0.9)
    monkeypatch.setattr(sender, "PAUSE", 0.02)
    monkeypatch.setattr(redundancy, "CONTRADICTION_TIME", 0.02)


async def through(
    home: Home, caplog: pytest.LogCaptureFixture, days: int, *, streams: bool
) -> None:
    caplog.set_level(logging.INFO)
    lived = Days(home, days, streams=streams)
    await lived.set_up()
    await lived.live()
    assert lived.seen == {*EPISODES}
    said = [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and (record.exc_info or record.name.startswith(f"custom_components.{DOMAIN}"))
        and "SIMULATED" not in record.getMessage()
    ]
    assert [message for message in said if not SAID.search(message)] == []
    assert len(said) <= lived.outages
    assert lived.counted == pytest.approx(lived.true, rel=0.05)
    billing = home.tesla.billing
    wishes = len(lived.outcomes)
    assert billing.count("wake") <= wishes
    assert billing.count("command") <= 3 * wishes
    assert billing.count("data") <= days * (20 if streams else 40)
    assert lived.outcomes.count("executed") >= wishes / 3


@pytest.mark.parametrize("streams", [False, True])
async def test_two_days(
    turned_clock: Home, quick: None, caplog: pytest.LogCaptureFixture, streams: bool
) -> None:
    await through(turned_clock, caplog, 2, streams=streams)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("streams", [False, True])
async def test_a_month(
    turned_clock: Home, quick: None, caplog: pytest.LogCaptureFixture, streams: bool
) -> None:
    await through(turned_clock, caplog, 30, streams=streams)
