"""Answers of a car that were altered on their way, and the record of a session."""

from collections.abc import Callable

from tesla_protocol.command import signatures_pb2 as signatures, universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import VirtualKey


def changed(change: Callable[[universal.RoutableMessage], None]) -> Callable[[bytes], bytes]:
    """Return a function that alters an answer on its way."""

    def tamper(raw: bytes) -> bytes:
        message = universal.RoutableMessage()
        message.ParseFromString(raw)
        change(message)
        return message.SerializeToString()

    return tamper


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda raw: b"",
    "noise": lambda raw: b"\xff" * 64,
    "half": lambda raw: raw[: len(raw) // 2],
    "megabytes": lambda raw: b"\x00" * 2_000_000,
    "other domain": changed(lambda m: setattr(m.from_destination, "domain", 2)),
    "no domain": changed(lambda m: m.ClearField("from_destination")),
    "other address": changed(lambda m: setattr(m.to_destination, "routing_address", b"\x01" * 16)),
    "other request": changed(lambda m: setattr(m, "request_uuid", b"\x02" * 16)),
    "no request": changed(lambda m: m.ClearField("request_uuid")),
    "altered payload": changed(
        lambda m: setattr(m, "protobuf_message_as_bytes", b"\x00" + m.protobuf_message_as_bytes[1:])
    ),
    "altered flags": changed(lambda m: setattr(m, "flags", m.flags ^ 8)),
    "altered counter": changed(
        lambda m: setattr(m.signature_data.AES_GCM_Response_data, "counter", 77)
    ),
    "short nonce": changed(
        lambda m: setattr(m.signature_data.AES_GCM_Response_data, "nonce", b"\x00" * 3)
    ),
    "long tag": changed(
        lambda m: setattr(m.signature_data.AES_GCM_Response_data, "tag", b"\x00" * 99)
    ),
    "session info instead": changed(
        lambda m: m.MergeFrom(universal.RoutableMessage(session_info=b"x"))
    ),
}


def session_info_changed(
    change: Callable[[signatures.SessionInfo], None],
) -> Callable[[bytes], bytes]:
    def alter(message: universal.RoutableMessage) -> None:
        info = signatures.SessionInfo()
        info.ParseFromString(message.session_info)
        change(info)
        message.session_info = info.SerializeToString()

    return changed(alter)


GOOD = {
    "vehicle_public_key": VirtualKey.generate().public_key.hex(),
    "epoch": "00" * 16,
    "counter": 1,
    "clock_time": 2,
    "captured_at": 3.0,
}


def says(number: int) -> Callable[[bytes], bytes]:
    """Return a function that makes a car say this operation status, and nothing else."""

    def alter(message: universal.RoutableMessage) -> None:
        message.ClearField("signature_data")
        message.ClearField("protobuf_message_as_bytes")
        message.ClearField("session_info")
        message.signedMessageStatus.operation_status = number  # type: ignore[assignment]  # an open enum

    return changed(alter)


BUSY = says(universal.OPERATIONSTATUS_WAIT)
