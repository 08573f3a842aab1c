"""Tesla.SS256: the signature of a telemetry configuration, and the token that contains both.

A Schnorr signature over NIST P-256 as in RFC 8235, with the deterministic nonce of RFC 6979 (vehicle-command,
`internal/schnorr`, `internal/authentication/jwt.go`, `pkg/sign`). The token is a compact JWS whose claims are the
configuration itself.
"""

import base64
import binascii
from collections.abc import Mapping
import hashlib
import hmac
import json
import re
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..errors import TokenError
from .p256 import GENERATOR, ORDER, SCALAR_LENGTH, combine, decode_point, encode_point

ALGORITHM: Final = "Tesla.SS256"
TELEMETRY_AUDIENCE: Final = "com.tesla.fleet.TelemetryClient"
SIGNATURE_LENGTH: Final = 3 * SCALAR_LENGTH
"""x and y of the public nonce, then the response, each 32 bytes big endian."""
MAX_TOKEN_LENGTH: Final = 131_072
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return the 96-byte signature of a message. Raises TokenError for a key that is not on P-256."""
    secret = _scalar(key)
    nonce = _nonce(secret, message)
    # the library does the curve arithmetic on secrets, in constant time
    public_nonce = _public_bytes(ec.derive_private_key(nonce, ec.SECP256R1()))
    challenge = _challenge(public_nonce, _public_bytes(key), message)
    response = (nonce - secret * challenge) % ORDER
    return public_nonce[1:] + response.to_bytes(SCALAR_LENGTH, "big")


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature of the message is valid for the public key (65 bytes, uncompressed)."""
    signer, public_nonce = decode_point(public_key), decode_point(b"\x04" + signature[:64])
    if signer is None or public_nonce is None or len(signature) != SIGNATURE_LENGTH:
        return False
    response = int.from_bytes(signature[64:], "big")
    if response >= ORDER:
        return False
    challenge = _challenge(b"\x04" + signature[:64], public_key, message)
    return combine((challenge, signer), (response, GENERATOR)) == public_nonce


def sign_token(
    claims: Mapping[str, Any],
    key: ec.EllipticCurvePrivateKey,
    audience: str = TELEMETRY_AUDIENCE,
) -> str:
    """Return the claims as a signed token, `iss` (the key) and `aud` set. Raises TokenError.

    Names are sorted and there are no spaces, as in Tesla's Go code; any other form would be valid too.
    """
    issuer = base64.b64encode(_public_bytes(key)).decode("ascii")
    body = _encode({**claims, "iss": issuer, "aud": audience})
    message = f"{_encode({'alg': ALGORITHM, 'typ': 'JWT'})}.{body}"
    return f"{message}.{_base64url(sign(key, message.encode('ascii')))}"


def read_token(token: str, audience: str = TELEMETRY_AUDIENCE) -> dict[str, Any]:
    """Return the claims of a token whose signature is valid for the key in `iss`.

    The caller has to check whose key that is. Raises TokenError.
    """
    parts = token.split(".")
    if len(token) > MAX_TOKEN_LENGTH or len(parts) != 3 or not token.isascii():
        raise TokenError("not a compact token")
    header, claims = _decode(parts[0]), _decode(parts[1])
    if header.get("alg") != ALGORITHM:
        raise TokenError("the token is signed in another way")
    if claims.get("aud") != audience:
        raise TokenError("the token is for somebody else")
    try:
        public_key = base64.b64decode(str(claims.get("iss")), validate=True)
    except binascii.Error, ValueError:
        raise TokenError("the token does not name its key") from None
    message = f"{parts[0]}.{parts[1]}".encode("ascii")
    if not verify(public_key, message, _from_base64url(parts[2])):
        raise TokenError("the token's signature does not hold")
    return claims


def _nonce(secret: int, message: bytes) -> int:
    """Return the nonce for a message (RFC 6979, section 3.2, with SHA-256)."""
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big") % ORDER
    seed = secret.to_bytes(SCALAR_LENGTH, "big") + digest.to_bytes(SCALAR_LENGTH, "big")
    key, value = bytes(32), b"\x01" * 32
    for step in (b"\x00" + seed, b"\x01" + seed):
        key = hmac.digest(key, value + step, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        candidate = int.from_bytes(value, "big")
        if 0 < candidate < ORDER:
            return candidate
        key = hmac.digest(key, value + b"\x00", "sha256")
        value = hmac.digest(key, value, "sha256")


def _challenge(public_nonce: bytes, public_key: bytes, message: bytes) -> int:
    hashed = hashlib.sha256()
    for item in (encode_point(GENERATOR), public_nonce, public_key, message):
        hashed.update(len(item).to_bytes(4, "big") + item)
    return int.from_bytes(hashed.digest(), "big")


def _scalar(key: ec.EllipticCurvePrivateKey) -> int:
    if not isinstance(key.curve, ec.SECP256R1):
        raise TokenError("Tesla accepts only keys on prime256v1 (NIST P-256)")
    return key.private_numbers().private_value


def _public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _encode(value: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":"), sort_keys=True).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_base64url(text: str) -> bytes:
    """Return the bytes of a token's part. Raises TokenError for the other alphabet (`+`, `/`) and for padding.

    Tesla's Go code refuses both; Python's decoder would accept `+` and `/` beside `-` and `_`.
    """
    if _BASE64URL.fullmatch(text) is None:
        raise TokenError("the token is not in base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise TokenError("the token is not in base64url") from None


def _decode(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_from_base64url(text))
    except ValueError, RecursionError:
        raise TokenError("the token is not JSON") from None
    if not isinstance(value, dict):
        raise TokenError("the token is not a JSON object")
    return value
