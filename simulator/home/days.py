"""Time in the home: local days, values that change at whole seconds only, and randomness that depends on seed and day.

Nothing here depends on who asks, when, or how often: a day is drawn as a whole, from the seed and its date.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

DAY_S = 86_400
#: How many days a series keeps; asking goes forward, and looks a few days ahead.
_KEPT_DAYS = 8


def dice(seed: int, *what: object) -> Random:
    """Return a generator that is the same for the same seed and subject, in every process."""
    return Random("/".join(str(part) for part in (seed, *what)))


def local_date(at: float, zone: ZoneInfo) -> date:
    """Return the date in a zone at a moment (unix seconds)."""
    return datetime.fromtimestamp(at, zone).date()


def moment(day: date, seconds: float, zone: ZoneInfo) -> int:
    """Return the unix second at which a clock on the wall shows so many seconds after midnight of a day.

    More than a day is the wall clock of a later day. A time that the clock skips is as long after the change; of a time
    that it shows twice, the first.
    """
    wall = datetime.combine(day, time()) + timedelta(seconds=round(seconds))
    return int(wall.replace(tzinfo=zone).timestamp())


def start_of(day: date, zone: ZoneInfo) -> int:
    """Return the unix second at which a day begins; the day before ends there, 23 to 25 hours long."""
    return moment(day, 0, zone)


def iso(at: float) -> str:
    """Return a moment (unix seconds) in ISO 8601, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


@dataclass(frozen=True, slots=True)
class Day[V]:
    """Values of one day: `values[i]` holds from `times[i]` (unix seconds) on; the first time is the day's start."""

    times: list[int]
    values: list[V]
    end: int


def day_of[V](times_and_values: list[tuple[int, V]], end: int) -> Day[V]:
    """Return a day from pairs in order of time; a later pair of the same second replaces an earlier one."""
    times: list[int] = []
    values: list[V] = []
    for at, value in times_and_values:
        if times and times[-1] == at:
            values[-1] = value
        elif not values or values[-1] != value:
            times.append(at)
            values.append(value)
    return Day(times, values, end)


class Series[V]:
    """A value over time that is constant between whole seconds; drawn day by day, when a day is asked for."""

    def __init__(self, draw: Callable[[date], Day[V]], zone: ZoneInfo) -> None:
        """Draw local days of a zone."""
        self._draw = draw
        self._zone = zone
        self._days: OrderedDict[date, Day[V]] = OrderedDict()
        self._latest: Day[V] | None = None

    def at(self, at: float) -> tuple[V, int]:
        """Return the value at a moment (unix seconds), and until when it holds."""
        day = self._latest
        if day is None or not day.times[0] <= at < day.end:
            day = self._latest = self.day(local_date(at, self._zone))
        index = bisect_right(day.times, at)
        return day.values[index - 1], day.times[index] if index < len(day.times) else day.end

    def day(self, day: date) -> Day[V]:
        """Return a whole day."""
        if (drawn := self._days.get(day)) is None:
            drawn = self._days[day] = self._draw(day)
            if len(self._days) > _KEPT_DAYS:
                self._days.popitem(last=False)
        return drawn
