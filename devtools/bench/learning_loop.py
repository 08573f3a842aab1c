"""The nights of the planner's closed loop with what was learnt of the car: from its first night, of which nothing is known."""

from dataclasses import dataclass, field, replace
import random
from statistics import fmean

from custom_components.tesla_charging.smart_charging.learning.capacity import LevelRise
from custom_components.tesla_charging.smart_charging.learning.efficiency import Charge
from custom_components.tesla_charging.smart_charging.learning.learnt_car import LearntCar
from custom_components.tesla_charging.smart_charging.learning.power import Full

from .plan_data import Night, hourly_prices, nights, quarters
from .plan_loop import TARGET, Ended, RealCar, run_night

FIRST_WEEK = 7


@dataclass(slots=True)
class WatchedCar(RealCar):
    """A car whose readings are kept: whole percent, and what its counters say."""

    ac_kwh: float = 0.0
    dc_kwh: float = 0.0
    seconds: float = 0.0
    rise: LevelRise = field(default_factory=LevelRise)

    def run(self, seconds: float) -> float:
        """Charge for some seconds; return the energy, AC."""
        # every super() of a class with slots names it
        before = self.level
        kwh = RealCar.run(self, seconds)
        if self.on:
            self.ac_kwh += kwh
            self.dc_kwh += (self.level - before) / 100 * self.capacity
            self.seconds += seconds
            self.rise = self.rise.with_reading(float(int(self.level)), round(self.dc_kwh, 2))
        return kwh


def drawn_car(
    rng: random.Random, night: Night, truth: tuple[float, float, float, float]
) -> WatchedCar:
    """Return the car as it comes home: a bit less far than the night has room for."""
    capacity, efficiency, standing_kw, power = truth
    level = max(5.0, TARGET - night.kwh * 0.85 / capacity * 100)
    return WatchedCar(
        level,
        efficiency * (1 + rng.gauss(0, 0.005)),
        power * (1 + rng.gauss(0, 0.005)),
        capacity=capacity,
        standing_kw=standing_kw,
    )


def play(seed: int, count: int, *, learning: bool = True) -> list[Ended]:
    """Play the first nights of a year with one car; without `learning` nothing is ever learnt of it."""
    rng = random.Random(f"learning loop {seed}")
    truth = (
        rng.uniform(50, 94),
        rng.uniform(0.88, 0.95),
        rng.uniform(0.1, 0.4),
        rng.uniform(0.94, 1.02),
    )
    by_quarter = quarters(hourly_prices(2024))
    learnt, ended = LearntCar(), []
    for night in nights(2024, limit=count, seed=seed):
        real = drawn_car(rng, night, truth)
        car = learnt.car(0.0)
        how, _ = run_night(night, by_quarter, seed, None, car=car, real=real)
        ended.append(how)
        hours = real.seconds / 3600
        if learning and hours:
            ac_kwh = round(real.ac_kwh, 2)
            learnt = replace(
                learnt,
                power=learnt.power.with_charge(Full(ac_kwh, hours, 16, 3)),
                efficiency=learnt.efficiency.with_charge(
                    Charge(ac_kwh, round(real.dc_kwh, 2), hours)
                ),
                capacity=learnt.capacity.with_charge(real.rise),
            )
    return ended


def missed(ended: list[Ended]) -> list[Ended]:
    """Return the nights whose target was missed, though it was possible."""
    return [night for night in ended if night.possible and night.level < TARGET - 0.01]


def bench_loop(cars: int, count: int) -> None:
    """Print how many departures are missed, with what was learnt and with what is assumed at first."""
    print(
        f"\n## Closed loop: {cars} cars, 50 to 94 kWh, that are not known at first, {count} nights each\n"
    )
    for name, nights_each, learning in (
        ("learnt", count, True),
        ("nothing learnt, a week", FIRST_WEEK, False),
    ):
        ended = [
            night for seed in range(cars) for night in play(seed, nights_each, learning=learning)
        ]
        late = missed(ended)
        print(
            f"  {name:<24} {len(ended)} nights, {sum(not e.possible for e in ended)} could not be met,"
            f" {len(late)} missed, {fmean(e.level for e in ended if e.possible):.2f} % on average"
            f"   {'NOT REACHED' if late else 'reached'}: none missed",
            flush=True,
        )
