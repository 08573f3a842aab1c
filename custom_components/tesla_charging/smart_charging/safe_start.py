"""The latest moment from which charging without a break still meets every deadline that can be met."""

from datetime import datetime, timedelta

from .slots import KWH, Grid


def latest_safe_start(grid: Grid) -> datetime | None:
    """Return it, with the reliable share of full power and the owner's margin; None if nothing is needed.

    The plan itself usually starts earlier or later than this: it says when waiting for better prices must end, so that
    no deadline depends on prices that are only estimated.
    """
    if not grid.targets:
        return None
    problem = grid.problem
    latest = min(_latest(grid, place, kwh) for place, kwh in grid.targets)
    latest -= problem.wishes.safety_minutes * 60
    return problem.now + timedelta(seconds=max(0, latest))


def _latest(grid: Grid, place: int, kwh: float) -> int:
    """Return the latest start for one target, whole seconds from now; 0 if none is early enough."""
    low, high = 0, grid.slots[place - 1].end if place else 0
    while high - low > 1:
        middle = (low + high) // 2
        if energy_from(grid, middle, place) >= kwh - KWH:
            low = middle
        else:
            high = middle
    return low


def energy_from(grid: Grid, start: int, end: int) -> float:
    """Return the energy that full power gives from a moment on to the end of so many slots."""
    car = grid.problem.car
    steps = [(car.kwh_to(step.level) - KWH, step.amps) for step in car.taper]
    energy = 0.0
    for slot in grid.slots[:end]:
        if slot.end <= start or not slot.levels:
            continue
        index = -1
        for level, amps in steps:
            if energy >= level and slot.levels[index] > amps:
                index = max((k for k, a in enumerate(slot.levels) if a <= amps), default=0)
        share = (slot.end - max(start, slot.start)) / slot.seconds
        energy += slot.gains[index] * share * car.reliable_share
    return energy
