"""Years of departures whose habits are known: weekdays, holidays, weeks away, missed days, DST and clocks that are wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
import json
import random
from zoneinfo import ZoneInfo

from custom_components.tesla_charging.smart_charging.learning.departures import Departures

ZONE = ZoneInfo("Europe/Amsterdam")
SPREAD = 15.0
"""The standard deviation of the departures, minutes."""
QUARTILE = 0.6745
"""Deviations from the middle of a normal distribution to its quartile."""
WORKDAYS = range(5)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong in a year."""

    name: str
    missed: float = 0.0
    """Chance of each trip that nobody sees it."""
    away: tuple[int, ...] = ()
    """Weeks in which the car leaves at other times, if at all."""
    down: tuple[int, ...] = ()
    """Weeks of which nothing is known."""
    outliers: float = 0.0
    """Chance of each departure to be at any time of the day."""
    clocks: bool = False
    """The clock is wrong for some days: not set, ahead, behind, of another zone."""


CALM = Faults("as it is, with holidays and DST")
WORLDS = (
    CALM,
    Faults("a tenth of the trips missed, two weeks away, one without data", 0.1, (2, 11), (9,)),
    Faults("one departure in twelve at any time", outliers=1 / 12),
    Faults("wrong clocks", clocks=True),
    Faults("all of these", 0.1, (2, 11), (9,), 1 / 12, clocks=True),
)


@dataclass(frozen=True, slots=True)
class Change:
    """From a week on, some weekdays are at other times."""

    week: int
    weekdays: tuple[int, ...]
    minutes: float


@dataclass(frozen=True, slots=True)
class Household:
    """What is true of a household."""

    first: date
    """A Monday."""
    minutes: tuple[float, ...]
    """The middle of the departures by weekday; of those of which `leaves` is true."""
    leaves: tuple[bool, ...]
    used: tuple[float, ...]
    """Percent, by weekday."""
    holidays: frozenset[date]

    @classmethod
    def drawn(cls, rng: random.Random) -> Household:
        """Draw a household."""
        first = date(2026, 1, 5) + timedelta(weeks=rng.randrange(52))
        work = rng.uniform(6 * 60, 9 * 60)
        minutes = [work + rng.gauss(0, 20) for _ in WORKDAYS]
        minutes += [rng.uniform(9 * 60, 12 * 60) for _ in range(2)]
        leaves = [True, *(rng.random() < 0.9 for _ in range(4)), True, rng.random() < 0.5]
        used = [rng.uniform(8, 40) for _ in range(7)]
        days = frozenset(first + timedelta(days=rng.randrange(180)) for _ in range(6))
        return cls(first, tuple(minutes), tuple(leaves), tuple(used), days)

    def middle(self, weekday: int, week: int, change: Change | None) -> float:
        """Return the true middle of a weekday's departures in a week, minutes after midnight."""
        changed = change is not None and week >= change.week and weekday in change.weekdays
        return self.minutes[weekday] + (change.minutes if change and changed else 0.0)


def weeks(
    seed: int, home: Household, faults: Faults, change: Change | None = None
) -> Iterator[tuple[int, Departures, datetime]]:
    """Yield, after every week, its number, what was learnt, and the moment."""
    rng = random.Random(f"habits {seed} {faults.name}")
    learnt = Departures(ZONE)
    wrong: dict[date, timedelta] = _wrong_clocks(rng, home.first) if faults.clocks else {}
    for week in range(60):
        for weekday in range(7):
            day = home.first + timedelta(days=7 * week + weekday)
            middle = home.middle(weekday, week, change)
            for minute, used in _trips(rng, home, faults, week, weekday, day, middle):
                left = _moment(day, minute)
                back = left + timedelta(hours=rng.uniform(2, 9))
                off = wrong.get(day, timedelta())
                if rng.random() < faults.missed or week in faults.down:
                    continue
                learnt = learnt.with_trip(left + off, used, now=back + off, holidays=home.holidays)
            if rng.random() < 0.1:
                # a restart
                learnt = Departures.from_dict(json.loads(json.dumps(learnt.as_dict())), ZONE)
        yield (
            week,
            learnt,
            _moment(home.first + timedelta(days=7 * week + 6), 1439),
        )


def _trips(
    rng: random.Random,
    home: Household,
    faults: Faults,
    week: int,
    weekday: int,
    day: date,
    middle: float,
) -> Iterator[tuple[float, float]]:
    """Yield the trips of a day: minutes after midnight, and percent used."""
    if week in faults.away or day in home.holidays:
        if rng.random() < 0.4:
            yield rng.uniform(9 * 60, 18 * 60), rng.uniform(5, 60)
        return
    if not home.leaves[weekday]:
        if rng.random() < 0.2:
            yield rng.uniform(9 * 60, 18 * 60), rng.uniform(5, 30)
        return
    minute = rng.gauss(middle, SPREAD)
    if rng.random() < faults.outliers:
        minute = rng.uniform(4 * 60, 20 * 60)
    used = home.used[weekday] * rng.lognormvariate(0, 0.25)
    yield minute, float(round(used))
    if rng.random() < 0.3:
        # once more in the evening
        yield rng.uniform(18 * 60, 22 * 60), float(rng.randint(2, 10))


def _wrong_clocks(rng: random.Random, first: date) -> dict[date, timedelta]:
    """Return by how much the clock is wrong on some days, by the true day."""
    wrong: dict[date, timedelta] = {}
    for week in (1, 4, 8, 10, 13, 15):
        begin = first + timedelta(days=7 * week + rng.randrange(7))
        for off, days in (
            rng.choice(
                (
                    # not set after a start; ahead; behind; of another zone
                    (timedelta(days=-365 * 30), 2),
                    (timedelta(days=40), 3),
                    (timedelta(days=-60), 2),
                    (timedelta(hours=rng.choice((-2, -1, 1, 2))), 4),
                )
            ),
        ):
            wrong |= {begin + timedelta(days=k): off for k in range(days)}
    return wrong


def _moment(day: date, minute: float) -> datetime:
    """Return a moment by the clock on the wall; a minute beyond midnight is of the next day."""
    days, rest = divmod(int(minute), 1440)
    wall = time(rest // 60, rest % 60, tzinfo=ZONE)
    return datetime.combine(day + timedelta(days=days), wall).astimezone(UTC)
