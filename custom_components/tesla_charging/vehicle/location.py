"""Whether a car is at home: as the car reports, else by its position and Home Assistant's home zone."""

from typing import Final, NamedTuple

from homeassistant.components.zone import in_zone
from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE
from homeassistant.core import HomeAssistant
from homeassistant.util.location import distance

from .state import VehicleState

HOME_ZONE: Final = "zone.home"
MAX_SPEED: Final = 30.0
"""Most metres per second by which a car on its way home comes nearer."""


class HomeProximity(NamedTuple):
    """Whether a car is at home, and the least seconds that it needs to be there; None: not known."""

    at_home: bool | None
    seconds_to_home: float | None


UNKNOWN_PROXIMITY: Final = HomeProximity(None, None)


def home_proximity(hass: HomeAssistant, state: VehicleState) -> HomeProximity:
    """Return how near to home a car is, as far as is known."""
    return HomeProximity(is_at_home(hass, state), _seconds_home(hass, state))


def is_at_home(hass: HomeAssistant, state: VehicleState) -> bool | None:
    """Return whether a car is at home, None if that is not known.

    `LocatedAtHome` (the home of the car's driver profile) needs no location permission; the position does.
    """
    located = state.value("LocatedAtHome")
    if isinstance(located, bool):
        return located
    zone = hass.states.get(HOME_ZONE)
    if state.position is None or zone is None:
        return None
    return in_zone(zone, *state.position)


def _seconds_home(hass: HomeAssistant, state: VehicleState) -> float | None:
    """Return the least seconds that a car needs to be at home, None if its position is not known."""
    zone = hass.states.get(HOME_ZONE)
    if state.position is None or zone is None:
        return None
    metres = distance(
        *state.position, zone.attributes.get(ATTR_LATITUDE), zone.attributes.get(ATTR_LONGITUDE)
    )
    return None if metres is None else metres / MAX_SPEED
