"""Drivers: reproducible people who leave, come back, forget, are late, use the app, and go on holiday."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from simulator.__main__ import build, parse
from simulator.car import Car
from simulator.clock import SimulatedClock
from simulator.drivers import PEOPLE, Driver, Moment, Person, live, pass_time
from simulator.drivers.days import holiday_of, is_away, moments_of
from simulator.home.days import start_of

ZONE = ZoneInfo("Europe/Amsterdam")
DAY = 86400.0
FIRST = date(2026, 6, 1)
START = float(start_of(FIRST, ZONE))


def plans(person: Person, days: int, seed: int = 1) -> list[Moment]:
    return [
        moment
        for number in range(days)
        for moment in moments_of(person, seed, FIRST + timedelta(days=number), ZONE, 3)
    ]


class Days:
    """A driver and a car on a calendar that begins on FIRST."""

    def __init__(self, name: str, seed: int = 1, start: float = START) -> None:
        self.clock = SimulatedClock(speed=0)
        self.start = start
        person = PEOPLE[name]
        self.car = Car("5YJ30000000000001", name="Pearl", clock=self.clock, **person.car)
        self.driver = Driver(person, self.car, seed=seed, zone=ZONE, start=start)

    def now(self) -> float:
        return self.start + self.clock.physics()

    def pass_(self, days: float, step: float = DAY) -> list[Moment]:
        pass_time([self.driver], self.now, self.clock.advance, days * DAY, step=step)
        return self.driver.done


def hour_of(moment: Moment) -> float:
    local = datetime.fromtimestamp(moment.at, ZONE)
    return local.hour + local.minute / 60


@pytest.mark.parametrize("name", PEOPLE)
def test_the_same_seed_gives_the_same_days_and_another_one_others(name: str) -> None:
    person = PEOPLE[name]
    assert plans(person, 60) == plans(person, 60)
    assert plans(person, 60) != plans(person, 60, seed=2)
    assert PEOPLE[name].story


@pytest.mark.parametrize("name", PEOPLE)
def test_a_day_does_not_depend_on_the_days_asked_for_before(name: str) -> None:
    person = PEOPLE[name]
    alone = moments_of(person, 1, FIRST + timedelta(days=20), ZONE, 3)
    assert alone == [moment for moment in plans(person, 21) if moment in alone]


@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_leaves_before_being_back(name: str) -> None:
    drives = sorted(one for one in plans(PEOPLE[name], 365) if one.deed == "drive_away")
    homeward = [one.arguments["latitude"] == 52.0 for one in drives]
    assert all(a != b for a, b in pairwise(homeward))
    assert homeward[0] is (holiday_of(PEOPLE[name], 1, FIRST) is not None)
    assert len(drives) > 80


@pytest.mark.parametrize("name", PEOPLE)
def test_what_is_planned_is_done_and_every_deed_makes_sense(name: str) -> None:
    days = Days(name)
    planned = Counter(moment.deed for moment in plans(PEOPLE[name], 30))
    done = Counter(moment.deed for moment in days.pass_(30))
    assert planned["drive_away"] - 2 <= done["drive_away"] <= planned["drive_away"]
    assert 0 < done["plug_in"] <= planned["plug_in"]
    assert days.car.charged_home_kwh > 20


def test_a_month_is_the_same_in_steps_of_any_size() -> None:
    coarse, fine = Days("family"), Days("family")
    assert coarse.pass_(14) == fine.pass_(14, step=1777.7)
    assert coarse.car.charged_home_kwh == pytest.approx(fine.car.charged_home_kwh, abs=1e-6)
    assert coarse.car.snapshot().odometer_miles == pytest.approx(
        fine.car.snapshot().odometer_miles, abs=1e-6
    )


def test_drivers_keep_to_the_local_clock_in_summer_and_winter() -> None:
    work = [
        one
        for month in (1, 7)
        for number in range(28)
        for one in moments_of(PEOPLE["commuter"], 1, date(2026, month, 1 + number), ZONE, 3)[:1]
        if one.deed == "drive_away" and datetime.fromtimestamp(one.at, ZONE).weekday() < 5
    ]
    assert len(work) > 25
    assert all(6 < hour_of(one) < 9.5 for one in work)


@pytest.mark.parametrize(
    ("name", "least", "most"), [("commuter", 0.0, 0.2), ("forgetful", 0.25, 0.6)]
)
def test_people_forget_to_plug_in(name: str, least: float, most: float) -> None:
    person = PEOPLE[name]
    planned = Counter(moment.deed for moment in plans(person, 365))
    comings = planned["drive_away"] / 2
    assert least < 1 - planned["plug_in"] / comings < most


def test_people_plug_in_hours_late() -> None:
    waits = []
    home = 0.0
    for moment in sorted(plans(PEOPLE["forgetful"], 200)):
        if moment.deed == "drive_away":
            home = moment.at
        elif moment.deed == "plug_in":
            waits.append((moment.at - home) / 3600)
    late = [wait for wait in waits if wait > 3]
    assert 0.2 < len(late) / len(waits) < 0.8
    assert min(waits) < 1


def test_people_change_the_limit_in_teslas_app_without_a_command_of_ours() -> None:
    days = Days("tinkerer")
    changes = [one for one in days.pass_(40) if one.deed == "set_charge_limit"]
    assert len(changes) > 3
    assert days.car.snapshot().charge_limit == changes[-1].arguments["percent"]
    assert days.car.commands == []


def test_people_start_and_stop_by_hand() -> None:
    planned = Counter(moment.deed for moment in plans(PEOPLE["tinkerer"], 200))
    assert planned["charge_start"] > 10
    assert planned["charge_stop"] > 5
    done = Counter(moment.deed for moment in Days("tinkerer").pass_(40))
    assert done["charge_stop"] > 0


def test_a_start_by_hand_starts_a_car_that_was_stopped() -> None:
    days = Days("tinkerer")
    days.car.plug_in()
    stop, start = Moment(START + 60.0, "charge_stop"), Moment(START + 120.0, "charge_start")
    days.driver._waiting = [stop, start, *days.driver._waiting]
    pass_time([days.driver], days.now, days.clock.advance, 90)
    assert days.car.snapshot().charging_state == "Stopped"
    pass_time([days.driver], days.now, days.clock.advance, 60)
    assert days.car.snapshot().charging_state == "Charging"


@pytest.mark.parametrize("by_car", [True, False])
def test_people_go_on_holiday(*, by_car: bool) -> None:
    person = PEOPLE["family"]
    seed, holiday = next(
        (seed, holiday)
        for seed in range(50)
        for number in range(300)
        if (holiday := holiday_of(person, seed, FIRST + timedelta(days=number))) is not None
        and holiday[2] is by_car
    )
    first, last, _ = holiday
    days = Days("family", seed, float(start_of(first, ZONE)))
    length = (last - first).days
    assert person.holiday_days[0] <= length <= person.holiday_days[1]
    assert is_away(person, seed, first + timedelta(days=1))
    assert not is_away(person, seed, first)
    done = days.pass_(length - 0.1)
    assert days.car.at_home is not by_car
    assert bool(done) is by_car
    days.pass_(2)
    assert days.car.at_home or days.car.snapshot().driving or days.driver.done


def test_holidays_do_not_overlap_and_are_as_often_as_the_row_says() -> None:
    person, number = PEOPLE["family"], 0
    for seed in range(40):
        found = {
            holiday
            for day in range(365)
            if (holiday := holiday_of(person, seed, date(2026, 1, 1) + timedelta(days=day)))
        }
        number += len(found)
        assert all(a[1] < b[0] for a, b in pairwise(sorted(found)))
    assert 2.3 < number / 40 <= 3.0


def test_a_low_battery_is_charged_fast_where_the_trip_leads() -> None:
    days = Days("one_phase")
    days.car.set_battery_level(30)
    days.car.rename("Old")
    for _ in range(40):
        days.pass_(1)
        if days.car.charged_away_kwh > 5:
            break
        days.car.set_battery_level(30)
    assert days.car.charged_away_kwh > 5


async def test_drivers_act_by_themselves_as_time_passes() -> None:
    days = Days("commuter")
    shown = days.now() + 30

    def now() -> float:
        nonlocal shown
        shown += 3600
        return shown

    living = asyncio.create_task(live([days.driver], now, lambda: 1e9))
    for _ in range(2000):
        await asyncio.sleep(0)
        if len(days.driver.done) > 5:
            break
    living.cancel()
    assert len(days.driver.done) > 5


def test_the_command_line_lets_people_drive() -> None:
    tesla = build(parse(["--home", "--driver", "commuter", "--driver", "family"]))
    pearl, midnight = tesla.cars.values()
    assert [(one.person.name, one.car) for one in tesla.drivers] == [
        ("commuter", pearl),
        ("family", midnight),
    ]
    assert tesla.home is not None
    assert list(tesla.home.loads) == [pearl.vin, midnight.vin]
    with pytest.raises(SystemExit):
        parse(["--driver", "nobody"])


def test_the_command_line_makes_a_home_as_told() -> None:
    told = ["--home", "--home-phases", "1", "--home-fuse", "40", "--home-prices", "hour"]
    tesla = build(parse([*told, "--home-without", "battery", "--home-without", "sun"]))
    assert tesla.home is not None
    settings = tesla.home.settings
    assert (settings.phases, settings.fuse_amps, settings.tariff.hourly) == (1, 40, True)
    assert (settings.battery, settings.roof, settings.follows) == (None, None, "wall")
    assert tesla.home.present().amps[1:] == (0, 0)
    assert tesla.home.present().cars == pytest.approx(16 * 230)
    assert build(parse([])).home is None


async def test_people_drive_while_the_simulator_runs(socket_enabled: None) -> None:
    tesla = build(parse(["--port", "0", "--home", "--driver", "commuter"]))
    (driver,) = tesla.drivers
    async with tesla:
        tesla.clock.advance(3 * DAY)
        due = driver.next_at
        for _ in range(50):
            await asyncio.sleep(0)
        assert driver.next_at > due
    assert driver.done
    home = tesla.home
    assert home is not None
    assert abs(home.totals.imbalance) < 3600
