"""Lives of a simulated car that is asked or heard with gaps, and what is counted of its charging beside the truth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
import random
from typing import Any, Literal, override

from custom_components.tesla_charging.fleet_telemetry import fields_for, settle
from custom_components.tesla_charging.vehicle.energy_meter import LIFETIME, RELEVANT, energy_sample
from custom_components.tesla_charging.vehicle.state import (
    VehicleState,
    pushed_readings,
    readings_of,
)
from simulator import Car, Quirk
from simulator.clock import SimulatedClock
from simulator.telemetry.config import FieldRule
from simulator.telemetry.fields import firmware
from simulator.telemetry.schedule import Schedule

type Road = Literal["poll", "push", "lifetime"]

HOUR, DAY = 3600.0, 86_400.0
HOME, WORK = (52.0, 4.4), (52.5, 4.4)
BEGIN = 1_800_000_000.0
SECTIONS = frozenset({"charge_state", "drive_state", "vehicle_state"})
PLACE = "LocatedAtHome"
"""Never lost here, because it is not part of the counting."""
OLD, NEW = "2026.20.1", "2026.32.6"


class Clock(SimulatedClock):
    """A clock that stands still between two advances."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    @override
    def now(self) -> float:
        return BEGIN + self.passed

    @override
    def physics(self) -> float:
        return self.passed

    @override
    def advance(self, seconds: float) -> None:
        assert seconds >= 0
        self.passed += seconds


@dataclass(frozen=True)
class Session:
    """From a plug-in to the next one: what was charged, and what was counted."""

    true: float
    shown: float
    capacity: float
    heard: bool
    """Whether the car was heard before it was plugged in, after the last energy had flown, and the session before was."""

    @property
    def error(self) -> float:
        return abs(self.shown - self.true) / self.true

    @property
    def too_much(self) -> float:
        """Percent of the battery."""
        return (self.shown - self.true) / self.capacity * 100


@dataclass
class Life:
    """One car, and one observer of it."""

    seed: int
    road: Road
    days: int = 8
    sessions: list[Session] = field(default_factory=list)
    worst_excess: float = 0.0
    """By how much all that was counted was ever more than all that was charged, percent of the battery per session."""

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(f"{self.seed} {self.road}")
        self.clock = Clock()
        self.capacity = rng.choice((50.0, 60.0, 75.0, 100.0, 123.0))
        self.car = Car(
            "LRW3E7EK0PC000101",
            name="Pearl",
            clock=self.clock,
            battery_kwh=self.capacity,
            battery_level=rng.uniform(30, 70),
            rated_range_miles=self.capacity / 0.23,
            charge_limit=rng.choice((70, 80, 90)),
            home=HOME,
            protocol="not_supported",
            firmware=NEW if self.road == "lifetime" else OLD,
            quirks=[Quirk.COUNTER_IS_NET] if rng.random() < 0.7 else [],
            lacks=("energy_remaining",) if rng.random() < 0.4 else (),
        )
        self.state = VehicleState()
        self.off_until = 0.0
        self.look_interval = rng.choice((300.0, 600.0, 1200.0))
        self.looked_at = -1e9
        self.loss = rng.choice((0.0, 0.01, 0.03))
        newer = {LIFETIME} if self.road == "lifetime" else set()
        requests = fields_for(with_location=False, shown=newer)
        names = requests.keys() & {*RELEVANT}
        rules = {
            name: FieldRule(row.interval_seconds, row.minimum_delta)
            for name, row in requests.items()
            if name in names
        }
        self.schedule = Schedule(rules, firmware(self.car.firmware))
        self.connected = False
        self.glitch_at = self.next_glitch()
        self.first: float | None = None
        self.plugged: tuple[float, float, bool] | None = None
        self.flowed_at = 0.0
        self.charged = 0.0
        self.heard_at = -1e9

    # -- observing -----------------------------------------------------------------------------------

    @property
    def shown(self) -> float:
        return self.state.energy.total

    @property
    def true(self) -> float:
        return self.car.charged_kwh - (self.first or 0.0)

    @property
    def heard_all(self) -> bool:
        """Whether the car was heard since energy flowed last: it sends its counter once a minute."""
        delay = 0.0 if self.road == "poll" else 60.0
        return self.heard_at >= self.flowed_at + delay

    def apply(self, state: VehicleState) -> None:
        before = self.state.energy
        at_home = state.value("LocatedAtHome")
        if self.road == "poll":
            at_home = self.car.at_home
        sample = energy_sample(state, at_home if isinstance(at_home, bool) else None)
        energy = before.with_sample(sample)
        for name in ("home", "away", "unplaced"):
            assert getattr(energy, name) >= getattr(before, name), "a total sank"
        self.state = replace(state, energy=energy)
        if before.session is None and energy.session is not None:
            self.first = self.car.charged_kwh
        excess = (self.shown - self.true) / self.capacity * 100 / (len(self.sessions) + 1)
        self.worst_excess = max(self.worst_excess, excess)

    def observe(self) -> None:
        """Let the observer do what it does at this moment."""
        now = self.clock.now()
        charged = self.car.charged_kwh
        if charged > self.charged + 1e-6:
            self.flowed_at, self.charged = now, charged
        if self.clock.passed < self.off_until:
            self.connected = False
            return
        if self.rng.random() < 0.002:  # Home Assistant starts again
            self.state = VehicleState.from_dict(self.state.as_dict())
            self.connected = False
        if self.car.state != "online":
            self.connected = False
            return
        if self.road == "poll":
            self.ask(now)
        else:
            self.listen(now)

    def ask(self, now: float) -> None:
        wait = self.look_interval if self.car.snapshot().charging_state == "Charging" else 1800.0
        if now - self.looked_at < wait or self.rng.random() < self.loss * 5:
            return
        self.looked_at = self.heard_at = now
        data = self.car.vehicle_data(SECTIONS)
        readings = readings_of(data, now=now)
        self.apply(self.state.merge(readings, now=now))

    def listen(self, now: float) -> None:
        begins = not self.connected
        if begins:
            self.schedule.restart()
            self.connected = True
        self.heard_at = now
        names = self.schedule.open(now)
        due = self.schedule.due(self.car.signals(names), now)
        parts: list[dict[str, Any]] = [dict(due)]
        if begins:  # in several records, in any order
            items = [(name, value) for name, value in due.items() if name != PLACE]
            self.rng.shuffle(items)
            cut = self.rng.randint(0, len(items))
            parts = [{PLACE: due[PLACE]}, dict(items[:cut]), dict(items[cut:])]
        for part in parts:
            told = {
                name: value
                for name, value in part.items()
                if value is not None and (begins or name == PLACE or self.rng.random() >= self.loss)
            }
            values = settle(told, self.state.value("DetailedChargeState"))
            readings = pushed_readings(values, measured_at=float(int(now)))
            if readings:
                self.apply(self.state.merge(readings, now=now))

    # -- living --------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        end = self.clock.passed + seconds
        while self.clock.passed < end:
            if self.clock.passed >= self.glitch_at:
                self.car.quirks.add(
                    Quirk.COUNTER_READS_ZERO, lasts=self.rng.choice((60.0, 600.0, 1800.0, 5400.0))
                )
                self.glitch_at = self.next_glitch()
            seen = self.car.snapshot()
            step = 600.0
            if seen.charging_state == "Charging":
                step = 15.0 if seen.charge_kw > 30 else 60.0
            elif seen.driving:
                step = 120.0
            self.clock.advance(min(step, end - self.clock.passed))
            self.observe()

    def next_glitch(self) -> float:
        return self.clock.passed + self.rng.expovariate(1 / (2.5 * DAY))

    def be_off(self, hours: float) -> None:
        """Have nobody look for so long."""
        self.off_until = self.clock.passed + hours * HOUR

    def plug_in(self, fast: bool = False) -> None:
        self.end_session()
        self.plugged = (self.shown, self.car.charged_kwh, self.heard_all)
        if fast:
            self.car.plug_in_fast(self.rng.choice((50.0, 100.0, 150.0)))
        else:
            self.car.plug_in(self.rng.choice((8, 13, 16, 16)), self.rng.choice((1, 3, 3)))
        self.wait(self.rng.choice((0.0, 60.0)))

    def end_session(self) -> None:
        if self.plugged is None or self.first is None:
            return
        shown, true, heard_before = self.plugged
        heard = heard_before and self.heard_all
        charged = self.car.charged_kwh - true
        self.sessions.append(Session(charged, self.shown - shown, self.capacity, heard))

    def drive(self, place: tuple[float, float]) -> None:
        self.car.drive_away(*place, speed_mph=self.rng.choice((45.0, 60.0)))
        self.wait(self.rng.choice((1.0, 1.5)) * HOUR)

    def charge(self) -> None:
        rng = self.rng
        if rng.random() < 0.1:
            self.car.quirks.add(Quirk.HEATER_OUTDRAWS_CHARGER, lasts=rng.choice((900.0, HOUR)))
        self.wait(rng.uniform(0.3, 4) * HOUR)
        match rng.randrange(6):
            case 0:
                self.car.rest_command("charge_stop", {})
                self.wait(rng.uniform(0.2, 6) * HOUR)
                if rng.random() < 0.7:
                    self.car.rest_command("charge_start", {})
                    self.wait(rng.uniform(0.2, 3) * HOUR)
            case 1:
                self.car.rest_command("set_charge_limit", {"percent": rng.choice((70, 80, 90))})
                self.wait(rng.uniform(0.5, 3) * HOUR)
            case 2:  # a cable pulled and put in again
                self.car.unplug()
                self.wait(rng.choice((0.0, 30.0, 1200.0)))
                self.plug_in()
                self.wait(rng.uniform(0.5, 3) * HOUR)
            case 3:
                self.wait(rng.uniform(6, 30) * HOUR)
            case _:
                self.wait(rng.uniform(0.5, 6) * HOUR)

    def run(self) -> Life:
        rng = self.rng
        self.wait(0.5 * HOUR)
        while self.clock.passed < self.days * DAY:
            if rng.random() < 0.15:
                self.be_off(rng.choice((0.3, 2.0, 9.0, 40.0)))
            self.plug_in()
            self.charge()
            if rng.random() < 0.1:
                self.be_off(rng.choice((0.3, 2.0, 9.0)))
            if rng.random() < 0.4:
                self.car.unplug()
                self.wait(rng.uniform(0.1, 3) * HOUR)
            self.drive(WORK)
            if self.car.snapshot().battery_level < 35 or rng.random() < 0.3:
                self.plug_in(fast=rng.random() < 0.6)
                self.wait(rng.uniform(0.2, 1.5) * HOUR)
            else:
                self.wait(rng.uniform(0.5, 8) * HOUR)
            self.drive(HOME)
        self.off_until = 0.0
        self.car.wake()
        self.clock.advance(60)
        self.wait(1.5 * HOUR)
        self.end_session()
        return self


def lives(seeds: Iterable[int], days: int = 8) -> Iterator[Life]:
    """Live through these, one after another on each road."""
    for seed in seeds:
        road: Road = ("poll", "push", "lifetime")[seed % 3]
        yield Life(seed, road, days).run()
