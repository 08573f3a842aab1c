"""The envelope around every message between a car and its server: FlatBuffers, decoded without a library.

Layouts: fleet-telemetry (`messages/tesla`, `messages/stream_message.go`, `messages/stream_ack_message.go`). Vectors are
copied as slices, not byte by byte. Every offset is checked, so invalid bytes raise no other error than EnvelopeError.
"""

from dataclasses import dataclass
import struct
from typing import Final

from .errors import EnvelopeError

STREAM: Final = 4
"""Union tag of a message with a record in it."""
STREAM_ACK: Final = 5
"""Union tag of an acknowledgement."""
MAX_FRAME_LENGTH: Final = 1_000_000
"""Bytes of a whole frame; Tesla's server answers a larger one with an error too (`telemetry/record.go`)."""
MAX_ID_LENGTH: Final = 256
"""Bytes of a transaction id, topic or other name; limited because the answer repeats them."""
ERROR_TEXT: Final = b"incorrect message format"

_U32: Final = struct.Struct("<I")
_u32: Final = _U32.unpack_from
_i32: Final = struct.Struct("<i").unpack_from
_FIELDS: Final = 5
"""The number of fields that are read of each table; the vectors of both are among the first five."""
_VTABLES: Final = {
    words: (struct.Struct(f"<4x{words - 2}H").unpack_from, [0] * (2 + _FIELDS - words))
    for words in range(2, 3 + _FIELDS)
}
"""By number of 16-bit words in a vtable: the function that reads its fields, and zeros for the absent ones."""
_HEAD: Final = struct.Struct("<I2x7HiII3xBII")
_STREAM: Final = struct.Struct("<7Hi4I")


@dataclass(frozen=True, slots=True)
class Stream:
    """A message of the car: one record as protobuf."""

    created_at: int
    """Unix seconds, 0 if the message has no time."""
    sender_id: bytes
    payload: bytes
    device_type: bytes
    device_id: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """The content of one WebSocket message."""

    txid: bytes
    topic: bytes
    message_id: bytes
    message_type: int
    stream: Stream | None
    """None for every type of message but STREAM."""


def read_envelope(frame: bytes) -> Envelope:
    """Read a frame. Raises EnvelopeError for anything that is outside of the frame or the limits."""
    if len(frame) > MAX_FRAME_LENGTH:
        raise EnvelopeError("the frame is too large")
    txid = b""
    try:
        txid_at, topic, type_at, message_at, message_id = _table(frame, _u32(frame)[0])
        txid = _vector(frame, txid_at, MAX_ID_LENGTH)
        message_type = frame[type_at] if type_at else 0
        stream = None
        if message_type == STREAM:
            stream = _stream(frame, message_at)
        return Envelope(
            txid,
            _vector(frame, topic, MAX_ID_LENGTH),
            _vector(frame, message_id, MAX_ID_LENGTH),
            message_type,
            stream,
        )
    except (struct.error, IndexError, EnvelopeError) as err:
        failure = (
            err
            if isinstance(err, EnvelopeError)
            else EnvelopeError("an offset leads out of the frame")
        )
        failure.txid = txid
        raise failure from None


def _stream(frame: bytes, position: int) -> Stream:
    if not position:
        raise EnvelopeError("the message is missing")
    created_at, sender_id, payload, device_type, device_id = _table(
        frame, position + _u32(frame, position)[0]
    )
    return Stream(
        _u32(frame, created_at)[0] if created_at else 0,
        _vector(frame, sender_id, MAX_ID_LENGTH),
        _vector(frame, payload, MAX_FRAME_LENGTH),
        _vector(frame, device_type, MAX_ID_LENGTH),
        _vector(frame, device_id, MAX_ID_LENGTH),
    )


def _table(frame: bytes, position: int) -> list[int]:
    """Return the positions of a table's first five fields in the frame, 0 for an absent field."""
    vtable = position - _i32(frame, position)[0]
    # unpack_from counts a negative offset from the end, so it has to be refused here
    if vtable < 0:
        raise EnvelopeError("a table has its description before the frame")
    words = min((frame[vtable] | frame[vtable + 1] << 8) >> 1, 2 + _FIELDS)
    if words < 2:
        raise EnvelopeError("a table's description is too short")
    read, absent = _VTABLES[words]
    return [position + field if field else 0 for field in read(frame, vtable)] + absent


def _vector(frame: bytes, position: int, limit: int) -> bytes:
    """Return the bytes of the vector whose offset is at `position`; empty for an absent field."""
    if not position:
        return b""
    start = position + _u32(frame, position)[0]
    length = _u32(frame, start)[0]
    if length > limit:
        raise EnvelopeError("a vector is too long")
    end = start + 4 + length
    if end > len(frame):
        raise EnvelopeError("a vector ends after the frame")
    return frame[start + 4 : end]


def acknowledgement(txid: bytes, topic: bytes, message_id: bytes = b"") -> bytes:
    """Return the frame that acknowledges a message, identical to that of Tesla's server.

    The car matches it by transaction id; Tesla leaves `message_id` empty (`messages/stream_ack_message.go`).
    """
    names = (_string(message_id), _string(topic), _string(txid))
    return _envelope(STREAM_ACK, names, 0) + _string(b"")


def refusal(txid: bytes) -> bytes:
    """Return the frame with which a message that could not be decoded is answered (`telemetry/serializer.go`)."""
    empty, text = _string(b""), _string(ERROR_TEXT)
    # a table has to begin at a multiple of four, directly after its vtable of 14 bytes
    last = _U32.pack(len(txid)) + txid + bytes(1 + (1 - len(txid)) % 4)
    table = _STREAM.pack(
        *(14, 20, 0, 16, 12, 8, 4, 14),
        16,
        12 + len(empty),
        8 + 2 * len(empty),
        4 + 2 * len(empty) + len(text),
    )
    envelope = _envelope(STREAM, (empty, empty, last), 14)
    return envelope + table + 2 * empty + text + empty


def _envelope(message_type: int, names: tuple[bytes, bytes, bytes], message_at: int) -> bytes:
    """Return an envelope; its message begins `message_at` bytes after it.

    `names` are message_id, topic and txid as FlatBuffers strings. The numbers before the offsets are sizes and positions
    of FlatBuffers.
    """
    message_id, topic, txid = names
    head = _HEAD.pack(
        20,
        *(14, 24, 20, 16, 15, 8, 4, 14),
        20,
        16 + len(message_id) + len(topic) + len(txid) + message_at,
        message_type,
        8 + len(message_id),
        4 + len(message_id) + len(topic),
    )
    return head + message_id + topic + txid


def _string(text: bytes) -> bytes:
    """Return a FlatBuffers string: length, bytes, and at least one zero up to a multiple of four."""
    return _U32.pack(len(text)) + text + bytes(4 - len(text) % 4)
