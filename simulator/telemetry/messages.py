"""What a car has to say, and how it looks on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import math
from typing import Literal
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp
from tesla_protocol.telemetry import (
    vehicle_alert_pb2 as alerts_pb,
    vehicle_data_pb2 as data_pb,
    vehicle_error_pb2 as errors_pb,
)

from simulator.car.signals import Reading
from simulator.telemetry.envelope import STREAM, stream_frame
from simulator.telemetry.values import Style, datum

DEVICE_TYPE = "vehicle_device"

type Topic = Literal["V", "alerts", "errors"]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of the car; times in unix seconds, `ended_at` None while it lasts."""

    name: str
    audiences: tuple[str, ...]  # "customer", "service"
    started_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class CarError:
    """Something that went wrong in the car's own streaming."""

    name: str
    body: str
    created_at: float
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Message:
    """One message to a server. Its readings are encoded only when it is sent."""

    topic: Topic
    created_at: float  # the car's time, unix seconds
    readings: Mapping[str, Reading] = field(default_factory=dict)
    ahead: float = 0.0  # by how many seconds the car dates it wrong
    alerts: tuple[Alert, ...] = ()
    errors: tuple[CarError, ...] = ()
    txid: bytes = field(default_factory=lambda: str(uuid4()).encode())
    times_sent: int = 0
    sent_at: float = 0.0  # monotonic seconds

    @property
    def signals(self) -> int:
        """How many signals this is on the bill."""
        return len(self.readings) + len(self.alerts)


def encode(message: Message, vin: str, style: Style = "typed") -> bytes:
    """Return the frame of a message; `vin` is who the car says it is."""
    return frame(
        message.topic,
        _payload(message, vin, style),
        vin,
        txid=message.txid,
        created_at=message.created_at + message.ahead,
    )


def frame(
    topic: str,
    payload: bytes,
    vin: str,
    *,
    txid: bytes,
    created_at: float,
    message_type: int = STREAM,
) -> bytes:
    """Return an envelope around any payload."""
    return stream_frame(
        txid=txid,
        topic=topic.encode(),
        payload=payload,
        created_at=int(created_at),
        sender_id=f"{DEVICE_TYPE}.{vin}".encode(),
        device_type=DEVICE_TYPE.encode(),
        device_id=vin.encode(),
        message_id=txid,
        message_type=message_type,
    )


def _payload(message: Message, vin: str, style: Style) -> bytes:
    at = _timestamp(message.created_at + message.ahead)
    match message.topic:
        case "V":
            data = [datum(name, reading, style) for name, reading in message.readings.items()]
            return data_pb.Payload(
                data=data, created_at=at, vin=vin, is_resend=message.times_sent > 0
            ).SerializeToString()
        case "alerts":
            alerts = [_alert(alert) for alert in message.alerts]
            return alerts_pb.VehicleAlerts(
                alerts=alerts, created_at=at, vin=vin
            ).SerializeToString()
    errors = [
        errors_pb.VehicleError(
            created_at=_timestamp(error.created_at),
            name=error.name,
            tags=dict(error.tags),
            body=error.body,
        )
        for error in message.errors
    ]
    return errors_pb.VehicleErrors(errors=errors, created_at=at, vin=vin).SerializeToString()


def _alert(alert: Alert) -> alerts_pb.VehicleAlert:
    return alerts_pb.VehicleAlert(
        name=alert.name,
        audiences=[who.capitalize() for who in alert.audiences],
        started_at=_timestamp(alert.started_at),
        ended_at=None if alert.ended_at is None else _timestamp(alert.ended_at),
    )


def _timestamp(seconds: float) -> Timestamp:
    fraction, whole = math.modf(seconds)
    return Timestamp(seconds=int(whole), nanos=int(fraction * 1e9))
