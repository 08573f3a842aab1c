"""Two drivers and what they do to their cars in a month: plain lists of moments, the same for everybody who watches.

A day is 86,400 seconds; day 0 is a Monday. Times vary from day to day by a generator with a fixed seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import math
import random
from typing import Any

from simulator.drivers.moments import DAY, HOUR, MINUTE, Moment, trip

SATURDAY, SUNDAY, WEDNESDAY = 5, 6, 2
_SEED = 7
CHEAP_FROM = 23 * HOUR


@dataclass(frozen=True, slots=True)
class Driver:
    """A person and a car."""

    name: str
    story: str
    days: Callable[[int], Iterator[Moment]]
    car: dict[str, Any]
    """How the simulated car differs from an ordinary one."""

    def month(self, days: float) -> list[Moment]:
        """Return everything that happens in so many days, in order."""
        return sorted(moment for moment in self.days(math.ceil(days)) if moment.at < days * DAY)


def _overnight(home: float, midnight: float, dice: random.Random) -> list[Moment]:
    """Plug in after coming home at a wall box that gives power from the cheap hour on.

    It waits for up to ten minutes longer, as smart charging regulations ask of wall boxes.
    """
    start = max(midnight + CHEAP_FROM + dice.uniform(0, 10) * MINUTE, home + 10 * MINUTE)
    return [
        Moment(home + 3 * MINUTE, "plug_in", {"max_amps": 16, "phases": 3, "powered": False}),
        Moment(start, "set_power", {"powered": True}),
    ]


def _commuter(days: int) -> Iterator[Moment]:
    dice = random.Random(_SEED)
    for day in range(days):
        midnight = day * DAY
        weekday = day % 7
        if weekday < SATURDAY:
            leave = midnight + 7.4 * HOUR + dice.uniform(0, 40) * MINUTE
            stay = 9 * HOUR + dice.uniform(0, 60) * MINUTE
            moments, _, home = trip(leave, 18, stay, mph=35)
            yield from moments
            plugs_in = dice.random() < 0.8
        elif weekday == SATURDAY:
            moments, _, home = trip(midnight + 10.5 * HOUR, 6, 1.2 * HOUR, mph=25)
            yield from moments
            plugs_in = False
        else:
            far = day % 14 == SUNDAY
            miles, stay = (70.0, 5 * HOUR) if far else (15.0, 3 * HOUR)
            moments, there, home = trip(midnight + 9.5 * HOUR, miles, stay, mph=50)
            yield from moments
            if far:  # at a fast charger while the family eats
                yield Moment(there + 5 * MINUTE, "plug_in_fast", {"kw": 120.0})
                yield Moment(there + 25 * MINUTE, "unplug")
            plugs_in = True
        if plugs_in:
            yield from _overnight(home, midnight, dice)


def _guard(days: int) -> Iterator[Moment]:
    dice = random.Random(_SEED + 1)
    for day in range(days):
        midnight = day * DAY
        weekday = day % 7
        if weekday == WEDNESDAY:
            at = midnight + 18 * HOUR + dice.uniform(0, 60) * MINUTE
            yield from trip(at, 4, 1.5 * HOUR, mph=25)[0]
        elif weekday == SATURDAY:
            at = midnight + 10 * HOUR + dice.uniform(0, 90) * MINUTE
            moments, _, home = trip(at, 15, 2 * HOUR, mph=35)
            yield from moments
            yield Moment(home + 3 * MINUTE, "plug_in", {"max_amps": 16, "phases": 3})
        elif weekday == SUNDAY and day > SATURDAY:
            yield Moment(midnight + 11 * HOUR, "unplug")


_COMMUTER_CAR: dict[str, Any] = {"battery_kwh": 60.0, "battery_level": 71.0, "charge_limit": 80}

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        Driver(
            "commuter",
            "drives 18 miles to work and back on weekdays and makes trips at weekends, plugs in most evenings,"
            " charges from 23:00 on and sleeps in between; being asked keeps the car awake, as it does older ones",
            _commuter,
            _COMMUTER_CAR,
        ),
        Driver(
            "commuter-newer",
            "the same days with a newer car, which falls asleep although it is asked",
            _commuter,
            {**_COMMUTER_CAR, "kept_by_asking": False},
        ),
        Driver(
            "sentry",
            "stands in the street under Sentry Mode, which keeps it awake all day long; drives twice a week and"
            " charges on Saturdays",
            _guard,
            {"battery_kwh": 75.0, "battery_level": 70.0, "charge_limit": 90, "sentry": True},
        ),
    )
}
