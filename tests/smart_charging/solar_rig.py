"""A home with one car that obeys at once, to see what the solar controller does in it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from custom_components.tesla_charging.smart_charging.solar import SolarController
from custom_components.tesla_charging.smart_charging.solar_model import (
    BatteryReading,
    BatterySettings,
    CarReading,
    CarSettings,
    CarState,
    Command,
    Decision,
    ForecastSlot,
    Inputs,
    Limits,
    MeterReading,
    Others,
    Prices,
    Reason,
    Wishes,
)

PRICES = Prices(grid=0.38, export=0.08, later=0.30, command=0.001, wake=0.02)
"""A kWh of sun is worth 0.22, an imported one costs 0.08 besides."""


def car_reading(
    now: float, told: int = 0, drawn: float | None = None, **changes: Any
) -> CarReading:
    reading = CarReading(
        now,
        CarState.CHARGING if told else CarState.STOPPED,
        told,
        float(told) if drawn is None else drawn,
        phases=3,
        volts=230.0,
    )
    return replace(reading, **changes)


@dataclass
class Rig:
    """Everything can be changed between two steps."""

    settings: CarSettings = field(default_factory=CarSettings)
    battery_settings: BatterySettings | None = None
    prices: Prices = PRICES
    now: float = 1000.0
    every: float = 10.0
    surplus_w: float = 0.0
    told: int = 0
    at_most: float = 100.0
    """What the car takes at most."""
    takes: float | None = None
    """What it takes, whatever it was told."""
    obeys: bool = True
    meter: bool = True
    meter_age: float = 0.0
    car_age: float = 0.0
    battery_w: float = 0.0
    battery_level: float | None = None
    battery_age: float = 0.0
    wishes: Wishes = field(default_factory=Wishes)
    limits: Limits = field(default_factory=Limits)
    forecast: tuple[ForecastSlot, ...] = ()
    others: Others = field(default_factory=Others)
    car: dict[str, Any] = field(default_factory=dict)
    meter_changes: dict[str, Any] = field(default_factory=dict)
    sent: list[tuple[float, Command]] = field(default_factory=list)
    decision: Decision = field(default_factory=lambda: Decision(reason=Reason.CAR_MISSING))

    def __post_init__(self) -> None:
        self.controller = SolarController(self.settings, self.battery_settings)

    @property
    def unit_w(self) -> float:
        return self.settings.volts * self.settings.phases

    def inputs(self) -> Inputs:
        drawn = min(float(self.told), self.at_most) if self.takes is None else self.takes
        reading = car_reading(
            self.now - self.car_age,
            self.told,
            drawn,
            phases=self.settings.phases,
            volts=self.settings.volts,
        )
        meter = MeterReading(
            self.now - self.meter_age, drawn * self.unit_w - self.surplus_w + self.battery_w
        )
        battery = None
        if self.battery_level is not None:
            battery = BatteryReading(
                self.now - self.battery_age, self.battery_w, self.battery_level
            )
        return Inputs(
            self.prices,
            replace(reading, **self.car),
            replace(meter, **self.meter_changes) if self.meter else None,
            battery,
            self.wishes,
            self.limits,
            self.forecast,
            self.others,
        )

    def step(self) -> Decision:
        self.now += self.every
        self.decision = self.controller.step(self.now, self.inputs())
        if (command := self.decision.command) is not None:
            self.sent.append((self.now, command))
            if self.obeys:
                self.told = command.amps
        return self.decision

    def why(self) -> Reason:
        return self.decision.reason

    def run(self, seconds: float, surplus_w: float | None = None) -> list[Command]:
        """Let time pass; return what was sent in it."""
        if surplus_w is not None:
            self.surplus_w = surplus_w
        before = len(self.sent)
        for _ in range(round(seconds / self.every)):
            self.step()
        return [command for _, command in self.sent[before:]]

    def until(self, what: Callable[[Decision], bool], most: int = 2000) -> float:
        """Let time pass until something is decided; return how long it took."""
        begin = self.now
        for _ in range(most):
            if what(self.step()):
                return self.now - begin
        raise AssertionError(f"it never happens: {self.decision}")


def commanded(decision: Decision) -> bool:
    return decision.command is not None


def amps(commands: list[Command]) -> list[int]:
    return [command.amps for command in commands]
