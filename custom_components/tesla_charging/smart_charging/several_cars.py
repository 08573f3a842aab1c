"""Several cars under one fuse: a price for its amps gives a bound and a fair start, then the cars are planned in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise, permutations
from typing import Final

from .bound import INFINITE, Bound, Priced
from .cutting import Timeline, borders, horizon_of
from .deadlines import Aiming, Aims
from .model import MIN_AMPS, AmpsWindow, Fuse, Model, Problem
from .series import PowerSlot
from .slots import KWH, Grid, Slot
from .solve import PRECISION, Solved, bound_of, solve_for

ROUNDS: Final = 30
"""Of prices."""
ORDERS: Final = 4
FEW: Final = 3
"""Cars of which all orders are tried, with all shares of the prices for amps."""
SHARES: Final = (1.0, 0.5, 1.5)
TURNS: Final = 2
"""Orders in which the cars are planned with prices for amps."""
SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Together:
    """Plans of all cars that stay below the fuse."""

    solved: tuple[Solved, ...]
    missing: float
    """Energy that is not there in time, kWh."""
    objective: float

    def better_than(self, other: Together) -> bool:
        """Return whether these plans deliver more, or cost less."""
        if self.missing < other.missing - KWH:
            return True
        return self.missing <= other.missing + KWH and self.objective < other.objective - SAME


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best plans found, and the bound."""

    plans: Together
    lower_bound: float
    labels: int


class SharedFuse:
    """Plans several cars under one fuse, in whole amps."""

    def __init__(self, problems: Sequence[Problem], fuse: Fuse, work_limit: int | None) -> None:
        if len({problem.now for problem in problems}) != 1:
            raise ValueError("Cars are planned together for one now")
        self.fuse = fuse
        self.problems = [
            replace(p, limits=replace(p.limits, fuse=fuse), model=Model.LEVELS) for p in problems
        ]
        self.left = work_limit
        self.labels = 0
        self.now = problems[0].now
        self.cuts: list[datetime] = []
        self.cuts = self._common_cuts()
        self.alone = [Aiming(p, Model.LEVELS, self.cuts).aims() for p in self.problems]
        extra = {goal.at for aims in self.alone for goal in aims.goals} - set(self.cuts)
        if extra:
            self.cuts = sorted({*self.cuts, *extra})
            self.alone = [Aiming(p, Model.LEVELS, self.cuts).aims() for p in self.problems]
        self.seconds = [int((cut - self.now).total_seconds()) for cut in self.cuts]
        self.hours = {
            start: (end - start) / 3600
            for start, end in pairwise([*self.seconds, self.seconds[-1]])
        }
        self.free = self._free_amps()

    def _common_cuts(self) -> list[datetime]:
        """Return the slot borders of all cars."""
        return sorted(
            {
                self.now + timedelta(seconds=cut)
                for p in self.problems
                for cut in borders(p, Model.LEVELS, horizon_of(p), ())
            }
        )

    def _free_amps(self) -> dict[int, float]:
        """Return what the base load leaves of the fuse, by the second at which a slot starts."""
        problem = self.problems[0]
        base: Timeline[PowerSlot] = Timeline(problem.base_load.slots if problem.base_load else ())
        free = {}
        for second, cut in zip(self.seconds, self.cuts, strict=True):
            load = base.at(cut)
            watts = 0.0 if load is None else load.median if load.high is None else load.high
            free[second] = max(0.0, self.fuse.amps - watts / (problem.car.volts * self.fuse.phases))
        return free

    def run(self) -> Outcome:
        """Return the best plans found, and the bound."""
        orders = self._orders()
        best = self._improved(self._in_turn(orders[0], {}))
        for order in orders[1:]:
            best = self._better(best, self._in_turn(order, {}))
        if best.missing > KWH or len(self.problems) <= FEW:
            best = self._sharing_evenly(best)
        aims = [solved.aims for solved in best.solved] if best.missing > KWH else self.alone
        best, bound = self._with_prices(best, aims)
        best = self._without_prices(best)
        return Outcome(best, min(bound, best.objective), self.labels)

    def _without_prices(self, plans: Together) -> Together:
        """Return the plans, made again where prices for amps are still in them."""
        for car, old in enumerate(plans.solved):
            if any(slot.amp_price for slot in old.grid.slots):
                solved = list(plans.solved)
                solved[car] = self._planned(car, solved, {})
                plans = self._together(solved)
        return plans

    def _better(self, best: Together, new: Together) -> Together:
        """Return the better of two sets of plans, the new one improved car by car."""
        new = self._improved(new)
        return new if new.better_than(best) else best

    def _orders(self) -> list[tuple[int, ...]]:
        """Return in which orders the cars are planned: those with less slack first, or any if they are few."""
        count = len(self.problems)
        if count <= FEW:
            return list(permutations(range(count)))
        slack = sorted(range(count), key=lambda k: self._slack(self.alone[k].grid))
        turns = [tuple(slack[k:] + slack[:k]) for k in range(count)]
        return [turns[0], tuple(reversed(slack)), *turns[1:]][:ORDERS]

    @staticmethod
    def _slack(grid: Grid) -> float:
        """Return the share of its time that a car needs at full power, as a negative number."""
        most = sum(slot.gains[-1] for slot in grid.slots if slot.levels)
        return -grid.target / most if most else 0.0

    def _spend(self, solved: Solved) -> Solved:
        self.labels += solved.found.labels
        if self.left is not None:
            self.left = max(0, self.left - solved.found.labels)
        return solved

    def _planned(
        self,
        car: int,
        others: Sequence[Solved | None],
        prices: dict[int, float],
        ceilings: Sequence[AmpsWindow] = (),
    ) -> Solved:
        """Return the best plan of a car on what others leave, with prices for amps that it should leave to them."""
        problem = self.problems[car]
        limits = problem.limits
        reserved = [
            window
            for k, other in enumerate(others)
            if other is not None and k != car
            for window in amps_of(other)
        ]
        limits = replace(
            limits,
            reserved=(*limits.reserved, *reserved),
            ceilings=(*limits.ceilings, *ceilings),
        )
        aims = Aiming(replace(problem, limits=limits), Model.LEVELS, self.cuts).aims()
        if not prices:
            return self._spend(solve_for(aims, self.left))
        dear = solve_for(replace(aims, grid=priced_grid(aims.grid, prices)), self.left)
        return self._spend(dear)

    def _in_turn(
        self,
        order: Sequence[int],
        prices: dict[int, float],
        ceilings: Sequence[AmpsWindow] = (),
    ) -> Together:
        """Return plans made one after the other. `ceilings` hold for all but the last car."""
        solved: list[Solved | None] = [None] * len(self.problems)
        for place, car in enumerate(order):
            last = place == len(order) - 1
            solved[car] = self._planned(
                car, solved, {} if last else prices, () if last else ceilings
            )
        return self._together([s for s in solved if s is not None])

    def _together(self, solved: Sequence[Solved]) -> Together:
        """Return the plans with what they cost without prices for amps."""
        missing = 0.0
        for alone, new in zip(self.alone, solved, strict=True):
            for goal in alone.goals:
                place = sum(1 for s in new.grid.slots if self._at(s.end) <= goal.at)
                missing += max(0.0, goal.kwh - new.found.cost.reached[place])
        objective = sum(self._true_cost(s) for s in solved)
        return Together(tuple(solved), missing, objective)

    def _at(self, second: int) -> datetime:
        return self.now + timedelta(seconds=second)

    @staticmethod
    def _true_cost(solved: Solved) -> float:
        """Return the cost of a plan without prices for amps."""
        grid, cost = solved.grid, solved.found.cost
        return cost.objective - sum(
            use.share * use.amps * slot.amp_price * slot.hours
            for use, slot in zip(solved.found.uses, grid.slots, strict=True)
        )

    def _improved(self, plans: Together) -> Together:
        """Return the plans after each car was planned again on what the others use, until nothing changes."""
        while True:
            before = plans
            for car in range(len(self.problems)):
                solved = list(plans.solved)
                solved[car] = self._planned(car, solved, {})
                new = self._together(solved)
                if new.better_than(plans):
                    plans = new
            if plans is before or self.left == 0:
                return plans

    def _sharing_evenly(self, best: Together) -> Together:
        """Return the best plans, also those where the cars that come first leave amps to the last one."""
        most = min(int(self.fuse.amps), max(p.car.max_amps for p in self.problems))
        end = self.cuts[-1] + timedelta(days=3)
        for amps in range(most - 1, MIN_AMPS - 1, -2):
            for order in self._orders()[:TURNS]:
                new = self._in_turn(order, {}, (AmpsWindow(self.now, end, amps),))
                best = self._better(best, new)
                if self.left == 0:
                    return best
        return best

    # ---- prices

    def _with_prices(self, best: Together, aims: Sequence[Aims]) -> tuple[Together, float]:
        """Return the plans after rounds of prices, and the highest bound."""
        bounds = [bound_of(aim.grid) for aim in aims]
        priced: list[Priced | None] = [None] * len(bounds)
        prices = self._first_prices(aims)
        highest, at_best, pace = -INFINITE, prices, 1.0
        for _ in range(ROUNDS):
            value, used = self._bound_at(bounds, priced, prices)
            if value > highest + SAME:
                highest, at_best = value, prices
            else:
                pace *= 0.7
            over = {
                second: (used.get(second, 0.0) - free) * self.hours[second]
                for second, free in self.free.items()
                if prices.get(second) or used.get(second, 0.0) > free
            }
            norm = sum(v * v for v in over.values())
            if norm <= SAME or best.objective - highest <= SAME:
                break
            step = pace * max(1e-3 * abs(best.objective), best.objective - value) / norm
            prices = {
                second: max(0.0, prices.get(second, 0.0) + step * v) for second, v in over.items()
            }
        shares = SHARES if len(self.problems) <= FEW else SHARES[:1]
        for share in shares:
            dear = {second: share * price for second, price in at_best.items()}
            for order in self._orders()[:TURNS]:
                best = self._better(best, self._in_turn(order, dear))
        return best, max(highest, self._exact_bound(aims, at_best))

    def _first_prices(self, aims: Sequence[Aims]) -> dict[int, float]:
        """Return what amps are worth if the fuse is all that the cars share: cheap slots below the dearest one needed."""
        needed = sum(aim.grid.target for aim in aims)
        slots: dict[int, list[Slot]] = {}
        for aim in aims:
            for slot in aim.grid.slots:
                if slot.levels:
                    slots.setdefault(slot.start, []).append(slot)
        offers = []
        for second, several in slots.items():
            slot = several[0]
            per_amp = slot.gains[-1] / slot.levels[-1]
            amps = min(self.free[second], sum(s.levels[-1] for s in several))
            offers.append((slot.costs[-1] / slot.gains[-1], amps * per_amp, second, per_amp))
        dearest = 0.0
        for price, energy, _, _ in sorted(offers):
            dearest = price
            needed -= energy
            if needed <= 0.0:
                break
        return {
            second: (dearest - price) * per_amp / self.hours[second]
            for price, _, second, per_amp in offers
            if price < dearest and sum(s.levels[-1] for s in slots[second]) > self.free[second]
        }

    def _worth(self, prices: dict[int, float]) -> float:
        """Return what the whole fuse costs at some prices."""
        return sum(
            price * self.free[second] * self.hours[second] for second, price in prices.items()
        )

    def _bound_at(
        self, bounds: Sequence[Bound], priced: list[Priced | None], prices: dict[int, float]
    ) -> tuple[float, dict[int, float]]:
        """Return the bound at some prices for amps, and the amps that the cheapest priced plans use."""
        total = -self._worth(prices)
        used: dict[int, float] = {}
        for car, bound in enumerate(bounds):
            slots = bound.grid.slots
            bound.costs = [_dearer(slot, prices.get(slot.start, 0.0)).costs for slot in slots]
            found = priced[car] = bound.best(PRECISION, priced[car])
            total += found.value
            for amps, slot in zip(found.amps, slots, strict=True):
                if amps:
                    used[slot.start] = used.get(slot.start, 0.0) + amps
        return total, used

    def _exact_bound(self, aims: Sequence[Aims], prices: dict[int, float]) -> float:
        """Return the bound at some prices from the cars' best plans, which is higher than from their bounds."""
        total = -self._worth(prices)
        for aim in aims:
            solved = solve_for(replace(aim, grid=priced_grid(aim.grid, prices)), self.left)
            total += self._spend(solved).found.lower_bound
        return total


def amps_of(solved: Solved) -> list[AmpsWindow]:
    """Return what a plan takes from the fuse."""
    now = solved.grid.problem.now
    windows: list[AmpsWindow] = []
    for use, slot in zip(solved.found.uses, solved.grid.slots, strict=True):
        if use.amps:
            start, end = (now + timedelta(seconds=s) for s in (slot.start, slot.end))
            if windows and windows[-1].end == start and windows[-1].amps == use.amps:
                windows[-1] = replace(windows[-1], end=end)
            else:
                windows.append(AmpsWindow(start, end, use.amps))
    return windows


def priced_grid(grid: Grid, prices: dict[int, float]) -> Grid:
    """Return a grid in which every ampere-hour of some slots costs more."""
    return replace(
        grid, slots=tuple(_dearer(slot, prices.get(slot.start, 0.0)) for slot in grid.slots)
    )


def _dearer(slot: Slot, price: float) -> Slot:
    if not price:
        return slot
    costs = tuple(
        cost + price * amps * slot.hours for cost, amps in zip(slot.costs, slot.levels, strict=True)
    )
    return replace(slot, costs=costs, amp_price=price)
