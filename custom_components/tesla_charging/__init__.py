"""Tesla Charging: charges Teslas through Tesla's own Fleet API, signed here and verified by the car."""

from contextlib import suppress
from functools import partial

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from . import removal
from .account import Account
from .auth.authorization import (
    NO_AUTHORIZATION,
    EntryAuthorization,
    async_forget_authorization,
    async_get_authorization,
    async_remove_token_file,
)
from .auth.key_store import async_get_key_store
from .billing.budget_manager import amount_of, async_get_budget
from .billing.meter_store import async_get_meter, currency_of
from .charging.home import HomeCharging
from .charging.price_history import PriceHistory
from .charging.price_source import PriceSource
from .charging.settings import SourceSettings
from .charging.store import ChargingStore
from .client import async_report_simulator, base_url_of, make_client, region_of, store_base_url
from .commands.call_target import async_follow_calls
from .const import CONF_IMPLEMENTATION, CONF_LOCATION, CONF_REGION, DOMAIN, PLATFORMS
from .coordinator import VehicleCoordinator
from .data import TeslaChargingConfigEntry, TeslaChargingData
from .device import vins_of
from .entity import signals_by_entity_name
from .exceptions import Message, placeholders, translation_key
from .fleet_api import FleetApiError, LoginRequired, MissingScope, Scope, TelemetryConfigs, Vehicles
from .issues.kinds import PRICES_MISSING, Success
from .issues.registry import (
    async_clear_issues,
    async_clear_retired,
    async_get_issues,
    async_remove_issues,
    plain_text,
)
from .monitors.domain import DomainMonitor
from .monitors.events import EventMonitor
from .monitors.pairing import PairingMonitor
from .request_origin import RequestOrigin, requested_by
from .services import async_setup_services
from .shared_cars import async_get_shared_cars
from .storage.loading import async_delete, async_forget_deleted
from .storage.vehicle_store import VehicleStorage
from .telemetry.config_issues import async_clear_config_issues
from .telemetry.config_sync import async_remove_configs
from .telemetry.manager import EntryTelemetry
from .telemetry.settings import are_known
from .vehicle_command import InvalidKey, VirtualKey

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what belongs to Home Assistant as a whole: the actions, and the targets of calls."""
    async_clear_retired(hass)
    async_follow_calls(hass)
    async_setup_services(hass)
    async_report_simulator(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> bool:
    """Set up one account. Waits for Tesla's free list of cars, not for the cars."""
    # also when a user reloads the entry: what it starts is not on the user's behalf
    with requested_by(RequestOrigin.NOBODY):
        entry.runtime_data = await _load(hass, entry)
        try:
            await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
            await _start(hass, entry)
        except BaseException:
            # Home Assistant does not unload an entry whose set-up failed
            for platform in PLATFORMS:
                with suppress(ValueError):  # it was not loaded
                    await hass.config_entries.async_unload_platforms(entry, [platform])
            await _stop(entry)
            raise
    return True


async def _load(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> TeslaChargingData:
    """Return the runtime data of an entry, with the cars that Tesla lists."""
    removal.async_clear(hass, entry)
    key = await _load_key(hass, entry)
    if not isinstance(entry.data.get(CONF_IMPLEMENTATION), str):
        raise _sign_in_unusable()
    authorization = await async_get_authorization(hass, entry)
    _check_entry(entry, authorization)
    meter = await async_get_meter(hass, authorization.implementation)
    meter.begin(currency_of(hass, entry))
    budget = async_get_budget(hass, meter)
    budget.join(entry.entry_id, amount_of(hass, entry, meter.prices))
    entry.async_on_unload(lambda: budget.leave(entry.entry_id))
    issues = async_get_issues(hass, entry)
    client = make_client(
        hass,
        authorization,
        base_url_of(entry),
        on_request=meter.add_request,
        permit=budget.permit,
        on_base_url=lambda url: store_base_url(hass, entry, url),
        on_outcome=issues.record_outcome,
        suspension=issues.suspension,
    )
    storage = VehicleStorage(hass, entry.entry_id)
    await storage.load()
    vehicles = Vehicles(client)
    try:
        claims = await authorization.claims()
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
        vehicles.fleet_status,
        partial(signals_by_entity_name, hass),
        with_location=with_location,
    )
    telemetry.prepare()
    prices = _prices(hass, entry)
    charging = HomeCharging(hass, entry, prices)
    await charging.load()
    return TeslaChargingData(
        client, key, storage, meter, budget, cars, account, telemetry, prices, charging
    )


def _prices(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> PriceSource | None:
    """Return the prices of the home; None while no sources are set up."""
    settings = SourceSettings.from_options(entry.options)
    if settings is None:
        return None
    issues = async_get_issues(hass, entry)
    return PriceSource(
        hass,
        settings,
        partial(issues.raise_issue, PRICES_MISSING, None),
        partial(issues.clear, PRICES_MISSING),
        PriceHistory(hass, entry.entry_id, settings.price_key),
    )


async def _start(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
    """Start what works beside the platforms."""
    data = entry.runtime_data
    vehicles = Vehicles(data.client)
    account, telemetry, meter = data.account, data.telemetry, data.meter
    account.for_each(lambda car: EventMonitor(hass, entry, car, data.storage).start())
    account.follow_budget(telemetry.set_streaming)
    await telemetry.start()
    DomainMonitor(hass, entry, data.key).start()
    account.for_each(lambda car: PairingMonitor(hass, entry, car, vehicles).start())
    account.for_each(data.charging.join)

    @callback
    def left(vin: str) -> None:
        telemetry.car_left(vin)
        data.charging.leave(vin)
        others = hass.config_entries.async_loaded_entries(DOMAIN)
        if not any(
            other.runtime_data.meter is meter and vin in other.runtime_data.cars for other in others
        ):
            meter.anonymize_car(vin)

    account.joined.subscribe(telemetry.car_joined)
    account.left.subscribe(left)
    account.start()
    if data.prices is not None:
        data.prices.start()


async def _stop(entry: TeslaChargingConfigEntry) -> None:
    """Stop everything but the platforms, and save the state."""
    data = entry.runtime_data
    data.account.stop()
    data.charging.stop()
    if data.prices is not None:
        await data.prices.close()
    await data.telemetry.stop()
    await data.account.close()
    await data.storage.close()


async def async_unload_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> bool:
    """Unload an account, and save its state."""
    entry.runtime_data.account.stop()
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded:
        await _stop(entry)
    if entry.disabled_by:
        entry.runtime_data.account.hand_over()
        hass.async_create_task(
            entry.runtime_data.telemetry.leave_shared_cars(), f"{DOMAIN} cars of a disabled entry"
        )
        for vin in entry.runtime_data.cars:
            async_clear_config_issues(hass, vin)
    return unloaded


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, device: DeviceEntry
) -> bool:
    """Let the user delete the device of a car that Tesla does not list any more, and no other."""
    if entry.state is not ConfigEntryState.LOADED:
        return False  # the list of cars is not known
    account = entry.runtime_data.account
    vins = vins_of(device)
    if not vins or any(account.is_listed(vin) for vin in vins):
        return False
    for vin in vins:
        await account.forget(vin, device_too=False)
    return True


async def async_remove_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
    """Remove an account, and report what is left: shared files stay until the user decides."""
    async_get_key_store(hass).hide(entry.entry_id)
    storage = VehicleStorage(hass, entry.entry_id)
    charging, prices = ChargingStore(hass, entry.entry_id), PriceHistory(hass, entry.entry_id)
    try:
        await storage.load()
        # what cannot be used is set aside first, and deleted with the rest
        await charging.load()
        await prices.load()
        with suppress(*NO_AUTHORIZATION):
            await async_get_authorization(hass, entry)  # reads the newest token
    finally:
        # first, because what follows may fail; it needs the tokens and records only in memory
        await async_delete(
            [
                partial(async_remove_token_file, hass, entry.entry_id),
                prices.remove,
            ]
        )
        await storage.remove()
        await charging.remove()
    await async_forget_deleted(hass)
    for flow in [*entry.async_get_active_flows(hass, {SOURCE_RECONFIGURE})]:
        hass.config_entries.flow.async_abort(flow["flow_id"])
    options = hass.config_entries.options
    for open_flow in options.async_progress_by_handler(entry.entry_id, include_uninitialized=True):
        options.async_abort(open_flow["flow_id"])
    async_clear_issues(hass, Success.LISTENING, entry=entry)
    for vin in storage.telemetry_vins:
        async_clear_config_issues(hass, vin)
    names = removal.names_of(hass, entry)
    try:
        unreached = await async_remove_configs(hass, entry, storage, base_url_of(entry))
    finally:
        # last: an entry with the same application configures its cars again when it takes them over
        shared = async_get_shared_cars(hass)
        for vin in names:
            shared.release(vin, entry.entry_id, storage.records_of(vin))
    async_forget_authorization(hass, entry.entry_id)
    async_remove_issues(hass, entry)
    removal.async_report(hass, entry, unreached, names)
    await removal.async_leave_meter(hass, entry)


async def _load_key(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> VirtualKey:
    """Return the virtual key and serve its public half, whatever fails later."""
    store = async_get_key_store(hass)
    try:
        key = await store.load()
    except (InvalidKey, OSError) as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key=Message.KEY_UNREADABLE,
            translation_placeholders={"detail": str(err)},
        ) from err
    if key is None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key=Message.KEY_MISSING)
    store.show(entry.entry_id)
    return key


def _check_entry(entry: TeslaChargingConfigEntry, authorization: EntryAuthorization) -> None:
    """Raise what tells the user how to repair an entry with content of another version, or damaged content."""
    if not authorization.is_usable:
        raise _sign_in_unusable()
    if region_of(entry) is None:
        raise ConfigEntryAuthFailed(
            translation_domain=DOMAIN,
            translation_key=Message.REGION_UNKNOWN,
            translation_placeholders={"region": plain_text(str(entry.data.get(CONF_REGION)))},
        )
    if not are_known(entry.options):
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key=Message.TELEMETRY_UNKNOWN)


def _sign_in_unusable() -> ConfigEntryAuthFailed:
    return ConfigEntryAuthFailed(
        translation_domain=DOMAIN, translation_key=Message.SIGN_IN_UNUSABLE
    )


def _setup_error(err: FleetApiError) -> type[ConfigEntryAuthFailed | ConfigEntryNotReady]:
    if isinstance(err, LoginRequired | MissingScope):
        return ConfigEntryAuthFailed
    return ConfigEntryNotReady
