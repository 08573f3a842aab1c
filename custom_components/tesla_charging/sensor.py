"""Sensors: battery, charging and range."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfLength,
    UnitOfPower,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .entity import VehicleEntity, VehicleEntityDescription
from .models import TeslaChargingConfigEntry
from .vehicle_state import VehicleState

PARALLEL_UPDATES = 0

CHARGING_STATES = {
    "Disconnected": "disconnected",
    "NoPower": "no_power",
    "Starting": "starting",
    "Charging": "charging",
    "Complete": "complete",
    "Stopped": "stopped",
    "Calibrating": "calibrating",
}
"""Tesla's `DetailedChargeState` values and what Home Assistant calls them."""


@dataclass(frozen=True, kw_only=True)
class VehicleSensorDescription(VehicleEntityDescription, SensorEntityDescription):
    """One sensor."""

    value_fn: Callable[[VehicleState], float | str | datetime | None]


def _number(
    key: str, signal: str, *, unit: str, device_class: SensorDeviceClass | None, **more: object
) -> VehicleSensorDescription:
    """Return the row of a sensor that shows a number as Tesla gives it."""
    return VehicleSensorDescription(
        key=key,
        signals=(signal,),
        value_fn=lambda state: state.number(signal),
        native_unit_of_measurement=unit,
        device_class=device_class,
        **{"state_class": SensorStateClass.MEASUREMENT, **more},  # type: ignore[arg-type]  # fields of the row
    )


def _charging_state(state: VehicleState) -> str | None:
    return CHARGING_STATES.get(str(state.value("DetailedChargeState")))


def _full_charge_at(state: VehicleState) -> datetime | None:
    """Return when charging will be finished, to the minute; None while it is not charging."""
    hours = state.number("EstimatedHoursToChargeTermination")
    measured_at = state.measured_at("EstimatedHoursToChargeTermination")
    if not hours or measured_at is None or state.value("DetailedChargeState") != "Charging":
        return None
    at = dt_util.utc_from_timestamp(round((measured_at + hours * 3600) / 60) * 60)
    return at.replace(microsecond=0)


SENSORS = (
    _number(
        "battery_level", "BatteryLevel", unit=PERCENTAGE, device_class=SensorDeviceClass.BATTERY
    ),
    _number(
        "usable_battery_level",
        "Soc",
        unit=PERCENTAGE,
        device_class=None,
        entity_registry_enabled_default=False,
    ),
    _number(
        "range",
        "RatedRange",
        unit=UnitOfLength.MILES,
        device_class=SensorDeviceClass.DISTANCE,
        suggested_display_precision=0,
    ),
    VehicleSensorDescription(
        key="charging_state",
        signals=("DetailedChargeState",),
        value_fn=_charging_state,
        device_class=SensorDeviceClass.ENUM,
        options=list(CHARGING_STATES.values()),
    ),
    _number(
        "charge_power",
        "charger_power",
        unit=UnitOfPower.KILO_WATT,
        device_class=SensorDeviceClass.POWER,
        suggested_display_precision=1,
    ),
    _number(
        "charge_current",
        "ChargeAmps",
        unit=UnitOfElectricCurrent.AMPERE,
        device_class=SensorDeviceClass.CURRENT,
        suggested_display_precision=0,
    ),
    _number(
        "charge_voltage",
        "ChargerVoltage",
        unit=UnitOfElectricPotential.VOLT,
        device_class=SensorDeviceClass.VOLTAGE,
        suggested_display_precision=0,
    ),
    _number(
        "energy_added",
        "DCChargingEnergyIn",
        unit=UnitOfEnergy.KILO_WATT_HOUR,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=1,
    ),
    VehicleSensorDescription(
        key="full_charge_time",
        signals=("EstimatedHoursToChargeTermination", "DetailedChargeState"),
        value_fn=_full_charge_at,
        device_class=SensorDeviceClass.TIMESTAMP,
    ),
    VehicleSensorDescription(
        key="firmware",
        signals=("Version",),
        value_fn=lambda state: str(state.value("Version")) if state.value("Version") else None,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's sensors."""
    async_add_entities(
        VehicleSensor(car, row) for car in entry.runtime_data.cars.values() for row in SENSORS
    )


class VehicleSensor(VehicleEntity, SensorEntity):
    """A sensor of a car."""

    entity_description: VehicleSensorDescription

    @property
    @override
    def native_value(self) -> float | str | datetime | None:
        """The value now."""
        return self.entity_description.value_fn(self.state_of_car)
