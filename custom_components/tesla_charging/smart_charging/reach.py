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


class Energies:
    """Sets of energies by mode, in quarter ampere-seconds.

    A set is a whole number whose bits are units; sets of energies that differ by less than a unit are kept apart, by
    their remainder.
    """

    unit: Final = 4 * 300

    def __init__(self, nothing: float) -> None:
        self.nothing = nothing
        self.sets: dict[tuple[int, float], int] = {}

    def add(self, mode: int, remainder: float, bits: int) -> None:
        """Add energies to a mode."""
        if mode != NONE and bits:
            key = mode, remainder
            self.sets[key] = self.sets.get(key, 0) | bits

    def add_one(self, mode: int, energy: float) -> None:
        """Add one energy to a mode."""
        units, remainder = divmod(energy, self.unit)
        self.add(mode, round(remainder, 6), 1 << int(units))

    def add_shifted(self, mode: int, remainder: float, bits: int, energy: float) -> None:
        """Add energies, all higher by one."""
        units, after = divmod(remainder + energy, self.unit)
        self.add(mode, round(after, 6), bits << int(units))

    def below(self, bits: int, energy: float, remainder: float) -> int:
        """Return the part of a set below an energy."""
        if energy == INFINITE:
            return bits
        count = max(0, -int((remainder - energy + self.nothing) // self.unit))
        return bits & ((1 << count) - 1)

    def keep_from(self, energy: float) -> None:
        """Forget what is below an energy."""
        kept = {key: bits & ~self.below(bits, energy, key[1]) for key, bits in self.sets.items()}
        self.sets = {key: bits for key, bits in kept.items() if bits}

    def highest(self) -> float:
        """Return the highest energy of all."""
        return max(
            (
                remainder + self.unit * (bits.bit_length() - 1)
                for (_, remainder), bits in self.sets.items()
            ),
            default=NEVER,
        )


def _reach_tapered(grid: Grid, modes: Modes) -> Reach:
    """Return it under a taper, where a fuller battery may be slower: from the sets of all energies."""
    assert grid.model is Model.LEVELS
    car = grid.problem.car
    kwh = car.efficiency * car.watts(1) / 1000 / 4 / 3600
    nothing = KWH / kwh
    tapered = {
        amps: min(
            (car.kwh_to(step.level) / kwh for step in car.taper if step.amps < amps),
            default=INFINITE,
        )
        for amps in range(MIN_AMPS, car.max_amps + 1)
    }
    wanted = {place: energy / kwh for place, energy in grid.targets}
    off, on = Energies(nothing), Energies(nothing)
    (on if grid.problem.state.amps else off).add(0, 0, 1)
    highest = [0.0]
    for place, slot in enumerate(grid.slots):
        next_off, next_on, entering = Energies(nothing), Energies(nothing), Energies(nothing)
        cap = grid.caps[place] / kwh
        for (mode, remainder), bits in off.sets.items():
            next_off.add(modes.wait[place][mode], remainder, bits)
            entering.add(modes.start[place][mode], remainder, bits)
        for (mode, remainder), bits in on.sets.items():
            entering.add(modes.stay[place][mode], remainder, bits)
            full = bits & ~on.below(bits, cap, remainder)
            stopping = bits if modes.stop_free[place][mode] else full
            next_off.add(modes.stop[place][mode], remainder, stopping)
        for (mode, remainder), bits in entering.sets.items():
            for amps in slot.levels:
                gain = (4 * amps - grid.loss_quarters) * slot.seconds
                usable = entering.below(bits, min(tapered[amps], cap), remainder)
                whole = entering.below(usable, cap - gain + 2 * nothing, remainder)
                next_on.add_shifted(mode, remainder, whole, gain)
                if usable != whole:
                    next_on.add_one(mode, cap)
        for energies in (next_off, next_on):
            energies.keep_from(wanted.get(place + 1, 0.0))
        off, on = next_off, next_on
        highest.append(max(off.highest(), on.highest()) * kwh)
    return Reach(tuple(highest))


def meets(grid: Grid, rules: Rules) -> bool:
    """Return whether some plan meets all targets of a grid."""
    return reach(grid, rules).highest[-1] != NEVER
