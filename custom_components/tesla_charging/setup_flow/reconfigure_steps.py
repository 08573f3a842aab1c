"""The steps that change an account's entry: its domain, key, application or permission."""

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
from ..client import active_endpoints, region_of
from ..const import CONF_DOMAIN, CONF_IMPLEMENTATION, CONF_LOCATION, CONF_SHOWN_HERE, DOMAIN, LOGGER
from ..data import TeslaChargingConfigEntry
from ..fleet_api import Authorization, FleetApiError, FleetStatus, Region
from ..issues.kinds import Success
from ..issues.registry import async_get_issues
from ..storage.config_record import ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..telemetry.config_sync import async_remove_configs
from ..telemetry.settings import TelemetrySettings, Transport
from ..vehicle_command import InvalidKey, VirtualKey
from .applications import CONF_APPLICATION, application_field, applications_of
from .domain import RegistrationError, same_root
from .key_steps import KeySteps
from .pairing_steps import PairingSteps
from .registration import AccountCars, Registrar, registrar_of
from .reloading import async_entries_in_use
from .telemetry_steps import TelemetrySteps


class ReconfigureSteps(
    KeySteps,
    PairingSteps,
    TelemetrySteps,
    AbstractOAuth2FlowHandler,
    metaclass=ABCMeta,
):
    """The steps of the flow that change an entry; what the user does not change stays."""

    def __init__(self) -> None:
        """Start without changes."""
        super().__init__()
        self._data_changes: dict[str, Any] = {}
        """The changes to the entry's data so far."""
        self._option_changes: dict[str, Any] = {}
        """The same for its options."""
        self._registrations: list[tuple[Registrar, Region, str]] = []
        """The applications that were registered with a new key, with region and domain."""
        self._reload_pending = False
        """Whether other entries still use a key that has been replaced, and have to be reloaded."""

    async def _cars_of_account(
        self, authorization: Authorization, implementation: AbstractOAuth2Implementation
    ) -> AccountCars:
        endpoints = active_endpoints()
        base_url = endpoints.regions[self._region]
        meter = await async_get_meter(self.hass, implementation)
        budget = async_get_budget(self.hass, meter)
        return AccountCars(self.hass, endpoints, base_url, authorization, meter, budget)

    @property
    @override
    def _entry(self) -> TeslaChargingConfigEntry | None:
        """The entry that is reconfigured; None while a new one is set up."""
        return self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None

    async def _begin_reconfigure(self) -> bool:
        """Read the entry that is reconfigured; return whether its application is still there."""
        entry = self._get_reconfigure_entry()
        self._domain = entry.data[CONF_DOMAIN]
        self._key_shown_here = entry.data.get(CONF_SHOWN_HERE, True)
        self._region = region_of(entry) or Region.NA
        self._with_location = entry.data.get(CONF_LOCATION, False)
        self._telemetry = TelemetrySettings.from_options(entry.options)
        try:
            self.flow_impl = await async_get_config_entry_implementation(self.hass, entry)
        except (ImplementationUnavailableError, ValueError) as err:
            LOGGER.warning("The application of this account is not there any more: %s", err)
            return False
        return True

    async def async_step_location(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change whether the location may be read: only to allow it needs a new sign-in at Tesla."""
        if user_input is None:
            default = self._with_location
            return self.async_show_form(
                step_id="location",
                data_schema=vol.Schema(
                    {vol.Required(CONF_LOCATION, default=default): BooleanSelector()}
                ),
            )
        wanted, before = user_input[CONF_LOCATION], self._with_location
        if wanted == before:
            return self.async_abort(reason="nothing_changed")
        self._with_location = wanted
        if wanted:
            return await self.async_step_auth()
        self._data_changes[CONF_LOCATION] = wanted
        return await self._finish_reconfigure()

    async def async_step_application(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change to another Tesla application, or to new credentials of the same one."""
        applications = await applications_of(self.hass)
        if user_input is not None or not applications:
            chosen = (user_input or {}).get(CONF_APPLICATION, "")
            return await self.async_step_pick_implementation({"implementation": chosen})
        return self.async_show_form(
            step_id="application",
            data_schema=vol.Schema(
                {
                    # the one that was entered last is most likely meant
                    vol.Required(CONF_APPLICATION, default=[*applications][-1]): application_field(
                        applications, may_add=False
                    )
                }
            ),
        )

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
        """List the entry's cars and pair those that do not have the key. Raises FleetApiError."""
        entry = self._get_reconfigure_entry()
        authorization = await async_get_authorization(self.hass, entry)
        self._account = await self._cars_of_account(authorization, authorization.implementation)
        self._cars = await self._account.list()
        return await self._begin_pairing()

    async def _finish_pairing(self) -> ConfigFlowResult:
        """Tell what became of the cars; what was changed before that is stored."""
        if self._data_changes:
            return await self._finish_reconfigure()
        if self._has_paired:
            # what was refused for want of the key is tried anew
            self.hass.config_entries.async_schedule_reload(self._get_reconfigure_entry().entry_id)
        unpaired = self._names(lambda status: status.needs_pairing)
        return self.async_abort(
            reason="some_unpaired" if unpaired else "all_paired",
            description_placeholders={
                "cars": self._names(lambda status: not status.needs_pairing) or "-",
                "unpaired": unpaired or "-",
            },
        )

    async def _reconfigure_sign_in(self, signed_in: dict[str, Any]) -> ConfigFlowResult:
        """Continue after the sign-in of a reconfiguration; another application is not registered yet."""
        entry = self._get_reconfigure_entry()
        self._data_changes |= signed_in
        if signed_in[CONF_IMPLEMENTATION] == entry.data[CONF_IMPLEMENTATION]:
            return await self._finish_reconfigure()
        return await self.async_step_domain()

    async def _finish_key_change(self) -> ConfigFlowResult:
        """Continue with a key, a domain or an application that is registered. Raises FleetApiError."""
        self._data_changes |= {CONF_DOMAIN: self._domain, CONF_SHOWN_HERE: self._key_shown_here}
        # Tesla has just fetched the key, even if a request from here would fail
        self._record_success(Success.KEY_SEEN)
        if self._is_replacing_key:
            return await self._pair_again()
        embedded = self._telemetry.transport is Transport.EMBEDDED
        if embedded and not same_root(self._telemetry.hostname, self._domain):
            # Tesla lets cars connect under the application's own domain only
            return await self.async_step_telemetry()
        return await self._finish_reconfigure()

    async def _finish_reconfigure(self) -> ConfigFlowResult:
        """Store the changes, and reload all entries that share a replaced key."""
        entry = self._get_reconfigure_entry()
        application = self._data_changes.get(CONF_IMPLEMENTATION, entry.data[CONF_IMPLEMENTATION])
        if application != entry.data[CONF_IMPLEMENTATION]:
            await self._leave_old_application(entry)
        self._reload_others(skip=entry)
        # other options may have been changed outside this flow meanwhile
        return self.async_update_reload_and_abort(
            entry,
            data_updates=self._data_changes,
            options={**entry.options, **self._option_changes},
        )

    async def _leave_old_application(self, entry: TeslaChargingConfigEntry) -> None:
        """Remove the telemetry configurations of the old application, and their records: the new one has sent none."""
        if entry in self._loaded_entries():  # a loaded entry would send them again meanwhile
            await self.hass.config_entries.async_unload(entry.entry_id)
        storage = VehicleStorage(self.hass, entry.entry_id)
        await storage.load()
        endpoints = active_endpoints()
        region = region_of(entry) or Region.NA
        await async_remove_configs(self.hass, entry, storage, endpoints.regions[region])
        for vin in storage.telemetry_vins:
            await storage.save_config_record(vin, ConfigRecord())

    @callback
    def _reload_others(self, *, skip: TeslaChargingConfigEntry | None = None) -> None:
        """Reload the entries that still use a replaced key."""
        if self._reload_pending:
            self._reload_pending = False
            for entry in async_entries_in_use(self.hass):
                if entry is not skip:
                    self.hass.config_entries.async_schedule_reload(entry.entry_id)

    @callback
    @override
    def async_remove(self) -> None:
        """Clean up; no entry may keep a key that was replaced."""
        super().async_remove()
        self._reload_others()

    @override
    async def _set_telemetry(self, settings: TelemetrySettings) -> ConfigFlowResult:
        """Add the settings to the changes of the entry's options."""
        self._option_changes |= settings.as_options()
        return await super()._set_telemetry(settings)

    @override
    def _store_status(self, vin: str, status: FleetStatus) -> None:
        """Store the status, and clear the repair issue of a car that has the key."""
        super()._store_status(vin, status)
        if self.source == SOURCE_RECONFIGURE and not status.needs_pairing:
            self._record_success(Success.PAIRED, vin)

    @callback
    def _record_success(self, success: Success, vin: str | None = None) -> None:
        async_get_issues(self.hass, self._get_reconfigure_entry()).record_success(success, vin)

    def _loaded_entries(self) -> list[TeslaChargingConfigEntry]:
        return self.hass.config_entries.async_loaded_entries(DOMAIN)

    @override
    async def _register(self, key: VirtualKey) -> None:
        """Register this account's application; a replacement key, with the applications of all accounts."""
        await super()._register(key)
        if not self._is_replacing_key:
            return
        self._registrations.append(
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
            region, domain = region_of(other) or Region.NA, other.data[CONF_DOMAIN]
            await registrar.register(region, domain, key)
            self._registrations.append((registrar, region, domain))

    @override
    async def _try_to_register(self, key: VirtualKey) -> tuple[dict[str, str], str, str]:
        """Register a key; if that fails, register the stored one again."""
        self._registrations.clear()
        outcome = await super()._try_to_register(key)
        if not outcome[0]:
            self._reload_pending = self._is_replacing_key
            if self._is_closed:
                self._reload_others()
        elif self._registrations:
            await self._restore_registrations()
        return outcome

    async def _restore_registrations(self) -> None:
        """Register the stored key again wherever a new one was registered."""
        try:
            stored = await async_get_key_store(self.hass).load()
        except (InvalidKey, OSError) as err:
            LOGGER.warning("There is no old key to go on with: %s", err)
            return
        for registrar, region, domain in self._registrations:
            try:
                if stored is not None:
                    await registrar.register(region, domain, stored)
            except RegistrationError as err:
                LOGGER.warning("Tesla did not take the old key back: %s", err)
