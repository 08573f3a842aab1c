"""A world on a clock that only a test moves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.car import Car
from simulator.clock import SimulatedClock
from simulator.home import Home, HomeSettings
from simulator.home.battery import KWH
from simulator.home.home import Totals

HOUR, DAY = 3600.0, 86400.0
#: 1 June 2026, 00:00 in Amsterdam.
JUNE = 1_780_264_800
JANUARY = 1_767_225_600 - 3600
WATT_HOUR = 3600.0


@dataclass
class HandTime:
    """Stands for the module `time` of the simulated clock."""

    at: float = float(JUNE)

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at - JUNE + 1000.0


def make_home(*, start: float = JUNE, **settings: Any) -> Home:
    """Return a home on a clock that stands still until it is advanced."""
    return Home(SimulatedClock(speed=0), HomeSettings(**settings), start=start)


def make_car(home: Home, **settings: Any) -> Car:
    """Return a car that charges at this home."""
    vin = f"5YJ3000000000000{len(home.loads)}"
    car = Car(vin, name="Pearl", clock=home.clock, **settings)
    home.add_car(car)
    return car


def pass_(home: Home, steps: Iterable[float]) -> Home:
    """Look at the home after each of these steps (seconds)."""
    for step in steps:
        home.clock.advance(step)
        home.settle()
    return home


def evenly(seconds: float, step: float) -> list[float]:
    """Return steps of one size, the last one shorter if necessary."""
    whole = int(seconds // step)
    rest = seconds - whole * step
    return [step] * whole + ([rest] if rest else [])


def kwh(joules: float) -> float:
    return joules / KWH


def alike(one: Totals, other: Totals) -> None:
    """Fail unless two homes have had the same energies, each to a hundredth of a watt-hour, and the same money."""
    for name in ("solar", "load", "cars", "imported", "exported", "battery_in", "battery_out"):
        difference = abs(getattr(one, name) - getattr(other, name))
        assert difference < 0.01 * WATT_HOUR, f"{name}: {difference / WATT_HOUR} Wh"
    assert abs(one.import_cost - other.import_cost) < 1e-5
    assert abs(one.export_revenue - other.export_revenue) < 1e-5
