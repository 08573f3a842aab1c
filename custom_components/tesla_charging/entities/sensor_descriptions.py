"""The sensors of every car, as a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
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
    UnitOfSpeed,
)

from ..entity import VehicleEntityDescription
from ..vehicle.car_status import STATUS_SIGNALS, CarStatus, car_status
from ..vehicle.charge_flow import POWER_SIGNALS, charge_power, phases
from ..vehicle.charge_status import REASON_SIGNALS, REASONS, why_not_charging
from ..vehicle.state import DIAGNOSIS, ENERGY, PLACED, RECEIVED_AT, TELEMETRY, VehicleState
from ..vehicle.telemetry_status import TelemetryProblem, TelemetryStage
from .sensor_values import (
    CABLE_TYPES,
    CHARGING_STATES,
    ESTIMATES,
    FAST_CHARGERS,
    GEARS,
    LATCHES,
    SCHEDULE_MODES,
    ac_reading,
    energy_added,
    full_charge_at,
    last_message,
    next_scheduled_start,
    power_of,
    scheduled_departure,
    signals_today,
    text,
    word,
)


@dataclass(frozen=True, kw_only=True)
class VehicleSensorDescription(VehicleEntityDescription, SensorEntityDescription):
    """One sensor of a car."""

    value_fn: Callable[[VehicleState], float | str | datetime | None]
    steady: timedelta | None = None
    """For an estimated time: changes smaller than this are not shown, nor ones small beside the time until then."""
    goes_on: bool = False
    """Whether a change means only that something goes on: the Activity leaves it out, as it does every number."""
    recurs: bool = False
    """Whether the shown time comes again: when it has passed, the next one is shown."""


def number(
    key: str,
    signal: str,
    *,
    unit: str | None,
    device_class: SensorDeviceClass | None,
    **more: object,
) -> VehicleSensorDescription:
    """Return the row of a sensor that shows a number as Tesla gives it."""
    return VehicleSensorDescription(
        key=key,
        native_unit_of_measurement=unit,
        device_class=device_class,
        **{  # type: ignore[arg-type]  # fields of the row
            "signals": (signal,),
            "value_fn": lambda state: state.number(signal),
            "state_class": SensorStateClass.MEASUREMENT,
            "suggested_display_precision": 0,
            **more,
        },
    )


def energy(
    key: str, value_fn: Callable[[VehicleState], float | None], **more: object
) -> VehicleSensorDescription:
    """Return the row of a sensor that counts kWh, for Home Assistant's Energy dashboard."""
    return VehicleSensorDescription(
        key=key,
        value_fn=value_fn,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        **{"signals": (ENERGY,), "suggested_display_precision": 1, **more},  # type: ignore[arg-type]  # fields of the row
    )


_HOME_SIGNALS: Final = ("LocatedAtHome", "Location", PLACED)

SENSORS: Final = (
    number(
        "battery_level", "BatteryLevel", unit=PERCENTAGE, device_class=SensorDeviceClass.BATTERY
    ),
    number("range", "RatedRange", unit=UnitOfLength.MILES, device_class=SensorDeviceClass.DISTANCE),
    VehicleSensorDescription(
        key="charging_state",
        signals=("DetailedChargeState",),
        value_fn=word("DetailedChargeState", CHARGING_STATES),
        device_class=SensorDeviceClass.ENUM,
        options=list(CHARGING_STATES.values()),
    ),
    VehicleSensorDescription(
        key="why_not_charging",
        signals=REASON_SIGNALS,
        value_fn=why_not_charging,
        device_class=SensorDeviceClass.ENUM,
        options=list(REASONS),
    ),
    VehicleSensorDescription(
        key="charge_power",
        signals=(*POWER_SIGNALS, "ChargeAmps", "ChargerVoltage", "DetailedChargeState"),
        value_fn=charge_power,
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
    ),
    number(
        "charge_current",
        "ChargeAmps",
        unit=UnitOfElectricCurrent.AMPERE,
        device_class=SensorDeviceClass.CURRENT,
        signals=("ChargeAmps", "ChargerVoltage", *POWER_SIGNALS),
        value_fn=ac_reading("ChargeAmps"),
        entity_registry_enabled_default=False,
    ),
    number(
        "charge_voltage",
        "ChargerVoltage",
        unit=UnitOfElectricPotential.VOLT,
        device_class=SensorDeviceClass.VOLTAGE,
        signals=("ChargerVoltage", *POWER_SIGNALS),
        value_fn=ac_reading("ChargerVoltage"),
        entity_registry_enabled_default=False,
    ),
    energy("energy_added", energy_added),
    energy(
        "energy_charged",
        lambda state: round(state.energy.total, 3),
        entity_registry_enabled_default=False,
    ),
    energy("energy_charged_home", lambda state: round(state.energy.home, 3), needs=_HOME_SIGNALS),
    energy(
        "energy_charged_away",
        lambda state: round(state.energy.away, 3),
        needs=_HOME_SIGNALS,
        entity_registry_enabled_default=False,
    ),
    VehicleSensorDescription(
        key="full_charge_time",
        signals=(*ESTIMATES, "DetailedChargeState"),
        value_fn=full_charge_at,
        device_class=SensorDeviceClass.TIMESTAMP,
        steady=timedelta(minutes=15),
        goes_on=True,
    ),
    VehicleSensorDescription(
        key="scheduled_charging_start",
        signals=(
            "ScheduledChargingStartTime",
            "ScheduledChargingPending",
            "ScheduledChargingMode",
        ),
        needs=("ScheduledChargingStartTime",),
        value_fn=next_scheduled_start,
        recurs=True,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
    ),
    number(
        "odometer",
        "Odometer",
        unit=UnitOfLength.MILES,
        device_class=SensorDeviceClass.DISTANCE,
        state_class=SensorStateClass.TOTAL_INCREASING,
        needs=("Odometer",),
        entity_registry_enabled_default=False,
    ),
    VehicleSensorDescription(
        key="status",
        signals=STATUS_SIGNALS,
        value_fn=car_status,
        device_class=SensorDeviceClass.ENUM,
        options=[status.value for status in CarStatus],
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    VehicleSensorDescription(
        key="firmware",
        signals=("Version",),
        value_fn=text("Version"),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)

NEXT_SCHEDULE: Final = VehicleSensorDescription(
    key="next_schedule",
    signals=(
        "charge_schedules",
        "ScheduledChargingStartTime",
        "ScheduledChargingPending",
        "ScheduledChargingMode",
    ),
    needs=("charge_schedules", "ScheduledChargingStartTime"),
    value_fn=lambda _: None,  # NextScheduleSensor computes it: it needs Home Assistant's location
    recurs=True,
    device_class=SensorDeviceClass.TIMESTAMP,
)

TELEMETRY_SENSORS: Final = (
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
        signals=(DIAGNOSIS,),
        value_fn=lambda state: state.diagnosis.shown.value,
        device_class=SensorDeviceClass.ENUM,
        options=[problem.value for problem in TelemetryProblem],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    VehicleSensorDescription(
        key="last_message",
        signals=(RECEIVED_AT,),
        value_fn=last_message,
        goes_on=True,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    VehicleSensorDescription(
        key="signals_today",
        signals=(RECEIVED_AT,),
        needs=(RECEIVED_AT,),
        value_fn=signals_today,
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
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
        signals=(pushed, "charger_power", "FastChargerPresent", "ChargeAmps", "ChargerVoltage"),
        needs=(pushed, "charger_power"),
        value_fn=power_of(pushed, fast=fast),
        native_unit_of_measurement=UnitOfPower.KILO_WATT,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
    )


def _special(
    key: str,
    signal: str,
    unit: str | None = None,
    device_class: SensorDeviceClass | None = None,
    **more: object,
) -> VehicleSensorDescription:
    """Return the row of a sensor that shows a number, disabled by default and only for cars that have its signal."""
    return number(
        key,
        signal,
        unit=unit,
        device_class=device_class,
        **{"needs": (signal,), "entity_registry_enabled_default": False, **more},
    )


def _from_wall(state: VehicleState) -> float | None:
    wall = state.energy.wall
    return state.number("ACChargingEnergyIn") if wall is None else wall.shown


SPECIAL_SENSORS: Final = (
    _special("usable_battery_level", "Soc", PERCENTAGE, needs=()),
    _special(
        "energy_remaining",
        "EnergyRemaining",
        UnitOfEnergy.KILO_WATT_HOUR,
        SensorDeviceClass.ENERGY_STORAGE,
        suggested_display_precision=1,
    ),
    _special("estimated_range", "EstBatteryRange", UnitOfLength.MILES, SensorDeviceClass.DISTANCE),
    _special("ideal_range", "IdealBatteryRange", UnitOfLength.MILES, SensorDeviceClass.DISTANCE),
    _power("ac_power", "ACChargingPower", fast=False),
    _power("dc_power", "DCChargingPower", fast=True),
    # a poll does not contain it
    energy(
        "energy_from_wall",
        _from_wall,
        signals=("ACChargingEnergyIn", ENERGY),
        needs=("ACChargingEnergyIn", RECEIVED_AT),
        entity_registry_enabled_default=False,
    ),
    _special(
        "charge_rate",
        "ChargeRateMilePerHour",
        UnitOfSpeed.MILES_PER_HOUR,
        SensorDeviceClass.SPEED,
    ),
    _special(
        "charge_current_max",
        "ChargeCurrentRequestMax",
        UnitOfElectricCurrent.AMPERE,
        SensorDeviceClass.CURRENT,
    ),
    _special(
        "charger_phases",
        "ChargerPhases",
        suggested_display_precision=None,
        signals=("ChargerPhases", "ChargeAmps", "ChargerVoltage", *POWER_SIGNALS),
        value_fn=phases,
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
        signals=(
            "scheduled_departure_time",
            "scheduled_departure_time_minutes",
            "ScheduledChargingMode",
        ),
        needs=("scheduled_departure_time",),
        value_fn=scheduled_departure,
        recurs=True,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
    ),
    # for every car: a parked car that is asleep does not report a gear
    _word("shift_state", "Gear", GEARS, "p", every_car=True),
)
