"""The parts of one car, as its commands and its data see them."""

from dataclasses import dataclass
import math

from simulator.car.battery import Battery
from simulator.car.charge_port import ChargePort
from simulator.car.charging import Charging
from simulator.car.journey import Journey
from simulator.car.schedules import Schedules
from simulator.car.wakefulness import Wakefulness
from simulator.clock import SimulatedClock

#: What cameras and computer draw while Sentry Mode watches: owners tell of 5 to 8 % of a large battery a day [community].
SENTRY_KW = 0.2


@dataclass(slots=True)
class Systems:
    """What a car is made of."""

    vin: str
    name: str
    firmware: str
    clock: SimulatedClock
    battery: Battery
    port: ChargePort
    charging: Charging
    journey: Journey
    schedules: Schedules
    wakefulness: Wakefulness
    utc_offset: int = 0
    lacks: frozenset[str] = frozenset()
    """Names, of telemetry and of vehicle_data, of what this car does not tell."""
    sentry: bool = False
    """Whether Sentry Mode watches whenever it is parked, which keeps it awake and draws from the battery."""
    mains_waver: float = 0.0
    """By how many of 230 volts the mains waver, within a minute and within minutes; 0 for a laboratory's."""
    settled_at: float = 0.0

    def settle(self) -> None:
        """Bring every part to the present moment."""
        now = self.clock.physics()
        if self.watching and not (self.port.supply and self.port.supply.powered):
            self.battery.add(-SENTRY_KW * (now - self.settled_at) / 3600)
        self.settled_at = now
        self.battery.add(-self.journey.advance(now) * self.battery.kwh_per_mile)
        self.charging.advance(now)
        for part in (self.journey, self.charging):
            self.wakefulness.touch(part.active_until)

    @property
    def mains(self) -> float:
        """What the mains give at this moment, as a share of what they should; measurements only, no energy."""
        now = self.clock.physics()
        wave = 0.6 * math.sin(now / 7.5) + 0.4 * math.sin(now / 49.0)
        return 1 + self.mains_waver / 230 * wave

    @property
    def watching(self) -> bool:
        """Whether Sentry Mode is at work."""
        return self.sentry and not self.journey.driving

    @property
    def busy(self) -> bool:
        """Whether the car is at work and so stays awake."""
        return self.charging.busy or self.journey.driving or self.sentry
