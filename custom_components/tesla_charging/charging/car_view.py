"""What the planner and the override rules need of a car, out of its state."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ..smart_charging.model import MAX_AMPS, MIN_AMPS, Car, State
from ..vehicle.charge_flow import phases
from ..vehicle.charge_status import is_charging
from ..vehicle.state import VehicleState
from .override import ChargeView
from .presence import is_plugged_in

CAPACITY_KWH: Final = 60.0
"""Usable, until the car has told its energy: most Teslas hold 57 to 79 kWh."""
LEAST_LEVEL: Final = 20.0
"""Percent from which level and remaining energy together tell the capacity: both are rounded."""
EFFICIENCY: Final = 0.92
STANDING_LOSS_W: Final = 250.0
VOLTS: Final = 230.0
MAX_AC_AMPS: Final = {1: 32, 2: 16, 3: 16}
"""What an onboard charger takes by the number of its phases."""
WAITS_FOR_POWER: Final = frozenset({"NoPower", "Calibrating"})
SAFE_SHARE: Final = 0.92
"""Share of full power that can be relied on, until it was measured."""


@dataclass(frozen=True, slots=True)
class Charger:
    """What the place gives, as far as was measured there."""

    phases: int = 3
    volts: float = VOLTS
    amps: int = 16


def planner_car(state: VehicleState, charger: Charger) -> Car | None:
    """Return the car as the planner needs it; None if its level is not known."""
    level = _level(state)
    if level is None:
        return None
    limit = state.number("ChargeLimitSoc")
    return Car(
        capacity_kwh=_capacity(state),
        level=level,
        limit=100.0 if limit is None else limit,
        efficiency=EFFICIENCY,
        standing_loss_w=min(STANDING_LOSS_W, charger.volts * charger.phases * MIN_AMPS / 2),
        phases=charger.phases,
        volts=charger.volts,
        max_amps=charger.amps,
        reliable_share=SAFE_SHARE,
    )


def planner_state(state: VehicleState, amps: int) -> State:
    """Return whether it charges now; `amps` is the current at which it does."""
    if not is_charging(state):
        return State()
    measured = state.measured_at("DetailedChargeState")
    since = None if measured is None else datetime.fromtimestamp(int(measured), UTC)
    return State(max(MIN_AMPS, min(MAX_AMPS, amps)), since)


def charger_of(state: VehicleState, before: Charger) -> Charger:
    """Return what the place gives by what flows now; what does not flow stays as it was."""
    if not is_charging(state):
        return before
    count, volts = phases(state), state.number("ChargerVoltage")
    most = state.number("ChargeCurrentRequestMax")
    found = int(count) if count in (1, 2, 3) else before.phases
    amps = int(most) if most is not None and MIN_AMPS <= most <= MAX_AMPS else before.amps
    return Charger(
        found,
        volts if volts is not None and 100 <= volts <= 300 else before.volts,
        min(amps, MAX_AC_AMPS[found]) if found > 1 else amps,
    )


def charge_view(
    state: VehicleState, plugged_at: float | None = None, *, has_charged: bool = False
) -> ChargeView:
    """Return what the override rules look at; `has_charged` is whether it charged before, since it was plugged in."""
    level = _level(state)
    return ChargeView(
        charging=is_charging(state),
        stopped=state.value("DetailedChargeState") == "Stopped",
        plugged_in=is_plugged_in(state) is True,
        level=0.0 if level is None else level,
        plugged_at=plugged_at,
        complete=state.value("DetailedChargeState") == "Complete",
        waits_for_power=state.value("DetailedChargeState") in WAITS_FOR_POWER,
        has_charged=has_charged or is_charging(state),
    )


def _level(state: VehicleState) -> float | None:
    level = state.number("Soc")
    return state.number("BatteryLevel") if level is None else level


def _capacity(state: VehicleState) -> float:
    energy, level = state.number("EnergyRemaining"), _level(state)
    if energy is None or level is None or level < LEAST_LEVEL:
        return CAPACITY_KWH
    capacity = energy / level * 100
    return capacity if 20 <= capacity <= 250 else CAPACITY_KWH
