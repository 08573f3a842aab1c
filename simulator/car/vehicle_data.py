"""The other sections of vehicle_data, and the table of all of them."""

from collections.abc import Callable, Mapping

from simulator.car.charge_state import Section, charge_state
from simulator.car.quirks import Quirk
from simulator.car.schedules import Kept, has_schedules
from simulator.car.signals import NEW_WORD
from simulator.car.systems import Systems

API_VERSION = 82
OF_SCHEDULES = ("charge_schedule_data", "preconditioning_schedule_data")
#: What is null when the car's computers have not yet told the cloud (Quirk.NULL_POLL).
NULL_IN_ONE_POLL = ("charge_port_door_open", "charge_port_latch", "charger_power", "charging_state")
#: Telemetry's name of an enum -> its name in charge_state.
WORDS = {
    "DetailedChargeState": "charging_state",
    "ChargePortLatch": "charge_port_latch",
    "ChargingCableType": "conn_charge_cable",
    "FastChargerType": "fast_charger_type",
    "ScheduledChargingMode": "scheduled_charging_mode",
}


def _drive_state(car: Systems, timestamp_ms: int) -> Section:
    driving, charging_kw = car.journey.driving, round(car.charging.flow.battery_kw)
    return {
        "power": round(car.journey.speed_mph / 3) if driving else -charging_kw,
        "shift_state": car.journey.shift_state,
        "speed": round(car.journey.speed_mph) if driving else None,
        "timestamp": timestamp_ms,
    }


def _location_data(car: Systems, timestamp_ms: int) -> Section:
    place = car.journey.place
    latitude, longitude = round(place.latitude, 6), round(place.longitude, 6)
    return {
        "gps_as_of": timestamp_ms // 1000,
        "heading": car.journey.heading,
        "latitude": latitude,
        "longitude": longitude,
        "native_latitude": latitude,
        "native_location_supported": 1,
        "native_longitude": longitude,
        "native_type": "wgs",
        "timestamp": timestamp_ms,
    }


def _vehicle_state(car: Systems, timestamp_ms: int) -> Section:
    driving = car.journey.driving
    return {
        "api_version": API_VERSION,
        "car_version": f"{car.firmware} abcdef123456",
        "center_display_state": 2 if driving else 0,
        "dashcam_state": "Unavailable",
        "df": 0,
        "dr": 0,
        "ft": 0,
        "is_user_present": car.journey.shift_state is not None,
        "locked": not driving,
        "odometer": round(car.journey.odometer_miles, 6),
        "pf": 0,
        "pr": 0,
        "remote_start": False,
        "rt": 0,
        "sentry_mode": car.watching,
        "service_mode": False,
        "software_update": {
            "download_perc": 0,
            "expected_duration_sec": 0,
            "install_perc": 0,
            "status": car.update_status,
            "version": "",
        },
        "timestamp": timestamp_ms,
        "valet_mode": False,
        "vehicle_name": car.name,
    }


def _vehicle_config(car: Systems, timestamp_ms: int) -> Section:
    return {
        "can_accept_navigation_requests": True,
        "can_actuate_trunks": True,
        "car_type": "model3",
        "charge_port_type": "CCS",
        "efficiency_package": "M32021",
        "eu_vehicle": True,
        "exterior_color": "PearlWhite",
        "has_air_suspension": False,
        "motorized_charge_port": car.port.motorized,
        "plg": True,
        "rhd": False,
        "timestamp": timestamp_ms,
        "trim_badging": "74d",
        "utc_offset": car.utc_offset,
        "wheel_type": "Pinwheel18CapKit",
    }


def _gui_settings(_car: Systems, timestamp_ms: int) -> Section:
    return {
        "gui_24_hour_time": True,
        "gui_charge_rate_units": "kW",
        "gui_distance_units": "km/hr",
        "gui_range_display": "Rated",
        "gui_temperature_units": "C",
        "gui_tirepressure_units": "Bar",
        "show_range_units": False,
        "timestamp": timestamp_ms,
    }


def _climate_state(car: Systems, timestamp_ms: int) -> Section:
    return {
        "battery_heater": False,
        "climate_keeper_mode": "off",
        "driver_temp_setting": 21.0,
        "inside_temp": 20.5,
        "is_auto_conditioning_on": False,
        "is_climate_on": car.journey.driving or car.conditioning,
        "is_preconditioning": car.conditioning,
        "outside_temp": round(car.battery.temperature_c - 3, 1),
        "passenger_temp_setting": 21.0,
        "timestamp": timestamp_ms,
    }


def _closures_state(car: Systems, timestamp_ms: int) -> Section:
    closed = (
        "df",
        "dr",
        "pf",
        "pr",
        "ft",
        "rt",
        "fd_window",
        "fp_window",
        "rd_window",
        "rp_window",
    )
    section: Section = dict.fromkeys(closed, 0)
    return section | {
        "locked": not car.journey.driving,
        "timestamp": timestamp_ms,
    }


def _kept(car: Systems) -> Kept:
    """Return the entries that a car tells of."""
    lag = car.quirks.get(Quirk.READ_BACK_LAGS)
    return car.schedules.as_of(car.settled_at - lag.seconds) if lag else car.schedules.kept


def _charge_schedule_data(car: Systems, timestamp_ms: int) -> Section:
    entries = _kept(car)[0]
    return {
        "charge_buffer": 0,
        "charge_schedule_window": None,
        "charge_schedules": [entry.section(car.quirks) for entry in entries],
        "max_num_charge_schedules": car.schedules.maximum,
        "next_schedule": any(car.keeper.acts_here(entry) for entry in entries),
        "show_schedule_complete_state": False,
        "timestamp": timestamp_ms,
    }


def _preconditioning_schedule_data(car: Systems, timestamp_ms: int) -> Section:
    entries = _kept(car)[1]
    return {
        "max_num_precondition_schedules": car.schedules.maximum,
        "next_schedule": any(car.keeper.acts_here(entry) for entry in entries),
        "precondition_schedules": [entry.section(car.quirks) for entry in entries],
        "preconditioning_schedule_window": None,
        "timestamp": timestamp_ms,
    }


def _charge_state(car: Systems, timestamp_ms: int) -> Section:
    section = charge_state(car, timestamp_ms)
    unknown = WORDS.keys() & car.quirks.fields(Quirk.UNKNOWN_WORD)
    section |= {WORDS[name]: NEW_WORD for name in unknown}
    if car.quirks.take(Quirk.NULL_POLL):
        section |= dict.fromkeys(NULL_IN_ONE_POLL)
    return section


SECTIONS: Mapping[str, Callable[[Systems, int], Section]] = {
    "charge_state": _charge_state,
    "charge_schedule_data": _charge_schedule_data,
    "climate_state": _climate_state,
    "closures_state": _closures_state,
    "drive_state": _drive_state,
    "gui_settings": _gui_settings,
    "location_data": _location_data,
    "preconditioning_schedule_data": _preconditioning_schedule_data,
    "vehicle_config": _vehicle_config,
    "vehicle_state": _vehicle_state,
}


def read_sections(car: Systems, names: frozenset[str]) -> dict[str, Section]:
    """Return the sections asked for, without those that the car's firmware does not have.

    KeyError for a name no car knows. Timestamps are in milliseconds.
    """
    timestamp_ms = int(car.clock.now() * 1000)
    sections = {name: SECTIONS[name](car, timestamp_ms) for name in sorted(names)}
    for section in sections.values():
        section.update(dict.fromkeys(section.keys() & car.lacks))
    if not has_schedules(car.firmware):
        for name in OF_SCHEDULES:
            sections.pop(name, None)
    return sections
