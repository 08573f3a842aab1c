"""The days of a driver: what happens on a date, decided by seed, person and date alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from simulator.drivers.moments import DAY, HOUR, MINUTE, Moment, drive, trip
from simulator.drivers.people import Outing, Person
from simulator.home.days import dice, moment

#: Minutes from parking at home to the cable, and at least this between two trips.
TO_THE_CABLE = (1.0, 6.0)
BETWEEN_TRIPS_S = 15 * MINUTE
#: Hours within which the app is used after plugging in.
APP_HOURS = (0.05, 2.5)
#: Below this level (percent) a driver charges fast where the trip leads.
LOW_LEVEL = 25.0
FAST_KW, FAST_MINUTES = 120.0, 25.0
HOLIDAY_MPH = 62.0


@lru_cache(maxsize=64)
def holidays(
    person: str, often: float, days: tuple[int, int], seed: int, year: int
) -> tuple[tuple[date, date, bool], ...]:
    """Return the first and last days of a year's holidays, and whether they are made by car; none overlaps another."""
    rng = dice(seed, person, "holidays", year)
    number = int(often) + (rng.random() < often % 1)
    found: list[tuple[date, date, bool]] = []
    for _ in range(number):
        length = rng.randint(*days)
        first = date(year, 1, 2) + timedelta(days=rng.randrange(360 - length))
        last, by_car = first + timedelta(days=length), rng.random() < 0.5
        if all(
            last < other - timedelta(days=2) or first > end + timedelta(days=2)
            for other, end, _ in found
        ):
            found.append((first, last, by_car))
    return tuple(sorted(found))


def holiday_of(person: Person, seed: int, day: date) -> tuple[date, date, bool] | None:
    """Return the holiday that a day is part of."""
    known = holidays(person.name, person.holidays, person.holiday_days, seed, day.year)
    return next((h for h in known if h[0] <= day <= h[1]), None)


def is_away(person: Person, seed: int, day: date) -> bool:
    """Return whether nobody is at home the whole day."""
    holiday = holiday_of(person, seed, day)
    return holiday is not None and holiday[0] < day < holiday[1]


def moments_of(person: Person, seed: int, day: date, zone: ZoneInfo, phases: int) -> list[Moment]:
    """Return what happens on a local day, in order of time (unix seconds). What begins on a day may end on the next."""
    if (holiday := holiday_of(person, seed, day)) is not None:
        found = _holiday(person, seed, day, zone, phases, holiday)
    else:
        found = _usual_day(person, seed, day, zone, phases)
    return sorted(replace(one, at=float(round(one.at))) for one in found)


def _usual_day(
    person: Person, seed: int, day: date, zone: ZoneInfo, phases: int
) -> Iterator[Moment]:
    rng = dice(seed, person.name, "day", day)
    # whoever works at night comes home on the next day, and leaves again only after that
    ready = _last_home(person, seed, day - timedelta(days=1), zone)
    for number, (outing, leave) in enumerate(_outings(person, seed, day, zone)):
        own = dice(seed, person.name, "outing", number, day)
        if leave < ready:
            continue
        moves, there, home = _made(outing, leave, own)
        yield from moves
        yield from _top_up(there, moves[1].at)
        ready = home + BETWEEN_TRIPS_S
        yield from _after_coming_home(person, home, rng, phases)
    if rng.random() < person.changes_limit:
        at = moment(day, rng.uniform(8, 23) * HOUR, zone)
        yield Moment(at, "set_charge_limit", {"percent": rng.choice(person.limits)})


def _outings(person: Person, seed: int, day: date, zone: ZoneInfo) -> list[tuple[Outing, float]]:
    """Return what is planned for a day, with the moments of leaving."""
    rng = dice(seed, person.name, "plans", day)
    planned: list[tuple[Outing, float]] = []
    for outing in person.outings:
        wants, late = rng.random() < outing.share, rng.gauss(0, outing.leave[1])
        if wants and day.weekday() in outing.days:
            hour = outing.leave[0] + max(-90.0, min(90.0, late)) / 60
            planned.append((outing, moment(day, hour * HOUR, zone)))
    return sorted(planned, key=lambda plan: plan[1])


def _made(outing: Outing, leave: float, rng: Random) -> tuple[list[Moment], float, float]:
    miles, stay = rng.uniform(*outing.miles), rng.uniform(*outing.stay) * HOUR
    return trip(leave, miles, stay, mph=outing.mph)


def _last_home(person: Person, seed: int, day: date, zone: ZoneInfo) -> float:
    """Return when one is ready to leave again after the last trip that a day could have had at most."""
    ready = 0.0
    for number, (outing, leave) in enumerate(_outings(person, seed, day, zone)):
        own = dice(seed, person.name, "outing", number, day)
        ready = max(ready, _made(outing, leave, own)[2] + BETWEEN_TRIPS_S)
    return ready


def _top_up(there: float, leave: float) -> Iterator[Moment]:
    """Charge fast at the destination if the battery is low; `below` is for who carries it out."""
    if leave - there > (FAST_MINUTES + 10) * MINUTE:
        yield Moment(there + 5 * MINUTE, "plug_in_fast", {"kw": FAST_KW, "below": LOW_LEVEL})
        yield Moment(there + (5 + FAST_MINUTES) * MINUTE, "unplug", {"fast": True})


def _after_coming_home(person: Person, home: float, rng: Random, phases: int) -> Iterator[Moment]:
    rank, walk = rng.random(), rng.uniform(*TO_THE_CABLE) * MINUTE
    late, by_hand, app = rng.uniform(*person.late_after), rng.random(), rng.uniform(*APP_HOURS)
    if rank < person.forgets:
        return
    at = home + walk + (late * HOUR if rank < person.forgets + person.late else 0.0)
    yield Moment(at, "plug_in", {"max_amps": person.max_amps, "phases": phases})
    if by_hand < person.starts_by_hand:
        yield Moment(at + app * HOUR, "charge_start")
    elif by_hand < person.starts_by_hand + person.stops_by_hand:
        yield Moment(at + app * HOUR, "charge_stop")


def _holiday(
    person: Person,
    seed: int,
    day: date,
    zone: ZoneInfo,
    phases: int,
    holiday: tuple[date, date, bool],
) -> Iterator[Moment]:
    """Leave on the first day and come back on the last; a holiday without the car leaves it where it is."""
    first, last, by_car = holiday
    if not by_car or first < day < last:
        return
    rng = dice(seed, person.name, "holiday", first)
    miles = rng.uniform(*person.holiday_miles)
    ready = _last_home(person, seed, day - timedelta(days=1), zone)
    if day == first:
        out, there = drive(
            max(ready, moment(day, 9 * HOUR, zone)), miles, to=miles, mph=HOLIDAY_MPH
        )
        yield out
        yield from _top_up(there, there + DAY)
        return
    back, home = drive(moment(day, 10 * HOUR, zone), miles, to=0, mph=HOLIDAY_MPH)
    yield back
    yield from _after_coming_home(person, home, dice(seed, person.name, "day", day), phases)
