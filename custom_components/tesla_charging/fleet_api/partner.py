"""The partner account: the requests that an application sends with its own token.

Sources: developer.tesla.com, "Partner tokens" and "Partner endpoints".
"""

from collections.abc import Callable

from aiohttp import ClientSession

from .client import FleetApiClient, expect
from .endpoints import Endpoints, Region
from .errors import FleetApiError, InvalidApiAnswer, InvalidClient
from .operations import PARTNER_ACCOUNTS, PARTNER_PUBLIC_KEY
from .token_service import request_token


class PartnerAccount:
    """One application in one region, authorised by its client id and secret."""

    def __init__(
        self,
        session: ClientSession,
        endpoints: Endpoints,
        region: Region,
        client_id: str,
        client_secret: str,
        *,
        now: Callable[[], float],
    ) -> None:

        self._session = session
        self._endpoints = endpoints
        self._base_url = endpoints.regions[region]
        self._client_id = client_id
        self._client_secret = client_secret
        self._token: str | None = None
        self._client = FleetApiClient(session, self, endpoints, self._base_url, now=now)

    async def register(self, domain: str) -> bytes:
        """Register a domain, or register it again; return the public key that Tesla fetched from it.

        The key is an uncompressed P-256 point. Tesla downloads the PEM file during this call. Raises
        NotRegistered when the domain does not fit the application's allowed origin, RegistrationFailed when
        the file could not be downloaded, InvalidClient for a wrong client id or secret.
        """
        answer = await self._client.request(PARTNER_ACCOUNTS, body={"domain": domain})
        return _public_key(expect(answer, dict, "partner account").get("public_key"))

    async def public_key(self, domain: str) -> bytes:
        """Return the public key that Tesla has for a registered domain. Raises NotFound if there is none."""
        answer = await self._client.request(PARTNER_PUBLIC_KEY, params={"domain": domain})
        return _public_key(expect(answer, dict, "partner account").get("public_key"))

    async def access_token(self) -> str:
        """Return a partner token (8 hours; it is never stored)."""
        if self._token is None:
            self._token = await self._request_token()
        return self._token

    async def renew(self, rejected: str) -> None:
        """Discard a token that Tesla rejected."""
        if self._token == rejected:
            self._token = None

    async def _request_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "scope": "openid",
            "audience": self._base_url,
        }
        try:
            answer = await request_token(self._session, self._endpoints.token_url, form)
        except FleetApiError as err:
            if err.status in {400, 401}:
                raise InvalidClient(err.detail, status=err.status, txid=err.txid) from err
            raise
        return str(answer["access_token"])


def _public_key(value: object) -> bytes:
    """Return the point in a hexadecimal public key. Raises InvalidApiAnswer."""
    try:
        point = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        point = b""
    if len(point) != 65 or point[0] != 4:
        raise InvalidApiAnswer("the partner account has no public key")
    return point
