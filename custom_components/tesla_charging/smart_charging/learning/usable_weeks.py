"""Which weeks teach the habits around a car: not those in which it was mostly away, or left at times of no habit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from .robust import Weighted, median

NEAR_MINUTES: Final = 90.0
"""A departure is as usual if it is so near to that of a week before or after, or to the middle."""


@dataclass(frozen=True, slots=True)
class Day:
    """The first departure of a day, in minutes after its midnight, and what all its trips used, percent."""

    minute: float
    used: float


type Weeks = Mapping[int, Mapping[int, Day]]
"""The days by the number of their week, in order, and by weekday."""


def week_of(day: date) -> int:
    """Return the number of a week, which begins on Monday."""
    return (day.toordinal() - 1) // 7


def over(week: int, weekdays: set[int], today: date, holidays: frozenset[date]) -> Iterator[int]:
    """Yield those weekdays of a week that are over, and no holidays."""
    for weekday in weekdays:
        day = date.fromordinal(7 * week + 1 + weekday)
        if day < today and day not in holidays:
            yield weekday


def usable_weeks(weeks: Weeks, today: date, holidays: frozenset[date]) -> list[int]:
    """Return the weeks that teach, in order: those that on half of the usual days are as usual.

    Where that is so in less than half of the weeks, departures have no usual times: then it is enough that the car left.
    """
    usual = {of for of in range(7) if 2 * sum(of in row for row in weeks.values()) > len(weeks)}
    expected = {week: list(over(week, usual, today, holidays)) for week in weeks}
    left = [week for week, days in expected.items() if _enough(days, set(weeks[week]))]
    as_usual = [week for week in left if _enough(expected[week], _as_usual(weeks, week))]
    return as_usual if 2 * len(as_usual) >= len(left) else left


def _enough(expected: list[int], found: set[int]) -> bool:
    return 2 * sum(weekday in found for weekday in expected) >= len(expected)


def _as_usual(weeks: Weeks, week: int) -> set[int]:
    """Return the weekdays of a week on which the car left at about the same time as before, after, or usually."""
    found = set()
    for weekday, day in weeks[week].items():
        of_weeks = [of for of, row in weeks.items() if weekday in row]
        place = of_weeks.index(week)
        beside = [*of_weeks[max(0, place - 1) : place], *of_weeks[place + 1 : place + 2]]
        times = [weeks[of][weekday].minute for of in beside]
        times.append(median([Weighted(weeks[of][weekday].minute) for of in of_weeks]))
        if any(abs(day.minute - time) <= NEAR_MINUTES for time in times):
            found.add(weekday)
    return found
