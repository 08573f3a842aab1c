"""Nights in a closed loop: replanned every 30 seconds with readings that waver, missing prices and starts that fail."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import random

from custom_components.tesla_charging.smart_charging.estimate import estimate
from custom_components.tesla_charging.smart_charging.model import (
    Car,
    Costs,
    Deadline,
    Model,
    Problem,
    State,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.plan import plan
from custom_components.tesla_charging.smart_charging.result import Plan
from custom_components.tesla_charging.smart_charging.series import PriceSeries, PriceSlot
from custom_components.tesla_charging.smart_charging.stability import replan

from .plan_contenders import START
from .plan_data import QUARTER, ZONE, Night, paid

TICK = timedelta(seconds=30)
CAPACITY, TARGET = 75.0, 80.0
PRIOR = 0.88
"""The efficiency that is assumed before it is known."""
TRUST = 0.01
"""How far a reading of the level moves what is believed."""
MARGIN = 0.5
"""Percent that are charged beyond the target, because the level is not known better."""
VERIFY = timedelta(minutes=3)
"""After which a start that has failed is noticed."""


@dataclass(slots=True)
class RealCar:
    """What the car really does."""

    level: float
    efficiency: float
    power: float
    """Share of the power of the plate."""
    on: bool = False
    capacity: float = CAPACITY
    standing_kw: float = 0.0

    def run(self, seconds: float) -> float:
        """Charge for some seconds; return the energy, AC."""
        if not self.on:
            return 0.0
        kwh = 3 * 16 * 230 / 1000 * self.power * seconds / 3600
        stored = self.efficiency * (kwh - self.standing_kw * seconds / 3600)
        self.level = min(100.0, self.level + stored / self.capacity * 100)
        return kwh


@dataclass(frozen=True, slots=True)
class Ended:
    """How a night ended."""

    level: float
    possible: bool
    """Whether charging from the arrival on would have reached the target."""
    starts: int
    """Repeats of failed ones not counted."""
    planned: int
    """Starts of the first plan with all prices."""
    cost: float
    unknown: bool
    """Tomorrow's prices were missing."""


def prices_of(night: Night, by_quarter: dict[datetime, float], *, unknown: bool) -> PriceSeries:
    """Return the prices as they are known at the arrival; with `unknown` those after midnight are estimates."""
    first, end = night.prices[0].start, night.prices[-1].end
    if not unknown:
        return PriceSeries(night.prices, "EUR")
    midnight = (night.arrival.astimezone(ZONE) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    start = first - timedelta(days=21)
    known = []
    while start < min(end, midnight):
        if start in by_quarter:
            known.append(PriceSlot(start, start + QUARTER, paid(by_quarter[start]), 0.0))
        start += QUARTER
    return estimate(known, first, end, zone=ZONE, currency="EUR")


def run_night(
    night: Night,
    by_quarter: dict[datetime, float],
    seed: int,
    efficiency: float | None,
    *,
    car: Car | None = None,
    real: RealCar | None = None,
) -> tuple[Ended, float]:
    """Play a night; `efficiency` is what was learnt, None on the first night. Return also what is learnt from it.

    `car` is all that is believed of the car, `real` what is true of it.
    """
    rng = random.Random(f"loop {seed} {night.number}")
    real = real or RealCar(
        max(5.0, TARGET - night.kwh * 0.9 / CAPACITY * 100),
        rng.uniform(0.86, 0.92),
        rng.uniform(0.97, 1.0),
    )
    begin_level = real.level
    unknown = rng.random() < 0.1
    series = prices_of(night, by_quarter, unknown=unknown)
    known = efficiency if efficiency is not None else PRIOR
    car = car or Car(CAPACITY, 0.0, efficiency=known, reliable_share=0.97)
    first = _problem(night, PriceSeries(night.prices, "EUR"), real.level, car, State())
    planned = sum(block.starts for block in plan(first, None).blocks)
    now, believed, energy = night.arrival, real.level + rng.uniform(-1, 1), 0.0
    running: Plan | None = None
    starts, cost, since = 0, 0.0, night.arrival - timedelta(hours=8)
    told_on, failed_until, power = False, now, 1.0
    while now < night.departure:
        reading = real.level + rng.uniform(-1, 1)
        believed += (reading - believed) * TRUST
        if believed < TARGET + MARGIN or not told_on:
            problem = _problem(night, series, believed, car, State(16 * told_on, since), now, power)
            running = replan(problem, running)
            wanted = running.slots[0].amps > 0 and running.slots[0].on_from == now
        else:
            wanted = False
        if told_on and not wanted:
            real.on = told_on = False
            since = now
        elif wanted and not told_on:
            starts += 1
            told_on, since = True, now
            real.on = rng.random() >= 0.05
            failed_until = now + VERIFY
        elif told_on and not real.on and now >= failed_until:
            # seen, and repaired
            real.on = rng.random() >= 0.05
            failed_until = now + VERIFY
        kwh = real.run(TICK.total_seconds())
        price = next(s.import_price for s in night.prices if s.start <= now < s.end)
        cost += kwh * price
        energy += kwh
        if real.on:
            measured = real.power * 230 / car.volts * rng.uniform(0.97, 1.03)
            power += (measured - power) * 0.05
            stored = kwh * rng.uniform(0.97, 1.03) * car.battery_watts(16) / car.watts(16)
            believed += stored / car.capacity_kwh * 100
        now += TICK
    hours = (night.departure - night.arrival) / timedelta(hours=1)
    stored_kw = (11.04 * real.power - real.standing_kw) * real.efficiency
    reachable = begin_level + stored_kw * (hours - 0.1) / real.capacity * 100
    learnt = (real.level - begin_level) / 100 * CAPACITY / energy if energy > 5 else known
    ended = Ended(real.level, reachable >= TARGET, starts, planned, cost, unknown)
    return ended, known + (learnt - known) * 0.5


def _problem(
    night: Night,
    series: PriceSeries,
    level: float,
    car: Car,
    state: State,
    now: datetime | None = None,
    power: float = 1.0,
) -> Problem:
    return Problem(
        now or night.arrival,
        series,
        replace(car, level=min(100.0, max(0.0, level)), volts=round(car.volts * power, 1)),
        Wishes(
            deadlines=(Deadline(night.departure - timedelta(minutes=5), TARGET + MARGIN),),
            safety_minutes=10,
        ),
        costs=Costs(start=START),
        state=state,
        model=Model.ON_OFF,
    )
