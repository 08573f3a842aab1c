"""The parts of one car, as its commands and its data see them."""

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
import math

from simulator.car.battery import Battery
from simulator.car.charge_on_solar import LOWER_LIMIT, ChargeOnSolar
from simulator.car.charge_port import ChargePort
from simulator.car.charging import Charging
from simulator.car.journey import Journey
from simulator.car.quirks import Quirk, Quirks
from simulator.car.readings import OtherReading
from simulator.car.schedule_keeper import ScheduleKeeper
from simulator.car.schedules import Schedules
from simulator.car.wakefulness import Wakefulness
from simulator.clock import Calendar, SimulatedClock

#: What cameras and computer draw while Sentry Mode watches: owners tell of 5 to 8 % of a large battery a day [community].
SENTRY_KW = 0.2
#: What a parked car drains: 36.6 kWh on the counter sank to 34.4 in four days (fleet-telemetry issue 357).
STANDBY_KW = 0.023
#: How far a full car may drain below its limit before it charges again.
RESUME_PERCENT = 5.0
HEATER_DRAW_KW = 3.0
#: What a new car's lifetime counter of charged energy shows.
CHARGED_BEFORE_KWH = 3210.0
#: What the cabin draws while it is conditioned: an order of magnitude.
CABIN_KW = 3.0
_STEP_SECONDS = 3600.0


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
    quirks: Quirks
    calendar: Calendar
    """By which its schedules are kept."""
    zone: tzinfo
    """Of the place where it is."""
    settled_at: float
    """Up to which second of physics, and up to which moment of its calendar, everything is computed."""
    settled_until: float
    lacks: frozenset[str] = frozenset()
    """Names, of telemetry and of vehicle_data, of what this car does not tell."""
    sentry: bool = False
    """Whether Sentry Mode watches whenever it is parked, which keeps it awake and draws from the battery."""
    mains_waver: float = 0.0
    """By how many of 230 volts the mains waver, within a minute and within minutes; 0 for a laboratory's."""
    low_power: bool = False
    """Whether it was told to save power while parked."""
    accessory_power: bool = False
    """Whether it was told to keep its sockets under power while parked."""
    update_status: str = ""
    """`status` of `software_update`: installing while it installs software."""
    charged_home_kwh: float = 0.0
    charged_away_kwh: float = 0.0
    """What really went into the battery, at home and elsewhere; nothing is ever taken off."""
    solar: ChargeOnSolar = field(default_factory=ChargeOnSolar)
    keeper: ScheduleKeeper = field(init=False)

    def __post_init__(self) -> None:
        """Have somebody keep the schedules."""
        self.keeper = ScheduleKeeper(
            self.schedules,
            self.charging,
            self.journey,
            self.wakefulness,
            self.quirks,
            zone=lambda: self.zone,
            firmware=lambda: self.firmware,
        )

    @property
    def lifetime_charged_kwh(self) -> float:
        """The car's own counter of all energy that was charged."""
        return CHARGED_BEFORE_KWH + self.charged_home_kwh + self.charged_away_kwh

    @property
    def utc_offset(self) -> int:
        """By how many seconds the car's clock is ahead of UTC."""
        offset = datetime.fromtimestamp(self.settled_until, self.zone).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    def settle(self) -> None:
        """Bring every part to the present moment, by way of every moment of its schedules."""
        wall, now = self.calendar.moment()
        while (due := self.keeper.next_moment(self.settled_until)) <= wall:
            physics = min(now, max(self.settled_at, self.calendar.physics_at(due)))
            self._pass(physics)
            self.settled_until = due
            self.keeper.happen(due, physics)
        self._pass(now)
        self.settled_until = max(self.settled_until, wall)
        self.wakefulness.out_of_coverage = Quirk.OUT_OF_COVERAGE in self.quirks

    def _pass(self, now: float) -> None:
        for moment in (*self.quirks.ends(self.settled_at, now), now):
            while self._needs_steps and moment - self.settled_at > _STEP_SECONDS:
                self._advance(self.settled_at + _STEP_SECONDS)
            self._advance(moment)

    @property
    def _needs_steps(self) -> bool:
        """Whether something may happen on the way that one long step would miss."""
        in_force, at = self.quirks.in_force, self.settled_at
        return in_force(Quirk.COUNTER_IS_NET, at) or in_force(Quirk.LOST_WHILE_CHARGING, at)

    def _advance(self, now: float) -> None:
        before = self.settled_at
        if self.watching and not (self.port.supply and self.port.supply.powered):
            self.battery.add(-SENTRY_KW * (now - self.settled_at) / 3600)
        self.settled_at = now
        self.battery.add(-self.journey.advance(now) * self.battery.kwh_per_mile)
        heated = self.quirks.in_force(Quirk.HEATER_OUTDRAWS_CHARGER, before)
        self.charging.heater_kw = HEATER_DRAW_KW if heated else 0.0
        self._set_conditions(before)
        charged = self.charging.charged_kwh
        self.charging.advance(now)
        if self.journey.at_home:
            self.charged_home_kwh += self.charging.charged_kwh - charged
        else:
            self.charged_away_kwh += self.charging.charged_kwh - charged
        if self.quirks.in_force(Quirk.COUNTER_IS_NET, before):
            self._drain(before, now)
        else:
            self.charging.rests = False
        self._lose_reception()
        for part in (self.journey, self.charging):
            self.wakefulness.touch(part.active_until)

    def _set_conditions(self, at: float) -> None:
        """Tell the charger what else draws power, and what holds it back, from a moment on."""
        charging, conditions = self.charging, self.conditioning
        charging.cabin_kw = CABIN_KW if conditions else 0.0
        if conditions:
            charging.cabin_at_cable = OtherReading.CONDITIONS_FROM_BATTERY not in self.quirks
            self.wakefulness.touch(self.settled_at)
        charging.hot = self.quirks.setting_at(Quirk.HOT_PLUG, at)
        managed = self.quirks.in_force(Quirk.CHARGES_ON_SOLAR, at) and self.journey.at_home
        charging.sun_amps = self.solar.amps(charging) if managed else None
        charging.sun_above = LOWER_LIMIT

    def _drain(self, before: float, now: float) -> None:
        """Lose what a parked car loses; the counter of a session sinks with it."""
        if self.journey.driving or self.charging.busy:
            return
        if self.charging.state == "Complete":
            self.charging.rests = True
        kwh = STANDBY_KW * max(0.0, now - max(before, self.charging.active_until)) / 3600
        self.battery.add(-kwh)
        if self.port.supply is not None:
            self.charging.count(-kwh)
        missing = self.battery.kwh_to(self.charging.limit)
        if self.charging.rests and missing > self.battery.capacity_kwh * RESUME_PERCENT / 100:
            self.charging.rests = False
            self.wakefulness.wake_at_once()

    def _lose_reception(self) -> None:
        lost = self.quirks.get(Quirk.LOST_WHILE_CHARGING)
        if lost and self.charging.busy and self.charging.busy_for >= lost.seconds:
            self.quirks.take(Quirk.LOST_WHILE_CHARGING)
            self.wakefulness.offline = True

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
        return self.charging.busy or self.journey.driving or self.sentry or self.conditioning

    @property
    def conditioning(self) -> bool:
        """Whether it conditions its cabin."""
        return self.keeper.conditioning is not None and not self.journey.driving
