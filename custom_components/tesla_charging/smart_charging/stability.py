"""Keeps a running plan: a new one replaces it only if it saves enough, or if the old one fails."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from .cutting import choose_model, horizon_of
from .model import Problem
from .plan import DEFAULT_WORK, plan, told
from .result import Plan
from .series import Window
from .slots import KWH
from .solve import bounded, searched

SHARE: Final = 0.01
"""Of the cost, which a new plan has to save,"""
STARTS: Final = 2
"""or so many starts, whichever is more."""
SECOND: Final = timedelta(seconds=1)


class Span(Protocol):
    """A time of charging."""

    @property
    def start(self) -> datetime:
        """When it begins, UTC."""

    @property
    def end(self) -> datetime:
        """When it ends."""


class Running(Protocol):
    """A plan that is carried out: the plan itself, or what was kept of it."""

    @property
    def blocks(self) -> Sequence[Span]:
        """The times of charging, in order."""


def replan(
    problem: Problem, running: Running | None, work_limit: int | None = DEFAULT_WORK
) -> Plan:
    """Return the running plan, adapted to what is known now, or the best plan if that is enough better.

    Adapted means the best plan that charges only within the blocks of the running one. Its last block may last longer,
    so a reading that is a percent off changes an end and no start.
    """
    windows = None if running is None else outside(running, problem)
    if windows is None:
        return plan(problem, work_limit)
    if _is_too_low(problem):  # the minimum level is wanted at once, whatever was planned
        return plan(problem, work_limit)
    limits = replace(problem.limits, blocked=(*problem.limits.blocked, *windows))
    kept = plan(replace(problem, limits=limits, model=choose_model(problem)), work_limit)
    costs = problem.costs
    enough = max(SHARE * abs(kept.objective), STARTS * costs.start * costs.factor)
    known = bounded(problem)
    if (
        not kept.shortfalls
        and not known.aims.missed
        and kept.objective - known.priced.value <= enough
    ):
        # the best plan cannot save enough, whichever it is
        return kept
    best = told(searched(known, work_limit))
    if _missing(kept) > _missing(best) + KWH or _late(kept) > _late(best):
        return best
    return kept if kept.objective - best.objective <= enough else best


def outside(running: Running, problem: Problem) -> list[Window] | None:
    """Return the time that is in none of a plan's blocks; None if no block is left."""
    now, horizon = problem.now, horizon_of(problem)
    blocks = [(_floor(block.start), block.end) for block in running.blocks if block.end > now]
    if not blocks:
        return None
    gaps = []
    at = now
    for start, end in blocks:
        if start > at:
            gaps.append(Window(at, start))
        at = max(at, _ceil(end))
    # the last block may last longer, and every block a little, since it ended where a target was reached
    return [gap for gap in gaps if gap.end <= horizon]


def _floor(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _ceil(moment: datetime) -> datetime:
    return moment if not moment.microsecond else _floor(moment) + SECOND


def _is_too_low(problem: Problem) -> bool:
    minimum = problem.wishes.minimum_level
    return minimum is not None and problem.car.level < min(minimum, problem.car.limit)


def _missing(planned: Plan) -> float:
    return sum(one.missing_kwh for one in planned.shortfalls)


def _late(planned: Plan) -> timedelta:
    return sum((one.late or timedelta(days=9) for one in planned.shortfalls), timedelta())
