"""Cars as loads of the home: what they draw from its wires, piece by piece, however late somebody looks."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from simulator.home.household import Phases

type Draw = tuple[float, float, float, int]
"""From when to when (seconds of physics), amperes on each phase, and on how many phases."""

VOLTS = 230.0
NOTHING: Phases = (0.0, 0.0, 0.0)


class Car(Protocol):
    """What a home needs of a car."""

    @property
    def vin(self) -> str:
        """Its number."""

    def settle(self) -> None:
        """Bring it to the present moment, and so tell what it has drawn until then."""

    def on_draw(self, tell: Callable[[float, float, float, int], object]) -> None:
        """Tell from now on what it draws from the wires at its home: a Draw, in order of time."""

    def draw(self) -> tuple[float, int]:
        """Return the amperes on each phase, and the phases, that it draws at home at this moment."""


class CarLoad:
    """A car behind the meter. `first_phase` (0 to 2) is the one that a single-phase cable is connected to."""

    def __init__(self, car: Car, *, first_phase: int, phases: int) -> None:
        """Connect a car's wall connector to a home with one phase or three."""
        self.car = car
        self.joules = 0.0
        self._first = first_phase if phases == 3 else 0
        self._wires = phases
        self._pieces: deque[list[float]] = deque()
        car.settle()
        car.on_draw(self._tell)

    def _tell(self, start: float, end: float, amps: float, phases: int) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last[1:] == [start, amps, phases]:
            last[1] = end
        elif end > start:
            self._pieces.append([start, end, amps, phases])

    def at(self, at: float) -> tuple[Phases, float]:
        """Return the amperes on each phase at a moment (seconds of physics), and until when they hold."""
        pieces = self._pieces
        while pieces and pieces[0][1] <= at:
            pieces.popleft()
        if not pieces:
            return NOTHING, float("inf")
        start, end, amps, phases = pieces[0]
        if at < start:
            return NOTHING, start
        return self._spread(amps, round(phases)), end

    def flow(self, at: float, seconds: float) -> None:
        """Count what it draws from a moment on."""
        self.joules += sum(self.at(at)[0]) * VOLTS * seconds

    def now(self) -> Phases:
        """Return the amperes on each phase at this moment."""
        return self._spread(*self.car.draw())

    def _spread(self, amps: float, phases: int) -> Phases:
        """A car that takes more phases than there are is not possible: its connector has no more wires."""
        wires = [0.0, 0.0, 0.0]
        for wire in range(min(phases, self._wires)):
            wires[(self._first + wire) % self._wires] += amps
        return wires[0], wires[1], wires[2]
