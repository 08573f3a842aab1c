"""The way from nothing to charging cars, and the ways to change it later. What a page is about is in its own module."""

from collections.abc import Mapping
import logging
from typing import Any, Final, override

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import callback
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2FlowHandler,
    OAuth2Session,
    async_get_config_entry_implementation,
    async_get_implementations,
)
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from .application_credentials import redirect_url
from .const import (
    CONF_BASE_URL,
    CONF_DOMAIN,
    CONF_IMPLEMENTATION,
    CONF_LOCATION,
    CONF_REGION,
    CONF_SHOWN_HERE,
    CONF_TOKEN,
    DOMAIN,
    LOGGER,
    PORTAL_URL,
)
from .domain_check import OnboardingError, same_root
from .endpoints import active_endpoints
from .fleet_api import (
    REQUIRED_SCOPES,
    Authorization,
    FleetApiError,
    InvalidApiAnswer,
    NotRegistered,
    Region,
    Scope,
    TokenClaims,
    read_claims,
)
from .key_flow import KeyFlow, registrar_of
from .models import TeslaChargingConfigEntry
from .oauth import OAuthAuthorization
from .onboarding import AccountCars, FlowAuthorization
from .pairing_flow import PairingFlow
from .public_key import async_get_key_store
from .telemetry_flow import TelemetryFlow
from .telemetry_settings import Road, TelemetrySettings
from .vehicle_command import VirtualKey

ORIGIN_UNKNOWN: Final = "https://home.example.com"


class TeslaChargingFlow(
    KeyFlow, PairingFlow, TelemetryFlow, AbstractOAuth2FlowHandler, domain=DOMAIN
):
    """Sets up one Tesla account with one application, and changes it."""

    DOMAIN = DOMAIN
    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self._oauth_data: dict[str, Any] = {}
        self._claims: TokenClaims | None = None
        self._changes: dict[str, Any] = {}
        """What a reconfiguration has changed of the entry's data so far."""

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

    # -- before the sign-in -------------------------------------------------------------------------

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Begin with what is needed, or with the sign-in where an application is there already."""
        if not await async_get_implementations(self.hass, DOMAIN):
            return await self.async_step_prepare()
        if user_input is not None:
            self._with_location = user_input[CONF_LOCATION]
            return await self.async_step_pick_implementation()
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema({vol.Required(CONF_LOCATION, default=False): BooleanSelector()}),
        )

    async def async_step_prepare(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say what is needed and what to enter at Tesla, before asking for client id and secret."""
        if user_input is not None:
            # Home Assistant answers this with the dialog for client id and secret
            return await self.async_step_pick_implementation()
        try:
            origin = get_url(
                self.hass, allow_internal=False, allow_ip=False, require_ssl=True, allow_cloud=False
            )
        except NoURLAvailableError:
            origin = ORIGIN_UNKNOWN
        return self.async_show_form(
            step_id="prepare",
            data_schema=vol.Schema({}),
            description_placeholders={
                "portal_url": PORTAL_URL,
                "origin": origin,
                "redirect_url": redirect_url(self.hass),
            },
            last_step=False,
        )

    # -- after the sign-in --------------------------------------------------------------------------

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
        if self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            self._abort_if_unique_id_mismatch(reason="wrong_account")
        else:
            self._abort_if_unique_id_configured()
        if Scope.VEHICLE_DEVICE_DATA in claims.missing:
            return await self.async_step_permission_data()
        if claims.missing:
            return await self.async_step_permission_charging()
        if self._with_location and Scope.VEHICLE_LOCATION not in claims.scopes:
            return await self.async_step_permission_location()
        return await self.async_step_go_on()

    async def async_step_permission_data(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Tell that nothing works without the permission to read."""
        return self._permission_menu("permission_data", ["sign_in_again"])

    async def async_step_permission_charging(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Tell what does not work without the permission to charge."""
        return self._permission_menu("permission_charging", ["sign_in_again", "go_on"])

    async def async_step_permission_location(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Tell what does not work without the location, which was wanted."""
        return self._permission_menu("permission_location", ["sign_in_again", "go_on"])

    def _permission_menu(self, step: str, options: list[str]) -> ConfigFlowResult:
        return self.async_show_menu(
            step_id=step,
            menu_options=options,
            description_placeholders={"portal_url": PORTAL_URL},
        )

    async def async_step_sign_in_again(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask Tesla for the permissions again."""
        return await self.async_step_auth()

    async def async_step_go_on(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with the permissions that were granted."""
        assert self._claims is not None
        self._with_location &= Scope.VEHICLE_LOCATION in self._claims.scopes
        signed_in = {**self._oauth_data, CONF_LOCATION: self._with_location}
        if self.source == SOURCE_REAUTH:
            return self.async_update_reload_and_abort(
                self._get_reauth_entry(), data_updates=signed_in
            )
        if self.source == SOURCE_RECONFIGURE:
            return await self._signed_in_anew(signed_in)
        if (region := self._claims.region) in active_endpoints().regions and region is not None:
            self._region = region
        return await self.async_step_domain()

    # -- cars ---------------------------------------------------------------------------------------

    @override
    async def _key_registered(self) -> ConfigFlowResult:
        """Find the account's cars and have them paired, or finish what was reconfigured."""
        if self.source == SOURCE_RECONFIGURE:
            return await self._key_changed()
        authorization = FlowAuthorization(self._oauth_data[CONF_TOKEN][CONF_ACCESS_TOKEN])
        self._account = self._cars_of_account(authorization)
        try:
            self._cars = await self._account.list()
        except NotRegistered:
            # the account lives in another region than its token tells: Tesla led us there, where nobody knows us
            self._region = self._account.region or self._region
            errors, detail, url = await self._try_to_register(self._offered[self._choice])
            if errors:
                return self._form(errors, detail=detail, url=url)
            self._cars = await self._account.list()
        self._region = self._account.region or self._region
        if not self._cars:
            return self.async_abort(reason="no_cars")
        return await self._begin_pairing()

    def _cars_of_account(self, authorization: Authorization) -> AccountCars:
        endpoints = active_endpoints()
        return AccountCars(self.hass, endpoints, endpoints.regions[self._region], authorization)

    @override
    async def _cars_paired(self) -> ConfigFlowResult:
        """Choose telemetry for a new entry; an entry that exists has chosen."""
        if self.source == SOURCE_RECONFIGURE:
            return await self._reconfigured()
        return await self.async_step_telemetry()

    @override
    async def _telemetry_chosen(self) -> ConfigFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return await self._reconfigured()
        return await self.async_step_done()

    async def async_step_done(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say how each car stands, then make the entry."""
        assert self._account is not None
        if user_input is None:
            return self.async_show_form(
                step_id="done",
                data_schema=vol.Schema({}),
                description_placeholders={
                    **self._groups(),
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
                CONF_SHOWN_HERE: self._shown_here,
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
        entry = self._get_reauth_entry()
        if user_input is None:
            return self.async_show_form(
                step_id="reauth_confirm", description_placeholders={"title": entry.title}
            )
        return await self.async_step_pick_implementation(
            {"implementation": entry.data[CONF_IMPLEMENTATION]}
        )

    # -- changing what is there ---------------------------------------------------------------------

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the person choose what to change; everything else stays."""
        entry = self._get_reconfigure_entry()
        self._domain = entry.data[CONF_DOMAIN]
        self._shown_here = entry.data.get(CONF_SHOWN_HERE, True)
        self._region = Region(entry.data[CONF_REGION])
        self._with_location = entry.data.get(CONF_LOCATION, False)
        self._telemetry = TelemetrySettings.from_options(entry.options)
        options = ["telemetry", "pair_cars", "location", "domain", "replace_key", "application"]
        try:
            self.flow_impl = await async_get_config_entry_implementation(self.hass, entry)
        except (ImplementationUnavailableError, ValueError) as err:
            LOGGER.warning("The application of this account is not there any more: %s", err)
            options = ["telemetry", "application"]
        return self.async_show_menu(step_id="reconfigure", menu_options=options)

    async def async_step_location(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change whether the location may be read: more needs Tesla's consent, less does not."""
        if user_input is None:
            default = self._with_location
            return self.async_show_form(
                step_id="location",
                data_schema=vol.Schema(
                    {vol.Required(CONF_LOCATION, default=default): BooleanSelector()}
                ),
            )
        wanted, before = user_input[CONF_LOCATION], self._with_location
        self._with_location = wanted
        if wanted and not before:
            return await self.async_step_auth()
        self._changes[CONF_LOCATION] = wanted
        return await self._reconfigured()

    async def async_step_application(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change to another Tesla application, or to new credentials of the same one."""
        if user_input is None:
            return self.async_show_form(step_id="application", data_schema=vol.Schema({}))
        return await self.async_step_pick_implementation()

    async def async_step_pair_cars(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Pair the cars that are not paired yet."""
        try:
            return await self._pair_again()
        except FleetApiError as err:
            return self.async_abort(
                reason="cannot_check", description_placeholders={"detail": err.detail}
            )

    async def _pair_again(self) -> ConfigFlowResult:
        """List the entry's cars and pair those that do not know the key. Raises FleetApiError."""
        entry = self._get_reconfigure_entry()
        session = OAuth2Session(self.hass, entry, self.flow_impl)
        self._account = self._cars_of_account(OAuthAuthorization(session))
        self._cars = await self._account.list()
        return await self._begin_pairing()

    async def _signed_in_anew(self, signed_in: dict[str, Any]) -> ConfigFlowResult:
        """Go on after the sign-in of a reconfiguration; another application is not registered yet."""
        entry = self._get_reconfigure_entry()
        self._changes |= signed_in
        if signed_in[CONF_IMPLEMENTATION] == entry.data[CONF_IMPLEMENTATION]:
            return await self._reconfigured()
        return await self.async_step_domain()

    async def _key_changed(self) -> ConfigFlowResult:
        """Go on with a key, a domain or an application that Tesla has taken. Raises FleetApiError."""
        self._changes |= {CONF_DOMAIN: self._domain, CONF_SHOWN_HERE: self._shown_here}
        if self._replacing:
            return await self._pair_again()
        embedded = self._telemetry.road is Road.EMBEDDED
        if embedded and not same_root(self._telemetry.hostname, self._domain):
            # Tesla lets cars connect under the application's own domain only
            return await self.async_step_telemetry()
        return await self._reconfigured()

    async def _reconfigured(self) -> ConfigFlowResult:
        """Write what was changed, and have everybody who shares a replaced key begin anew."""
        entry = self._get_reconfigure_entry()
        application = self._changes.get(CONF_IMPLEMENTATION, entry.data[CONF_IMPLEMENTATION])
        if application != entry.data[CONF_IMPLEMENTATION] and entry in self._loaded():
            # what cars stream belongs to the application that told them to
            await entry.runtime_data.telemetry.take_back_all()
        if self._replacing:
            for other in self._loaded():
                if other is not entry:
                    self.hass.config_entries.async_schedule_reload(other.entry_id)
        return self.async_update_reload_and_abort(
            entry, data_updates=self._changes, options=self._telemetry.as_options()
        )

    def _loaded(self) -> list[TeslaChargingConfigEntry]:
        return self.hass.config_entries.async_loaded_entries(DOMAIN)

    @override
    async def _register(self, key: VirtualKey) -> None:
        """Register this account's application; a key that is replaced, with those of all accounts."""
        await super()._register(key)
        if not self._replacing:
            return
        for other in self.hass.config_entries.async_entries(DOMAIN):
            if other is self._get_reconfigure_entry():
                continue
            try:
                implementation = await async_get_config_entry_implementation(self.hass, other)
            except (ImplementationUnavailableError, ValueError) as err:
                raise OnboardingError("other_account", other.title) from err
            registrar = registrar_of(self.hass, implementation)
            await registrar.register(Region(other.data[CONF_REGION]), other.data[CONF_DOMAIN], key)

    @callback
    @override
    def async_remove(self) -> None:
        """Stop showing the public key for a flow that ended; an entry shows it by itself."""
        async_get_key_store(self.hass).hide(self.flow_id)
