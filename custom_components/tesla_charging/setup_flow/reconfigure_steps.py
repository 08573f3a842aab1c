"""The steps that change an entry: its domain, key, application, permission or telemetry."""

from abc import ABCMeta
from typing import Any, override

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.core import callback
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2FlowHandler,
    AbstractOAuth2Implementation,
    async_get_config_entry_implementation,
)
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from ..auth.authorization import async_get_authorization
from ..auth.key_store import async_get_key_store
from ..billing.budget_manager import async_get_budget
from ..billing.meter_store import async_get_meter
from ..client import active_endpoints
from ..const import (
    CONF_DOMAIN,
    CONF_IMPLEMENTATION,
    CONF_LOCATION,
    CONF_REGION,
    CONF_SHOWN_HERE,
    DOMAIN,
    LOGGER,
)
from ..data import TeslaChargingConfigEntry
from ..fleet_api import Authorization, FleetApiError, FleetStatus, Region
from ..issues.kinds import Success
from ..issues.registry import async_get_issues
from ..storage.config_record import ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..telemetry.config_sync import async_remove_configs
from ..telemetry.settings import TelemetrySettings, Transport
from ..vehicle_command import InvalidKey, VirtualKey
from .budget_steps import BudgetSteps
from .domain import RegistrationError, same_root
from .key_steps import KeySteps
from .pairing_steps import PairingSteps
from .registration import AccountCars, Registrar, registrar_of
from .telemetry_steps import TelemetrySteps


class ReconfigureSteps(
    KeySteps,
    PairingSteps,
    TelemetrySteps,
    BudgetSteps,
    AbstractOAuth2FlowHandler,
    metaclass=ABCMeta,
):
    """The part of the flow that changes an entry without losing anything of it."""

    def __init__(self) -> None:
        """Begin with nothing changed."""
        super().__init__()
        self._changes: dict[str, Any] = {}
        """What was changed of the entry's data so far."""
        self._options: dict[str, Any] = {}
        """The same of its options."""
        self._registered: list[tuple[Registrar, Region, str]] = []
        """Who has been told of a new key, where, for which domain."""
        self._replaced = False
        """Whether entries still work with a key that has been replaced."""

    async def _cars_of_account(
        self, authorization: Authorization, implementation: AbstractOAuth2Implementation
    ) -> AccountCars:
        endpoints = active_endpoints()
        base_url = endpoints.regions[self._region]
        meter = await async_get_meter(self.hass, implementation)
        budget = async_get_budget(self.hass, meter)
        return AccountCars(self.hass, endpoints, base_url, authorization, meter, budget)

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
        options = ["telemetry", "budget", "pair_cars", "location", "domain", "replace_key"]
        options.append("application")
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
        authorization = await async_get_authorization(self.hass, entry)
        self._account = await self._cars_of_account(authorization, authorization.implementation)
        self._cars = await self._account.list()
        return await self._begin_pairing()

    async def _signed_in_again(self, signed_in: dict[str, Any]) -> ConfigFlowResult:
        """Go on after the sign-in of a reconfiguration; another application is not registered yet."""
        entry = self._get_reconfigure_entry()
        self._changes |= signed_in
        if signed_in[CONF_IMPLEMENTATION] == entry.data[CONF_IMPLEMENTATION]:
            return await self._reconfigured()
        return await self.async_step_domain()

    async def _key_changed(self) -> ConfigFlowResult:
        """Go on with a key, a domain or an application that Tesla has taken. Raises FleetApiError."""
        self._changes |= {CONF_DOMAIN: self._domain, CONF_SHOWN_HERE: self._shown_here}
        # Tesla has just fetched it, whatever can be seen from here
        self._worked(Success.KEY_SEEN)
        if self._replacing:
            return await self._pair_again()
        embedded = self._telemetry.transport is Transport.EMBEDDED
        if embedded and not same_root(self._telemetry.hostname, self._domain):
            # Tesla lets cars connect under the application's own domain only
            return await self.async_step_telemetry()
        return await self._reconfigured()

    async def _reconfigured(self) -> ConfigFlowResult:
        """Write what was changed, and have everybody who shares a replaced key begin anew."""
        entry = self._get_reconfigure_entry()
        application = self._changes.get(CONF_IMPLEMENTATION, entry.data[CONF_IMPLEMENTATION])
        if application != entry.data[CONF_IMPLEMENTATION]:
            await self._leave_application(entry)
        self._begin_anew(but=entry)
        # what was not chosen here may have been chosen elsewhere meanwhile
        return self.async_update_reload_and_abort(
            entry, data_updates=self._changes, options={**entry.options, **self._options}
        )

    async def _leave_application(self, entry: TeslaChargingConfigEntry) -> None:
        """Take back what the old application told the cars, and forget it: the new one has told them nothing."""
        if entry in self._loaded():  # nobody tells them again meanwhile
            await self.hass.config_entries.async_unload(entry.entry_id)
        storage = VehicleStorage(self.hass, entry.entry_id)
        await storage.load()
        endpoints = active_endpoints()
        await async_remove_configs(
            self.hass, entry, storage, endpoints.regions[Region(entry.data[CONF_REGION])]
        )
        for vin in storage.telemetry_vins:
            await storage.save_config_record(vin, ConfigRecord())

    @callback
    def _begin_anew(self, but: TeslaChargingConfigEntry | None = None) -> None:
        """Have everybody work with the key that replaced theirs."""
        if self._replaced:
            self._replaced = False
            for entry in self._loaded():
                if entry is not but:
                    self.hass.config_entries.async_schedule_reload(entry.entry_id)

    @callback
    @override
    def async_remove(self) -> None:
        """Leave nobody with a key that was replaced."""
        super().async_remove()
        self._begin_anew()

    @override
    async def _with_telemetry(self, settings: TelemetrySettings) -> ConfigFlowResult:
        """Have the entry's options changed as well."""
        self._options |= settings.as_options()
        return await super()._with_telemetry(settings)

    @override
    async def _with_options(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Have the entry's options changed as well."""
        self._options |= options
        return await self._reconfigured()

    @override
    def _saw(self, vin: str, status: FleetStatus) -> None:
        """Take note, and have its owner told no longer that a car lacks the key."""
        super()._saw(vin, status)
        if self.source == SOURCE_RECONFIGURE and not status.needs_pairing:
            self._worked(Success.PAIRED, vin)

    @callback
    def _worked(self, evidence: Success, vin: str | None = None) -> None:
        async_get_issues(self.hass, self._get_reconfigure_entry()).record_success(evidence, vin)

    def _loaded(self) -> list[TeslaChargingConfigEntry]:
        return self.hass.config_entries.async_loaded_entries(DOMAIN)

    @override
    async def _register(self, key: VirtualKey) -> None:
        """Register this account's application; a key that is replaced, with those of all accounts."""
        await super()._register(key)
        if not self._replacing:
            return
        self._registered.append(
            (registrar_of(self.hass, self.flow_impl), self._region, self._domain)
        )
        for other in self.hass.config_entries.async_entries(DOMAIN):
            if other is self._get_reconfigure_entry():
                continue
            try:
                implementation = await async_get_config_entry_implementation(self.hass, other)
            except (ImplementationUnavailableError, ValueError) as err:
                raise RegistrationError("other_account", other.title) from err
            registrar = registrar_of(self.hass, implementation)
            region, domain = Region(other.data[CONF_REGION]), other.data[CONF_DOMAIN]
            await registrar.register(region, domain, key)
            self._registered.append((registrar, region, domain))

    @override
    async def _try_to_register(self, key: VirtualKey) -> tuple[dict[str, str], str, str]:
        """Register, or have Tesla go on with the key that stays."""
        self._registered.clear()
        outcome = await super()._try_to_register(key)
        if not outcome[0]:
            self._replaced = self._replacing
            if self._left:
                self._begin_anew()
        elif self._registered:
            await self._take_back()
        return outcome

    async def _take_back(self) -> None:
        """Have Tesla go on with the key that stays, where it was told of another one."""
        try:
            kept = await async_get_key_store(self.hass).load()
        except (InvalidKey, OSError) as err:
            LOGGER.warning("There is no old key to go on with: %s", err)
            return
        for registrar, region, domain in self._registered:
            try:
                if kept is not None:
                    await registrar.register(region, domain, kept)
            except RegistrationError as err:
                LOGGER.warning("Tesla did not take the old key back: %s", err)
