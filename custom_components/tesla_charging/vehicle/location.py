"""Whether a car is at home: as the car says, else as its position and Home Assistant's home zone say."""

from typing import Final, NamedTuple

from homeassistant.components.zone import in_zone
from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE
from homeassistant.core import HomeAssistant
from homeassistant.util.location import distance

from .state import VehicleState

HOME_ZONE = "zone.home"
MAX_SPEED = 30.0
"""Metres in a second that a car comes nearer on its way home at most."""


class HomeProximity(NamedTuple):
    """Whether a car is at home, and how many seconds it needs to be there at least; None for not known."""

    at_home: bool | None
    seconds_to_home: float | None


UNKNOWN_PROXIMITY: Final = HomeProximity(None, None)


def home_proximity(hass: HomeAssistant, state: VehicleState) -> HomeProximity:
    """Return what is known of where a car is."""
    return HomeProximity(is_at_home(hass, state), _seconds_home(hass, state))


def is_at_home(hass: HomeAssistant, state: VehicleState) -> bool | None:
    """Return True or False, or None when neither is known.

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
    """Return how many seconds a car needs at least to be at home, None if it is not known where it is."""
    zone = hass.states.get(HOME_ZONE)
    if state.position is None or zone is None:
        return None
    metres = distance(
        *state.position, zone.attributes.get(ATTR_LATITUDE), zone.attributes.get(ATTR_LONGITUDE)
    )
    return None if metres is None else metres / MAX_SPEED
