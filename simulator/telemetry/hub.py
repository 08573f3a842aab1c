"""The streaming of all cars."""

import asyncio
from collections.abc import Callable

from simulator.car import Car
from simulator.clock import SimulatedClock
from simulator.telemetry.car_telemetry import CarTelemetry
from simulator.telemetry.settings import World


class Telemetry:
    """Knows every car that has to do with streaming, and lets them stream between start and stop."""

    def __init__(self, clock: SimulatedClock, bill: Callable[[str, str, int], object]) -> None:
        """`bill` takes a client id, a VIN and how many signals the car has just sent for it."""
        self.world = World(clock, bill)
        self.cars: dict[str, CarTelemetry] = {}
        self._running = False

    def of(self, car: Car) -> CarTelemetry:
        """Return the handle of a car."""
        handle = self.cars.get(car.vin)
        if handle is None:
            handle = self.cars[car.vin] = CarTelemetry(car, self.world)
            if self._running:
                handle.start()
        return handle

    def start(self) -> None:
        """Let the cars stream; needs a running event loop."""
        self._running = True
        for handle in self.cars.values():
            handle.start()

    async def stop(self) -> None:
        """End every connection; configurations stay."""
        self._running = False
        await asyncio.gather(*(handle.stop() for handle in self.cars.values()))

    def review(self) -> None:
        """Take back every configuration that is not authorised any more."""
        for handle in self.cars.values():
            for stream in handle.streams.values():
                stream.review()

    def remove_all(self, client_id: str) -> None:
        """Take an application's configurations out of all cars."""
        for handle in self.cars.values():
            handle.remove(client_id)
