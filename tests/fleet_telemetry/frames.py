"""Frames as a car writes them, with the FlatBuffers library in the order in which Tesla's Go code calls it."""

import struct
import time
from typing import Any

import flatbuffers  # type: ignore[import-untyped]  # it has no stubs
from tesla_protocol.telemetry import (
    vehicle_alert_pb2 as vehicle_alert,
    vehicle_data_pb2 as vehicle_data,
    vehicle_error_pb2 as vehicle_error,
)

GO_ACK = bytes.fromhex(
    "1400000000000e001800140010000f00080004000e0000001400000030000000000000051000000014000000000000000000"
    "0000010000005600000009000000747869642d303030310000000000000000000000"
)
GO_ACK_WITH_MESSAGE_ID = bytes.fromhex(
    "1400000000000e001800140010000f00080004000e000000140000003800000000000005180000001c000000080000006d73"
    "672d3030303100000000010000005600000009000000747869642d303030310000000000000000000000"
)
GOLDEN_STREAM = bytes.fromhex(
    "1400000000000e001800140010000f00080004000e000000140000004400000000000004180000001c000000080000006d73"
    "672d3030303100000000010000005600000009000000747869642d30303031000e001800100014000c00080004000e000000"
    "14000000280000003800000000f153653c0000001100000035594a3345314541374a463030303030310000000e0000007665"
    "6869636c655f64657669636500000400000008011002000000002000000076656869636c655f6465766963652e35594a3345"
    "314541374a4630303030303100000000"
)
MINIMAL_ACK = bytes.fromhex(
    "100000000c00140010000c000b0004000c0000002c00000000000005080000000c0000000100000056000000090000007478"
    "69642d303030310000000400040004000000"
)


def library() -> Any:
    """Return a builder of the FlatBuffers library."""
    return flatbuffers.Builder(0)


def stream(
    payload: bytes,
    *,
    txid: bytes = b"txid-0001",
    topic: bytes = b"V",
    sender: bytes = b"vehicle_device.5YJ3E1EA7JF000001",
    device_id: bytes = b"5YJ3E1EA7JF000001",
    device_type: bytes = b"vehicle_device",
    message_id: bytes = b"msg-0001",
    created_at: int = 1_700_000_000,
    delivered_at_ms: int = 0,
    message_type: int = 4,
) -> bytes:
    """Return the envelope around a record."""
    builder = library()
    sender_at, payload_at, type_at, id_at = (
        builder.CreateString(item) for item in (sender, payload, device_type, device_id)
    )
    builder.StartObject(6)
    builder.PrependUOffsetTRelativeSlot(1, sender_at, 0)
    builder.PrependUint32Slot(0, created_at, 0)
    builder.PrependUOffsetTRelativeSlot(2, payload_at, 0)
    builder.PrependUOffsetTRelativeSlot(3, type_at, 0)
    builder.PrependUOffsetTRelativeSlot(4, id_at, 0)
    builder.PrependUint64Slot(5, delivered_at_ms, 0)
    message = builder.EndObject()
    return envelope(builder, txid, topic, message_id, message_type, message)


def envelope(
    builder: Any,
    txid: bytes,
    topic: bytes,
    message_id: bytes,
    message_type: int,
    message: int,
) -> bytes:
    """Return a finished envelope around a message that the builder holds."""
    txid_at, topic_at, id_at = (builder.CreateString(item) for item in (txid, topic, message_id))
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(0, txid_at, 0)
    builder.PrependUOffsetTRelativeSlot(1, topic_at, 0)
    builder.PrependUint8Slot(2, message_type, 0)
    builder.PrependUOffsetTRelativeSlot(3, message, 0)
    builder.PrependUOffsetTRelativeSlot(4, id_at, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def payload(
    values: dict[str, Any],
    *,
    created_at: float | None = None,
    vin: str = "5YJ3E1EA7JF000001",
    is_resend: bool = False,
) -> bytes:
    """Return a Payload; each value is {arm: value}."""
    message = vehicle_data.Payload(vin=vin, is_resend=is_resend)
    moment = time.time() if created_at is None else created_at
    message.created_at.FromNanoseconds(round(moment * 1e9))
    for name, value in values.items():
        message.data.add(key=vehicle_data.Field.Value(name), value=vehicle_data.Value(**value))
    return message.SerializeToString()


def alerts(name: str = "CP_a046", **times: float) -> bytes:
    """Return VehicleAlerts with one alert."""
    message = vehicle_alert.VehicleAlerts()
    message.created_at.FromNanoseconds(round(time.time() * 1e9))
    alert = message.alerts.add(name=name, audiences=[vehicle_alert.Customer])
    for which, moment in times.items():
        getattr(alert, which).FromNanoseconds(round(moment * 1e9))
    return message.SerializeToString()


def errors(name: str = "unsupported_field", **tags: str) -> bytes:
    """Return VehicleErrors with one error."""
    message = vehicle_error.VehicleErrors()
    message.errors.add(name=name, body="body", tags=tags)
    return message.SerializeToString()


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)


def frame_on_the_wire(data: bytes, opcode: int = 2) -> bytes:
    """Return a masked WebSocket frame (the mask of zeros leaves the data as it is)."""
    if len(data) < 126:
        length = struct.pack("!B", 0x80 | len(data))
    elif len(data) < 65_536:
        length = struct.pack("!BH", 0x80 | 126, len(data))
    else:
        length = struct.pack("!BQ", 0x80 | 127, len(data))
    return bytes([0x80 | opcode]) + length + bytes(4) + data
