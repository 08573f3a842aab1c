"""When a provider is asked next, and for which day: pure, from its timetable and what is known already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from .adapter import DAY, Scope, Timetable

PATIENT: Final = timedelta(minutes=30)
"""Between requests for today's prices that failed more than `QUICKLY` times."""
QUICKLY: Final = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What the requests for one day came to."""

    at: datetime
    """The last one, in UTC."""
    failures: int = 0
    """In a row, up to the last one."""


@dataclass(frozen=True, slots=True)
class Try:
    """The next thing to do."""

    at: datetime
    """In UTC."""
    day: date | None
    """The day to ask for; None only begins a new day."""


type Known = Callable[[datetime], bool]
"""Whether a price is known for a moment."""
MINUTE: Final = timedelta(minutes=1)


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the beginning and end of a day, in UTC."""
    start, end = (datetime.combine(d, time(), zone).astimezone(UTC) for d in (day, day + DAY))
    return start, end


def key_of(timetable: Timetable, day: date) -> date:
    """Return under which day a request counts: all are the same where one answers for all days."""
    return day if timetable.scope is Scope.DAY else date.min


def next_try(
    timetable: Timetable,
    now: datetime,
    zone: tzinfo,
    known: Known,
    asked: Mapping[date, Asked],
    offset: timedelta = timedelta(0),
) -> Try:
    """Return when to ask next, not before `now`. `offset` spreads the homes over the minute of the first try.

    A day whose last minute has a price is there: a gap within it would not be filled by asking again.
    """
    today = now.astimezone(zone).date()
    start, end = bounds(today + DAY, zone)
    tries = [Try(start + offset, None)]
    last = asked.get(key_of(timetable, today))
    if not known(start - MINUTE):
        tries.append(Try(max(now, _again(timetable, last, patient=True)), today))
    # of an answer that ends some hours from now, tomorrow's first hours are enough
    if not known(start if timetable.rolling else end - MINUTE):
        last = asked.get(key_of(timetable, today + DAY))
        first = datetime.combine(today, timetable.first_try, zone).astimezone(UTC) + offset
        at = max(now, first, _again(timetable, last, patient=False))
        if at <= datetime.combine(today, timetable.give_up, zone).astimezone(UTC):
            tries.append(Try(at, today + DAY))
    if timetable.again is not None and last is not None:
        tries.append(Try(max(now, last.at + timetable.again), today))
    return min(tries, key=lambda found: found.at)


def _again(timetable: Timetable, last: Asked | None, *, patient: bool) -> datetime:
    """Return from when on the same may be asked again."""
    if last is None:
        return datetime.min.replace(tzinfo=UTC)
    failing = patient and last.failures > QUICKLY
    return last.at + (max(timetable.every, PATIENT) if failing else timetable.every)
