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
ALONE: Final = 2.5
"""How many those of one weekday must."""


@dataclass(frozen=True, slots=True)
class _Split:
    """A change that may be one, and the mean distance that it leaves unexplained, minutes."""

    change: Change
    unexplained: float


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


def changed_alone(times: Times, spread: float) -> Change | None:
    """Return the change of the times of one weekday; None if they are as ever.

    A few times do not tell by how much they vary: `spread` is that of all weekdays, minutes.
    """
    return _changed([times], ALONE, spread)


def changed_together(weekdays: Sequence[Times]) -> Change | None:
    """Return the change of several weekdays at once; each is compared with itself."""
    return _changed([times for times in weekdays if times], TOGETHER)


def _changed(
    weekdays: Sequence[Times], wanted: float, spread: float | None = None
) -> Change | None:
    """Return the change where the times are best explained by two habits; None if it could be chance."""
    weeks = sorted({week for times in weekdays for week in times})
    places = weeks[LEAST_BEFORE : len(weeks) - LEAST_EARLIER + 1]
    splits = [split for first in places if (split := _split(weekdays, first, spread))]
    if not splits:
        return None
    best = min(splits, key=lambda split: split.unexplained)
    change = best.change
    later = change.minutes > 0 and sum(week >= change.week for week in weeks) < LEAST_LATER
    if later or abs(change.minutes) < LEAST_MINUTES or change.deviations < wanted:
        return None
    return change


def _split(weekdays: Sequence[Times], first: int, spread: float | None) -> _Split | None:
    """Compare the times before a week, and from it on; None if there are too few."""
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
    apart = before + after
    if spread is None:
        # values lie closer to their own middles than to those of all that will be
        wider = math.sqrt(len(apart) / (len(apart) - 2 * len(shifts)))
        spread = max(LEAST_SPREAD, wider * deviation(apart, 0.0))
    usual = MEDIAN_LOSS * spread * math.sqrt(1 / len(before) + 1 / len(after))
    shift = median(shifts)
    change = Change(first, shift, abs(shift) / usual)
    return _Split(change, sum(abs(t.value) for t in apart) / len(apart))
