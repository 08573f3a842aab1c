"""Problems of 48 hours with real prices, to measure how long plans take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
import math
import random
from typing import Any

from custom_components.tesla_charging.smart_charging.model import (
    Car,
    Costs,
    Deadline,
    Fuse,
    Limits,
    Model,
    Problem,
    TaperStep,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.series import (
    PowerForecast,
    PowerSlot,
    PriceSeries,
    PriceSlot,
)

from .plan_data import QUARTER, hourly_prices, paid, quarters

HOURS = 48
CARS = {
    "M1 16 A three-phase": (Model.ON_OFF, 3, 16),
    "M2 16 A three-phase": (Model.LEVELS, 3, 16),
    "M2 32 A one-phase": (Model.LEVELS, 1, 32),
}
GOALS = {
    "M1 16 A three-phase": (25, 100, 200),
    "M2 16 A three-phase": (80, 200, 400),
    "M2 32 A one-phase": (500, 1000, 2500),
}
"""Milliseconds, p99: plain, with one extra (M2: any), and with a fuse per slot (M1) or everything (M2)."""


@dataclass(frozen=True, slots=True)
class Window:
    """48 hours that begin at some minute of a day of 2024."""

    now: datetime
    prices: tuple[PriceSlot, ...]
    rng: random.Random


def windows(count: int) -> Iterator[Window]:
    """Yield windows over the year."""
    by_quarter = quarters(hourly_prices(2024))
    for number in range(count):
        rng = random.Random(f"times {number}")
        day = datetime(2024, 1, 1, 17, tzinfo=UTC) + timedelta(days=number * 360 // count)
        now = day + timedelta(minutes=rng.randrange(0, 240))
        first = now.replace(minute=now.minute // 15 * 15)
        starts = [first + k * QUARTER for k in range(HOURS * 4 + 1)]
        if all(start in by_quarter for start in starts):
            slots = (PriceSlot(s, s + QUARTER, paid(by_quarter[s]), 0.08) for s in starts)
            yield Window(now, tuple(slots), rng)


def plain(window: Window, model: Model, phases: int, amps: int) -> Problem:
    """Return a problem with one deadline at the end, and prices only."""
    end = window.now.replace(second=0) + timedelta(hours=HOURS - 1)
    end = end.replace(minute=0)
    return Problem(
        window.now,
        PriceSeries(window.prices, "EUR"),
        Car(
            75.0,
            window.rng.uniform(15, 60),
            efficiency=0.92,
            phases=phases,
            volts=230.0,
            max_amps=amps,
        ),
        Wishes(deadlines=(Deadline(end, 85.0),)),
        costs=Costs(start=0.05, stop=0.001, change=0.001),
        model=model,
    )


type Extra = Callable[[Problem, random.Random], Problem]


def _priced(price: Callable[[datetime], float]) -> Extra:
    def change(problem: Problem, _: random.Random) -> Problem:
        slots = tuple(replace(s, import_price=price(s.start)) for s in problem.prices.slots)
        return replace(problem, prices=replace(problem.prices, slots=slots))

    return change


def _wishes(**values: Any) -> Extra:
    return lambda problem, _: replace(problem, wishes=replace(problem.wishes, **values))


def _deadlines(problem: Problem, rng: random.Random) -> Problem:
    last = problem.wishes.deadlines[-1]
    level = problem.car.level
    some = [
        Deadline(
            last.at - timedelta(hours=hours, minutes=rng.randrange(60)),
            level + share * (85 - level),
        )
        for hours, share in ((34, 0.3), (17, 0.6))
    ]
    return replace(problem, wishes=replace(problem.wishes, deadlines=(*some, last)))


def _fuse(problem: Problem, rng: random.Random) -> Problem:
    slots = tuple(
        PowerSlot(
            s.start, s.end, rng.choice((300.0, 900.0, 2500.0, 6000.0)) * rng.uniform(0.8, 1.2)
        )
        for s in problem.prices.slots
    )
    fuse = Fuse(25.0 if problem.car.phases == 3 else 40.0)
    return replace(problem, base_load=PowerForecast(slots), limits=Limits(fuse=fuse))


def _sun(problem: Problem, rng: random.Random) -> Problem:
    slots = []
    for s in problem.prices.slots:
        hour = s.start.hour + s.start.minute / 60
        bell = max(0.0, math.sin(math.pi * (hour - 5) / 14)) if 5 < hour < 19 else 0.0
        watts = round(8000 * bell * rng.uniform(0.5, 1.0))
        slots.append(PowerSlot(s.start, s.end, float(watts), watts * 0.6, watts * 1.3))
    return replace(problem, solar=PowerForecast(tuple(slots)))


def _taper(problem: Problem, _: random.Random) -> Problem:
    top = problem.car.max_amps
    steps = (TaperStep(75.0, top * 3 // 4), TaperStep(82.0, top // 2))
    return replace(problem, car=replace(problem.car, taper=steps))


def _everything(problem: Problem, rng: random.Random) -> Problem:
    for extra in (_deadlines, _fuse, _sun, _taper):
        problem = extra(problem, rng)
    return _wishes(max_blocks=2, min_on_minutes=30, min_off_minutes=30)(problem, rng)


EXTRAS: dict[str, Extra] = {
    "plain": lambda problem, _: problem,
    "flat price": _priced(lambda _: 0.25),
    "two rates": _priced(lambda at: 0.22 if at.hour >= 22 or at.hour < 6 else 0.31),
    "at most 2 blocks": _wishes(max_blocks=2),
    "at most 1 block": _wishes(max_blocks=1),
    "three deadlines": _deadlines,
    "value above the target": _wishes(value_above_target=0.2),
    "grid of 15 minutes": _wishes(grid_minutes=15),
    "fuse": _fuse,
    "sun": _sun,
    "taper": _taper,
    "minimum times": _wishes(min_on_minutes=30, min_off_minutes=30),
    "everything": _everything,
}
LEVELS_ONLY = {"sun", "taper", "minimum times", "everything"}
