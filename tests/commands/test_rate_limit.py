"""Limits of what a car may be told: a runaway is stopped before it costs, a person and a sensible automation are not."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from homeassistant.auth.models import User
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.commands import commander, wake
from custom_components.tesla_charging.commands.rate_guard import QUIET
from custom_components.tesla_charging.commands.rate_limit import (
    DAY,
    HOUR,
    LIMITS,
    MINUTE,
    CommandRateLimit,
    LimitReached,
    Use,
)
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.vehicle_command import COMMANDS, CommandRequest
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.repairs import issue_of, told

START = COMMANDS["charge_start"]()
STOP = COMMANDS["charge_stop"]()


def current(amperes: int) -> CommandRequest:
    return COMMANDS["set_charging_amps"](charging_amps=amperes)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = 1_790_000_000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> CommandRateLimit:
    return CommandRateLimit(clock.now)


def passed(
    clock: Clock, seconds: float, every: float, act: Callable[[int], None]
) -> tuple[int, int]:
    """Act again and again; return how often that passed, and how often it was refused."""
    done = refused = 0
    for turn in range(int(seconds / every)):
        try:
            act(turn)
            done += 1
        except LimitReached:
            refused += 1
        clock.at += every
    return done, refused


# -- what is let through -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("every", "hours"), [(10.0, 8.0), (30.0, 24.0)])
def test_a_current_that_follows_the_sun_for_hours_is_never_refused(
    clock: Clock, limit: CommandRateLimit, every: float, hours: float
) -> None:
    _, refused = passed(
        clock,
        hours * HOUR,
        every,
        lambda turn: limit.count_command(current(6 + turn % 7), by_user=False),
    )
    assert refused == 0


def test_charging_that_is_started_and_stopped_with_the_clouds_is_never_refused(
    clock: Clock, limit: CommandRateLimit
) -> None:
    """Every ten minutes of a summer's day, and the current every half minute besides."""

    def act(turn: int) -> None:
        if turn % 20 == 0:
            limit.count_command(START if turn % 40 else STOP, by_user=False)
        limit.count_command(current(6 + turn % 7), by_user=False)

    assert passed(clock, 17 * HOUR, 30.0, act)[1] == 0


def test_saying_it_once_more_every_minute_of_a_night_is_let_through(
    clock: Clock, limit: CommandRateLimit
) -> None:
    _, refused = passed(
        clock, 5 * HOUR, MINUTE, lambda _: limit.count_command(START, by_user=False)
    )
    assert refused == 0


def test_a_person_may_tap_as_fast_as_teslas_own_limit_allows(
    clock: Clock, limit: CommandRateLimit
) -> None:
    done, _ = passed(
        clock, MINUTE, 1.0, lambda turn: limit.count_command(current(5 + turn), by_user=True)
    )
    assert done == 30


# -- what is not -------------------------------------------------------------------------------------------


def test_the_same_thing_without_end_costs_six_cents_an_hour_and_thirty_a_day(
    clock: Clock, limit: CommandRateLimit
) -> None:
    def act(_: int) -> None:
        limit.count_command(START, by_user=False)

    assert passed(clock, HOUR, 5.0, act)[0] == 60
    assert passed(clock, 23 * HOUR, 5.0, act)[0] == 240
    assert passed(clock, 9 * DAY, 60.0, act)[0] <= 9 * 300


def test_two_things_in_turn_without_end_are_a_runaway_as_well(
    clock: Clock, limit: CommandRateLimit
) -> None:
    def act(turn: int) -> None:
        limit.count_command(current(6 + turn % 2), by_user=False)

    assert passed(clock, DAY, 1.0, act)[0] <= 3000


def test_starting_and_stopping_in_turn_are_two_repetitions(
    clock: Clock, limit: CommandRateLimit
) -> None:
    def act(turn: int) -> None:
        limit.count_command(START if turn % 2 else STOP, by_user=False)

    assert passed(clock, HOUR, 4.0, act)[0] == 120


@pytest.mark.parametrize(
    ("use", "an_hour", "a_day"), [("wake", 12, 60), ("data", 30, 300)], ids=["wake", "data"]
)
def test_waking_and_asking_have_limits_of_their_own(
    clock: Clock, limit: CommandRateLimit, use: str, an_hour: int, a_day: int
) -> None:
    def act(_: int) -> None:
        getattr(limit, f"count_{use}")(by_user=False)

    assert passed(clock, HOUR, 10.0, act)[0] == an_hour
    assert passed(clock, 23 * HOUR, 10.0, act)[0] == a_day - an_hour
    limit.count_command(START, by_user=False)


def test_a_refusal_says_when_it_is_possible_again_and_then_it_is(
    clock: Clock, limit: CommandRateLimit
) -> None:
    began = clock.at
    for _ in range(12):
        limit.count_wake(by_user=False)
    clock.at += 600
    with pytest.raises(LimitReached) as caught:
        limit.count_wake(by_user=False)
    assert caught.value.until == began + HOUR
    assert caught.value.limit.use is Use.WAKE
    clock.at = began + HOUR - 1
    with pytest.raises(LimitReached):
        limit.count_wake(by_user=False)
    clock.at = began + HOUR
    limit.count_wake(by_user=False)


def test_a_person_passes_a_limit_that_an_automation_used_up_but_not_for_ever(
    clock: Clock, limit: CommandRateLimit
) -> None:
    def automation(_: int) -> None:
        limit.count_command(START, by_user=False)

    passed(clock, HOUR / 2, 5.0, automation)
    assert passed(clock, 60.0, 2.0, lambda _: limit.count_command(START, by_user=True))[0] == 30
    with pytest.raises(LimitReached):
        limit.count_command(START, by_user=True)
    # what the automation does not do is not taken from the person
    limit.count_command(STOP, by_user=True)
    # and a person takes nothing from what an automation may do
    assert passed(clock, 10.0, 5.0, automation)[0] == 0


def test_what_was_refused_is_counted_nowhere(clock: Clock, limit: CommandRateLimit) -> None:
    passed(clock, DAY - HOUR, 5.0, lambda _: limit.count_command(START, by_user=False))
    # thousands were refused, but the day's limit of all commands is not touched by them
    assert (
        passed(
            clock, 300.0, 5.0, lambda turn: limit.count_command(current(turn % 48), by_user=False)
        )[0]
        == 60
    )


def test_a_clock_that_is_set_back_locks_nobody_out(clock: Clock, limit: CommandRateLimit) -> None:
    for _ in range(60):
        clock.at += 5
        limit.count_command(START, by_user=False)
    clock.at -= 400 * DAY
    limit.count_command(START, by_user=False)


@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_things_exceeds_a_row_of_the_table(seed: int) -> None:
    chance = Random(seed)
    acts = [
        (
            chance.choice([0.0, 1.0, 10.0, 100.0, 2000.0]),
            chance.choice(["start", "amps", "wake", "data"]),
            chance.random() < 0.5,
        )
        for _ in range(1500)
    ]
    clock = Clock()
    limit = CommandRateLimit(clock.now)
    done: list[tuple[float, Use]] = []
    for pause, what, by_hand in acts:
        clock.at += pause
        try:
            match what:
                case "start":
                    limit.count_command(START, by_user=by_hand)
                case "amps":
                    limit.count_command(current(len(done) % 40), by_user=by_hand)
                case use:
                    getattr(limit, f"count_{use}")(by_user=by_hand)
        except LimitReached:
            continue
        done.append((clock.at, Use(what) if what in {"wake", "data"} else Use.COMMAND))
    for row in LIMITS:
        times = [at for at, use in done if use is row.use]
        for at in times:
            assert sum(at - row.seconds < t <= at for t in times) <= row.count + row.by_user


# -- through Home Assistant --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quick_wake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a wake-up checked often: a simulated car wakes in a moment."""
    monkeypatch.setattr(wake, "WAKE_POLL", 0.3)
    monkeypatch.setattr(commander, "RETRY_DELAY", 0.3)


@pytest.fixture
def turned(turned_clock: Home, charging_home: Home) -> Home:
    """A charging home whose clocks, here and at Tesla, are turned by the test."""
    return charging_home


async def storm(home: Home, times: int, **data: Any) -> list[HomeAssistantError]:
    """Perform an action many times, without a pause; return the errors."""
    errors: list[HomeAssistantError] = []
    for _ in range(times):
        try:
            await home.act("set_charge_limit", **{"percent": 70, **data})
        except HomeAssistantError as err:
            errors.append(err)
    return errors


async def test_a_hundred_at_the_same_moment_are_counted_before_they_are_sent(turned: Home) -> None:
    home = turned
    await home.act("set_charge_limit", percent=71)
    home.tesla.clock.advance(MINUTE + 1)
    home.tesla.billing.reset()
    done = await asyncio.gather(
        *(home.act("add_charge_schedule", start_time="23:00") for _ in range(100)),
        return_exceptions=True,
    )
    errors = [err for err in done if isinstance(err, HomeAssistantError)]
    assert len(errors) == 80
    assert home.tesla.billing.count("command") == 20
    assert {err.translation_key for err in errors} == {"too_often_told"}
    assert "Pearl was given 20 commands within 1 min." in str(errors[0])
    # Tesla itself refused none of them
    assert all(line.status == 200 for line in home.tesla.billing.requests)


async def runaway(home: Home, minutes: int) -> int:
    """Say the same thing every twenty seconds; return how often that was refused."""
    refused = 0
    for _ in range(minutes * 3):
        refused += len(await storm(home, 1))
        home.tesla.clock.advance(20)
    return refused


async def test_a_runaway_is_told_as_an_issue_that_goes_by_itself(turned: Home) -> None:
    home = turned
    home.tesla.billing.reset()
    assert await runaway(home, 25) == 15
    assert home.tesla.billing.count("command") == pytest.approx(60, abs=2)
    assert told(home) == {"runaway_commands"}
    issue = issue_of(home, "runaway_commands")
    assert (issue.severity, issue.is_fixable) == (ir.IssueSeverity.WARNING, False)
    placeholders = issue.translation_placeholders or {}
    assert (placeholders["car"], placeholders["detail"]) == ("Pearl", "set_charge_limit")
    assert placeholders["count"] == "8"
    # half an hour is not long enough, an hour is
    for seconds, left in ((QUIET / 2, {"runaway_commands"}), (QUIET, set())):
        home.tesla.clock.advance(seconds)
        async_fire_time_changed(
            home.hass, dt_util.utcnow() + timedelta(seconds=seconds + 1), fire_all=True
        )
        await home.settle()
        assert told(home) == left


async def test_the_issue_goes_with_the_entry_and_comes_again_with_the_runaway(
    turned: Home,
) -> None:
    home = turned
    await runaway(home, 21)
    assert told(home) == {"runaway_commands"}
    await home.restart()
    assert told(home) == set()


async def test_an_automation_that_loads_the_entry_anew_gains_nothing(turned: Home) -> None:
    home = turned
    assert len(await storm(home, 30)) == 10
    await home.restart()
    (error,) = await storm(home, 1)
    assert error.translation_key == "too_often_told"
    assert told(home) == {"runaway_commands"}


async def test_what_is_refused_after_the_entry_was_unloaded_tells_nobody(turned: Home) -> None:
    """A command that waits for its car outlives its account; a timer left behind fails this test."""
    home = turned
    for turn in range(12):
        home.car.sleep()
        await home.poll()
        await home.act("set_charge_limit", percent=60 + turn)
        home.tesla.clock.advance(90)
    home.car.sleep()
    await home.poll()
    home.tesla.faults.delay(0.2, f"vehicles/{PEARL}")
    waiting = asyncio.create_task(storm(home, 1))
    await asyncio.sleep(0.05)
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    (error,) = await waiting
    assert error.translation_key == "too_often_woken"
    assert told(home) == set()


async def test_one_cars_runaway_leaves_the_other_alone(home: Home, turned_clock: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name, sleep_after=None).plug_in()
    await home.set_up()
    assert await storm(home, 30)
    await home.act("set_charge_limit", device_id=home.device_id(MIDNIGHT), percent=66)
    assert home.cars[MIDNIGHT].snapshot().charge_limit == 66


@pytest.mark.parametrize("road", ["action", "entity"])
async def test_a_person_is_let_through_where_an_automation_is_not(
    turned: Home, hass_admin_user: User, road: str
) -> None:
    home = turned
    assert await storm(home, 30)

    async def by(context: Context) -> None:
        if road == "action":
            domain, service = DOMAIN, "set_charge_limit"
            data: dict[str, Any] = {"device_id": home.device_id(), "percent": 77}
        else:
            domain, service = "number", "set_value"
            data = {ATTR_ENTITY_ID: home.entity_id("number", "charge_limit"), "value": 77}
        await home.hass.services.async_call(domain, service, data, blocking=True, context=context)

    with pytest.raises(HomeAssistantError) as caught:
        await by(Context(parent_id="of_an_automation"))
    assert caught.value.translation_key == "too_often_told"
    await by(Context(user_id=hass_admin_user.id))
    assert home.car.snapshot().charge_limit == 77


async def test_a_car_that_wants_to_sleep_is_not_woken_without_end(turned: Home) -> None:
    home = turned
    home.tesla.billing.reset()
    errors: list[str | None] = []
    for turn in range(20):
        home.car.sleep()
        await home.poll()
        try:
            await home.act("set_charge_limit", percent=60 + turn)
        except HomeAssistantError as err:
            errors.append(err.translation_key)
        home.tesla.clock.advance(90)
    assert home.tesla.billing.count("wake") == 12
    assert errors == ["too_often_woken"] * 8
    assert home.tesla.billing.count("command") == 12 + 1  # the first one ever shakes hands
    # the button is no way round it
    with pytest.raises(HomeAssistantError):
        await home.act("wake_up")
    assert home.tesla.billing.count("wake") == 12


async def test_low_currents_which_the_car_is_told_twice_leave_a_person_what_tesla_allows(
    turned: Home, hass_admin_user: User
) -> None:
    home = turned
    await home.act("set_charge_limit", percent=71)
    home.tesla.clock.advance(MINUTE + 1)
    home.tesla.billing.reset()
    refused: list[HomeAssistantError] = []
    for number in range(30):
        try:
            await home.act("set_charging_current", current=1 + number % 4)
        except HomeAssistantError as err:
            refused.append(err)
    assert {err.translation_key for err in refused} == {"too_often_told"}
    await home.hass.services.async_call(
        DOMAIN,
        "set_charge_limit",
        {"device_id": home.device_id(), "percent": 77},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert all(line.status == 200 for line in home.tesla.billing.requests)


async def test_what_costs_nothing_is_not_counted(turned: Home) -> None:
    home = turned
    for _ in range(40):
        await home.act("wake_up")
    assert home.tesla.billing.count("wake") == 0
    assert told(home) == set()
