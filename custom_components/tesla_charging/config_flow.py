"""The config flow: sets up an account, signs in again, and reconfigures. The pages are in `setup_flow`."""

from collections.abc import Mapping
import logging
from typing import Any, Final, override

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import callback
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from .application_credentials import redirect_url
from .client import active_endpoints, region_of
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
from .data import TeslaChargingConfigEntry
from .fleet_api import (
    REQUIRED_SCOPES,
    InvalidApiAnswer,
    NotRegistered,
    Region,
    Scope,
    TokenClaims,
    read_sign_in,
)
from .setup_flow.applications import (
    CONF_APPLICATION,
    OTHER_APPLICATION,
    application_field,
    application_name,
    applications_of,
)
from .setup_flow.estimates import estimates
from .setup_flow.options_flow import TeslaChargingOptionsFlow
from .setup_flow.progress import PREPARE, SIGN_IN, progress
from .setup_flow.reconfigure_steps import ReconfigureSteps
from .setup_flow.registration import FlowAuthorization
from .telemetry.settings import Transport

OWN_REASONS: Final = frozenset(
    {
        "missing_credentials",
        "oauth_error",
        "oauth_failed",
        "oauth_timeout",
        "oauth_unauthorized",
        "reauth_successful",
        "reconfigure_successful",
        "user_rejected_authorize",
    }
)
"""Ends of a flow that Home Assistant has words for as well."""
ORIGIN_UNKNOWN: Final = "https://home.example.com"


class TeslaChargingFlow(ReconfigureSteps, domain=DOMAIN):
    """Sets up one Tesla account with one application, and changes it."""

    DOMAIN = DOMAIN
    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Start without a sign-in."""
        super().__init__()
        self._oauth_data: dict[str, Any] = {}
        self._claims: TokenClaims | None = None

    @property
    @override
    def logger(self) -> logging.Logger:
        """The integration's logger."""
        return LOGGER

    @property
    @override
    def extra_authorize_data(self) -> dict[str, Any]:
        """Request the fewest scopes; without prompt_missing_scopes Tesla silently drops new ones."""
        scopes = [*REQUIRED_SCOPES, *([Scope.VEHICLE_LOCATION] if self._with_location else [])]
        return {"scope": " ".join(scopes), "prompt": "login", "prompt_missing_scopes": "true"}

    @callback
    @override
    def async_abort(
        self,
        *,
        reason: str,
        description_placeholders: Mapping[str, str] | None = None,
        translation_domain: str | None = None,
        **more: Any,
    ) -> ConfigFlowResult:
        """End the flow with our words: Home Assistant's for any sign-in do not say what to do about it."""
        return super().async_abort(
            reason=reason,
            description_placeholders=description_placeholders,
            translation_domain=DOMAIN if reason in OWN_REASONS else translation_domain,
            **more,
        )

    # -- before the sign-in -------------------------------------------------------------------------

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what is needed first, or start the sign-in if there are application credentials already."""
        applications = await applications_of(self.hass)
        if not applications:
            return await self.async_step_prepare()
        if user_input is not None:
            self._with_location = user_input[CONF_LOCATION]
            chosen = user_input[CONF_APPLICATION]
            if chosen == OTHER_APPLICATION:
                # Home Assistant answers this with the dialog for client id and secret, and begins again
                return self.async_abort(reason="missing_credentials")
            if chosen in applications:
                return await self.async_step_pick_implementation({"implementation": chosen})
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema(
                {
                    # the one that was entered last is most likely meant
                    vol.Required(CONF_APPLICATION, default=[*applications][-1]): application_field(
                        applications, may_add=True
                    ),
                    vol.Required(CONF_LOCATION, default=self._with_location): BooleanSelector(),
                }
            ),
            description_placeholders=await progress(self.hass, self.source, SIGN_IN),
        )

    async def async_step_prepare(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what is needed and what to enter at Tesla, before client id and secret are requested."""
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
                **estimates(self.hass),
                **(await progress(self.hass, self.source, PREPARE)),
            },
            last_step=False,
        )

    # -- after the sign-in --------------------------------------------------------------------------

    @override
    async def async_oauth_create_entry(self, data: dict[str, Any]) -> ConfigFlowResult:
        """Continue after the sign-in: check the account and the granted permissions."""
        try:
            claims = read_sign_in(data[CONF_TOKEN])
        except (InvalidApiAnswer, KeyError) as err:
            LOGGER.error("Tesla's sign-in gave no usable token: %s", err)
            return self.async_abort(reason="oauth_error")
        self._oauth_data, self._claims = data, claims
        await self.async_set_unique_id(claims.subject)
        if self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            self._abort_if_unique_id_mismatch(reason="wrong_account")
        else:
            self._abort_if_unique_id_configured()
        if Scope.OFFLINE_ACCESS in claims.missing:
            return await self.async_step_permission_lasting()
        if Scope.VEHICLE_DEVICE_DATA in claims.missing:
            return await self.async_step_permission_data()
        if claims.missing:
            return await self.async_step_permission_charging()
        if self._with_location and Scope.VEHICLE_LOCATION not in claims.scopes:
            return await self.async_step_permission_location()
        return await self.async_step_go_on()

    async def async_step_permission_lasting(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show that the sign-in would end within hours."""
        return self._permission_menu("permission_lasting", ["sign_in_again"])

    async def async_step_permission_data(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show that nothing works without the permission to read."""
        return self._permission_menu("permission_data", ["sign_in_again"])

    async def async_step_permission_charging(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what does not work without the permission to charge."""
        return self._permission_menu("permission_charging", ["sign_in_again", "go_on"])

    async def async_step_permission_location(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what does not work without the location, which the user selected."""
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
        """Request the permissions from Tesla again."""
        return await self.async_step_auth()

    async def async_step_go_on(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Continue with the permissions that were granted."""
        assert self._claims is not None
        self._with_location &= Scope.VEHICLE_LOCATION in self._claims.scopes
        signed_in = {**self._oauth_data, CONF_LOCATION: self._with_location}
        if self.source == SOURCE_REAUTH:
            entry = self._get_reauth_entry()
            if region_of(entry) is None:
                signed_in[CONF_REGION] = (self._claims.region or Region.NA).value
            return self.async_update_reload_and_abort(entry, data_updates=signed_in)
        if self.source == SOURCE_RECONFIGURE:
            return await self._reconfigure_sign_in(signed_in)
        if (region := self._claims.region) in active_endpoints().regions and region is not None:
            self._region = region
        return await self.async_step_domain()

    # -- cars ---------------------------------------------------------------------------------------

    @override
    async def _key_registered(self) -> ConfigFlowResult:
        """List the account's cars and pair them, or finish the reconfiguration."""
        if self.source == SOURCE_RECONFIGURE:
            return await self._finish_key_change()
        authorization = FlowAuthorization(self._oauth_data[CONF_TOKEN][CONF_ACCESS_TOKEN])
        self._account = await self._cars_of_account(authorization, self.flow_impl)
        try:
            self._cars = await self._account.list()
        except NotRegistered:
            # the account is in another region than its token says: Tesla redirected the request to that region, and
            # the application is not registered there
            self._region = self._account.region or self._region
            errors, detail, url = await self._try_to_register(self._keys_offered[self._key_choice])
            if errors:
                return await self._show_key_form(errors, detail=detail, url=url)
            self._cars = await self._account.list()
        self._region = self._account.region or self._region
        if not self._cars:
            return self.async_abort(reason="no_cars")
        return await self._begin_pairing()

    @override
    async def _cars_paired(self) -> ConfigFlowResult:
        """Choose telemetry for a new entry; an existing entry has its settings already."""
        if self.source == SOURCE_RECONFIGURE:
            return await self._finish_pairing()
        return await self.async_step_telemetry()

    @override
    async def _telemetry_chosen(self) -> ConfigFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return await self._finish_reconfigure()
        return self._create_entry()

    @callback
    def _create_entry(self) -> ConfigFlowResult:
        """Create the entry; Home Assistant's last page tells what is left to do."""
        assert self._account is not None
        unpaired = self._names(lambda status: status.needs_pairing)
        polled = ""
        if self._telemetry.transport is Transport.EMBEDDED:
            polled = self._names(lambda status: not status.can_stream)
        left = (*(["unpaired"] if unpaired else []), *(["polled"] if polled else []))
        return self.async_create_entry(
            options=self._telemetry.as_options(),
            title=", ".join(car.name for car in self._cars)[:80],
            description="_".join(left) or None,
            description_placeholders={"unpaired": unpaired or "-", "polled": polled or "-"},
            data={
                **self._oauth_data,
                CONF_REGION: self._region.value,
                CONF_BASE_URL: self._account.base_url,
                CONF_DOMAIN: self._domain,
                CONF_SHOWN_HERE: self._key_shown_here,
                CONF_LOCATION: self._with_location,
            },
        )

    # -- changing an entry ----------------------------------------------------------------------------

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user choose what to change of the account; everything else stays."""
        has_application = await self._begin_reconfigure()
        changes = ["pair_cars", "location", "domain", "replace_key"] if has_application else []
        return self.async_show_menu(step_id="reconfigure", menu_options=[*changes, "application"])

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: TeslaChargingConfigEntry) -> TeslaChargingOptionsFlow:
        """Return the flow that changes the options."""
        return TeslaChargingOptionsFlow()

    # -- signing in again ---------------------------------------------------------------------------

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start a new sign-in for an entry whose old one Tesla ended."""
        self._with_location = entry_data.get(CONF_LOCATION, False)
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show a confirmation before Tesla's page opens."""
        entry = self._get_reauth_entry()
        if user_input is None:
            applications = await applications_of(self.hass)
            application = applications.get(str(entry.data.get(CONF_IMPLEMENTATION)))
            return self.async_show_form(
                step_id="reauth_confirm",
                description_placeholders={
                    "title": entry.title,
                    "application": application_name(application) if application else "-",
                },
            )
        return await self.async_step_pick_implementation(
            {"implementation": str(entry.data.get(CONF_IMPLEMENTATION))}
        )
