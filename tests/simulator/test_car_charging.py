"""The physics of charging."""

import pytest

from simulator.car import Car

from .by_hand import make_car


def charge_state(car: Car) -> dict[str, object]:
    return car.vehicle_data(frozenset({"charge_state"}))["charge_state"]


def test_an_hour_of_three_phases_adds_what_it_should() -> None:
    car, clock = make_car(battery_level=40.0)
    car.plug_in(max_amps=16, phases=3)
    clock.advance(3600)
    assert car.snapshot().energy_added_kwh == pytest.approx(3 * 230 * 16 / 1000 * 0.92, rel=1e-3)
    assert car.snapshot().battery_level == pytest.approx(40 + 10.157 / 60 * 100, abs=0.1)


def test_amps_and_phases_set_the_pace() -> None:
    car, clock = make_car(battery_level=40.0, protocol="not_supported")
    car.plug_in(max_amps=32, phases=1)
    data = charge_state(car)
    assert (data["charger_power"], data["charger_phases"]) == (4, 1)
    assert data["charger_pilot_current"] == 32
    car.rest_command("set_charging_amps", {"charging_amps": 8})
    clock.advance(3600)
    assert car.snapshot().energy_added_kwh == pytest.approx(230 * 8 / 1000 * 0.92, rel=1e-2)


def test_no_current_no_energy() -> None:
    car, clock = make_car(protocol="not_supported", low_amps_need_two=False)
    car.plug_in()
    car.rest_command("set_charging_amps", {"charging_amps": 0})
    clock.advance(3600)
    state = car.snapshot()
    assert (state.charging_state, state.charge_kw) == ("Charging", 0.0)
    assert state.energy_added_kwh == pytest.approx(0.0, abs=0.01)
    assert charge_state(car)["minutes_to_full_charge"] == 0


def test_charging_ends_at_the_limit_and_goes_on_when_it_is_raised() -> None:
    car, clock = make_car(battery_level=62.0, charge_limit=70, protocol="not_supported")
    car.plug_in()
    clock.advance(6 * 3600)
    state = car.snapshot()
    assert state.charging_state == "Complete"
    assert state.battery_level == pytest.approx(70)
    assert charge_state(car)["battery_level"] == 70
    car.wake()
    car.rest_command("set_charge_limit", {"percent": 75})
    assert car.snapshot().charging_state == "Charging"
    clock.advance(6 * 3600)
    assert car.snapshot().battery_level == pytest.approx(75)
    assert car.snapshot().energy_added_kwh == pytest.approx(60 * 0.13, rel=1e-3)


def test_lowering_the_limit_below_the_level_completes() -> None:
    car, _ = make_car(protocol="not_supported")
    car.plug_in()
    car.rest_command("set_charge_limit", {"percent": 55})
    assert car.snapshot().charging_state == "Complete"


def test_current_tapers_near_full() -> None:
    car, _ = make_car(battery_level=94.0, charge_limit=100)
    car.plug_in()
    fast = car.snapshot().charge_kw
    car.set_battery_level(99)
    slow = car.snapshot().charge_kw
    assert fast == pytest.approx(11.04)
    assert slow < fast / 2
    assert isinstance(current := charge_state(car)["charger_actual_current"], int)
    assert current < 16


def test_time_to_the_limit_comes_true() -> None:
    car, clock = make_car(battery_level=50.0, charge_limit=98)
    car.plug_in()
    minutes = charge_state(car)["minutes_to_full_charge"]
    assert isinstance(minutes, int)
    assert charge_state(car)["time_to_full_charge"] == pytest.approx(minutes / 60, abs=0.02)
    clock.advance((minutes - 2) * 60)
    assert car.snapshot().charging_state == "Charging"
    clock.advance(4 * 60)
    assert car.snapshot().charging_state == "Complete"


def test_the_energy_counter_belongs_to_the_plug_in() -> None:
    car, clock = make_car(battery_level=40.0, protocol="not_supported")
    car.plug_in()
    clock.advance(600)
    car.rest_command("charge_stop", {})
    first = car.snapshot().energy_added_kwh
    clock.advance(600)
    assert car.snapshot().energy_added_kwh == pytest.approx(first, abs=1e-3)
    car.wake()
    car.rest_command("charge_start", {})
    clock.advance(600)
    assert car.snapshot().energy_added_kwh == pytest.approx(2 * first, rel=1e-2)
    car.unplug()
    assert car.snapshot().energy_added_kwh > first
    car.plug_in()
    assert car.snapshot().energy_added_kwh == pytest.approx(0, abs=1e-3)


def test_power_that_fails_and_returns() -> None:
    car, clock = make_car()
    car.plug_in(powered=False)
    assert car.snapshot().charging_state == "NoPower"
    clock.advance(5000)
    assert car.state == "asleep"
    car.set_power(True)
    assert (car.state, car.snapshot().charging_state) == ("online", "Charging")


def test_starting_comes_before_charging_when_asked_for() -> None:
    car, clock = make_car(starting_seconds=20.0)
    car.plug_in()
    assert car.snapshot().charging_state == "Starting"
    clock.advance(10)
    assert car.snapshot().charging_state == "Starting"
    assert car.snapshot().energy_added_kwh == 0
    clock.advance(11)
    assert car.snapshot().charging_state == "Charging"


def test_a_fast_clock_charges_fast_and_changes_of_speed_keep_the_past() -> None:
    car, clock = make_car(battery_level=40.0)
    before = clock.physics()
    clock.speed = 3600.0
    car.plug_in()
    clock.advance(1)
    clock.speed = 0.0
    frozen = clock.physics()
    assert frozen >= before + 1
    assert clock.physics() == frozen
    assert car.snapshot().energy_added_kwh > 0


def test_idle_readings_look_like_a_real_cars() -> None:
    car, _ = make_car(max_amps=32)
    data = charge_state(car)
    assert data["charging_state"] == "Disconnected"
    assert data["conn_charge_cable"] == "<invalid>"
    assert data["fast_charger_type"] == "<invalid>"
    assert data["charger_phases"] is None
    assert data["charger_voltage"] in {0, 1, 2}
    assert data["charge_current_request_max"] == 16
    assert data["charge_port_door_open"] is False
    car.plug_in(max_amps=32)
    data = charge_state(car)
    assert data["charge_current_request_max"] == 32
    assert data["charger_voltage"] == 230
    assert data["conn_charge_cable"] == "IEC"


def test_the_cold_withholds_some_of_the_battery() -> None:
    car, _ = make_car(battery_level=62.0)
    assert charge_state(car)["usable_battery_level"] == charge_state(car)["battery_level"] == 62
    car.set_battery_temperature(-10)
    data = charge_state(car)
    assert data["battery_level"] == 62
    assert data["usable_battery_level"] == 56
