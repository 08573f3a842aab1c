"""Whether a car is at home: as the car says, else as its position and Home Assistant's home zone say."""

from homeassistant.components.zone import in_zone
from homeassistant.core import HomeAssistant

from .vehicle_state import VehicleState

HOME_ZONE = "zone.home"


def is_at_home(hass: HomeAssistant, state: VehicleState) -> bool | None:
    """Return True or False, or None when neither is known.

    `LocatedAtHome` (the home of the car's driver profile) needs no location permission; the position does.
    """
    located = state.value("LocatedAtHome")
    if isinstance(located, bool):
        return located
    position = state.value("Location")
    zone = hass.states.get(HOME_ZONE)
    if not isinstance(position, tuple) or zone is None:
        return None
    return in_zone(zone, *position)
