"""What was learnt of a car at a place, as a plan takes it: on the safe side as long as little is known."""

from dataclasses import dataclass, field

from ..model import MIN_AMPS, Car
from .capacity import Capacity
from .efficiency import Efficiency
from .power import Power
from .taper import Taper


@dataclass(frozen=True, slots=True)
class LearntCar:
    """The parts that a plan needs. Power and efficiency are of a place, the others of the car."""

    power: Power = field(default_factory=Power)
    efficiency: Efficiency = field(default_factory=Efficiency)
    capacity: Capacity = field(default_factory=Capacity)
    taper: Taper = field(default_factory=Taper)

    def car(self, level: float, limit: float = 100.0) -> Car:
        """Return the car for a plan: capacity and efficiency at the end of their range that takes longer to charge.

        The range is that in which the true value is with a chance of four fifths: wide at first, and narrow after a few charges.
        """
        amps, phases = self.power.usual
        watts = self.power.watts.value
        unit = watts / amps
        share = self.efficiency.at(watts / 1000)
        efficiency, standing = self.efficiency.terms(unit * MIN_AMPS / 2)
        return Car(
            self.capacity.kwh.high,
            level,
            limit,
            efficiency=max(0.1, min(1.0, efficiency * share.low / share.value)),
            standing_loss_w=standing,
            phases=phases,
            volts=unit / phases,
            max_amps=amps,
            taper=self.taper.steps(unit, amps),
            reliable_share=self.power.reliable_share,
        )
