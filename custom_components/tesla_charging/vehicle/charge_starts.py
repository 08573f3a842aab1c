"""When and where the schedules of a car begin charging: the value of the signal `charge_schedules`."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
import re
from typing import Any, Final, Self

from ..vehicle_command import LAST_MINUTE

MAX_SCHEDULES: Final = 200
"""How many of a car's schedules are read; Tesla's cars hold 50."""

_DEGREES: Final = r"(-?[0-9]{1,3}\.[0-9]{1,9})"
_TEXT: Final = re.compile(rf"([0-9]{{1,3}}),([0-9]{{1,4}}),([01]),{_DEGREES},{_DEGREES}")
"""One start in a file of version 0.1, for instance "62,1380,0,52.50000,13.25000"; a space separates two of them."""


@dataclass(frozen=True, slots=True, order=True)
class ChargeStart:
    """One schedule that begins charging. It acts only while the car is near its place."""

    days: int
    """Mask of days; Sunday is 1."""
    minutes: int
    """After the car's local midnight."""
    once: bool
    """Whether the car forgets the schedule after the first time."""
    latitude: float
    longitude: float

    def as_list(self) -> list[Any]:
        """Return JSON-compatible values for restored_starts() after a restart."""
        return list(astuple(self))

    @classmethod
    def of(
        cls, days: object, minutes: object, once: object, latitude: object, longitude: object
    ) -> Self | None:
        """Return the start with these values, None if they cannot be one."""
        match (days, minutes, latitude, longitude):
            case (bool(), *_) | (_, bool(), *_):
                return None
            case (int(days), int(minutes), int() | float() as north, int() | float() as east) if (
                0 < days < 128
                and 0 <= minutes <= LAST_MINUTE
                and abs(north) <= 90
                and abs(east) <= 180
            ):
                return cls(
                    days, minutes, once is True, round(float(north), 5), round(float(east), 5)
                )
        return None


def charge_starts(items: list[Any]) -> tuple[ChargeStart, ...]:
    """Return the starts among a car's charge schedules, in one order whatever the car's is.

    Shape: `ChargeSchedule` of common.proto. What cannot be a schedule, is switched off or only ends charging is left out.
    """
    return _valid(
        ChargeStart.of(
            item.get("days_of_week"),
            item.get("start_time"),
            item.get("one_time"),
            item.get("latitude"),
            item.get("longitude"),
        )
        for item in items[:MAX_SCHEDULES]
        if isinstance(item, dict)
        and item.get("enabled") is True
        and item.get("start_enabled") is True
    )


def restored_starts(value: object) -> tuple[ChargeStart, ...] | None:
    """Read back a list of as_list(), or the text of version 0.1; None for anything else.

    What a damaged file holds in place of a single start is left out.
    """
    match value:
        case list():
            rows = [row for row in value[:MAX_SCHEDULES] if isinstance(row, list) and len(row) == 5]
            return _valid(ChargeStart.of(*row) for row in rows)
        case str():
            found = (_TEXT.fullmatch(word) for word in value.split()[:MAX_SCHEDULES])
            return _valid(
                ChargeStart.of(
                    int(row[1]), int(row[2]), row[3] == "1", float(row[4]), float(row[5])
                )
                for row in found
                if row is not None
            )
    return None


def _valid(starts: Iterable[ChargeStart | None]) -> tuple[ChargeStart, ...]:
    return tuple(sorted(start for start in starts if start is not None))
