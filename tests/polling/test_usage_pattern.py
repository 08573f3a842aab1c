"""When a car is usually used: learnt within weeks, forgotten within months, and never more than it can be."""

from datetime import UTC, datetime, timedelta
import json
import math
from typing import Any

import pytest

from custom_components.tesla_charging.polling.usage_pattern import (
    HOURS,
    MAX_WEIGHT,
    UsagePattern,
    hour_of_week,
)

DAY = 86_400.0
MONDAY = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
SIX, THREE = 18 * 3600.0, 3 * 3600.0


@pytest.fixture(autouse=True)
def in_utc(hass_time_zone: None) -> None:
    """Hours of the week are those of the home."""


@pytest.fixture
def hass_time_zone() -> Any:
    from homeassistant.util import dt as dt_util

    before = dt_util.get_default_time_zone()
    dt_util.set_default_time_zone(UTC)
    yield
    dt_util.set_default_time_zone(before)


def plugged_in_at_six(weeks: int) -> UsagePattern:
    """Plugged in at six on workdays."""
    habits = UsagePattern().started(MONDAY)
    for day in range(7 * weeks):
        if day % 7 < 5:
            habits = habits.with_sample(MONDAY + day * DAY + SIX, plugged_in=True)
    return habits


def test_before_anything_is_known_days_are_likelier_than_nights() -> None:
    assert (
        UsagePattern().use_probability(MONDAY + SIX)
        > 3 * UsagePattern().use_probability(MONDAY + THREE)
        > 0
    )


def test_a_habit_is_known_after_two_weeks_and_stays_known() -> None:
    for weeks in (2, 4, 52):
        habits, now = plugged_in_at_six(weeks), MONDAY + 7 * weeks * DAY
        assert habits.plug_in_probability(now + SIX) > 0.5, weeks
        assert (
            habits.plug_in_probability(now + SIX)
            > 1.5 * habits.plug_in_probability(now + SIX - 3600)
            > habits.plug_in_probability(now + 9 * 3600)
        )
        assert habits.plug_in_probability(now + 9 * 3600) < 0.06
        # Saturday is another kind of day
        assert habits.plug_in_probability(now + 5 * DAY + SIX) < 0.06
        assert habits.use_probability(now + SIX) == habits.plug_in_probability(now + SIX)


def test_a_first_week_helps_on_such_days_of_the_same_week() -> None:
    habits = UsagePattern().started(MONDAY)
    for day in range(3):
        habits = habits.with_sample(MONDAY + day * DAY + SIX)
    thursday = MONDAY + 3 * DAY + SIX
    assert habits.use_probability(thursday) > 2 * UsagePattern().use_probability(thursday)
    assert habits.plug_in_probability(thursday) < UsagePattern().plug_in_probability(thursday)


def test_what_is_not_done_any_more_is_forgotten() -> None:
    habits = plugged_in_at_six(10)
    months = MONDAY + 30 * 7 * DAY
    assert habits.plug_in_probability(months + SIX) < 0.1
    assert habits.with_sample(months + SIX).plugs == {}


def test_however_often_something_is_done_it_is_never_more_than_certain() -> None:
    habits = UsagePattern().started(MONDAY)
    for second in range(5_000):
        habits = habits.with_sample(MONDAY + second, plugged_in=True)
    assert habits.plugs.keys() == {0, 1}
    assert max(habits.plugs.values()) <= MAX_WEIGHT
    assert habits.plug_in_probability(MONDAY + 5_000) <= 1
    assert 0 < habits.plug_in_probability(MONDAY + 3 * DAY) <= 1


def test_a_clock_that_jumps_makes_nothing_of_it() -> None:
    habits = plugged_in_at_six(4)
    for now in (0.0, MONDAY - 400 * DAY, MONDAY + 40_000 * DAY):
        assert 0 < habits.plug_in_probability(now) <= 1
        jumped = habits.with_sample(now, plugged_in=True)
        assert 0 < jumped.plug_in_probability(MONDAY + 28 * DAY + SIX) <= 1
        assert all(0 < weight <= MAX_WEIGHT for weight in jumped.plugs.values())


def test_habits_are_small_and_survive_being_saved() -> None:
    habits = UsagePattern().started(MONDAY)
    for hour in range(3 * HOURS):
        habits = habits.with_sample(MONDAY + hour * 3600, plugged_in=hour % 3 == 0)
    saved = json.dumps(habits.as_dict())
    assert len(saved) < 6_000
    read = UsagePattern.from_dict(json.loads(saved))
    for hour in range(HOURS):
        now = MONDAY + (3 * HOURS + hour) * 3600
        assert read.use_probability(now) == pytest.approx(habits.use_probability(now), abs=1e-3)
        assert read.plug_in_probability(now) == pytest.approx(
            habits.plug_in_probability(now), abs=1e-3
        )
    assert UsagePattern.from_dict(UsagePattern().as_dict()) == UsagePattern()


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        7,
        [],
        {},
        {"since": "x", "at": 1},
        {"since": MONDAY, "at": MONDAY - 1, "uses": {"7": 1.0}},
        {"since": math.nan, "at": math.inf},
        {"since": -5.0, "at": 1.0},
    ],
)
def test_what_is_damaged_is_a_new_beginning(damaged: object) -> None:
    assert UsagePattern.from_dict(damaged) == UsagePattern()


def test_of_what_is_damaged_in_part_the_rest_is_read() -> None:
    uses = {"7": 1.0, "168": 1.0, "-1": 1.0, "x": 1.0, "²": 1.0, "9" * 5_000: 1.0, "8": "x"}
    uses |= {"9": -1.0, "10": math.nan, "11": 1e9, "12": True}
    read = UsagePattern.from_dict({"since": MONDAY, "at": MONDAY, "uses": uses, "plugs": [1]})
    assert read.uses == {7: 1.0, 11: MAX_WEIGHT}
    assert read.plugs == {}


def test_hours_are_those_of_the_home() -> None:
    monday_night = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
    assert hour_of_week(monday_night.timestamp()) == 0
    assert hour_of_week((monday_night - timedelta(hours=1)).timestamp()) == HOURS - 1


def test_after_a_clock_that_ran_ahead_it_is_learnt_anew() -> None:
    """Before, nothing faded and nothing was learnt until that time came."""
    habits = plugged_in_at_six(10).with_sample(MONDAY + 400 * DAY + THREE, plugged_in=True)
    fresh = UsagePattern.from_dict(json.loads(json.dumps(habits.as_dict())))
    for day in range(70, 70 + 42):
        if day % 7 < 5:
            fresh = fresh.with_sample(MONDAY + day * DAY + SIX, plugged_in=True)
    now = MONDAY + 112 * DAY
    assert fresh.at < now
    assert fresh.plug_in_probability(now + SIX) > 0.5
    assert fresh.plug_in_probability(now + THREE) < 0.2
    # and it is forgotten like everything else
    later = now + 30 * 7 * DAY
    assert fresh.plug_in_probability(later + SIX) < 0.1
    assert fresh.with_sample(later + SIX).plugs == {}


def test_what_was_observed_only_by_a_clock_that_ran_ahead_has_no_hours() -> None:
    habits = UsagePattern().started(MONDAY + 400 * DAY)
    habits = habits.with_sample(MONDAY + 400 * DAY + THREE, plugged_in=True)
    assert habits.started(MONDAY) == UsagePattern(MONDAY, MONDAY)
    assert habits.with_sample(MONDAY + SIX).uses.keys() == {18}
