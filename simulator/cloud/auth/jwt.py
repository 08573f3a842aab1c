"""JSON Web Tokens signed with ES256 (RFC 7515, RFC 7518 section 3.4), by hand."""

import base64
import binascii
import json
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

_ES256 = ec.ECDSA(hashes.SHA256())
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    # Python's decoder takes + and / beside the characters that stand for them, and padding that no token has.
    if not _BASE64URL.fullmatch(text):
        raise ValueError("base64url without padding is expected")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(raw) != text:
        raise ValueError("bits beyond the last byte")
    return raw


class Signer:
    """Makes and reads the tokens of the simulated sign-in service."""

    def __init__(self) -> None:
        """Make a key of its own: tokens of another simulator are foreign."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.kid = "simulator-1"

    def sign(self, claims: dict[str, object]) -> str:
        """Return the compact token for these claims."""
        header = {"alg": "ES256", "typ": "JWT", "kid": self.kid}
        signed = ".".join(
            _encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)
        )
        r, s = decode_dss_signature(self._key.sign(signed.encode(), _ES256))
        return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def read(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that this service signed, None for any other text.

        Says nothing about expiry or consent.
        """
        signed, _, signature = token.rpartition(".")
        try:
            raw = _decode(signature)
            if len(raw) != 64:
                return None
            der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:]))
            self._key.public_key().verify(der, signed.encode(), _ES256)
            claims = json.loads(_decode(signed.partition(".")[2]))
        except ValueError, binascii.Error, InvalidSignature:
            return None
        return claims if isinstance(claims, dict) else None

    def jwks(self) -> dict[str, object]:
        """Return the public half as a JSON Web Key Set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "use": "sig",
                    "alg": "ES256",
                    "kid": self.kid,
                    "x": _encode(numbers.x.to_bytes(32, "big")),
                    "y": _encode(numbers.y.to_bytes(32, "big")),
                }
            ]
        }
