"""The sensors that specialists want: there from the start or as soon as the car has them, but switched off.

What only they show is streamed, and paid for, only while they are switched on.
"""

from collections.abc import Mapping
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    UnitOfElectricCurrent,
    UnitOfEnergy,
    UnitOfLength,
    UnitOfPower,
    UnitOfSpeed,
)

from ..vehicle.state import RECEIVED_AT
from .sensor_descriptions import VehicleSensorDescription, energy, number
from .sensor_values import (
    CABLE_TYPES,
    FAST_CHARGERS,
    GEARS,
    LATCHES,
    SCHEDULE_MODES,
    power_of,
    scheduled_departure,
    text,
    word,
)


def _word(
    key: str,
    signal: str,
    words: Mapping[str, str],
    none: str | None = None,
    *,
    every_car: bool = False,
) -> VehicleSensorDescription:
    """Return the row of a sensor that shows one of several words."""
    shown = dict.fromkeys((*words.values(), *([none] if none else [])))
    return VehicleSensorDescription(
        key=key,
        signals=(signal,),
        needs=() if every_car else (signal,),
        value_fn=word(signal, words, none),
        device_class=SensorDeviceClass.ENUM,
        options=list(shown),
        entity_registry_enabled_default=False,
    )


def _power(key: str, pushed: str, *, fast: bool) -> VehicleSensorDescription:
    """Return the row of a sensor that shows the power of AC or DC charging alone."""
    return VehicleSensorDescription(
        key=key,
        signals=(pushed, "charger_power", "FastChargerPresent"),
        needs=(pushed, "charger_power"),
        value_fn=power_of(pushed, fast=fast),
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
    )


_OFF: Final[Mapping[str, object]] = {"entity_registry_enabled_default": False}

SPECIAL_SENSORS: Final = (
    number("usable_battery_level", "Soc", unit=PERCENTAGE, device_class=None, **_OFF),
    number(
        "energy_remaining",
        "EnergyRemaining",
        unit=UnitOfEnergy.KILO_WATT_HOUR,
        device_class=SensorDeviceClass.ENERGY_STORAGE,
        suggested_display_precision=1,
        needs=("EnergyRemaining",),
        **_OFF,
    ),
    number(
        "estimated_range",
        "EstBatteryRange",
        unit=UnitOfLength.MILES,
        device_class=SensorDeviceClass.DISTANCE,
        needs=("EstBatteryRange",),
        **_OFF,
    ),
    number(
        "ideal_range",
        "IdealBatteryRange",
        unit=UnitOfLength.MILES,
        device_class=SensorDeviceClass.DISTANCE,
        needs=("IdealBatteryRange",),
        **_OFF,
    ),
    _power("ac_power", "ACChargingPower", fast=False),
    _power("dc_power", "DCChargingPower", fast=True),
    # a poll does not tell it
    energy(
        "energy_from_wall",
        lambda state: state.number("ACChargingEnergyIn"),
        signals=("ACChargingEnergyIn",),
        needs=("ACChargingEnergyIn", RECEIVED_AT),
        **_OFF,
    ),
    number(
        "charge_rate",
        "ChargeRateMilePerHour",
        unit=UnitOfSpeed.MILES_PER_HOUR,
        device_class=SensorDeviceClass.SPEED,
        needs=("ChargeRateMilePerHour",),
        **_OFF,
    ),
    number(
        "charge_current_max",
        "ChargeCurrentRequestMax",
        unit=UnitOfElectricCurrent.AMPERE,
        device_class=SensorDeviceClass.CURRENT,
        needs=("ChargeCurrentRequestMax",),
        **_OFF,
    ),
    VehicleSensorDescription(
        key="charger_phases",
        signals=("ChargerPhases",),
        needs=("ChargerPhases",),
        value_fn=lambda state: state.number("ChargerPhases"),
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
    ),
    _word("cable_type", "ChargingCableType", CABLE_TYPES, "none"),
    _word("charge_port_latch", "ChargePortLatch", LATCHES),
    _word("fast_charger_type", "FastChargerType", FAST_CHARGERS, "none"),
    VehicleSensorDescription(
        key="fast_charger_brand",
        signals=("fast_charger_brand",),
        needs=("fast_charger_brand",),
        value_fn=text("fast_charger_brand"),
        entity_registry_enabled_default=False,
    ),
    _word("scheduled_charging_mode", "ScheduledChargingMode", SCHEDULE_MODES),
    VehicleSensorDescription(
        key="scheduled_departure",
        signals=("scheduled_departure_time", "ScheduledChargingMode"),
        needs=("scheduled_departure_time",),
        value_fn=scheduled_departure,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
    ),
    # a parked car that is left alone has no gear to tell
    _word("shift_state", "Gear", GEARS, "p", every_car=True),
)
