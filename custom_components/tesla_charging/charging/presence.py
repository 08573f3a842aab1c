"""Whether smart charging may act on a car: at home, on AC, plugged in, and by its owner's leave."""

from enum import StrEnum
from typing import Final

from ..vehicle.charge_status import is_charging
from ..vehicle.location import CHARGE_STATE, FAST_CHARGER, IN_GEAR
from ..vehicle.state import VehicleState

UNPLUGGED: Final = "Disconnected"
COMING_WITHIN: Final = 1_800.0
"""Seconds: a car that drives, and is so near to home at the most, is awake and may be given its schedules."""


class Presence(StrEnum):
    """Where a car is for smart charging, in one word. Commands are sent only to a car at home or coming."""

    HOME_PLUGGED = "home_plugged"
    HOME = "home"
    """At home, not plugged in: schedules may be given while the car is awake."""
    COMING = "coming"
    """On the way home: schedules may be given."""
    AWAY = "away"
    UNKNOWN = "unknown"
    """Not known where: nothing is sent."""


def presence_of(
    state: VehicleState, at_home: bool | None, seconds_to_home: float | None
) -> Presence:
    """Return where a car is.

    `at_home` is None if that is not known; `seconds_to_home` is the least time that it needs, None if unknown. A car at
    a fast charger is away, wherever it is: nothing at home charges with DC.
    """
    plugged = is_plugged_in(state)
    if state.value(FAST_CHARGER) is True:
        return Presence.AWAY
    if at_home is None or plugged is None:
        return Presence.UNKNOWN
    if at_home:
        return Presence.HOME_PLUGGED if plugged else Presence.HOME
    drives = state.value("Gear") in IN_GEAR
    if drives and not plugged and seconds_to_home is not None and seconds_to_home <= COMING_WITHIN:
        return Presence.COMING
    return Presence.AWAY


def is_plugged_in(state: VehicleState) -> bool | None:
    """Return whether a cable is in the car; None if the charging state is not known."""
    if (charge_state := state.value(CHARGE_STATE)) is None:
        return None
    return is_charging(state) or charge_state != UNPLUGGED
