"""The home as a whole: the power of all its parts, integrated exactly from change to change.

Everything that is not the result of something else (sun, clouds, appliances, prices) changes at seconds that seed and date
decide. Between two changes all power is constant, so the energy of any time is the same in however many steps it passes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
import math
from typing import Literal
from zoneinfo import ZoneInfo

from simulator.car import Car
from simulator.clock import SimulatedClock
from simulator.home.battery import KWH, BatterySettings, HomeBattery
from simulator.home.cars import NOTHING, VOLTS, CarLoad
from simulator.home.forecast import SolarForecast
from simulator.home.fuse import Fuse
from simulator.home.household import Household, Phases
from simulator.home.market import Market, Tariff
from simulator.home.meter import Meter, MeterSettings, Reading
from simulator.home.outages import Outages
from simulator.home.price_service import PriceService
from simulator.home.sky import Sky
from simulator.home.sun import Roof, Sun

HOUR = 3600
HERE = ZoneInfo("Europe/Amsterdam")
#: Changes in a settling: far more than any two years have.
MAX_CHANGES = 20_000_000


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """What a home is made of; the seed decides everything that happens in it.

    `follows`: the calendar of sun, people and prices is that of the physics (a simulated year is a year at any speed of
    the clock), or the wall's (the sun is where the clock on the wall says, and at a higher speed every counter of energy
    runs faster, as those of the cars do). At speed 1 both are the same.
    """

    seed: int = 1
    phases: Literal[1, 3] = 3
    fuse_amps: float = 25.0
    latitude: float = 52.0
    longitude: float = 4.4
    zone: ZoneInfo = HERE
    roof: Roof | None = field(default_factory=Roof)
    battery: BatterySettings | None = field(default_factory=BatterySettings)
    meter: MeterSettings = field(default_factory=MeterSettings)
    tariff: Tariff = field(default_factory=Tariff)
    follows: Literal["physics", "wall"] = "physics"


@dataclass(slots=True)
class Totals:
    """Energy that has flowed since the beginning, in joules; money in the tariff's currency."""

    solar: float = 0.0
    load: float = 0.0
    cars: float = 0.0
    imported: float = 0.0
    exported: float = 0.0
    battery_in: float = 0.0
    battery_out: float = 0.0
    import_cost: float = 0.0
    export_revenue: float = 0.0

    @property
    def imbalance(self) -> float:
        """Joules that came from nowhere; zero but for rounding."""
        came = self.solar + self.imported + self.battery_out
        return came - self.load - self.cars - self.exported - self.battery_in


@dataclass(frozen=True, slots=True)
class Powers:
    """What flows at one moment, in W: grid positive for import, battery positive while it discharges; A of each phase."""

    solar: float
    load: float
    cars: float
    battery: float
    grid: float
    amps: Phases


@dataclass(frozen=True, slots=True)
class PastHour:
    """The counters at a full hour (unix seconds), and the battery's level in percent."""

    at: int
    totals: Totals
    battery_level: float | None


@dataclass(slots=True)
class _Moment:
    """How far the home has been computed, as physics and as unix seconds; the two run evenly up to the next settling."""

    physics: float
    unix: float


class Home:
    """A home on a clock. It catches up with the clock when somebody looks or does something."""

    def __init__(
        self,
        clock: SimulatedClock,
        settings: HomeSettings | None = None,
        *,
        start: float | None = None,
        past: float = 0.0,
        empty: Callable[[date], bool] = lambda _: False,
    ) -> None:
        """Move in at a moment (unix seconds; the clock's present if none is given); `empty` are days without people.

        So many seconds before (`past`) the home was there, without cars: its counters do not begin at zero, and `history`
        holds them hour by hour.

        Raises ValueError for another `start` with a calendar that follows the wall.
        """
        self.settings = told = settings or HomeSettings()
        if start is not None and told.follows == "wall":
            raise ValueError("the wall's calendar cannot be chosen")
        self.clock = clock
        physics = clock.physics()
        begin = clock.now() if start is None else start
        #: Unix time at which the physics were zero, in whole seconds: so every change is a whole second of physics too.
        self._epoch = round(begin - physics)
        #: Seconds of the calendar in one of physics, since the last settling.
        self._rate = 1.0
        self._own_calendar = told.follows == "physics"
        now = self._epoch + physics if self._own_calendar else begin
        self._at = _Moment(physics - past, now - past)
        self.sky = Sky(Sun(told.seed, told.roof or Roof(kwp=0.0), told.latitude, told.longitude))
        self.household = Household(told.seed, told.zone, told.phases, empty)
        self.battery = HomeBattery(told.battery) if told.battery is not None else None
        self.fuse = Fuse(told.fuse_amps, told.phases)
        self.meter = Meter(told.seed, told.meter)
        self.market = Market(told.seed, told.zone, told.tariff)
        self.prices = PriceService(told.seed, self.market, Outages(told.seed, "prices"))
        self.forecast = SolarForecast(self.sky.sun, told.zone, Outages(told.seed, "forecast"))
        self.totals = Totals()
        self.loads: dict[str, CarLoad] = {}
        self.history: list[PastHour] = []
        self._live_until(physics, now)

    def _live_until(self, physics: float, now: float) -> None:
        """Live through the past, and write the counters down at every full hour."""
        at = self._at
        first = math.ceil(at.unix / HOUR)
        for number in range(first, math.floor(now / HOUR) + 1):
            hour = number * HOUR
            self._advance(at.physics + (hour - at.unix), hour)
            level = self.battery.level if self.battery is not None else None
            self.history.append(PastHour(hour, replace(self.totals), level))
        self._advance(physics, now)

    @property
    def now(self) -> float:
        """The home's present moment (unix seconds); it catches up."""
        self.settle()
        return self._at.unix

    def add_car(self, car: Car, *, first_phase: int = 0) -> CarLoad:
        """Have a car charge behind this home's meter whenever it is plugged in at home."""
        self.settle()
        load = CarLoad(car, first_phase=first_phase, phases=self.settings.phases)
        self.loads[car.vin] = load
        return load

    def set_battery(self, *, reserve: float | None = None, resting: bool | None = None) -> None:
        """Have the battery keep another reserve (percent), or rest, from now on. ValueError without a battery."""
        self.settle()
        if self.battery is None:
            raise ValueError("there is no battery")
        if reserve is not None:
            self.battery.set_reserve(reserve)
        if resting is not None:
            self.battery.resting = resting

    def settle(self) -> None:
        """Catch up with the clock."""
        # first the moment, then the cars: what they tell reaches at least so far
        physics = self.clock.physics()
        unix = self._epoch + physics if self._own_calendar else self.clock.now()
        for load in self.loads.values():
            load.settle()
        at = self._at
        if self._own_calendar:
            self._rate = 1.0
        elif physics > at.physics:
            # a hair's rounding must not let the calendar run backwards
            self._rate = max(0.0, (unix - at.unix) / (physics - at.physics))
        for due in self.meter.due(at.physics, physics):
            self._advance(due, at.unix + (due - at.physics) * self._rate)
            # a car's last piece ends now: from here on it draws what it draws at this moment
            self.meter.measure(self._reading(self._powers(present=due >= physics)))
        self._advance(physics, unix)
        at.unix = unix

    def present(self) -> Powers:
        """Return what flows now."""
        self.settle()
        return self._powers(present=True)

    def _powers(self, *, present: bool) -> Powers:
        at = self._at
        loads = self.loads.values()
        cars = [load.now() if present else load.at(at.physics)[0] for load in loads]
        return self._balance(self.sky.at(at.unix)[0], self.household.at(at.unix)[0], _sum_of(cars))

    def reported(self) -> Reading | None:
        """Return what the meter has reported by now; its time is physics."""
        self.settle()
        return self.meter.reported(self._at.physics)

    def unix_of(self, physics: float) -> float:
        """Return the unix time of a recent moment of physics."""
        return self._at.unix - (self._at.physics - physics) * self._rate

    def _reading(self, powers: Powers) -> Reading:
        totals = self.totals
        return Reading(
            self._at.physics, powers.grid, powers.amps, totals.imported / KWH, totals.exported / KWH
        )

    def _balance(self, solar: float, load: Phases, cars: Phases) -> Powers:
        house, drawn = sum(load), sum(cars) * VOLTS
        net = house + drawn - solar
        battery = self.battery.power(net) if self.battery is not None else 0.0
        grid = net - battery
        return Powers(solar, house, drawn, battery, grid, self._amps(solar, battery, load, cars))

    def _amps(self, solar: float, battery: float, load: Phases, cars: Phases) -> Phases:
        """Return the current of each phase; sun and battery feed one or all of them evenly."""
        settings = self.settings
        even = single = 0.0
        for watts, wires in (
            (solar, settings.roof.phases if settings.roof else 3),
            (battery, settings.battery.phases if settings.battery else 3),
        ):
            if wires == 3 and settings.phases == 3:
                even += watts / 3
            else:
                single += watts
        if settings.phases == 1:
            return ((sum(load) - single) / VOLTS + sum(cars), 0.0, 0.0)
        return (
            (load[0] - even - single) / VOLTS + cars[0],
            (load[1] - even) / VOLTS + cars[1],
            (load[2] - even) / VOLTS + cars[2],
        )

    def _advance(self, to: float, unix: float) -> None:
        """Let the physics run to a moment, at which it is so late by unix time."""
        at = self._at
        for _ in range(MAX_CHANGES):
            if at.physics >= to:
                break
            self._step(to)
        else:
            raise RuntimeError("the home does not come to an end")
        at.unix = max(at.unix, unix)

    def _step(self, to: float) -> None:
        """Let everything flow up to the next change of anything."""
        at = self._at
        solar, until = self.sky.at(at.unix)
        load, until_load = self.household.at(at.unix)
        (price_in, price_out), until_price = self.market.at(at.unix)
        until = min(until, until_load, until_price)
        change = self._physics_of(until)
        end = min(to, change)
        cars = NOTHING
        for car_load in self.loads.values():
            amps, until_car = car_load.at(at.physics)
            cars = _sum_of((cars, amps))
            end = min(end, until_car)
        powers = self._balance(solar, load, cars)
        if self.battery is not None:
            end = min(end, at.physics + self.battery.seconds_at(powers.battery))
        seconds = end - at.physics
        self._flow(powers, seconds, price_in, price_out)
        for car_load in self.loads.values():
            car_load.flow(at.physics, seconds)
        if seconds:
            self.fuse.carry(at.physics, end, powers.amps)
        if end == change:
            at.unix = until
        elif self._own_calendar:
            at.unix = self._epoch + end
        else:
            at.unix += seconds * self._rate
        at.physics = end

    def _physics_of(self, unix: float) -> float:
        """Return when, in physics, a moment of the calendar comes."""
        if self._own_calendar:
            return unix - self._epoch
        if not self._rate:
            return float("inf")
        return self._at.physics + (unix - self._at.unix) / self._rate

    def _flow(self, powers: Powers, seconds: float, price_in: float, price_out: float) -> None:
        totals = self.totals
        totals.solar += powers.solar * seconds
        totals.load += powers.load * seconds
        totals.cars += powers.cars * seconds
        grid = powers.grid * seconds
        if grid > 0:
            totals.imported += grid
            totals.import_cost += grid / KWH * price_in
        else:
            totals.exported -= grid
            totals.export_revenue -= grid / KWH * price_out
        if self.battery is None:
            return
        if powers.battery > 0:
            totals.battery_out += powers.battery * seconds
        else:
            totals.battery_in -= powers.battery * seconds
        self.battery.run(powers.battery, seconds)


def _sum_of(phases: list[Phases] | tuple[Phases, ...]) -> Phases:
    first = second = third = 0.0
    for one, two, three in phases:
        first += one
        second += two
        third += three
    return first, second, third
