"""What keeps a car awake: Sentry Mode, and, for most cars, being asked."""

import pytest

from .by_hand import make_car

DATA = frozenset({"charge_state", "vehicle_state"})


def test_sentry_keeps_it_awake_and_is_told() -> None:
    car, clock = make_car(sentry=True, sleep_after=600.0)
    clock.advance(86400)
    assert car.state == "online"
    assert car.vehicle_data(DATA)["vehicle_state"]["sentry_mode"] is True
    assert car.signals(["SentryMode"]) == {"SentryMode": "Armed"}


def test_sentry_does_not_watch_while_the_car_drives() -> None:
    car, clock = make_car(sentry=True)
    car.drive_away(53.0, 5.0)
    clock.advance(60)
    assert car.vehicle_data(DATA)["vehicle_state"]["sentry_mode"] is False


def test_sentry_draws_from_the_battery_unless_a_cable_feeds_the_car() -> None:
    car, clock = make_car(sentry=True, battery_kwh=60.0, battery_level=80.0, charge_limit=80)
    clock.advance(86400)
    assert car.snapshot().battery_level == pytest.approx(80 - 100 * 0.2 * 24 / 60)
    car.plug_in()
    clock.advance(86400)
    clock.advance(86400)
    assert car.snapshot().battery_level == pytest.approx(80)


def test_a_car_without_sentry_loses_nothing() -> None:
    car, clock = make_car(battery_level=80.0, sleep_after=None)
    clock.advance(86400)
    assert car.snapshot().battery_level == 80.0


def test_newer_cars_fall_asleep_although_they_are_asked() -> None:
    car, clock = make_car(sleep_after=600.0, kept_by_asking=False)
    clock.advance(500)
    car.vehicle_data(DATA)
    clock.advance(101)
    assert car.state == "asleep"


def test_mains_may_waver_as_far_as_they_are_measured() -> None:
    car, clock = make_car(battery_level=10.0, mains_waver=3.0)
    car.plug_in()
    volts = []
    for _ in range(200):
        clock.advance(10)
        measured = car.signals(["ChargerVoltage"])["ChargerVoltage"]
        assert isinstance(measured, float)
        volts.append(measured)
    assert 226.5 < min(volts) < 228 < 232 < max(volts) < 233.5
