"""The planner beside HiGHS on seeded problems that mix many features."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
import random
import time
from typing import Final

from custom_components.tesla_charging.smart_charging.model import Model, Problem
from custom_components.tesla_charging.smart_charging.plan import plan

from .plan_instances import features_of, instance, pairs_of
from .plan_judge import RuleBroken, judge, world
from .plan_milp import solve

SAME: Final = 1e-9
"""Relative: costs that differ by less are the same."""
LEAST: Final = 30
"""Problems that every pair of features is in."""


class Verdict(StrEnum):
    """How a plan compares."""

    SAME = "same"
    HIGHER = "above the solver"
    LOWER = "below the solver"
    BROKEN = "breaks a rule"
    OTHER_COST = "says another cost"
    UNPROVEN = "not proven"
    UNSOLVED = "solver finds nothing"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan beside that of the solver."""

    verdict: Verdict
    gap: float = 0.0
    """Our objective less the solver's, currency."""
    told: str = ""
    again: bool = False
    """The solver had to be asked again, without its presolve."""


def mixed_features(seed: int, model: Model) -> frozenset[str]:
    """Return a pair of features, all pairs in turn, and up to six more."""
    pairs = pairs_of(model)
    rng = random.Random(f"bench {model} {seed}")
    more = rng.sample(features_of(model), rng.randrange(7))
    return frozenset({*pairs[seed % len(pairs)], *more})


def compare(problem: Problem) -> Comparison:
    """Compare the plan of a problem with what the judge says of it, and with the best plan of HiGHS."""
    found = plan(problem, None)
    if not found.proven:
        return Comparison(Verdict.UNPROVEN)
    try:
        cost = judge(problem, found)
    except RuleBroken as broken:
        return Comparison(Verdict.BROKEN, told=str(broken))
    if abs(cost - found.objective) > SAME * max(1, abs(cost)):
        return Comparison(Verdict.OTHER_COST, told=f"says {found.objective}, costs {cost}")
    this = world(problem, found)
    solved = solve(this)
    # HiGHS 1.12 sometimes calls a plan the best that is not (its presolve): then the same programme decides without it
    again = solved is None or found.objective < solved.objective - 1e-6
    if again:
        solved = solve(this, presolve=False)
    if solved is None:
        return Comparison(Verdict.UNSOLVED, again=again)
    gap = found.objective - solved.objective
    if gap > SAME * max(1, abs(solved.objective)):
        return Comparison(Verdict.HIGHER, gap, f"{gap} above the solver", again)
    if gap < -1e-6:
        return Comparison(Verdict.LOWER, gap, f"{-gap} below the solver", again)
    return Comparison(Verdict.SAME, gap, again=again)


def bench_solver(count: int) -> bool:
    """Print how the planner compares with HiGHS on seeded problems; return whether all is as it should be."""
    print(f"\n## {count} seeded problems beside HiGHS, each with two to eight features\n")
    good = True
    for model in Model:
        pairs = pairs_of(model)
        seen = Counter(dict.fromkeys(pairs, 0))
        tally: Counter[Verdict] = Counter()
        again, worst, begin = 0, 0.0, time.perf_counter()
        for seed in range(count // 2):
            features = mixed_features(seed, model)
            seen.update(pair for pair in pairs if features.issuperset(pair))
            result = compare(instance(seed, model, features))
            tally[result.verdict] += 1
            again += result.again
            worst = max(worst, result.gap)
            if result.verdict is not Verdict.SAME:
                print(f"  {model} {seed}: {result.verdict}. {result.told} {sorted(features)}")
        good &= set(tally) <= {Verdict.SAME}
        pair, fewest = min(seen.items(), key=lambda item: item[1])
        told = ", ".join(f"{number} {verdict}" for verdict, number in tally.items())
        print(f"{model.name}: {told}; highest difference {worst:.1e}")
        print(f"  {again} solved again without presolve; {time.perf_counter() - begin:.0f} s")
        print(f"  {len(pairs)} pairs, each in at least {fewest} problems ({' + '.join(pair)})")
        if fewest < LEAST:
            good = False
            print(f"  too few: {LEAST} are needed")
    return good
