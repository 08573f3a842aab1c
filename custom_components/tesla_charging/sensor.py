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
from .telemetry_problem import TelemetryProblem
from .vehicle_state import HEARD_AT, TELEMETRY, TROUBLE, TelemetryStage, VehicleState

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
POWER_SIGNALS = ("charger_power", "ACChargingPower", "DCChargingPower")


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


def _charge_power(state: VehicleState) -> float | None:
    """Return the power now: the car pushes that of the inlet (AC) and of the fast charger (DC), a poll gives either."""
    known = [name for name in POWER_SIGNALS if state.number(name) is not None]
    if not known:
        return None
    if "charger_power" in known:
        polled_at = state.measured_at("charger_power") or 0
        pushed = [name for name in known if (state.measured_at(name) or 0) > polled_at]
        known = pushed or ["charger_power"]
    return max(state.number(name) or 0 for name in known)


def _full_charge_at(state: VehicleState) -> datetime | None:
    """Return when charging will be finished, to the minute; None while it is not charging."""
    hours = state.number("EstimatedHoursToChargeTermination")
    measured_at = state.measured_at("EstimatedHoursToChargeTermination")
    if not hours or measured_at is None or state.value("DetailedChargeState") != "Charging":
        return None
    at = dt_util.utc_from_timestamp(round((measured_at + hours * 3600) / 60) * 60)
    return at.replace(microsecond=0)


def _last_message(state: VehicleState) -> datetime | None:
    """Return when the car pushed something last, to HEARD_GRAIN while it goes on."""
    if state.heard_at is None:
        return None
    return dt_util.utc_from_timestamp(state.heard_at).replace(microsecond=0)


SENSORS = (
    _number(
        "battery_level",
        "BatteryLevel",
        unit=PERCENTAGE,
        device_class=SensorDeviceClass.BATTERY,
        suggested_display_precision=0,
    ),
    _number(
        "usable_battery_level",
        "Soc",
        unit=PERCENTAGE,
        device_class=None,
        suggested_display_precision=0,
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
    VehicleSensorDescription(
        key="charge_power",
        signals=POWER_SIGNALS,
        value_fn=_charge_power,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
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


TELEMETRY_SENSORS = (
    VehicleSensorDescription(
        key="telemetry",
        signals=(TELEMETRY,),
        value_fn=lambda state: state.telemetry.value,
        device_class=SensorDeviceClass.ENUM,
        options=[stage.value for stage in TelemetryStage],
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    VehicleSensorDescription(
        key="telemetry_problem",
        signals=(TROUBLE,),
        value_fn=lambda state: state.trouble.shown.value,
        device_class=SensorDeviceClass.ENUM,
        options=[problem.value for problem in TelemetryProblem],
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    VehicleSensorDescription(
        key="last_message",
        signals=(HEARD_AT,),
        value_fn=_last_message,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's sensors, also of those that join later."""
    entry.runtime_data.account.for_each(
        lambda car: async_add_entities(
            [
                *(VehicleSensor(car, row) for row in SENSORS),
                *(TelemetrySensor(car, row) for row in TELEMETRY_SENSORS),
            ]
        )
    )


class VehicleSensor(VehicleEntity, SensorEntity):
    """A sensor of a car."""

    entity_description: VehicleSensorDescription

    @property
    @override
    def native_value(self) -> float | str | datetime | None:
        """The value now."""
        return self.entity_description.value_fn(self.state_of_car)


class TelemetrySensor(VehicleSensor):
    """How a car's push channel stands: known here, also while Tesla cannot be asked."""

    _unrecorded_attributes = frozenset({"detail", "left_out", "reported"})

    @property
    @override
    def available(self) -> bool:
        """Always."""
        return True

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str | list[str]] | None:
        """What Tesla and the car say about it, in their own words."""
        if TROUBLE not in self.signals:
            return None
        trouble = self.state_of_car.trouble
        return {
            "detail": trouble.detail,
            "left_out": list(trouble.left_out),
            "reported": trouble.reported,
        }
