"""The decision what to ask of a car, and when next: by its properties, over thousands of things that can be known."""

from dataclasses import replace
import math
import random
from typing import Any

import pytest

from custom_components.tesla_charging.const import STATE_INTERVAL
from custom_components.tesla_charging.fleet_api import Connectivity
from custom_components.tesla_charging.polling.charge_forecast import ChargeForecast
from custom_components.tesla_charging.polling.decision import (
    MIN_CHECK_INTERVAL,
    NOT_PUSHED_PAUSE,
    ONLY_POLLED,
    TOLERANCE,
    PollContext,
    PollReason,
    PollTarget,
    is_push_incomplete,
    next_check,
    next_poll,
)
from custom_components.tesla_charging.polling.intervals import MINUTE
from custom_components.tesla_charging.vehicle.charge_status import SILENCE
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState
from custom_components.tesla_charging.vehicle.telemetry_status import TelemetryDiagnosis

NOW = 1_790_000_040.0
"""On the grid of a car with phase 0."""
HOUR = 3600.0
STEP = STATE_INTERVAL.total_seconds()
ONLINE = Connectivity.ONLINE
ASKED = PollContext(connectivity=ONLINE, polled_at=NOW, activity_at=NOW)
AGO = [
    0.0,
    1.0,
    *(MINUTE * minutes for minutes in (1, 4, 5, 7, 9, 11, 15, 19, 29, 31, 61, 121, 999)),
]


def some_forecast(dice: random.Random, asked_at: float) -> ChargeForecast:
    low = dice.uniform(0, 99)
    return ChargeForecast(
        asked_at,
        low,
        low + dice.uniform(0.001, 1),
        rate=dice.choice([None, 1 / 36_000, 0.2, 10 ** dice.uniform(-4.5, -0.7)]),
        ends_at=dice.choice(
            [None, NOW + dice.uniform(-1e5, 1e5), asked_at + dice.uniform(0, 3600)]
        ),
    )


def anything(seed: int = 1, count: int = 5_000, **certain: Any) -> list[PollContext]:
    """Return as many different things that can be known of a car, all with this in common."""
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        yes_no = {
            name: dice.random() < 0.4
            for name in (
                *(
                    "came_online",
                    "charging",
                    "driving",
                    "first_drive",
                    "just_parked",
                    "plugged_in",
                    "sentry_on",
                ),
                *("streaming", "push_incomplete", "confirm_wanted"),
            )
        }
        ago = {
            name: dice.choice([None, NOW - dice.choice(AGO), NOW + 60, NOW - dice.uniform(0, 9e3)])
            for name in ("pushed_at", "polled_at", "scheduled_start")
        }
        known: dict[str, Any] = {
            "connectivity": dice.choice([None, ONLINE, ONLINE, *Connectivity]),
            **yes_no,
            **ago,
            "forecast": dice.choice([None, some_forecast(dice, ago["polled_at"] or NOW)]),
            "seconds_to_home": dice.choice([None, 0.0, 10 ** dice.uniform(0, 6)]),
            "at_home": dice.choice([None, True, False]),
            "idle_polls": dice.choice([0, 1, 2, 50]),
            "polls_without_news": dice.choice([0, 1, 3, 10_000]),
            "failures": dice.choice([0, 0, 0, 1, 4, 10_000]),
            "use_probability": dice.choice([1e-9, 0.03, 0.3, 1.0]),
            "plug_in_probability": dice.choice([1e-9, 0.03, 0.3, 1.0]),
            "polls_in_a_day": dice.choice([0, 99, 100, 1_000]),
            "activity_at": NOW - dice.choice([*AGO, -60.0]),
            "stretch": dice.choice([1.0, 1.0, 1.5, 40.0, 1e300, math.inf]),
            "phase": dice.random(),
        }
        found.append(PollContext(**known | certain))
    return found


def ask(known: PollContext, now: float = NOW) -> PollTarget:
    return next_poll(known, now).target


# -- what is asked at all ----------------------------------------------------------------------------------


def test_data_are_never_asked_of_a_car_that_is_not_known_to_be_online() -> None:
    asked = {known.connectivity for known in anything() if ask(known) is PollTarget.DATA}
    assert asked == {ONLINE}


def test_the_free_question_comes_first_and_only_once() -> None:
    for known in anything():
        assert (ask(known) is PollTarget.STATE) <= (known.connectivity is None)
        if known.connectivity is not None and known.connectivity is not ONLINE:
            assert ask(known) is PollTarget.NOTHING


def test_nothing_is_asked_while_the_car_pushes_unless_a_command_waits_for_its_confirmation() -> (
    None
):
    pushing = [
        known for known in anything(connectivity=None, push_incomplete=False) if known.pushes(NOW)
    ]
    assert len(pushing) > 100
    for known in pushing:
        assert (ask(known) is PollTarget.NOTHING) is not known.confirm_wanted


def test_a_car_that_does_not_push_is_always_looked_at() -> None:
    for known in anything(connectivity=None, streaming=False):
        assert ask(known) is PollTarget.STATE


def test_a_command_is_confirmed_whatever_else_is_known() -> None:
    for known in anything(connectivity=ONLINE, confirm_wanted=True):
        assert ask(known) is PollTarget.DATA


def test_a_car_never_asked_and_a_clock_set_back_are_asked_at_once_and_once() -> None:
    for known in anything(connectivity=ONLINE, stretch=1.0, confirm_wanted=False, count=1_000):
        assert ask(replace(known, polled_at=None)) is PollTarget.DATA
        assert ask(replace(known, polled_at=NOW + 1)) is PollTarget.DATA
        assert ask(replace(known, polled_at=NOW)) is PollTarget.NOTHING


# -- when it is asked -------------------------------------------------------------------------------------


def test_what_is_told_to_be_asked_later_is_asked_then_and_not_before() -> None:
    for known in anything(connectivity=ONLINE, streaming=False):
        plan = next_poll(known, NOW)
        if plan.target is PollTarget.DATA or plan.at == math.inf:
            continue
        assert plan.at > NOW
        assert ask(known, plan.at) is PollTarget.DATA
        assert ask(known, (NOW + plan.at - 2 * TOLERANCE) / 2) is PollTarget.NOTHING


def test_what_is_worth_asking_now_is_worth_it_later_too() -> None:
    for known in anything(connectivity=ONLINE, streaming=False):
        if ask(known) is PollTarget.DATA and not (
            known.polled_at is not None and known.polled_at > NOW
        ):
            for minutes in (1, 10, 100):
                assert ask(known, NOW + minutes * MINUTE) is PollTarget.DATA


def test_a_budget_that_slows_down_never_makes_a_question_come_sooner() -> None:
    for known in anything(connectivity=ONLINE):
        dues = []
        for stretch in (1.0, 1.01, 1.3, 2.0, 2.1, 17.0, 1e200, math.inf):
            plan = next_poll(replace(known, stretch=stretch), NOW)
            dues.append(NOW if plan.target is PollTarget.DATA else plan.at)
        assert dues == sorted(dues), known


def test_a_spent_budget_leaves_nothing_but_what_commands_need() -> None:
    for known in anything(connectivity=ONLINE, stretch=math.inf):
        assert (ask(known) is PollTarget.DATA) is known.confirm_wanted
    for known in anything(connectivity=None, stretch=math.inf, streaming=False, count=500):
        assert ask(known) is PollTarget.STATE, "which is free"


def test_a_budget_slows_idle_questions_down_first_and_charging_last() -> None:
    def pause(**known: Any) -> float:
        plan = next_poll(replace(ASKED, stretch=4.0, **known), NOW)
        return (plan.at - NOW) / (next_poll(replace(ASKED, **known), NOW).at - NOW)

    assert pause(charging=True, activity_at=0.0) == 2
    assert pause(driving=True) == pytest.approx(4, rel=0.1)
    assert pause() == 16


def test_an_idle_car_is_left_alone_for_long_enough_to_fall_asleep() -> None:
    nothing_happens = dict.fromkeys(
        (
            "came_online",
            "charging",
            "driving",
            "just_parked",
            "sentry_on",
            "confirm_wanted",
            "failures",
        ),
        False,
    )
    for known in anything(
        connectivity=ONLINE, polled_at=NOW, scheduled_start=None, **nothing_happens
    ):
        assert next_poll(known, NOW).at >= NOW + 20 * MINUTE


def test_a_charging_car_is_never_left_for_more_than_ten_minutes() -> None:
    for known in anything(
        connectivity=ONLINE,
        charging=True,
        failures=0,
        polled_at=NOW,
        stretch=1.0,
        streaming=False,
        count=20_000,
    ):
        plan = next_poll(known, NOW)
        assert plan.target is PollTarget.DATA or plan.at <= NOW + 10 * MINUTE


def test_no_car_is_asked_for_data_more_than_once_in_a_hundred_seconds() -> None:
    for known in anything(connectivity=ONLINE, polled_at=NOW, confirm_wanted=False, count=20_000):
        assert next_poll(known, NOW).at >= NOW + 100


def test_a_car_that_was_asked_often_is_not_asked_fast() -> None:
    for known in anything(
        connectivity=ONLINE, polled_at=NOW, polls_in_a_day=100, confirm_wanted=False
    ):
        assert next_poll(known, NOW).at >= NOW + 9.7 * MINUTE


FAST, SLOW = (ChargeForecast(NOW, 50.0, 50.0001, rate=rate) for rate in (1 / 30, 1 / 3600))


@pytest.mark.parametrize(
    ("known", "minutes", "why"),
    [
        (replace(ASKED, charging=True), 4, PollReason.CHARGING),
        (replace(ASKED, charging=True, activity_at=NOW - HOUR), 9.7, PollReason.CHARGING),
        # a percent takes half a minute: every nine of them
        (replace(ASKED, charging=True, forecast=FAST), 4.5, PollReason.CHARGING),
        (replace(ASKED, charging=True, forecast=SLOW), 9.7, PollReason.CHARGING),
        (replace(ASKED, came_online=True), 6, PollReason.CAME_ONLINE),
        (replace(ASKED, came_online=True, polls_without_news=1), 10, PollReason.CAME_ONLINE),
        # nothing came of it three times: its connection comes and goes
        (
            replace(ASKED, came_online=True, polls_without_news=9, idle_polls=1),
            40,
            PollReason.CAME_ONLINE,
        ),
        # to work, at an hour at which it is never plugged in; back; and when it usually is
        (
            replace(ASKED, driving=True, first_drive=True, plug_in_probability=0.01),
            22,
            PollReason.DRIVING,
        ),
        (replace(ASKED, driving=True, plug_in_probability=0.01), 10, PollReason.DRIVING),
        (
            replace(ASKED, driving=True, first_drive=True, plug_in_probability=0.9),
            10,
            PollReason.DRIVING,
        ),
        # nobody is at home at once
        (
            replace(ASKED, driving=True, was_parked=True, plug_in_probability=0.9),
            14,
            PollReason.DRIVING,
        ),
        # it is known how far from home it is
        (
            replace(ASKED, driving=True, plug_in_probability=0.9, seconds_to_home=25 * MINUTE),
            26,
            PollReason.DRIVING,
        ),
        (
            replace(ASKED, driving=True, plug_in_probability=0.9, seconds_to_home=9 * HOUR),
            30,
            PollReason.DRIVING,
        ),
        # just parked: is it going to be plugged in?
        (replace(ASKED, just_parked=True), 8, PollReason.JUST_PARKED),
        (
            replace(ASKED, just_parked=True, first_drive=True, plug_in_probability=0.01),
            30,
            PollReason.JUST_PARKED,
        ),
        (
            replace(
                ASKED, just_parked=True, first_drive=True, plug_in_probability=0.01, at_home=True
            ),
            8,
            PollReason.JUST_PARKED,
        ),
        (
            replace(ASKED, just_parked=True, plug_in_probability=0.9, at_home=False),
            30,
            PollReason.JUST_PARKED,
        ),
        (ASKED, 30, PollReason.IDLE),
        (replace(ASKED, plug_in_probability=0.5), 20, PollReason.IDLE),
        # it was left alone, and did not fall asleep
        (replace(ASKED, idle_polls=1), 46, PollReason.IDLE),
        (replace(ASKED, idle_polls=2, use_probability=0.1), 30, PollReason.IDLE),
        (
            replace(ASKED, idle_polls=2, use_probability=0.1, activity_at=NOW - 12 * HOUR),
            48,
            PollReason.IDLE,
        ),
        (
            replace(ASKED, idle_polls=9, use_probability=0.01, activity_at=NOW - 12 * HOUR),
            120,
            PollReason.IDLE,
        ),
        # somebody did something in the future: our clock was set back
        (
            replace(ASKED, idle_polls=9, use_probability=0.01, activity_at=NOW + HOUR),
            120,
            PollReason.IDLE,
        ),
        # Sentry keeps it awake anyway
        (replace(ASKED, sentry_on=True), 10, PollReason.SENTRY),
        (replace(ASKED, sentry_on=True, activity_at=NOW - HOUR), 20, PollReason.SENTRY),
        (
            replace(ASKED, sentry_on=True, use_probability=1.0, activity_at=NOW - 9 * HOUR),
            20,
            PollReason.SENTRY,
        ),
        (
            replace(ASKED, sentry_on=True, use_probability=0.01, activity_at=NOW - 9 * HOUR),
            120,
            PollReason.SENTRY,
        ),
        (replace(ASKED, plugged_in=True), 30, PollReason.PLUGGED_IN),
        (
            replace(
                ASKED,
                plugged_in=True,
                idle_polls=5,
                use_probability=0.01,
                activity_at=NOW - 9 * HOUR,
            ),
            60,
            PollReason.PLUGGED_IN,
        ),
        (
            replace(
                ASKED,
                plugged_in=True,
                idle_polls=5,
                use_probability=0.9,
                activity_at=NOW - 9 * HOUR,
            ),
            20,
            PollReason.PLUGGED_IN,
        ),
        (
            replace(ASKED, plugged_in=True, scheduled_start=NOW + 11 * MINUTE),
            11.5,
            PollReason.SCHEDULE,
        ),
        (replace(ASKED, plugged_in=True, scheduled_start=NOW - MINUTE), 30, PollReason.PLUGGED_IN),
        # Tesla, or the network, was in the way
        (replace(ASKED, failures=1), 2, PollReason.FAILED),
        (replace(ASKED, failures=3), 8, PollReason.FAILED),
        (replace(ASKED, failures=9), 128, PollReason.FAILED),
        (replace(ASKED, failures=1, blocked_for=1800.0), 30, PollReason.FAILED),
        (replace(ASKED, failures=1, in_service=True), 120, PollReason.IN_SERVICE),
    ],
)
def test_how_long_a_car_is_left_alone(known: PollContext, minutes: float, why: PollReason) -> None:
    plan = next_poll(known, NOW)
    assert (plan.target, plan.reason) == (PollTarget.NOTHING, why)
    assert (plan.at - NOW) / MINUTE == pytest.approx(minutes, abs=0.2)


def test_a_charge_is_asked_about_right_after_a_step_of_its_level_and_after_its_end() -> None:
    # a percent takes 4 minutes and 40 seconds
    charge = ChargeForecast(NOW, 50.0, 50.0001, rate=1 / 280, ends_at=NOW + 9 * HOUR)
    plan = next_poll(replace(ASKED, charging=True, forecast=charge), NOW)
    assert plan.at - NOW == pytest.approx(2 * 280 + 5, abs=0.1)
    ends = replace(charge, ends_at=NOW + 6 * MINUTE)
    plan = next_poll(replace(ASKED, charging=True, forecast=ends), NOW)
    assert plan.at - NOW == 6 * MINUTE + 5
    # it says since yesterday that it is nearly done
    never = replace(charge, ends_at=NOW - HOUR)
    plan = next_poll(replace(ASKED, charging=True, forecast=never), NOW)
    assert plan.at - NOW == 4 * MINUTE


# -- several cars ----------------------------------------------------------------------------------------


def test_every_car_is_looked_at_every_two_minutes_at_seconds_of_its_own() -> None:
    dice = random.Random(1)
    for _ in range(500):
        phase, now = dice.random(), NOW + dice.uniform(0, 1e6)
        look = next_check(phase, now)
        assert MIN_CHECK_INTERVAL <= look - now <= MIN_CHECK_INTERVAL + STEP
        assert next_check(phase, look) - look == pytest.approx(STEP, abs=1e-3)
        assert look % STEP == pytest.approx(phase * STEP, abs=1e-3)


# -- cars that push ---------------------------------------------------------------------------------------


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
    known = PollContext(streaming=True, charging=charging, pushed_at=NOW)
    assert known.pushes(NOW + seconds) is pushes
    assert not replace(known, streaming=False).pushes(NOW)
    assert not replace(known, pushed_at=None).pushes(NOW)


def test_a_car_that_does_not_push_everything_is_asked_rarely() -> None:
    known = PollContext(
        streaming=True, push_incomplete=True, pushed_at=NOW, polled_at=NOW, activity_at=NOW
    )
    online = replace(known, connectivity=ONLINE)
    due = NOW + NOT_PUSHED_PAUSE - TOLERANCE
    for now, before, after in (
        (due - 1, PollTarget.NOTHING, PollTarget.NOTHING),
        (due, PollTarget.STATE, PollTarget.DATA),
    ):
        assert ask(known, now) is before
        assert ask(online, now) is after
    charging = replace(known, charging=True, pushed_at=due - 1)
    assert ask(charging, due - 1) is PollTarget.NOTHING
    assert ask(replace(known, polled_at=None), NOW) is PollTarget.STATE


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
    state = VehicleState({ONLY_POLLED: Reading(100, NOW)}).with_diagnosis(
        TelemetryDiagnosis(left_out=left_out)
    )
    assert is_push_incomplete(state, was_polled=True) is incomplete
    assert is_push_incomplete(state, was_polled=False) is incomplete


def test_a_car_that_pushes_is_asked_once_for_what_no_car_pushes() -> None:
    assert is_push_incomplete(VehicleState(), was_polled=False)
    assert not is_push_incomplete(VehicleState(), was_polled=True)
