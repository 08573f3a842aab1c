"""How much energy a plan can reach by each moment, at any price: from this follows which wishes can be met."""

from dataclasses import dataclass
from typing import Final

from .bound import INFINITE
from .model import MIN_AMPS, Model
from .modes import NONE, Modes, Rules, modes_of
from .slots import KWH, Grid, Slot

NEVER: Final = -INFINITE


@dataclass(frozen=True, slots=True)
class Reach:
    """The highest energy at each border that a plan can have which meets all targets up to there, kWh."""

    highest: tuple[float, ...]
    """`NEVER` where no plan does."""

    def first(self, kwh: float) -> int | None:
        """Return the first border at which an energy can be reached."""
        for border, energy in enumerate(self.highest):
            if energy >= kwh - KWH:
                return border
        return None


def reach(grid: Grid, rules: Rules) -> Reach:
    """Return what can be reached in a grid, whose targets have to be met."""
    modes = modes_of(grid, rules)
    if any(step.amps < grid.problem.car.max_amps for step in grid.problem.car.taper):
        return _reach_tapered(grid, modes)
    return _reach_at_full_power(grid, modes)


def _reach_at_full_power(grid: Grid, modes: Modes) -> Reach:
    """Return it where more energy is never worse: at full power in every slot that is on."""
    wanted = dict(grid.targets)
    running = bool(grid.problem.state.amps)
    off, on = ({}, {0: 0.0}) if running else ({0: 0.0}, {})
    highest = [0.0]
    for place, slot in enumerate(grid.slots):
        next_off: dict[int, float] = {}
        next_on: dict[int, float] = {}
        for mode, energy in off.items():
            _raise(next_off, modes.wait[place][mode], energy)
            _raise(next_on, modes.start[place][mode], _charged(grid, place, slot, energy))
        for mode, energy in on.items():
            _raise(next_on, modes.stay[place][mode], _charged(grid, place, slot, energy))
            if modes.stop_free[place][mode] or energy >= grid.caps[place] - KWH:
                _raise(next_off, modes.stop[place][mode], energy)
        least = wanted.get(place + 1, 0.0) - KWH
        off = {mode: energy for mode, energy in next_off.items() if energy >= least}
        on = {mode: energy for mode, energy in next_on.items() if energy >= least}
        highest.append(max([*off.values(), *on.values()], default=NEVER))
    return Reach(tuple(highest))


def _raise(energies: dict[int, float], mode: int, energy: float) -> None:
    """Keep the highest energy of a mode."""
    if mode != NONE and energy > energies.get(mode, NEVER):
        energies[mode] = energy


def _charged(grid: Grid, place: int, slot: Slot, energy: float) -> float:
    """Return the highest energy after a slot that is on."""
    if not slot.levels:
        return NEVER
    return max(energy, min(grid.caps[place], energy + slot.gains[-1]))


def _reach_tapered(grid: Grid, modes: Modes) -> Reach:
    """Return it under a taper, where a fuller battery may be slower: the set of all energies that can be reached.

    A set is a whole number whose bits are units of a quarter ampere for the common length of all slots; sets of energies that differ by
    less than a unit are kept apart.
    """
    assert grid.model is Model.LEVELS
    car = grid.problem.car
    kwh = car.efficiency * car.watts(1) / 1000 / 4 / 3600
    nothing = KWH / kwh
    unit = 4 * 300
    below = {
        amps: min(
            (car.kwh_to(step.level) / kwh for step in car.taper if step.amps < amps),
            default=INFINITE,
        )
        for amps in range(MIN_AMPS, car.max_amps + 1)
    }
    wanted = {place: energy / kwh for place, energy in grid.targets}
    type Sets = dict[tuple[int, float], int]
    running = bool(grid.problem.state.amps)
    first: Sets = {(0, 0): 1}
    off: Sets = {} if running else first
    on: Sets = first if running else {}
    highest = [0.0]

    def count_below(energy: float, remainder: float) -> int:
        if energy == INFINITE:
            return -1
        return max(0, -int((remainder - energy + nothing) // unit))

    def lower_part(bits: int, energy: float, remainder: float) -> int:
        count = count_below(energy, remainder)
        return bits if count < 0 else bits & ((1 << count) - 1)

    def add(sets: Sets, mode: int, remainder: float, bits: int) -> None:
        if mode != NONE and bits:
            sets[mode, remainder] = sets.get((mode, remainder), 0) | bits

    for place, slot in enumerate(grid.slots):
        next_off: Sets = {}
        next_on: Sets = {}
        cap = grid.caps[place] / kwh
        entering: Sets = {}
        for (mode, remainder), bits in off.items():
            add(next_off, modes.wait[place][mode], remainder, bits)
            add(entering, modes.start[place][mode], remainder, bits)
        for (mode, remainder), bits in on.items():
            add(entering, modes.stay[place][mode], remainder, bits)
            stopping = bits
            if not modes.stop_free[place][mode]:
                stopping &= ~lower_part(bits, cap, remainder)
            add(next_off, modes.stop[place][mode], remainder, stopping)
        for (mode, remainder), bits in entering.items():
            for amps in slot.levels:
                gain = (4 * amps - grid.loss_quarters) * slot.seconds
                usable = lower_part(bits, min(below[amps], cap), remainder)
                whole = lower_part(usable, cap - gain + 2 * nothing, remainder)
                shift, after = divmod(remainder + gain, unit)
                add(next_on, mode, round(after, 6), whole << int(shift))
                if usable != whole:
                    units, after = divmod(cap, unit)
                    add(next_on, mode, round(after, 6), 1 << int(units))
        least = wanted.get(place + 1, 0.0)
        if least:
            for sets in (next_off, next_on):
                for key, bits in list(sets.items()):
                    sets[key] = bits & ~lower_part(bits, least, key[1])
        off = {key: bits for key, bits in next_off.items() if bits}
        on = {key: bits for key, bits in next_on.items() if bits}
        highest.append(
            max(
                (
                    (remainder + unit * (bits.bit_length() - 1)) * kwh
                    for sets in (off, on)
                    for (_, remainder), bits in sets.items()
                ),
                default=NEVER,
            )
        )
    return Reach(tuple(highest))


def meets(grid: Grid, rules: Rules) -> bool:
    """Return whether some plan meets all targets of a grid."""
    return reach(grid, rules).highest[-1] != NEVER
