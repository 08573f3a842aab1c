"""The FlatBuffers envelope around every message, written and read without generated code.

Layout: fleet-telemetry messages/tesla (slots 0 txid, 1 topic, 2 message_type, 3 message,
4 message_id; union 4 is Stream, 5 is StreamAck).
"""

from dataclasses import dataclass
import struct

STREAM, STREAM_ACK = 4, 5
MAX_REPLY = 64 * 1024
#: What Tesla's server says of a message that it cannot read.
MALFORMED = b"incorrect message format"


class NotAnEnvelope(ValueError):
    """The bytes are no envelope."""


class _Builder:
    """Builds a buffer from its end to its beginning, as FlatBuffers does."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def put(self, data: bytes) -> int:
        """Put bytes in front; returns their distance from the end of the buffer."""
        self._parts.append(data)
        self.size += len(data)
        return self.size

    def text(self, data: bytes) -> int:
        """Put a byte vector in front, terminated by a zero that its length does not count."""
        self.put(bytes(1 + -(self.size + len(data) + 1) % 4))
        self.put(data)
        return self.put(struct.pack("<I", len(data)))

    def bytes(self) -> bytes:
        return b"".join(reversed(self._parts))


def stream_frame(
    *,
    txid: bytes,
    topic: bytes,
    payload: bytes,
    created_at: int,
    sender_id: bytes,
    device_type: bytes,
    device_id: bytes,
    message_id: bytes,
    message_type: int = STREAM,
) -> bytes:
    """Return a whole frame. `created_at` in unix seconds; another `message_type` makes nonsense."""
    build = _Builder()
    sender = build.text(sender_id)
    body = build.text(payload)
    kind = build.text(device_type)
    device = build.text(device_id)
    # Both tables have 24 bytes; a reference counts from where it stands to what it points at.
    end = build.size + 24
    stream = build.put(
        struct.pack(
            "<iIIIII",
            14,
            end - 4 - device,
            end - 8 - kind,
            end - 12 - body,
            created_at,
            end - 20 - sender,
        )
    )
    build.put(struct.pack("<7H", 14, 24, 16, 20, 12, 8, 4))
    transaction, about = build.text(txid), build.text(topic)
    message = build.text(message_id)
    end = build.size + 24
    root = build.put(
        struct.pack(
            "<iII3xBII",
            14,
            end - 4 - message,
            end - 8 - stream,
            message_type,
            end - 16 - about,
            end - 20 - transaction,
        )
    )
    build.put(struct.pack("<7H", 14, 24, 20, 16, 15, 8, 4))
    build.put(bytes(-(build.size + 4) % 4))
    return struct.pack("<I", build.size + 4 - root) + build.bytes()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    message_type: int
    txid: bytes
    topic: bytes
    payload: bytes = b""  # of an error reply

    @property
    def is_refusal(self) -> bool:
        """Whether it is the error reply, which names no topic."""
        return (self.message_type, self.topic, self.payload) == (STREAM, b"", MALFORMED)


def read_reply(raw: bytes) -> Reply:
    """Read what a server sent. Raises NotAnEnvelope."""
    if len(raw) > MAX_REPLY:
        raise NotAnEnvelope("too long")
    try:
        root = struct.unpack_from("<I", raw, 0)[0]
        kind_at = _slot(raw, root, 2)
        kind = raw[kind_at] if kind_at else 0
        txid, topic = _vector(raw, root, 0), _vector(raw, root, 1)
        payload = b""
        if kind == STREAM and (at := _slot(raw, root, 3)):
            payload = _vector(raw, at + struct.unpack_from("<I", raw, at)[0], 2)
    except (struct.error, IndexError) as error:
        raise NotAnEnvelope("cut short") from error
    return Reply(kind, txid, topic, payload)


def _slot(raw: bytes, table: int, number: int) -> int:
    """Return where a field stands, 0 if it is absent."""
    vtable = table - struct.unpack_from("<i", raw, table)[0]
    if vtable < 0:
        raise NotAnEnvelope("a table without a vtable")
    if 4 + 2 * number >= struct.unpack_from("<H", raw, vtable)[0]:
        return 0
    offset: int = struct.unpack_from("<H", raw, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _vector(raw: bytes, table: int, number: int) -> bytes:
    at = _slot(raw, table, number)
    if not at:
        return b""
    start = at + struct.unpack_from("<I", raw, at)[0]
    length = struct.unpack_from("<I", raw, start)[0]
    data = raw[start + 4 : start + 4 + length]
    if len(data) != length:
        raise NotAnEnvelope("a vector that is cut short")
    return data
