"""How well the car, the home and habits are learnt where the truth is known: scripts/bench learning."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
import random
from statistics import fmean, quantiles

from custom_components.tesla_charging.smart_charging.learning.delay import Delay
from custom_components.tesla_charging.smart_charging.learning.departures import Departures
from custom_components.tesla_charging.smart_charging.learning.taper import Taper

from . import learning_car as car, learning_habits as habits, learning_home as home
from .learning_loop import bench_loop

PARTS = ("car", "habits", "home", "loop")
COUNTS = (5, 10, 30)
CAR_GOALS = {
    ("efficiency", 5): 0.03,
    ("efficiency", 30): 0.01,
    ("power", 5): 0.03,
    ("power", 30): 0.01,
    ("capacity", 10): 0.02,
}
MINUTES = 10.0
"""The mean absolute error of departures."""
TWICE = 2.0
"""What faults may make of an error."""
LEARNT_WEEKS, CHANGE_WEEK, EARLIER_WEEKS, LATER_WEEKS = 6, 14, 3, 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
    parser.add_argument("--seeds", type=int, default=200, help="how many cars and households")
    parser.add_argument("--nights", type=int, default=10, help="of each car in the closed loop")
    parser.add_argument("--part", choices=PARTS, action="append")


async def bench_learning(chosen: argparse.Namespace) -> None:
    """Run the parts that are chosen, or all."""
    parts = chosen.part or PARTS
    if "car" in parts:
        bench_car(chosen.seeds)
    if "habits" in parts:
        bench_habits(chosen.seeds)
    if "home" in parts:
        bench_home(max(1, chosen.seeds // 10))
    if "loop" in parts:
        bench_loop(max(1, chosen.seeds // 20), chosen.nights)


# -- the car -----------------------------------------------------------------------------------------------


def car_errors(faults: car.Faults, seeds: Iterable[int]) -> dict[tuple[str, int], list[float]]:
    """Return the errors after some charges, as shares, of each seed."""
    errors: dict[tuple[str, int], list[float]] = defaultdict(list)
    for seed in seeds:
        truth = car.Truth.drawn(random.Random(f"car {seed}"))
        full = truth.watts / 1000
        lower = max(0.6 * full, 5 * truth.volts * truth.phases / 1000)
        for count, learnt in enumerate(islice(car.sessions(seed, truth, faults), max(COUNTS)), 1):
            if count not in COUNTS:
                continue
            for name, found, true in (
                ("efficiency", learnt.efficiency.at(full).value, truth.share(full)),
                ("efficiency at 60 %", learnt.efficiency.at(lower).value, truth.share(lower)),
                ("power", learnt.power.watts.value, truth.watts),
                ("capacity", learnt.capacity.kwh.value, truth.capacity),
            ):
                errors[name, count].append(abs(found / true - 1))
    return errors


def tail(values: Sequence[float]) -> float:
    """Return the ninety-fifth percentile."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def bench_car(seeds: int) -> None:
    """Print how well cars are learnt."""
    print(f"\n## {seeds} cars at a place: error after so many charges, mean / 95 % / worst\n")
    for faults in car.WORLDS:
        print(f"{faults.name}")
        errors = car_errors(faults, range(seeds))
        for (name, count), found in sorted(errors.items()):
            goal = CAR_GOALS.get((name, count))
            told = ""
            if goal is not None:
                allowed = goal if faults is car.CALM else TWICE * goal
                within = sum(error <= allowed for error in found) / len(found)
                reached = "reached" if tail(found) <= allowed else "NOT REACHED"
                told = f"   {reached}: {within:.1%} of the cars within {allowed:.0%}"
            print(
                f"  {name:<20} {count:>3}  {fmean(found):6.2%} {tail(found):6.2%} {max(found):6.2%}{told}",
                flush=True,
            )
    minutes, assumed, seconds = [], [], []
    for seed in range(seeds):
        rng = random.Random(f"taper {seed}")
        truth = car.Truth.drawn(rng)
        taper, delay = Taper(), Delay()
        for _ in range(5):
            taper = car.with_taper(rng, truth, taper)
        for _ in range(10):
            wrong = rng.random() < 0.1
            late = rng.uniform(60, 500) if wrong else truth.delay_s * rng.lognormvariate(0, 0.3)
            delay = delay.with_command(late)
        true = car.minutes_to_full(truth, None)
        minutes.append(abs(car.minutes_to_full(truth, taper) / true - 1))
        assumed.append(abs(car.minutes_to_full(truth, Taper()) / true - 1))
        seconds.append(abs(delay.seconds().value / truth.delay_s - 1))
    print(
        f"time from 80 to 100 % after five such charges: wrong by {fmean(minutes):.1%} ({max(minutes):.1%} at worst),"
        f" without a taper by {fmean(assumed):.1%} ({max(assumed):.1%})\n"
        f"delay after ten commands, one in ten wrong: wrong by {fmean(seconds):.1%} ({tail(seconds):.1%} in one of twenty)"
    )


# -- habits ------------------------------------------------------------------------------------------------


def habit_errors(
    faults: habits.Faults, seeds: Iterable[int], how: str
) -> tuple[list[float], list[float], list[bool]]:
    """Return the errors of the early quartile and of the middle, minutes, and whether a change was noticed."""
    early, middle, noticed = [], [], []
    for seed in seeds:
        rng = random.Random(f"home {seed}")
        household = habits.Household.drawn(rng)
        work = [day for day in habits.WORKDAYS if household.leaves[day]]
        days, change, last = [*work, 5], None, LEARNT_WEEKS - 1
        if how:
            days = [rng.choice(work)] if "one" in how else work
            later = "later" in how
            minutes = rng.uniform(45, 120) * (1 if later else -1)
            change = habits.Change(CHANGE_WEEK, tuple(days), minutes)
            last = CHANGE_WEEK + (LATER_WEEKS if later else EARLIER_WEEKS) - 1
        learnt, now = after_week(seed, household, faults, change, last)
        for day in days:
            true = household.middle(day, last, change)
            habit = learnt.habit(day, now=now, holidays=household.holidays)
            # a day on which the car is said to stay is as wrong as two hours
            stays = habit.early is None
            found = true - 120 if habit.early is None else habit.early
            early.append(abs(found - (true - habits.QUARTILE * habits.SPREAD)))
            middle.append(120.0 if stays else abs(habit.usual - true))
            noticed.append(habit.changed)
    return early, middle, noticed


def after_week(
    seed: int,
    household: habits.Household,
    faults: habits.Faults,
    change: habits.Change | None,
    last: int,
) -> tuple[Departures, datetime]:
    """Return what was learnt by the end of a week."""
    for week, learnt, now in habits.weeks(seed, household, faults, change):
        if week == last:
            return learnt, now
    raise ValueError(f"There is no week {last}")


def bench_habits(seeds: int) -> None:
    """Print how well departures are learnt."""
    print(
        f"\n## {seeds} households, departures spread by {habits.SPREAD:.0f} minutes: mean absolute error, minutes, of the early"
        "\n   quartile (beside the true quartile) and of the middle (beside the true one); 95 % and worst of the quartile\n"
    )
    for faults in habits.WORLDS:
        print(faults.name)
        for how in ("", "all earlier", "one earlier", "all later", "one later"):
            early, middle, noticed = habit_errors(faults, range(seeds), how)
            allowed = MINUTES if faults is habits.CALM else TWICE * MINUTES
            reached = max(fmean(early), fmean(middle)) <= allowed
            when = f"{LATER_WEEKS if 'later' in how else EARLIER_WEEKS} weeks after {how}"
            print(
                f"  {when if how else f'{LEARNT_WEEKS} weeks':<28} quartile {fmean(early):5.1f}  middle {fmean(middle):5.1f}"
                f"  95 % {tail(early):5.0f}  worst {max(early):5.0f}  noticed {fmean(noticed):4.0%}"
                f"   {'reached' if reached else 'NOT REACHED'}: at most {allowed:.0f}",
                flush=True,
            )


# -- the home ----------------------------------------------------------------------------------------------


def bench_home(seeds: int) -> None:
    """Print how good the forecasts of a home are."""
    print(f"\n## {len(home.HOUSEHOLDS)} real households: forecasts of the next day, 17 weeks\n")
    first: float | None = None
    for faults in home.WORLDS:
        found = [
            home.base_load_forecasts(home.household(column).__getitem__, faults, column)
            for column in home.HOUSEHOLDS
        ]
        error = fmean(f.error for f in found)
        first = first or error
        print(
            f"  {faults.name:<32} wrong by {error:4.0f} W, the week before by {fmean(f.last_week for f in found):4.0f} W,"
            f" {fmean(f.covered for f in found):.0%} between low and high"
            f"   {'reached' if error <= TWICE * first else 'NOT REACHED'}: at most twice",
            flush=True,
        )
    print(f"\n## {seeds} roofs whose forecast is wrong: the energy of a day\n")
    first = None
    for faults in home.WORLDS:
        days = [
            day for seed in range(seeds) for day in home.solar_errors(faults, seed, home.roof())
        ]
        error = fmean(learnt for learnt, _ in days)
        first = first or error
        print(
            f"  {faults.name:<32} wrong by {error:6.1%}, as it came by {fmean(raw for _, raw in days):6.1%}"
            f"   {'reached' if error <= TWICE * first else 'NOT REACHED'}: at most twice",
            flush=True,
        )
