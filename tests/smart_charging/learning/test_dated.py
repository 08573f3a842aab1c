"""Records by day, and clocks that were wrong."""

from datetime import date, timedelta

from custom_components.tesla_charging.smart_charging.learning.dated import read_days, recorded

TODAY = date(2026, 3, 10)


def days(*offsets: int) -> dict[date, int]:
    return {TODAY + timedelta(days=offset): offset for offset in offsets}


def record(
    known: dict[date, int], offset: int, *, today: int = 0, most: int = 10
) -> dict[date, int]:
    day = TODAY + timedelta(days=offset)
    return recorded(known, day, offset, today=TODAY + timedelta(days=today), most=most)


def test_a_record_takes_the_place_of_the_one_of_its_day_at_the_end() -> None:
    known = {TODAY: 7, **days(-1)}
    assert list(record(known, 0).items()) == [*days(-1).items(), (TODAY, 0)]


def test_the_oldest_days_go() -> None:
    assert list(record(days(-3, -2, -1), 0, most=3).values()) == [-2, -1, 0]
    assert list(record(days(-3, -2, -1), 0, most=4).values()) == [-3, -2, -1, 0]


def test_days_of_the_future_go_when_three_days_were_recorded_after_them() -> None:
    known = days(-1, 40)
    known = record(known, 0)
    known = record(known, 1, today=1)
    assert 40 in known.values()
    # the same day again is no further day
    known = record(known, 1, today=1)
    assert 40 in known.values()
    known = record(known, 2, today=2)
    assert list(known.values()) == [-1, 0, 1, 2]


def test_a_clock_that_runs_behind_for_two_days_takes_nothing() -> None:
    known = days(*range(-5, 0))
    known = record(known, -61, today=-61, most=20)
    known = record(known, -60, today=-60, most=20)
    assert set(range(-5, 0)) < set(known.values())
    known = record(known, 0, most=20)
    assert list(known.values()) == [-5, -4, -3, -2, -1, -61, -60, 0]


def test_only_days_before_a_record_speak_against_it() -> None:
    known = record(days(3, 4, 5, 6), 0)
    assert list(known.values()) == [3, 4, 5, 6, 0]


def test_stored_days_are_read_in_their_order_and_the_last_ones() -> None:
    stored = {"2026-03-09": 1, "no day": 2, "2026-03-01": 3, "2026-03-08": 4, "2026-02-30": 5}
    assert list(read_days(stored, 2).values()) == [1, 4]
    assert list(read_days(stored, 9).values()) == [1, 3, 4]
    assert read_days([1], 9) == {}


def test_today_is_not_the_future() -> None:
    # the clock went back by a few days twice; today has come true
    known = record(days(0, -4, -3, 7), -2)
    assert list(known.values()) == [0, -4, -3, 7, -2]
