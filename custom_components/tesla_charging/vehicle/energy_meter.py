"""Updates the charged energy of a car from its state: the step from signals to samples of `charge_energy`."""

from dataclasses import replace
from typing import Final

from homeassistant.core import HomeAssistant

from .charge_energy import EnergySample
from .charge_status import is_charging
from .location import HomeSource, is_at_home
from .state import VehicleState

COUNTER: Final = "DCChargingEnergyIn"
STATE: Final = "DetailedChargeState"
RELEVANT: Final = (COUNTER, STATE, "Odometer", "LocatedAtHome", "Location")


def with_energy(
    hass: HomeAssistant, state: VehicleState, before: VehicleState, home_source: HomeSource
) -> VehicleState:
    """Return a state whose energy includes what was charged since the state before."""
    # most records hold other signals
    if all(state.readings.get(name) is before.readings.get(name) for name in RELEVANT):
        return state
    added = state.number(COUNTER)
    if added is None:
        return state
    charging_state = state.value(STATE)
    sample = EnergySample(
        added,
        at=state.measured_at(COUNTER) or 0.0,
        plugged_in=None if charging_state is None else charging_state != "Disconnected",
        state_at=state.measured_at(STATE) or 0.0,
        charging=is_charging(state),
        odometer=state.number("Odometer"),
        at_home=is_at_home(hass, state, home_source),
    )
    energy = state.energy.with_sample(sample)
    return state if energy == state.energy else replace(state, energy=energy)
