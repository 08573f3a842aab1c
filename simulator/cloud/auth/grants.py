"""Authorization codes, refresh tokens and access tokens: their life and death."""

from dataclasses import dataclass, field
from enum import StrEnum
import secrets
from typing import Any
from uuid import uuid4

from simulator.clock import SimulatedClock
from simulator.cloud.accounts import REGIONS, Account, Application, Region
from simulator.cloud.auth.jwt import Signer
from simulator.cloud.errors import TokenError

ACCESS_SECONDS = 8 * 3600
CODE_SECONDS = 120
REFRESH_SECONDS = 90 * 86400  # "3 months"
#: The most recently used refresh token goes on working for this long (announcement 2024-02-01).
GRACE_SECONDS = 24 * 3600


class Refusal(StrEnum):
    """Why an access token is not good, in the words of the Fleet API's 401."""

    GARBLED = "invalid bearer token"
    EXPIRED = "token expired (401)"
    REVOKED = "user revoked the consent"
    DEAD = "token revoked"


@dataclass(slots=True, eq=False)
class Grant:
    """One authorization of one application by one account: a lineage of refresh tokens."""

    application: Application
    account: Account
    scopes: frozenset[str]
    id: str = field(default_factory=lambda: uuid4().hex)
    current: str | None = None  # the refresh token that has not been used yet
    current_at: float = 0.0
    used: str | None = None  # the refresh token used last
    used_at: float = 0.0
    access_id: str = ""  # jti of the newest access token, the only live one
    access_used: bool = False  # whether a call to the API carried it
    end: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for."""

    grant: Grant
    redirect_uri: str
    nonce: str | None
    expires_at: float


class Grants:
    """Issues and judges every token."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Start without tokens; `base_url` is set once the server has its port."""
        self._clock = clock
        self.signer = Signer()
        self.base_url = ""
        self.requests = 0  # to the token service, whatever came of them
        self.waiting: set[int] = set()  # the numbers of those that are not carried out yet
        self.refreshes = 0  # carried out
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, Grant] = {}
        self._grants: dict[str, Grant] = {}

    @property
    def issuer(self) -> str:
        """The issuer written into tokens."""
        return f"{self.base_url}/auth/oauth2/v3"

    def regional(self, audience: str) -> Region | None:
        """Return the region whose base URL this is."""
        return next((r for r in REGIONS if audience == f"{self.base_url}/{r}"), None)

    def open(self, application: Application, account: Account, scopes: frozenset[str]) -> Grant:
        """Start a lineage of its own; earlier ones of the same pair stay as they are."""
        grant = Grant(application, account, scopes)
        self._grants[grant.id] = grant
        return grant

    def code(self, grant: Grant, redirect_uri: str, nonce: str | None) -> str:
        """Return a single-use code, prefixed with the account's region as Tesla does."""
        code = f"{grant.account.region.upper()}_{secrets.token_hex(32)}"
        expires_at = self._clock.now() + CODE_SECONDS
        self._codes[code] = Code(grant, redirect_uri, nonce, expires_at)
        return code

    def redeem(self, code: str, application: Application, redirect_uri: str) -> dict[str, object]:
        """Exchange a code; raises TokenError. A code is gone after its first try."""
        entry = self._codes.pop(code, None)
        if (
            entry is None
            or entry.grant.application is not application
            or entry.expires_at <= self._clock.now()
            or entry.grant.end is not None
        ):
            raise TokenError(400, "invalid_auth_code", "The authorization code is not valid")
        if entry.redirect_uri != redirect_uri:
            raise TokenError(
                400, "invalid_redirect_url", "The redirect URI is not the one of the authorization"
            )
        return self.issue(entry.grant, entry.nonce)

    def refresh(self, token: str, application: Application) -> dict[str, object]:
        """Exchange a refresh token; raises TokenError 401 login_required."""
        grant = self._refresh.get(token)
        now = self._clock.now()
        if grant is None or grant.application is not application or grant.end is not None:
            raise _login_required()
        if token == grant.current:
            if now >= grant.current_at + REFRESH_SECONDS:
                raise _login_required()
            grant.used, grant.used_at = token, now
        elif token != grant.used or now >= grant.used_at + GRACE_SECONDS:
            raise _login_required()
        self.refreshes += 1
        return self.issue(grant, None)

    def issue(self, grant: Grant, nonce: str | None) -> dict[str, object]:
        """Return a token answer; the former unused refresh token and access token die."""
        now = self._clock.now()
        account, application = grant.account, grant.application
        scopes = sorted(grant.scopes & account.consents.get(application.client_id, frozenset()))
        grant.access_id, grant.access_used = uuid4().hex, False
        claims: dict[str, object] = {
            "iss": self.issuer,
            "azp": application.client_id,
            "sub": account.sub,
            "aud": [*(f"{self.base_url}/{region}" for region in REGIONS), f"{self.base_url}/auth"],
            "scp": scopes,
            "amr": ["pwd"],
            "exp": int(now) + ACCESS_SECONDS,
            "iat": int(now),
            "ou_code": (account.token_region or account.region).upper(),
            "jti": grant.access_id,
            "grant": grant.id,
        }
        answer: dict[str, object] = {
            "access_token": self.signer.sign(claims),
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
        }
        if "openid" in scopes:
            answer["id_token"] = self._id_token(grant, nonce, int(now))
        if "offline_access" in scopes:
            token = f"{account.region.upper()}_{secrets.token_hex(32)}"
            grant.current, grant.current_at = token, now
            self._refresh[token] = grant
            answer["refresh_token"] = token
        return answer

    def _id_token(self, grant: Grant, nonce: str | None, now: int) -> str:
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": grant.application.client_id,
            "sub": grant.account.sub,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
        }
        return self.signer.sign(claims | ({"nonce": nonce} if nonce else {}))

    def partner(
        self, application: Application, region: Region, scopes: frozenset[str]
    ) -> dict[str, object]:
        """Return a partner token: subject is the application itself, one region only."""
        now = int(self._clock.now())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "azp": application.client_id,
            "sub": application.client_id,
            "aud": [f"{self.base_url}/{region}", f"{self.base_url}/auth"],
            "gty": "client-credentials",
            "scp": sorted(scopes),
            "exp": now + ACCESS_SECONDS,
            "iat": now,
            "ou_code": region.upper(),
            "jti": uuid4().hex,
        }
        token = self.signer.sign(claims)
        return {"access_token": token, "expires_in": ACCESS_SECONDS, "token_type": "Bearer"}

    def judge(self, claims: dict[str, Any]) -> Refusal | None:
        """Say why a token with these (genuine) claims is not good any more, None if it is."""
        if "jti" not in claims or "scp" not in claims:
            return Refusal.GARBLED  # an id token
        if claims["exp"] <= self._clock.now():
            return Refusal.EXPIRED
        if "grant" not in claims:
            return None
        grant = self._grants[claims["grant"]]
        if grant.end is not None:
            return grant.end
        if grant.application.client_id not in grant.account.consents:
            return Refusal.REVOKED
        # A new refresh token invalidates the former access tokens (policy of 2024-02-01).
        if claims["jti"] != grant.access_id:
            return Refusal.GARBLED
        grant.access_used = True
        return None

    def end(
        self, account: Account, application: Application | None = None, *, why: Refusal
    ) -> None:
        """End all lineages of an account (with one application)."""
        for grant in self._grants.values():
            if grant.account is account and application in {None, grant.application}:
                grant.end = grant.end or why


def _login_required() -> TokenError:
    return TokenError(401, "login_required", "The refresh_token is invalid")
