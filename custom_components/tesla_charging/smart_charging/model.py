"""What a plan is made from: the car, wishes, limits, costs and the state now. Times are in UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from itertools import pairwise
from typing import Final

from .series import Co2Series, PowerForecast, PriceSeries, Window, check_moment, check_number

MIN_AMPS: Final = 5
"""The least current at which a Tesla charges steadily, amps."""
MAX_AMPS: Final = 80


class Model(StrEnum):
    """In which terms a plan is the best."""

    ON_OFF = auto()
    """M1: on at full power or off, at any moment."""
    LEVELS = auto()
    """M2: whole amps for whole slots."""


@dataclass(frozen=True, slots=True)
class TaperStep:
    """From a level on, the car takes no more than some amps."""

    level: float
    """Percent."""
    amps: int

    def __post_init__(self) -> None:
        """Refuse a step below the least current."""
        check_number("level", self.level, 0, 100)
        check_number("amps", self.amps, MIN_AMPS, MAX_AMPS)


@dataclass(frozen=True, slots=True)
class Car:
    """A car: what its battery holds, and what it draws."""

    capacity_kwh: float
    """Usable, from 0 to 100 %."""
    level: float
    """Percent, with decimals."""
    limit: float = 100.0
    """The car's charge limit, percent: it stops there by itself."""
    efficiency: float = 1.0
    """Share of the power above the standing loss that reaches the battery: P_batt = efficiency * (P_ac - standing loss)."""
    standing_loss_w: float = 0.0
    """What an awake car uses itself while it charges, watts."""
    phases: int = 3
    volts: float = 230.0
    """Between a phase and neutral."""
    max_amps: int = 16
    """Per phase. The least is `MIN_AMPS`."""
    taper: tuple[TaperStep, ...] = ()
    """Steps by rising level, with falling amps."""
    reliable_share: float = 1.0
    """Share of full power that can be relied on (for the latest safe start): the tenth percentile of what was measured."""

    def __post_init__(self) -> None:
        """Refuse a car that cannot be."""
        check_number("capacity_kwh", self.capacity_kwh, 0.1, 1000)
        check_number("level", self.level, 0, 100)
        check_number("limit", self.limit, 0, 100)
        check_number("efficiency", self.efficiency, 0.1, 1)
        check_number("volts", self.volts, 50, 500)
        check_number("reliable_share", self.reliable_share, 0.1, 1)
        if self.phases not in {1, 2, 3}:
            raise ValueError(f"phases must be 1, 2 or 3, not {self.phases}")
        for amps in (self.max_amps, *(step.amps for step in self.taper)):
            if amps != int(amps):
                raise ValueError(f"A car charges at whole amps, not at {amps}")
        check_number("max_amps", self.max_amps, MIN_AMPS, MAX_AMPS)
        check_number("standing_loss_w", self.standing_loss_w, 0, self.watts(MIN_AMPS) / 2)
        for before, after in pairwise(self.taper):
            if after.level <= before.level or after.amps >= before.amps:
                raise ValueError("The steps of a taper have rising levels and falling amps")

    def watts(self, amps: float) -> float:
        """Return the power drawn at a current, AC."""
        return self.volts * self.phases * amps

    def battery_watts(self, amps: float) -> float:
        """Return the power that reaches the battery at a current."""
        return self.efficiency * (self.watts(amps) - self.standing_loss_w) if amps else 0.0

    def kwh_to(self, level: float) -> float:
        """Return the energy from now to a level, in the battery; 0 for a level below."""
        return max(0.0, (level - self.level) / 100 * self.capacity_kwh)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The car is wanted at a level at a moment: usually a departure."""

    at: datetime
    level: float
    """Percent."""
    warm_minutes: int = 0
    """Charging goes on in the last so many minutes before, so that the battery is warm."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_moment("at", self.at)
        check_number("level", self.level, 0, 100)
        check_number("warm_minutes", self.warm_minutes, 0, 24 * 60)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the owner wants. The order is of no importance; nothing here is needed."""

    deadlines: tuple[Deadline, ...] = ()
    minimum_level: float | None = None
    """Percent: below it the car charges at once, whatever the price."""
    value_above_target: float = 0.0
    """What a kWh in the battery above the highest deadline's level is worth, currency; up to the car's limit."""
    price_cap: float | None = None
    """Nothing is imported at a price above it, currency per kWh; only the minimum level is exempt."""
    earliest_start: datetime | None = None
    """No charging before it; only the minimum level is exempt."""
    max_blocks: int | None = None
    """At most so many blocks."""
    grid_minutes: int | None = None
    """Charging starts and ends only at whole multiples of so many minutes after midnight UTC (15: :00, :15, :30, :45)."""
    min_on_minutes: int = 0
    min_off_minutes: int = 0
    safety_minutes: int = 0
    """The latest safe start is earlier by so much."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.minimum_level is not None:
            check_number("minimum_level", self.minimum_level, 0, 100)
        check_number("value_above_target", self.value_above_target, 0)
        if self.price_cap is not None:
            check_number("price_cap", self.price_cap)
        if self.earliest_start is not None:
            check_moment("earliest_start", self.earliest_start)
        if self.max_blocks is not None and self.max_blocks < 1:
            raise ValueError("max_blocks is at least 1; None is any number")
        if self.grid_minutes is not None and (
            self.grid_minutes < 1 or 24 * 60 % self.grid_minutes != 0
        ):
            raise ValueError("grid_minutes divides the day: 1, 5, 15, 30, ...")
        check_number("min_on_minutes", self.min_on_minutes, 0, 24 * 60)
        check_number("min_off_minutes", self.min_off_minutes, 0, 24 * 60)
        check_number("safety_minutes", self.safety_minutes, 0, 24 * 60)


@dataclass(frozen=True, slots=True)
class AmpsWindow(Window):
    """A current per phase in a window."""

    amps: float

    def __post_init__(self) -> None:
        """Refuse what is negative."""
        Window.__post_init__(self)
        check_number("amps", self.amps, 0)


@dataclass(frozen=True, slots=True)
class Fuse:
    """The main fuse: the home's base load and all cars stay below it."""

    amps: float
    """Per phase."""
    phases: int = 3
    """Over which the base load is spread."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_number("amps", self.amps, 0)
        if self.phases not in {1, 2, 3}:
            raise ValueError(f"phases must be 1, 2 or 3, not {self.phases}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the home and the grid allow. Windows may overlap: the strictest holds."""

    fuse: Fuse | None = None
    reserved: tuple[AmpsWindow, ...] = ()
    """Amps that others (another car's plan) take from the fuse; they add up where they overlap."""
    ceilings: tuple[AmpsWindow, ...] = ()
    """Amps that the car may not exceed (charger, user, grid operator)."""
    blocked: tuple[Window, ...] = ()
    """No charging."""
    forced: tuple[Window, ...] = ()
    """Charging, as long as the car's limit is not reached; a blocked window or a limit below `MIN_AMPS` is stronger."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What switching costs, in the currency of the prices."""

    start: float = 0.0
    stop: float = 0.0
    change: float = 0.0
    """Of the current, while charging."""
    wake_up: float = 0.0
    """On top of a start after the car has slept."""
    sleep_after_minutes: int = 15
    """A car that does not charge is asleep after so many minutes."""
    factor: float = 1.0
    """All of the above times this: it grows as the month's budget shrinks."""
    per_kg_co2: float = 0.0
    """What a kg of carbon dioxide counts, currency."""

    def __post_init__(self) -> None:
        """Refuse negative costs."""
        for name in ("start", "stop", "change", "wake_up", "factor", "per_kg_co2"):
            check_number(name, getattr(self, name), 0)
        check_number("sleep_after_minutes", self.sleep_after_minutes, 0, 24 * 60)


@dataclass(frozen=True, slots=True)
class State:
    """What the car does now."""

    amps: int = 0
    """The current at which it charges, at least `MIN_AMPS`; 0 if it does not."""
    since: datetime | None = None
    """Since when it charges, or does not charge; None: for long."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.amps:
            check_number("amps of a car that charges", self.amps, MIN_AMPS, MAX_AMPS)
        if self.since is not None:
            check_moment("since", self.since)


@dataclass(frozen=True, slots=True)
class Problem:
    """All that a plan is made from. The same problem always gives the same plan."""

    now: datetime
    prices: PriceSeries
    """From now (or before) to the last deadline (or beyond)."""
    car: Car
    wishes: Wishes = Wishes()
    limits: Limits = Limits()
    costs: Costs = Costs()
    state: State = State()
    solar: PowerForecast | None = None
    """What the roof yields."""
    base_load: PowerForecast | None = None
    """What the home uses without the car."""
    co2: Co2Series | None = None
    model: Model | None = None
    """None: levels where sun, a taper or minimum times matter, else on and off."""

    def __post_init__(self) -> None:
        """Refuse prices that do not reach, and a model that cannot hold the wishes."""
        check_moment("now", self.now)
        first, last = self.prices.slots[0], self.prices.slots[-1]
        if first.start > self.now:
            raise ValueError(f"Prices start at {first.start}, after now: {self.now}")
        needed = max((d.at for d in self.wishes.deadlines), default=self.now)
        if last.end < needed or last.end <= self.now:
            raise ValueError(
                f"Prices end at {last.end}, needed until {needed}: estimate the rest first"
            )
        if self.state.since is not None and self.state.since > self.now:
            raise ValueError(f"The state now is since {self.state.since}, after now: {self.now}")
        if self.model is Model.ON_OFF and (
            self.car.taper or self.wishes.min_on_minutes or self.wishes.min_off_minutes
        ):
            raise ValueError("A taper and minimum times need the model with levels")
