"""What the config flow does behind its pages: key, registration, and whether cars are paired."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .fleet_api import (
    Endpoints,
    FleetApiClient,
    FleetApiError,
    FleetStatus,
    InvalidClient,
    InvalidRequest,
    LoginRequired,
    NotRegistered,
    PartnerAccount,
    RateLimited,
    Region,
    RegistrationFailed,
    Unreachable,
    Vehicles,
    VehicleSummary,
)
from .vehicle_command import VirtualKey

# Rows of (error, key of the message on the page)
_REGISTRATION_ERRORS: Final[tuple[tuple[type[FleetApiError], str], ...]] = (
    (InvalidClient, "invalid_client"),
    (NotRegistered, "domain_not_allowed"),
    (RegistrationFailed, "key_not_fetched"),
    (InvalidRequest, "domain_refused"),
    (RateLimited, "rate_limited"),
    (Unreachable, "cannot_connect"),
)


class OnboardingError(Exception):
    """Something on the page has to be changed: the key of the message, and what it mentions."""

    def __init__(self, key: str, detail: str = "") -> None:
        """Remember both."""
        super().__init__(key)
        self.key = key
        self.detail = detail


class FlowAuthorization:
    """The token that a sign-in has just given; there is no entry yet that could renew it."""

    def __init__(self, access_token: str) -> None:
        """Use this token."""
        self._access_token = access_token

    async def access_token(self) -> str:
        """Return the token."""
        return self._access_token

    async def renew(self, rejected: str) -> None:
        """A fresh token that Tesla rejects is no good. Raises LoginRequired."""
        raise LoginRequired("Tesla rejected the new sign-in")


async def register(
    hass: HomeAssistant,
    endpoints: Endpoints,
    region: Region,
    client_id: str,
    client_secret: str,
    domain: str,
    key: VirtualKey,
) -> None:
    """Register the domain in a region and check that Tesla took our key from it. Raises OnboardingError."""
    partner = PartnerAccount(
        async_get_clientsession(hass),
        endpoints,
        region,
        client_id,
        client_secret,
        now=hass.loop.time,
    )
    try:
        taken = await partner.register(domain)
    except FleetApiError as err:
        raise OnboardingError(
            next(
                (name for kind, name in _REGISTRATION_ERRORS if isinstance(err, kind)), "unexpected"
            ),
            err.detail,
        ) from err
    if taken != key.public_key:
        raise OnboardingError("key_differs")


class AccountCars:
    """The cars of the account that has just signed in."""

    def __init__(
        self, hass: HomeAssistant, endpoints: Endpoints, region: Region | None, access_token: str
    ) -> None:
        """Nothing is asked yet."""
        home = region if region in endpoints.regions else Region.NA
        self._client = FleetApiClient(
            async_get_clientsession(hass),
            FlowAuthorization(access_token),
            endpoints,
            endpoints.regions[home or Region.NA],
            now=hass.loop.time,
        )
        self._vehicles = Vehicles(self._client)

    @property
    def base_url(self) -> str:
        """Where the account turned out to live."""
        return self._client.base_url

    async def list(self) -> tuple[VehicleSummary, ...]:
        """Return the account's cars. Raises FleetApiError."""
        return await self._vehicles.list()

    async def status(self, vin: str) -> FleetStatus:
        """Return whether a car is paired. Billed as data; raises FleetApiError."""
        return await self._vehicles.fleet_status(vin)
