"""The sign-in to Tesla, by Home Assistant's OAuth helper."""

from typing import Any, override

from aiohttp import RequestInfo
from homeassistant.components.application_credentials import (
    AuthImplementation,
    AuthorizationServer,
    ClientCredential,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestReauthError,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..fleet_api import Endpoints, FleetApiError, LoginRequired, Region, request_token


class TeslaImplementation(AuthImplementation):
    """Tesla's OAuth: a token request has to name the regional API for which the token is meant."""

    def __init__(
        self,
        hass: HomeAssistant,
        auth_domain: str,
        credential: ClientCredential,
        endpoints: Endpoints,
    ) -> None:
        """Use the application's own client id and secret."""
        super().__init__(
            hass,
            auth_domain,
            credential,
            AuthorizationServer(endpoints.authorize_url, endpoints.token_url),
        )
        self._endpoints = endpoints

    @override
    async def async_resolve_external_data(self, external_data: Any) -> dict[str, Any]:
        """Exchange the code for tokens; its prefix (`EU_...`) is the account's region."""
        prefix = str(external_data["code"]).partition("_")[0].lower()
        region = Region(prefix) if prefix in Region else Region.NA
        audience = self._endpoints.regions.get(region, self._endpoints.regions[Region.NA])
        return await self._token_request(
            {
                "grant_type": "authorization_code",
                "code": external_data["code"],
                "redirect_uri": external_data["state"]["redirect_uri"],
                "audience": audience,
            }
        )

    @override
    async def _async_refresh_token(self, token: dict[str, Any]) -> dict[str, Any]:
        """Refresh a token; a sign-in without offline access has no refresh token and ends with its first token."""
        if not token.get("refresh_token"):
            missing = LoginRequired("the sign-in gave no refresh token", status=401)
            raise self._refusal(missing) from missing
        answer: dict[str, Any] = await super()._async_refresh_token(token)
        return answer

    @override
    async def _token_request(self, data: dict[str, Any]) -> dict[str, Any]:
        """Request a token from Tesla; raises the same errors as Home Assistant's OAuth helper.

        Home Assistant's own request is not used: it follows redirects, client secret included, and does not check the
        response.
        """
        form = {**data, "client_id": self.client_id, "client_secret": self.client_secret}
        try:
            return await request_token(async_get_clientsession(self.hass), self.token_url, form)
        except FleetApiError as err:
            # a refresh is refused for good only if Tesla says so; a code is never sent twice
            is_code = data["grant_type"] == "authorization_code"
            if isinstance(err, LoginRequired) or (is_code and err.status in {400, 401}):
                raise self._refusal(err) from err
            raise OAuth2TokenRequestConnectionError(domain=self.service_domain) from err

    def _refusal(self, err: FleetApiError) -> OAuth2TokenRequestReauthError:
        url = URL(self.token_url)
        return OAuth2TokenRequestReauthError(
            request_info=RequestInfo(url, "POST", CIMultiDictProxy(CIMultiDict()), url),
            status=err.status or 0,
            message=str(err),
            domain=self.service_domain,
        )
