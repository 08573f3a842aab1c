"""Restless cars: small physics of their own, habits by the hour, and an observer that hears, asks, or does both.

Nothing here is of the simulator: the true energy is known because the car itself keeps the books.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
import json
import math
import random
from typing import Any, Final

from custom_components.tesla_charging.fleet_telemetry import fields_for, settle
from custom_components.tesla_charging.vehicle.energy_meter import energy_sample
from custom_components.tesla_charging.vehicle.state import (
    VehicleState,
    pushed_readings,
    readings_of,
)

HOUR: Final = 3600.0
BEGIN: Final = 1_800_000_000.0
ROADS: Final = ("poll", "push", "both")
NONSENSE: Final[tuple[Any, ...]] = (
    None,
    math.nan,
    math.inf,
    "12.5",
    "",
    True,
    -9.5,
    0.0,
    199.0,
    999.0,
    4_999.0,
    1e12,
)
"""What is said instead of a number, once."""
PUSHED: Final = (
    "BatteryLevel",
    "DCChargingEnergyIn",
    "ACChargingEnergyIn",
    "EnergyRemaining",
    "DetailedChargeState",
    "Odometer",
    "LifetimeEnergyChargedKwh",
    "LocatedAtHome",
)
KWH_PER_MILE: Final = 0.24
ROWS: Final = fields_for(with_location=False, shown={*PUSHED})


@dataclass
class Books:
    """A moment at which the observer knew everything, and the car did not charge."""

    true: float
    shown: float
    plug_ins: int


@dataclass
class RestlessCar:
    """A car, who observes it, and the truth."""

    seed: int
    tame: bool = False
    """Whether nothing false is said, and no clock or backup plays tricks."""
    steps: list[Books] = field(default_factory=list)
    log: Callable[[str], None] = lambda line: None

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(f"restless {self.seed}")
        self.road = ROADS[self.seed % len(ROADS)]
        self.now = BEGIN + rng.randint(0, 86_400)
        self.capacity = rng.choice((52.0, 57.5, 74.0, 79.0, 95.0, 120.0))
        self.kwh = self.capacity * rng.uniform(0.25, 0.6)
        self.limit = rng.choice((60, 75, 80, 90, 100))
        self.plugged = self.charging = self.driving = False
        self.resting = True
        self.stopped = False
        self.kw = self.heater = 0.0
        self.drain = rng.choice((0.01, 0.03, 0.06, 0.25))
        self.guards = self.drain > 0.2
        """Whether it never sleeps, because sentry mode is on."""
        self.counter = 0.0
        self.wall = 0.0
        self.lifetime = rng.choice((3.0, 80.0, 900.0, 41_000.0))
        self.has_lifetime = rng.random() < 0.4
        self.tells_remaining = rng.random() < 0.5
        self.odometer = rng.uniform(10, 60_000)
        self.at_home = True
        self.home = self.away = 0.0
        self.plug_ins = 0
        self.zero_until = 0.0
        self.idle_since = self.now
        self.off_until = self.gone_until = 0.0
        self.clock = 0.0
        """By how much the observer's clock is ahead."""
        self.state = VehicleState()
        self.backup = self.state
        self.sent: dict[str, tuple[float, Any]] = {}
        self.connected = False
        self.asked_at = 0.0
        self.loss = rng.choice((0.0, 0.0, 0.02, 0.1))
        self.pause = rng.choice((300.0, 660.0, 1800.0))
        self.first: float | None = None
        self.known_place = True
        self.saw_lifetime = self.has_lifetime

    @property
    def charged(self) -> float:
        return self.home + self.away

    @property
    def percent(self) -> float:
        return self.capacity / 100

    @property
    def excess(self) -> float:
        """By how much too much is shown, kWh."""
        return self.state.energy.total - (self.charged - (self.first or 0.0))

    # -- physics -------------------------------------------------------------------------------------

    def live(self, hours: float) -> None:
        end = self.now + hours * HOUR
        while self.now < end - 1e-6:
            pace = (
                20.0
                if self.kw > 30
                else 60.0
                if self.charging
                else 120.0
                if self.driving
                else 600.0
            )
            seconds = min(pace, end - self.now)
            self.now += seconds
            self.pass_time(seconds / 3600)
            self.observe()

    def pass_time(self, hours: float) -> None:
        if self.driving:
            self.odometer += 45 * hours
            self.kwh -= 45 * hours * KWH_PER_MILE
            return
        full = self.capacity * self.limit / 100
        if (
            self.plugged
            and not self.charging
            and not self.stopped
            and self.kwh < full - 3 * self.percent
        ):
            self.charging = True  # a full car tops up by itself
        if not self.charging:
            lost = min(self.drain * hours, self.kwh)
            self.kwh -= lost
            if self.plugged:
                self.counter = max(0.0, self.counter - lost)
            return
        power = (
            self.kw * min(1.0, max(0.15, (1.05 - self.kwh / self.capacity) * 2.5))
            if self.kw > 30
            else self.kw
        )
        # a limit that is lowered below the level ends the charge and takes nothing out
        room = max(0.0, full - self.kwh)
        net = min(power * 0.92 * hours - self.heater * hours, room)
        self.kwh += net
        gained = max(0.0, net)
        self.counter = max(0.0, self.counter + net)
        self.wall += power * hours
        self.lifetime += gained
        if self.at_home:
            self.home += gained
        else:
            self.away += gained
        if self.kwh >= full - 1e-9:
            self.charging = False

    @property
    def word(self) -> str:
        if not self.plugged:
            return "Disconnected"
        if self.charging:
            return "Charging"
        return "Stopped" if self.stopped else "Complete"

    @property
    def is_awake(self) -> bool:
        busy = self.charging or self.driving or self.guards
        if busy:
            self.idle_since = self.now
        return self.now >= self.gone_until and self.now - self.idle_since < 900

    # -- observing -----------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        zero = self.now < self.zero_until
        facts = {
            "BatteryLevel": round(100 * self.kwh / self.capacity, 1),
            "DCChargingEnergyIn": 0.0 if zero else round(self.counter, 2),
            "ACChargingEnergyIn": 0.0 if zero else round(self.wall, 2),
            "DetailedChargeState": self.word,
            "Odometer": round(self.odometer, 3),
        }
        if self.tells_remaining:
            facts["EnergyRemaining"] = round(self.kwh, 2)
        if self.has_lifetime:
            facts["LifetimeEnergyChargedKwh"] = round(self.lifetime, 2)
        if self.known_place:
            facts["LocatedAtHome"] = self.at_home and not self.driving
        return facts

    def observe(self) -> None:
        awake = self.is_awake
        if self.now < self.off_until or not awake:
            self.connected = False
            self.sent = {}
            if not awake or self.now < self.off_until:
                return
        if self.rng.random() < 0.001:
            self.restart()
        if self.road != "poll":
            self.hear()
        pushes = self.road == "push" or (self.road == "both" and self.connected)
        if not pushes or (self.road == "both" and self.rng.random() < 0.01):
            self.ask()
        self.check_books()

    def restart(self) -> None:
        self.state = VehicleState.from_dict(json.loads(json.dumps(self.state.as_dict())))
        self.connected, self.sent = False, {}

    def hear(self) -> None:
        if not self.connected:
            if self.road == "both" and self.rng.random() < 0.7 and not self.driving:
                return  # the way through the tunnel comes and goes
            self.connected, self.sent = True, {}
        due = {name: value for name, value in self.facts().items() if self.is_due(name, value)}
        self.sent |= {name: (self.now, value) for name, value in due.items()}
        items = [*due.items()]
        self.rng.shuffle(items)
        late = 0.0
        while items:
            size = self.rng.choice((1, 2, len(items), len(items)))
            part, items = dict(items[:size]), items[size:]
            if self.rng.random() >= self.loss:
                self.tell(part, late)
            late += self.rng.choice((0.0, 0.0, 1.0))
        if self.road == "both" and self.rng.random() < 0.01:
            self.connected = False

    def is_due(self, name: str, value: Any) -> bool:
        if (last := self.sent.get(name)) is None:
            return True
        at, before = last
        row = ROWS[name]
        if value == before or self.now - at < row.interval_seconds:
            return False
        delta = row.minimum_delta or 0.0
        return isinstance(value, bool | str) or abs(value - before) >= delta - 1e-9

    def tell(self, part: dict[str, Any], late: float) -> None:
        said = {name: self.garbled(name, value) for name, value in part.items()}
        arrived = self.now + self.clock + late
        dated = float(int(self.now + late))
        measured = min(dated, arrived)
        values = settle(said, self.state.value("DetailedChargeState"))
        readings = pushed_readings(values, measured_at=measured, ahead=max(0.0, dated - arrived))
        if readings:
            lag = max(0.0, arrived - measured) + 1.0
            self.apply(self.state.merge(readings, now=arrived, lag=lag))

    def garbled(self, name: str, value: Any) -> Any:
        if self.tame or isinstance(value, bool | str) or self.rng.random() > 0.003:
            return value
        said = self.rng.choice(NONSENSE)
        # a level that is wrong and possible is nothing that can be known
        return None if name.lower().startswith("battery") and said == 0 else said

    def ask(self) -> None:
        pause = self.pause if self.charging else 2 * self.pause
        if self.now - self.asked_at < pause or self.rng.random() < self.loss * 3:
            return
        self.asked_at = self.now
        facts = self.facts()
        stamp = int(self.now * 1000)
        level = 100 * self.kwh / self.capacity
        charge = {
            "timestamp": stamp,
            "battery_level": int(level + 1e-6),
            "charge_energy_added": facts["DCChargingEnergyIn"],
            "charging_state": facts["DetailedChargeState"],
        }
        if self.tells_remaining:
            charge["energy_remaining"] = facts["EnergyRemaining"]
        charge = {
            name: self.garbled(name, value) if name != "timestamp" else value
            for name, value in charge.items()
        }
        if not self.tame and self.rng.random() < 0.01:
            charge["charging_state"] = None
        data: Any = {
            "charge_state": charge,
            "vehicle_state": {"timestamp": stamp, "odometer": facts["Odometer"]},
        }
        arrived = self.now + self.clock
        readings = readings_of(data, now=arrived)
        self.apply(self.state.merge(readings, now=arrived, lag=max(0.0, self.clock)))

    def apply(self, state: VehicleState) -> None:
        before = self.state.energy
        at_home = self.at_home and not self.driving if self.known_place else None
        energy = before.with_sample(energy_sample(state, at_home))
        for name in ("home", "away", "unplaced"):
            assert getattr(energy, name) >= getattr(before, name), f"{name} sank"
        self.state = replace(state, energy=energy)
        if energy.total - before.total > 1:
            self.log(f"    {(self.now - BEGIN) / HOUR:.3f} +{energy.total - before.total:.2f}")
        if before.session is None and energy.session is not None:
            self.first = self.charged

    def check_books(self) -> None:
        """Note the totals if the observer knows everything and the car does not charge."""
        if self.charging or self.driving or self.now < self.zero_until or self.first is None:
            return
        facts, known = self.facts(), self.state
        added, level = known.number("DCChargingEnergyIn"), known.number("BatteryLevel")
        miles = known.number("Odometer")
        if added is None or level is None or miles is None:
            return
        if known.value("DetailedChargeState") != self.word:
            return
        true_level = 100 * self.kwh / self.capacity
        if (
            abs(added - facts["DCChargingEnergyIn"]) > 0.11
            or not -0.11 <= true_level - level < 1.01
        ):
            return
        if abs(miles - self.odometer) > 0.51:
            return
        if known.energy.doubtful_since is not None:
            return
        books = Books(self.charged, known.energy.total, self.plug_ins)
        if (
            self.steps
            and self.steps[-1].plug_ins == books.plug_ins
            and books.true == self.steps[-1].true
        ):
            self.steps[-1] = books  # it has only waited
        else:
            self.steps.append(books)

    # -- habits --------------------------------------------------------------------------------------

    def plug_in(self, kw: float) -> None:
        self.log(
            f"{(self.now - BEGIN) / HOUR:.2f} h plug in {kw}, level {100 * self.kwh / self.capacity:.1f}"
        )
        self.plugged, self.kw, self.counter, self.wall = True, kw, 0.0, 0.0
        self.charging = self.kwh < self.capacity * self.limit / 100 - 0.01
        self.stopped = False
        self.plug_ins += 1
        self.idle_since = self.now

    def unplug(self) -> None:
        self.log(
            f"{(self.now - BEGIN) / HOUR:.2f} h unplug, counter {self.counter:.2f}, shown {self.state.energy.total:.2f} true {self.charged:.2f} excess {self.excess:.2f}"
        )
        self.plugged = self.charging = self.stopped = False
        self.heater = 0.0
        self.idle_since = self.now

    def drive(self, miles: float, at_home: bool) -> None:
        if self.plugged:
            self.unplug()
        miles = min(miles, max(1.0, (self.kwh - 3 * self.percent) / KWH_PER_MILE))
        self.log(f"{(self.now - BEGIN) / HOUR:.2f} h drive {miles:.1f}")
        self.driving, self.idle_since = True, self.now
        self.live(miles / 45)
        self.driving, self.at_home, self.idle_since = False, at_home, self.now

    def trick(self) -> None:
        """Play one of the tricks that the world plays."""
        rng = self.rng
        kinds = ["zero", "off", "gone", "reboot", "lifetime", "restart"]
        if not self.tame:
            kinds += ["clock", "backup", "unit"]
        kind = rng.choice(kinds)
        self.log(f"{(self.now - BEGIN) / HOUR:.2f} h trick {kind}")
        match kind:
            case "zero":
                self.zero_until = self.now + rng.choice((120.0, 900.0, 2 * HOUR, 9 * HOUR))
            case "off":
                self.off_until = self.now + rng.choice((0.1, 1.0, 10.0, 60.0)) * HOUR
            case "gone":
                self.gone_until = self.now + rng.choice((0.2, 1.0, 8.0)) * HOUR
            case "reboot":  # its computers start again, and the counters with them
                self.gone_until = self.now + 120
                self.counter = self.wall = 0.0
            case "lifetime":  # an update brings the counter, or takes it away
                self.has_lifetime = not self.has_lifetime
                self.saw_lifetime |= self.has_lifetime
            case "restart":
                self.restart()
            case "clock":
                self.clock = rng.choice((0.0, -30.0, -HOUR, HOUR, 2 * HOUR))
            case "backup":
                state = self.backup
                if state.energy.session is not None:
                    self.state = state
                    self.restart()
                    # what was charged since then is as if Home Assistant had been off
                    self.steps.clear()
            case "unit":
                factor = rng.choice((1.609344, 1 / 1.609344))
                self.odometer *= factor
        if rng.random() < 0.3:
            self.backup = self.state

    def at_the_cable(self) -> None:
        rng = self.rng
        fast = not self.at_home and rng.random() < 0.6
        self.plug_in(
            rng.choice((60.0, 120.0, 170.0))
            if fast
            else rng.choice((1.4, 2.3, 3.7, 7.4, 11.0, 11.0))
        )
        if fast:
            self.live(rng.uniform(0.1, 0.7))
            return
        if rng.random() < 0.25:  # it waits for a cheap hour
            self.charging, self.stopped = False, True
            self.live(rng.uniform(0.2, 9))
            self.charging, self.stopped = True, False
        for _ in range(rng.randint(1, 4)):
            if rng.random() < 0.12:
                self.heater = rng.choice((1.5, 3.0))
                self.live(rng.uniform(0.2, 1))
                self.heater = 0.0
            self.live(rng.uniform(0.2, 5))
            if rng.random() < 0.15:
                self.trick()
            match rng.randrange(8):
                case 0:
                    self.charging, self.stopped = False, True
                    self.live(rng.uniform(0.1, 12))
                    self.charging, self.stopped = True, False
                case 1:
                    self.limit = rng.choice((60, 75, 80, 90, 100))
                case 2:  # pulled and put in again at once
                    self.unplug()
                    self.live(rng.choice((0.005, 0.02, 0.3)))
                    self.plug_in(self.kw)
                case 3:
                    self.live(rng.uniform(10, 90))

    def run(self, days: float) -> RestlessCar:
        rng = self.rng
        self.live(0.2)
        end = self.now + days * 24 * HOUR
        while self.now < end:
            if rng.random() < 0.2:
                self.trick()
            if rng.random() < 0.8 or self.kwh < 15 * self.percent:
                self.at_the_cable()
            if rng.random() < 0.2:
                self.trick()
            if self.plugged and rng.random() < 0.5:
                self.unplug()
                self.live(rng.choice((0.02, 0.5, 6.0)))
            if rng.random() < 0.1:
                self.trick()
            self.drive(rng.choice((0.4, 3.0, 15.0, 60.0, 140.0)), rng.random() < 0.5)
            self.live(rng.choice((0.0, 0.05, 0.5, 8.0)))
        self.off_until = self.gone_until = self.zero_until = 0.0
        if self.plugged:
            self.unplug()
        self.idle_since = self.now
        self.live(0.5)
        return self
