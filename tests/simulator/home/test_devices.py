"""Battery, main fuse, meter and phases of the home, a test for each of their rules."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.home import BatterySettings, Home, HomeBattery, Roof, Tariff
from simulator.home.fuse import Fuse
from simulator.home.meter import MeterSettings

from .hand import DAY, HOUR, JUNE, WATT_HOUR, evenly, kwh, make_car, make_home, pass_

BATTERY = BatterySettings(kwh=10, charge_w=4000, discharge_w=3000, reserve=10, level=50)

# -- the battery -------------------------------------------------------------------------------


def test_a_battery_takes_what_would_be_exported_and_gives_what_would_be_imported() -> None:
    battery = HomeBattery(BATTERY)
    assert battery.power(-2500) == -2500
    assert battery.power(1200) == 1200
    assert battery.power(0) == 0


def test_a_battery_has_limits_of_power() -> None:
    battery = HomeBattery(BATTERY)
    assert (battery.power(-9000), battery.power(9000)) == (-4000, 3000)


def test_a_battery_gives_nothing_below_its_reserve_and_still_takes() -> None:
    battery = HomeBattery(replace(BATTERY, level=8))
    assert (battery.power(1000), battery.power(-1000)) == (0, -1000)
    battery.set_reserve(5)
    assert battery.power(1000) == 1000


def test_a_battery_stops_exactly_at_its_reserve_and_when_it_is_full() -> None:
    battery = HomeBattery(BATTERY)
    battery.run(3000, battery.seconds_at(3000))
    assert battery.level == 10
    assert battery.power(500) == 0
    battery.run(-4000, battery.seconds_at(-4000))
    assert battery.level == 100
    assert battery.power(-500) == 0
    assert battery.power(500) == 500


def test_a_battery_loses_energy_both_ways() -> None:
    battery = HomeBattery(BATTERY)
    assert battery.seconds_at(-4000) == pytest.approx(5 * 3.6e6 / (4000 * 0.95))
    assert battery.seconds_at(3000) == pytest.approx(4 * 3.6e6 * 0.95 / 3000)


def test_a_battery_does_nothing_within_its_deadband_or_while_it_rests() -> None:
    battery = HomeBattery(replace(BATTERY, deadband_w=50))
    assert (battery.power(50), battery.power(-50), battery.power(51)) == (0, 0, 51)
    battery.resting = True
    assert battery.power(2000) == 0


def test_what_is_in_the_battery_is_what_went_in_and_did_not_come_out() -> None:
    home = make_home(seed=9)
    for _ in range(10):
        pass_(home, [DAY])
        assert home.battery is not None
        stored = home.battery.stored_kwh - 5
        went = kwh(home.totals.battery_in) * 0.95 - kwh(home.totals.battery_out) / 0.95
        assert stored == pytest.approx(went, abs=1e-6)
        assert 10 <= home.battery.level <= 100
    assert kwh(home.totals.battery_out) > 10


def test_a_battery_is_full_and_empty_at_the_same_second_in_any_steps() -> None:
    levels = []
    for step in (DAY, 601.0, 33.3):
        home = make_home(seed=9, battery=replace(BATTERY, kwh=3.0))
        pass_(home, evenly(2 * DAY, step))
        assert home.battery is not None
        levels.append((home.battery.level, home.totals.exported, home.totals.imported))
    for level, exported, imported in levels[1:]:
        assert level == pytest.approx(levels[0][0], abs=1e-9)
        assert exported == pytest.approx(levels[0][1], abs=0.01)
        assert imported == pytest.approx(levels[0][2], abs=0.01)


def test_a_battery_never_charges_from_the_grid_nor_feeds_it() -> None:
    home = make_home(seed=9)
    for _ in range(200):
        pass_(home, [HOUR / 3])
        powers = home.present()
        if powers.battery > 0:
            assert powers.grid >= -1e-9
        elif powers.battery < 0:
            assert powers.grid <= 1e-9


def test_the_battery_knows_nothing_of_cars_and_covers_them_like_any_load() -> None:
    home = make_home(roof=None, battery=replace(BATTERY, level=90))
    make_car(home, battery_level=40.0).plug_in()
    assert home.present().battery == 3000


# -- phases and the main fuse ------------------------------------------------------------------


def empty_home(**settings: Any) -> Home:
    return make_home(roof=None, battery=None, **settings)


def test_the_main_fuse_remembers_every_second_above_its_value() -> None:
    home = empty_home(fuse_amps=10)
    car = make_car(home, battery_level=40.0)
    pass_(home, [2 * HOUR])
    assert home.fuse.seconds_over == [0, 0, 0]
    car.plug_in(max_amps=16)
    pass_(home, [600.5])
    car.unplug()
    pass_(home, [HOUR])
    assert home.fuse.seconds_over == pytest.approx([600.5] * 3)
    excess = home.fuse.excesses[0]
    assert excess.end - excess.start == pytest.approx(600.5)
    assert excess.amps >= 16
    assert [excess.phase for excess in home.fuse.excesses] == [0, 1, 2]


def test_a_second_above_the_fuse_is_counted_in_any_steps() -> None:
    counted = []
    for step in (DAY, 13.0):
        home = empty_home(fuse_amps=3.1)
        make_car(home, battery_level=79.0).plug_in(max_amps=5, phases=1)
        pass_(home, evenly(DAY / 2, step))
        counted.append(home.fuse.seconds_over)
    assert counted[0] == pytest.approx(counted[1], abs=1e-3)
    assert sum(counted[0]) > 600


def test_at_the_value_of_the_fuse_nothing_is_counted() -> None:
    fuse = Fuse(16, 1)
    fuse.carry(0, 100, (16.0, 0, 0))
    fuse.carry(100, 101, (16.01, 0, 0))
    fuse.carry(101, 103, (-17.0, 0, 0))
    fuse.carry(103, 104, (0.0, 0, 0))
    fuse.carry(104, 105, (20.0, 0, 0))
    assert fuse.seconds_over == [4]
    assert [(one.start, one.end, one.amps) for one in fuse.excesses] == [
        (100, 103, 17),
        (104, 105, 20),
    ]


def test_a_single_phase_cable_is_on_the_phase_it_is_connected_to() -> None:
    home = empty_home()
    pass_(home, [HOUR])
    before = home.present().amps
    car = make_car(home, phases=1, max_amps=32)
    home.add_car(car, first_phase=1)
    car.plug_in(max_amps=32, phases=1)
    after = home.present().amps
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx([0, 32, 0])


def test_a_home_with_one_phase_has_everything_on_it() -> None:
    one, three = empty_home(phases=1), empty_home(phases=3)
    for home in (one, three):
        pass_(home, [8 * HOUR])
    assert one.totals.load == pytest.approx(three.totals.load)
    assert one.present().amps[0] == pytest.approx(sum(three.present().amps))
    assert one.present().amps[1:] == (0, 0)
    assert len(one.fuse.seconds_over) == 1


def test_phases_carry_what_the_meter_sums_up() -> None:
    for roof in (Roof(), Roof(phases=1)):
        home = make_home(roof=roof)
        make_car(home, battery_level=40.0).plug_in(max_amps=11)
        for _ in range(30):
            pass_(home, [1234.0])
            powers = home.present()
            assert sum(powers.amps) * 230 == pytest.approx(powers.grid, abs=1e-6)


# -- the meter ---------------------------------------------------------------------------------

QUIET = MeterSettings(interval=10, lag=3, noise_w=0)


def test_the_meter_reports_at_its_interval_and_late() -> None:
    home = empty_home(meter=QUIET)
    assert home.reported() is None
    pass_(home, [12.9])
    assert home.reported() is None
    pass_(home, [0.1])
    reading = home.reported()
    assert reading is not None
    assert (reading.at, home.unix_of(reading.at)) == (10, JUNE + 10)
    pass_(home, [9.9])
    assert home.reported() == reading
    pass_(home, [0.1])
    later = home.reported()
    assert later is not None
    assert later.at == 20


def test_a_load_shows_at_the_meter_when_its_lag_has_passed() -> None:
    home = empty_home(meter=QUIET)
    car = make_car(home, battery_level=40.0)
    pass_(home, [15.0])
    car.plug_in()
    pass_(home, [7.9])
    before = home.reported()
    pass_(home, [0.1])
    after = home.reported()
    assert before is not None
    assert after is not None
    assert before.watts < 1000
    assert after.watts > 11000


def test_the_meter_sees_a_car_also_at_the_very_moment_of_its_measurement() -> None:
    home = empty_home(meter=MeterSettings(interval=10, lag=0, noise_w=0))
    make_car(home, battery_level=40.0).plug_in()
    for _ in range(3):
        pass_(home, [10.0])
        reading = home.reported()
        assert reading is not None
        assert reading.watts == pytest.approx(home.present().grid)
        assert reading.watts > 11000


def test_the_meters_power_is_noisy_and_its_counters_are_exact() -> None:
    home, quiet = (make_home(seed=4, meter=MeterSettings(10, 0, noise)) for noise in (25.0, 0.0))
    errors = []
    for _ in range(300):
        readings = [pass_(one, [10]).reported() for one in (home, quiet)]
        noisy, exact = readings
        assert noisy is not None
        assert exact is not None
        errors.append(noisy.watts - exact.watts)
        assert noisy.import_kwh == exact.import_kwh
    assert sum(errors) / 300 == pytest.approx(0, abs=6)
    assert (sum(error**2 for error in errors) / 300) ** 0.5 == pytest.approx(25, rel=0.2)


def test_the_meter_tells_everybody_the_same_however_often_they_ask() -> None:
    often, seldom = make_home(seed=4), make_home(seed=4)
    pass_(often, evenly(HOUR, 0.7))
    pass_(seldom, [HOUR])
    one, other = often.reported(), seldom.reported()
    assert one is not None
    assert other is not None
    assert one.at == other.at
    assert one.watts == pytest.approx(other.watts, abs=1e-6)
    assert one.import_kwh == pytest.approx(other.import_kwh, abs=1e-9)


@pytest.mark.parametrize("settings", [MeterSettings(1, 5, 0), MeterSettings(60, 90, 0)])
def test_a_slow_meter_tells_what_was(settings: MeterSettings) -> None:
    home = make_home(meter=settings)
    pass_(home, [500.0])
    reading = home.reported()
    assert reading is not None
    age = 500 - reading.at
    assert settings.lag <= age < settings.lag + settings.interval


# -- money -------------------------------------------------------------------------------------


def test_money_is_energy_times_the_price_of_its_quarter() -> None:
    home = empty_home(seed=6)
    cost = 0.0
    for _ in range(96):
        price = home.market.at(home.now)[0][0]
        before = home.totals.imported
        pass_(home, [900.0])
        cost += kwh(home.totals.imported - before) * price
    assert home.totals.import_cost == pytest.approx(cost, abs=1e-9)


def test_whoever_imports_at_a_negative_price_is_paid() -> None:
    home = empty_home(seed=6, tariff=Tariff(fee=0.0, tax=0.0))
    for _ in range(60 * 24):
        if home.market.at(home.now)[0][0] < 0:
            break
        pass_(home, [HOUR])
    else:
        pytest.fail("no price is negative in two months of summer")
    before = home.totals.import_cost
    pass_(home, [60.0])
    assert home.totals.import_cost < before
    assert abs(home.totals.imbalance) < WATT_HOUR
