"""The status of a car in one word: whether it can be reached, and why not."""

from enum import StrEnum
from typing import Final

from ..fleet_api import Connectivity
from .state import CONNECTIVITY, VehicleState

STATUS_SIGNALS: Final = (CONNECTIVITY, "software_update")
INSTALLING: Final = "installing"


class CarStatus(StrEnum):
    """What a car does with respect to requests; the values are keys of translations."""

    WAKING_UP = "waking_up"
    """It was asleep, and is being woken up now."""
    ONLINE = "online"
    ASLEEP = "asleep"
    NOT_REACHABLE = "not_reachable"
    """It has no reception, as far as is known."""
    IN_SERVICE = "in_service"
    """At a service center: Tesla passes nothing on to it."""
    UPDATING = "updating"
    """It installs software, and is offline for a part of that time."""


_BY_CONNECTIVITY: Final = {
    Connectivity.ONLINE: CarStatus.ONLINE,
    Connectivity.ASLEEP: CarStatus.ASLEEP,
    Connectivity.OFFLINE: CarStatus.NOT_REACHABLE,
}


def car_status(state: VehicleState) -> CarStatus | None:
    """Return the status of a car, None if it is not known. What lasts longest and explains most comes first.

    A car that installs software does not fall asleep: one that is asleep has ended that.
    """
    if state.in_service:
        return CarStatus.IN_SERVICE
    if (
        state.value("software_update") == INSTALLING
        and state.connectivity is not Connectivity.ASLEEP
    ):
        return CarStatus.UPDATING
    if state.waking and state.connectivity is not Connectivity.ONLINE:
        return CarStatus.WAKING_UP
    return _BY_CONNECTIVITY.get(state.connectivity)
