"""The metadata string: the facts about a message in the form that both sides authenticate.

Type, length, value in ascending order of type; integers as four bytes big endian; closed by 0xFF
(vehicle-command, protocol.md, "Metadata serialization").
"""

from collections.abc import Mapping
from enum import IntEnum


class Tag(IntEnum):
    """Metadata types (`Signatures.Tag` in signatures.proto)."""

    SIGNATURE_TYPE = 0
    DOMAIN = 1
    PERSONALIZATION = 2
    EPOCH = 3
    EXPIRES_AT = 4
    COUNTER = 5
    CHALLENGE = 6
    FLAGS = 7
    REQUEST_HASH = 8
    FAULT = 9


END = b"\xff"


def serialize(items: Mapping[Tag, bytes | int]) -> bytes:
    """Return the metadata string of these items, in any order.

    An int becomes four bytes, except that signature type and domain are one byte each.
    Raises ValueError for a value of more than 255 bytes, OverflowError for an integer that does not fit.
    """
    parts: list[bytes] = []
    for tag in sorted(items):
        value = items[tag]
        if isinstance(value, int):
            value = value.to_bytes(1 if tag in {Tag.SIGNATURE_TYPE, Tag.DOMAIN} else 4)
        if len(value) > 255:
            raise ValueError(f"Metadata {tag.name} is longer than 255 bytes")
        parts.append(bytes((tag, len(value))) + value)
    return b"".join(parts) + END
