"""What a plan costs, straight from the formula: used for every result, so that no search vouches for itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from .model import Model
from .modes import Rules, longest_off, seconds_before
from .slots import Grid


@dataclass(frozen=True, slots=True)
class Use:
    """What a plan does in one slot."""

    amps: int = 0
    share: float = 0.0
    """Of the slot that is used, from 0 to 1."""
    late: bool = False
    """Whether a part is at the slot's end; else it is at its begin."""


OFF = Use()


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a plan, and what it consists of."""

    objective: float
    energy: float
    """Of energy and carbon dioxide."""
    switching: float
    value: float
    starts: int
    stops: int
    changes: int
    wakes: int
    reached: tuple[float, ...]
    """Energy in the battery at each border, kWh from now."""


def runs_on(grid: Grid, uses: Sequence[Use], place: int) -> bool:
    """Return whether charging goes on without a break from the slot before to this one."""
    before, here = uses[place - 1], uses[place]
    if not before.amps or not here.amps:
        return False
    if grid.model is Model.LEVELS or grid.problem.wishes.grid_minutes is not None:
        return True
    return (before.late or before.share >= 1.0) and (not here.late or here.share >= 1.0)


def cost_of(grid: Grid, uses: Sequence[Use], rules: Rules) -> Cost:
    """Return the cost of a plan."""
    state = grid.problem.state
    energy = reached = 0.0
    at_borders = [0.0]
    starts = stops = changes = wakes = 0
    before_now = seconds_before(grid)
    off_for = longest_off(rules) if before_now is None else before_now
    running = bool(state.amps)
    for place, (use, slot) in enumerate(zip(uses, grid.slots, strict=True)):
        if use.amps:
            index = slot.levels.index(use.amps)
            energy += use.share * slot.costs[index]
            reached += use.share * slot.gains[index]
        at_borders.append(reached)
        goes_on = runs_on(grid, uses, place) if place else running and bool(use.amps)
        if place == 0 and use.late and use.share < 1.0:
            goes_on = False
        if place == 0 and running and not goes_on:
            stops += 1
            off_for = 0
        if not use.amps:
            off_for += slot.seconds
            continue
        if goes_on:
            changes += use.amps != (uses[place - 1].amps if place else state.amps)
        else:
            starts += 1
            wakes += off_for >= rules.sleep_after
        off_for = 0
    # every run that begins after the first one follows a stop
    runs = starts + (1 if running and not stops else 0)
    stops += max(0, runs - 1)
    switching = (
        rules.start * starts + rules.stop * stops + rules.change * changes + rules.wake_up * wakes
    )
    value = grid.problem.wishes.value_above_target * max(0.0, reached - grid.target)
    return Cost(
        energy + switching - value,
        energy,
        switching,
        value,
        starts,
        stops,
        changes,
        wakes,
        tuple(at_borders),
    )
