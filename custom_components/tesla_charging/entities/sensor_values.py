"""Sensor values that are computed from a car's state instead of taken from one signal as it is."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
import math
from typing import Final

from homeassistant.util import dt as dt_util

from .. import clock
from ..vehicle.charge_flow import is_idle_reading, is_pushed_later, polled_power
from ..vehicle.charge_schedules import next_time_of_day, scheduled_start, utc_time
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


def word(
    name: str, words: Mapping[str, str], none: str | None = None
) -> Callable[[VehicleState], str | None]:
    """Return the value function of a signal that is one of several words.

    It returns `none` when the car reports that there is no value.
    """

    def value_fn(state: VehicleState) -> str | None:
        if state.has_none(name):
            return none
        return words.get(str(state.value(name)))

    return value_fn


def text(name: str) -> Callable[[VehicleState], str | None]:
    """Return the value function of a signal that is shown as text."""

    def value_fn(state: VehicleState) -> str | None:
        value = state.value(name)
        return None if value is None else str(value)

    return value_fn


def power_of(pushed: str, *, fast: bool) -> Callable[[VehicleState], float | None]:
    """Return the value function of the power of AC or DC charging alone, in kW.

    `pushed` is the signal that the car pushes. A poll contains one power, and FastChargerPresent tells which one it is.
    """

    def value_fn(state: VehicleState) -> float | None:
        if is_pushed_later(state, pushed):
            return state.number(pushed)
        power = polled_power(state)
        if power is None:
            return None
        return power if (state.value("FastChargerPresent") is True) is fast else 0

    return value_fn


def energy_added(state: VehicleState) -> float | None:
    """Return the energy of this charging session, kWh; it does not decrease within the session."""
    session = state.energy.session
    # a poll may contain 0 and a push 0.0: both are shown as 0.0
    return None if session is None else float(session)


MAX_HOURS: Final = 240.0
"""A longer time to the end of a charge is none: cars have numbers that mean that they do not know it."""
MAX_ESTIMATE_LAG: Final = 900.0
"""Seconds by which an estimate may be older than the other one that the car makes."""
ESTIMATES: Final = ("EstimatedHoursToChargeTermination", "TimeToFullCharge")
"""The time to the charge limit, and the time to the end of what a trip needs, which older firmware has as well."""


def full_charge_at(state: VehicleState) -> datetime | None:
    """Return when charging will be finished, to the minute; None while it is not charging.

    The time to the charge limit counts, unless the car does not report it any more.
    """
    if state.value("DetailedChargeState") != "Charging":
        return None
    estimates = [
        (measured_at, hours)
        for name in ESTIMATES
        if (hours := state.number(name)) is not None
        and (measured_at := state.measured_at(name)) is not None
        and 0 < hours <= MAX_HOURS
    ]
    newest = max((measured_at for measured_at, _ in estimates), default=0.0)
    for measured_at, hours in estimates:
        if measured_at >= newest - MAX_ESTIMATE_LAG:
            return utc_time(round((measured_at + hours * 3600) / 60) * 60)
    return None


def ac_reading(name: str) -> Callable[[VehicleState], float | None]:
    """Return the value function of what the AC charger measures; at a fast charger it idles, which is no value."""

    def value_fn(state: VehicleState) -> float | None:
        value = state.number(name)
        return None if is_idle_reading(state, name) else value

    return value_fn


def last_message(state: VehicleState) -> datetime | None:
    """Return when the car last pushed a message, with a resolution of RECEIVED_GRAIN while messages arrive."""
    return utc_time(state.received_at)


def signals_today(state: VehicleState) -> int | None:
    """Return how many signals the car pushed since local midnight, as of its last message."""
    day, count = state.streamed
    return count if day == dt_util.now().toordinal() else 0


def scheduled_departure(state: VehicleState) -> datetime | None:
    """Return when the car is to be ready next by its schedule; None without one.

    The car reports the day on which it was set, and a time of the day, which is what it means. If the two are not the
    same time in this home's time zone, the car is in another one: then it is the time of the day of the first.
    """
    if state.value("ScheduledChargingMode") != "DepartBy":
        return None
    return _next_time(
        utc_time(state.number("scheduled_departure_time")),
        state.number("scheduled_departure_time_minutes"),
    )


def next_scheduled_start(state: VehicleState) -> datetime | None:
    """Return when the car begins charging next by its scheduled charging, which is every day; None without it."""
    start = scheduled_start(state)
    return _next_time(start) if state.value("ScheduledChargingMode") == "StartAt" else start


def _next_time(moment: datetime | None, minutes: float | None = None) -> datetime | None:
    """Return the next time of the day, minutes after midnight if they are known, else that of a moment."""
    if moment is None:
        return None
    now = dt_util.as_local(dt_util.utc_from_timestamp(clock.now()))
    if moment > now and moment - now < timedelta(days=1):
        return moment
    local = moment.astimezone(now.tzinfo)
    if minutes is not None and minutes != local.hour * 60 + local.minute:
        return moment + timedelta(days=math.floor((now - moment) / timedelta(days=1)) + 1)
    return next_time_of_day(local.hour * 60 + local.minute, now)
