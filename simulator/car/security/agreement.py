"""Keys: P-256 points on the wire, the secret shared with a signer, and what is derived from it."""

from dataclasses import dataclass
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POINT_LENGTH = 65


class NotAPoint(ValueError):
    """The bytes are no uncompressed point of P-256."""


def load_point(encoded: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of an uncompressed point (65 bytes, 0x04 first); NotAPoint otherwise."""
    if len(encoded) != POINT_LENGTH or encoded[0] != 4:
        raise NotAPoint("not an uncompressed P-256 point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
    except ValueError as error:
        raise NotAPoint("the point is not on P-256") from error


def dump_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 65-byte uncompressed point of a public key."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """What one security domain shares with one signer (protocol.md, "Key Agreement")."""

    key: bytes
    """K: the first 16 bytes of SHA-1 over the ECDH x-coordinate."""

    @classmethod
    def agree(cls, private_key: ec.EllipticCurvePrivateKey, point: bytes) -> SharedSecret:
        """Agree with the owner of `point`; NotAPoint when it is none."""
        x_coordinate = private_key.exchange(ec.ECDH(), load_point(point))
        return cls(hashlib.sha1(x_coordinate, usedforsecurity=False).digest()[:16])

    def session_info_tag(self, message: bytes) -> bytes:
        """Return the tag that vouches for session info."""
        return self._tag(b"session info", message)

    def command_tag(self, message: bytes) -> bytes:
        """Return the tag that authorises a command."""
        return self._tag(b"authenticated command", message)

    def subkey(self, label: bytes) -> bytes:
        """Derive the key for one purpose."""
        return hmac.digest(self.key, label, "sha256")

    def _tag(self, label: bytes, message: bytes) -> bytes:
        return hmac.digest(self.subkey(label), message, "sha256")
