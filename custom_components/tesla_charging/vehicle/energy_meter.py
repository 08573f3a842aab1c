"""Updates the charged energy of a car from its state: the step from signals to samples of `charge_energy`."""

from dataclasses import replace
from typing import Final

from homeassistant.core import HomeAssistant

from .charge_status import is_charging
from .energy_step import EnergySample
from .location import HomeSource, is_at_home
from .state import VehicleState

COUNTER: Final = "DCChargingEnergyIn"
STATE: Final = "DetailedChargeState"
LEVEL: Final = "BatteryLevel"
REMAINING: Final = "EnergyRemaining"
LIFETIME: Final = "LifetimeEnergyChargedKwh"
WALL: Final = "ACChargingEnergyIn"
PLACE: Final = ("LocatedAtHome", "Location")
RELEVANT: Final = (COUNTER, STATE, LEVEL, REMAINING, LIFETIME, WALL, "Odometer", *PLACE)


def with_energy(
    hass: HomeAssistant, state: VehicleState, before: VehicleState, home_source: HomeSource
) -> VehicleState:
    """Return a state whose energy includes what was charged since the state before."""
    # most records hold other signals
    if all(state.readings.get(name) is before.readings.get(name) for name in RELEVANT):
        return state
    energy = state.energy.with_sample(energy_sample(state, is_at_home(hass, state, home_source)))
    return state if energy == state.energy else replace(state, energy=energy)


def energy_sample(state: VehicleState, at_home: bool | None) -> EnergySample:
    """Return what a car's state says about its energy."""
    charging_state = state.value(STATE)
    level_at = state.measured_at(LEVEL) or 0.0
    # what is of one poll, or one record, has one time
    together = state.measured_at(REMAINING) == level_at
    return EnergySample(
        state.number(COUNTER),
        at=state.measured_at(COUNTER) or 0.0,
        plugged_in=None if charging_state is None else charging_state != "Disconnected",
        state_at=state.measured_at(STATE) or 0.0,
        charging=is_charging(state),
        odometer=state.number("Odometer"),
        odometer_at=state.measured_at("Odometer") or 0.0,
        at_home=at_home,
        at_home_at=max(state.measured_at(name) or 0.0 for name in PLACE),
        level=state.number(LEVEL),
        level_at=level_at,
        remaining=state.number(REMAINING) if together else None,
        lifetime=state.number(LIFETIME),
        lifetime_at=state.measured_at(LIFETIME) or 0.0,
        wall=state.number(WALL),
        wall_at=state.measured_at(WALL) or 0.0,
    )
