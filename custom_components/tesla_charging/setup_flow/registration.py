"""The requests of the config flow: registering an application and its key, and listing the account's cars."""

from dataclasses import dataclass, field
from typing import Final, cast

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2Implementation

from ..auth.oauth import TeslaImplementation
from ..billing.budget_manager import BudgetManager
from ..billing.meter import Meter
from ..client import active_endpoints, make_client
from ..const import LOGGER
from ..fleet_api import (
    AccountUnpaid,
    Authorization,
    Endpoints,
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
    ServerFailure,
    Unreachable,
    Vehicles,
    VehicleSummary,
)
from ..vehicle_command import VirtualKey
from .domain import KeyCheck, RegistrationError, check_key

# Rows of (error, key of the message on the page)
_REGISTRATION_ERRORS: Final[tuple[tuple[type[FleetApiError], str], ...]] = (
    (InvalidClient, "invalid_client"),
    (NotRegistered, "domain_not_allowed"),
    (InvalidRequest, "domain_refused"),
    (RateLimited, "rate_limited"),
    (AccountUnpaid, "account_unpaid"),
    (ServerFailure, "server_failure"),
    (Unreachable, "cannot_connect"),
)


class FlowAuthorization:
    """Authorization with the token of a new sign-in; there is no entry yet that could renew it."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    async def access_token(self) -> str:
        """Return the token."""
        return self._access_token

    async def renew(self, rejected: str) -> None:
        """Raise LoginRequired: a new token that Tesla rejects cannot be renewed."""
        raise LoginRequired("Tesla rejected the new sign-in")


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers one application, known by its client id and secret."""

    hass: HomeAssistant
    endpoints: Endpoints
    client_id: str
    client_secret: str = field(repr=False)

    async def register(self, region: Region, domain: str, key: VirtualKey) -> None:
        """Register the domain in a region and check that Tesla fetched our key from it.

        Tesla fetches the key during this call. Raises RegistrationError.
        """
        session = async_get_clientsession(self.hass)
        partner = PartnerAccount(
            session,
            self.endpoints,
            region,
            self.client_id,
            self.client_secret,
            now=self.hass.loop.time,
        )
        url = self.endpoints.key_url(domain)
        try:
            fetched_key = await partner.register(domain)
        except RegistrationFailed as err:
            # Tesla's error says little; a request of our own may find the cause
            check = await check_key(session, url, key.public_key)
            raise RegistrationError(_message_key(check), err.detail, url) from err
        except FleetApiError as err:
            keys = (key for kind, key in _REGISTRATION_ERRORS if isinstance(err, kind))
            raise RegistrationError(next(keys, "unexpected"), err.detail, url) from err
        if fetched_key != key.public_key:
            raise RegistrationError("key_differs", "", url)

    async def register_elsewhere(self, region: Region, domain: str, key: VirtualKey) -> None:
        """Register in the other regions too, for an account that turns out to be there."""
        for other in self.endpoints.regions:
            if other is not region:
                try:
                    await self.register(other, domain, key)
                except RegistrationError as err:
                    LOGGER.debug("Not registered in region %s: %s", other, err.key)


def registrar_of(hass: HomeAssistant, implementation: AbstractOAuth2Implementation) -> Registrar:
    """Return the registrar of the application of a sign-in."""
    tesla = cast(TeslaImplementation, implementation)
    return Registrar(hass, active_endpoints(), tesla.client_id, tesla.client_secret)


def _message_key(check: KeyCheck) -> str:
    """Return the key of the message for a public key that Tesla could not fetch."""
    if check is KeyCheck.OURS or not check.is_certain:
        return "key_not_fetched"
    return check.value


class AccountCars:
    """The cars of one account."""

    def __init__(
        self,
        hass: HomeAssistant,
        endpoints: Endpoints,
        base_url: str,
        authorization: Authorization,
        meter: Meter,
        budget: BudgetManager,
    ) -> None:

        self._regions = {url: region for region, url in endpoints.regions.items()}
        self._client = make_client(
            hass,
            authorization,
            base_url,
            on_request=meter.add_request,
            permit=budget.permit_user,
        )
        self._vehicles = Vehicles(self._client)

    @property
    def base_url(self) -> str:
        """The base URL of the account's region, as far as it is known."""
        return self._client.base_url

    @property
    def region(self) -> Region | None:
        """The account's region, if it is a known one."""
        return self._regions.get(self._client.base_url)

    async def list(self) -> tuple[VehicleSummary, ...]:
        """Return the account's cars. Raises FleetApiError."""
        return await self._vehicles.list()

    async def status(self, vin: str) -> FleetStatus:
        """Return whether a car is paired. Billed as data; raises FleetApiError."""
        return await self._vehicles.fleet_status(vin)
