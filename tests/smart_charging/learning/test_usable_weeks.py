"""Which weeks teach habits."""

from datetime import date, timedelta

import pytest

from custom_components.tesla_charging.smart_charging.learning.usable_weeks import (
    Day,
    over,
    usable_weeks,
    week_of,
)

MONDAY = date(2026, 3, 2)
WEEK = week_of(MONDAY)
LATER = MONDAY + timedelta(weeks=50)


def week(*minutes: float | None) -> dict[int, Day]:
    return {of: Day(minute, 20) for of, minute in enumerate(minutes) if minute is not None}


USUAL = week(420, 430, 440, 450, 460)


def usable(
    *weeks: dict[int, Day], today: date = LATER, holidays: frozenset[date] = frozenset()
) -> list[int]:
    numbered = {WEEK + place: row for place, row in enumerate(weeks)}
    return [of - WEEK for of in usable_weeks(numbered, today, holidays)]


def test_a_week_begins_on_monday() -> None:
    assert {week_of(MONDAY + timedelta(days=k)) for k in range(7)} == {WEEK}
    assert week_of(MONDAY - timedelta(days=1)) == WEEK - 1


def test_the_days_of_a_week_that_are_over_and_no_holidays() -> None:
    holidays = frozenset({MONDAY + timedelta(days=1)})
    found = over(WEEK, {0, 1, 2, 3, 6}, MONDAY + timedelta(days=3), holidays)
    assert sorted(found) == [0, 2]


def test_weeks_like_the_others_teach() -> None:
    assert usable(USUAL, USUAL, USUAL) == [0, 1, 2]
    assert usable() == []


def test_a_week_with_less_than_half_of_the_departures_does_not() -> None:
    assert usable(USUAL, week(420, 430), USUAL, USUAL) == [0, 2, 3]
    assert usable(USUAL, week(420, 430, 440), USUAL, USUAL) == [0, 1, 2, 3]


def test_holidays_and_days_to_come_are_not_expected() -> None:
    rows = (USUAL, USUAL, week(420, 430))
    assert usable(*rows) == [0, 1]
    assert usable(*rows, today=MONDAY + timedelta(days=14 + 2)) == [0, 1, 2]
    free = frozenset(MONDAY + timedelta(days=14 + k) for k in (2, 3, 4))
    assert usable(*rows, holidays=free) == [0, 1, 2]


def test_a_week_at_other_times_does_not_teach_unless_the_next_one_is_like_it() -> None:
    away = week(700, 900, 650, 1000, 820)
    assert usable(USUAL, USUAL, away, USUAL, USUAL) == [0, 1, 3, 4]
    new = week(*[minute - 120 for minute in (420, 430, 440, 450, 460)])
    assert usable(USUAL, USUAL, USUAL, new, new) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("late", "teaches"), [(90, True), (91, False)])
def test_ninety_minutes_are_as_usual(late: float, *, teaches: bool) -> None:
    other = week(*[minute + late for minute in (420, 430, 440, 450, 460)])
    assert (2 in usable(USUAL, USUAL, other, USUAL)) is teaches


def test_where_no_time_is_usual_it_is_enough_that_the_car_left() -> None:
    times = (300, 900, 600, 1200, 0)
    rows = [week(*[(start + 300 * k) % 1440 for k in range(5)]) for start in times]
    assert usable(*rows) == [0, 1, 2, 3, 4]
    assert usable(*rows, week(400)) == [0, 1, 2, 3, 4]


def test_half_of_the_weeks_may_be_at_other_times() -> None:
    assert usable(
        USUAL, USUAL, week(900, 700, 650, 1000, 820), week(1100, 1000, 1300, 700, 200)
    ) == [0, 1]
