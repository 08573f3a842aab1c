"""The virtual key: the P-256 key pair that the owner pairs with the car."""

import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .errors import InvalidKey

PUBLIC_KEY_LENGTH = 65
"""Bytes of an uncompressed point: 0x04, x, y."""
SHARED_KEY_LENGTH = 16
MAX_PEM_LENGTH = 8192


def public_point(pem: bytes) -> bytes:
    """Return the uncompressed point of a public key in the form that Tesla requires.

    That is PEM SubjectPublicKeyInfo without any other text. Raises InvalidKey.
    """
    text = pem[: MAX_PEM_LENGTH + 1].strip()
    if not text.startswith(b"-----BEGIN PUBLIC KEY-----") or len(text) > MAX_PEM_LENGTH:
        raise InvalidKey("This is not a public key in PEM form.")
    try:
        key = serialization.load_pem_public_key(text)
    except ValueError, UnsupportedAlgorithm:
        raise InvalidKey("This is not a public key in PEM form.") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKey("Tesla accepts only public keys on prime256v1 (NIST P-256).")
    return _point(key)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


class VirtualKey:
    """A private key on NIST P-256, and the values that the protocol derives from it."""

    __slots__ = ("_private_key", "public_key")

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        """Wrap a private key.

        Raises InvalidKey for a curve other than P-256.
        """
        if not isinstance(private_key.curve, ec.SECP256R1):
            raise InvalidKey(
                f"The key is on the curve {private_key.curve.name}; Tesla accepts only prime256v1 (NIST P-256)."
            )
        self._private_key = private_key
        self.public_key = _point(private_key.public_key())

    def __repr__(self) -> str:
        """Return the fingerprint, never the key."""
        return f"<VirtualKey {self.fingerprint}>"

    @classmethod
    def generate(cls) -> VirtualKey:
        """Return a new random key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> VirtualKey:
        """Read a private key from PEM text: PKCS#8 ("PRIVATE KEY") or SEC1 ("EC PRIVATE KEY").

        Raises InvalidKey, with a text that never repeats the input.
        """
        data = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
        if len(data) > MAX_PEM_LENGTH:
            raise InvalidKey("The text is too long to be a private key.", "not_pem")
        if b"PRIVATE KEY" not in data and b"PUBLIC KEY" in data:
            raise InvalidKey(
                "This is the public half of a key; the private key is needed.", "public_half"
            )
        try:
            key = serialization.load_pem_private_key(data, password=None)
        except TypeError:
            raise InvalidKey(
                "The key is protected by a password; store it without one.", "password"
            ) from None
        except ValueError:
            raise InvalidKey("The text is not a private key in PEM form.", "not_pem") from None
        except UnsupportedAlgorithm:
            raise InvalidKey("The key is of a kind that is not supported.") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise InvalidKey("The key is not an elliptic-curve key; Tesla accepts only prime256v1.")
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> VirtualKey:
        """Read a key file (blocking). Raises InvalidKey, or OSError when the file cannot be read."""
        with path.open("rb") as file:
            return cls.from_pem(file.read(MAX_PEM_LENGTH + 1))

    def private_pem(self) -> bytes:
        """Return the private key as PKCS#8 PEM: only for the key file."""
        return self._private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def public_pem(self) -> str:
        """The public key as PEM SubjectPublicKeyInfo: the file that Tesla downloads from the domain."""
        return (
            self._private_key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode("ascii")
        )

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the SHA-256 of the public point, for users to compare."""
        return hashlib.sha256(self.public_key).hexdigest()[:16]

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The private key, for other signatures (telemetry configurations)."""
        return self._private_key

    def shared_key(self, vehicle_public_key: bytes) -> bytes:
        """Return the 16-byte key shared with one of a car's domains.

        K = SHA-1(ECDH x-coordinate, 32 bytes big endian)[:16] (vehicle-command, protocol.md, "Key Agreement").
        Raises InvalidKey when the bytes are not an uncompressed point on P-256.
        """
        if len(vehicle_public_key) != PUBLIC_KEY_LENGTH:
            raise InvalidKey("A vehicle's public key has 65 bytes.")
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), vehicle_public_key)
        except ValueError:
            raise InvalidKey("The vehicle's public key is not a point on P-256.") from None
        secret = self._private_key.exchange(ec.ECDH(), peer)
        # SHA-1 is the protocol's own choice of key derivation, not a signature
        return hashlib.sha1(secret, usedforsecurity=False).digest()[:SHARED_KEY_LENGTH]
