"""The canonical string of metadata that every tag and every ciphertext is bound to.

Layout as in "Metadata serialization" of Tesla's protocol.md: one byte tag, one byte length, value; tags
ascending; closed by 0xFF.
"""

from collections.abc import Mapping

from tesla_protocol.command.signatures_pb2 import SignatureType, Tag

END = b"\xff"


def serialize(items: Mapping[int, bytes | int]) -> bytes:
    """Return the metadata string of `items`; integers become four bytes, most significant first."""
    parts: list[bytes] = []
    for tag, value in sorted(items.items()):
        encoded = value.to_bytes(4) if isinstance(value, int) else value
        if len(encoded) > 255:
            raise ValueError(f"metadata value of tag {tag} is longer than 255 bytes")
        parts.append(bytes((tag, len(encoded))) + encoded)
    return b"".join(parts) + END


def session_info_metadata(vin: str, challenge: bytes) -> bytes:
    """What a session info tag covers before the session info itself."""
    return serialize(
        {
            Tag.TAG_SIGNATURE_TYPE: bytes((SignatureType.SIGNATURE_TYPE_HMAC,)),
            Tag.TAG_PERSONALIZATION: vin.encode(),
            Tag.TAG_CHALLENGE: challenge,
        }
    )


def command_metadata(
    signature_type: int,
    domain: int,
    vin: str,
    *,
    epoch: bytes,
    expires_at: int,
    counter: int,
    flags: int,
) -> bytes:
    """What a command's tag covers before its payload; flags take part only when any is set."""
    items: dict[int, bytes | int] = {
        Tag.TAG_SIGNATURE_TYPE: bytes((signature_type,)),
        Tag.TAG_DOMAIN: bytes((domain,)),
        Tag.TAG_PERSONALIZATION: vin.encode(),
        Tag.TAG_EPOCH: epoch,
        Tag.TAG_EXPIRES_AT: expires_at,
        Tag.TAG_COUNTER: counter,
    }
    if flags:
        items[Tag.TAG_FLAGS] = flags
    return serialize(items)


def response_metadata(
    domain: int, vin: str, *, counter: int, flags: int, request_hash: bytes, fault: int
) -> bytes:
    """What an encrypted response is bound to; its flags always take part."""
    return serialize(
        {
            Tag.TAG_SIGNATURE_TYPE: bytes((SignatureType.SIGNATURE_TYPE_AES_GCM_RESPONSE,)),
            Tag.TAG_DOMAIN: bytes((domain,)),
            Tag.TAG_PERSONALIZATION: vin.encode(),
            Tag.TAG_COUNTER: counter,
            Tag.TAG_FLAGS: flags,
            Tag.TAG_REQUEST_HASH: request_hash,
            Tag.TAG_FAULT: fault,
        }
    )
