"""No plan of an independent solver is cheaper, and what a plan says it costs is what it costs.

Judge and programme are written from docs/planner.md, not from the planner.
"""

import random

import pytest

from custom_components.tesla_charging.smart_charging.model import Model
from custom_components.tesla_charging.smart_charging.plan import plan
from devtools.bench.plan_instances import features_of, instance, pairs_of
from devtools.bench.plan_judge import judge, world
from devtools.bench.plan_milp import solve

EACH = 15


@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("model", list(Model))
def test_no_plan_of_a_solver_is_cheaper(model: Model, part: int) -> None:
    """150 problems; scripts/bench plan solves thousands."""
    mixes: list[tuple[str, ...]] = [(), *((name,) for name in features_of(model)), *pairs_of(model)]
    for seed in range(part * EACH, (part + 1) * EACH):
        rng = random.Random(f"solver {model} {seed}")
        problem = instance(seed, model, frozenset(rng.choice(mixes) + rng.choice(mixes)))
        found = plan(problem, None)
        assert found.proven
        assert found.objective == pytest.approx(judge(problem, found), rel=1e-9, abs=1e-9)
        solved = solve(world(problem, found))
        assert solved is not None
        # the rest of a programme with fractions is solved to 1e-9 itself
        assert found.objective <= solved.objective + 3e-9 * max(1, abs(solved.objective))
