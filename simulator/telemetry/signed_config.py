"""Reads the signed configuration: a compact JWS with Tesla's own algorithm."""

import base64
import binascii
from dataclasses import dataclass
import json
import re
from typing import Any

from simulator.telemetry import schnorr

ALGORITHM = "Tesla.SS256"
AUDIENCE = "com.tesla.fleet.TelemetryClient"

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class TokenRefused(Exception):
    """The token is not one that any car would follow; the text says why."""


@dataclass(frozen=True, slots=True)
class SignedConfig:
    """A configuration and the key that verifiably signed it."""

    public_key: bytes  # 65 bytes, uncompressed point
    claims: dict[str, Any]  # without iss and aud


def read_token(token: str) -> SignedConfig:
    """Check a token's form, audience and signature. Raises TokenRefused.

    The key is the token's own `iss` (standard base64 of the point): whether it may speak for an
    application is the caller's question. Source: vehicle-command, internal/authentication/jwt.go.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused("not a compact JWS")
    header, claims = _object(parts[0]), _object(parts[1])
    if header.get("alg") != ALGORITHM or header.get("typ") != "JWT":
        raise TokenRefused(f"the algorithm must be {ALGORITHM}")
    if claims.pop("aud", None) != AUDIENCE:
        raise TokenRefused(f"the audience must be {AUDIENCE}")
    issuer = claims.pop("iss", None)
    try:
        key = base64.b64decode(issuer, validate=True) if isinstance(issuer, str) else b""
    except (ValueError, binascii.Error) as error:
        raise TokenRefused("iss is not base64") from error
    message = f"{parts[0]}.{parts[1]}".encode()
    if not schnorr.verify(key, message, _unpadded(parts[2])):
        raise TokenRefused("the signature does not verify")
    return SignedConfig(key, claims)


def _unpadded(text: str) -> bytes:
    # Python's decoder takes + and / beside the characters that stand for them.
    if not _BASE64URL.fullmatch(text):
        raise TokenRefused("base64url without padding is expected")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise TokenRefused("not base64url") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_unpadded(part).decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TokenRefused("not JSON") from error
    if not isinstance(value, dict):
        raise TokenRefused("not a JSON object")
    return value
