"""The exact search: inside a thin band above the bound, which is widened until it holds a plan."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from .bound import INFINITE, Bound, Priced
from .evaluate import Cost, Use, cost_of
from .reach import charging_at_once

SAME: Final = 1e-10
"""Costs that differ by less, relative to the objective, are the same."""
WIDER: Final = 4.0
NARROW: Final = 8
QUICK_RUNS: Final = 2
"""Usually enough; after them it pays to have any plan at all."""
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


type Best = tuple[list[Use], Cost]
"""A plan and its cost."""


@dataclass(frozen=True, slots=True)
class Other:
    """The bound at other prices of energy: a partial plan can become the best one only if it is within this one too.

    That is: its priced cost + slope * energy + `priced.off` or `priced.on` at these prices <= limit + shift.
    """

    priced: Priced
    slopes: list[float]
    """Per border, currency per kWh."""
    shifts: list[float]
    """Per border, currency."""


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
        self.same = 0.0
        self.others: list[Other] = []
        self.priced: Priced

    @abstractmethod
    def run(self, priced: Priced, limit: float) -> None:
        """Search once for plans below a limit."""

    @abstractmethod
    def uses_of(self, ending: object) -> list[Use]:
        """Return what a complete plan does in every slot."""

    def first_band(self, value: float) -> float:
        """Return how wide the band is at first: about what two plans of a night differ by."""
        scale = max(1e-3, abs(value))
        return max(self.bound.rules.start / 16, 1e-4 * scale, 2e-2 * scale / 16)

    def begin(self, priced: Priced, limit: float) -> None:
        """Forget the last run; only plans below a limit (a priced cost) are looked for."""
        self.priced = priced
        self.excess, self.ending, self.found = INFINITE, None, False
        self.limit = limit

    def offer(self, cost: float, ending: object) -> None:
        """Take a complete plan if it is the best so far; from then on only cheaper ones are looked for."""
        if cost < self.excess:
            self.excess, self.ending, self.found = cost, ending, True
            self.limit = min(self.limit, cost - self.same)

    def _best_of_run(self, best: Best | None) -> Best | None:
        """Return the best plan so far, with that of the last run."""
        if self.found:
            uses = self.uses_of(self.ending)
            cost = cost_of(self.bound.grid, uses, self.bound.rules)
            if best is None or cost.objective < best[1].objective:
                return uses, cost
        return best

    def _narrow(self, priced: Priced, best: Best | None, width: int) -> Best | None:
        """Return a plan that is found by keeping only the most promising partial plans at every border."""
        limit = INFINITE if best is None else best[1].objective - priced.worth - self.same
        # little work, and without a limit: a plan is needed in any case
        self.beam, work_limit, self.work_limit = width, self.work_limit, INFINITE
        self.run(priced, limit)
        self.beam, self.work_limit = None, work_limit
        return self._best_of_run(best)

    def coarse_plan(self, priced: Priced, band: float) -> Best | None:
        """Return a good plan that is found with a fraction of the work, if there is a way to it."""
        return None

    def _at_once(self) -> Best | None:
        """Return the plan that charges at once, if there is one."""
        grid, rules = self.bound.grid, self.bound.rules
        if self.bound.value and rules.min_on:
            # its end at the target may come too early
            return None
        uses = charging_at_once(grid, rules)
        return None if uses is None else (uses, cost_of(grid, uses, rules))

    def _any_plan(self, priced: Priced) -> Best:
        """Return a plan, whatever the work."""
        if (plan := self._at_once()) is not None:
            return plan
        width = NARROW
        while (best := self._narrow(priced, None, width)) is None:
            if width > WIDEST:
                raise Impossible
            width *= 8
        return best

    def solve(self, priced: Priced, work_limit: int | None) -> Found:
        """Return the best plan, proven unless the work limit is reached."""
        self.work_limit = INFINITE if work_limit is None else work_limit
        self.same = SAME * max(1.0, abs(priced.value))
        self.others = self._other_prices(priced)
        base, bound, band = priced.value - priced.worth, priced.value, self.first_band(priced.value)
        most = 1e3 * (1.0 + abs(bound) + sum(abs(c) for costs in self.bound.costs for c in costs))
        best: Best | None = None
        proven_below, runs, coarse = bound, 0, False
        while True:
            runs += 1
            limit = base + band + self.same
            if best is not None:
                limit = min(limit, best[1].objective - priced.worth - self.same)
            try:
                if best is None and runs > QUICK_RUNS and not coarse:
                    coarse = True
                    best = self.coarse_plan(priced, band)
                    if best is not None:
                        # usually very near the best one: all that is cheaper fits into one more run
                        band = best[1].objective - bound
                        limit = best[1].objective - priced.worth - self.same
                self.run(priced, limit)
            except OutOfWork:
                best = self._best_of_run(best) or self._any_plan(priced)
                return Found(tuple(best[0]), best[1], proven_below, False, self.labels)
            best = self._best_of_run(best)
            if best is not None and best[1].objective - bound <= band + self.same:
                return Found(tuple(best[0]), best[1], best[1].objective, True, self.labels)
            proven_below = bound + band
            if band > most:
                raise Impossible
            if best is None and runs > QUICK_RUNS:
                best = self._narrow(priced, self._at_once(), NARROW)
            band *= WIDER
            if best is not None and band > (best[1].objective - bound) / 2:
                # the last step: a plan as good as the best one is inside
                band = best[1].objective - bound

    def _other_prices(self, priced: Priced) -> list[Other]:
        """Return the bound at other prices of energy: for partial plans that are far from the usual amount of it.

        The price of the dearest kWh needed if switching were free is right for those that have paid their start.
        """
        return [self._other(priced, self.bound.at(self.bound.guess(), priced.mu))]

    def _other(self, priced: Priced, other: Priced) -> Other:
        """Return how the priced costs of partial plans differ between two prices of energy."""
        borders = range(len(self.bound.grid.slots) + 1)
        slopes = [priced.nu - other.nu] * len(borders)
        shifts = [priced.worth - other.worth] * len(borders)
        for (place, kwh), mu, other_mu in zip(
            self.bound.grid.targets, priced.mu, other.mu, strict=True
        ):
            for border in borders:
                if border < place:
                    slopes[border] += mu - other_mu
                else:
                    shifts[border] -= (mu - other_mu) * kwh
        return Other(other, slopes, shifts)
