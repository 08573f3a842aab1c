"""What the car's computers measure, under the names that Fleet Telemetry gives it.

Units: percent, kW, kWh, amps, volts, hours, miles, mph, degrees Celsius.
Source of names and meanings: Fleet Telemetry's Available Data page.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from simulator.car.conditions import (
    battery_heater_on,
    ideal_range,
    lifetime_energy_used,
    not_enough_power_to_heat,
    phases,
    pushed_charging_state,
    pushed_odometer,
    scheduled_charging_pending,
    session_kwh,
    volts,
)
from simulator.car.power import EFFICIENCY
from simulator.car.quirks import Quirk
from simulator.car.systems import Systems

#: A word stands for an enum value; None: the field does not apply now; a pair is latitude and
#: longitude; a set holds the doors that are open.
type Reading = bool | int | float | str | tuple[float, float] | frozenset[str] | None

#: Stands for an enum value that is in no schema.
NEW_WORD = "SomethingNew"

_PACIFIC = ZoneInfo("America/Los_Angeles")
_BMS = {"Charging": "Charge", "Starting": "Support"}


def _hours_to_limit(car: Systems) -> Reading:
    return round(car.charging.seconds_to_limit / 3600, 2) if car.charging.busy else None


def _volts(car: Systems) -> Reading:
    told = volts(car)
    return round(told * car.mains, 1) if told == car.charging.flow.volts else float(told)


def _pack_power(car: Systems) -> float:
    return car.journey.speed_mph / 3 - car.charging.flow.battery_kw


def _scheduled_start(car: Systems) -> Reading:
    """The car's local time, encoded as if it were the time of US Pacific: a known quirk."""
    told = car.schedules.legacy
    if told.mode != "StartAt" or told.start_minutes is None:
        return None
    now = int(car.settled_until) + car.utc_offset
    local = now // 86400 * 86400 + told.start_minutes * 60
    if local <= now:
        local += 86400
    wall = datetime.fromtimestamp(local, UTC).replace(tzinfo=_PACIFIC)
    return int(wall.timestamp())


SIGNALS: Mapping[str, Callable[[Systems], Reading]] = {
    # battery
    "BatteryLevel": lambda car: round(car.battery.level, 2),
    "Soc": lambda car: round(car.battery.usable_level, 2),
    "EnergyRemaining": lambda car: round(car.battery.energy_kwh, 2),
    "RatedRange": lambda car: round(car.battery.range_miles, 2),
    "IdealBatteryRange": ideal_range,
    "EstBatteryRange": lambda car: round(car.battery.range_miles * 0.93, 2),
    "ModuleTempMax": lambda car: round(car.battery.temperature_c + 1.5, 1),
    "ModuleTempMin": lambda car: round(car.battery.temperature_c, 1),
    "PackVoltage": lambda car: round(330 + 0.7 * car.battery.level, 1),
    "PackCurrent": lambda car: round(_pack_power(car) * 1000 / 370, 1),
    "BMSState": lambda car: (
        "Drive" if car.journey.driving else _BMS.get(car.charging.state, "Support")
    ),
    "BmsFullchargecomplete": lambda car: car.battery.level >= 99.9,
    "BatteryHeaterOn": battery_heater_on,
    "NotEnoughPowerToHeat": lambda car: bool(not_enough_power_to_heat(car)),
    "DCDCEnable": lambda _: True,
    # charging
    "DetailedChargeState": pushed_charging_state,
    "ChargeState": lambda car: "Enable" if car.charging.state == "Charging" else "Idle",
    "ACChargingPower": lambda car: round(car.charging.flow.ac_kw * car.mains, 2),
    "DCChargingPower": lambda car: round(car.charging.flow.dc_kw, 2),
    "ACChargingEnergyIn": lambda car: (
        0.0 if car.port.is_fast else round(session_kwh(car) / EFFICIENCY, 3)
    ),
    "DCChargingEnergyIn": lambda car: round(session_kwh(car), 3),
    "LifetimeEnergyUsed": lambda car: round(lifetime_energy_used(car), 3),
    "LifetimeEnergyChargedKwh": lambda car: round(car.lifetime_charged_kwh, 3),
    "ChargeAmps": lambda car: round(car.charging.flow.amps, 1),
    "ChargeCurrentRequest": lambda car: car.charging.current_request,
    "ChargeCurrentRequestMax": lambda car: car.charging.max_amps,
    "ChargeEnableRequest": lambda car: car.charging.wants_to_charge,
    "ChargeLimitSoc": lambda car: car.charging.limit,
    "ChargerPhases": phases,
    "ChargerVoltage": _volts,
    "ChargeRateMilePerHour": lambda car: round(
        car.charging.flow.battery_kw / car.battery.kwh_per_mile, 1
    ),
    "TimeToFullCharge": _hours_to_limit,
    "EstimatedHoursToChargeTermination": _hours_to_limit,
    "SuperchargerSessionTripPlanner": lambda _: False,
    # charge port
    "ChargePort": lambda _: "CCS",
    "ChargePortDoorOpen": lambda car: car.port.door_open,
    "ChargePortLatch": lambda car: car.port.latch,
    "ChargePortColdWeatherMode": lambda _: False,
    "ChargingCableType": lambda car: car.port.cable_type if car.port.supply else None,
    "FastChargerPresent": lambda car: car.port.is_fast if car.port.supply else None,
    "FastChargerType": lambda car: car.port.charger_type,
    # schedule
    "ScheduledChargingMode": lambda car: car.schedules.legacy.mode,
    "ScheduledChargingPending": scheduled_charging_pending,
    "ScheduledChargingStartTime": _scheduled_start,
    "PreconditioningEnabled": lambda car: car.schedules.legacy.preconditioning_enabled,
    # whereabouts
    "LocatedAtHome": lambda car: car.journey.at_home,
    "LocatedAtWork": lambda car: car.journey.is_at(car.journey.saved.get("work")),
    "LocatedAtFavorite": lambda car: car.journey.is_at(car.journey.saved.get("favorite")),
    "Location": lambda car: (
        round(car.journey.place.latitude, 6),
        round(car.journey.place.longitude, 6),
    ),
    "GpsState": lambda _: True,
    "GpsHeading": lambda car: float(car.journey.heading),
    "GpsAccuracyMeters": lambda _: 2.0,
    # driving
    "Gear": lambda car: car.journey.shift_state or "P",
    "VehicleSpeed": lambda car: round(car.journey.speed_mph, 1) if car.journey.driving else None,
    "Odometer": pushed_odometer,
    # the car itself
    "CarType": lambda _: "Model3",
    "CenterDisplay": lambda car: "Driving" if car.journey.driving else "Off",
    "DoorState": lambda _: frozenset(),
    "EuropeVehicle": lambda _: True,
    "InsideTemp": lambda _: 20.5,
    "Locked": lambda car: not car.journey.driving,
    "OutsideTemp": lambda car: round(car.battery.temperature_c - 3, 1),
    "SentryMode": lambda car: "Armed" if car.watching else "Off",
    "ServiceMode": lambda _: False,
    "SettingChargeUnit": lambda _: "Percent",
    "SettingDistanceUnit": lambda _: "Kilometers",
    "SettingTemperatureUnit": lambda _: "Celsius",
    "Trim": lambda _: "74d",
    "VehicleName": lambda car: car.name,
    "Version": lambda car: car.firmware,
}


def _not_fitted(_car: Systems) -> Reading:
    return None


def read_signals(car: Systems, names: Iterable[str]) -> dict[str, Reading]:
    """Return these readings; None also for what this car has no sensor for."""
    unknown = car.quirks.fields(Quirk.UNKNOWN_WORD)
    readings: dict[str, Reading] = {}
    for name in names:
        fitted = SIGNALS.get(name, _not_fitted) if name not in car.lacks else _not_fitted
        readings[name] = NEW_WORD if name in unknown else fitted(car)
    return readings
