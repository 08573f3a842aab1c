"""The learnt car as a plan takes it."""

import pytest

from custom_components.tesla_charging.smart_charging.learning.capacity import Capacity
from custom_components.tesla_charging.smart_charging.learning.efficiency import Charge, Efficiency
from custom_components.tesla_charging.smart_charging.learning.learnt_car import LearntCar
from custom_components.tesla_charging.smart_charging.learning.power import Full, Power
from custom_components.tesla_charging.smart_charging.learning.taper import Taper
from custom_components.tesla_charging.smart_charging.model import TaperStep


def test_nothing_learnt_is_on_the_safe_side() -> None:
    car = LearntCar().car(50, 90)
    assert (car.level, car.limit, car.phases, car.max_amps, car.taper) == (50, 90, 3, 16, ())
    assert car.volts == pytest.approx(230)
    assert car.capacity_kwh == pytest.approx(75 * (1 + 1.2816 * 0.2))
    assert car.reliable_share == 0.95
    assert car.standing_loss_w == pytest.approx(250)
    share = Efficiency().at(11.04)
    assert car.battery_watts(16) == pytest.approx(11040 * share.low, rel=2e-3)
    assert car.efficiency == pytest.approx(0.92 * share.low / share.value, rel=1e-9)
    assert LearntCar().car(50).limit == 100


def test_what_was_learnt_is_in_the_plan() -> None:
    power, efficiency = Power(16, 3), Efficiency()
    for _ in range(30):
        power = power.with_charge(Full(227 * 48 * 4 / 1000, 4, 16, 3))
        efficiency = efficiency.with_charge(Charge(227 * 48 * 4 / 1000, 40.0, 4))
    capacity = Capacity(75, ((60.0, 0.02),) * 30)
    taper = Taper({95: (6900.0,)})
    car = LearntCar(power, efficiency, capacity, taper).car(50)
    assert car.volts == pytest.approx(227)
    assert car.capacity_kwh == pytest.approx(60, rel=0.01)
    assert car.capacity_kwh > 60
    assert car.battery_watts(16) == pytest.approx(10000, rel=0.01)
    assert car.battery_watts(16) < 10000
    assert car.reliable_share > 0.99
    assert car.taper == (TaperStep(95.0, 10),)


def test_a_weak_charger_has_a_standing_loss_that_a_plan_allows() -> None:
    power, efficiency = Power(6, 1, 120), Efficiency()
    for kw in (0.72, 0.7, 0.74):
        efficiency = efficiency.with_charge(Charge(kw * 10, kw * 10 * 0.45, 10))
    car = LearntCar(power, efficiency).car(50)
    assert car.max_amps == 6
    assert car.standing_loss_w <= 120 * 5 / 2
    assert car.battery_watts(6) > 0
