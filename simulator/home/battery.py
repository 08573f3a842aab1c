"""A home battery that follows its own rules: it knows the sum at the meter, and nothing of cars or plans."""

from dataclasses import dataclass

KWH = 3.6e6
"""Joules of a kilowatt-hour."""
#: Joules by which a battery may miss full or empty through rounding.
_ALMOST = 1e-3


@dataclass(frozen=True, slots=True)
class BatterySettings:
    """A battery: energy that it can hold (kWh), limits of power at the AC side (W), losses, and its reserve.

    `reserve` (percent) is kept for an outage; `deadband_w` is the sum at the meter below which it does nothing; losses are
    those of each direction.
    """

    kwh: float = 10.0
    charge_w: float = 5000.0
    discharge_w: float = 5000.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    reserve: float = 10.0
    deadband_w: float = 0.0
    level: float = 50.0
    """At the beginning, in percent."""
    phases: int = 3


class HomeBattery:
    """Self-consumption: it takes what would be exported and gives what would be imported, as far as it can.

    Power is positive while it discharges. Below its reserve it gives nothing and still takes; it never takes from the grid.
    """

    def __init__(self, settings: BatterySettings) -> None:
        """Install it."""
        self.settings = settings
        self.reserve = settings.reserve
        self.resting = False
        """Whether it was told to do nothing."""
        self._full = settings.kwh * KWH
        self._joules = self._full * settings.level / 100

    @property
    def level(self) -> float:
        """State of charge in percent."""
        return 100 * self._joules / self._full

    @property
    def stored_kwh(self) -> float:
        """Energy in it."""
        return self._joules / KWH

    @property
    def _floor(self) -> float:
        return self._full * self.reserve / 100

    def set_reserve(self, percent: float) -> None:
        """Keep another part of it for an outage."""
        if not 0 <= percent <= 100:
            raise ValueError("a reserve is 0 to 100 percent")
        self.reserve = percent

    def power(self, net_w: float) -> float:
        """Return its power (W) while the rest of the home takes so much more than the roof gives."""
        if self.resting or abs(net_w) <= self.settings.deadband_w:
            return 0.0
        if net_w > 0:
            return (
                min(net_w, self.settings.discharge_w)
                if self._joules - self._floor > _ALMOST
                else 0.0
            )
        return -min(-net_w, self.settings.charge_w) if self._full - self._joules > _ALMOST else 0.0

    def seconds_at(self, watts: float) -> float:
        """Return how long it can do this."""
        if watts > 0:
            left = self._joules - self._floor
            return left * self.settings.discharge_efficiency / watts
        if watts < 0:
            return (self._full - self._joules) / (-watts * self.settings.charge_efficiency)
        return float("inf")

    def run(self, watts: float, seconds: float) -> None:
        """Do it for so long."""
        if watts > 0:
            self._joules -= watts * seconds / self.settings.discharge_efficiency
            if self._joules - self._floor < _ALMOST:
                self._joules = self._floor
        elif watts < 0:
            self._joules -= watts * seconds * self.settings.charge_efficiency
            if self._full - self._joules < _ALMOST:
                self._joules = self._full
