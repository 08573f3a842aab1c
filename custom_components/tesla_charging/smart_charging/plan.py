"""The planner: the best plan for a problem."""

from collections.abc import Sequence
from typing import Final

from .assemble import assemble
from .explain import explained
from .model import Fuse, Problem
from .result import JointPlan, Plan
from .several_cars import SharedFuse
from .solve import Solved, solve

DEFAULT_WORK: Final = 5_000_000
"""Labels after which the best plan so far is returned with its gap: about a second of a small machine."""


def plan(problem: Problem, work_limit: int | None = DEFAULT_WORK) -> Plan:
    """Return the best plan; without a work limit it is always proven."""
    return told(solve(problem, work_limit))


def told(solved: Solved) -> Plan:
    """Return the plan that was found, with its explanations."""
    uses, cost = solved.found.uses, solved.found.cost
    return explained(assemble(solved, uses, cost), solved, uses, cost)


def plan_together(
    problems: Sequence[Problem], fuse: Fuse, work_limit: int | None = DEFAULT_WORK
) -> JointPlan:
    """Return plans of several cars that together stay below a fuse; `Limits.fuse` of the problems is not used."""
    outcome = SharedFuse(problems, fuse, work_limit).run()
    plans = tuple(told(solved) for solved in outcome.plans.solved)
    objective = sum(one.objective for one in plans)
    return JointPlan(
        plans=plans,
        objective=objective,
        lower_bound=outcome.lower_bound,
        proven=objective - outcome.lower_bound <= 1e-9 * max(1.0, abs(objective)),
        labels=outcome.labels,
    )
