"""A signer and a simulated car with nothing in between but a function call."""

import pytest

from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import Car
from simulator.clock import SimulatedClock
from tests.vehicle_command.pair import VIN, Pair, Wire


@pytest.fixture
def pair() -> Pair:
    """A plugged-in, charging car."""
    clock = SimulatedClock()
    car = Car(VIN, name="Pearl", clock=clock)
    car.plug_in()
    key = VirtualKey.generate()
    car.keychain.add(key.public_key)
    wire = Wire(car)
    made = Pair(key, car, wire, clock, sender=None)  # type: ignore[arg-type]  # set in the next line
    made.sender = made.make_sender()
    return made
