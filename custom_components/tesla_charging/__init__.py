"""Tesla Charging: charges Teslas through Tesla's own Fleet API, signed here and verified by the car."""

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from . import removal
from .account import Account
from .auth.authorization import async_get_authorization, async_remove_token_file
from .auth.key_store import async_get_key_store
from .billing.budget_manager import BudgetManager, amount_of, async_get_budget
from .billing.meter import Meter
from .billing.meter_store import async_get_meter, currency_of
from .client import active_endpoints
from .const import CONF_BASE_URL, CONF_LOCATION, CONF_REGION, DOMAIN, PLATFORMS
from .coordinator import VehicleCoordinator
from .data import TeslaChargingConfigEntry, TeslaChargingData
from .device import vins_of
from .exceptions import placeholders, translation_key
from .fleet_api import (
    Authorization,
    FleetApiClient,
    FleetApiError,
    LoginRequired,
    MissingScope,
    Region,
    Scope,
    TelemetryConfigs,
    Vehicles,
    read_claims,
)
from .issues.registry import async_get_issues, async_remove_issues
from .monitors.domain import DomainMonitor
from .monitors.events import EventMonitor
from .monitors.pairing import PairingMonitor
from .request_origin import RequestOrigin, requested_by
from .services import async_setup_services
from .storage.vehicle_store import VehicleStorage
from .telemetry.config_issues import clear_refusals
from .telemetry.manager import EntryTelemetry, issue_id
from .vehicle_command import InvalidKey, VirtualKey

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what belongs to Home Assistant as a whole: the actions."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> bool:
    """Set up one account. Waits for Tesla's free list of cars, and for no car."""
    # whoever has it loaded: what goes on by itself from now on is on nobody's behalf
    with requested_by(RequestOrigin.NOBODY):
        return await _set_up(hass, entry)


async def _set_up(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> bool:
    removal.async_clear(hass, entry)
    key = await _load_key(hass, entry)
    authorization = await async_get_authorization(hass, entry)
    meter = await async_get_meter(hass, authorization.implementation)
    meter.begin(currency_of(hass, entry))
    budget = async_get_budget(hass, meter)
    budget.join(entry.entry_id, amount_of(hass, entry, meter.prices))
    entry.async_on_unload(lambda: budget.leave(entry.entry_id))
    client = _make_client(hass, entry, authorization, meter, budget)
    storage = VehicleStorage(hass, entry.entry_id)
    await storage.load()
    vehicles = Vehicles(client)
    try:
        claims = read_claims(await authorization.access_token())
        with_location = entry.data.get(CONF_LOCATION, False) and (
            Scope.VEHICLE_LOCATION in claims.scopes
        )
        account = Account(
            hass,
            entry,
            vehicles,
            storage,
            budget,
            lambda summary: VehicleCoordinator(
                hass,
                entry,
                summary,
                vehicles,
                key,
                storage,
                with_location=with_location,
                stretch=lambda: budget.decision.stretch,
                on_not_found=account.check_soon,
            ),
        )
        await account.load()
    except FleetApiError as err:
        raise _setup_error(err)(
            translation_domain=DOMAIN,
            translation_key=translation_key(err),
            translation_placeholders=placeholders(err),
        ) from err
    cars = account.cars
    telemetry = EntryTelemetry(
        hass,
        entry,
        TelemetryConfigs(client),
        key,
        storage,
        cars,
        meter,
        with_location=with_location,
    )
    entry.runtime_data = TeslaChargingData(
        client, key, storage, meter, budget, cars, account, telemetry
    )
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    account.for_each(lambda car: EventMonitor(hass, entry, car, storage).start())
    account.follow_budget(telemetry.set_streaming)
    await telemetry.start()
    DomainMonitor(hass, entry, key).start()
    account.for_each(lambda car: PairingMonitor(hass, entry, car, vehicles).start())

    @callback
    def left(vin: str) -> None:
        telemetry.car_left(vin)
        others = hass.config_entries.async_loaded_entries(DOMAIN)
        if not any(
            other.runtime_data.meter is meter and vin in other.runtime_data.cars for other in others
        ):
            meter.anonymize_car(vin)

    account.joined.subscribe(telemetry.car_joined)
    account.left.subscribe(left)
    account.start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> bool:
    """Unload an account, keeping what has to survive."""
    entry.runtime_data.account.stop()
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded:
        await entry.runtime_data.telemetry.stop()
        await entry.runtime_data.account.close()
        await entry.runtime_data.storage.close()
    if entry.disabled_by:
        for vin in entry.runtime_data.cars:
            clear_refusals(hass, vin)
    return unloaded


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, device: DeviceEntry
) -> bool:
    """Let the person delete the device of a car that Tesla does not list any more, and no other."""
    if entry.state is not ConfigEntryState.LOADED:
        return False  # what Tesla lists is not known
    account = entry.runtime_data.account
    vins = vins_of(device)
    if not vins or any(account.is_listed(vin) for vin in vins):
        return False
    for vin in vins:
        await account.forget(vin)
    return True


async def async_remove_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
    """Forget an account, take back what can be, and tell what is left: the files stay until the person has decided."""
    for flow in [*entry.async_get_active_flows(hass, {SOURCE_RECONFIGURE})]:
        hass.config_entries.flow.async_abort(flow["flow_id"])
    async_get_key_store(hass).hide(entry.entry_id)
    ir.async_delete_issue(hass, DOMAIN, issue_id(entry.entry_id))
    storage = VehicleStorage(hass, entry.entry_id)
    await storage.load()
    for vin in storage.telemetry_vins:
        clear_refusals(hass, vin)
    unreached = await removal.async_remove_configs(hass, entry, storage, _base_url(entry))
    async_remove_issues(hass, entry)
    removal.async_report(hass, entry, unreached)
    await removal.async_leave_meter(hass, entry)
    # last, because a disk may refuse
    await storage.remove()
    await async_remove_token_file(hass, entry.entry_id)


def _make_client(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    authorization: Authorization,
    meter: Meter,
    budget: BudgetManager,
) -> FleetApiClient:
    """Return the account's client."""
    issues = async_get_issues(hass, entry)
    return FleetApiClient(
        async_get_clientsession(hass),
        authorization,
        active_endpoints(),
        _base_url(entry),
        now=hass.loop.time,
        on_request=meter.add_request,
        on_base_url=lambda url: _remember_base_url(hass, entry, url),
        on_outcome=issues.record_outcome,
        suspension=issues.suspension,
        permit=budget.permit,
    )


async def _load_key(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> VirtualKey:
    """Return the virtual key and show its public half, whatever else goes wrong later."""
    store = async_get_key_store(hass)
    try:
        key = await store.load()
    except (InvalidKey, OSError) as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="key_unreadable",
            translation_placeholders={"detail": str(err)},
        ) from err
    if key is None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="key_missing")
    store.show(entry.entry_id)
    return key


def _base_url(entry: TeslaChargingConfigEntry) -> str:
    """Return where the account lives: as Tesla last said, else as its region is known."""
    endpoints = active_endpoints()
    stored = endpoints.trusted_base_url(str(entry.data.get(CONF_BASE_URL, "")))
    region = Region(entry.data[CONF_REGION])
    return stored or endpoints.regions.get(region, endpoints.regions[Region.NA])


def _remember_base_url(hass: HomeAssistant, entry: TeslaChargingConfigEntry, url: str) -> None:
    if hass.config_entries.async_get_entry(entry.entry_id) is not None:  # a command may outlive it
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_BASE_URL: url})


def _setup_error(err: FleetApiError) -> type[ConfigEntryAuthFailed | ConfigEntryNotReady]:
    if isinstance(err, LoginRequired | MissingScope):
        return ConfigEntryAuthFailed
    return ConfigEntryNotReady
