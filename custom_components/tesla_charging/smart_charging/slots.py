"""The time from now to the horizon, cut into slots: what may be charged in each, and what that costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .model import Model, Problem
from .result import SlotReason
from .series import PriceSlot

KWH: Final = 1e-9
"""Energies that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot. The rows `levels`, `gains` and `costs` belong together: what each current gives and costs."""

    start: int
    """Seconds from now."""
    end: int
    levels: tuple[int, ...]
    """Currents allowed, amps, ascending; empty where the slot is blocked."""
    gains: tuple[float, ...]
    """Energy into the battery in the whole slot, kWh."""
    costs: tuple[float, ...]
    """Currency, for the whole slot; with carbon dioxide."""
    forced: bool
    mark: bool
    """Charging may begin and end at its start."""
    why_blocked: SlotReason | None
    top: int
    """The highest current that fuse and ceilings allow, amps."""
    price: PriceSlot
    co2: float
    """Kg per kWh."""
    surpluses: tuple[tuple[float, float], ...]
    """Weight and surplus of sun, kW."""
    warm: bool
    """In the warm tail of a deadline."""
    amp_price: float = 0.0
    """What `costs` contain for each ampere-hour, where cars share a fuse (several_cars.py)."""

    @property
    def seconds(self) -> int:
        """Return the length."""
        return self.end - self.start

    @property
    def hours(self) -> float:
        """Return the length."""
        return (self.end - self.start) / 3600


@dataclass(frozen=True, slots=True)
class Grid:
    """All slots of a problem in one of the models, and what holds for the whole of them."""

    problem: Problem
    model: Model
    slots: tuple[Slot, ...]
    caps: tuple[float, ...]
    """Up to which energy each slot may fill the battery, kWh from now (docs/planner.md, Caps and cuts)."""
    targets: tuple[tuple[int, float], ...]
    """The number of slots before the moment, and the energy needed by then; both rise."""
    target: float
    """The energy above which more is worth only `value_above_target`, kWh."""
    limit: float
    """The energy to the car's limit, kWh."""
    last_forced: int
    """The number of slots up to the last forced one."""
    loss_quarters: int
    """M2: the standing loss in quarter amperes."""


def part(slot: Slot, start: int, end: int, *, forced: bool) -> Slot:
    """Return a part of a slot."""
    share = (end - start) / slot.seconds
    return Slot(
        start=start,
        end=end,
        levels=slot.levels,
        gains=tuple(gain * share for gain in slot.gains),
        costs=tuple(cost * share for cost in slot.costs),
        forced=forced,
        mark=slot.mark,
        why_blocked=slot.why_blocked,
        top=slot.top,
        price=slot.price,
        co2=slot.co2,
        surpluses=slot.surpluses,
        warm=slot.warm,
    )


def with_targets(grid: Grid, targets: Iterable[tuple[int, float]]) -> Grid:
    """Return the grid with targets, and the caps that follow from them.

    Of the targets only those remain that an earlier one does not imply.
    """
    rising: list[tuple[int, float]] = []
    for place, kwh in sorted(targets):
        if kwh > (rising[-1][1] if rising else 0.0) + KWH:
            if rising and rising[-1][0] == place:
                rising.pop()
            rising.append((place, kwh))
    target = rising[-1][1] if rising else 0.0
    most = grid.limit if grid.problem.wishes.value_above_target else target
    caps: list[float] = []
    forced_later = 0.0
    for slot in reversed(grid.slots):
        caps.append(
            grid.limit - forced_later if slot.forced else min(most, grid.limit - forced_later)
        )
        if slot.forced:
            forced_later += slot.gains[0]
    return Grid(
        grid.problem,
        grid.model,
        grid.slots,
        tuple(reversed(caps)),
        tuple(rising),
        target,
        grid.limit,
        grid.last_forced,
        grid.loss_quarters,
    )
