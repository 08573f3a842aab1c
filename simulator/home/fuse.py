"""The main fuse: counts every second above its value. It never blows, so that a bench sees how often it would have."""

from collections import deque
from dataclasses import dataclass

from simulator.home.household import Phases

#: How many occasions are kept; their seconds are counted for ever.
KEPT = 1000


@dataclass(slots=True)
class Excess:
    """An occasion on which a phase carried too much: from when to when (seconds), and the most amperes."""

    phase: int
    start: float
    end: float
    amps: float


class Fuse:
    """Currents on each phase, import or export, against the fuse's value (A)."""

    def __init__(self, amps: float, phases: int) -> None:
        """Protect one phase or three."""
        self.amps = amps
        self.phases = phases
        self.seconds_over = [0.0] * phases
        self.highest = [0.0] * phases
        self.excesses: deque[Excess] = deque(maxlen=KEPT)
        self._open: list[Excess | None] = [None] * phases

    def carry(self, start: float, end: float, amps: Phases) -> None:
        """Carry these currents from one moment to another (seconds)."""
        for phase in range(self.phases):
            current = abs(amps[phase])
            self.highest[phase] = max(self.highest[phase], current)
            if current <= self.amps:
                self._open[phase] = None
                continue
            self.seconds_over[phase] += end - start
            if (excess := self._open[phase]) is None:
                excess = self._open[phase] = Excess(phase, start, end, current)
                self.excesses.append(excess)
            excess.end = end
            excess.amps = max(excess.amps, current)
