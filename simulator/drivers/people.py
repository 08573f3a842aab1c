"""Who drives: a row each. Hours are of the local clock; shares are of days on which it could happen."""

from dataclasses import dataclass, field
from typing import Any

MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)


@dataclass(frozen=True, slots=True)
class Outing:
    """A trip that is made on some days: when one leaves (hour, spread in minutes), for how long, how far and how fast.

    `stay` are hours, from the least to the most; `miles` likewise, one way.
    """

    days: tuple[int, ...]
    share: float
    leave: tuple[float, float]
    stay: tuple[float, float]
    miles: tuple[float, float]
    mph: float = 35.0


@dataclass(frozen=True, slots=True)
class Person:
    """What a driver does. A later outing of a day that would begin before an earlier one is over does not happen."""

    name: str
    story: str
    outings: tuple[Outing, ...]
    forgets: float = 0.08
    """How often the cable stays where it is after coming home."""
    late: float = 0.1
    """How often it is put in hours later, at `late_after` (the least and the most)."""
    late_after: tuple[float, float] = (1.0, 5.0)
    changes_limit: float = 0.02
    """How often the limit is changed in Tesla's app on a day, to one of `limits`."""
    limits: tuple[int, ...] = (70, 80, 90)
    starts_by_hand: float = 0.01
    """How often charging is started in Tesla's app some minutes after plugging in."""
    stops_by_hand: float = 0.005
    holidays: float = 2.0
    """How many a year, on average; half of them by car."""
    holiday_days: tuple[int, int] = (4, 14)
    holiday_miles: tuple[float, float] = (120.0, 420.0)
    max_amps: int = 16
    car: dict[str, Any] = field(default_factory=dict)
    """How the simulated car differs from an ordinary one."""


_WORK = Outing(MONDAY_TO_FRIDAY, 0.95, (7.6, 20), (8.5, 9.5), (18, 18))
_SHOPPING = Outing((5,), 0.9, (10.5, 45), (0.8, 1.8), (4, 9), 25)
_VISIT = Outing((6,), 0.6, (11, 60), (2.5, 5.5), (12, 60), 50)
_EVENING = Outing((1, 3), 0.5, (19.3, 25), (1.5, 2.5), (3, 8), 25)

PEOPLE: dict[str, Person] = {
    person.name: person
    for person in (
        Person(
            "commuter",
            "drives 18 miles to work and back on weekdays, shops on Saturdays, visits people on Sundays",
            (_WORK, _EVENING, _SHOPPING, _VISIT),
            car={"battery_kwh": 60.0, "battery_level": 71.0, "charge_limit": 80},
        ),
        Person(
            "home_office",
            "is at home on most days, with the car at the cable while the sun shines",
            (
                Outing(MONDAY_TO_FRIDAY, 0.35, (9.3, 60), (1, 3), (3, 15), 30),
                _EVENING,
                _SHOPPING,
                _VISIT,
            ),
            forgets=0.03,
            late=0.03,
            car={"battery_kwh": 75.0, "battery_level": 60.0, "charge_limit": 80},
        ),
        Person(
            "shifts",
            "works early, late and at night, and comes home when others leave",
            (
                Outing((0, 1), 0.95, (5.3, 10), (8.3, 8.7), (14, 14)),
                Outing((2, 3), 0.95, (13.2, 10), (8.3, 8.7), (14, 14)),
                Outing((4, 5), 0.95, (21.3, 10), (8.3, 8.7), (14, 14)),
            ),
            forgets=0.12,
            car={"battery_kwh": 60.0, "battery_level": 55.0, "charge_limit": 85},
        ),
        Person(
            "family",
            "drives children about, plugs in between two trips, and has far relatives",
            (
                Outing(MONDAY_TO_FRIDAY, 0.97, (7.9, 8), (0.2, 0.5), (3, 3), 22),
                Outing(MONDAY_TO_FRIDAY, 0.9, (15.2, 12), (0.3, 2.0), (3, 7), 22),
                _EVENING,
                Outing((5,), 0.7, (9.5, 60), (3, 7), (15, 90), 50),
                Outing((6,), 0.4, (14, 60), (1, 3), (5, 20)),
            ),
            forgets=0.15,
            late=0.2,
            holidays=3.0,
            car={"battery_kwh": 79.0, "battery_level": 50.0, "charge_limit": 80},
        ),
        Person(
            "forgetful",
            "forgets the cable on two evenings of five, and remembers it at bedtime on another",
            (_WORK, _SHOPPING, _VISIT),
            forgets=0.4,
            late=0.33,
            late_after=(3.0, 6.0),
            car={"battery_kwh": 60.0, "battery_level": 65.0, "charge_limit": 90},
        ),
        Person(
            "tinkerer",
            "cannot leave Tesla's app alone: changes the limit, starts and stops by hand",
            (_WORK, _EVENING, _SHOPPING, _VISIT),
            changes_limit=0.3,
            limits=(60, 70, 75, 80, 85, 90, 100),
            starts_by_hand=0.25,
            stops_by_hand=0.15,
            car={"battery_kwh": 60.0, "battery_level": 70.0, "charge_limit": 80},
        ),
        Person(
            "one_phase",
            "has an old car at a single phase of 32 A, drives little and far",
            (_SHOPPING, Outing((2, 4), 0.4, (9.5, 50), (3, 8), (40, 110), 55)),
            max_amps=32,
            car={
                "battery_kwh": 52.0,
                "battery_level": 60.0,
                "charge_limit": 90,
                "phases": 1,
                "max_amps": 32,
            },
        ),
    )
}
