"""The records that a car streams, decoded from protobuf messages.

Topics and messages are those of fleet-telemetry's `protos/`. Shape, lengths and numbers of a record are checked. Its VIN
is always that of the connection; a VIN in the payload is ignored. What a message can make the decoder do is bounded
before it is done: no message of a megabyte takes longer than 20 ms (`scripts/bench telemetry`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from tesla_protocol.telemetry import (
    vehicle_alert_pb2 as vehicle_alert,
    vehicle_connectivity_pb2 as vehicle_connectivity,
    vehicle_data_pb2 as vehicle_data,
    vehicle_error_pb2 as vehicle_error,
)

from .errors import RecordError
from .values import FIELD_NAMES, FieldReading, reader

MAX_VALUES: Final = 1024
"""Values in one message; there are fewer than 300 fields."""
MAX_EVENTS: Final = 256
"""Alerts or errors in one message."""
MAX_TAGS: Final = 32
_MAX_SORTED_TAGS: Final = 4 * MAX_TAGS
_MAX_DECODED_TAGS: Final = 90_000
"""Tags in one message, estimated by the bytes that begin one: more take longer than a decoder may."""
_SMALL: Final = 65_536
"""Bytes of a payload below which no content takes long to decode."""
MAX_NAME_LENGTH: Final = 128
MAX_BODY_LENGTH: Final = 1024
MAX_CLOCK_AHEAD: Final = 60.0
"""Seconds by which cars were seen to date the first record after a wake-up ahead of the next ones at most
(fleet-telemetry, issue 386)."""
_MILLISECONDS_FROM: Final = 100_000_000_000
"""From this number on, seconds are really milliseconds: some cars put them into alerts (fleet-telemetry, `transformers`)."""


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """Values of some fields at one moment; fields that it does not contain have not changed."""

    vin: str
    created_at: float
    """When the car measured it, unix seconds, and never after `received_at`; 0.0 if that is not known (a retained MQTT
    message)."""
    received_at: float
    values: Mapping[str, FieldReading]
    """By field name; `invalid.settle()` interprets INVALID."""
    is_resend: bool = False
    """Whether the car sends it again because it received no acknowledgement."""
    retained: bool = False
    """Whether an MQTT broker had retained it: then it was published at an unknown time before."""
    ignored: int = 0
    """The number of unknown fields, value forms and enumeration members in the record."""
    brokered: bool = False
    """Whether it was received through an MQTT broker."""
    repeated: int = 0
    """The number of values that were followed by another one of the same field."""
    ahead: float = 0.0
    """By how many seconds the car dated it after `received_at`."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a car."""

    name: str
    audiences: tuple[str, ...]
    """Customer, Service, ServiceFix."""
    started_at: float | None
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """Alerts that began or ended."""

    vin: str
    created_at: float
    received_at: float
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class VehicleError:
    """An error that a car reports, about its telemetry configuration for instance (`unsupported_field`)."""

    name: str
    body: str
    tags: Mapping[str, str]
    created_at: float


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """Errors of a car's telemetry client."""

    vin: str
    created_at: float
    received_at: float
    errors: tuple[VehicleError, ...]


@dataclass(frozen=True, slots=True)
class ConnectivityRecord:
    """A car connected to, or disconnected from, Tesla's own telemetry server (never sent by a car)."""

    vin: str
    created_at: float
    received_at: float
    connected: bool
    connection_id: str
    network_interface: str | None = None


type Record = SignalRecord | AlertRecord | ErrorRecord | ConnectivityRecord


def billed_signals(record: Record) -> int:
    """Return how many signals a record counts on Tesla's bill: one for each value in it.

    Values that are invalid, unknown here, or sent again count too [community]; so do alerts, but not errors: this is how
    Tesla's own server counts [inferred from fleet-telemetry]. A retained value was billed when it was published.
    """
    match record:
        case SignalRecord(retained=False):
            return len(record.values) + record.ignored + record.repeated
        case AlertRecord():
            return len(record.alerts)
    return 0


class _Message(Protocol):
    def ParseFromString(self, serialized: bytes) -> int: ...


def read_record(topic: bytes, payload: bytes, vin: str, received_at: float) -> Record | None:
    """Return the record in a payload, None for a topic that is not used.

    `received_at` is unix seconds by our clock. Raises RecordError.
    """
    reader = _TOPICS.get(topic)
    return reader(payload, vin, received_at) if reader is not None else None


def measured_at(seconds: float | None, received_at: float) -> float:
    """Return a time of the car, at most the time of receipt by our clock; that one also if the car gave none.

    A later time would count as newer than the measurements that follow it.
    """
    if seconds is None or seconds <= 0:
        return received_at
    return min(seconds, received_at)


type _Found = tuple[str, Callable[[Any], FieldReading | None]]


class _Readers(dict[tuple[int, str | None], _Found | None]):
    """A field's name and its read function for an arm of `Value`, by the field's number and the arm's name.

    Filled on first use. For an unknown key the result is None, which is not stored.
    """

    def __missing__(self, key: tuple[int, str | None]) -> _Found | None:
        number, arm = key
        name = FIELD_NAMES.get(number)
        read = reader(name, arm) if name is not None and arm is not None else None
        if name is None or read is None:
            return None
        self[key] = found = (name, read)
        return found


_READERS: Final = _Readers()


def _signals(serialized: bytes, vin: str, received_at: float) -> SignalRecord:
    payload = vehicle_data.Payload()
    _parse(payload, serialized, MAX_VALUES)
    data = payload.data
    if len(data) > MAX_VALUES:
        raise RecordError("too many values in one message")
    values: dict[str, FieldReading] = {}
    ignored = repeated = 0
    for datum in data:
        value = datum.value
        arm = value.WhichOneof("value")
        found = _READERS[datum.key, arm]
        # newer firmware may have fields, value forms and enumeration members that are unknown here
        if found is None:
            ignored += 1
            continue
        name, read = found
        reading = read(getattr(value, arm))
        if reading is None:
            ignored += 1
        else:
            repeated += name in values
            values[name] = reading
    created_at = _seconds(payload.created_at) if payload.HasField("created_at") else None
    return SignalRecord(
        vin,
        measured_at(created_at, received_at),
        received_at,
        values,
        payload.is_resend,
        False,
        ignored,
        repeated=repeated,
        ahead=max(0.0, (created_at or 0.0) - received_at),
    )


def _alerts(serialized: bytes, vin: str, received_at: float) -> AlertRecord:
    message = vehicle_alert.VehicleAlerts()
    _parse(message, serialized, MAX_EVENTS)
    if len(message.alerts) > MAX_EVENTS:
        raise RecordError("too many alerts in one message")
    alerts = tuple(
        Alert(
            alert.name[:MAX_NAME_LENGTH],
            tuple(
                _AUDIENCES[audience]
                for audience in alert.audiences[:MAX_TAGS]
                if audience in _AUDIENCES
            ),
            _seconds(alert.started_at) if alert.HasField("started_at") else None,
            _seconds(alert.ended_at) if alert.HasField("ended_at") else None,
        )
        for alert in message.alerts
    )
    created_at = _seconds(message.created_at) if message.HasField("created_at") else None
    return AlertRecord(vin, measured_at(created_at, received_at), received_at, alerts)


def _errors(serialized: bytes, vin: str, received_at: float) -> ErrorRecord:
    message = vehicle_error.VehicleErrors()
    if len(serialized) > _SMALL and sum(map(serialized.count, _TAG)) > _MAX_DECODED_TAGS:
        raise RecordError("too many tags in one message")
    _parse(message, serialized, MAX_EVENTS)
    if len(message.errors) > MAX_EVENTS:
        raise RecordError("too many errors in one message")
    errors = tuple(
        VehicleError(
            error.name[:MAX_NAME_LENGTH],
            error.body[:MAX_BODY_LENGTH],
            bounded_tags(error.tags),
            measured_at(
                _seconds(error.created_at) if error.HasField("created_at") else None, received_at
            ),
        )
        for error in message.errors
    )
    created_at = _seconds(message.created_at) if message.HasField("created_at") else None
    return ErrorRecord(vin, measured_at(created_at, received_at), received_at, errors)


def _connectivity(serialized: bytes, vin: str, received_at: float) -> ConnectivityRecord:
    """Read a connectivity message. One whose status is not known says nothing, and is refused."""
    message = vehicle_connectivity.VehicleConnectivity()
    _parse(message, serialized, 1)
    if message.status not in (vehicle_connectivity.CONNECTED, vehicle_connectivity.DISCONNECTED):
        raise RecordError("connectivity without a status")
    created_at = _seconds(message.created_at) if message.HasField("created_at") else None
    return ConnectivityRecord(
        vin,
        measured_at(created_at, received_at),
        received_at,
        message.status == vehicle_connectivity.CONNECTED,
        message.connection_id[:MAX_NAME_LENGTH],
        message.network_interface[:MAX_NAME_LENGTH] or None,
    )


_TOPICS: Final[Mapping[bytes, Callable[[bytes, str, float], Record]]] = {
    b"V": _signals,
    b"alerts": _alerts,
    b"errors": _errors,
    b"connectivity": _connectivity,
}

_AUDIENCES: Final = {number: name for name, number in vehicle_alert.Audience.items() if number}


def bounded_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return a bounded copy of an error's tags, the first by name; of very many, only some are sorted."""
    return {
        name[:MAX_NAME_LENGTH]: value[:MAX_NAME_LENGTH]
        for name, value in sorted(islice(tags.items(), _MAX_SORTED_TAGS))[:MAX_TAGS]
    }


_TAG: Final = (b"\x1a", b"\x9a")
"""The bytes with which a tag can begin in a VehicleError: its number in one byte, or in more than it needs."""
_OTHER_FIELDS: Final = 64
"""Fields of a message beside its values, alerts or errors; there are fewer than ten."""
_WIDTHS: Final = {1: 8, 3: 0, 4: 0, 5: 4}
"""Bytes by wire type of protobuf; 3 and 4 begin and end a group."""
_LONGEST_VARINT: Final = 10


def _parse(message: _Message, serialized: bytes, elements: int) -> None:
    """Parse a message of so many elements at most. Raises RecordError."""
    if len(serialized) > _SMALL and _has_more_fields(serialized, elements + _OTHER_FIELDS):
        raise RecordError("too many elements in one message")
    try:
        message.ParseFromString(serialized)
    except DecodeError:
        raise RecordError("the payload does not decode") from None


def _has_more_fields(serialized: bytes, limit: int) -> bool:
    """Return whether a message has more than `limit` fields at its top level, before it is parsed.

    Counting ends at what is not valid, and so does parsing. The fields in a group count as well.
    """
    position = 0
    try:
        for _ in range(limit + 1):
            if position >= len(serialized):
                return False
            key, position = _varint(serialized, position)
            match key & 7:
                case 0:
                    _, position = _varint(serialized, position)
                case 2:
                    length, position = _varint(serialized, position)
                    position += length
                case wire_type:
                    position += _WIDTHS[wire_type]
    except IndexError, KeyError:
        return False
    return True


def _varint(serialized: bytes, position: int) -> tuple[int, int]:
    """Return a number of protobuf, and the position after it. Raises IndexError if there is none."""
    value = 0
    for count in range(_LONGEST_VARINT):
        byte = serialized[position + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, position + count + 1
    raise IndexError


def _seconds(timestamp: Timestamp) -> float:
    seconds = timestamp.seconds
    if seconds >= _MILLISECONDS_FROM:
        return seconds / 1000
    return seconds + timestamp.nanos / 1e9
