"""From what a plan does in every slot to what is told about it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
import math

from .deadlines import Missed
from .evaluate import Cost, Use, runs_on
from .model import Problem
from .result import Block, Plan, PlanSlot, Shortfall, Target
from .safe_start import latest_safe_start
from .slots import KWH, Grid, Slot
from .solve import Solved


def assemble(solved: Solved, uses: Sequence[Use], cost: Cost) -> Plan:
    """Return the plan that is told, without its explanations."""
    grid, found = solved.grid, solved.found
    problem = grid.problem
    slots = tuple(plan_slot(problem, slot, use) for slot, use in zip(grid.slots, uses, strict=True))
    co2 = sum(slot.co2_kg for slot in slots) * problem.costs.per_kg_co2
    level = problem.car.level + cost.reached[-1] / problem.car.capacity_kwh * 100
    return Plan(
        model=grid.model,
        now=problem.now,
        currency=problem.prices.currency,
        slots=slots,
        blocks=blocks_of(grid, uses, slots),
        objective=cost.objective,
        energy_cost=cost.energy - co2,
        switching_cost=cost.switching,
        co2_cost=co2,
        value=cost.value,
        proven=found.proven,
        lower_bound=found.lower_bound,
        labels=found.labels,
        targets=tuple(Target(goal.at, goal.kwh) for goal in solved.aims.goals),
        shortfalls=tuple(shortfall(grid, uses, cost, missed) for missed in solved.aims.missed),
        latest_safe_start=latest_safe_start(grid),
        final_level=level,
    )


def moment(problem: Problem, seconds: float) -> datetime:
    """Return a moment by the seconds from now."""
    return problem.now + timedelta(seconds=seconds)


def on_time(slot: Slot, use: Use) -> tuple[float, float]:
    """Return from when to when a slot is used, seconds from now."""
    if not use.amps:
        return slot.start, slot.start
    used = use.share * slot.seconds
    return (slot.end - used, slot.end) if use.late else (slot.start, slot.start + used)


def plan_slot(problem: Problem, slot: Slot, use: Use) -> PlanSlot:
    """Return what is told about a slot."""
    on_from, on_until = on_time(slot, use)
    hours = (on_until - on_from) / 3600
    power = problem.car.watts(use.amps) / 1000
    sun = sum(weight * min(power, surplus) for weight, surplus in slot.surpluses) * hours
    battery = co2 = cost = 0.0
    if use.amps:
        index = slot.levels.index(use.amps)
        battery = slot.gains[index] * use.share
        co2 = slot.co2 * (power * hours - sun)
        cost = slot.costs[index] * use.share - problem.costs.per_kg_co2 * co2
    return PlanSlot(
        start=moment(problem, slot.start),
        end=moment(problem, slot.end),
        amps=use.amps,
        on_from=moment(problem, on_from),
        on_until=moment(problem, on_until),
        energy_kwh=power * hours,
        battery_kwh=battery,
        solar_kwh=sun,
        cost=cost,
        co2_kg=co2,
        import_price=slot.price.import_price,
        certainty=slot.price.certainty,
        most_amps=slot.levels[-1] if slot.levels else 0,
    )


def blocks_of(grid: Grid, uses: Sequence[Use], slots: Sequence[PlanSlot]) -> tuple[Block, ...]:
    """Return the runs of a plan."""
    runs: list[list[int]] = []
    for place, use in enumerate(uses):
        if not use.amps:
            continue
        if runs and runs[-1][-1] == place - 1 and runs_on(grid, uses, place):
            runs[-1].append(place)
        else:
            runs.append([place])
    blocks = []
    for run in runs:
        used = [slots[place] for place in run]
        goes_on = (
            run[0] == 0 and grid.problem.state.amps > 0 and used[0].on_from == grid.problem.now
        )
        blocks.append(
            Block(
                start=used[0].on_from,
                end=used[-1].on_until,
                amps=max(slot.amps for slot in used),
                energy_kwh=sum(slot.energy_kwh for slot in used),
                battery_kwh=sum(slot.battery_kwh for slot in used),
                cost=sum(slot.cost for slot in used),
                starts=not goes_on,
            )
        )
    return tuple(blocks)


def reached_at(grid: Grid, cost: Cost, at: float) -> float:
    """Return the energy in the battery at a deadline, which is always a slot border; seconds from now."""
    return cost.reached[sum(slot.end <= at for slot in grid.slots)]


def reached_when(grid: Grid, uses: Sequence[Use], cost: Cost, kwh: float) -> float | None:
    """Return when an energy is in the battery, seconds from now; None if never."""
    if kwh <= KWH:
        return 0.0
    for slot, use, (before, after) in zip(grid.slots, uses, pairwise(cost.reached), strict=True):
        if after >= kwh - KWH:
            on_from, on_until = on_time(slot, use)
            share = (kwh - before) / (after - before) if after > before else 0.0
            return on_from + (on_until - on_from) * min(1.0, share)
    return None


def shortfall(grid: Grid, uses: Sequence[Use], cost: Cost, missed: Missed) -> Shortfall:
    """Return what is told about a deadline that cannot be met."""
    problem = grid.problem
    car, deadline = problem.car, missed.deadline
    at = max(0.0, (deadline.at - problem.now).total_seconds())
    reached = reached_at(grid, cost, at)
    ready = reached_when(grid, uses, cost, car.kwh_to(deadline.level))
    return Shortfall(
        deadline=deadline,
        level=car.level + reached / car.capacity_kwh * 100,
        missing_kwh=max(0.0, car.kwh_to(deadline.level) - reached),
        ready_at=None if ready is None else moment(problem, math.ceil(ready - 1e-6)),
    )
