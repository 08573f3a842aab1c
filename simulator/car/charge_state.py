"""The charge_state section of vehicle_data: Tesla's field names, units and quirks."""

from simulator.car.charging import LIMIT_MAX, LIMIT_MIN, LIMIT_STD
from simulator.car.conditions import (
    battery_heater_on,
    ideal_range,
    lifetime_energy_used,
    not_enough_power_to_heat,
    phases,
    scheduled_charging_pending,
    session_kwh,
    volts,
)
from simulator.car.local_time import midnight
from simulator.car.quirks import Quirk
from simulator.car.systems import Systems

type Section = dict[str, object]


def charge_state(car: Systems, timestamp_ms: int) -> Section:
    """Percent as whole numbers, ranges in miles, charge_rate in mph of range, power in whole kW."""
    battery, charging, port = car.battery, car.charging, car.port
    return {
        "batt_heat_min_to_start_charge": round(charging.heating_seconds / 60),
        "battery_heater_on": battery_heater_on(car),
        "battery_level": int(battery.level + 1e-6),
        "battery_range": round(battery.range_miles, 2),
        "charge_amps": charging.amps,
        "charge_current_request": charging.current_request,
        "charge_current_request_max": charging.max_amps,
        "charge_enable_request": charging.wants_to_charge,
        "charge_energy_added": round(session_kwh(car), 2),
        "charge_limit_soc": charging.limit,
        "charge_limit_soc_max": LIMIT_MAX,
        "charge_limit_soc_min": LIMIT_MIN,
        "charge_limit_soc_std": LIMIT_STD,
        "charge_miles_added_ideal": _miles_added(car),
        "charge_miles_added_rated": _miles_added(car),
        "charge_port_cold_weather_mode": False,
        "charge_port_color": _colour(car),
        "charge_port_door_open": port.door_open,
        "charge_port_latch": port.latch,
        "charging_schedule_override": charging.override,
        "charging_state": charging.state,
        "conn_charge_cable": port.cable,
        "energy_remaining": round(battery.energy_kwh, 2),
        "est_battery_range": round(battery.range_miles * 0.93, 2),
        "fast_charger_brand": (port.supply and port.supply.brand) or "<invalid>",
        "fast_charger_present": port.is_fast,
        "fast_charger_type": port.charger_type or "<invalid>",
        "ideal_battery_range": ideal_range(car),
        "lifetime_energy_used": round(lifetime_energy_used(car), 2),
        "managed_charging_active": Quirk.CHARGES_ON_SOLAR in car.quirks,
        "managed_charging_start_time": None,
        "managed_charging_user_canceled": False,
        "max_range_charge_counter": 0,
        "module_temp_max": round(battery.temperature_c + 1.5, 1),
        "module_temp_min": round(battery.temperature_c, 1),
        "not_enough_power_to_heat": not_enough_power_to_heat(car),
        "supercharger_session_trip_planner": False,
        "timestamp": timestamp_ms,
        "trip_charging": False,
        "usable_battery_level": int(battery.usable_level + 1e-6),
        "user_charge_enable_request": charging.user_enable,
        **_flow(car),
        **_schedule(car),
        **_managed(car),
    }


def _managed(car: Systems) -> Section:
    """managed_charging_state of a car that takes part in Charge on Solar."""
    if Quirk.CHARGES_ON_SOLAR not in car.quirks:
        return {}
    at_home, now = car.journey.at_home, car.settled_at
    state = car.solar.section(car.charging, at_home=at_home, now=now)
    return {"managed_charging_state": {"charge_on_solar_state": state}}


def _flow(car: Systems) -> Section:
    charging = car.charging
    flow = charging.flow
    seconds = charging.seconds_to_limit
    return {
        "charge_rate": round(flow.battery_kw / car.battery.kwh_per_mile, 1),
        "charger_actual_current": round(flow.amps),
        "charger_phases": phases(car),
        "charger_pilot_current": car.port.supply.max_amps if car.port.supply else 0,
        "charger_power": round(flow.kw),
        "charger_voltage": volts(car),
        "minutes_to_full_charge": round(seconds / 60),
        "time_to_full_charge": round(seconds / 3600, 2),
    }


def _schedule(car: Systems) -> Section:
    told = car.schedules.legacy
    local_midnight = int(midnight(car.settled_until, car.zone))
    start = None
    if told.mode == "StartAt" and told.start_minutes is not None:
        start = _next(local_midnight + told.start_minutes * 60, car.settled_until)
    departure = _next(local_midnight + told.departure_minutes * 60, car.settled_until)
    if told.departure_set_at is not None and Quirk.DEPARTURE_KEEPS_ITS_DATE in car.quirks:
        set_on = int(midnight(told.departure_set_at, car.zone))
        departure = set_on + told.departure_minutes * 60
    return {
        "off_peak_charging_enabled": told.off_peak_charging_enabled,
        "off_peak_charging_times": told.off_peak_charging_times,
        "off_peak_hours_end_time": told.off_peak_hours_end_minutes,
        "preconditioning_enabled": told.preconditioning_enabled,
        "preconditioning_times": told.preconditioning_times,
        "scheduled_charging_mode": told.mode,
        "scheduled_charging_pending": scheduled_charging_pending(car),
        "scheduled_charging_start_time": start,
        "scheduled_charging_start_time_app": told.start_minutes or 0,
        "scheduled_charging_start_time_minutes": told.start_minutes if start else None,
        "scheduled_departure_time": departure,
        "scheduled_departure_time_minutes": told.departure_minutes,
    }


def _next(moment: int, now: float) -> int:
    return moment if moment > now else moment + 86400


def _miles_added(car: Systems) -> float:
    return round(session_kwh(car) / car.battery.kwh_per_mile, 1)


def _colour(car: Systems) -> str:
    if not car.port.door_open:
        return "Off"
    return {
        "Disconnected": "White",
        "NoPower": "Red",
        "Starting": "FlashingGreen",
        "Charging": "FlashingGreen",
        "Complete": "Green",
        "Stopped": "Blue",
    }[car.charging.state]
