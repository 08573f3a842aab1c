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
from .plan_milp import Programme

FUSE: Final = 25.0
"""Amps per phase for two cars of 16 A."""
HOURS: Final = (5.0, 6.0, 7.0, 8.0)
"""Tight nights: two cars of 40 kWh need 4.6 hours of the whole fuse."""
NEAR: Final = 1e-4
"""Relative: a joint programme counts as solved where its plans are proven to be so near the best."""
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
    bound: float
    """No set of plans is cheaper."""

    @property
    def solved(self) -> bool:
        """Whether the plans are the best, or very nearly."""
        return self.objective - self.bound <= NEAR * abs(self.objective)


def add_car(p: Programme, this: World) -> list[dict[int, int]]:
    """Add a car with one target at its horizon, and nothing else to look after; return its binaries.

    Smaller than the programme of all features, so that two cars can be solved: every slot but the last used one is
    used as a whole, and of that one the share is free.
    """
    costs, slots = this.problem.costs, this.slots
    (index, kwh), *more = this.targets
    if more or index != len(slots) or this.charging or any(s.forced or s.blocked for s in slots):
        raise ValueError("Only a car with one target and no other wishes")
    whole = [{a: p.binary(slot.cost[a]) for a in slot.gain} for slot in slots]
    last = [{a: p.binary() for a in slot.gain} for slot in slots]
    shares = [{a: p.real(0.0, 1.0, slot.cost[a]) for a in slot.gain} for slot in slots]
    starts = [p.real(0.0, 1.0, costs.start * costs.factor) for _ in slots]
    changes = [p.real(0.0, 1.0, costs.change * costs.factor) for _ in slots]
    stops = p.real(0.0, len(slots), costs.stop * costs.factor)

    def terms(rows: list[dict[int, int]], t: int, sign: float) -> list[tuple[float, int]]:
        return [(sign, i) for i in rows[t].values()]

    def on(t: int, sign: float) -> list[tuple[float, int]]:
        return terms(whole, t, sign) + terms(last, t, sign)

    p.row(1.0, 1.0, *(term for t in range(len(slots)) for term in terms(last, t, 1.0)))
    drawn: list[tuple[float, int]] = []
    ended: list[tuple[float, int]] = []
    for t, slot in enumerate(slots):
        ended += terms(last, t, 1.0)
        p.at_most(1.0, *terms(whole, t, 1.0), *ended)
        for a in slot.gain:
            p.at_most(0.0, (1.0, shares[t][a]), (-1.0, last[t][a]))
            drawn += [(slot.gain[a], whole[t][a]), (slot.gain[a], shares[t][a])]
        p.at_least(0.0, (1.0, starts[t]), *on(t, -1.0), *(on(t - 1, 1.0) if t else []))
        for a in slot.gain:
            if not t:
                continue
            # the current is another one, and it is no start
            before = [(1.0, row[t - 1][a]) for row in (whole, last) if a in row[t - 1]]
            here = [(-1.0, whole[t][a]), (-1.0, last[t][a])]
            p.at_least(0.0, (1.0, changes[t]), (1.0, starts[t]), *here, *before)
    p.row(kwh, kwh, *drawn)
    p.at_least(-1.0, (1.0, stops), *((-1.0, i) for i in starts))
    return [{i: a for row in (whole, last) for a, i in row[t].items()} for t in range(len(slots))]


def solve_together(worlds: Sequence[World], amps: float, seconds: float) -> Joint | None:
    """Return the best plans of cars whose currents are together at most the fuse; None if there are none."""
    programme = Programme()
    on = [add_car(programme, each) for each in worlds]
    together: dict[datetime, list[tuple[float, int]]] = {}
    for each, levels in zip(worlds, on, strict=True):
        for slot, binaries in zip(each.slots, levels, strict=True):
            drawn = [(float(a), index) for index, a in binaries.items()]
            together.setdefault(slot.start, []).extend(drawn)
    for drawn in together.values():
        programme.at_most(amps, *drawn)
    found = programme.solve(seconds, presolve=True)
    if found.x is None:
        return None
    objective = sum(
        judge_whole(
            each, [next((a for i, a in row.items() if found.x[i] > 0.5), 0) for row in levels]
        )
        for each, levels in zip(worlds, on, strict=True)
    )
    return Joint(objective, float(found.mip_dual_bound))


def worlds_of(problems: Sequence[Problem], amps: float) -> list[World]:
    """Return the worlds of cars whose targets are those that each can meet alone."""
    limits = Limits(fuse=Fuse(amps))
    alone = [replace(p, limits=limits, model=Model.LEVELS) for p in problems]
    return [world(p, plan(p, None)) for p in alone]


def missing(joint: JointPlan) -> float:
    """Return the energy that is not there in time, kWh."""
    return sum(short.missing_kwh for one in joint.plans for short in one.shortfalls)


def bench_pairs(count: int, seconds: float) -> bool:
    """Print how pairs of cars compare; return whether all is as it should be."""
    print(f"\n## {count} pairs of cars under a fuse of {FUSE:.0f} A beside the joint programme\n")
    tally: Counter[str] = Counter()
    above, at_most, told, ours = [], [], [], 0.0
    for problems in pairs(count):
        begin = time.process_time()
        joint = plan_together(problems, Fuse(FUSE))
        ours += time.process_time() - begin
        told.append(joint.gap / joint.objective)
        tally["without a gap"] += not joint.lower_bound <= joint.objective
        solved = solve_together(worlds_of(problems, FUSE), FUSE, seconds)
        if missing(joint) > SAME:
            tally["undeliverable"] += 1
            tally["undeliverable for ours alone"] += solved is not None
            continue
        bound = joint.lower_bound if solved is None else max(solved.bound, joint.lower_bound)
        at_most.append(joint.objective / bound - 1)
        if solved is None:
            tally["no plan of HiGHS in time"] += 1
            continue
        tally["bound above HiGHS"] += joint.lower_bound > solved.objective + 1e-7
        tally["cheaper than HiGHS"] += joint.objective < solved.objective - SAME
        if solved.solved:
            above.append(joint.objective / solved.objective - 1)
            tally["cheaper than the best"] += joint.objective < solved.bound - 1e-7
    print(f"solved by HiGHS: {len(above)} within {seconds:.0f} s; {dict(tally)}")
    for what, shares in (
        ("above HiGHS where that is solved", above),
        ("above the higher of both bounds, all pairs", at_most),
        ("gap that is told", told),
    ):
        most = max(shares, default=0.0)
        print(f"{what}: {mean(shares) * 100:.3f} % on average, {most * 100:.2f} % at most")
    print(f"{ours / count:.2f} s of computing a pair")
    bad = ("undeliverable for ours alone", "bound above HiGHS", "cheaper than the best")
    return mean(above) <= 0.003 and not any(tally[name] for name in (*bad, "without a gap"))
