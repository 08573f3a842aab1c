"""The decision what to ask of a car: over a grid of everything that can be known, and by its properties."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from custom_components.tesla_charging.const import (
    CHARGING_INTERVAL,
    IDLE_INTERVAL,
    QUIET_AFTER,
    QUIET_INTERVAL,
    STATE_INTERVAL,
)
from custom_components.tesla_charging.fleet_api import VehicleState as Connection
from custom_components.tesla_charging.polling import (
    ONLY_POLLED,
    SILENCE,
    Ask,
    Known,
    is_incomplete,
    next_question,
)
from custom_components.tesla_charging.telemetry_problem import TelemetryTrouble
from custom_components.tesla_charging.vehicle_state import Reading, VehicleState

NOW = 1_790_000_000.0
MINUTE = 60.0
HALF_A_STEP = STATE_INTERVAL.total_seconds() / 2
ASKED = Known(seen=Connection.ONLINE, asked_at=NOW, changed_at=NOW)
LATER = [None, *(MINUTE * minutes for minutes in (-60, 0, 1, 4, 5, 9, 11, 14, 15, 29, 31, 90))]
"""How long ago something was, in seconds; below zero after our clock was set back."""


def ago(seconds: float | None) -> float | None:
    return None if seconds is None else NOW - seconds


def everything() -> Iterator[Known]:
    yes_no = (False, True)
    for seen, woke, charging, streaming, confirm, incomplete in product(
        (None, *Connection), yes_no, yes_no, yes_no, yes_no, yes_no
    ):
        for pushed, asked, changed in product(LATER, LATER, LATER[1:]):
            yield Known(
                seen=seen,
                woke=woke,
                charging=charging,
                streaming=streaming,
                confirm_wanted=confirm,
                incomplete=incomplete,
                pushed_at=ago(pushed),
                asked_at=ago(asked),
                changed_at=ago(changed) or 0.0,
            )


def test_data_are_never_asked_of_a_car_that_is_not_known_to_be_online() -> None:
    asked = {known.seen for known in everything() if next_question(known, NOW) is Ask.DATA}
    assert asked == {Connection.ONLINE}


def test_the_free_question_comes_first_and_only_once() -> None:
    for known in everything():
        assert (next_question(known, NOW) is Ask.STATE) <= (known.seen is None)
        if known.seen is not None and known.seen is not Connection.ONLINE:
            assert next_question(known, NOW) is Ask.NOTHING


def test_nothing_is_asked_while_the_car_pushes_unless_a_command_waits_for_its_confirmation() -> (
    None
):
    pushing = [known for known in everything() if known.seen is None and known.pushes(NOW)]
    assert pushing
    for known in pushing:
        if not known.incomplete:
            assert (next_question(known, NOW) is Ask.NOTHING) is not known.confirm_wanted


def test_a_car_that_does_not_push_is_always_looked_at() -> None:
    for known in everything():
        if known.seen is None and not known.pushes(NOW):
            assert next_question(known, NOW) is Ask.STATE


def test_a_command_is_confirmed_whatever_else_is_known() -> None:
    for known in everything():
        if known.confirm_wanted and known.seen is Connection.ONLINE:
            assert next_question(known, NOW) is Ask.DATA


def test_what_is_worth_asking_now_is_worth_it_later_too() -> None:
    """Unless the car has become quiet in between, which is asked more rarely."""
    for known in everything():
        if known.seen is not Connection.ONLINE or next_question(known, NOW) is not Ask.DATA:
            continue
        if known.asked_at is not None and known.asked_at > NOW:
            continue
        always_busy = replace(known, woke=True)
        for minutes in (1, 10, 100):
            assert next_question(always_busy, NOW + minutes * MINUTE) is Ask.DATA
        assert next_question(known, NOW + QUIET_INTERVAL.total_seconds()) is Ask.DATA


def test_a_busy_car_is_never_asked_less_than_an_idle_one() -> None:
    for known in everything():
        if known.charging or known.woke or next_question(known, NOW) is not Ask.DATA:
            continue
        assert next_question(replace(known, charging=True), NOW) is Ask.DATA
        assert next_question(replace(known, woke=True), NOW) is Ask.DATA


@pytest.mark.parametrize(
    ("known", "interval"),
    [
        (replace(ASKED, charging=True), CHARGING_INTERVAL),
        (replace(ASKED, woke=True), CHARGING_INTERVAL),
        (ASKED, IDLE_INTERVAL),
        (replace(ASKED, changed_at=NOW - QUIET_AFTER.total_seconds()), QUIET_INTERVAL),
        # somebody did something in the future: our clock was set back
        (replace(ASKED, changed_at=NOW + 10 * QUIET_INTERVAL.total_seconds()), QUIET_INTERVAL),
    ],
)
def test_data_are_asked_again_when_they_are_old_enough(known: Known, interval: timedelta) -> None:
    due = NOW + interval.total_seconds() - HALF_A_STEP
    assert next_question(known, due - 1) is Ask.NOTHING
    assert next_question(known, due) is Ask.DATA


def test_a_car_never_asked_and_a_clock_set_back_are_asked_at_once() -> None:
    assert next_question(replace(ASKED, asked_at=None), NOW) is Ask.DATA
    assert next_question(ASKED, NOW - 1) is Ask.DATA


@pytest.mark.parametrize(
    ("charging", "seconds", "pushes"),
    [
        (False, 86_400.0, True),
        (True, SILENCE.total_seconds(), True),
        (True, SILENCE.total_seconds() + 1, False),
        (True, -1.0, False),
    ],
)
def test_only_a_charging_car_may_not_be_silent(
    charging: bool, seconds: float, pushes: bool
) -> None:
    known = Known(streaming=True, charging=charging, pushed_at=NOW)
    assert known.pushes(NOW + seconds) is pushes
    assert not replace(known, streaming=False).pushes(NOW)
    assert not replace(known, pushed_at=None).pushes(NOW)


def test_a_car_that_does_not_push_everything_is_asked_rarely() -> None:
    known = Known(streaming=True, incomplete=True, pushed_at=NOW, asked_at=NOW, changed_at=NOW)
    online = replace(known, seen=Connection.ONLINE)
    due = NOW + QUIET_INTERVAL.total_seconds() - HALF_A_STEP
    for now, before, after in ((due - 1, Ask.NOTHING, Ask.NOTHING), (due, Ask.STATE, Ask.DATA)):
        assert next_question(known, now) is before
        assert next_question(online, now) is after
    charging = replace(known, charging=True, pushed_at=due - 1)
    assert next_question(charging, due - 1) is Ask.NOTHING
    assert next_question(replace(known, asked_at=None), NOW) is Ask.STATE


@pytest.mark.parametrize(
    ("left_out", "incomplete"),
    [
        ((), False),
        (("ChargeLimitSoc",), True),
        # asking tells nothing of what only the car tells, nor of what nobody may tell
        (("LocatedAtHome", "Location"), False),
        (("ACChargingEnergyIn",), False),
    ],
)
def test_only_what_asking_would_tell_is_missed(left_out: tuple[str, ...], incomplete: bool) -> None:
    state = VehicleState({ONLY_POLLED: Reading(100, NOW)}).troubled(
        TelemetryTrouble(left_out=left_out)
    )
    assert is_incomplete(state, asked=True) is incomplete
    assert is_incomplete(state, asked=False) is incomplete


def test_a_car_that_pushes_is_asked_once_for_what_no_car_pushes() -> None:
    assert is_incomplete(VehicleState(), asked=False)
    assert not is_incomplete(VehicleState(), asked=True)
