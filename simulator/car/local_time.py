"""When a time of a schedule comes: minutes after local midnight, also in the nights in which the clocks change."""

from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from simulator.car.habits import Habit
from simulator.car.readings import OtherReading

MINUTES_PER_DAY = 1440
DAY = 86400.0


def times(
    days: int,
    minutes: int,
    zone: tzinfo,
    between: tuple[float, float],
    readings: Container[Habit],
    *,
    later: int = 0,
) -> Iterator[float]:
    """Yield the unix times after the first and until the second moment at which a weekly time comes.

    `days` is the mask of the days (Sunday = 1); `minutes` may reach into the next day; `later` adds whole days.
    """
    after, until = between
    later += minutes // MINUTES_PER_DAY
    minutes %= MINUTES_PER_DAY
    day = _day(after, zone) - timedelta(days=later + 1)
    last = _day(until, zone) + timedelta(days=1)
    for ahead in range((last - day).days + 1):
        named = day + timedelta(days=ahead)
        if not days & 1 << named.isoweekday() % 7:
            continue
        moment = moment_of(named + timedelta(days=later), minutes, zone, readings)
        if moment is not None and after < moment <= until:
            yield moment


def moment_of(day: date, minutes: int, zone: tzinfo, readings: Container[Habit]) -> float | None:
    """Return the unix time of a time of a day; None if the clocks skip it and that is left out."""
    if OtherReading.MINUTES_SINCE_MIDNIGHT in readings:
        return datetime.combine(day, time(0), zone).timestamp() + minutes * 60
    fold = int(OtherReading.REPEATED_HOUR_ACTS_SECOND in readings)
    local = datetime.combine(day, time(*divmod(minutes, 60)), zone)
    first = local.timestamp()
    shown = datetime.fromtimestamp(first, zone).replace(tzinfo=None, fold=0)
    if shown != local.replace(tzinfo=None):
        return first if OtherReading.SKIPPED_HOUR_ACTS_LATER in readings else None
    return local.replace(fold=fold).timestamp()


def midnight(moment: float, zone: tzinfo) -> float:
    """Return the unix time at which the day of a moment began."""
    return datetime.combine(_day(moment, zone), time(0), zone).timestamp()


def _day(moment: float, zone: tzinfo) -> date:
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).date()
