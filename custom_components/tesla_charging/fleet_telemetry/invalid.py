"""The meaning of `invalid` as the value of a field.

The car sends `invalid` when one of its processes stops reporting, usually because the car falls asleep. For some fields
it also means that they do not apply now (fleet-telemetry#341). A car that falls asleep is still plugged in.
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
"""Fields that have a value only during a route or a charge."""

EMPTY_WHEN_DISCONNECTED: Final = frozenset(
    {"ChargingCableType", "FastChargerPresent", "FastChargerType"}
)
"""Fields of the cable: invalid means "none" only if the car also reports that none is connected.

Port door and latch are not among them: they do not change while the car sleeps, connected or not.
"""


def is_empty(name: str, charge_state: object) -> bool:
    """Return whether a field's `invalid` means that there is no value; else it has to be ignored.

    `charge_state` is the last known DetailedChargeState ("Disconnected", "Charging" ..., None if unknown).
    """
    return name in EMPTY_WHEN_INVALID or (
        name in EMPTY_WHEN_DISCONNECTED and charge_state == "Disconnected"
    )


def settle(
    readings: Mapping[str, FieldReading], charge_state: object
) -> dict[str, FieldValue | None]:
    """Return the changes of a record: values, None for a field without a value now, and no entry for an ignored one.

    A DetailedChargeState in the same record is used instead of the last known one.
    """
    received = readings.get("DetailedChargeState")
    state = received if isinstance(received, str) else charge_state
    changes: dict[str, FieldValue | None] = {
        name: reading for name, reading in readings.items() if reading is not INVALID
    }
    if len(changes) < len(readings):
        for name, reading in readings.items():
            if reading is INVALID and is_empty(name, state):
                changes[name] = None
    return changes
