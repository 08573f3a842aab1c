"""A lower bound: energy gets a price, the targets drop out, and what remains is a short backward pass (docs/planner.md)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import add
from typing import Final

from .model import MIN_AMPS, Model
from .modes import NONE, Modes, Rules, modes_of
from .slots import KWH, Grid

ROUNDS: Final = 4
"""Over all prices, one after the other."""
TANGENTS: Final = 40
MANY_MODES: Final = 3
COARSE: Final = 5.0
"""Most passes for one price."""


@dataclass(slots=True)
class Priced:
    """One backward pass: what a mode at a border still costs at least, with energy priced."""

    nu: float
    mu: tuple[float, ...]
    worth: float
    """Of the targets and of the energy at the horizon: what turns a priced cost into a cost."""
    value: float
    """The lower bound: the priced cost from now, plus the worth."""
    reduced: list[list[float]]
    """Per slot: cost of each current less what its energy earns."""
    off: list[list[float]]
    """Per border and mode off."""
    on: list[list[list[float]]]
    """Per border and mode on: for each current that the slot before may have had (`Bound.columns`)."""
    slopes: tuple[float, ...]
    """How the bound rises with each mu, and with nu (last)."""
    amps: list[float]
    """Per slot: what the cheapest priced plan uses."""


class Bound:
    """The bound of a grid for any prices of energy."""

    def __init__(self, grid: Grid, modes: Modes, rules: Rules) -> None:
        self.grid, self.modes, self.rules = grid, modes, rules
        slots = grid.slots
        self.costs: list[tuple[float, ...]] = [slot.costs for slot in slots]
        """Of the slots; where cars share a fuse, with a price for its amps."""
        self.value = grid.problem.wishes.value_above_target
        self.low = grid.target
        free_end = self.value > 0 or grid.last_forced > 0
        self.high = max(grid.limit, self.low) if free_end else self.low
        tops = [slot.levels[-1] for slot in slots if slot.levels]
        running = grid.problem.state.amps
        self.places = [[amps - MIN_AMPS for amps in slot.levels] for slot in slots]
        """Of the currents, from `MIN_AMPS` up."""
        self.width = max([*tops, running, MIN_AMPS]) - MIN_AMPS + 1
        self.columns, self.running = self.places, running - MIN_AMPS
        if rules.change == 0.0:
            # then it does not matter which current the slot before had
            self.width, self.running = 1, 0
            self.columns = [[0] * len(slot.levels) for slot in slots]
        self.least_shares = self._least_shares()
        self.in_order = [columns == list(range(len(columns))) for columns in self.columns]
        """Whether the currents of a slot are those from `MIN_AMPS` on, without a gap."""
        self.cut_alike = [
            0.0 if not any(shares) else 1.0 if all(share == 1.0 for share in shares) else None
            for shares in self.least_shares
        ]
        """The least share of a slot if it is 0 or 1 for all its currents."""

    def _least_shares(self) -> list[tuple[float, ...]]:
        """Return the least share of each slot that its cap may leave to each current; 1 where it is never cut."""
        grid = self.grid
        continuous = grid.model is Model.ON_OFF and grid.problem.wishes.grid_minutes is None
        shares: list[tuple[float, ...]] = []
        most = 0.0
        for place, (slot, cap) in enumerate(zip(grid.slots, grid.caps, strict=True)):
            most += slot.gains[-1] if slot.levels else 0.0
            if slot.forced and not continuous:
                # the caps before it leave room for the least current
                shares.append(tuple(slot.gains[0] / gain for gain in slot.gains))
            elif slot.forced or (continuous and place < grid.last_forced) or most < cap - KWH:
                shares.append((1.0,) * len(slot.levels))
            else:
                shares.append((0.0,) * len(slot.levels))
        if self.value:
            # the last slot may be cut at the target as well
            for place in range(grid.last_forced, len(grid.slots)):
                shares[place] = (0.0,) * len(shares[place])
        return shares

    def _uses(self, place: int, costs: list[float], after: list[float]) -> list[float]:
        """Return what each current of a slot costs with all that follows. A slot that is cut may be the last one used."""
        may_finish = place >= self.grid.last_forced
        if self.in_order[place] and may_finish and self.cut_alike[place] is not None:
            # the usual case, in few steps
            sums = list(map(add, costs, after, strict=False))
            if self.cut_alike[place] == 1.0:
                return sums
            # a call of min() for each would be half of the time of a pass
            return [total if total < 0.0 else 0.0 for total in sums]  # noqa: FURB136
        slot = zip(costs, self.columns[place], self.least_shares[place], strict=True)
        if may_finish:
            return [min(cost + after[j], cost * share) for cost, j, share in slot]
        return [min(cost, cost * share) + after[j] for cost, j, share in slot]

    def terminal(self, nu: float) -> tuple[float, float]:
        """Return what energy at the horizon is worth at least, and at which energy."""
        low = nu * self.low
        high = nu * self.high - self.value * (self.high - self.low)
        return (low, self.low) if low <= high else (high, self.high)

    def rates(self, nu: float, mu: Sequence[float]) -> list[float]:
        """Return what a kWh earns in each slot."""
        rates = [nu] * len(self.grid.slots)
        for (place, _), price in zip(self.grid.targets, mu, strict=True):
            if price:
                for slot in range(place):
                    rates[slot] += price
        return rates

    def at(self, nu: float, mu: Sequence[float]) -> Priced:
        """Return the bound at some prices."""
        grid, modes, rules = self.grid, self.modes, self.rules
        rates = self.rates(nu, mu)
        reduced = [
            [cost - rate * gain for cost, gain in zip(costs, slot.gains, strict=True)]
            for slot, costs, rate in zip(grid.slots, self.costs, rates, strict=True)
        ]
        count, width, change = len(grid.slots), self.width, rules.change
        last_forced = grid.last_forced
        off: list[list[float]] = [[]] * (count + 1)
        on: list[list[list[float]]] = [[]] * (count + 1)
        off[count] = [0.0] * len(modes.off[count])
        on[count] = [[0.0] * width for _ in modes.on[count]]
        chosen: list[list[list[float]]] = [[]] * count
        for place in range(count - 1, -1, -1):
            costs, levels = reduced[place], self.columns[place]
            may_finish = place >= last_forced
            using, best = [], []
            for after in on[place + 1]:
                uses = self._uses(place, costs, after)
                using.append(uses)
                best.append(min(uses) if uses else INFINITE)
            chosen[place] = using
            next_off = off[place + 1]
            rest = 0.0 if may_finish else INFINITE
            row = []
            for wait, start, cost in zip(
                modes.wait[place], modes.start[place], modes.start_cost[place], strict=True
            ):
                least = rest
                if wait != NONE and next_off[wait] < least:
                    least = next_off[wait]
                if start != NONE and best[start] + cost < least:
                    least = best[start] + cost
                row.append(least)
            off[place] = row
            rows = []
            for stay, stop, free in zip(
                modes.stay[place], modes.stop[place], modes.stop_free[place], strict=True
            ):
                least = rest if place else INFINITE
                # at its cap a car may stop in any mode, which matters here only before a forced slot
                if stop != NONE and (free or not may_finish):
                    least = min(least, next_off[stop] + rules.stop)
                if stay == NONE:
                    rows.append([least] * width)
                    continue
                base = min(least, best[stay] + change)
                if not change:
                    rows.append([base])
                elif self.in_order[place]:
                    line = [cost if cost < base else base for cost in using[stay]]  # noqa: FURB136
                    rows.append(line + [base] * (width - len(line)))
                else:
                    line = [base] * width
                    for j, cost in zip(levels, using[stay], strict=True):
                        line[j] = min(cost, base)
                    rows.append(line)
            on[place] = rows
        worth, energy = self.terminal(nu)
        for (_, kwh), price in zip(grid.targets, mu, strict=True):
            worth += price * kwh
        first = on[0][0][self.running] if grid.problem.state.amps else off[0][0]
        priced = Priced(nu, tuple(mu), worth, first + worth, reduced, off, on, (), [])
        priced.slopes = self._slopes(priced, chosen, energy)
        return priced

    def _slopes(
        self, priced: Priced, chosen: list[list[list[float]]], energy_wanted: float
    ) -> tuple[float, ...]:
        """Return the slopes: what the targets want less what the cheapest priced plan draws by then."""
        grid, modes, rules = self.grid, self.modes, self.rules
        reached = [0.0]
        running = grid.problem.state.amps
        is_on, mode, level = bool(running), 0, self.running
        energy, done = 0.0, False
        for place, slot in enumerate(grid.slots):
            priced.amps.append(0.0)
            if done:
                reached.append(energy)
                continue
            using = chosen[place]
            next_off = priced.off[place + 1]
            if is_on:
                left = priced.on[place][mode][level]
                go, fee, away = modes.stay[place][mode], rules.change, modes.stop[place][mode]
                quiet = rules.stop
            else:
                left = priced.off[place][mode]
                go, fee, away = (
                    modes.start[place][mode],
                    modes.start_cost[place][mode],
                    modes.wait[place][mode],
                )
                quiet = 0.0
            picked = NONE
            if go != NONE and using[go]:
                least, picked = INFINITE, NONE
                for index, (j, cost) in enumerate(zip(self.columns[place], using[go], strict=True)):
                    total = cost if is_on and j == level else cost + fee
                    if total < least:
                        least, picked = total, index
                if least > left:
                    picked = NONE
            if picked != NONE:
                cost, share = priced.reduced[place][picked], self.least_shares[place][picked]
                j = self.columns[place][picked]
                if place >= grid.last_forced:
                    done = cost * share < cost + priced.on[place + 1][go][j]
                    share = share if done else 1.0
                elif cost < 0.0:
                    share = 1.0
                energy += slot.gains[picked] * share
                priced.amps[-1] = slot.levels[picked] * share
                is_on, mode, level = True, go, j
            elif away != NONE and next_off[away] + quiet <= left:
                is_on, mode = False, away
            else:
                done = True
            reached.append(energy)
        by_target = [kwh - reached[place] for place, kwh in grid.targets]
        return (*by_target, energy_wanted - energy)

    def best(self, precision: float, start: Priced | None = None) -> Priced:
        """Return the highest bound that tangents find, to a precision in currency; from the prices of another one."""
        rounds = ROUNDS
        if start is None and (start := self._coarse_start(precision)) is not None:
            rounds, precision = 1, precision * COARSE
        mu = (0.0,) * len(self.grid.targets)
        found = self.at(start.nu, start.mu) if start else self.at(self.guess(), mu)
        directions = self._directions()
        for _ in range(rounds if len(directions) > 1 else 1):
            before = found.value
            for direction in directions:
                found = self._highest(found, direction, precision)
            if found.value - before <= precision:
                break
        return found

    def _coarse_start(self, precision: float) -> Priced | None:
        """Return the best prices without minimum times, blocks and costs of changes: a fraction of the work."""
        if max(map(len, self.modes.on)) < MANY_MODES:
            return None
        problem = self.grid.problem
        coarse = replace(
            self.grid,
            problem=replace(
                problem,
                wishes=replace(
                    problem.wishes, max_blocks=None, min_on_minutes=0, min_off_minutes=0
                ),
                costs=replace(problem.costs, change=0.0),
            ),
        )
        rules = Rules.of(coarse)
        return Bound(coarse, modes_of(coarse, rules), rules).best(precision)

    def _directions(self) -> list[tuple[float, ...]]:
        """Return in which directions prices are searched: by mu of each target, and nu (last).

        Each price alone, which changes all slots up to its target; and two prices against each other, which changes
        only the slots between two targets. With the former alone the search gets stuck on edges.
        """
        count = len(self.grid.targets)
        # a target at the horizon has the price of the energy there
        free = [k for k, (place, _) in enumerate(self.grid.targets) if place < len(self.grid.slots)]
        rows = [*free, count]
        directions = [tuple(float(k == row) for k in range(count + 1)) for row in reversed(rows)]
        directions += [
            tuple(float(k == after) - float(k == before) for k in range(count + 1))
            for before, after in pairwise(rows)
        ]
        return directions

    def _highest(self, known: Priced, direction: tuple[float, ...], precision: float) -> Priced:
        """Return the highest bound in one direction of prices; those of targets stay above 0."""
        prices = (*known.mu, known.nu)
        least, most = -INFINITE, INFINITE
        for price, part in zip(known.mu, direction, strict=False):
            if part > 0.0:
                least = max(least, -price / part)
            elif part < 0.0:
                most = min(most, -price / part)
        if most - least <= 0.0:
            return known

        def at(x: float) -> Priced:
            moved = [price + x * part for price, part in zip(prices, direction, strict=True)]
            return self.at(moved[-1], [max(0.0, price) for price in moved[:-1]])

        return highest(at, known, direction, least, most, self._step(), precision)

    def guess(self) -> float:
        """Return the price of the dearest kWh needed if switching cost nothing."""
        offers = sorted(
            (costs[-1] / slot.gains[-1], slot.gains[-1])
            for slot, costs in zip(self.grid.slots, self.costs, strict=True)
            if slot.levels
        )
        needed = self.low
        for price, gain in offers:
            needed -= gain
            if needed <= 0:
                return price
        return offers[-1][0] if offers else 0.0

    def _step(self) -> float:
        """Return a first step of a price: a twentieth of how much prices differ, at least a cent."""
        prices = [s.costs[-1] / s.gains[-1] for s in self.grid.slots if s.levels]
        return max(0.01, (max(prices) - min(prices)) / 20) if prices else 0.01


INFINITE: Final = float("inf")


def highest(
    at: Callable[[float], Priced],
    known: Priced,
    direction: Sequence[float],
    least: float,
    most: float,
    step: float,
    precision: float,
) -> Priced:
    """Return the maximum of a concave function from 0 on, by crossing the tangents left and right of it."""
    left: tuple[float, Priced, float] | None = None
    right: tuple[float, Priced, float] | None = None
    best, x, here = known, 0.0, known
    for _ in range(TANGENTS):
        slope = sum(a * b for a, b in zip(here.slopes, direction, strict=True))
        if here.value > best.value:
            best = here
        if slope > KWH:
            left = (x, here, slope)
        elif slope < -KWH:
            right = (x, here, slope)
        else:
            break
        if left is None:
            if x <= least:
                break
            x = max(least, x - step)
            step *= 3
        elif right is None:
            if x >= most:
                break
            x = min(most, x + step)
            step *= 3
        else:
            (x0, low, s0), (x1, high, s1) = left, right
            x = (high.value - low.value + s0 * x0 - s1 * x1) / (s0 - s1)
            if low.value + s0 * (x - x0) <= best.value + precision or not x0 < x < x1:
                break
        here = at(x)
    return best
