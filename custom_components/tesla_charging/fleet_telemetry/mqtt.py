"""Reads the records that Tesla's own fleet-telemetry server publishes to an MQTT broker (`datastore/mqtt`).

Topics are `<base>/<VIN>/v/<field>`, `.../alerts/<name>/current` and `/history`, `.../errors/<name>` and
`.../connectivity`; payloads are JSON. They do not contain when the car measured a value: a live value gets the time of
its arrival, a retained one UNKNOWN_TIME.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

import orjson

from .certificates.identity import is_vin
from .errors import RecordError
from .records import (
    MAX_BODY_LENGTH,
    MAX_EVENTS,
    MAX_NAME_LENGTH,
    MAX_TAGS,
    Alert,
    AlertRecord,
    ConnectivityRecord,
    ErrorRecord,
    Record,
    SignalRecord,
    VehicleError,
    bounded_tags,
    measured_at,
)
from .values import FIELD_NAMES, INVALID, FieldReading, conform, place

MAX_PAYLOAD_LENGTH: Final = 65_536
MAX_TOPIC_LENGTH: Final = 512
MAX_GIVEN_TAGS: Final = 256
UNKNOWN_TIME: Final = 0.0
"""The time of a retained value, whose age is not known.

It is the last value through that server, so it is newer than one through the same server before the restart, and older
than every value with a time.
"""
_CONNECTED: Final = {"CONNECTED": True, "DISCONNECTED": False}


def is_topic_base(base: str) -> bool:
    """Return whether a text can be the server's `topic_base`: no empty levels, no wildcards."""
    return 0 < len(base) <= 200 and all(base.split("/")) and not set(base) & set("+#\0")


def subscriptions(base: str, vin: str) -> tuple[str, ...]:
    """Return the topic filters for all messages about a car."""
    return tuple(
        f"{base}/{vin}/{rest}" for rest in ("v/+", "alerts/+/current", "errors/+", "connectivity")
    )


def read_message(
    base: str, topic: str, payload: bytes | str, received_at: float, *, retained: bool
) -> Record | None:
    """Return the record in a message; None for a message that is not about a car, unknown, or clears a topic.

    `received_at` is unix seconds by our clock. Raises RecordError.
    """
    if len(topic) > MAX_TOPIC_LENGTH or len(payload) > MAX_PAYLOAD_LENGTH:
        raise RecordError("the message is too large")
    if not payload or not topic.startswith(f"{base}/"):
        return None
    vin, *path = topic[len(base) + 1 :].split("/")
    if not is_vin(vin):
        return None
    try:
        value = orjson.loads(payload)
    except ValueError:
        raise RecordError("the payload is not JSON") from None
    match path:
        case ["v", field]:
            return _signal(vin, field, value, received_at, retained=retained)
        case ["alerts", name, "current"]:
            alerts = [_alert(name, value)]
        case ["alerts", name, "history"] if isinstance(value, list):
            alerts = [_alert(name, row) for row in value[:MAX_EVENTS]]
        case ["errors", name]:
            return _error(vin, name, _object(value), received_at)
        case ["connectivity"]:
            return _connectivity(vin, _object(value), received_at)
        case _:
            return None
    created_at = UNKNOWN_TIME if retained else received_at
    return AlertRecord(vin, created_at, received_at, tuple(alerts))


def _signal(
    vin: str, field: str, value: object, received_at: float, *, retained: bool
) -> SignalRecord:
    # the server names a field that it does not know by its number
    name = FIELD_NAMES.get(int(field), "") if field.isdecimal() and len(field) < 6 else field
    reading = conform(name, _raw(value))
    return SignalRecord(
        vin,
        UNKNOWN_TIME if retained else received_at,
        received_at,
        {name: reading} if reading is not None else {},
        retained=retained,
        ignored=int(reading is None),
        brokered=True,
    )


def _raw(value: object) -> FieldReading | None:
    if value is None:
        return INVALID
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        latitude, longitude = value.get("latitude"), value.get("longitude")
        if isinstance(latitude, int | float) and isinstance(longitude, int | float):
            return place(latitude, longitude)
    return None


def _alert(name: str, value: object) -> Alert:
    row = _object(value)
    audiences = row.get("Audiences")
    return Alert(
        name[:MAX_NAME_LENGTH],
        tuple(
            audience[:MAX_NAME_LENGTH]
            for audience in (audiences[:MAX_TAGS] if isinstance(audiences, list) else ())
            if isinstance(audience, str)
        ),
        _seconds(row.get("StartedAt")),
        _seconds(row.get("EndedAt")),
    )


def _error(vin: str, name: str, row: Mapping[str, Any], received_at: float) -> ErrorRecord:
    given, body = row.get("Tags"), row.get("Body")
    tags = islice(given.items(), MAX_GIVEN_TAGS) if isinstance(given, dict) else ()
    created_at = measured_at(_seconds(row.get("CreatedAt")), received_at)
    error = VehicleError(
        name[:MAX_NAME_LENGTH],
        body[:MAX_BODY_LENGTH] if isinstance(body, str) else "",
        bounded_tags({key: text for key, text in tags if isinstance(text, str)}),
        created_at,
    )
    return ErrorRecord(vin, created_at, received_at, (error,))


def _connectivity(vin: str, row: Mapping[str, Any], received_at: float) -> ConnectivityRecord:
    status = row.get("Status")
    connected = _CONNECTED.get(status) if isinstance(status, str) else None
    if connected is None:
        raise RecordError("connectivity without a status")
    connection_id = row.get("ConnectionId")
    return ConnectivityRecord(
        vin,
        measured_at(_seconds(row.get("CreatedAt")), received_at),
        received_at,
        connected,
        connection_id[:MAX_NAME_LENGTH] if isinstance(connection_id, str) else "",
    )


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RecordError("the payload is not a JSON object")
    return value


def _seconds(value: object) -> float | None:
    """Return the unix seconds of a time in RFC 3339; None if there is none (Go's zero time is in the year 1)."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value[:40])
    except ValueError:
        return None
    seconds = time.timestamp() if time.tzinfo is not None else 0.0
    return seconds if seconds > 0 else None
