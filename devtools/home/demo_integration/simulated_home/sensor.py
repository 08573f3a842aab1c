"""The sensors: what flows and what has flowed, and two prices in the shape of a price integration from HACS."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, UnitOfEnergy, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.util import dt as dt_util

from .coordinator import HomeCoordinator, PriceCoordinator, Prices, SimulatedHomeConfigEntry, Slot


@dataclass(frozen=True, kw_only=True)
class HomeSensorDescription(SensorEntityDescription):
    """A value of `/home/state`: its part and its name there; for a counter, its name in the history."""

    part: str
    field: str
    counter: str | None = None


def _power(key: str, name: str, part: str) -> HomeSensorDescription:
    return HomeSensorDescription(
        key=key,
        name=name,
        part=part,
        field="power_w",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
    )


def _energy(key: str, name: str, part: str, field: str, counter: str) -> HomeSensorDescription:
    return HomeSensorDescription(
        key=key,
        name=name,
        part=part,
        field=field,
        counter=counter,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
    )


SENSORS = (
    _power("grid_power", "Grid power", "grid"),
    _energy("grid_import", "Grid import", "grid", "import_kwh", "grid_import_kwh"),
    _energy("grid_export", "Grid export", "grid", "export_kwh", "grid_export_kwh"),
    _power("solar_power", "Solar power", "solar"),
    _energy("solar_energy", "Solar energy", "solar", "energy_kwh", "solar_kwh"),
    _power("house_load", "House load", "load"),
    _energy("house_energy", "House energy", "load", "energy_kwh", "load_kwh"),
    _power("battery_power", "Battery power", "battery"),
    _energy("battery_in", "Battery charged", "battery", "in_kwh", "battery_in_kwh"),
    _energy("battery_out", "Battery discharged", "battery", "out_kwh", "battery_out_kwh"),
    HomeSensorDescription(
        key="battery_level",
        name="Battery level",
        part="battery",
        field="level_percent",
        device_class=SensorDeviceClass.BATTERY,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
    ),
)


@dataclass(frozen=True, kw_only=True)
class PriceSensorDescription(SensorEntityDescription):
    """A price, and its slots among those that are published."""

    slots: Callable[[Prices], tuple[Slot, ...]]


PRICES = (
    PriceSensorDescription(
        key="import_price", name="Electricity price", slots=lambda prices: prices.imported
    ),
    PriceSensorDescription(
        key="export_price", name="Electricity export price", slots=lambda prices: prices.exported
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SimulatedHomeConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add what this home has: one without a battery has no sensors of it."""
    data = entry.runtime_data
    async_add_entities(
        [
            *(HomeSensor(data.home, row) for row in SENSORS if data.home.data[row.part]),
            *(PriceSensor(data.prices, row) for row in PRICES),
        ]
    )


def _device(entry: SimulatedHomeConfigEntry) -> DeviceInfo:
    return DeviceInfo(
        identifiers={(entry.domain, entry.domain)},
        name="Simulated home",
        entry_type=DeviceEntryType.SERVICE,
        configuration_url=f"{entry.data['url'].rstrip('/')}/home",
    )


class HomeSensor(CoordinatorEntity[HomeCoordinator], SensorEntity):
    """One value of the home."""

    entity_description: HomeSensorDescription
    _attr_has_entity_name = True

    def __init__(self, coordinator: HomeCoordinator, description: HomeSensorDescription) -> None:
        """Show a value."""
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = description.key
        self._attr_device_info = _device(coordinator.config_entry)

    @property
    @override
    def native_value(self) -> float | None:
        """W, kWh or %; a counter counts from the full hour before the simulator was started."""
        row = self.entity_description
        value: float | None = self.coordinator.data[row.part][row.field]
        if value is None or row.counter is None:
            return value
        # the meter is some seconds late, and so behind the hour at first
        return max(0.0, round(value - self.coordinator.base.get(row.counter, 0.0), 6))


class PriceSensor(CoordinatorEntity[PriceCoordinator], SensorEntity):
    """The price now, with those of today and tomorrow as attributes."""

    entity_description: PriceSensorDescription
    _attr_has_entity_name = True
    _attr_suggested_display_precision = 3
    _attr_icon = "mdi:cash"
    _unrecorded_attributes = frozenset({"today", "tomorrow", "raw_today", "raw_tomorrow"})

    def __init__(self, coordinator: PriceCoordinator, description: PriceSensorDescription) -> None:
        """Show a price."""
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = description.key
        self._attr_device_info = _device(coordinator.config_entry)

    @property
    @override
    def available(self) -> bool:
        """Whether the price service answers."""
        return super().available and self.coordinator.data is not None

    @property
    def _slots(self) -> tuple[Slot, ...]:
        prices = self.coordinator.data
        return () if prices is None else self.entity_description.slots(prices)

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        """As in EUR/kWh."""
        return None if self.coordinator.data is None else self.coordinator.data.unit

    @property
    @override
    def native_value(self) -> float | None:
        """The price now; None in a hole."""
        now = dt_util.utcnow()
        return next((slot.value for slot in self._slots if slot.start <= now < slot.end), None)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """The prices as lists of numbers, and with their times."""
        today = dt_util.now()
        now, then = (self._day(today + timedelta(days=ahead)) for ahead in (0, 1))
        return {
            "today": [slot.value for slot in now],
            "tomorrow": [slot.value for slot in then],
            "tomorrow_valid": bool(then),
            "raw_today": [_raw(slot) for slot in now],
            "raw_tomorrow": [_raw(slot) for slot in then],
        }

    def _day(self, at: datetime) -> list[Slot]:
        return [slot for slot in self._slots if slot.start.date() == at.date()]


def _raw(slot: Slot) -> dict[str, Any]:
    return {"start": slot.start, "end": slot.end, "value": slot.value}
