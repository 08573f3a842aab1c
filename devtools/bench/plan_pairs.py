"""Two cars under one fuse: the planner beside the joint programme, solved by HiGHS."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
import time
from typing import Final

from custom_components.tesla_charging.smart_charging.model import (
    Fuse,
    Limits,
    Model,
    Problem,
    Wishes,
)
from custom_components.tesla_charging.smart_charging.plan import plan, plan_together
from custom_components.tesla_charging.smart_charging.result import JointPlan

from .plan_data import mean
from .plan_instances import night
from .plan_judge import World, judge_whole, world
from .plan_milp import Programme, whole_slots

FUSE: Final = 25.0
"""Amps per phase for two cars of 16 A."""
HOURS: Final = (5.0, 6.0, 7.0, 8.0)
"""Tight nights: two cars of 40 kWh need 4.6 hours of the whole fuse."""
SECONDS: Final = 40.0
"""For the solver."""
SAME: Final = 1e-9


def pairs(count: int) -> Iterator[list[Problem]]:
    """Yield pairs of cars with the same night, that need 10 to 40 kWh each."""
    for seed in range(count):
        yield pair(seed, HOURS[seed % len(HOURS)])


def pair(seed: int, hours: float) -> list[Problem]:
    """Return two cars that leave at the same time."""
    first = night(seed, Model.LEVELS, hours=hours, energy=(10, 40))
    second = night(1000 + seed, Model.LEVELS, hours=hours, energy=(10, 40))
    leaving = replace(second.wishes.deadlines[0], at=first.wishes.deadlines[0].at)
    return [first, replace(first, car=second.car, wishes=Wishes((leaving,)))]


@dataclass(frozen=True, slots=True)
class Joint:
    """What HiGHS found for both cars."""

    objective: float
    proven: bool


def solve_together(worlds: Sequence[World], amps: float, seconds: float) -> Joint | None:
    """Return the best plans of cars whose currents are together at most the fuse; None if there are none."""
    programme = Programme()
    on = [whole_slots(programme, each) for each in worlds]
    together: dict[datetime, list[tuple[float, int]]] = {}
    for each, levels in zip(worlds, on, strict=True):
        for slot, binaries in zip(each.slots, levels, strict=True):
            drawn = [(float(a), index) for a, index in binaries.items()]
            together.setdefault(slot.start, []).extend(drawn)
    for drawn in together.values():
        programme.at_most(amps, *drawn)
    found = programme.solve(seconds, presolve=True)
    if found.x is None:
        return None
    objective = sum(
        judge_whole(
            each, [next((a for a, i in row.items() if found.x[i] > 0.5), 0) for row in levels]
        )
        for each, levels in zip(worlds, on, strict=True)
    )
    return Joint(objective, found.status == 0)


def worlds_of(problems: Sequence[Problem], amps: float) -> list[World]:
    """Return the worlds of cars whose targets are those that each can meet alone."""
    limits = Limits(fuse=Fuse(amps))
    alone = [replace(p, limits=limits, model=Model.LEVELS) for p in problems]
    return [world(p, plan(p, None)) for p in alone]


def missing(joint: JointPlan) -> float:
    """Return the energy that is not there in time, kWh."""
    return sum(short.missing_kwh for one in joint.plans for short in one.shortfalls)


def bench_pairs(count: int) -> bool:
    """Print how pairs of cars compare; return whether all is as it should be."""
    tally: Counter[str] = Counter()
    above, gaps, ours = [], [], 0.0
    for number, problems in enumerate(pairs(count)):
        begin = time.process_time()
        joint = plan_together(problems, Fuse(FUSE))
        ours += time.process_time() - begin
        gaps.append(joint.gap / joint.objective)
        short = missing(joint) > SAME
        solved = solve_together(worlds_of(problems, FUSE), FUSE, SECONDS)
        if solved is None or not solved.proven:
            tally["solver out of time" if solved else "solver delivers nothing"] += 1
            tally["undeliverable for ours alone"] += short and solved is not None
            continue
        if short:
            tally["undeliverable for ours alone"] += 1
            print(f"  pair {number}: {missing(joint)} kWh are missing that HiGHS delivers")
            continue
        share = joint.objective / solved.objective - 1
        above.append(share)
        tally["below the solver"] += share < -SAME
        tally["bound above the solver"] += joint.lower_bound > solved.objective + 1e-7
        tally["the best"] += abs(share) <= SAME
        tally["proven"] += joint.proven
    print(f"\n## {count} pairs of cars under a fuse of {FUSE:.0f} A beside the joint programme\n")
    print(f"solved by HiGHS: {len(above)}; {dict(tally)}")
    print(
        f"above it: {mean(above) * 100:.3f} % on average, {max(above, default=0) * 100:.2f} % at most"
    )
    print(
        f"gap that is told: {mean(gaps) * 100:.2f} % on average, {max(gaps) * 100:.2f} % at most; "
        f"{ours / count:.2f} s of computing a pair"
    )
    bad = ("undeliverable for ours alone", "below the solver", "bound above the solver")
    return mean(above) <= 0.003 and not any(tally[name] for name in bad)
