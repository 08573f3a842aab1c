"""Energy of the home balances to a watt-hour, in whatever steps and at whatever speed its time passes."""

from datetime import date
from random import Random
from typing import Any

import pytest

from simulator import clock as simulated
from simulator.clock import SimulatedClock
from simulator.drivers import PEOPLE, Driver, pass_time
from simulator.home import BatterySettings, Home, HomeSettings, Roof
from simulator.home.days import start_of
from simulator.home.home import Totals

from .hand import (
    DAY,
    HOUR,
    JANUARY,
    JUNE,
    WATT_HOUR,
    HandTime,
    alike,
    evenly,
    kwh,
    make_car,
    make_home,
    pass_,
)


def a_day(steps: list[float], **settings: Any) -> Home:
    """A day with a car that charges to 98 %, looked at after these steps; it is plugged in at 11:00."""
    home = make_home(seed=7, **settings)
    car = make_car(home, battery_level=80.0, charge_limit=98)
    passed = 0.0
    for step in steps:
        if passed < 11 * HOUR <= passed + step:
            pass_(home, [11 * HOUR - passed])
            car.plug_in()
            pass_(home, [passed + step - 11 * HOUR])
        else:
            pass_(home, [step])
        passed += step
    assert car.charged_home_kwh == pytest.approx(60 * 0.18, rel=1e-9)
    return home


def mixed_steps(seconds: float, seed: int) -> list[float]:
    rng, left = Random(seed), seconds
    steps: list[float] = []
    while left > 0:
        steps.append(min(left, rng.choice((0.013, 1.0, 7.0, 61.5, 3600.0, 9000.1))))
        left = seconds - sum(steps)
    return steps


@pytest.mark.parametrize("step", [HOUR, 97.3, 7.0])
def test_a_day_is_alike_in_steps_of_any_size(step: float) -> None:
    whole, stepped = a_day([DAY]), a_day(evenly(DAY, step))
    assert abs(stepped.totals.imbalance) < 1e-3 * WATT_HOUR
    # the car's own charging tapers in steps of at most a minute from when it was looked at
    for name in ("solar", "load"):
        assert abs(getattr(whole.totals, name) - getattr(stepped.totals, name)) < 1e-3 * WATT_HOUR
    assert abs(whole.totals.cars - stepped.totals.cars) < 0.01 * WATT_HOUR


def test_a_day_is_alike_in_seconds() -> None:
    alike(pass_(make_home(), [DAY / 4]).totals, pass_(make_home(), evenly(DAY / 4, 1)).totals)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_week_is_alike_in_mixed_steps(seed: int) -> None:
    whole = pass_(make_home(seed=seed), [7 * DAY])
    mixed = pass_(make_home(seed=seed), mixed_steps(7 * DAY, seed))
    alike(whole.totals, mixed.totals)
    assert whole.battery is not None
    assert mixed.battery is not None
    assert whole.battery.level == pytest.approx(mixed.battery.level, abs=1e-6)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_nights_in_which_the_clock_changes_are_alike_in_any_steps(day: date) -> None:
    start = start_of(day, HomeSettings().zone)
    whole = pass_(make_home(start=start), [3 * DAY])
    mixed = pass_(make_home(start=start), mixed_steps(3 * DAY, 3))
    alike(whole.totals, mixed.totals)
    assert abs(mixed.totals.imbalance) < 1e-3 * WATT_HOUR


def test_a_month_balances_to_a_watt_hour() -> None:
    home = make_home(start=JANUARY)
    for day in range(31):
        pass_(home, [DAY])
        assert abs(home.totals.imbalance) < WATT_HOUR, day
    assert kwh(home.totals.load) > 300


def test_the_same_seed_gives_the_same_week_and_another_one_another() -> None:
    first, again, other = (pass_(make_home(seed=s), [8 * DAY]).totals for s in (3, 3, 4))
    assert first == again
    assert abs(first.solar - other.solar) > 10 * WATT_HOUR
    assert abs(first.load - other.load) > 10 * WATT_HOUR


@pytest.mark.parametrize(
    "settings",
    [
        {"phases": 1},
        {"battery": None},
        {"roof": None},
        {"roof": None, "battery": None},
        {"battery": BatterySettings(kwh=0.5, charge_w=3000, deadband_w=100)},
        {"roof": Roof(kwp=20, inverter_w=9000, phases=1)},
    ],
)
def test_every_home_balances(settings: dict[str, object]) -> None:
    home = a_day(evenly(DAY, HOUR), **settings)
    assert abs(home.totals.imbalance) < 1e-3 * WATT_HOUR


def test_what_the_car_draws_is_what_the_home_has_given_it() -> None:
    home = make_home()
    cars = [make_car(home, battery_level=40.0, charge_limit=90) for _ in range(2)]
    for car in cars:
        car.plug_in(max_amps=13)
    pass_(home, [DAY])
    for car in cars:
        drawn = car.charged_home_kwh / 0.92
        assert kwh(home.loads[car.vin].joules) == pytest.approx(drawn, abs=1e-6)
    assert home.totals.cars == pytest.approx(sum(load.joules for load in home.loads.values()))


def test_what_a_car_draws_elsewhere_is_not_the_homes() -> None:
    home = make_home()
    car = make_car(home, battery_level=40.0)
    car.drive_away(52.1, 4.4)
    pass_(home, [HOUR])
    car.plug_in()
    pass_(home, [HOUR])
    assert car.charged_away_kwh > 9
    assert home.totals.cars == 0


def test_somebody_else_who_looks_at_the_car_changes_nothing() -> None:
    homes = [make_home() for _ in range(2)]
    for index, home in enumerate(homes):
        car = make_car(home, battery_level=40.0, charge_limit=60)
        car.plug_in()
        for _ in range(60):
            home.clock.advance(311)
            if index:
                car.snapshot()
        home.settle()
    alike(homes[0].totals, homes[1].totals)


def test_a_home_with_a_past_is_as_if_somebody_had_lived_there() -> None:
    lived = pass_(make_home(), [2 * DAY])
    told = HomeSettings()
    home = Home(SimulatedClock(speed=0), told, start=JUNE + 2 * DAY, past=2 * DAY)
    alike(lived.totals, home.totals)
    assert [hour.at for hour in home.history] == [JUNE + n * 3600 for n in range(49)]
    assert home.history[-1].totals == home.totals
    alike(home.history[24].totals, pass_(make_home(), [DAY]).totals)
    alike(pass_(lived, [DAY]).totals, pass_(home, [DAY]).totals)
    assert abs(home.totals.imbalance) < 1e-3 * WATT_HOUR


def test_the_walls_home_has_a_past_too(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = HandTime(JUNE + 1234.5)
    monkeypatch.setattr(simulated, "time", hand)
    home = Home(SimulatedClock(speed=20), HomeSettings(follows="wall"), past=3 * DAY)
    assert home.now == JUNE + 1234.5
    assert home.history[0].at == JUNE - 3 * DAY + HOUR
    assert home.history[-1].at == JUNE
    before = home.totals.load
    hand.at += 60
    home.settle()
    assert home.totals.load > before > home.history[-1].totals.load
    assert abs(home.totals.imbalance) < 1e-3 * WATT_HOUR


def at_speeds(hand: HandTime, speeds: list[tuple[float, float]], follows: str) -> Totals:
    """Run a home at these speeds, each for so many seconds of its physics."""
    hand.at = float(JUNE)
    clock = SimulatedClock()
    told = HomeSettings(follows=follows)  # type: ignore[arg-type]
    home = Home(clock, told, start=JUNE if follows == "physics" else None)
    for speed, seconds in speeds:
        home.settle()
        clock.speed = speed
        hand.at += seconds / speed
    home.settle()
    return home.totals


def test_a_day_is_alike_at_any_speed_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = HandTime()
    monkeypatch.setattr(simulated, "time", hand)
    slow = at_speeds(hand, [(1, DAY)], "physics")
    alike(slow, at_speeds(hand, [(20, DAY)], "physics"))
    alike(slow, at_speeds(hand, [(5000, DAY)], "physics"))


def test_a_speed_that_jumps_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = HandTime()
    monkeypatch.setattr(simulated, "time", hand)
    slow = at_speeds(hand, [(1, DAY)], "physics")
    jumps = [(1, 1000.5), (500, 40_000), (0.5, 10), (3600, DAY - 41_010.5)]
    alike(slow, at_speeds(hand, jumps, "physics"))


def test_by_the_walls_calendar_energy_balances_at_a_higher_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hand = HandTime()
    monkeypatch.setattr(simulated, "time", hand)
    real = at_speeds(hand, [(1, DAY)], "wall")
    fast = at_speeds(hand, [(20, 20 * DAY)], "wall")
    assert abs(real.imbalance) < 1e-3 * WATT_HOUR
    assert abs(fast.imbalance) < WATT_HOUR
    assert fast.solar == pytest.approx(20 * real.solar, rel=1e-6)
    assert fast.load == pytest.approx(20 * real.load, rel=1e-6)
    jumped = at_speeds(hand, [(1, 3 * HOUR), (20, 8 * HOUR), (1, 5 * HOUR)], "wall")
    assert abs(jumped.imbalance) < 1e-3 * WATT_HOUR


def test_by_the_walls_calendar_a_clock_that_stands_lets_the_sun_move_and_nothing_flow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hand = HandTime()
    monkeypatch.setattr(simulated, "time", hand)
    clock = SimulatedClock(speed=0)
    home = Home(clock, HomeSettings(follows="wall"))
    dark = home.present()
    hand.at += 12 * HOUR
    noon = home.present()
    assert dark.solar == 0 < noon.solar
    assert home.totals == Totals()
    clock.speed = 1
    hand.at += HOUR
    home.settle()
    assert abs(home.totals.imbalance) < 1e-3 * WATT_HOUR
    assert home.totals.load > 0


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_year_balances_to_a_watt_hour_and_is_alike_in_any_steps() -> None:
    def year(step: float) -> Home:
        home = make_home(seed=11, start=JANUARY)
        drivers = []
        for name in ("commuter", "home_office"):
            person = PEOPLE[name]
            car = make_car(home, **person.car)
            drivers.append(Driver(person, car, seed=11, zone=home.settings.zone, start=home.now))
        pass_time(drivers, lambda: home.now, home.clock.advance, 365 * DAY, step=step)
        return home

    coarse, fine = year(DAY), year(1801)
    for home in (coarse, fine):
        assert abs(home.totals.imbalance) < 0.01 * WATT_HOUR
        assert home.totals.cars == pytest.approx(
            sum(load.car.charged_home_kwh for load in home.loads.values()) / 0.92 * 3.6e6,
            abs=WATT_HOUR,
        )
    alike(coarse.totals, fine.totals)
