"""When a car is wanted, and with how much: one-off, calendar, weekly table and daily time, in this order of rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from homeassistant.const import WEEKDAYS

from ..smart_charging.model import Deadline

HORIZON: Final = timedelta(hours=48)
"""How far plans look ahead."""
DAYS_AHEAD: Final = 8


class Source(StrEnum):
    """Who says when the car is wanted, by rank."""

    ONE_OFF = "one_off"
    CALENDAR = "calendar"
    WEEKLY = "weekly"
    DAILY = "daily"
    LEARNT = "learnt"


@dataclass(frozen=True, slots=True)
class Departure:
    """The car is wanted at a level at a moment (UTC)."""

    at: datetime
    level: float
    """Percent."""
    source: Source

    def deadline(self, warm_minutes: int = 0) -> Deadline:
        """Return it as the planner wants it."""
        return Deadline(self.at, self.level, warm_minutes)


@dataclass(frozen=True, slots=True)
class TimeAndLevel:
    """A departure on a day: a local time, and a level in percent (None: the usual one)."""

    at: time
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Timetable:
    """Every wish about departures of one car. `level` is what counts where a wish names none, percent."""

    level: float
    daily: time | None = None
    weekly: Mapping[str, TimeAndLevel | None] = field(default_factory=dict)
    """By the day's name ("mon"); None: no departure on this day. A day that is not in it has the daily time."""
    one_off: Departure | None = None
    calendar: Sequence[Departure] = ()
    learnt: Mapping[str, TimeAndLevel] = field(default_factory=dict)
    """By the day's name: only if the owner has chosen learnt departures."""
    skipped: datetime | None = None
    """The departures until this moment are left out."""

    def departures(self, now: datetime, zone: tzinfo) -> list[Departure]:
        """Return the departures of the next 48 hours in order, at most one source a day.

        On each local day the source of the highest rank counts, with all that it says of the day.
        """
        today = now.astimezone(zone).date()
        found = []
        for ahead in range(DAYS_AHEAD):
            day = today + timedelta(days=ahead)
            found.extend(self._of_day(day, zone))
        return [
            one
            for one in sorted(found, key=lambda one: (one.at, -one.level))
            if now < one.at <= now + HORIZON and not self._is_skipped(one)
        ]

    def _is_skipped(self, one: Departure) -> bool:
        if self.skipped is None:
            return False
        # who skips twice skips both; a one-off departure may have been set since
        return one.at == self.skipped or (one.at < self.skipped and one.source != Source.ONE_OFF)

    def _of_day(self, day: date, zone: tzinfo) -> list[Departure]:
        one_off = self.one_off
        if one_off is not None and one_off.at.astimezone(zone).date() == day:
            return [one_off]
        if events := [one for one in self.calendar if one.at.astimezone(zone).date() == day]:
            return events
        name = WEEKDAYS[day.weekday()]
        if name in self.weekly:
            row = self.weekly[name]
            return [] if row is None else [self._departure(day, row, zone, Source.WEEKLY)]
        if name in self.learnt:
            return [self._departure(day, self.learnt[name], zone, Source.LEARNT)]
        if self.daily is not None:
            return [self._departure(day, TimeAndLevel(self.daily), zone, Source.DAILY)]
        return []

    def _departure(self, day: date, row: TimeAndLevel, zone: tzinfo, source: Source) -> Departure:
        level = self.level if row.level is None else row.level
        return Departure(local_moment(day, row.at, zone), level, source)


def local_moment(day: date, at: time, zone: tzinfo) -> datetime:
    """Return a local time of a day in UTC. A time that the clocks skip is an hour later, of a doubled one the first counts."""
    local = datetime.combine(day, at.replace(second=0, microsecond=0, fold=0), zone)
    return local.astimezone(UTC)
