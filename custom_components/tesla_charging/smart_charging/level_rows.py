"""The partial plans of M2: rows of costs over the energy, and the way back from the best of them."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .bound import INFINITE, Bound
from .evaluate import OFF, Use
from .model import MIN_AMPS
from .modes import NONE
from .reach import split
from .search import Search
from .slots import KWH

ANY: Final = -1
"""The place of a current that does not matter: changes are free."""

type Row = tuple[int, list[float]]
"""The number of units at which a row begins, and its costs."""
type Packed = tuple[int, array[float]]
"""A row in little memory."""
type Remainder = float
"""The energy of a row at 0 units, in quarter ampere-seconds; whole numbers, except after a cut."""
type Key = tuple[int, Remainder]
"""The mode and the remainder."""


def packed(row: Row) -> Packed:
    """Return a row in a quarter of the memory."""
    return row[0], array("d", row[1])


def lowest(rows: list[Row]) -> Row:
    """Return the least of several rows at every energy."""
    if len(rows) == 1:
        return rows[0]
    begin = min(row[0] for row in rows)
    end = max(row[0] + len(row[1]) for row in rows)
    return begin, list(map(min, *(padded(row, begin, end) for row in rows), strict=True))


def padded(row: Row, begin: int, end: int) -> list[float]:
    """Return the costs of a row from one number of units to another, infinite where it has none."""
    first, costs = row
    if first == begin and len(costs) == end - begin:
        return costs
    return [INFINITE] * (first - begin) + costs + [INFINITE] * (end - first - len(costs))


type Cut = tuple[float, Remainder, int, float, int]
"""The cost of a plan whose draw was cut, its energy at the slot's begin, the share used, and the current's index."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a complete plan ends: with a slot, entered with an energy, used in whole or in part."""

    place: int
    mode: int
    level: int
    remainder: Remainder
    units: int
    share: float


class RowSearch(Search):
    """Keeps the rows of all borders, and finds the way back."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        grid = bound.grid
        car = grid.problem.car
        kwh = car.efficiency * car.watts(1) / 1000 / 4 / 3600
        self.kwh = kwh
        self.nothing = KWH / kwh
        lengths = Counter(slot.seconds for slot in grid.slots)
        self.unit = 4 * (lengths.most_common(1)[0][0] if lengths else 1)
        self.gains = [
            [(4 * amps - grid.loss_quarters) * slot.seconds for amps in slot.levels]
            for slot in grid.slots
        ]
        self.caps = [cap / kwh for cap in grid.caps]
        self.targets = [(place, energy / kwh) for place, energy in grid.targets]
        self.low, self.high = bound.low / kwh, bound.high / kwh
        self.most = max(bound.low, grid.limit) / kwh if bound.value else self.low
        self.below = [
            min(
                (car.kwh_to(step.level) / kwh for step in car.taper if step.amps < amps),
                default=INFINITE,
            )
            for amps in range(MIN_AMPS, car.max_amps + 1)
        ]
        self.needed = self._needed()
        self.free_changes = bound.rules.change == 0
        self.off: list[dict[Key, Packed]] = []
        self.on: list[dict[Key, dict[int, Packed]]] = []
        self.cut_from: dict[tuple[int, int, int], Cut] = {}
        self.every = [range(len(slot.levels)) for slot in grid.slots]
        """The currents of each slot, by their index."""
        self.indices: list[Sequence[int]] = list(self.every)
        """Those that are tried."""

    def _needed(self) -> list[float]:
        """Return the energy at each border without which a later target is out of reach, also at full power.

        Under a taper that depends on the energy itself: a current counts only below the level from which it is too high.
        """
        places = self.bound.places
        needed = [0.0] * (len(self.gains) + 1)
        for place, energy in self.targets:
            rest = energy - self.nothing
            for border in range(place, -1, -1):
                needed[border] = max(needed[border], rest)
                if border:
                    gains, levels = self.gains[border - 1], places[border - 1]
                    rest = min(
                        (
                            rest - gain
                            for gain, level in zip(gains, levels, strict=True)
                            if rest - gain < self.below[level]
                        ),
                        default=rest,
                    )
        return needed

    def uses_of(self, ending: object) -> list[Use]:
        """Return what a complete plan does in every slot."""
        slots = self.bound.grid.slots
        uses = [OFF] * len(slots)
        if ending is None:
            return uses
        assert isinstance(ending, Ending)
        place, mode = ending.place, ending.mode
        remainder, units = ending.remainder, ending.units
        if ending.level == NONE:
            is_on, level = False, NONE
        else:
            uses[place] = Use(slots[place].levels[ending.level], ending.share)
            is_on, mode, level = self._entered(place, mode, ending.level, remainder, units)[1]
        while place > 0:
            place -= 1
            if not is_on:
                is_on, mode, level = self._turned_off(place, mode, remainder, units)
                continue
            index, remainder, units, share = self._charged(place, mode, level, remainder, units)
            uses[place] = Use(slots[place].levels[index], share)
            is_on, mode, level = self._entered(place, mode, index, remainder, units)[1]
        return uses

    def _value(self, row: Packed | None, units: int) -> float:
        """Return the cost that a row has at a number of units."""
        if row is None or not 0 <= units - row[0] < len(row[1]):
            return INFINITE
        return row[1][units - row[0]]

    def _entered(
        self, place: int, mode: int, index: int, remainder: Remainder, units: int
    ) -> tuple[float, tuple[bool, int, int]]:
        """Return the least cost with which a slot is entered at a current, and from what."""
        modes, rules = self.bound.modes, self.bound.rules
        best, source = INFINITE, (False, NONE, NONE)
        here = self.bound.places[place][index]
        for before, after in enumerate(modes.stay[place]):
            if after == mode:
                for level, row in self.on[place].get((before, remainder), {}).items():
                    fee = 0.0 if level in {here, ANY} else rules.change
                    value = self._value(row, units) + fee
                    if value < best:
                        best, source = value, (True, before, level)
        for before, after in enumerate(modes.start[place]):
            if after == mode:
                value = self._value(self.off[place].get((before, remainder)), units)
                value += modes.start_cost[place][before]
                if value < best:
                    best, source = value, (False, before, NONE)
        return best, source

    def _charged(
        self, place: int, mode: int, level: int, remainder: Remainder, units: int
    ) -> tuple[int, Remainder, int, float]:
        """Return the current of a slot, the energy at its begin and the share of it that was used."""
        costs = self.priced.reduced[place]
        energy = remainder + self.unit * units
        best, found = INFINITE, (0, remainder, units, 1.0)
        cap = self.caps[place] - self.nothing
        places = self.bound.places[place]
        for index in self.indices[place]:
            j = places[index]
            if level not in {j, ANY}:
                continue
            count, before = split(energy - self.gains[place][index], self.unit)
            start = before + self.unit * count
            if start >= min(cap, self.below[j] - self.nothing) or start < -self.nothing:
                continue
            value = self._entered(place, mode, index, before, int(count))[0] + costs[index]
            if value < best:
                best, found = value, (index, before, int(count), 1.0)
        cut = self.cut_from.get((place, mode, level))
        if cut is not None and abs(energy - self.caps[place]) <= self.nothing + 1e-5:
            value, before, count, share, index = cut
            if value < best:
                found = (index, before, count, share)
        return found

    def _turned_off(
        self, place: int, mode: int, remainder: Remainder, units: int
    ) -> tuple[bool, int, int]:
        """Return from what a plan went that is off in a slot."""
        modes, rules = self.bound.modes, self.bound.rules
        best, source = INFINITE, (False, NONE, NONE)
        for before, after in enumerate(modes.wait[place]):
            if after == mode:
                value = self._value(self.off[place].get((before, remainder)), units)
                if value < best:
                    best, source = value, (False, before, NONE)
        full = remainder + self.unit * units >= self.caps[place] - self.nothing
        for before, after in enumerate(modes.stop[place]):
            if after == mode and (modes.stop_free[place][before] or full):
                for level, row in self.on[place].get((before, remainder), {}).items():
                    value = self._value(row, units) + rules.stop
                    if value < best:
                        best, source = value, (True, before, level)
        return source
