"""The shape of vehicle_data: names, types and units as Tesla's answers have them."""

import json

import pytest

from simulator.car import SECTIONS

from .by_hand import make_car

NUMBER = (int, float)
# Field of charge_state -> types it may have (while charging).
CHARGE_STATE_TYPES: dict[str, tuple[type, ...] | type] = {
    "battery_level": int,
    "usable_battery_level": int,
    "battery_range": float,
    "est_battery_range": float,
    "ideal_battery_range": float,
    "charge_limit_soc": int,
    "charge_limit_soc_std": int,
    "charge_limit_soc_min": int,
    "charge_limit_soc_max": int,
    "charge_current_request": int,
    "charge_current_request_max": int,
    "charge_amps": int,
    "charger_actual_current": int,
    "charger_pilot_current": int,
    "charger_voltage": int,
    "charger_power": int,
    "charger_phases": int,
    "charge_rate": float,
    "charge_energy_added": float,
    "charge_miles_added_rated": float,
    "charge_miles_added_ideal": float,
    "minutes_to_full_charge": int,
    "time_to_full_charge": float,
    "charge_port_door_open": bool,
    "charge_port_latch": str,
    "charge_port_color": str,
    "charge_port_cold_weather_mode": bool,
    "conn_charge_cable": str,
    "fast_charger_present": bool,
    "fast_charger_type": str,
    "fast_charger_brand": str,
    "charge_enable_request": bool,
    "user_charge_enable_request": type(None),
    "scheduled_charging_mode": str,
    "scheduled_charging_pending": bool,
    "scheduled_charging_start_time": type(None),
    "scheduled_charging_start_time_app": int,
    "scheduled_departure_time": int,
    "scheduled_departure_time_minutes": int,
    "off_peak_charging_enabled": bool,
    "off_peak_charging_times": str,
    "off_peak_hours_end_time": int,
    "preconditioning_enabled": bool,
    "preconditioning_times": str,
    "managed_charging_active": bool,
    "managed_charging_user_canceled": bool,
    "supercharger_session_trip_planner": bool,
    "trip_charging": bool,
    "battery_heater_on": bool,
    "max_range_charge_counter": int,
    "module_temp_min": float,
    "module_temp_max": float,
    "energy_remaining": float,
    "lifetime_energy_used": float,
    "not_enough_power_to_heat": bool,
    "charging_schedule_override": bool,
    "timestamp": int,
}


@pytest.mark.parametrize("field", sorted(CHARGE_STATE_TYPES))
def test_charge_state_fields_have_teslas_types(field: str) -> None:
    car, clock = make_car()
    car.plug_in()
    clock.advance(60)
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    wanted = CHARGE_STATE_TYPES[field]
    assert type(data[field]) is wanted, (field, data[field])


def test_every_section_is_json_with_a_timestamp_in_milliseconds() -> None:
    car, clock = make_car()
    data = car.vehicle_data(frozenset(SECTIONS))
    assert set(data) == set(SECTIONS)
    json.dumps(data)
    for section in data.values():
        assert section["timestamp"] == pytest.approx(clock.now() * 1000, abs=2000)


def test_only_the_sections_asked_for_come() -> None:
    car, _ = make_car()
    assert list(car.vehicle_data(frozenset({"vehicle_state"}))) == ["vehicle_state"]
    with pytest.raises(KeyError):
        car.vehicle_data(frozenset({"flux_state"}))


def test_the_location_stays_out_of_drive_state() -> None:
    car, _ = make_car(home=(48.25, 11.5))
    data = car.vehicle_data(frozenset({"drive_state", "location_data"}))
    assert "latitude" not in data["drive_state"]
    assert (data["location_data"]["latitude"], data["location_data"]["longitude"]) == (48.25, 11.5)


def test_the_version_is_the_firmware_and_a_hash() -> None:
    car, _ = make_car(firmware="2026.32.6")
    assert car.vehicle_data(frozenset({"vehicle_state"}))["vehicle_state"]["car_version"] == (
        "2026.32.6 abcdef123456"
    )


def test_the_summary_names_the_car_and_how_it_takes_commands() -> None:
    car, _ = make_car()
    summary = car.summary()
    assert (summary["vin"], summary["display_name"], summary["state"]) == (
        car.vin,
        "Pearl",
        "online",
    )
    assert summary["command_signing"] == "required"
    old, _ = make_car(protocol="not_supported")
    assert old.summary()["command_signing"] != "required"


def test_range_is_in_miles_and_rate_in_miles_per_hour() -> None:
    car, _ = make_car(battery_level=50.0, rated_range_miles=272.0, battery_kwh=60.0)
    car.plug_in()
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["battery_range"] == pytest.approx(136.0, abs=0.1)
    assert data["charge_rate"] == pytest.approx(11.04 * 0.92 / (60 / 272), abs=0.2)
    assert data["charger_power"] == 11
