"""Frames: byte for byte what Tesla's server and cars write, and nothing that hurts."""

import struct

import pytest

from custom_components.tesla_charging.fleet_telemetry.envelope import (
    ERROR_TEXT,
    MAX_FRAME_LENGTH,
    MAX_ID_LENGTH,
    STREAM,
    STREAM_ACK,
    acknowledgement,
    read_envelope,
    refusal,
)
from custom_components.tesla_charging.fleet_telemetry.errors import EnvelopeError

from .frames import (
    GO_ACK,
    GO_ACK_WITH_MESSAGE_ID,
    GOLDEN_STREAM,
    MINIMAL_ACK,
    envelope,
    library,
    stream,
)


def test_the_golden_frame_is_read() -> None:
    read = read_envelope(GOLDEN_STREAM)
    assert (read.txid, read.topic, read.message_id) == (b"txid-0001", b"V", b"msg-0001")
    assert read.message_type == STREAM
    assert read.stream is not None
    assert read.stream.created_at == 1_700_000_000
    assert read.stream.sender_id == b"vehicle_device.5YJ3E1EA7JF000001"
    assert read.stream.payload == bytes.fromhex("08011002")
    assert read.stream.device_type == b"vehicle_device"
    assert read.stream.device_id == b"5YJ3E1EA7JF000001"


def test_the_tests_write_frames_as_tesla_does() -> None:
    assert stream(bytes.fromhex("08011002")) == GOLDEN_STREAM


def test_acknowledgements_are_teslas_bytes() -> None:
    assert acknowledgement(b"txid-0001", b"V") == GO_ACK
    assert acknowledgement(b"txid-0001", b"V", b"msg-0001") == GO_ACK_WITH_MESSAGE_ID


@pytest.mark.parametrize("length", range(40))
def test_answers_to_any_transaction_id_are_what_the_library_would_write(length: int) -> None:
    txid = b"0123456789abcdefghijklmnopqrstuvwxyzABCD"[:length]
    for topic in (b"", b"V", b"alerts", b"errors"):
        builder = library()
        empty = builder.CreateString(b"")
        assert acknowledgement(txid, topic) == envelope(
            builder, txid, topic, b"", STREAM_ACK, empty
        )
    expected = stream(
        ERROR_TEXT,
        txid=txid,
        topic=b"",
        sender=b"",
        device_id=b"",
        device_type=b"",
        message_id=b"",
        created_at=0,
    )
    assert refusal(txid) == expected


@pytest.mark.parametrize("frame", [GO_ACK, GO_ACK_WITH_MESSAGE_ID, MINIMAL_ACK])
def test_other_messages_than_streams_are_envelopes_too(frame: bytes) -> None:
    read = read_envelope(frame)
    assert (read.txid, read.topic, read.message_type) == (b"txid-0001", b"V", STREAM_ACK)
    assert read.stream is None


def test_a_field_that_this_server_does_not_know_is_passed_over() -> None:
    read = read_envelope(stream(b"payload", delivered_at_ms=1_700_000_000_123))
    assert read.stream is not None
    assert read.stream.payload == b"payload"


def test_absent_fields_are_empty() -> None:
    builder = library()
    builder.StartObject(0)
    message = builder.EndObject()
    builder.StartObject(5)
    builder.PrependUint8Slot(2, STREAM, 0)
    builder.PrependUOffsetTRelativeSlot(3, message, 0)
    builder.Finish(builder.EndObject())
    read = read_envelope(bytes(builder.Output()))
    assert (read.txid, read.topic, read.message_id) == (b"", b"", b"")
    assert read.stream is not None
    assert (read.stream.created_at, read.stream.payload) == (0, b"")


def test_a_stream_without_a_message_is_none() -> None:
    builder = library()
    builder.StartObject(5)
    builder.PrependUint8Slot(2, STREAM, 0)
    builder.Finish(builder.EndObject())
    with pytest.raises(EnvelopeError):
        read_envelope(bytes(builder.Output()))


@pytest.mark.parametrize("length", range(len(GOLDEN_STREAM) - 4))
def test_every_truncation_is_noticed(length: int) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(GOLDEN_STREAM[:length])


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0" * 64,
        b"\xff" * 64,
        struct.pack("<Ii", 4, 0x7FFFFFFF) + bytes(64),  # a description long before the frame
        struct.pack("<Ii", 4, -0x80000000) + bytes(64),  # and one long after it
        struct.pack("<IiHH", 4, -4, 2, 4) + bytes(64),  # one that is shorter than itself
        struct.pack("<I", 0xFFFFFFFF) + bytes(64),
    ],
)
def test_offsets_out_of_the_frame_are_noticed(frame: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(frame)


def test_a_frame_may_be_a_million_bytes_and_no_more() -> None:
    """The limit is that of Tesla's server, on the whole frame: a payload may fill what its envelope leaves."""
    around = len(stream(b"")) + 4  # room for the padding of another length
    read = read_envelope(stream(bytes(MAX_FRAME_LENGTH - around)))
    assert read.stream is not None
    assert len(read.stream.payload) == MAX_FRAME_LENGTH - around
    assert MAX_FRAME_LENGTH == 1_000_000
    assert read_envelope(GOLDEN_STREAM + bytes(MAX_FRAME_LENGTH - len(GOLDEN_STREAM)))
    for too_large in (
        GOLDEN_STREAM + bytes(MAX_FRAME_LENGTH - len(GOLDEN_STREAM) + 1),
        stream(bytes(MAX_FRAME_LENGTH)),
    ):
        with pytest.raises(EnvelopeError):
            read_envelope(too_large)


@pytest.mark.parametrize("which", ["txid", "topic", "sender", "device_id", "message_id"])
def test_what_is_echoed_or_compared_is_short(which: str) -> None:
    assert read_envelope(stream(b"", **{which: b"x" * MAX_ID_LENGTH}))  # type: ignore[arg-type]  # a bytes one
    with pytest.raises(EnvelopeError):
        read_envelope(stream(b"", **{which: b"x" * (MAX_ID_LENGTH + 1)}))  # type: ignore[arg-type]  # as above
