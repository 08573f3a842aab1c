"""Tesla's OAuth scopes, and the claims of an access token.

Sources: developer.tesla.com, "Authentication: overview" and "Third-party tokens".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import jwt

from .endpoints import Region
from .errors import InvalidApiAnswer


class Scope(StrEnum):
    """The permissions that a charging integration can use."""

    OPENID = "openid"
    OFFLINE_ACCESS = "offline_access"
    VEHICLE_DEVICE_DATA = "vehicle_device_data"
    VEHICLE_CHARGING_CMDS = "vehicle_charging_cmds"
    VEHICLE_CMDS = "vehicle_cmds"
    VEHICLE_LOCATION = "vehicle_location"


REQUIRED_SCOPES = (
    Scope.OPENID,
    Scope.OFFLINE_ACCESS,
    Scope.VEHICLE_DEVICE_DATA,
    Scope.VEHICLE_CHARGING_CMDS,
)
"""The fewest scopes that charging needs."""
COMMAND_SCOPES = frozenset({Scope.VEHICLE_CMDS, Scope.VEHICLE_CHARGING_CMDS})
"""Either one allows charging commands."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The claims of an access token that the integration uses."""

    subject: str
    """`sub`: identifies the account; it never changes."""
    scopes: frozenset[str]
    """`scp`: the granted scopes, possibly fewer than requested."""
    region: Region | None
    """`ou_code`: the account's region, if it is a known one."""
    issued_at: int = 0
    """`iat`: Unix time by Tesla's clock, 0 if the token has none."""
    lasting: bool = True
    """Whether a refresh token came with it, as far as that is known."""

    @property
    def missing(self) -> tuple[Scope, ...]:
        """The required scopes that were not granted."""
        granted = set(self.scopes)
        if granted & COMMAND_SCOPES:
            granted.add(Scope.VEHICLE_CHARGING_CMDS)
        # offline_access and openid are visible in the answer itself, not always among the scopes
        if self.lasting:
            granted.add(Scope.OFFLINE_ACCESS)
        granted.add(Scope.OPENID)
        return tuple(scope for scope in REQUIRED_SCOPES if scope not in granted)


def read_claims(access_token: str) -> TokenClaims:
    """Return the claims of an access token.

    The signature is not checked: the token came from Tesla over TLS, and only Tesla has to trust it.
    Raises InvalidApiAnswer when it is not a token with these claims.
    """
    try:
        claims = jwt.decode(access_token, options={"verify_signature": False})
    except jwt.PyJWTError, ValueError, RecursionError:
        raise InvalidApiAnswer("the access token is not a JWT") from None
    subject, scopes, region = claims.get("sub"), claims.get("scp"), claims.get("ou_code")
    issued_at = claims.get("iat")
    if not isinstance(subject, str) or not subject:
        raise InvalidApiAnswer("the access token names no account")
    if isinstance(scopes, str):
        scopes = scopes.split()
    if not isinstance(scopes, list):
        scopes = []
    code = region.lower() if isinstance(region, str) else ""
    return TokenClaims(
        subject,
        frozenset(scope for scope in scopes if isinstance(scope, str)),
        Region(code) if code in Region else None,
        issued_at if isinstance(issued_at, int) and issued_at > 0 else 0,
    )


def read_sign_in(answer: Mapping[str, object]) -> TokenClaims:
    """Return the claims of a token service's answer to a sign-in.

    Without a refresh token the sign-in would end after eight hours: `missing` then contains offline_access.
    Raises InvalidApiAnswer.
    """
    claims = read_claims(str(answer.get("access_token", "")))
    return replace(claims, lasting=bool(answer.get("refresh_token")))
