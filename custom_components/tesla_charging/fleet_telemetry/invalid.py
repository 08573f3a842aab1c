"""What it means when a car says that a field is invalid.

`invalid` comes from a car process that stopped reporting, usually because the car falls asleep; of some fields it also
says that they do not apply now (fleet-telemetry#341). A car that falls asleep is not thereby unplugged.
"""

from collections.abc import Mapping
from typing import Final

from .values import INVALID, FieldReading, FieldValue

EMPTY_WHEN_INVALID: Final = frozenset(
    {
        "DestinationLocation",
        "DestinationName",
        "EstimatedHoursToChargeTermination",
        "ExpectedEnergyPercentAtTripArrival",
        "MilesToArrival",
        "MinutesToArrival",
        "OriginLocation",
        "RouteLine",
        "RouteTrafficMinutesDelay",
        "TimeToFullCharge",
    }
)
"""Fields that have no value unless something goes on: a route, a charge."""

EMPTY_WHEN_DISCONNECTED: Final = frozenset(
    {"ChargingCableType", "FastChargerPresent", "FastChargerType"}
)
"""Fields of the cable: invalid means "none" only if the car also says that none is connected.

Port door and latch are not among them: they stay as they are while the car sleeps, connected or not.
"""


def is_empty(name: str, charge_state: object) -> bool:
    """Return whether a field's `invalid` says that there is no value; else it is to be ignored.

    `charge_state` is the last known DetailedChargeState ("Disconnected", "Charging" ..., None if unknown).
    """
    return name in EMPTY_WHEN_INVALID or (
        name in EMPTY_WHEN_DISCONNECTED and charge_state == "Disconnected"
    )


def settle(
    readings: Mapping[str, FieldReading], charge_state: object
) -> dict[str, FieldValue | None]:
    """Return what a record changes: values, None where there is none now, nothing for what is to be ignored.

    A DetailedChargeState in the same record counts before the last known one.
    """
    told = readings.get("DetailedChargeState")
    state = told if isinstance(told, str) else charge_state
    changes: dict[str, FieldValue | None] = {
        name: reading for name, reading in readings.items() if reading is not INVALID
    }
    if len(changes) < len(readings):
        for name, reading in readings.items():
            if reading is INVALID and is_empty(name, state):
                changes[name] = None
    return changes
