"""When a car is wanted: which wish counts on which day."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from custom_components.tesla_charging.charging.departures import (
    Departure,
    Source,
    TimeAndLevel,
    Timetable,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 17, 17, 0, tzinfo=UTC)
"""A Tuesday."""
SEVEN = time(7)


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def one_off(day: int, hour: int, level: float = 95) -> Departure:
    """Return a one-off departure."""
    return Departure(berlin(day, hour), level, Source.ONE_OFF)


def listed(table: Timetable, now: datetime = NOW) -> list[tuple[datetime, float, Source]]:
    """Return the departures in order."""
    return [(one.at, one.level, one.source) for one in table.departures(now, BERLIN)]


def test_without_a_wish_there_is_no_departure() -> None:
    """Only a level says nothing about when."""
    assert listed(Timetable(80)) == []


def test_the_daily_time_counts_on_each_of_the_next_two_days() -> None:
    """In local time."""
    assert listed(Timetable(80, SEVEN)) == [
        (berlin(18, 7), 80, Source.DAILY),
        (berlin(19, 7), 80, Source.DAILY),
    ]


def test_the_weekly_table_beats_the_daily_time_on_its_days() -> None:
    """With its own level; a day without a departure has none; other days have the daily time."""
    table = Timetable(80, SEVEN, {"wed": TimeAndLevel(time(5, 30), 90), "thu": None})
    assert listed(table) == [(berlin(18, 5, 30), 90, Source.WEEKLY)]
    later = listed(table, NOW + timedelta(days=2))
    assert later == [
        (berlin(20, 7), 80, Source.DAILY),
        (berlin(21, 7), 80, Source.DAILY),
    ]


def test_an_event_of_the_calendar_beats_the_table() -> None:
    """All events of a day count."""
    events = (
        Departure(berlin(18, 9), 80, Source.CALENDAR),
        Departure(berlin(18, 15), 60, Source.CALENDAR),
    )
    table = Timetable(80, SEVEN, {"wed": TimeAndLevel(time(5))}, calendar=events)
    assert listed(table)[:2] == [
        (berlin(18, 9), 80, Source.CALENDAR),
        (berlin(18, 15), 60, Source.CALENDAR),
    ]


def test_a_one_off_departure_beats_everything_on_its_day_only() -> None:
    """The day after is as always."""
    events = (Departure(berlin(18, 9), 80, Source.CALENDAR),)
    assert listed(Timetable(80, SEVEN, one_off=one_off(18, 4), calendar=events)) == [
        (berlin(18, 4), 95, Source.ONE_OFF),
        (berlin(19, 7), 80, Source.DAILY),
    ]


def test_a_one_off_departure_that_has_passed_leaves_the_day_empty() -> None:
    """The owner has left: the usual time of the same day is not wanted any more."""
    assert listed(Timetable(80, time(22), one_off=one_off(17, 17)))[0][0] == berlin(18, 22)


def test_learnt_departures_stand_behind_what_was_said() -> None:
    """They beat only the daily time."""
    learnt = {"wed": TimeAndLevel(time(6, 45), 70), "thu": TimeAndLevel(time(6, 45), 70)}
    table = Timetable(80, SEVEN, {"thu": TimeAndLevel(time(8))}, learnt=learnt)
    assert [source for _, _, source in listed(table)] == [Source.LEARNT, Source.WEEKLY]


def test_a_skipped_departure_is_left_out() -> None:
    """Only that one."""
    assert [at for at, _, _ in listed(Timetable(80, SEVEN, skipped=berlin(18, 7)))] == [
        berlin(19, 7)
    ]


def test_who_skips_twice_skips_both() -> None:
    """The first does not come back."""
    now = berlin(16, 12)
    found = Timetable(80, SEVEN, skipped=berlin(18, 7)).departures(now, BERLIN)
    assert [one.at for one in found] == []


def test_a_departure_that_the_clocks_skip_is_an_hour_later() -> None:
    """02:30 does not exist on 29 March 2026."""
    now = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    (first, *_) = listed(Timetable(80, time(2, 30)), now)
    assert first[0] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_of_a_doubled_hour_the_first_counts() -> None:
    """The car is ready in time, whichever is meant."""
    now = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    (first, *_) = listed(Timetable(80, time(2, 30)), now)
    assert first[0] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
