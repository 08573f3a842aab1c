"""The steps a person sees: permission, sign-in, domain, pairing, done."""

from collections.abc import Mapping
import logging
from typing import Any, cast, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowResult
from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import callback
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2FlowHandler,
    async_get_implementations,
)
from homeassistant.helpers.selector import (
    BooleanSelector,
    QrCodeSelector,
    QrCodeSelectorConfig,
    QrErrorCorrectionLevel,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
import voluptuous as vol

from .const import (
    CONF_BASE_URL,
    CONF_DOMAIN,
    CONF_LOCATION,
    CONF_REGION,
    CONF_TOKEN,
    DOMAIN,
    LOGGER,
)
from .domain_check import bare_domain, proposed_domain
from .endpoints import active_endpoints
from .fleet_api import (
    REQUIRED_SCOPES,
    FleetApiError,
    FleetStatus,
    InvalidApiAnswer,
    Region,
    Scope,
    TokenClaims,
    VehicleSummary,
    read_claims,
)
from .oauth import TeslaImplementation
from .onboarding import AccountCars, OnboardingError, register
from .public_key import async_get_key_store
from .telemetry_flow import TelemetryFlow
from .telemetry_settings import TelemetrySettings
from .vehicle_command import InvalidKey, VirtualKey

CONF_KEY = "key"
CONF_LATER = "later"
KEY_NEW = "new"
KEY_TESLA_FLEET = "tesla_fleet"


class TeslaChargingFlow(TelemetryFlow, AbstractOAuth2FlowHandler, domain=DOMAIN):
    """Sets up one Tesla account with one application."""

    DOMAIN = DOMAIN
    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self._oauth_data: dict[str, Any] = {}
        self._claims: TokenClaims | None = None
        self._account: AccountCars | None = None
        self._statuses: dict[str, FleetStatus] = {}
        self._waiting: list[VehicleSummary] = []

    @property
    @override
    def logger(self) -> logging.Logger:
        """The integration's logger."""
        return LOGGER

    @property
    @override
    def extra_authorize_data(self) -> dict[str, Any]:
        """Ask for the fewest scopes; without prompt_missing_scopes Tesla silently drops new ones."""
        scopes = [*REQUIRED_SCOPES, *([Scope.VEHICLE_LOCATION] if self._with_location else [])]
        return {"scope": " ".join(scopes), "prompt": "login", "prompt_missing_scopes": "true"}

    # -- sign-in ------------------------------------------------------------------------------------

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what is going to happen, and ask whether the location may be read."""
        if not await async_get_implementations(self.hass, DOMAIN):
            # Home Assistant answers this with the dialog for client id and secret
            return await super().async_step_user()
        if user_input is not None:
            self._with_location = user_input[CONF_LOCATION]
            return await super().async_step_user()
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema({vol.Required(CONF_LOCATION, default=False): BooleanSelector()}),
        )

    @override
    async def async_oauth_create_entry(self, data: dict[str, Any]) -> ConfigFlowResult:
        """Go on after the sign-in: check the account and what it granted."""
        try:
            claims = read_claims(data[CONF_TOKEN][CONF_ACCESS_TOKEN])
        except (InvalidApiAnswer, KeyError) as err:
            LOGGER.error("Tesla's sign-in gave no usable token: %s", err)
            return self.async_abort(reason="oauth_error")
        self._oauth_data, self._claims = data, claims
        await self.async_set_unique_id(claims.subject)
        if self.source == SOURCE_REAUTH:
            self._abort_if_unique_id_mismatch(reason="wrong_account")
        else:
            self._abort_if_unique_id_configured()
        if claims.missing:
            return await self.async_step_permissions()
        if self.source == SOURCE_REAUTH:
            return self.async_update_reload_and_abort(
                self._get_reauth_entry(), data_updates={CONF_TOKEN: data[CONF_TOKEN]}
            )
        return await self.async_step_domain()

    async def async_step_permissions(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Tell which permissions were not granted, and ask for them again."""
        if user_input is not None:
            return await self.async_step_auth()
        assert self._claims is not None
        return self.async_show_form(
            step_id="permissions",
            data_schema=vol.Schema({}),
            description_placeholders={"missing": ", ".join(self._claims.missing)},
        )

    # -- domain and key -----------------------------------------------------------------------------

    async def async_step_domain(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the domain, show the key there and register it with Tesla."""
        errors: dict[str, str] = {}
        detail = ""
        store = async_get_key_store(self.hass)
        try:
            existing, offered = await store.load(), None
            if existing is None:
                offered = await self._tesla_fleet_key()
        except (InvalidKey, OSError) as err:
            return self.async_abort(
                reason="key_unreadable", description_placeholders={"detail": str(err)}
            )
        if user_input is not None:
            try:
                self._domain = bare_domain(user_input[CONF_DOMAIN])
                if existing is None and offered and user_input.get(CONF_KEY) == KEY_TESLA_FLEET:
                    key = await store.adopt(offered)
                else:
                    key = await store.create()
                store.show(self.flow_id)
                await self._register(key)
                return await self._list_cars()
            except OnboardingError as err:
                field = CONF_DOMAIN if err.key.startswith("domain_") else "base"
                errors[field], detail = err.key, err.detail
            except FleetApiError as err:
                LOGGER.warning("Tesla did not list the account's cars: %s", err)
                errors["base"], detail = "cars_not_listed", err.detail
            except OSError as err:
                errors["base"], detail = "key_not_saved", str(err)
        fields: dict[vol.Marker, Any] = {
            vol.Required(
                CONF_DOMAIN, default=self._domain or proposed_domain(self.hass) or vol.UNDEFINED
            ): (TextSelector())
        }
        if offered is not None:
            fields[vol.Required(CONF_KEY, default=KEY_TESLA_FLEET)] = SelectSelector(
                SelectSelectorConfig(options=[KEY_TESLA_FLEET, KEY_NEW], translation_key="key")
            )
        return self.async_show_form(
            step_id="domain",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(fields), user_input),
            errors=errors,
            description_placeholders={"detail": detail or "-", "portal_url": PORTAL_URL},
        )

    async def _tesla_fleet_key(self) -> VirtualKey | None:
        """Return core's key if it can be taken over; a damaged one is not worth stopping for."""
        try:
            return await async_get_key_store(self.hass).tesla_fleet_key()
        except (InvalidKey, OSError) as err:
            LOGGER.info("The key of tesla_fleet cannot be taken over: %s", err)
            return None

    async def _register(self, key: VirtualKey) -> None:
        implementation = cast(TeslaImplementation, self.flow_impl)
        await register(
            self.hass,
            active_endpoints(),
            self._region,
            implementation.client_id,
            implementation.client_secret,
            self._domain,
            key,
        )

    @property
    def _region(self) -> Region:
        """The account's region as the token tells, North America if it does not."""
        region = self._claims.region if self._claims else None
        return region if region in active_endpoints().regions and region else Region.NA

    # -- pairing ------------------------------------------------------------------------------------

    async def _list_cars(self) -> ConfigFlowResult:
        """Find the account's cars and which of them have to be paired. Raises FleetApiError."""
        self._account = AccountCars(
            self.hass,
            active_endpoints(),
            self._region,
            self._oauth_data[CONF_TOKEN][CONF_ACCESS_TOKEN],
        )
        self._cars = await self._account.list()
        if not self._cars:
            return self.async_abort(reason="no_cars")
        for car in self._cars:
            self._statuses[car.vin] = await self._account.status(car.vin)
        self._waiting = [car for car in self._cars if self._statuses[car.vin].needs_pairing]
        return await self._next_car()

    async def _next_car(self) -> ConfigFlowResult:
        return await (self.async_step_pair() if self._waiting else self.async_step_telemetry())

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the pairing link of one car, and ask Tesla whether it worked."""
        car = self._waiting[0]
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            if user_input[CONF_LATER]:
                self._waiting.pop(0)
                return await self._next_car()
            assert self._account is not None
            try:
                status = await self._account.status(car.vin)
            except FleetApiError as err:
                errors["base"], detail = "cannot_check", err.detail
            else:
                self._statuses[car.vin] = status
                if not status.needs_pairing:
                    self._waiting.pop(0)
                    return await self._next_car()
                errors["base"] = "not_paired"
        link = active_endpoints().pairing_link(self._domain, car.vin)
        return self.async_show_form(
            step_id="pair",
            data_schema=vol.Schema(
                {
                    vol.Optional("qr_code"): QrCodeSelector(
                        QrCodeSelectorConfig(
                            data=link,
                            scale=5,
                            error_correction_level=QrErrorCorrectionLevel.QUARTILE,
                        )
                    ),
                    vol.Required(CONF_LATER, default=False): BooleanSelector(),
                }
            ),
            errors=errors,
            description_placeholders={"car": car.name, "link": link, "detail": detail or "-"},
            last_step=False,
        )

    # -- telemetry is chosen in TelemetryFlow -------------------------------------------------------

    @override
    async def _telemetry_chosen(self) -> ConfigFlowResult:
        return await self.async_step_done()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change how data come from the car; everything else stays."""
        entry = self._get_reconfigure_entry()
        self._domain = entry.data[CONF_DOMAIN]
        self._with_location = entry.data.get(CONF_LOCATION, False)
        self._telemetry = TelemetrySettings.from_options(entry.options)
        return await self.async_step_telemetry()

    async def async_step_done(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say how each car stands, then make the entry."""
        assert self._account is not None
        if user_input is None:
            groups: dict[str, list[str]] = {"paired": [], "no_key": [], "open": []}
            for car in self._cars:
                status = self._statuses[car.vin]
                group = (
                    "paired" if status.key_paired else "open" if status.needs_pairing else "no_key"
                )
                groups[group].append(car.name)
            return self.async_show_form(
                step_id="done",
                data_schema=vol.Schema({}),
                description_placeholders={
                    **{name: ", ".join(cars) or "-" for name, cars in groups.items()},
                    "link": active_endpoints().pairing_link(self._domain),
                },
            )
        return self.async_create_entry(
            options=self._telemetry.as_options(),
            title=", ".join(car.name for car in self._cars)[:80],
            data={
                **self._oauth_data,
                CONF_REGION: self._region.value,
                CONF_BASE_URL: self._account.base_url,
                CONF_DOMAIN: self._domain,
                CONF_LOCATION: self._with_location,
            },
        )

    # -- signing in again ---------------------------------------------------------------------------

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin a new sign-in for an entry whose old one Tesla ended."""
        self._with_location = entry_data.get(CONF_LOCATION, False)
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask before leaving for Tesla's page."""
        if user_input is None:
            return self.async_show_form(
                step_id="reauth_confirm",
                description_placeholders={"title": self._get_reauth_entry().title},
            )
        return await self.async_step_pick_implementation(
            {"implementation": self._get_reauth_entry().data["auth_implementation"]}
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Stop showing the public key for a flow that ended; an entry shows it by itself."""
        async_get_key_store(self.hass).hide(self.flow_id)


PORTAL_URL = "https://developer.tesla.com/dashboard"
