"""The status of a car in one word: whether it can be reached, and why not."""

from enum import StrEnum
from typing import Final

from ..fleet_api import Connectivity
from .state import CONNECTIVITY, VehicleState

STATUS_SIGNALS: Final = (CONNECTIVITY,)


class CarStatus(StrEnum):
    """What a car does with respect to requests; the values are keys of translations."""

    ONLINE = "online"
    ASLEEP = "asleep"
    NOT_REACHABLE = "not_reachable"
    """It has no reception, as far as is known."""


_BY_CONNECTIVITY: Final = {
    Connectivity.ONLINE: CarStatus.ONLINE,
    Connectivity.ASLEEP: CarStatus.ASLEEP,
    Connectivity.OFFLINE: CarStatus.NOT_REACHABLE,
}


def car_status(state: VehicleState) -> CarStatus | None:
    """Return the status of a car, None if it is not known."""
    return _BY_CONNECTIVITY.get(state.connectivity)
