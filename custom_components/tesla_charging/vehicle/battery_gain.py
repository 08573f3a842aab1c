"""What a car's battery shows of the energy that it took between two moments: a range, as wide as the data are coarse.

Pure arithmetic.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

MAX_LAG: Final = 600.0
"""Seconds between counter and level from which on they are not of the same moment, unless the counter stood still."""
SAME_COUNTER: Final = 0.3
"""kWh within which a counter stood still."""
LAG_KW: Final = 100.0
"""Power with which a charging car may have charged between the two."""
LAG_PERCENT: Final = 2.2
"""More than this a level that is pushed in steps is never behind."""
WHOLE_GRAIN: Final = 1.0
"""Percent by which the difference of two levels without decimals may be wrong."""
FINE_GRAIN: Final = 0.15
"""The same of levels with decimals, which are pushed in steps of 0.1."""
ENERGY_GRAIN: Final = 0.03
"""The same of two energies, kWh."""
KWH_PER_PERCENT: Final = (0.4, 1.4)
"""From the smallest to the largest battery, while that of the car is not known."""
CAPACITY_SPREAD: Final = 0.06
"""By which share a known capacity may be wrong; one that may be wrong by more is not learned."""
MAX_SPEED: Final = 100.0
"""Miles per hour; a far greater difference is of an odometer that has changed its unit."""
MAX_LEAP: Final = 50.0
"""Miles that are believed of any odometer, because the car's clock may be wrong."""
KM_PER_MILE: Final = 1.609344
UNIT_CHANGE: Final = 0.01
"""Share by which an odometer that has changed its unit may be off the one of before."""
LEARN_FROM: Final = 15.0
"""Percent from which on a capacity is learned."""
LEARN_KW: Final = 3.0
"""Least mean power of a charge from which it is learned: in a slower one, what the car uses meanwhile is too much."""


class Range(NamedTuple):
    """The least and the most that it can be, kWh."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Counter and battery of a car at one moment."""

    added: float
    """The counter, kWh."""
    at: float = 0.0
    """When the counter was measured, unix seconds; 0.0: not known."""
    level: float | None = None
    """Percent."""
    level_at: float = 0.0
    remaining: float | None = None
    """Energy in the battery, kWh, if it was measured together with the level."""
    odometer: float | None = None
    """Miles."""
    charging: bool = False
    plugged_in: bool | None = None
    level_added: float | None = None
    """The counter when the level was measured, if that is known."""

    @property
    def has_fresh_level(self) -> bool:
        """Whether the level is of the counter's moment."""
        return self.level is not None and self.at - self.level_at <= MAX_LAG

    @property
    def has_level(self) -> bool:
        """Whether the level is still right: a parked car does not push again what has not changed."""
        if self.level is None or self.has_fresh_level:
            return self.has_fresh_level
        return self.level_added is not None and abs(self.added - self.level_added) <= SAME_COUNTER

    def as_list(self) -> list[Any]:
        """Return JSON-compatible values for from_list() after a restart."""
        return [getattr(self, name) for name in self.__slots__]

    @classmethod
    def from_list(cls, items: object) -> Self | None:
        """Read back as_list(); None for anything else."""
        match items:
            case [
                int() | float(),
                int() | float(),
                None | int() | float(),
                int() | float(),
                None | int() | float(),
                None | int() | float(),
                bool(),
                None | bool(),
                # it came with version 0.2.0
                *level_added,
            ] if isinstance(items, list) and _is_optional_number(level_added):
                return cls(*items)
        return None


def _is_optional_number(items: list[Any]) -> bool:
    match items:
        case [] | [None | int() | float()]:
            return True
    return False


def hours_between(before: Mark, after: Mark) -> float | None:
    """Return the hours between two counters, None if they are not known."""
    return (after.at - before.at) / 3600 if 0 < before.at <= after.at else None


def miles_between(before: Mark, after: Mark) -> float:
    """Return the miles driven between two moments; 0.0 also if they are not known, or more than a car can drive."""
    hours = hours_between(before, after)
    if before.odometer is None or after.odometer is None or hours is None:
        return 0.0
    miles = after.odometer - before.odometer
    in_other_unit = after.odometer / KM_PER_MILE - before.odometer
    if miles > MAX_LEAP and abs(in_other_unit) <= UNIT_CHANGE * before.odometer:
        return 0.0
    return miles if 0 < miles <= MAX_SPEED * hours + MAX_LEAP else 0.0


def battery_gain(before: Mark, after: Mark, per_percent: float | None) -> Range | None:
    """Return by how much the energy in the battery rose between two moments; negative where it sank.

    None if the level of one of them is not known. `per_percent` is the energy of one percent, if that is known.
    """
    if before.level is None or after.level is None or after.level_at <= before.level_at:
        return None
    # after a gap, an old level is the one of before it
    if not (before.has_level and after.has_fresh_level):
        return None
    low, high = KWH_PER_PERCENT
    if per_percent is not None:
        low, high = per_percent * (1 - CAPACITY_SPREAD), per_percent * (1 + CAPACITY_SPREAD)
    whole = float(before.level).is_integer() or float(after.level).is_integer()
    grain = WHOLE_GRAIN if whole else FINE_GRAIN
    percent = after.level - before.level
    fewest, largest = percent - grain, percent + grain
    least = fewest * (low if fewest > 0 else high)
    most = largest * (high if largest > 0 else low)
    if before.remaining is not None and after.remaining is not None:
        rise = after.remaining - before.remaining
        # an energy that contradicts the level is wrong
        if least - high <= rise <= most + high:
            least, most = rise - ENERGY_GRAIN, rise + ENERGY_GRAIN
    return Range(
        least - max(_lag(before, high), _known_lag(before)) - _lead(after, high),
        most + _lag(after, high) + _lead(before, high),
    )


def _lag(mark: Mark, per_percent: float) -> float:
    """Return the energy that may have been charged between the level and a counter that is newer."""
    return _charged_in(mark.at - mark.level_at, mark, per_percent)


def _known_lag(mark: Mark) -> float:
    """Return what the counter rose since the level was measured: one that was not told for a while is far behind."""
    return 0.0 if mark.level_added is None else mark.added - mark.level_added


def _lead(mark: Mark, per_percent: float) -> float:
    """Return the energy that may have been charged between a counter and a level that is newer."""
    return _charged_in(mark.level_at - mark.at, mark, per_percent)


def _charged_in(seconds: float, mark: Mark, per_percent: float) -> float:
    if not mark.charging:
        return 0.0
    return min(LAG_PERCENT * per_percent, max(0.0, seconds) / 3600 * LAG_KW)


def told_capacity(mark: Mark) -> float | None:
    """Return the energy of one percent by what the car tells at one moment."""
    if mark.remaining is None or mark.level is None or mark.level < LEARN_FROM:
        return None
    whole = float(mark.level).is_integer()
    # a level without decimals is rounded down
    most = mark.level + WHOLE_GRAIN if whole else mark.level + FINE_GRAIN
    return _between(mark.remaining / most, mark.remaining / mark.level)


def charged_capacity(before: Mark, after: Mark) -> float | None:
    """Return the energy of one percent by what a car charged between two moments; None while that says too little."""
    if (
        before.level is None
        or after.level is None
        or not (before.has_level and after.has_fresh_level)
    ):
        return None
    percent = after.level - before.level
    if percent < LEARN_FROM:
        return None
    whole = float(before.level).is_integer() or float(after.level).is_integer()
    grain = WHOLE_GRAIN if whole else FINE_GRAIN
    added, high = after.added - before.added, KWH_PER_PERCENT[1]
    hours = hours_between(before, after)
    if hours is None or added < LEARN_KW * hours:
        return None
    least = added - _lag(after, high) - _lead(before, high)
    most = added + _lag(before, high) + _lead(after, high)
    return _between(least / (percent + grain), most / (percent - grain))


def _between(least: float, most: float) -> float | None:
    """Return what is between these, if it is known well enough, and plausible."""
    per_percent = (least + most) / 2
    low, high = KWH_PER_PERCENT
    if not low <= per_percent <= high or most - per_percent > CAPACITY_SPREAD * per_percent:
        return None
    return per_percent
