"""The small world of the solar bench: a meter, a car that obeys late or never, a home battery; and what a day earns."""

from collections.abc import Callable
from dataclasses import dataclass, field
import random

from custom_components.tesla_charging.smart_charging.solar import SolarController
from custom_components.tesla_charging.smart_charging.solar_model import (
    BatteryReading,
    BatteryRule,
    BatterySettings,
    CarReading,
    CarSettings,
    CarState,
    Decision,
    ForecastSlot,
    Inputs,
    MeterReading,
    Outcome,
    Prices,
)
from devtools.bench.solar_days import (
    COMMAND_PRICE,
    IMPORT_LOSS,
    KWH,
    MIN_A,
    SOLAR_VALUE,
    STEP,
    STEPS,
    VOLTS,
    Column,
    bound,
    surplus_of,
)
from devtools.bench.solar_loops import Loop, Seen

EXPORT_PRICE = 0.08
WAKE_PRICE = 0.02
SLEEP_S = 900
WAKE_S = 30
HALF_HOUR = 1800
RAMP_A = 2.0
"""Amperes that the car's current moves in a step."""


@dataclass(frozen=True, slots=True)
class HomeBattery:
    """A home battery that takes every surplus at once, so that the meter shows none."""

    rule: BatteryRule
    kwh: float = 10.0
    max_w: float = 5000.0
    level: float = 10.0
    """At midnight."""
    every_s: int = 30
    """How often it reports."""


@dataclass(frozen=True, slots=True)
class World:
    """What is different from the plain world."""

    name: str
    meter_s: int = STEP
    lost: float = 0.0
    """Part of the commands that never arrive, and nobody is told."""
    failed: float = 0.0
    """Part of the commands that fail, and the controller is told."""
    command_s: int = STEP
    """From a command to what it does."""
    car_age_s: int = 0
    """How old the car's readings are."""
    battery: HomeBattery | None = None
    sleeps: bool = False
    """Whether the car falls asleep, and to wake it costs money and time."""
    forecast: bool = False


PLAIN = World("plain")
WORLDS = (
    PLAIN,
    World("meter every 30 s", meter_s=30),
    World("meter every 60 s", meter_s=60),
    World("5 % of commands lost", lost=0.05),
    World("5 % of commands fail", failed=0.05),
    World("car obeys after 20 s", command_s=20),
    World("car's readings 20 s old", car_age_s=20),
    World(
        "60 s, 5 % lost, obeys after 20 s, readings 20 s old",
        meter_s=60,
        lost=0.05,
        command_s=20,
        car_age_s=20,
    ),
    World("home battery hides all, car first", battery=HomeBattery(BatteryRule.AFTER)),
    World("home battery hides all, battery first", battery=HomeBattery(BatteryRule.BEFORE)),
    World("car sleeps", sleeps=True),
    World("car sleeps, forecast", sleeps=True, forecast=True),
    World("forecast", forecast=True),
)


@dataclass(slots=True)
class Day:
    """What a day earned."""

    value: float = 0.0
    bound: float = 0.0
    commands: int = 0
    starts: int = 0
    stops: int = 0
    wakes: int = 0
    solar_kwh: float = 0.0
    import_kwh: float = 0.0
    sent: list[tuple[int, int]] = field(default_factory=list)
    """Every command: the second, and the amperes."""


@dataclass(slots=True)
class Controlled:
    """The solar controller as a loop of this world."""

    column: Column
    world: World
    forecast: tuple[ForecastSlot, ...] = ()
    decisions: list[Decision] | None = None
    controller: SolarController = field(init=False)

    def __post_init__(self) -> None:
        """Make the controller for this world."""
        column, battery = self.column, self.world.battery
        self.controller = SolarController(
            CarSettings(MIN_A, column.max_a, column.phases, float(VOLTS), sleep_s=SLEEP_S),
            None if battery is None else BatterySettings(battery.rule, battery.max_w),
        )

    def __call__(self, seen: Seen) -> int | None:
        """Return what to send in this step."""
        decision = self.controller.step(float(seen.now), self._inputs(seen))
        if self.decisions is not None:
            self.decisions.append(decision)
        return None if decision.command is None else decision.command.amps

    def failed(self, now: int) -> None:
        """Tell that the last command failed."""
        self.controller.answered(float(now), self.controller.commands, Outcome.FAILED)

    def _inputs(self, seen: Seen) -> Inputs:
        later = EXPORT_PRICE + SOLAR_VALUE
        wake = WAKE_PRICE if self.world.sleeps else 0.0
        battery = None
        if seen.battery_w is not None:
            battery = BatteryReading(seen.battery_at, seen.battery_w, seen.battery_level)
        return Inputs(
            Prices(later + IMPORT_LOSS, EXPORT_PRICE, later, COMMAND_PRICE, wake),
            CarReading(
                seen.car_at,
                CarState.CHARGING if seen.set_a else CarState.STOPPED,
                seen.set_a,
                seen.car_a,
                seen.car_w,
                seen.phases,
                seen.volts,
                asleep=seen.asleep,
            ),
            MeterReading(seen.meter_at, seen.grid_w),
            battery,
            forecast=self.forecast,
        )


Factory = Callable[[Column, World, tuple[ForecastSlot, ...]], Loop]


def forecast_of(surplus: list[float], seed: int) -> tuple[ForecastSlot, ...]:
    """Return a forecast by half hours that is some 15 % wrong as a whole, and as much in every half hour."""
    rng = random.Random(-seed)
    bias = rng.gauss(1, 0.15)
    count = HALF_HOUR // STEP
    slots = []
    for first in range(0, STEPS, count):
        mean = sum(surplus[first : first + count]) / count
        begin = float(first * STEP)
        watts = mean * bias * rng.gauss(1, 0.15)
        slots.append(ForecastSlot(begin, begin + HALF_HOUR, watts))
    return tuple(slots)


def play(seed: int, column: Column, world: World, factory: Factory) -> Day:
    """Let one day pass."""
    sun, house = surplus_of(seed, column.kwp, column.sky)
    surplus = [a - b for a, b in zip(sun, house, strict=True)]
    forecast = forecast_of(surplus, seed) if world.forecast else ()
    return Played(column, world, surplus, random.Random(seed)).run(factory(column, world, forecast))


@dataclass(slots=True)
class Played:
    """What happens while a loop steers the car."""

    column: Column
    world: World
    surplus: list[float]
    rng: random.Random
    _set_a: int = 0
    _real_a: float = 0.0
    _last_sent: int = 0
    _on_the_way: list[tuple[int, int]] = field(default_factory=list)
    _off_since: int = -SLEEP_S
    _battery_w: float = 0.0
    _stored_kwh: float = 0.0
    _day: Day = field(default_factory=Day)

    def run(self, loop: Loop) -> Day:
        """Play all steps."""
        column, world, day = self.column, self.world, self._day
        allowed = self._allowed()
        day.bound = bound(allowed, column)
        meter, battery = (0, 0.0), (0, 0.0, 0.0)
        past: list[tuple[int, float, float, int]] = []
        unit = VOLTS * column.phases
        if world.battery:
            self._stored_kwh = world.battery.kwh * world.battery.level / 100
        for step, watts in enumerate(self.surplus):
            now = step * STEP
            self._arrive(now)
            set_a = self._set_a
            self._real_a += (
                max(-RAMP_A, min(RAMP_A, set_a - self._real_a)) if set_a else -self._real_a
            )
            car_w = self._real_a * unit
            self._store(watts - car_w)
            used = min(max(allowed[step], 0.0), car_w)
            day.solar_kwh += used * KWH
            day.import_kwh += (car_w - used) * KWH
            if now % world.meter_s == 0:
                meter = now, car_w - watts + self._battery_w
            if world.battery and now % world.battery.every_s == 0:
                battery = now, self._battery_w, 100 * self._stored_kwh / world.battery.kwh
            past = [*past, (now, car_w, self._real_a, set_a)][-(world.car_age_s // STEP + 1) :]
            car_at, shown_w, shown_a, shown_set = past[0]
            seen = Seen(
                now,
                meter[1],
                shown_w,
                shown_a,
                shown_set,
                column.phases,
                MIN_A,
                column.max_a,
                meter_at=meter[0],
                car_at=car_at,
                battery_w=battery[1] if world.battery else None,
                battery_level=battery[2],
                battery_at=battery[0],
                asleep=self._sleeps(now),
            )
            self._send(now, loop(seen), loop)
        day.value = SOLAR_VALUE * day.solar_kwh - IMPORT_LOSS * day.import_kwh
        day.value -= COMMAND_PRICE * day.commands + WAKE_PRICE * day.wakes
        return day

    def _sleeps(self, now: int) -> bool:
        return self.world.sleeps and not self._set_a and now - self._off_since >= SLEEP_S

    def _arrive(self, now: int) -> None:
        while self._on_the_way and self._on_the_way[0][0] <= now:
            _, amps = self._on_the_way.pop(0)
            if self._set_a and not amps:
                self._off_since = now
            self._set_a = amps

    def _send(self, now: int, amps: int | None, loop: Loop) -> None:
        # where nothing gets lost, what was sent last needs not be sent again
        reliable = not (self.world.lost or self.world.failed)
        if amps is None or amps == (self._last_sent if reliable else self._set_a):
            return
        assert amps == 0 or MIN_A <= amps <= self.column.max_a
        day, was = self._day, self._last_sent if reliable else self._set_a
        day.sent.append((now, amps))
        day.commands += 1 if was else 2
        day.starts += was == 0
        day.stops += amps == 0
        late = 0
        if self._sleeps(now):
            day.wakes += 1
            late = WAKE_S
        if self.rng.random() < self.world.lost:
            return
        if self.world.failed and self.rng.random() < self.world.failed:
            if isinstance(loop, Controlled):
                loop.failed(now)
            return
        self._last_sent = amps
        self._on_the_way.append((now + self.world.command_s + late, amps))

    def _store(self, left_w: float) -> None:
        """Let the home battery take what is left over, or give what is missing."""
        battery = self.world.battery
        if battery is None:
            return
        self._battery_w, self._stored_kwh = stored(battery, self._stored_kwh, left_w)

    def _allowed(self) -> list[float]:
        """Return the sun that the rule of the home battery leaves for the car."""
        battery = self.world.battery
        if battery is None or battery.rule is not BatteryRule.BEFORE:
            return self.surplus
        allowed, kwh = [], battery.kwh * battery.level / 100
        for watts in self.surplus:
            taken, kwh = stored(battery, kwh, watts)
            allowed.append(watts - max(taken, 0.0))
        return allowed


def stored(battery: HomeBattery, kwh: float, left_w: float) -> tuple[float, float]:
    """Return the power of the home battery, and its energy after a step."""
    watts = max(-battery.max_w, min(battery.max_w, left_w))
    watts = max(-kwh / KWH, min((battery.kwh - kwh) / KWH, watts))
    return watts, kwh + watts * KWH
