"""Commands for what is already so: left out where the car itself tells, and never where one would have changed a thing.

The simulated car is the judge: after every command it must be as it was told to be, whether or not a request was sent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
import random
from typing import Any

import pytest

from custom_components.tesla_charging.commands import redundancy
from simulator import Car
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

SEEDS = (1, 4)
STEPS = 25
LISTEN = 1.6
"""A second until a car may say something again, and its way: these cars reconnect twenty times as fast as real ones."""


@pytest.fixture
async def streaming_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    """A home whose car is awake, plugged in, charging, and connected."""
    monkeypatch.setattr(redundancy, "CONTRADICTION_TIME", LISTEN)
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    home.tesla.limits_enabled = False
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.add_car(PEARL, "Pearl", sleep_after=None, charge_limit=90).plug_in(max_amps=16)
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await until(lambda: home.state("sensor", "charging_state") == "charging")
    await act(home, "set_charge_limit", percent=80)  # opens the session that every command needs
    await told(home, "number", "charge_limit", "80")
    yield home
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def act(home: Home, action: str, **data: Any) -> str:
    """Perform an action; return its outcome."""
    response = await home.act(action, **data)
    outcome: str = response["vehicles"][0]["outcome"]
    return outcome


async def told(home: Home, platform: str, key: str, state: str) -> None:
    """Wait until the car has told something, and not just been assumed to be so."""
    assert home.entry is not None
    car = home.entry.runtime_data.cars[home.car.vin]
    await until(lambda: home.state(platform, key) == state and not car.data.assumed)


async def costs(home: Home, action: str, outcome: str, **data: Any) -> int:
    """Perform an action, which must end so; return how many requests it cost."""
    home.tesla.billing.reset()
    assert await act(home, action, **data) == outcome
    return len(home.tesla.billing.requests)


# -- what costs nothing -------------------------------------------------------------------------


async def test_what_the_car_told_costs_nothing(streaming_home: Home) -> None:
    home = streaming_home
    assert await costs(home, "start_charging", "already") == 0
    assert await costs(home, "set_charge_limit", "already", percent=80) == 0


async def test_the_same_command_twice_costs_once(streaming_home: Home) -> None:
    home = streaming_home
    for action, data, entity in (
        ("set_charge_limit", {"percent": 66}, ("number", "charge_limit", "66")),
        ("set_charging_current", {"current": 9}, ("number", "charging_current", "9")),
        ("stop_charging", {}, ("sensor", "charging_state", "stopped")),
    ):
        assert await costs(home, action, "executed", **data) == 1
        await told(home, *entity)
        assert await costs(home, action, "already", **data) == 0


async def test_a_closed_port_is_not_closed_again_but_an_open_one_opened_again(
    streaming_home: Home,
) -> None:
    home = streaming_home
    home.car.unplug()
    await told(home, "cover", "charge_port", "closed")
    assert await costs(home, "close_charge_port", "already") == 0
    assert await act(home, "open_charge_port") == "executed"
    await told(home, "cover", "charge_port", "open")
    assert await costs(home, "open_charge_port", "executed") == 1


async def test_ten_at_once_for_what_is_so_cost_nothing_and_take_no_longer_than_one(
    streaming_home: Home,
) -> None:
    home = streaming_home
    home.tesla.billing.reset()
    async with asyncio.timeout(2 * LISTEN):
        outcomes = await asyncio.gather(*(act(home, "start_charging") for _ in range(10)))
    # each replaced the one before
    assert outcomes == ["superseded"] * 9 + ["already"]
    assert home.tesla.billing.requests == []


async def test_a_switch_that_is_on_costs_nothing_to_turn_on(streaming_home: Home) -> None:
    home = streaming_home
    home.tesla.billing.reset()
    await home.hass.services.async_call(
        "switch", "turn_on", {"entity_id": home.entity_id("switch", "charging")}, blocking=True
    )
    assert home.tesla.billing.requests == []


# -- what does ----------------------------------------------------------------------------------


async def test_force_sends_all_the_same(streaming_home: Home) -> None:
    home = streaming_home
    assert await costs(home, "start_charging", "already", force=True) == 1


async def test_without_the_push_channel_every_command_is_sent(charging_home: Home) -> None:
    home = charging_home
    await act(home, "set_charge_limit", percent=70)
    await home.poll()
    assert home.state("number", "charge_limit") == "70"
    assert await costs(home, "set_charge_limit", "already", percent=70) == 1


async def test_what_is_only_assumed_is_no_reason(streaming_home: Home) -> None:
    home = streaming_home
    home.tesla.telemetry(PEARL).hold()
    assert await costs(home, "set_charge_limit", "executed", percent=61) == 1
    assert home.state("number", "charge_limit") == "61"
    assert await costs(home, "set_charge_limit", "already", percent=61) == 1


async def test_what_somebody_changed_a_moment_ago_is_changed_back(streaming_home: Home) -> None:
    home = streaming_home
    set_by_hand(home.car, 90)
    assert home.state("number", "charge_limit") == "80"
    assert await costs(home, "set_charge_limit", "executed", percent=80) == 1
    assert home.car.snapshot().charge_limit == 80


async def test_a_car_that_has_said_nothing_for_long_is_not_relied_upon(
    streaming_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = streaming_home
    monkeypatch.setattr(redundancy, "SILENCE", timedelta(seconds=0.5))
    home.tesla.telemetry(PEARL).hold()
    await asyncio.sleep(0.6)
    assert await costs(home, "start_charging", "already") == 1


async def test_what_was_told_before_the_connection_was_lost_is_not_relied_upon(
    streaming_home: Home,
) -> None:
    home = streaming_home
    home.tesla.telemetry_hosts.clear()
    home.tesla.telemetry(PEARL).disconnect()
    await until(lambda: home.state("sensor", "telemetry") != "connected")
    assert await costs(home, "start_charging", "already") >= 1


async def test_what_was_told_over_an_earlier_connection_is_not_relied_upon(
    streaming_home: Home,
) -> None:
    home, stream = streaming_home, streaming_home.tesla.telemetry(PEARL)
    hosts = dict(home.tesla.telemetry_hosts)
    home.tesla.telemetry_hosts.clear()
    stream.disconnect()
    await until(lambda: home.state("sensor", "telemetry") != "connected")
    set_by_hand(home.car, 90)
    stream.hold()
    home.tesla.telemetry_hosts.update(hosts)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert home.state("number", "charge_limit") == "80"
    assert await act(home, "set_charge_limit", percent=80) == "executed"
    assert home.car.snapshot().charge_limit == 80


async def test_after_a_lost_answer_nothing_is_left_out(streaming_home: Home) -> None:
    home = streaming_home
    assert await costs(home, "set_charge_limit", "already", percent=80) == 0
    home.tesla.faults.lose_answer_after("signed_command")
    assert await act(home, "open_charge_port") == "unknown"
    assert await costs(home, "set_charge_limit", "already", percent=80) == 1


async def test_what_a_command_under_way_may_change_is_not_known(streaming_home: Home) -> None:
    home = streaming_home
    home.tesla.faults.delay(2 * LISTEN, "signed_command", times=1)
    first = asyncio.create_task(act(home, "set_charge_limit", percent=55))
    await asyncio.sleep(0.1)
    assert await act(home, "set_charge_limit", percent=80) == "executed"
    assert await first == "executed"
    assert home.car.snapshot().charge_limit == 80


async def test_current_at_the_cables_maximum_is_not_known(streaming_home: Home) -> None:
    """A car set to 32 shows the 16 of its cable: 16 would be another setting for the next cable."""
    home = streaming_home
    assert home.state("number", "charging_current") == "16"
    assert await costs(home, "set_charging_current", "executed", current=16) == 1


async def test_a_command_does_not_wait_for_one_that_listens(streaming_home: Home) -> None:
    home = streaming_home
    first = asyncio.create_task(act(home, "set_charge_limit", percent=80))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(LISTEN / 2):
        assert await act(home, "set_charging_current", current=9) == "executed"
    assert await first == "already"


async def test_a_later_command_does_not_overtake_one_that_listens(streaming_home: Home) -> None:
    home = streaming_home
    set_by_hand(home.car, 95)
    first = asyncio.create_task(act(home, "set_charge_limit", percent=80))
    await asyncio.sleep(0.3)
    assert await act(home, "set_charge_limit", percent=55) == "executed"
    await first
    assert home.car.snapshot().charge_limit == 55


def set_by_hand(car: Car, limit: int) -> None:
    """Move the slider on the car's own screen."""
    car._systems.charging.set_limit(limit)


# -- never one too many -------------------------------------------------------------------------


@dataclass
class Story:
    """A random day of one car: commands of this home, and others who use the car."""

    home: Home
    dice: random.Random
    log: list[str] = field(default_factory=list)
    skipped: int = 0
    sent: int = 0

    @property
    def car(self) -> Car:
        return self.home.car

    async def command(self, which: slice = slice(None)) -> None:
        """Act, and compare the car with what it was told."""
        action, data, is_so = self.dice.choice(self._commands()[which])
        self.log.append(f"{action} {data}")
        before = len(self.car.commands)
        response = await self.home.act(action, **data)
        outcome = response["vehicles"][0]["outcome"]
        self.log.append(outcome)
        if len(self.car.commands) == before:
            assert outcome == "already", self.log
            self.skipped += 1
        else:
            self.sent += 1
        if outcome in {"executed", "already"}:
            assert is_so(), self.log

    async def again(self) -> None:
        """Ask for what Home Assistant shows, a while after everybody agreed on it or just after somebody did not."""
        await asyncio.sleep(2.0)
        if self.dice.random() < 0.5:
            await self.other()
            await asyncio.sleep(self.dice.choice((0.0, 0.01, 0.3)))
        shown = self.home.state("number", "charge_limit")
        limit = {"60": 2, "70": 3, "80": 4}.get(shown, 2)
        index = self.dice.choice((0, 1, limit))
        await self.command(slice(index, index + 1))

    async def two_commands(self) -> None:
        """Act twice at once: the later command is the one that counts."""
        one, two = self.dice.choices((60, 70, 80), k=2)
        self.log.append(f"set_charge_limit {one} and {two}")
        await asyncio.gather(
            self.home.act("set_charge_limit", percent=one),
            self.home.act("set_charge_limit", percent=two),
        )
        assert self.car.snapshot().charge_limit == two, self.log

    def _commands(self) -> list[tuple[str, dict[str, Any], Callable[[], bool]]]:
        amps = self.dice.choice((3, 5, 8, 10, 16))
        now = self.car.snapshot
        charging = {"Charging", "Starting"}
        return [
            ("start_charging", {}, lambda: now().charging_state in charging | {"Complete"}),
            ("stop_charging", {}, lambda: now().charging_state not in charging),
            ("set_charge_limit", {"percent": 60}, lambda: now().charge_limit == 60),
            ("set_charge_limit", {"percent": 70}, lambda: now().charge_limit == 70),
            ("set_charge_limit", {"percent": 80}, lambda: now().charge_limit == 80),
            (
                "set_charging_current",
                {"current": amps},
                lambda: now().charge_amps == min(amps, self._ceiling()),
            ),
            ("close_charge_port", {}, lambda: not now().charge_port_door_open),
        ]

    def _ceiling(self) -> int:
        supply = self.car._systems.charging.supply
        return supply.max_amps if supply else 32

    async def other(self) -> None:
        """Let somebody else do something."""
        charging = self.car._systems.charging
        stream = self.home.tesla.telemetry(PEARL)
        doings: dict[str, Callable[[], object]] = {
            "starts": charging.start,
            "stops": charging.stop,
            "limit 60": lambda: charging.set_limit(60),
            "limit 70": lambda: charging.set_limit(70),
            "limit 80": lambda: charging.set_limit(80),
            "8 A": lambda: charging.set_amps(8),
            "10 A": lambda: charging.set_amps(10),
            "plugs in": lambda: self.car.plug_in(max_amps=16),
            "plugs in a slow one": lambda: self.car.plug_in(max_amps=10),
            "unplugs": self.car.unplug,
            "opens the port": self.car._systems.port.open,
            "closes the port": self._close,
            "tunnel": stream.disconnect,
            "power off": lambda: self.car.set_power(False),
            "power on": lambda: self.car.set_power(True),
        }
        name = self.dice.choice(sorted(doings))
        self.log.append(name)
        doings[name]()

    def _close(self) -> None:
        if not self.car._systems.port.supply:
            self.car._systems.port.close()

    async def wait(self) -> None:
        """Let the car tell what it has to tell, or only a part of it."""
        seconds = self.dice.choice((0.05, 0.5, 2.0))
        self.log.append(f"{seconds} s")
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_command_is_left_out_that_would_have_changed_something(
    streaming_home: Home, seed: int
) -> None:
    story = Story(streaming_home, random.Random(seed))
    story.car._systems.charging.onboard_max_amps = 32
    happenings = (story.command, story.again, story.two_commands, story.other, story.wait)
    for _ in range(STEPS):
        await story.dice.choices(happenings, (4, 4, 1, 2, 1))[0]()
    assert story.skipped, story.log
    assert story.sent, story.log
