"""What sensors show of a car's state, where that is not a signal as it is."""

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
"""Tesla's `DetailedChargeState` values and what Home Assistant calls them."""
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
    """Return what shows a signal that is one of several words; `none` is shown when the car says that there is none."""

    def show(state: VehicleState) -> str | None:
        value = state.value(name)
        if value is None:
            return none if name in state.readings else None
        return words.get(str(value))

    return show


def text(name: str) -> Callable[[VehicleState], str | None]:
    """Return what shows a signal's own words."""

    def show(state: VehicleState) -> str | None:
        value = state.value(name)
        return None if value is None else str(value)

    return show


def charge_power(state: VehicleState) -> float | None:
    """Return the power now: the car pushes that of the inlet (AC) and of the fast charger (DC), a poll gives either."""
    known = [name for name in POWER_SIGNALS if state.number(name) is not None]
    if not known:
        return None
    if "charger_power" in known:
        polled_at = state.measured_at("charger_power") or 0
        pushed = [name for name in known if (state.measured_at(name) or 0) > polled_at]
        known = pushed or ["charger_power"]
    return max(state.number(name) or 0 for name in known)


def power_of(pushed: str, *, fast: bool) -> Callable[[VehicleState], float | None]:
    """Return what shows the power of AC or DC charging alone: a poll tells one power, and whose it is."""

    def show(state: VehicleState) -> float | None:
        polled, told = state.number("charger_power"), state.number(pushed)
        newer = (state.measured_at(pushed) or 0) > (state.measured_at("charger_power") or 0)
        if polled is None or (told is not None and newer):
            return told
        return polled if (state.value("FastChargerPresent") is True) is fast else 0

    return show


def energy_added(state: VehicleState) -> float | None:
    """Return the energy of this session, which does not step back within it, kWh."""
    session = state.energy.session
    # a poll and a push may say 0 and 0.0: the same, and to be shown alike
    return None if session is None else float(session)


def full_charge_at(state: VehicleState) -> datetime | None:
    """Return when charging will be finished, to the minute; None while it is not charging."""
    hours = state.number("EstimatedHoursToChargeTermination")
    measured_at = state.measured_at("EstimatedHoursToChargeTermination")
    if not hours or measured_at is None or state.value("DetailedChargeState") != "Charging":
        return None
    return utc_time(round((measured_at + hours * 3600) / 60) * 60)


def last_message(state: VehicleState) -> datetime | None:
    """Return when the car pushed something last, to HEARD_GRAIN while it goes on."""
    return utc_time(state.received_at)


def signals_today(state: VehicleState) -> int | None:
    """Return how many signals the car pushed since midnight here, as of its last message."""
    day, count = state.streamed
    return count if day == dt_util.now().toordinal() else 0


def scheduled_departure(state: VehicleState) -> datetime | None:
    """Return when the car is to be ready by its schedule; None without one."""
    if state.value("ScheduledChargingMode") != "DepartBy":
        return None
    return utc_time(state.number("scheduled_departure_time"))
