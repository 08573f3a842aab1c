"""What one application used, by month, car and category: whole numbers and a calendar, and no Home Assistant.

A unit belongs to the month that the clock shows when it is counted. Every month has counts of its own, so a clock that
goes astray and comes back finds what was there; nothing is lost, moved or counted twice. One that goes back by less than
HOLD over the beginning of a month (it was put right) does not bring the old month back.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
import re
from typing import Any, Final

from ..fleet_api import UNITS_PER_DOLLAR, Category

HOLD: Final = 24 * 3600
"""Seconds before its beginning in which a month that had begun goes on."""
MAX_MONTHS: Final = 6
"""Kept are those that were counted in last."""
MAX_CARS: Final = 50
"""Kept apart in a month; what the others cost is kept without saying whose it was."""
MAX_COUNT: Final = 10**12
MAX_VIN_LENGTH: Final = 20
NO_CAR: Final = ""
_CATEGORIES: Final = tuple(UNITS_PER_DOLLAR)
_MONTH: Final = re.compile(r"(?:19[7-9][0-9]|2[0-9]{3})-(?:0[1-9]|1[0-2])")

type Units = dict[Category, int]


class Ledger:
    """The counts. Months are named like 2026-11."""

    def __init__(self, now: datetime) -> None:
        """Begin to count, in the month of a moment of local time."""
        self.began = now.timestamp()
        """Since when anything is counted, unix seconds."""
        self.month = _name(now)
        """The month that is counted in."""
        self._months: dict[str, dict[str, Units]] = {self.month: {}}
        """By month and VIN; the month that was begun, or come back to, last is the last one."""

    def turn(self, now: datetime) -> bool:
        """Go to the month of this moment of local time; return whether it is another one than before."""
        month = _name(now)
        self.began = min(self.began, now.timestamp())
        if month == self.month or (
            month < self.month
            and start_of(self.month, now.tzinfo).timestamp() - now.timestamp() < HOLD
        ):
            return False
        self.month = month
        self._months[month] = self._months.pop(month, {})
        while len(self._months) > MAX_MONTHS:
            del self._months[next(iter(self._months))]
        return True

    def add(self, vin: str, category: Category, count: int) -> None:
        """Count units of a car, or of NO_CAR, in the month of now."""
        cars = self._months[self.month]
        if vin not in cars and len(cars) >= MAX_CARS:
            vin = NO_CAR
        units = cars.setdefault(vin, {})
        units[category] = min(units.get(category, 0) + count, MAX_COUNT)

    def units(self, month: str, vin: str | None = None) -> Units:
        """Return what was used in a month, by one car or (None) by all together."""
        cars = self._months.get(month, {})
        chosen = cars.values() if vin is None else [cars[vin]] if vin in cars else []
        return {name: sum(units.get(name, 0) for units in chosen) for name in _CATEGORIES}

    @property
    def months(self) -> tuple[str, ...]:
        """The months of which counts are kept."""
        return tuple(self._months)

    @property
    def vins(self) -> frozenset[str]:
        """The cars, of all months, of which counts are kept."""
        return frozenset(vin for cars in self._months.values() for vin in cars) - {NO_CAR}

    def forget(self, vin: str) -> None:
        """Keep what a car used, but not that it was this one."""
        for cars in self._months.values():
            units = cars.pop(vin, {})
            none = cars.setdefault(NO_CAR, {})
            for category, count in units.items():
                none[category] = none.get(category, 0) + count

    # -- on disk ------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values."""
        return {
            "began": self.began,
            "month": self.month,
            "months": {
                month: {
                    vin: {name.value: count for name, count in units.items()}
                    for vin, units in cars.items()
                }
                for month, cars in self._months.items()
            },
        }

    @classmethod
    def from_dict(cls, data: object, now: datetime) -> Ledger:
        """Read back as_dict(); what cannot have come from there is left out."""
        ledger = cls(now)
        if not isinstance(data, Mapping):
            return ledger
        match data.get("began"):
            case bool():
                pass
            case int() | float() as began if 0 <= began <= ledger.began:
                ledger.began = float(began)
        stored = data.get("months")
        months = {
            month: _read_cars(cars)
            for month, cars in (stored.items() if isinstance(stored, Mapping) else ())
            if isinstance(month, str) and _MONTH.fullmatch(month) and isinstance(cars, Mapping)
        }
        last = data.get("month")
        if isinstance(last, str) and last in months:
            months[last] = months.pop(last)
        kept = [*months][-MAX_MONTHS:]
        if kept:
            ledger._months = {month: months[month] for month in kept}
            ledger.month = kept[-1]
            ledger.turn(now)
        return ledger


def start_of(month: str, zone: tzinfo | None) -> datetime:
    """Return the first moment of a month."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=zone)


def before(month: str) -> str:
    """Return the month before."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year:04}-{number - 1:02}" if number > 1 else f"{year - 1:04}-12"


def after(month: str) -> str:
    """Return the month after."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year:04}-{number + 1:02}" if number < 12 else f"{year + 1:04}-01"


def _name(now: datetime) -> str:
    return f"{now.year:04}-{now.month:02}"


def _read_cars(stored: Mapping[Any, Any]) -> dict[str, Units]:
    cars: dict[str, Units] = {}
    for vin, counts in stored.items():
        if not isinstance(vin, str) or not isinstance(counts, Mapping):
            continue
        is_kept = len(vin) <= MAX_VIN_LENGTH and len(cars) < MAX_CARS
        units = cars.setdefault(vin if is_kept else NO_CAR, {})
        for name in _CATEGORIES:
            count = counts.get(name)
            if isinstance(count, int) and not isinstance(count, bool) and 0 < count <= MAX_COUNT:
                units[name] = min(units.get(name, 0) + count, MAX_COUNT)
    return cars
