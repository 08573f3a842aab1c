"""Cars as loads of the home: what they draw from its wires, piece by piece, however late somebody looks."""

from collections import deque

from simulator.car import Car
from simulator.car.wiring import WiredCar
from simulator.home.household import Phases

VOLTS = 230.0
NOTHING: Phases = (0.0, 0.0, 0.0)


class CarLoad:
    """A car behind the meter. `first_phase` (0 to 2) is the one that a single-phase cable is connected to."""

    def __init__(self, car: Car, *, first_phase: int, phases: int) -> None:
        """Connect a car's wall connector to a home with one phase or three."""
        self.car = car
        self.joules = 0.0
        self._first = first_phase if phases == 3 else 0
        self._wires = phases
        self._pieces: deque[list[float]] = deque()
        self._wired = WiredCar(car, self._tell)

    def settle(self) -> None:
        """Bring the car to the present moment."""
        self._wired.settle()

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
        return self._spread(*self._wired.present())

    def _spread(self, amps: float, phases: int) -> Phases:
        """In a home with one phase all of it is on L1: energy is never lost between the car and the meter."""
        wires = [0.0, 0.0, 0.0]
        for wire in range(phases):
            wires[(self._first + wire) % self._wires] += amps
        return wires[0], wires[1], wires[2]
