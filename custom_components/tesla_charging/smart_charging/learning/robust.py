"""Robust statistics of a few weighted values: what one wrong value cannot spoil."""

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Final

HUBER: Final = 1.5
"""From so many deviations on, a value counts less the further out it is."""
FAR: Final = 4.0
"""From so many deviations on, it counts nothing."""
ROUNDS: Final = 10
NORMAL: Final = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
TENTH: Final = 1.2816
"""Deviations from the middle of a normal distribution to its tenth percentile."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A value, and how much it counts."""

    value: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is believed of a number."""

    value: float
    low: float
    """The true value is below it with a chance of a tenth."""
    high: float
    confidence: float
    """How much of it was measured: from 0, an assumption, to 1."""


def half(age: float, half_life: float) -> float:
    """Return the weight of something of an age, in units of its half-life; nothing is younger than new."""
    return math.exp2(-max(0.0, age) / half_life)


def by_rank[T](values: Sequence[T], half_life: float) -> list[tuple[T, float]]:
    """Return values, oldest first, with weights that halve with every `half_life` newer ones."""
    last = len(values) - 1
    return [(value, half(last - place, half_life)) for place, value in enumerate(values)]


def quantile(values: Sequence[Weighted], share: float) -> float:
    """Return the value below which a share of the weight is.

    Each value stands in the middle of its weight; between two of them it is interpolated, beyond the outer ones it is theirs.
    """
    ranked = sorted((v for v in values if v.weight > 0), key=lambda v: v.value)
    if not ranked:
        raise ValueError("No value has a weight")
    wanted = share * sum(v.weight for v in ranked)
    before, passed = ranked[0], ranked[0].weight / 2
    if wanted <= passed:
        return before.value
    for value in ranked[1:]:
        step = (before.weight + value.weight) / 2
        if wanted <= passed + step:
            return before.value + (value.value - before.value) * (wanted - passed) / step
        before, passed = value, passed + step
    return before.value


def median(values: Sequence[Weighted]) -> float:
    """Return the weighted median."""
    return quantile(values, 0.5)


def deviation(values: Sequence[Weighted], middle: float) -> float:
    """Return the standard deviation, as the usual distance from the middle says."""
    return NORMAL * median([Weighted(abs(v.value - middle), v.weight) for v in values])


def trust(distance: float, usual: float) -> float:
    """Return how much a value counts that is so far from where it was expected, beside the usual deviation."""
    far = abs(distance) / usual
    return 1.0 if far <= HUBER else HUBER / far if far < FAR else 0.0


def robust_mean(values: Sequence[Weighted], least_deviation: float) -> float:
    """Return the mean, without what is far from the others; near ones are at most `least_deviation` away.

    What is far, most values decide: a few heavy ones do not, they count no more than usual ones there.
    """
    usual_weight = median([Weighted(v.weight) for v in values])
    equal = [Weighted(v.value, min(v.weight, usual_weight)) for v in values]
    mean = median(equal)
    usual = max(least_deviation, deviation(equal, mean))
    for _ in range(ROUNDS):
        kept = [Weighted(v.value, v.weight * trust(v.value - mean, usual)) for v in values]
        total = sum(v.weight for v in kept)
        if total <= 0:
            break
        mean = sum(v.value * v.weight for v in kept) / total
    return mean
