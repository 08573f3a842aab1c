"""In which modes a car can be at each slot border, and which moves there are: off or on, for how long, blocks left.

The current is not part of a mode: whoever searches keeps it beside the mode.
"""

from dataclasses import dataclass, field
from typing import Final

from .model import Model
from .slots import Grid

NONE: Final = -1
"""A move that does not exist."""

type Mode = tuple[int, int]
"""Seconds in this mode (only as far as they matter), and blocks left."""


@dataclass(slots=True)
class Modes:
    """The modes at every border and the moves in every slot; a move is the index of a mode at the next border."""

    off: list[list[Mode]] = field(default_factory=list)
    on: list[list[Mode]] = field(default_factory=list)
    wait: list[list[int]] = field(default_factory=list)
    """From off, in the slot after the border: stay off."""
    start: list[list[int]] = field(default_factory=list)
    start_cost: list[list[float]] = field(default_factory=list)
    stay: list[list[int]] = field(default_factory=list)
    """From on: stay on."""
    stop: list[list[int]] = field(default_factory=list)
    end_early: list[list[int]] = field(default_factory=list)
    """From on: stay on for a part of the slot, then be off. As `stop`, but a running charge then uses its block."""
    restart: list[list[int]] = field(default_factory=list)
    """From on: stop at the border, and be on again at the next one."""
    stop_free: list[list[bool]] = field(default_factory=list)
    """Whether a stop is possible anywhere, or only where the battery is at the slot's cap."""
    end_free: list[list[bool]] = field(default_factory=list)
    """The same for the end of the last run at the border."""
    old_enough: list[list[bool]] = field(default_factory=list)
    """Whether a run in this mode has lasted long enough to end at the border, whatever the grid of minutes says."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The costs of switching and the minimum times, as numbers."""

    start: float
    stop: float
    change: float
    wake_up: float
    sleep_after: int
    min_on: int
    min_off: int

    @classmethod
    def of(cls, grid: Grid) -> Rules:
        """Return those of a grid."""
        costs, wishes = grid.problem.costs, grid.problem.wishes
        change = costs.change
        if grid.model is Model.ON_OFF and wishes.grid_minutes is None:
            # there a break may be as short as one likes
            change = min(change, costs.start + costs.stop + costs.wake_up)
        return cls(
            start=costs.start * costs.factor,
            stop=costs.stop * costs.factor,
            change=change * costs.factor,
            wake_up=costs.wake_up * costs.factor,
            # M1 counts a wake-up with every start
            sleep_after=costs.sleep_after_minutes * 60 if grid.model is Model.LEVELS else 0,
            min_on=wishes.min_on_minutes * 60,
            min_off=wishes.min_off_minutes * 60,
        )


def seconds_before(grid: Grid) -> int | None:
    """Return how long the car has been on or off at now; None for long."""
    since = grid.problem.state.since
    return None if since is None else int((grid.problem.now - since).total_seconds())


def first_mode(grid: Grid, rules: Rules) -> Mode:
    """Return the mode at now."""
    before = seconds_before(grid)
    longest = rules.min_on if grid.problem.state.amps else longest_off(rules)
    age = longest if before is None else min(before, longest)
    return age, grid.problem.wishes.max_blocks or 0


def longest_off(rules: Rules) -> int:
    """Return the seconds after which it does not matter any more how long the car is off."""
    return max(rules.min_off, rules.sleep_after if rules.wake_up else 0)


def modes_of(grid: Grid, rules: Rules) -> Modes:
    """Return all modes that can be reached, and their moves."""
    modes = Modes()
    counted = grid.problem.wishes.max_blocks is not None
    first = first_mode(grid, rules)
    off, on = ([], [first]) if grid.problem.state.amps else ([first], [])
    off_longest = longest_off(rules)
    for place, slot in enumerate(grid.slots):
        modes.off.append(off)
        modes.on.append(on)
        next_off: dict[Mode, int] = {}
        next_on: dict[Mode, int] = {}
        can_charge = bool(slot.levels)
        block = 1 if counted and not slot.forced else 0
        wait, start, cost = [], [], []
        for age, left in off:
            later = (min(age + slot.seconds, off_longest), left)
            wait.append(NONE if slot.forced else next_off.setdefault(later, len(next_off)))
            free = slot.forced or (slot.mark and age >= rules.min_off and left >= block)
            begun = (min(slot.seconds, rules.min_on), left - block)
            start.append(next_on.setdefault(begun, len(next_on)) if can_charge and free else NONE)
            cost.append(rules.start + (rules.wake_up if age >= rules.sleep_after else 0.0))
        stay, stop, stop_free, end_free, old = [], [], [], [], []
        end_early: list[int] = []
        restart: list[int] = []
        for age, left in on:
            used = block if place == 0 else 0
            longer = (min(age + slot.seconds, rules.min_on), left - used)
            stay.append(
                next_on.setdefault(longer, len(next_on)) if can_charge and left >= used else NONE
            )
            stopped = (min(slot.seconds, off_longest), left)
            stop.append(NONE if slot.forced else next_off.setdefault(stopped, len(next_off)))
            early = (min(slot.seconds, off_longest), left - used)
            possible = not slot.forced and can_charge and left >= used
            end_early.append(next_off.setdefault(early, len(next_off)) if possible else NONE)
            again = (min(slot.seconds, rules.min_on), left - block)
            possible = stop[-1] != NONE and can_charge and slot.mark and left >= block
            restart.append(next_on.setdefault(again, len(next_on)) if possible else NONE)
            stop_free.append(not can_charge or (slot.mark and age >= rules.min_on))
            # a running charge stopped at now is a stop that costs
            end_free.append(place > 0 and stop_free[-1])
            old.append(not can_charge or age >= rules.min_on)
        modes.wait.append(wait)
        modes.start.append(start)
        modes.start_cost.append(cost)
        modes.stay.append(stay)
        modes.stop.append(stop)
        modes.end_early.append(end_early)
        modes.restart.append(restart)
        modes.stop_free.append(stop_free)
        modes.end_free.append(end_free)
        modes.old_enough.append(old)
        off, on = list(next_off), list(next_on)
    modes.off.append(off)
    modes.on.append(on)
    modes.end_free.append([True] * len(on))
    modes.old_enough.append([True] * len(on))
    return modes
