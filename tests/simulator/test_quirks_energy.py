"""Counters that are not what they seem: the car's own witness knows what was really charged."""

import pytest

from simulator import Car, Quirk

from .by_hand import make_car

HOUR, DAY = 3600.0, 86400.0


def signal(car: Car, name: str) -> float:
    told = car.signals([name])[name]
    assert isinstance(told, float)
    return told


def counter(car: Car) -> float:
    """The session's counter, which is the same on both roads."""
    told = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]["charge_energy_added"]
    assert isinstance(told, float)
    dc, ac = signal(car, "DCChargingEnergyIn"), signal(car, "ACChargingEnergyIn")
    assert dc == pytest.approx(told, abs=0.006)
    assert ac in (0.0, pytest.approx(dc / 0.92, abs=0.002))
    return told


def state(car: Car) -> str:
    return car.snapshot().charging_state


def lifetime(car: Car) -> float:
    return signal(car, "LifetimeEnergyChargedKwh")


def test_without_quirks_the_counter_is_what_was_charged() -> None:
    car, clock = make_car(battery_level=50.0)
    begun = lifetime(car)
    car.plug_in()
    clock.advance(3 * DAY)
    assert counter(car) == pytest.approx(60 * 0.3, abs=0.01)
    assert car.charged_kwh == car.charged_home_kwh == pytest.approx(60 * 0.3, rel=1e-3)
    assert lifetime(car) - begun == pytest.approx(60 * 0.3, abs=0.01)


def test_the_witness_tells_home_from_elsewhere_and_outlives_a_session() -> None:
    car, clock = make_car(battery_level=50.0, charge_limit=60)
    car.plug_in()
    clock.advance(DAY)
    at_home = car.charged_home_kwh
    car.drive_away(52.5, 4.4, speed_mph=60.0)
    clock.advance(HOUR)
    car.plug_in_fast(kw=100.0)
    clock.advance(HOUR)
    assert at_home == pytest.approx(6.0, rel=1e-3)
    assert car.charged_home_kwh == at_home
    assert car.charged_away_kwh == pytest.approx(counter(car), abs=0.01)
    assert car.charged_away_kwh > 5
    car.arrive_home()
    car.unplug()
    car.plug_in()
    assert counter(car) == pytest.approx(0, abs=0.01)
    assert car.charged_kwh > 11


def test_a_counter_that_is_net_of_drain_sinks_while_complete() -> None:
    car, clock = make_car(battery_level=50.0, quirks=[Quirk.COUNTER_IS_NET])
    car.plug_in()
    clock.advance(8 * HOUR)
    assert state(car) == "Complete"
    full = counter(car)
    clock.advance(4 * DAY)
    assert state(car) == "Complete"
    assert full - counter(car) == pytest.approx(2.2, abs=0.1)
    assert car.snapshot().battery_level < 77
    assert car.charged_kwh == pytest.approx(18.0, abs=0.01)
    assert car.state == "asleep"


def test_a_car_that_has_drained_enough_wakes_up_and_charges_again() -> None:
    car, clock = make_car(battery_level=79.9, quirks=[Quirk.COUNTER_IS_NET])
    car.plug_in()
    clock.advance(HOUR)
    clock.advance(30 * DAY)
    drained = 0.023 * 24 * 30
    assert car.charged_kwh == pytest.approx(drained, abs=60 * 0.05)
    assert car.charged_kwh > 10
    assert car.snapshot().battery_level > 74.9


@pytest.mark.parametrize("unplugged", [True, False])
def test_a_higher_limit_or_a_new_cable_ends_the_rest(unplugged: bool) -> None:
    car, clock = make_car(
        battery_level=79.9, quirks=[Quirk.COUNTER_IS_NET], protocol="not_supported"
    )
    car.plug_in()
    clock.advance(DAY)
    assert state(car) == "Complete"
    if unplugged:
        car.unplug()
        car.plug_in()
    else:
        car.rest_command("set_charge_limit", {"percent": 85})
    assert state(car) == "Charging"


def test_a_counter_reads_zero_and_comes_back() -> None:
    car, clock = make_car(battery_level=50.0)
    car.plug_in()
    clock.advance(HOUR)
    before = counter(car)
    car.quirks.add(Quirk.COUNTER_READS_ZERO, lasts=600)
    assert counter(car) == 0
    clock.advance(601)
    assert counter(car) > before > 0
    assert Quirk.COUNTER_READS_ZERO not in car.quirks


def test_a_heater_on_a_slow_charger_takes_more_than_comes() -> None:
    car, clock = make_car(battery_level=50.0)
    car.plug_in(max_amps=8, phases=1)
    clock.advance(HOUR)
    slow, level = car.charged_kwh, car.snapshot().battery_level
    assert counter(car) == pytest.approx(slow, abs=0.01)
    car.quirks.add(Quirk.HEATER_OUTDRAWS_CHARGER, lasts=HOUR)
    clock.advance(HOUR / 2)
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert (data["charging_state"], data["battery_heater_on"]) == ("Charging", True)
    assert data["charger_actual_current"] == 8
    assert counter(car) == pytest.approx(slow + (slow - 3) / 2, abs=0.01)
    assert car.snapshot().battery_level < level
    assert car.charged_kwh == pytest.approx(slow, abs=0.01), "what went in stays in the books"
    clock.advance(1.5 * HOUR)
    assert counter(car) == pytest.approx(slow + (slow - 3) + slow, abs=0.01)
    assert car.charged_kwh == pytest.approx(2 * slow, abs=0.01)


def test_reception_is_lost_however_late_one_looks() -> None:
    car, clock = make_car(battery_level=50.0, quirks=[Quirk.LOST_WHILE_CHARGING])
    car.plug_in()
    clock.advance(12 * HOUR)
    assert (car.state, state(car)) == ("offline", "Complete")


def test_a_quirk_that_ends_by_itself_ends_in_time_however_late_one_looks() -> None:
    looked, late = (make_car(battery_level=50.0) for _ in range(2))
    for car, _ in (looked, late):
        car.plug_in(max_amps=8, phases=1)
        car.quirks.add(Quirk.HEATER_OUTDRAWS_CHARGER, lasts=HOUR)
    for _ in range(20):
        looked[1].advance(HOUR / 5)
        looked[0].snapshot()
    late[1].advance(4 * HOUR)
    levels = [car.snapshot().battery_level for car, _ in (looked, late)]
    assert levels[0] == pytest.approx(levels[1], abs=0.01)
    assert late[0].charged_kwh == pytest.approx(3 * 230 * 8 / 1000 * 0.92, rel=0.01)
