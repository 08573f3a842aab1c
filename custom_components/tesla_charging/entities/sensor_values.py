"""Sensor values that are computed from a car's state instead of taken from one signal as it is."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from homeassistant.util import dt as dt_util

from ..vehicle.charge_schedules import utc_time
from ..vehicle.state import VehicleState

CHARGING_STATES: Final[Mapping[str, str]] = {
    "Disconnected": "disconnected",
    "NoPower": "no_power",
    "Starting": "starting",
    "Charging": "charging",
    "Complete": "complete",
    "Stopped": "stopped",
    "Calibrating": "calibrating",
}
"""Tesla's `DetailedChargeState` values and the states of the sensor."""
CABLE_TYPES: Final[Mapping[str, str]] = {
    "IEC": "iec",
    "SAE": "sae",
    "GB_AC": "gb_ac",
    "GB_DC": "gb_dc",
}
LATCHES: Final[Mapping[str, str]] = {
    "Engaged": "engaged",
    "Disengaged": "disengaged",
    "Blocking": "blocking",
}
FAST_CHARGERS: Final[Mapping[str, str]] = {
    "Supercharger": "supercharger",
    "CHAdeMO": "chademo",
    "Combo": "combo",
    "GB": "gb",
    "ACSingleWireCAN": "ac_single_wire_can",
    "MCSingleWireCAN": "mc_single_wire_can",
    "Other": "other",
}
SCHEDULE_MODES: Final[Mapping[str, str]] = {
    "Off": "off",
    "StartAt": "start_at",
    "DepartBy": "depart_by",
}
GEARS: Final[Mapping[str, str]] = {"P": "p", "R": "r", "N": "n", "D": "d"}
POWER_SIGNALS: Final = ("charger_power", "ACChargingPower", "DCChargingPower")


def word(
    name: str, words: Mapping[str, str], none: str | None = None
) -> Callable[[VehicleState], str | None]:
    """Return the value function of a signal that is one of several words.

    It returns `none` when the car reports that there is no value.
    """

    def value_fn(state: VehicleState) -> str | None:
        value = state.value(name)
        if value is None:
            return none if name in state.readings else None
        return words.get(str(value))

    return value_fn


def text(name: str) -> Callable[[VehicleState], str | None]:
    """Return the value function of a signal that is shown as text."""

    def value_fn(state: VehicleState) -> str | None:
        value = state.value(name)
        return None if value is None else str(value)

    return value_fn


def charge_power(state: VehicleState) -> float | None:
    """Return the current power, kW.

    The car pushes AC power (of the inlet) and DC power (of the fast charger) separately; a poll contains one value.
    """
    known = [name for name in POWER_SIGNALS if state.number(name) is not None]
    if not known:
        return None
    if "charger_power" in known:
        polled_at = state.measured_at("charger_power") or 0
        pushed = [name for name in known if (state.measured_at(name) or 0) > polled_at]
        known = pushed or ["charger_power"]
    return max(state.number(name) or 0 for name in known)


def power_of(pushed: str, *, fast: bool) -> Callable[[VehicleState], float | None]:
    """Return the value function of the power of AC or DC charging alone, in kW.

    `pushed` is the signal that the car pushes. A poll contains one power, and FastChargerPresent tells which one it is.
    """

    def value_fn(state: VehicleState) -> float | None:
        polled_value, pushed_value = state.number("charger_power"), state.number(pushed)
        newer = (state.measured_at(pushed) or 0) > (state.measured_at("charger_power") or 0)
        if polled_value is None or (pushed_value is not None and newer):
            return pushed_value
        return polled_value if (state.value("FastChargerPresent") is True) is fast else 0

    return value_fn


def energy_added(state: VehicleState) -> float | None:
    """Return the energy of this charging session, kWh; it does not decrease within the session."""
    session = state.energy.session
    # a poll may contain 0 and a push 0.0: both are shown as 0.0
    return None if session is None else float(session)


def full_charge_at(state: VehicleState) -> datetime | None:
    """Return when charging will be finished, to the minute; None while it is not charging."""
    hours = state.number("EstimatedHoursToChargeTermination")
    measured_at = state.measured_at("EstimatedHoursToChargeTermination")
    if not hours or measured_at is None or state.value("DetailedChargeState") != "Charging":
        return None
    return utc_time(round((measured_at + hours * 3600) / 60) * 60)


def last_message(state: VehicleState) -> datetime | None:
    """Return when the car last pushed a message, with a resolution of RECEIVED_GRAIN while messages arrive."""
    return utc_time(state.received_at)


def signals_today(state: VehicleState) -> int | None:
    """Return how many signals the car pushed since local midnight, as of its last message."""
    day, count = state.streamed
    return count if day == dt_util.now().toordinal() else 0


def scheduled_departure(state: VehicleState) -> datetime | None:
    """Return when the car is to be ready by its schedule; None without one."""
    if state.value("ScheduledChargingMode") != "DepartBy":
        return None
    return utc_time(state.number("scheduled_departure_time"))
