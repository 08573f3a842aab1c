"""Since when a habit is another one: finds the week from which on the times of departures lie elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Final

from .robust import Weighted, deviation, median

LEAST_EARLIER: Final = 3
"""So many times in a row must be earlier."""
LEAST_LATER: Final = 4
"""So many must be later: to be ready too early costs little."""
LEAST_BEFORE: Final = 2
LEAST_MINUTES: Final = 20.0
LEAST_SPREAD: Final = 8.0
"""Minutes by which departures vary at least."""
MEDIAN_LOSS: Final = 1.2533
"""By how much a median of normal values varies more than their mean."""
TOGETHER: Final = 4.0
"""How many deviations the workdays together must lie elsewhere."""
ALONE: Final = 3.0
"""How many those of one weekday must."""

type Times = Mapping[int, float]
"""Minutes of the day by the number of the week."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of habit: two parts of the weeks, and how far apart they are."""

    week: int
    """The first one of the new habit."""
    minutes: float
    """By how much it is later."""
    deviations: float


def changed_alone(times: Times) -> Change | None:
    """Return the change of the times of one weekday; None if they are as ever."""
    return _changed([times], ALONE)


def changed_together(weekdays: Sequence[Times]) -> Change | None:
    """Return the change of several weekdays at once; each is compared with itself."""
    return _changed([times for times in weekdays if times], TOGETHER)


def _changed(weekdays: Sequence[Times], wanted: float) -> Change | None:
    weeks = sorted({week for times in weekdays for week in times})
    best: Change | None = None
    for place in range(LEAST_BEFORE, len(weeks) - LEAST_EARLIER + 1):
        found = _split(weekdays, weeks[place], len(weeks) - place)
        if (
            found
            and found.deviations >= wanted
            and (not best or found.deviations > best.deviations)
        ):
            best = found
    return best


def _split(weekdays: Sequence[Times], first: int, count: int) -> Change | None:
    """Compare the times before a week, and from it on; None if they cannot be compared or are not far apart."""
    shifts, before, after = [], [], []
    for times in weekdays:
        old = [Weighted(t) for week, t in times.items() if week < first]
        new = [Weighted(t) for week, t in times.items() if week >= first]
        if len(old) < LEAST_BEFORE or len(new) < LEAST_EARLIER:
            continue
        was, now = median(old), median(new)
        shifts.append(Weighted(now - was))
        before += [Weighted(t.value - was) for t in old]
        after += [Weighted(t.value - now) for t in new]
    if not shifts:
        return None
    shift = median(shifts)
    if abs(shift) < LEAST_MINUTES or (shift > 0 and count < LEAST_LATER):
        return None
    spread = max(LEAST_SPREAD, deviation(before + after, 0.0))
    usual = MEDIAN_LOSS * spread * math.sqrt(1 / len(before) + 1 / len(after))
    return Change(first, shift, abs(shift) / usual)
