"""A car as a load of the house it charges at: what it draws from the wires at its home, piece by piece."""

from collections.abc import Callable

from simulator.car.car import Car
from simulator.car.power import Flow

type Tell = Callable[[float, float, float, int], object]
"""Takes from when to when (seconds of physics), amperes on each phase, and the number of phases."""


class WiredCar:
    """A car seen from the wires. It is settled without noticing."""

    def __init__(self, car: Car, tell: Tell) -> None:
        """Tell, from now on and in order of time, what the car draws at home."""
        self.car = car
        self.settle()
        journey = car._systems.journey

        def flowed(start: float, end: float, flow: Flow) -> None:
            if flow.phases and journey.at_home:
                tell(start, end, flow.amps, flow.phases)

        car._systems.charging.on_flow = flowed

    def settle(self) -> None:
        """Bring the car to the present moment, and so have it tell what it has drawn until then."""
        self.car._settled()

    def present(self) -> tuple[float, int]:
        """Return the amperes on each phase, and the phases, that it draws at home at this moment."""
        systems = self.car._settled()
        flow = systems.charging.flow
        return (flow.amps, flow.phases) if systems.journey.at_home else (0.0, 0)
