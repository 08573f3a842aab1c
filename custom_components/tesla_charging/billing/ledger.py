"""Counts what one application used, by month, car and category. Independent of Home Assistant.

A unit is counted in the month that the clock shows, so a wrong clock that is corrected loses or moves nothing. A clock
that is set back by less than HOLD does not return to the previous month.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
import re
from typing import Any, Final

from ..fleet_api import UNITS_PER_DOLLAR, Category

HOLD: Final = 24 * 3600
"""Seconds that the clock may be set back to before the beginning of a month without leaving it."""
MAX_MONTHS: Final = 6
"""The months that were used last are kept."""
MAX_CARS: Final = 50
"""Cars per month with counts of their own; further cars are counted together, under NO_CAR."""
MAX_COUNT: Final = 10**12
MAX_VIN_LENGTH: Final = 20
NO_CAR: Final = ""
_CATEGORIES: Final = tuple(UNITS_PER_DOLLAR)
_MONTH: Final = re.compile(r"(?:19[7-9][0-9]|2[0-9]{3})-(?:0[1-9]|1[0-2])")

type Units = dict[Category, int]


class Ledger:
    """The counts. Months are named like 2026-11."""

    def __init__(self, now: datetime) -> None:
        """Begin to count in the month of `now`, a local time."""
        self.began = now.timestamp()
        """When counting began, unix seconds."""
        self.month = _name(now)
        """The present month."""
        self._months: dict[str, dict[str, Units]] = {self.month: {}}
        """By month and VIN; the month that became the present one last is at the end."""

    def turn(self, now: datetime) -> bool:
        """Change to the month of `now`, a local time; return whether it is a different one."""
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
        """Count units of a car, or of NO_CAR, in the present month."""
        cars = self._months[self.month]
        if vin not in cars and len(cars) >= MAX_CARS:
            vin = NO_CAR
        units = cars.setdefault(vin, {})
        units[category] = min(units.get(category, 0) + count, MAX_COUNT)

    def units(self, month: str, vin: str | None = None) -> Units:
        """Return the units of a month, of one car or (None) of all together."""
        cars = self._months.get(month, {})
        chosen = cars.values() if vin is None else [cars[vin]] if vin in cars else []
        return {name: sum(units.get(name, 0) for units in chosen) for name in _CATEGORIES}

    @property
    def months(self) -> tuple[str, ...]:
        """The months with counts."""
        return tuple(self._months)

    @property
    def vins(self) -> frozenset[str]:
        """The cars with counts, of all months."""
        return frozenset(vin for cars in self._months.values() for vin in cars) - {NO_CAR}

    def anonymize(self, vin: str) -> None:
        """Count a car's units under NO_CAR instead of its VIN."""
        for cars in self._months.values():
            units = cars.pop(vin, {})
            unassigned = cars.setdefault(NO_CAR, {})
            for category, count in units.items():
                unassigned[category] = unassigned.get(category, 0) + count

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
        """Read back as_dict(); invalid values are left out."""
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


def month_before(month: str) -> str:
    """Return the month before."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year:04}-{number - 1:02}" if number > 1 else f"{year - 1:04}-12"


def month_after(month: str) -> str:
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
