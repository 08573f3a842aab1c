"""The exact search: inside a thin band above the bound, which is widened until it holds a plan."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from .bound import INFINITE, Bound, Priced
from .evaluate import Cost, Use, cost_of

SAME: Final = 1e-10
"""Costs that differ by less, relative to the objective, are the same."""
WIDER: Final = 4.0
NARROW: Final = 8
WIDEST: Final = 100_000


class OutOfWork(Exception):
    """The work limit is reached."""


class Impossible(Exception):
    """No plan meets the targets. They are made so that one does: a fault of the planner."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best plan found."""

    uses: tuple[Use, ...]
    cost: Cost
    lower_bound: float
    proven: bool
    labels: int


class Search(ABC):
    """What the searches of both models share: the band, and the best plan so far."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.labels = 0
        self.work_limit = INFINITE
        self.limit = self.excess = INFINITE
        self.ending: object = None
        self.found = False
        self.beam: int | None = None
        """At most so many partial plans of a kind are kept at a border; None: all."""
        self.priced: Priced

    @abstractmethod
    def run(self, priced: Priced, band: float) -> None:
        """Search once, inside a band above the bound."""

    @abstractmethod
    def uses_of(self, ending: object) -> list[Use]:
        """Return what a complete plan does in every slot."""

    def first_band(self, value: float) -> float:
        """Return how wide the band is at first: about what two plans of a night differ by."""
        scale = max(1e-3, abs(value))
        return max(self.bound.rules.start / 16, 1e-4 * scale, 2e-2 * scale / 16)

    def begin(self, priced: Priced, band: float) -> None:
        """Forget the last run."""
        self.priced = priced
        self.excess, self.ending, self.found = INFINITE, None, False
        self.limit = priced.value - priced.worth + band

    def offer(self, cost: float, ending: object) -> None:
        """Take a complete plan if it is the best so far; nothing dearer is looked for from then on."""
        if cost < self.excess:
            self.excess, self.ending, self.found = cost, ending, True
            self.limit = min(self.limit, cost)

    def _any_plan(self, priced: Priced, band: float) -> tuple[list[Use], Cost]:
        """Return a plan that is found by keeping only the most promising partial plans at every border."""
        self.work_limit = INFINITE
        self.beam = NARROW
        while True:
            self.run(priced, band)
            if self.found:
                uses = self.uses_of(self.ending)
                return uses, cost_of(self.bound.grid, uses, self.bound.rules)
            if self.beam > WIDEST:
                raise Impossible
            self.beam *= 8

    def solve(self, priced: Priced, work_limit: int | None) -> Found:
        """Return the best plan, proven unless the work limit is reached."""
        bound, rules = self.bound, self.bound.rules
        self.work_limit = INFINITE if work_limit is None else work_limit
        scale = max(1e-3, abs(priced.value))
        same = SAME * max(1.0, scale)
        band = self.first_band(priced.value)
        most = 1e3 * (1.0 + scale + sum(abs(c) for s in bound.grid.slots for c in s.costs))
        proven_below = priced.value
        best: tuple[list[Use], Cost] | None = None
        base = priced.value - priced.worth
        while True:
            try:
                self.run(priced, band + same)
                complete = True
            except OutOfWork:
                complete = False
            if self.found:
                uses = self.uses_of(self.ending)
                cost = cost_of(bound.grid, uses, rules)
                if best is None or cost.objective < best[1].objective:
                    best = uses, cost
            if complete and self.found and self.excess - base <= band + same:
                assert best is not None
                return Found(tuple(best[0]), best[1], best[1].objective, True, self.labels)
            if not complete:
                uses, cost = best or self._any_plan(priced, most)
                return Found(tuple(uses), cost, proven_below, False, self.labels)
            proven_below = priced.value + band
            if band > most:
                raise Impossible
            band *= WIDER
            if best is not None:
                band = min(band, best[1].objective - priced.value)
