"""Whether a car is at home: as it reports itself, by its position and Home Assistant's home zone, or by its cable.

What was known of a car's place holds until the car moves: after a drive without news it is unknown.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from homeassistant.components.zone import in_zone
from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE
from homeassistant.core import HomeAssistant
from homeassistant.util.location import distance

from ..const import CONF_HOME_SOURCE
from .charge_events import MIN_MILES, HomeSignal
from .charge_status import SILENCE
from .state import PLACES, TELEMETRY, UNKNOWN_TIME, Reading, VehicleState, signals_of
from .telemetry_status import TelemetryStage

HOME_ZONE: Final = "zone.home"
EDGE: Final = 100.0
"""Metres around the home zone in which a position, which wavers, is neither at home nor away."""
NEAR: Final = 1_000.0
"""Metres around the home zone in which the home that is saved in a car is the same home, with another outline."""
MAX_SPEED: Final = 30.0
"""Most metres per second by which a car on its way home comes nearer."""
MAX_MILES_PER_SECOND: Final = 100 / 3600
"""Most miles per second that a car drives."""
MILES_AWAY: Final = 0.5
"""A car that has driven so many miles is not at home any more, even if it pushes its data and has not said so: Tesla's
cars were seen to lose a push."""
IN_GEAR: Final = frozenset({"D", "R", "N"})

CAR_HOME: Final = "LocatedAtHome"
POSITION: Final = "Location"
CHARGE_STATE: Final = "DetailedChargeState"
FAST_CHARGER: Final = "FastChargerPresent"


class HomeSource(StrEnum):
    """What decides whether a car is at home; the values are those of the option `home_source`."""

    AUTOMATIC = "automatic"
    """The car's home and the zone: the newer one."""
    CAR = "car"
    """The home that is saved in the car (of its driver's profile)."""
    ZONE = "zone"
    """The car's position and Home Assistant's home zone."""
    PLUGGED_IN = "plugged_in"
    """At home while it is plugged in to AC: for a car that is polled without its location."""


HOME_SIGNALS: Final[Mapping[HomeSource, frozenset[str]]] = {
    HomeSource.AUTOMATIC: signals_of((CAR_HOME, POSITION, TELEMETRY)),
    HomeSource.CAR: signals_of((CAR_HOME,)),
    HomeSource.ZONE: signals_of((POSITION,)),
    HomeSource.PLUGGED_IN: signals_of((CHARGE_STATE, FAST_CHARGER)),
}
"""The signals by which each source decides. Cars are asked to push what an entity shows: no more than these."""


class HomeProximity(NamedTuple):
    """Whether a car is at home, and the least seconds that it needs to be there; None: not known."""

    at_home: bool | None
    seconds_to_home: float | None


UNKNOWN_PROXIMITY: Final = HomeProximity(None, None)


def home_source_of(options: Mapping[str, Any]) -> HomeSource:
    """Return what decides by the options of an entry."""
    chosen = options.get(CONF_HOME_SOURCE, HomeSource.AUTOMATIC)
    return HomeSource(chosen) if chosen in HomeSource else HomeSource.AUTOMATIC


# -- where it is ---------------------------------------------------------------------------------------


def home_proximity(hass: HomeAssistant, state: VehicleState, source: HomeSource) -> HomeProximity:
    """Return how near to home a car is, as far as is known."""
    return HomeProximity(is_at_home(hass, state, source), _seconds_home(hass, state))


def is_at_home(hass: HomeAssistant, state: VehicleState, source: HomeSource) -> bool | None:
    """Return whether a car is at home, None if that is not known."""
    signal = home_signal(hass, state, source)
    return signal.at_home if signal else None


def certain_home_signal(
    hass: HomeAssistant, state: VehicleState, source: HomeSource
) -> HomeSignal | None:
    """Return the same as home_signal(), None also for a position at the edge of the zone."""
    signal = home_signal(hass, state, source)
    if signal == HomeSignal(POSITION, False) and _in_home_zone(hass, state, EDGE):
        return None
    return signal


def home_signal(hass: HomeAssistant, state: VehicleState, source: HomeSource) -> HomeSignal | None:
    """Return whether a car is at home and the signal that decides it, None if it is not known."""
    match source:
        case HomeSource.CAR:
            return _by_car(state)
        case HomeSource.ZONE:
            return _by_zone(hass, state)
        case HomeSource.PLUGGED_IN:
            return _by_cable(state)
        case HomeSource.AUTOMATIC:
            return _by_newer(hass, state)


def _by_car(state: VehicleState) -> HomeSignal | None:
    """By `LocatedAtHome` (the home of the car's driver profile), which needs no location permission."""
    located = state.value(CAR_HOME)
    return HomeSignal(CAR_HOME, located) if isinstance(located, bool) else None


def _by_zone(hass: HomeAssistant, state: VehicleState) -> HomeSignal | None:
    inside = _in_home_zone(hass, state)
    return None if inside is None else HomeSignal(POSITION, inside)


def _by_cable(state: VehicleState) -> HomeSignal | None:
    charging_state = state.value(CHARGE_STATE)
    if charging_state is None:
        return None
    plugged_in = charging_state != "Disconnected"
    return HomeSignal(CHARGE_STATE, plugged_in and state.value(FAST_CHARGER) is not True)


def _by_newer(hass: HomeAssistant, state: VehicleState) -> HomeSignal | None:
    """By the car or by the zone: where they contradict each other, the newer one decides."""
    car, zone = _by_car(state), _by_zone(hass, state)
    if car is None or zone is None:
        return car or zone
    if not car.at_home and not state.home_saved:
        # a car in which no home is saved never says that it is there
        return zone
    if car.at_home is zone.at_home:
        return car
    if car.at_home and _in_home_zone(hass, state, NEAR):
        return car
    placed_at = state.measured_at(POSITION) or UNKNOWN_TIME
    return car if _is_live(state, placed_at) or _car_said_at(state) >= placed_at else zone


def _car_said_at(state: VehicleState) -> float:
    """Return until when the car would have said that it came home or left: it pushes that at once while it is connected."""
    return max(state.measured_at(CAR_HOME) or UNKNOWN_TIME, state.received_at or UNKNOWN_TIME)


def _is_live(state: VehicleState, at: float) -> bool:
    """Return whether the car pushes its data at a moment; a stream can fall silent without an end (fleet-telemetry#283)."""
    connected = state.telemetry is TelemetryStage.CONNECTED
    return connected and at - (state.received_at or UNKNOWN_TIME) <= SILENCE.total_seconds()


def _in_home_zone(hass: HomeAssistant, state: VehicleState, beyond: float = 0) -> bool | None:
    """Return whether a car is in the home zone, or at most so many metres beyond it; None if it is not known."""
    zone = hass.states.get(HOME_ZONE)
    if state.position is None or zone is None:
        return None
    # in_zone() subtracts a radius from the distance
    return in_zone(zone, *state.position, beyond)


def _seconds_home(hass: HomeAssistant, state: VehicleState) -> float | None:
    """Return the least seconds that a car needs to be at home, None if its position is not known."""
    zone = hass.states.get(HOME_ZONE)
    if state.position is None or zone is None:
        return None
    metres = distance(
        *state.position, zone.attributes.get(ATTR_LATITUDE), zone.attributes.get(ATTR_LONGITUDE)
    )
    return None if metres is None else metres / MAX_SPEED


# -- how long it holds ---------------------------------------------------------------------------------


def with_place(state: VehicleState, before: VehicleState) -> VehicleState:
    """Return a state that follows another one, without what was known of the car's place before it moved."""
    if not state.home_saved and True in (state.value(CAR_HOME), before.value(CAR_HOME)):
        state = replace(state, home_saved=True)
    driven_at, in_gear_at = _driven_at(state, before), _in_gear_at(state, before)
    if max(driven_at, in_gear_at) == UNKNOWN_TIME:
        return state
    moved = state.readings["Odometer" if driven_at >= in_gear_at else "Gear"]
    # with the same date, also one ahead: what the car says next of its place must not be older
    unknown = replace(moved, value=None, unknown=True)
    outdated = {
        name: unknown
        for name in PLACES
        if (reading := state.readings.get(name)) is not None
        and reading is before.readings.get(name)
        and reading.value is not None
        and _is_outdated(name, reading, state, before)
    }
    return replace(state, readings={**state.readings, **outdated}) if outdated else state


def expired(state: VehicleState, before: VehicleState) -> list[str]:
    """Return the signals of the car's place that differ between two states."""
    return [name for name in PLACES if state.readings.get(name) is not before.readings.get(name)]


def _driven_at(state: VehicleState, before: VehicleState) -> float:
    """Return when the car told that it has driven, UNKNOWN_TIME if it has not."""
    if state.readings.get("Odometer") is before.readings.get("Odometer"):
        return UNKNOWN_TIME
    miles, earlier = state.number("Odometer"), before.number("Odometer")
    if miles is None or earlier is None or miles - earlier < MIN_MILES:
        return UNKNOWN_TIME
    return state.measured_at("Odometer") or UNKNOWN_TIME


def _in_gear_at(state: VehicleState, before: VehicleState) -> float:
    """Return when the car told that it is driven, UNKNOWN_TIME if it is not."""
    if state.readings.get("Gear") is before.readings.get("Gear"):
        return UNKNOWN_TIME
    return (state.measured_at("Gear") or UNKNOWN_TIME) if state.value("Gear") in IN_GEAR else 0.0


def _is_outdated(name: str, reading: Reading, state: VehicleState, before: VehicleState) -> bool:
    """Return whether the car has moved since it said where it is.

    A connected car pushes at once that it left; only that it is still somewhere may be a push that was lost.
    """
    live = _is_live(state, max(_driven_at(state, before), _in_gear_at(state, before)))
    if live and (name == POSITION or reading.value is False or reading.measured_at == UNKNOWN_TIME):
        return False
    if not live and _in_gear_at(state, before) > reading.measured_at:
        return True
    miles, earlier = state.number("Odometer"), before.number("Odometer")
    if miles is None or earlier is None or _driven_at(state, before) <= reading.measured_at:
        return False
    # an odometer that was told before may include the way to where the car was then
    seconds = reading.measured_at - (before.measured_at("Odometer") or UNKNOWN_TIME)
    driven_since = miles - earlier - max(0.0, seconds) * MAX_MILES_PER_SECOND
    return driven_since >= (MILES_AWAY if live else MIN_MILES)
