"""What the sun leaves for the car: by meter, home battery and rule, and what is wrong with readings."""

from dataclasses import replace
import math
from typing import Any

import pytest

from custom_components.tesla_charging.smart_charging.solar_model import (
    BatteryReading,
    BatteryRule,
    BatterySettings,
    Inputs,
    Limits,
    MeterReading,
    Others,
    Reason,
)
from custom_components.tesla_charging.smart_charging.solar_surplus import (
    UNLIMITED,
    Surplus,
    SurplusTracker,
    allowed_amps,
)
from tests.smart_charging.solar_rig import PRICES

ALONE = Others()


class Home:
    """A tracker, and its readings."""

    def __init__(self, settings: BatterySettings | None = None) -> None:
        self.tracker = SurplusTracker(settings)
        self.now = 1000.0

    def read(
        self,
        grid_w: float,
        car_w: float = 0.0,
        *,
        seconds: float = 10.0,
        age: float = 0.0,
        battery: tuple[float, float] | None = None,
        battery_age: float = 0.0,
        others: Others = ALONE,
        steady: bool = True,
        fault: Reason | None = None,
        **meter: Any,
    ) -> Surplus:
        self.now += seconds
        inputs = Inputs(
            PRICES,
            None,
            MeterReading(self.now - age, grid_w, **meter),
            None if battery is None else BatteryReading(self.now - battery_age, *battery),
            others=others,
        )
        return self.tracker.read(self.now, inputs, car_w, steady=steady, fault=fault)

    def silence(self, seconds: float) -> Surplus:
        self.now += seconds
        return self.tracker.read(self.now, Inputs(PRICES, None, None), 0.0, steady=True)


def test_the_sun_is_what_the_car_takes_less_what_is_imported() -> None:
    home = Home()
    assert home.read(-3000.0) == Surplus(3000.0, 3000.0, 0.0)
    assert home.read(500.0, 3450.0) == Surplus(2950.0, 2950.0, 10.0)
    assert home.read(500.0) == Surplus(-500.0, -500.0, 10.0)


def test_a_reading_speaks_for_the_time_since_the_last_one() -> None:
    home = Home()
    assert home.read(0.0).seconds == 0
    assert home.read(0.0, seconds=30).seconds == 30
    assert home.read(0.0, seconds=90).seconds == 90
    assert home.read(0.0, seconds=91).seconds == 90
    assert home.read(0.0, seconds=5000).seconds == 90


def test_a_reading_is_seen_once() -> None:
    home = Home()
    home.read(-3000.0)
    assert home.read(-3000.0, age=10.0) == Surplus(3000.0, 3000.0, 0.0)
    # it is another one, but the same time says that it is not new
    assert home.read(-9000.0, age=20.0).watts == 3000


def test_a_late_reading_is_not_used() -> None:
    home = Home()
    home.read(-3000.0)
    home.read(-2000.0)
    assert home.read(-9000.0, age=25.0) == Surplus(2000.0, 2000.0, 0.0)
    assert home.read(-1000.0) == Surplus(1000.0, 1000.0, 20.0)


def test_a_meter_whose_clock_was_corrected_is_used() -> None:
    home = Home()
    home.read(-3000.0)
    assert home.read(-2000.0, age=70.0).watts == 3000
    assert home.read(-2000.0, seconds=0, age=70.5) == Surplus(2000.0, 2000.0, 0.0)


def test_a_reading_from_the_future_is_not_used() -> None:
    home = Home()
    assert home.read(-3000.0, age=-5.0).watts == 3000
    assert home.read(-2000.0, age=-5.5).watts == 3000


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, 2e6])
def test_a_reading_that_cannot_be_is_not_used(watts: float) -> None:
    home = Home()
    home.read(-3000.0)
    assert home.read(watts) == Surplus(3000.0, 3000.0, 0.0)
    assert home.read(-1000.0, pv_w=watts).watts == 3000
    assert home.read(-1000.0) == Surplus(1000.0, 1000.0, 30.0)


def test_after_three_minutes_without_a_reading_the_sun_counts_as_gone() -> None:
    home = Home()
    home.read(-3000.0)
    assert home.silence(180) == Surplus(3000.0, 3000.0, 0.0)
    assert home.silence(1) == Surplus(None, 3000.0, 0.0, Reason.METER_MISSING, blind=True)
    assert home.read(-1000.0).watts == 1000


def test_the_time_without_a_reading_counts_from_the_beginning() -> None:
    home = Home()
    assert home.silence(0) == Surplus()
    assert home.silence(180) == Surplus()
    assert home.silence(1) == Surplus(problem=Reason.METER_MISSING, blind=True)


def test_a_reading_that_stands_still_is_missing() -> None:
    home = Home()
    home.read(-3000.0)
    for _ in range(18):
        assert home.read(-3000.0, age=home.now + 10 - 1010).problem is None
    assert home.read(-3000.0, age=home.now + 10 - 1010).problem is Reason.METER_MISSING


def test_a_reading_that_is_old_when_it_comes_is_not_used() -> None:
    assert Home().read(-3000.0, age=180.0).watts == 3000
    assert Home().read(-3000.0, age=181.0).watts is None


def test_readings_of_different_moments_are_not_used() -> None:
    home = Home()
    home.read(-3000.0)
    assert home.read(-2000.0, steady=False) == Surplus(problem=Reason.SETTLING)
    # nor is it forgotten that they were not
    assert home.silence(10) == Surplus(problem=Reason.SETTLING)
    assert home.read(-2000.0) == Surplus(2000.0, 2000.0, 20.0)


def test_settling_is_no_blindness() -> None:
    home = Home()
    for _ in range(60):
        assert not home.read(0.0, steady=False).blind
    assert not home.silence(180).blind


def test_a_fault_of_the_car_is_a_problem_of_the_sun() -> None:
    home = Home()
    home.read(-3000.0)
    found = home.read(-3000.0, fault=Reason.CAR_MISSING)
    assert found == Surplus(problem=Reason.CAR_MISSING)
    home.read(-3000.0, seconds=170, fault=Reason.CAR_MISSING)
    assert not home.read(-3000.0, seconds=0.0, age=-1, fault=Reason.CAR_MISSING).blind
    assert home.read(-3000.0, seconds=1, age=-1, fault=Reason.CAR_MISSING).blind
    # a known problem says more than that the meter is missing
    assert home.silence(10) == Surplus(problem=Reason.CAR_MISSING, blind=True)


@pytest.mark.parametrize(
    ("pv_w", "grid_w", "car_w", "is_possible"),
    [
        # pv + grid - car is what the house takes
        (3000.0, -2500.0, 0.0, True),
        (3000.0, -3500.0, 0.0, True),
        (3000.0, -3501.0, 0.0, False),
        (0.0, 3000.0, 3450.0, True),
        (0.0, 2905.0, 3450.0, True),
        (0.0, 2900.0, 3450.0, False),
        (-100.0, -100.0, 0.0, True),
        (-100.0, -111.0, 0.0, False),
    ],
)
def test_a_house_that_produces_is_a_contradiction(
    pv_w: float, grid_w: float, car_w: float, *, is_possible: bool
) -> None:
    found = Home().read(grid_w, car_w, pv_w=pv_w)
    assert found.problem is (None if is_possible else Reason.CONTRADICTION)
    assert (found.watts is not None) == is_possible


def test_battery_and_other_cars_belong_to_the_balance() -> None:
    # 4 kW of sun, 3 kW into the battery, 2 kW into another car: 1.4 kW are imported, the house takes 400 W
    home = Home(BatterySettings(BatteryRule.AFTER, 5000.0))
    others = Others(yields_w=2000.0, leaves_w=2000.0)
    assert home.read(1400.0, battery=(3000.0, 50.0), pv_w=4000.0, others=others).problem is None
    assert (
        home.read(390.0, battery=(3000.0, 50.0), pv_w=4000.0, others=others).problem
        is Reason.CONTRADICTION
    )


def battery_home(rule: BatteryRule = BatteryRule.AFTER, **changes: Any) -> Home:
    return Home(replace(BatterySettings(rule, 4000.0), **changes))


@pytest.mark.parametrize(
    ("rule", "share", "sun_w", "watts"),
    [
        (BatteryRule.AFTER, 0.5, 6000.0, 6000.0),
        (BatteryRule.BEFORE, 0.5, 6000.0, 2000.0),
        (BatteryRule.BEFORE, 0.5, 3000.0, -1000.0),
        (BatteryRule.SHARE, 0.5, 6000.0, 3000.0),
        (BatteryRule.SHARE, 0.25, 6000.0, 2000.0),
        (BatteryRule.SHARE, 0.75, 6000.0, 4500.0),
        (BatteryRule.SHARE, 0.5, 10000.0, 6000.0),
    ],
)
def test_the_rules_of_a_home_battery(
    rule: BatteryRule, share: float, sun_w: float, watts: float
) -> None:
    # whatever battery and car take now
    for battery_w, car_w in ((0.0, 0.0), (1000.0, 2000.0), (-500.0, 3450.0)):
        home = battery_home(rule, share=share)
        grid_w = car_w + battery_w - sun_w
        found = home.read(grid_w, car_w, battery=(battery_w, 50.0))
        assert found == Surplus(watts, sun_w, 0.0)


def test_a_battery_that_hides_the_surplus_is_seen_through() -> None:
    found = battery_home().read(0.0, battery=(3500.0, 50.0))
    assert found.watts == 3500


def test_a_battery_that_discharges_into_the_car_is_no_sun() -> None:
    assert battery_home().read(0.0, 3450.0, battery=(-3450.0, 50.0)).watts == 0


def test_a_battery_without_settings_does_not_count() -> None:
    assert Home().read(-1000.0, battery=(3500.0, 50.0)).watts == 1000


def test_below_its_floor_the_battery_comes_first() -> None:
    home = battery_home(floor=30.0)

    def watts(level: float) -> float | None:
        return home.read(0.0, battery=(3000.0, level)).watts

    assert watts(30.0) == 3000
    assert watts(29.9) == -1000
    assert watts(32.9) == -1000
    assert watts(33.0) == 3000
    assert watts(30.0) == 3000


def test_a_floor_near_the_top_is_reached_at_the_top() -> None:
    home = battery_home(floor=99.0, full=100.0)
    assert home.read(0.0, battery=(3000.0, 98.0)).watts == -1000
    assert home.read(0.0, battery=(3000.0, 99.9)).watts == -1000
    assert home.read(0.0, battery=(3000.0, 100.0)).watts == 3000


def test_a_full_battery_wants_nothing() -> None:
    home = battery_home(BatteryRule.BEFORE)

    def watts(level: float) -> float | None:
        return home.read(-2000.0, battery=(0.0, level)).watts

    assert watts(97.9) == -2000
    assert watts(98.0) == 2000
    assert watts(95.0) == 2000
    assert watts(94.9) == -2000


def test_a_battery_that_takes_less_than_there_is_wants_no_more() -> None:
    home = battery_home(BatteryRule.BEFORE)

    def watts(
        grid_w: float, battery_w: float, level: float = 80.0, car_w: float = 0.0
    ) -> float | None:
        return home.read(grid_w, car_w, battery=(battery_w, level)).watts

    assert watts(-1000.0, 1500.0) == -1500
    for _ in range(5):
        assert watts(-1000.0, 1500.0) == -1500
    # a minute of export
    assert watts(-1000.0, 1500.0) == 1000
    # it stays so when the car takes the export
    assert watts(0.0, 1500.0, car_w=1000.0) == 1000
    assert watts(0.0, 1700.0, car_w=1000.0) == 1200
    # it takes more after all
    assert watts(0.0, 1701.0, car_w=1000.0) == 2701 - 4000
    for _ in range(7):
        watts(-1000.0, 1500.0)
    assert watts(0.0, 1500.0, level=77.0) == 0
    assert watts(0.0, 1500.0, level=76.9) == 1500 - 4000


def test_a_battery_that_gives_while_there_is_export_wants_nothing() -> None:
    home = battery_home(BatteryRule.BEFORE)
    for _ in range(7):
        home.read(-1000.0, battery=(-300.0, 80.0))
    assert home.read(-1000.0, battery=(-300.0, 80.0)).watts == 700


@pytest.mark.parametrize(
    ("grid_w", "battery_w"),
    [(-199.0, 1500.0), (-1000.0, 3800.0), (-1000.0, 4000.0)],
)
def test_little_export_or_nearly_full_power_says_nothing(grid_w: float, battery_w: float) -> None:
    home, found = battery_home(BatteryRule.BEFORE), Surplus()
    for _ in range(30):
        found = home.read(grid_w, battery=(battery_w, 80.0))
    assert found.watts == battery_w - grid_w - 4000


def test_export_must_last_a_whole_minute() -> None:
    for seconds, watts in ((59.5, -1500.0), (60.0, 1000.0)):
        home = battery_home(BatteryRule.BEFORE)
        home.read(-1000.0, battery=(1500.0, 80.0))
        assert home.read(-1000.0, seconds=seconds, battery=(1500.0, 80.0)).watts == watts


def test_export_must_last() -> None:
    home, found = battery_home(BatteryRule.BEFORE), Surplus()
    for _ in range(10):
        for _ in range(6):
            found = home.read(-1000.0, battery=(1500.0, 80.0))
        home.read(0.0, battery=(2500.0, 80.0))
    assert found.watts == 2500 - 4000


def test_without_its_reading_the_battery_is_missing() -> None:
    home = battery_home()
    assert home.read(0.0) == Surplus(problem=Reason.BATTERY_MISSING)
    assert home.read(0.0, battery=(1.0, 120.0)).problem is Reason.BATTERY_MISSING
    assert home.read(0.0, battery=(1.0, 50.0), battery_age=180.0).problem is None
    assert home.read(0.0, battery=(1.0, 50.0), battery_age=181.0).problem is Reason.BATTERY_MISSING
    assert home.read(0.0, battery=(1.0, 50.0), battery_age=-5.0).problem is None
    assert home.read(0.0, battery=(1.0, 50.0), battery_age=-6.0).problem is Reason.BATTERY_MISSING
    assert home.read(0.0, seconds=171.0).problem is Reason.BATTERY_MISSING
    assert home.read(0.0).blind


def test_other_cars_take_and_leave() -> None:
    # another car takes 2 kW of the 5 kW there are, and leaves them; one that comes first will take 1 kW more
    found = Home().read(-3000.0, others=Others(takes_w=1000.0, leaves_w=2000.0))
    assert found == Surplus(4000.0, 4000.0)


def test_corrected_clocks_are_forgotten() -> None:
    home = battery_home(BatteryRule.BEFORE)
    for _ in range(3):
        home.read(-1000.0, battery=(1500.0, 80.0))
    home.tracker.forget_times()
    home.now = 100.0
    assert home.read(-1000.0, battery=(1500.0, 80.0)) == Surplus(-1500.0, 2500.0, 0.0)
    for _ in range(5):
        assert home.read(-1000.0, battery=(1500.0, 80.0)).watts == -1500
    assert home.read(-1000.0, battery=(1500.0, 80.0)).watts == 1000
    home.tracker.forget_times()
    assert home.silence(0) == Surplus()
    assert not home.silence(180).blind


# -- limits ------------------------------------------------------------------------------------------------


def allowed(
    limits: Limits,
    meter: MeterReading,
    drawn_a: float = 0.0,
    others: Others = ALONE,
    unit_w: float = 690.0,
) -> tuple[int, int]:
    inputs = Inputs(PRICES, None, meter, limits=limits, others=others)
    return allowed_amps(inputs, unit_w, drawn_a, drawn_a * unit_w)


def test_without_limits_everything_is_allowed() -> None:
    assert allowed(Limits(), MeterReading(0, 99999.0)) == (UNLIMITED, UNLIMITED)
    assert allowed(Limits(import_w=math.inf), MeterReading(0, 0.0)) == (UNLIMITED, UNLIMITED)
    assert UNLIMITED == 1000


@pytest.mark.parametrize(
    ("grid_w", "drawn", "amps"),
    [
        (0.0, 0.0, 10),
        (1.0, 0.0, 9),
        (6900.0, 10.0, 10),
        (6901.0, 10.0, 9),
        (7590.0, 10.0, 9),
        (13800.0, 10.0, 0),
        (14490.0, 10.0, -1),
        (-690.0, 0.0, 11),
    ],
)
def test_the_limit_of_the_grid_connection(grid_w: float, drawn: float, amps: int) -> None:
    found = allowed(Limits(import_w=6900.0), MeterReading(0, grid_w), drawn)
    assert found == (amps, amps)


@pytest.mark.parametrize(
    ("phase_a", "drawn", "amps"),
    [
        ((0.0, 0.0, 0.0), 0.0, 25),
        ((5.0, 12.0, 3.0), 0.0, 13),
        ((15.0, 22.0, 13.0), 10.0, 13),
        ((15.0, 22.5, 13.0), 10.0, 12),
        ((40.0, 0.0, 0.0), 10.0, -5),
        ((), 10.0, 35),
    ],
)
def test_the_fullest_phase_counts(phase_a: tuple[float, ...], drawn: float, amps: int) -> None:
    found = allowed(Limits(phase_a=25.0), MeterReading(0, 0.0, phase_a), drawn)
    assert found == (amps, amps)


def test_without_phases_the_import_counts_as_evenly_spread() -> None:
    assert allowed(Limits(phase_a=25.0), MeterReading(0, 6900.0), 3.0) == (18, 18)


def test_the_narrowest_limit_counts() -> None:
    meter = MeterReading(0, 0.0, (5.0, 5.0, 5.0))
    assert allowed(Limits(import_w=6900.0, phase_a=20.0), meter)[0] == 10
    assert allowed(Limits(import_w=6900.0, phase_a=12.0), meter)[0] == 7


def test_other_cars_claim_and_yield() -> None:
    others = Others(claims_w=1380.0, yields_w=690.0)
    assert allowed(Limits(import_w=6900.0), MeterReading(0, 0.0), others=others) == (9, 8)


def test_a_whole_ampere_is_not_lost_by_rounding() -> None:
    assert allowed(Limits(import_w=0.3), MeterReading(0, 0.0), unit_w=0.1) == (3, 3)
