"""Decides which config entry has a car that several accounts list (owner and driver): one set of entities, one poller.

Rule: a car is in one entry at a time, and stays in it over reloads and restarts. When that entry lets it go, the next one
takes over device, entities and records.
"""

from collections.abc import Callable
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_platform, entity_registry as er
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .coordinator import DATA_OBSERVATIONS, VehicleCoordinator
from .storage.vehicle_store import CarRecords

FAILED: Final = frozenset({ConfigEntryState.SETUP_ERROR, ConfigEntryState.MIGRATION_ERROR})
"""An entry in this state shows no car until the user does something: another one may have its cars meanwhile."""

COMING: Final = frozenset({ConfigEntryState.SETUP_RETRY, ConfigEntryState.SETUP_IN_PROGRESS})
"""An entry in this state has not listed its cars yet."""

type TakeOver = Callable[[CarRecords], None]


class SharedCars:
    """Which entry has which car, and which others wait for it."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._holders: dict[str, str] = {}
        """By VIN: the id of the entry that has the car."""
        self._waiting: dict[str, dict[str, TakeOver]] = {}
        """By VIN and entry id, in the order in which they listed the car."""
        self._left: dict[str, CarRecords] = {}
        """By VIN: the records of a car that was let go while an entry that may have it could not be set up."""

    @callback
    def claim(self, vin: str, entry_id: str, take_over: TakeOver) -> bool:
        """Return whether an entry has a car; if not, `take_over` is called when it gets it."""
        holder = self._holder(vin)
        if holder not in {None, entry_id}:
            self._waiting.setdefault(vin, {})[entry_id] = take_over
            return False
        self._waiting.get(vin, {}).pop(entry_id, None)
        self._holders[vin] = entry_id
        self._move(vin, entry_id)
        return True

    def other_entry(self, vin: str, entry_id: str) -> ConfigEntry | None:
        """Return the entry that has a car instead of this one, if there is one."""
        holder = self._holder(vin)
        if holder is None or holder == entry_id:
            return None
        return self._hass.config_entries.async_get_entry(holder)

    @callback
    def withdraw(self, entry_id: str, vin: str | None = None) -> None:
        """Wait no longer for a car, or (None) for any."""
        for waited, entries in self._waiting.items():
            if vin in {None, waited}:
                entries.pop(entry_id, None)

    @callback
    def release(self, vin: str, entry_id: str, records: CarRecords) -> None:
        """Let a car go for good; the entry that has waited longest gets it, with its records."""
        self.withdraw(entry_id, vin)
        if self._holders.get(vin, entry_id) != entry_id:
            return
        self._holders.pop(vin, None)
        for waiting, take_over in [*self._waiting.get(vin, {}).items()]:
            if self._is_alive(waiting):
                self._holders[vin] = waiting
                take_over(records)
                return
        entries = self._hass.config_entries.async_entries(DOMAIN, include_disabled=False)
        if any(other.entry_id != entry_id and other.state in COMING for other in entries):
            self._left[vin] = records
        self._hass.data.get(DATA_OBSERVATIONS, {}).pop(vin, None)

    @callback
    def take_left(self, vin: str) -> CarRecords | None:
        """Return the records of a car that was let go before anyone could have it, once."""
        return self._left.pop(vin, None)

    def _holder(self, vin: str) -> str | None:
        """Return the entry that has a car; after a start it is the one that has its entities, even if it is not loaded yet."""
        if self._is_alive(holder := self._holders.get(vin)):
            return holder
        entities, devices = self._entities(vin), self._devices(vin)
        known = [entity.config_entry_id for entity in entities]
        known += [device.config_entry_id for device in devices]
        return next((entry_id for entry_id in known if self._is_alive(entry_id)), None)

    def _is_alive(self, entry_id: str | None) -> bool:
        entry = self._hass.config_entries.async_get_entry(entry_id) if entry_id else None
        return entry is not None and entry.disabled_by is None and entry.state not in FAILED

    def _entities(self, vin: str) -> list[er.RegistryEntry]:
        registry = er.async_get(self._hass)
        return [
            entity
            for entity in registry.entities.values()
            if entity.platform == DOMAIN and entity.unique_id.startswith(f"{vin}_")
        ]

    def _devices(self, vin: str) -> list[dr.DeviceEntry]:
        return dr.async_get(self._hass).async_get_devices(identifiers={(DOMAIN, vin)})

    def _move(self, vin: str, entry_id: str) -> None:
        """Give an entry the device and the entities that other entries have of a car."""
        devices = dr.async_get(self._hass)
        others = [device for device in self._devices(vin) if device.config_entry_id != entry_id]
        if not others:
            return
        own = devices.async_get_device_by_identifier((DOMAIN, vin), entry_id)
        entities = er.async_get(self._hass)
        kept = own if own is not None and not self._has_entities(others) else others[0]
        if own is not None and own is not kept:
            devices.async_remove_device(own.id)
        for entity in self._entities(vin):
            by_entry = entity.disabled_by is er.RegistryEntryDisabler.CONFIG_ENTRY
            entities.async_update_entity(
                entity.entity_id,
                config_entry_id=entry_id,
                device_id=kept.id,
                disabled_by=None if by_entry else entity.disabled_by,
            )
        if kept.config_entry_id != entry_id:
            by_entry = kept.disabled_by is dr.DeviceEntryDisabler.CONFIG_ENTRY
            devices.async_update_device(
                kept.id,
                new_config_entry_id=entry_id,
                disabled_by=None if by_entry else kept.disabled_by,
            )
        for device in others:
            if device is not kept:
                devices.async_remove_device(device.id)

    def _has_entities(self, found: list[dr.DeviceEntry]) -> bool:
        ids = {device.id for device in found}
        return any(entity.device_id in ids for entity in er.async_get(self._hass).entities.values())


async def async_remove_entities(hass: HomeAssistant, car: VehicleCoordinator) -> None:
    """Remove the entities of a car from the platforms of its entry; in the registry they stay."""
    for platform in entity_platform.async_get_platforms(hass, DOMAIN):
        if platform.config_entry is not car.config_entry:
            continue
        for entity in [*platform.entities.values()]:
            if entity.unique_id is not None and entity.unique_id.startswith(f"{car.vin}_"):
                await platform.async_remove_entity(entity.entity_id)


DATA_SHARED_CARS: Final[HassKey[SharedCars]] = HassKey(f"{DOMAIN}_shared_cars")


@callback
def async_get_shared_cars(hass: HomeAssistant) -> SharedCars:
    """Return the cars of this Home Assistant."""
    if DATA_SHARED_CARS not in hass.data:
        hass.data[DATA_SHARED_CARS] = SharedCars(hass)
    return hass.data[DATA_SHARED_CARS]
