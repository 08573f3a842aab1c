"""M2, exact: whole amps for whole slots, searched forward inside a thin band above the bound.

Partial plans are kept in rows of priced costs over the energy (docs/planner.md, How the plan is found).
"""

import math
from typing import Final

from .bound import INFINITE, Priced
from .level_rows import ANY, Ending, Key, Remainder, Row, RowSearch, lowest, packed
from .model import MIN_AMPS
from .modes import NONE
from .reach import split
from .search import Best, OutOfWork

COARSE_RUNS: Final = 8
"""Each with a wider band, before a coarse plan is given up."""
COARSE_WIDER: Final = 3.0


class LevelSearch(RowSearch):
    """Searches the plans of a grid in whole amps."""

    def run(self, priced: Priced, limit: float) -> None:
        """Search once for plans below a limit."""
        grid, modes = self.bound.grid, self.bound.modes
        self.begin(priced, limit)
        running = grid.problem.state.amps
        key: Key = (0, 0)
        self.cut_from, self.off, self.on = {}, [], []
        off: dict[Key, Row] = {}
        on: dict[Key, dict[int, Row]] = {}
        if running:
            on[key] = {ANY if self.free_changes else running - MIN_AMPS: (0, [0.0])}
        else:
            off[key] = (0, [0.0])
            self._finish_idle(0, 0.0)
        for place in range(len(grid.slots)):
            next_off = self._turn_off(place, off, on)
            next_on = self._charge(place, off, on) if modes.on[place + 1] else {}
            # only the way back needs these now: a quarter of the memory
            self.off.append({key: packed(row) for key, row in off.items()})
            self.on.append(
                {
                    key: {level: packed(row) for level, row in by_level.items()}
                    for key, by_level in on.items()
                }
            )
            off, on = next_off, next_on
            if self.beam is not None:
                self._narrow_rows(place + 1, off, on, self.beam)
            if self.labels > self.work_limit:
                raise OutOfWork
            if not off and not on:
                break

    def coarse_plan(self, priced: Priced, band: float) -> Best | None:
        """Return the best plan with few currents: the least, the highest, and those that a taper allows."""
        grid = self.bound.grid
        steps = {step.amps for step in grid.problem.car.taper}
        self.indices = [
            [
                index
                for index, amps in enumerate(slot.levels)
                if amps in steps or index in {0, len(slot.levels) - 1}
            ]
            for slot in grid.slots
        ]
        best: Best | None = None
        for _ in range(COARSE_RUNS):
            self.run(priced, priced.value - priced.worth + band)
            best = self._best_of_run(best)
            # a plan may also end above the limit, and is then not the best of these
            if best is not None and best[1].objective - priced.value <= band:
                break
            band *= COARSE_WIDER
        self.indices = list(self.every)
        return best

    # ---- off

    def _turn_off(
        self, place: int, off: dict[Key, Row], on: dict[Key, dict[int, Row]]
    ) -> dict[Key, Row]:
        """Return the rows that are off in a slot."""
        modes, rules = self.bound.modes, self.bound.rules
        rows: dict[Key, list[Row]] = {}
        for (mode, remainder), row in off.items():
            after = modes.wait[place][mode]
            if after != NONE:
                rows.setdefault((after, remainder), []).append(row)
        for (mode, remainder), by_level in on.items():
            after = modes.stop[place][mode]
            if after == NONE:
                continue
            begin, costs = lowest(list(by_level.values()))
            if not modes.stop_free[place][mode]:
                full = self._units(self.caps[place], remainder) - begin
                begin, costs = begin + max(0, full), costs[max(0, full) :]
            if costs:
                stopped = (begin, [cost + rules.stop for cost in costs])
                rows.setdefault((after, remainder), []).append(stopped)
        kept: dict[Key, Row] = {}
        for (mode, remainder), several in rows.items():
            rest = self.priced.off[place + 1][mode]
            others = [other.priced.off[place + 1][mode] for other in self.others]
            trimmed = self._trim(place + 1, remainder, lowest(several), rest, others)
            if trimmed is not None:
                kept[mode, remainder] = trimmed
                top = remainder + self.unit * (trimmed[0] + len(trimmed[1]) - 1)
                if top >= self.low - self.nothing and place + 1 >= self.bound.grid.last_forced:
                    self._finish_off(place + 1, mode, remainder, trimmed)
        return kept

    # ---- on

    def _charge(
        self, place: int, off: dict[Key, Row], on: dict[Key, dict[int, Row]]
    ) -> dict[Key, dict[int, Row]]:
        """Return the rows that are on in a slot."""
        modes, rules, slot = self.bound.modes, self.bound.rules, self.bound.grid.slots[place]
        if not slot.levels:
            return {}
        entering: dict[Key, tuple[dict[int, list[Row]], list[Row]]] = {}
        for (mode, remainder), by_level in on.items():
            after = modes.stay[place][mode]
            if after == NONE:
                continue
            staying, others = entering.setdefault((after, remainder), ({}, []))
            begin, costs = lowest(list(by_level.values()))
            if self.free_changes:
                others.append((begin, costs))
                continue
            for level, row in by_level.items():
                staying.setdefault(level, []).append(row)
            others.append((begin, [cost + rules.change for cost in costs]))
        for (mode, remainder), (begin, costs) in off.items():
            after = modes.start[place][mode]
            if after != NONE:
                fee = modes.start_cost[place][mode]
                entering.setdefault((after, remainder), ({}, []))[1].append(
                    (begin, [cost + fee for cost in costs])
                )
        rows: dict[tuple[int, Remainder, int], list[Row]] = {}
        for (mode, remainder), (staying, others) in entering.items():
            self._charge_group(place, mode, remainder, staying, lowest(others), rows)
        kept: dict[Key, dict[int, Row]] = {}
        for (mode, remainder, level), several in rows.items():
            rest = self.priced.on[place + 1][mode][max(level, 0)]
            rests = [other.priced.on[place + 1][mode][max(level, 0)] for other in self.others]
            trimmed = self._trim(place + 1, remainder, lowest(several), rest, rests)
            if trimmed is not None:
                kept.setdefault((mode, remainder), {})[level] = trimmed
        return kept

    def _charge_group(
        self,
        place: int,
        mode: int,
        remainder: Remainder,
        staying: dict[int, list[Row]],
        others: Row,
        rows: dict[tuple[int, Remainder, int], list[Row]],
    ) -> None:
        """Add the rows that a slot's currents make of all partial plans with one remainder."""
        priced, unit = self.priced, self.unit
        costs = priced.reduced[place]
        cap = self.caps[place]
        least_other = min(others[1])
        top = remainder + unit * (others[0] + len(others[1]) - 1)
        rest_of_level = priced.on[place + 1][mode]
        columns = self.bound.columns[place]
        places = self.bound.places[place]
        for index in self.indices[place]:
            level = places[index]
            cost, gain = costs[index], self.gains[place][index]
            stay = staying.get(level)
            least = least_other
            if stay is not None:
                least = min(least, *(min(row[1]) for row in stay))
            # the share of the last slot may be small: its whole cost must not count against it
            rest = rest_of_level[columns[index]]
            reaches = top + gain > min(cap, self.low) - self.nothing
            priced_cost = min(cost, 0.0) + min(rest, 0.0) if reaches else cost + rest
            if least + priced_cost > self.limit:
                continue
            entered = others if stay is None else lowest([*stay, others])
            row: Row | None = self._below(entered, remainder, min(cap, self.below[level]))
            if row is not None:
                self.labels += len(row[1])
            if row is not None and reaches:
                self._finish_in_slot(place, mode, index, remainder, row)
                row = self._cut(place, mode, index, remainder, row, rows)
            if row is None:
                continue
            begin, values = row
            shift, after = split(remainder + gain, unit)
            key = (mode, after, ANY if self.free_changes else level)
            rows.setdefault(key, []).append((begin + shift, [value + cost for value in values]))

    def _cut(
        self,
        place: int,
        mode: int,
        index: int,
        remainder: Remainder,
        row: Row,
        rows: dict[tuple[int, Remainder, int], list[Row]],
    ) -> Row | None:
        """Return the part of a row that stays below the cap; what is cut there goes on before forced slots."""
        cap, gain = self.caps[place], self.gains[place][index]
        begin, values = row
        whole = self._units(cap + 2 * self.nothing - gain, remainder) - begin
        if place < self.bound.grid.last_forced and whole < len(values):
            cost = self.priced.reduced[place][index]
            found: tuple[float, int, float] = (INFINITE, 0, 0.0)
            for position in range(max(0, whole), len(values)):
                share = (cap - remainder - self.unit * (begin + position)) / gain
                found = min(found, (values[position] + share * cost, begin + position, share))
            units, after = split(cap, self.unit)
            level = ANY if self.free_changes else self.bound.places[place][index]
            known = self.cut_from.get((place, mode, level))
            if known is None or found[0] < known[0]:
                self.cut_from[place, mode, level] = (
                    found[0],
                    remainder,
                    found[1],
                    found[2],
                    index,
                )
                rows.setdefault((mode, after, level), []).append((units, [found[0]]))
        return (begin, values[:whole]) if whole > 0 else None

    def _below(self, row: Row, remainder: Remainder, energy: float) -> Row | None:
        """Return the part of a row below an energy."""
        begin, costs = row
        if energy == INFINITE:
            return row
        count = self._units(energy, remainder) - begin
        if count >= len(costs):
            return row
        return (begin, costs[:count]) if count > 0 else None

    def _units(self, energy: float, remainder: Remainder) -> int:
        """Return the least number of units that is not below an energy."""
        return math.ceil((energy - self.nothing - remainder) / self.unit)

    def _trim(
        self, border: int, remainder: Remainder, row: Row, rest: float, others: list[float]
    ) -> Row | None:
        """Return the part of a row that may become the best plan; at a target, count what is above it.

        `rest` is what its mode and current still cost at least, `others` the same at other prices.
        """
        begin, costs = row
        first = max(0, self._units(self.needed[border], remainder) - begin)
        if first:
            begin, costs = begin + first, costs[first:]
        for (place, energy), price in zip(self.targets, self.priced.mu, strict=True):
            if place == border and price:
                start = remainder + self.unit * begin - energy
                slope = price * self.kwh
                costs = [
                    cost + slope * (start + self.unit * position)
                    for position, cost in enumerate(costs)
                ]
        most = self.limit - rest
        low, high = 0, len(costs)
        while high > low and costs[high - 1] > most:
            high -= 1
        while low < high and costs[low] > most:
            low += 1
        for other, other_rest in zip(self.others, others, strict=True):
            slope = other.slopes[border] * self.kwh
            most = self.limit + other.shifts[border] - other_rest
            most -= slope * (remainder + self.unit * begin)
            slope *= self.unit
            while high > low and costs[high - 1] + slope * (high - 1) > most:
                high -= 1
            while low < high and costs[low] + slope * low > most:
                low += 1
        if self.beam is not None and high - low > self.beam:
            middle = costs.index(min(costs[low:high]), low)
            low = max(low, middle - self.beam // 2)
            high = min(high, low + self.beam)
        return (begin + low, costs[low:high]) if low < high else None

    def _narrow_rows(
        self, border: int, off: dict[Key, Row], on: dict[Key, dict[int, Row]], count: int
    ) -> None:
        """Keep only the most promising rows."""
        rest_off, rest_on = self.priced.off[border], self.priced.on[border]
        ranked = [
            (min(row[1]) + rest_on[key[0]][max(level, 0)], key, level)
            for key, by_level in on.items()
            for level, row in by_level.items()
        ]
        for _, key, level in sorted(ranked)[count:]:
            del on[key][level]
            if not on[key]:
                del on[key]
        idle = [(min(row[1]) + rest_off[key[0]], key) for key, row in off.items()]
        for _, key in sorted(idle)[count:]:
            del off[key]

    # ---- complete plans

    def _after(self, border: int, energy: float) -> float:
        """Return what a plan that ends with an energy still owes to the bound."""
        priced, kwh = self.priced, energy * self.kwh
        owed = priced.nu * kwh - self.bound.value * max(0.0, kwh - self.bound.low)
        owed -= self.bound.terminal(priced.nu)[0]
        for (place, wanted), price in zip(self.bound.grid.targets, priced.mu, strict=True):
            if place >= border:
                owed += price * (kwh - wanted)
        return owed

    def _finish_idle(self, border: int, energy: float) -> None:
        """Take the empty plan, if nothing is needed."""
        if self.low <= energy + self.nothing and self.bound.grid.last_forced == 0:
            self.offer(self._after(border, energy), None)

    def _finish_off(self, border: int, mode: int, remainder: Remainder, row: Row) -> None:
        """Take plans that are off and need no more: after a stop at now, or after forced slots."""
        begin, costs = row
        for position in range(max(0, self._units(self.low, remainder) - begin), len(costs)):
            energy = remainder + self.unit * (begin + position)
            # the row already counts what is above a target at this border
            value = costs[position] + self._after(border + 1, energy)
            self.offer(value, Ending(border, mode, NONE, remainder, begin + position, 0.0))

    def _finish_in_slot(
        self, place: int, mode: int, index: int, remainder: Remainder, row: Row
    ) -> None:
        """Take the plans that end in a slot or with it."""
        bound = self.bound
        if place + 1 < bound.grid.last_forced:
            return
        cost, gain = self.priced.reduced[place][index], self.gains[place][index]
        begin, values = row
        free = bound.modes.end_free[place + 1][mode]
        cap = self.caps[place]
        ends = [cap]
        if (
            bound.value
            and place >= bound.grid.last_forced
            and bound.modes.old_enough[place + 1][mode]
        ):
            ends.append(self.low)
        first = max(0, self._units(self.low - gain, remainder) - begin)
        if first >= len(values) or min(values[first:]) + min(cost, 0.0) > self.limit:
            return
        for position in range(first, len(values)):
            energy = remainder + self.unit * (begin + position)
            full = energy + gain

            def offer(end: float, share: float, position: int = position) -> None:
                value = values[position] + share * cost + self._after(place + 1, end)
                ending = Ending(place, mode, index, remainder, begin + position, share)
                self.offer(value, ending)

            enough = full >= self.low - self.nothing
            if full <= cap + self.nothing and enough and (free or full >= self.most - self.nothing):
                offer(full, 1.0)
            for end in ends:
                if energy < end < full - self.nothing:
                    offer(end, (end - energy) / gain)
