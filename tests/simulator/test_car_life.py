"""Sleeping, waking, driving, coming home: what happens to a car all day."""

import pytest

from simulator.car import Car

from .by_hand import CHARGE_START, ask, make_car, paired


def state_of(car: Car) -> str:
    return car.state


def test_an_idle_car_falls_asleep() -> None:
    car, clock = make_car(sleep_after=600.0)
    clock.advance(599)
    assert state_of(car) == "online"
    clock.advance(2)
    assert state_of(car) == "asleep"


def test_reading_data_keeps_it_awake_looking_at_its_summary_does_not() -> None:
    car, clock = make_car(sleep_after=600.0)
    clock.advance(500)
    car.vehicle_data(frozenset({"charge_state"}))
    clock.advance(500)
    car.summary()
    car.snapshot()
    assert state_of(car) == "online"
    clock.advance(101)
    assert state_of(car) == "asleep"


def test_a_command_keeps_it_awake_a_handshake_does_not() -> None:
    car, signer = paired(sleep_after=600.0)
    car._systems.clock.advance(500)
    signer.handshake(car)
    ask(car, signer.command(CHARGE_START))
    car._systems.clock.advance(500)
    assert state_of(car) == "online"
    signer.handshake(car)
    car._systems.clock.advance(101)
    assert state_of(car) == "asleep"


def test_a_car_can_be_kept_from_falling_asleep() -> None:
    car, clock = make_car(sleep_after=None)
    clock.advance(1e6)
    assert state_of(car) == "online"


def test_charging_keeps_it_awake_and_afterwards_it_sleeps() -> None:
    car, clock = make_car(battery_level=75.0, sleep_after=600.0)
    car.plug_in()
    clock.advance(900)
    assert (car.state, car.snapshot().charging_state) == ("online", "Charging")
    clock.advance(300)
    assert (car.state, car.snapshot().charging_state) == ("online", "Complete")
    clock.advance(700)
    assert state_of(car) == "asleep"


def test_waking_takes_its_time() -> None:
    car, clock = make_car(wake_seconds=10.0)
    car.sleep()
    clock.advance(1000)
    assert state_of(car) == "asleep"
    car.wake()
    clock.advance(6)
    car.wake()
    assert state_of(car) == "asleep"
    clock.advance(5)
    assert state_of(car) == "online"


def test_waking_runs_on_wall_time_not_on_physics() -> None:
    car, clock = make_car(wake_seconds=10.0, sleep_after=None)
    clock.speed = 10_000.0
    car.sleep()
    car.wake()
    assert state_of(car) == "asleep"
    clock.advance(10)
    assert state_of(car) == "online"


def test_somebody_at_the_car_wakes_it_at_once() -> None:
    car, _ = make_car(wake_seconds=1000.0)
    car.sleep()
    car.plug_in()
    assert state_of(car) == "online"


def test_offline_hides_everything_and_hears_nothing() -> None:
    car, clock = make_car(wake_seconds=1.0)
    car.sleep()
    car.set_offline(True)
    car.wake()
    clock.advance(5)
    assert state_of(car) == "offline"
    car.set_offline(False)
    assert state_of(car) == "asleep"


def test_driving_away_moves_the_car_and_uses_energy() -> None:
    car, clock = make_car(home=(52.0, 4.4))
    before = car.snapshot()
    assert before.at_home
    car.plug_in()
    car.drive_away(52.5, 4.4, speed_mph=60.0)
    assert not car.at_home
    assert not car.snapshot().plugged_in
    clock.advance(600)
    data = car.vehicle_data(frozenset({"drive_state", "location_data", "vehicle_state"}))
    assert data["drive_state"]["shift_state"] == "D"
    assert data["drive_state"]["speed"] == 60
    assert data["location_data"]["heading"] == 0
    odometer = data["vehicle_state"]["odometer"]
    assert odometer == pytest.approx(before.odometer_miles + 10, abs=0.1)
    clock.advance(3600)
    there = car.snapshot()
    assert (there.latitude, there.longitude) == pytest.approx((52.5, 4.4))
    assert there.driving is False
    assert there.battery_level < before.battery_level - 5


def test_the_gear_shows_p_while_the_driver_is_around_and_nothing_later() -> None:
    car, clock = make_car(sleep_after=None)
    car.drive_away(52.01, 4.4)
    car.arrive_home()
    state = frozenset({"drive_state"})
    assert car.vehicle_data(state)["drive_state"]["shift_state"] == "P"
    clock.advance(301)
    assert car.vehicle_data(state)["drive_state"]["shift_state"] is None


def test_coming_home_counts_the_way_back() -> None:
    car, clock = make_car()
    start = car.snapshot()
    car.drive_away(52.1, 4.4, speed_mph=60.0)
    clock.advance(3600)
    away = car.snapshot()
    car.arrive_home()
    home = car.snapshot()
    assert home.at_home
    assert home.odometer_miles - away.odometer_miles == pytest.approx(6.9, abs=0.1)
    assert home.battery_level < away.battery_level < start.battery_level


def test_a_moving_car_cannot_be_plugged_in() -> None:
    car, _ = make_car()
    car.drive_away(52.5, 4.4)
    with pytest.raises(RuntimeError):
        car.plug_in()


def test_a_driving_car_stays_awake_and_sleeps_where_it_parked() -> None:
    car, clock = make_car(sleep_after=600.0)
    car.drive_away(52.5, 4.4, speed_mph=34.5)
    clock.advance(3500)
    assert state_of(car) == "online"
    clock.advance(200)
    assert (car.state, car.snapshot().driving) == ("online", False)
    clock.advance(600)
    assert state_of(car) == "asleep"


def test_time_does_not_go_back() -> None:
    _, clock = make_car()
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_advancing_ages_the_wall_and_the_physics_alike() -> None:
    _, clock = make_car()
    now, physics = clock.now(), clock.physics()
    clock.advance(100)
    assert clock.now() - now == pytest.approx(100, abs=1)
    assert clock.physics() - physics == pytest.approx(100, abs=1)


def test_a_security_clock_ages_with_the_wall_not_with_physics() -> None:
    car, clock = make_car()
    clock.speed = 100_000.0
    domain = car.domain("infotainment")
    assert domain.clock_time <= 1
    clock.advance(100)
    assert 100 <= domain.clock_time <= 102
    domain.jump_clock(-500)
    assert domain.clock_time == 0
