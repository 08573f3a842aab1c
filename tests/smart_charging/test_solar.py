"""The solar controller, from readings to commands and reasons."""

from dataclasses import replace
from itertools import pairwise
import math
import random

import pytest

from custom_components.tesla_charging.smart_charging.solar import SolarController
from custom_components.tesla_charging.smart_charging.solar_model import (
    BatteryRule,
    BatterySettings,
    CarSettings,
    CarState,
    Decision,
    ForecastSlot,
    Inputs,
    Limits,
    MeterReading,
    Outcome,
    Prices,
    Reason,
    Wishes,
)
from tests.smart_charging.solar_rig import PRICES, Rig, amps, car_reading, commanded

AMPERE = 690.0
"""Watts of three phases."""
ONE_PHASE = CarSettings(max_a=32, phases=1)


# -- following the sun -------------------------------------------------------------------------------------


def test_the_sun_starts_the_car_once_waiting_costs_as_much_as_a_start() -> None:
    rig = Rig()
    assert rig.run(600, 0) == []
    assert rig.why() is Reason.NO_SUN
    # 8.2 A of sun earn 1.24 an hour at 8 A: 0.0005 are lost after 2 s, so with the first reading that speaks for 10 s
    assert rig.run(10, 8.2 * AMPERE)[0].start
    assert rig.why() is Reason.START
    assert rig.decision.best_a == 8
    assert rig.decision.surplus_w == pytest.approx(8.2 * AMPERE)
    assert rig.decision.lost == pytest.approx(8 * AMPERE * 0.22 / 3.6e6 * 10)
    assert rig.decision.threshold == pytest.approx(0.0005)
    assert rig.decision.told_a == 8
    rig.step()
    assert (rig.why(), rig.decision.told_a, rig.decision.best_a) == (
        Reason.FOLLOWING,
        8,
        8,
    )
    assert rig.decision.takes_w == 8 * AMPERE


def test_little_sun_takes_longer_to_pay_for_a_start() -> None:
    # a little above 1.33 A, from which 5 A pay
    rig = Rig(surplus_w=1.5 * AMPERE)
    rig.step()
    gain = (1.5 * 0.22 - 3.5 * 0.08) * AMPERE / 3.6e6
    assert rig.until(commanded) == pytest.approx(math.ceil(0.0005 / gain / 10) * 10)
    assert rig.told == 5


def test_waiting_says_how_much_is_lost_and_when_that_is_enough() -> None:
    rig = Rig(surplus_w=1.5 * AMPERE)
    rig.run(30)
    gain = (1.5 * 0.22 - 3.5 * 0.08) * AMPERE / 3.6e6
    assert rig.why() is Reason.WAITING_TO_START
    assert rig.decision.lost == pytest.approx(20 * gain)
    assert rig.decision.threshold == pytest.approx(0.0005)
    assert rig.decision.command is None


def following(a: int = 10, settings: CarSettings | None = None) -> Rig:
    """Return a home where the car follows a sun of so many amperes."""
    rig = Rig(settings or CarSettings())
    rig.run(600, a * rig.unit_w)
    assert rig.told == a
    rig.sent.clear()
    return rig


def test_more_sun_raises_the_current() -> None:
    rig = following(10)
    gain = 0.5 * AMPERE * 0.22 - 0.5 * AMPERE * 0.08
    rig.surplus_w = 10.5 * AMPERE
    rig.step()
    assert rig.why() is Reason.WAITING_TO_RAISE
    assert rig.decision.lost == pytest.approx(gain / 3.6e6 * 10)
    assert rig.decision.threshold == pytest.approx(0.0015)
    took = 10 + rig.until(commanded)
    assert took == math.ceil(0.0015 / (gain / 3.6e6) / 10) * 10
    assert (rig.told, rig.why()) == (11, Reason.RAISE)
    assert not rig.sent[0][1].start


def test_less_sun_lowers_the_current() -> None:
    rig = following(10)
    # 9.1 A: at 9 A 0.9 A are not imported any more, and 0.1 A of sun are not used
    loss = 0.9 * AMPERE * 0.08 - 0.1 * AMPERE * 0.22
    rig.surplus_w = 9.1 * AMPERE
    rig.step()
    assert rig.why() is Reason.WAITING_TO_LOWER
    took = 10 + rig.until(commanded)
    assert took == math.ceil(0.0015 / (loss / 3.6e6) / 10) * 10
    assert (rig.told, rig.why()) == (9, Reason.LOWER)


def test_much_is_answered_at_once_and_little_later() -> None:
    times = []
    for step in (0.4, 1.0, 3.0, 6.0):
        rig = following(10)
        rig.surplus_w = (10 + step) * AMPERE
        times.append(rig.until(commanded))
    assert times == sorted(times, reverse=True)
    assert times[-1] == 10


def test_a_cloud_is_held_out_until_it_costs_two_restarts() -> None:
    rig = following(10)
    rig.surplus_w = 0
    # 5 A of import cost 0.276 an hour
    rig.step()
    assert (rig.why(), rig.decision.threshold) == (Reason.WAITING_TO_LOWER, 0.0015)
    assert rig.until(commanded) == 10
    assert (rig.told, rig.why()) == (5, Reason.LOWER)
    rig.step()
    assert rig.why() is Reason.CLOUD
    assert rig.decision.threshold == pytest.approx(0.006)
    assert rig.decision.lost == pytest.approx(3 * 0.276 / 360)
    assert rig.until(commanded) == 50
    assert (rig.told, rig.why()) == (0, Reason.STOP)
    assert rig.run(600) == []
    assert rig.why() is Reason.NO_SUN
    assert rig.decision.takes_w == 0


def test_a_short_cloud_costs_no_stop() -> None:
    rig = following(5)
    assert rig.run(70, 0) == []
    assert rig.run(600, 5 * AMPERE) == []
    assert rig.why() is Reason.FOLLOWING


def test_a_cloud_that_comes_back_at_once_goes_on_where_it_was() -> None:
    rig = following(5)
    # half of what was lost is forgotten in a minute
    assert rig.run(70, 0) == []
    assert rig.run(60, 5 * AMPERE) == []
    lost = 7 * 0.276 / 360
    rig.surplus_w = 0
    rig.step()
    assert rig.decision.lost == pytest.approx(lost / 2 + 0.276 / 360)


@pytest.mark.parametrize(
    ("surplus_a", "lost"), [(9.1, 0.9 * 0.08 - 0.1 * 0.22), (10.5, 0.5 * 0.14)]
)
def test_what_was_lost_is_forgotten_with_time(surplus_a: float, lost: float) -> None:
    rig = following(10)
    per_reading = lost * AMPERE / 3.6e6 * 10
    rig.run(20, surplus_a * AMPERE)
    assert rig.decision.lost == pytest.approx(2 * per_reading)
    rig.run(60, 10 * AMPERE)
    rig.run(10, surplus_a * AMPERE)
    assert rig.decision.lost == pytest.approx(2 * per_reading / 2 + per_reading)


def test_wear_makes_restarts_rare() -> None:
    rig = following(5)
    rig.prices = replace(PRICES, wear=0.02)
    rig.surplus_w = 0
    assert rig.until(commanded) == pytest.approx(2 * 0.023 / (0.276 / 3600), abs=11)


def test_dear_commands_are_few() -> None:
    rig = following(10)
    rig.prices = replace(PRICES, command=10.0)
    assert rig.run(7200, 16 * AMPERE) == []
    assert rig.why() is Reason.WAITING_TO_RAISE


def test_a_sleeping_car_is_woken_for_more_sun_than_an_awake_one() -> None:
    awake, asleep = Rig(), Rig(car={"asleep": True})
    times = []
    for rig in (awake, asleep):
        rig.run(600, 0)
        rig.surplus_w = 2 * AMPERE
        times.append(rig.until(commanded))
    gain = (2 * 0.22 - 3 * 0.08) * AMPERE / 3.6e6
    assert times == [math.ceil(limit / gain / 10) * 10 for limit in (0.0005, 0.0055)]
    assert awake.sent[-1][1].wake is False
    assert asleep.sent[-1][1].wake is True


def test_a_forecast_says_that_a_cloud_is_not_worth_waiting_for() -> None:
    rig = following(5)
    rig.forecast = (ForecastSlot(0, 90000, 0),)
    rig.surplus_w = 0
    assert rig.until(commanded) == 20
    assert rig.told == 0


def test_a_forecast_says_that_a_cloud_is_worth_waiting_for() -> None:
    rig = following(5)
    rig.forecast = (ForecastSlot(0, 90000, 9000),)
    rig.surplus_w = 0
    assert rig.until(commanded) == pytest.approx(120)


def test_the_current_never_leaves_its_bounds() -> None:
    rng = random.Random(5)
    rig = Rig()
    for _ in range(200):
        rig.run(60, rng.uniform(-5000, 20000))
    assert {command.amps for _, command in rig.sent} <= {0, *range(5, 17)}
    assert max(command.amps for _, command in rig.sent) == 16


def test_a_cheap_grid_charges_without_sun() -> None:
    rig = Rig(prices=replace(PRICES, grid=0.1))
    assert amps(rig.run(60, 0)) == [16]


def test_a_better_export_price_keeps_the_sun_for_the_grid() -> None:
    rig = Rig(prices=replace(PRICES, export=0.35))
    assert rig.run(600, 9000) == []
    assert rig.why() is Reason.NO_SUN


def test_the_last_prices_hold_until_new_ones_come() -> None:
    rig = following(10)
    rig.prices = replace(PRICES, grid=math.nan)
    assert amps(rig.run(300, 12 * AMPERE)) == [12]
    never = Rig(prices=rig.prices, surplus_w=9000)
    assert never.run(600) == []
    assert never.why() is Reason.PRICES_MISSING


# -- no oscillation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [CarSettings(), ONE_PHASE])
@pytest.mark.parametrize("every", [10.0, 60.0])
def test_a_step_of_any_size_is_followed_by_at_most_two_changes(
    settings: CarSettings, every: float
) -> None:
    rng = random.Random(7)
    for _ in range(8):
        rig = Rig(settings, every=every)
        rig.run(1800, rng.uniform(-3000, 12000))
        assert len(rig.run(7200, rng.uniform(-3000, 12000))) <= 2
        assert rig.run(3600) == []


def test_a_noisy_sun_between_two_amperes_costs_few_commands() -> None:
    rng = random.Random(3)
    rig = following(10)
    for _ in range(360):
        rig.run(10, 10.27 * AMPERE + rng.gauss(0, 60))
    assert len(rig.sent) <= 1


# -- the plan ----------------------------------------------------------------------------------------------


def test_a_planned_slot_begins_at_once_and_is_the_least() -> None:
    rig = Rig()
    rig.run(60, 0)
    rig.wishes = Wishes(planned_a=11)
    rig.step()
    assert (rig.told, rig.why(), rig.decision.floor_a) == (11, Reason.PLANNED, 11)
    assert rig.sent[0][1].start
    assert rig.run(3600) == []
    assert rig.why() is Reason.PLANNED
    assert rig.decision.planned_w == 11 * AMPERE


def test_the_sun_raises_what_is_planned() -> None:
    rig = Rig(wishes=Wishes(planned_a=7))
    rig.run(60, 0)
    assert amps(rig.run(60, 12 * AMPERE)) == [12]
    assert rig.why() is Reason.FOLLOWING
    assert amps(rig.run(60, 0)) == [7]


def test_a_planned_slot_begins_with_the_sun_that_there_is() -> None:
    rig = Rig(surplus_w=9 * AMPERE, prices=replace(PRICES, command=1.0))
    rig.run(60)
    rig.wishes = Wishes(planned_a=7)
    assert amps(rig.run(60)) == [9]


def test_the_end_of_a_planned_slot_ends_the_charge_at_once() -> None:
    rig = Rig(wishes=Wishes(planned_a=11))
    rig.run(600, 0)
    rig.wishes = Wishes()
    rig.step()
    assert (rig.told, rig.why()) == (0, Reason.STOP)


def test_the_end_of_a_planned_slot_leaves_what_the_sun_gives() -> None:
    rig = Rig(wishes=Wishes(planned_a=11))
    rig.run(600, 6 * AMPERE)
    rig.wishes = Wishes()
    rig.step()
    assert (rig.told, rig.why()) == (6, Reason.LOWER)
    # and it is released only once
    assert rig.run(10, 0) == []
    assert rig.told == 6


def test_a_sunken_plan_is_followed_at_once() -> None:
    rig = Rig(wishes=Wishes(planned_a=11))
    rig.run(600, 0)
    rig.wishes = Wishes(planned_a=8)
    rig.step()
    assert rig.told == 8
    rig.wishes = Wishes(planned_a=12)
    rig.step()
    assert rig.told == 12


def test_a_plan_below_the_least_current_means_the_least() -> None:
    rig = Rig(wishes=Wishes(planned_a=3))
    assert amps(rig.run(60, 0)) == [5]


def test_a_plan_above_the_highest_current_means_the_highest() -> None:
    rig = Rig(wishes=Wishes(planned_a=40))
    assert amps(rig.run(60, 0)) == [16]


def test_without_the_sun_only_the_plan_counts() -> None:
    rig = following(10)
    rig.wishes = Wishes(follow_sun=False)
    rig.step()
    assert (rig.told, rig.why(), rig.decision.best_a) == (0, Reason.SOLAR_OFF, 0)
    assert rig.run(600, 16 * AMPERE) == []
    assert rig.why() is Reason.SOLAR_OFF
    rig.wishes = Wishes(follow_sun=False, planned_a=8)
    assert amps(rig.run(600)) == [8]
    assert rig.why() is Reason.PLANNED


def test_the_minimum_level_comes_before_all_prices() -> None:
    rig = Rig(wishes=Wishes(minimum_level=30), car={"level": 29.9})
    rig.step()
    assert (rig.told, rig.why()) == (16, Reason.MINIMUM_LEVEL)
    rig.run(600, 0)
    assert rig.why() is Reason.MINIMUM_LEVEL
    rig.car = {"level": 30.0}
    rig.step()
    assert rig.told == 0
    # a level that sinks a little after the stop does not start it again
    for level, told in ((29.0, 0), (28.0, 0), (27.9, 16), (29.9, 16), (30.0, 0), (28.0, 0)):
        rig.car = {"level": level}
        rig.run(20)
        assert rig.told == told, level


def test_the_next_charge_has_its_own_minimum() -> None:
    rig = Rig(wishes=Wishes(minimum_level=30), car={"level": 29.0})
    rig.run(60, 0)
    rig.car = {"level": 30.0}
    rig.run(60)
    rig.car = {"state": CarState.UNPLUGGED}
    rig.run(60)
    rig.car = {"level": 29.0}
    rig.step()
    assert rig.told == 16


def test_a_level_that_nobody_knows_is_not_below_the_minimum() -> None:
    for level in (None, math.nan):
        rig = Rig(wishes=Wishes(minimum_level=30), car={"level": level})
        assert rig.run(60, 0) == []


# -- limits ------------------------------------------------------------------------------------------------


def limited(import_w: float = 20 * AMPERE, planned_a: int = 16) -> Rig:
    rig = Rig(limits=Limits(import_w=import_w), wishes=Wishes(planned_a=planned_a))
    rig.run(600, 0)
    rig.sent.clear()
    return rig


@pytest.mark.parametrize(
    ("house_a", "told"), [(4.0, 16), (4.01, 15), (8.0, 12), (15.0, 5), (15.1, 0), (50.0, 0)]
)
def test_a_limit_is_kept_at_the_reading_that_exceeds_it(house_a: float, told: int) -> None:
    rig = limited()
    assert rig.told == 16
    rig.surplus_w = -house_a * AMPERE
    rig.step()
    assert rig.told == told
    assert rig.why() is (Reason.PLANNED if told == 16 else Reason.LIMIT)
    assert rig.decision.limit_a == told
    rig.run(200)
    assert rig.told == told
    assert len(rig.sent) <= 1


def test_after_a_limit_the_current_rises_when_it_was_quiet_for_five_minutes() -> None:
    rig = limited()
    rig.run(100, -10 * AMPERE)
    assert rig.told == 10
    rig.surplus_w = 0
    assert rig.until(commanded) == 310
    assert rig.told == 16


def test_within_five_minutes_the_lowest_counts() -> None:
    rig = limited()
    rig.run(100, -10 * AMPERE)
    for _ in range(10):
        rig.run(200, 0)
        rig.run(10, -10 * AMPERE)
    assert rig.told == 10
    assert len(rig.sent) == 1


def test_the_sun_is_followed_up_to_the_limit() -> None:
    rig = Rig(limits=Limits(phase_a=9.5), surplus_w=16 * AMPERE)
    rig.meter_changes = {"phase_a": (0.0, 0.0, 0.0)}
    rig.run(60)
    assert rig.told == 9
    # the meter shows the car: no change of what is free
    rig.meter_changes = {"phase_a": (9.0, 9.0, 9.0)}
    rig.run(60)
    assert rig.why() is Reason.LIMIT
    assert (rig.told, rig.decision.best_a, rig.decision.limit_a) == (9, 9, 9)


def test_a_limit_of_the_car_holds_without_a_meter() -> None:
    rig = Rig(limits=Limits(car_a=8), wishes=Wishes(planned_a=16), meter=False)
    assert amps(rig.run(60)) == [8]
    rig.limits = Limits(car_a=6)
    rig.step()
    assert (rig.told, rig.why()) == (6, Reason.LIMIT)
    rig.limits = Limits(car_a=4)
    rig.step()
    assert rig.told == 0


def test_a_car_that_begins_above_its_limit_is_lowered() -> None:
    rig = Rig(told=20, wishes=Wishes(planned_a=16))
    rig.step()
    assert (rig.told, rig.why()) == (16, Reason.LIMIT)


def test_a_limit_does_not_wait_for_a_command_on_its_way() -> None:
    rig = Rig(limits=Limits(import_w=20 * AMPERE), obeys=False, wishes=Wishes(planned_a=16))
    rig.step()
    assert rig.sent[-1][1].amps == 16
    # the start has not arrived, but would exceed the limit
    rig.surplus_w = -10 * AMPERE
    rig.step()
    assert (rig.sent[-1][1].amps, rig.why()) == (10, Reason.LIMIT)


def test_a_lost_command_to_keep_a_limit_is_repeated_every_20_seconds() -> None:
    rig = limited()
    rig.obeys = False
    rig.run(100, -10 * AMPERE)
    assert [(now - rig.now + 100, command.amps) for now, command in rig.sent] == [
        (10, 10),
        (30, 10),
        (50, 10),
        (70, 10),
        (90, 10),
    ]


def test_a_command_to_keep_a_limit_is_not_repeated_once_the_meter_shows_that_it_is_kept() -> None:
    rig = limited()
    rig.obeys = False
    rig.surplus_w = -10 * AMPERE
    rig.step()
    # the car says nothing yet, the meter does
    rig.surplus_w = -3 * AMPERE
    rig.run(50)
    assert amps([command for _, command in rig.sent]) == [10]


def test_a_limit_of_the_car_is_not_urgent_once_the_command_is_on_its_way() -> None:
    # no meter shows that it is exceeded, and none of the limits of the home is any more
    for import_w in (None, 5 * AMPERE):
        rig = Rig(wishes=Wishes(planned_a=16))
        rig.run(120, 0)
        rig.obeys = False
        rig.limits = Limits(import_w=import_w, car_a=None if import_w else 8)
        rig.step()
        assert rig.sent[-1][1].amps == (5 if import_w else 8)
        rig.limits = Limits(car_a=8)
        rig.sent.clear()
        rig.run(50)
        assert rig.sent == []


def test_a_refused_command_to_keep_a_limit_is_repeated_soon() -> None:
    rig = limited()
    rig.obeys = False
    rig.surplus_w = -10 * AMPERE
    for _ in range(6):
        rig.step()
        if rig.decision.command:
            rig.controller.answered(rig.now, rig.decision.command.number, Outcome.REFUSED)
    assert len(rig.sent) == 3


def test_with_a_limit_nothing_is_raised_while_the_meter_is_silent() -> None:
    rig = limited(planned_a=8)
    rig.meter = False
    rig.wishes = Wishes(planned_a=16)
    assert rig.run(120) == []
    assert rig.why() is Reason.LIMIT
    assert rig.told == 8
    # then only the least current is safe
    assert amps(rig.run(20)) == [5]
    assert rig.run(600) == []
    rig.meter = True
    rig.run(400)
    assert rig.told == 16


def test_a_plan_begins_with_the_least_current_if_there_is_a_limit_but_no_meter() -> None:
    rig = Rig(limits=Limits(import_w=9000), wishes=Wishes(planned_a=16), meter=False)
    assert rig.run(120) == []
    assert amps(rig.run(600)) == [5]


def test_a_limit_counts_from_when_it_is_set_until_it_is_lifted() -> None:
    rig = Rig(wishes=Wishes(planned_a=16))
    rig.run(60, 0)
    rig.limits = Limits(import_w=10 * AMPERE)
    rig.step()
    assert rig.told == 10
    rig.limits = Limits()
    rig.step()
    assert rig.told == 16


def test_a_car_reading_from_before_a_change_does_not_make_a_limit_exceeded() -> None:
    # 16 A are on their way, the meter shows them, the car's own reading is 30 s old
    rig = Rig(limits=Limits(import_w=20 * AMPERE), wishes=Wishes(planned_a=16), car_age=30)
    rig.run(20, -3 * AMPERE)
    assert rig.decision.told_a == 16
    rig.meter_changes = {"grid_w": 19 * AMPERE}
    rig.car = {"drawn_a": 5.0, "request_a": 5}
    rig.step()
    assert (rig.told, rig.decision.command) == (16, None)
    # what the meter shows beyond the limit must go, of what the car is known to take at least
    rig.meter_changes = {"grid_w": 20.01 * AMPERE}
    rig.step()
    assert rig.sent[-1][1].amps == 0


def test_the_fuse_of_a_phase_is_exceeded_by_any_part_of_an_ampere() -> None:
    rig = Rig(limits=Limits(phase_a=20.0), wishes=Wishes(planned_a=16), car_age=30)
    rig.meter_changes = {"phase_a": (1.0, 2.0, 1.0)}
    rig.run(20)
    rig.car = {"drawn_a": 5.0, "request_a": 5}
    for phase_a, sent in ((20.0, 1), (20.1, 2)):
        rig.meter_changes = {"phase_a": (1.0, phase_a, 1.0)}
        rig.step()
        assert len(rig.sent) == sent


def test_a_limit_that_is_just_kept_is_not_exceeded() -> None:
    rig = Rig(limits=Limits(import_w=20 * AMPERE), wishes=Wishes(planned_a=16), car_age=30)
    rig.run(20, -3 * AMPERE)
    rig.car = {"drawn_a": 5.0, "request_a": 5}
    for grid_a in (19.9, 20.0):
        rig.meter_changes = {"grid_w": grid_a * AMPERE}
        rig.step()
        assert (rig.told, rig.decision.command) == (16, None)


# -- readings and commands that go wrong -------------------------------------------------------------------


def test_without_a_meter_the_sun_counts_as_gone_after_three_minutes() -> None:
    rig = following(10)
    rig.meter = False
    assert rig.run(180) == []
    assert rig.why() is Reason.FOLLOWING
    assert amps(rig.run(10)) == [0]
    assert rig.why() is Reason.METER_MISSING
    rig.run(60)
    assert (rig.why(), rig.decision.best_a) == (Reason.METER_MISSING, None)
    rig.meter = True
    assert amps(rig.run(60)) == [10]


def test_without_a_meter_the_plan_goes_on() -> None:
    rig = Rig(wishes=Wishes(planned_a=7), surplus_w=12 * AMPERE)
    rig.run(60)
    assert rig.told == 12
    rig.meter = False
    assert amps(rig.run(600)) == [7]


def test_before_the_first_reading_nothing_is_known() -> None:
    rig = Rig(meter=False)
    assert rig.run(60) == []
    assert rig.why() is Reason.METER_MISSING
    assert (rig.decision.surplus_w, rig.decision.best_a) == (None, None)


def test_without_the_home_battery_the_sun_is_not_known() -> None:
    rig = Rig(battery_settings=BatterySettings(BatteryRule.AFTER, 5000.0), surplus_w=9000)
    assert rig.run(300) == []
    assert rig.why() is Reason.BATTERY_MISSING


def test_the_home_battery_comes_first() -> None:
    rig = Rig(battery_settings=BatterySettings(BatteryRule.BEFORE, 9000.0))
    rig.battery_level, rig.battery_w = 50.0, 9000.0
    assert rig.run(300, 9000) == []
    assert rig.why() is Reason.BATTERY_FIRST
    rig.surplus_w = 500
    rig.step()
    assert rig.why() is Reason.NO_SUN


def test_a_battery_level_at_its_floor_follows_the_rule() -> None:
    rig = Rig(battery_settings=BatterySettings(BatteryRule.AFTER, 5000.0, floor=20.0))
    rig.battery_level, rig.battery_w = 19.0, 5000.0
    assert rig.run(100, 5000) == []
    rig.battery_level = 25.0
    assert amps(rig.run(100)) == [7]


def test_contradicting_readings_of_the_car_change_nothing() -> None:
    rig = following(10)
    rig.car = {"power_w": 100.0}
    assert rig.run(170, 0) == []
    assert rig.why() is Reason.CONTRADICTION
    # for long it is as if nothing were known
    assert amps(rig.run(30)) == [0]


@pytest.mark.parametrize(
    ("power_w", "is_possible"), [(8900.0, True), (9601.0, False), (4875.5, True), (4870.0, False)]
)
def test_the_power_of_a_car_is_near_its_current(power_w: float, *, is_possible: bool) -> None:
    # 10 A of 690 W; 300 W and a quarter of the larger one are allowed
    rig = following(10)
    rig.car = {"power_w": power_w}
    rig.step()
    assert (rig.why() is Reason.CONTRADICTION) is not is_possible


def test_a_car_that_says_nothing_for_long_is_not_steered() -> None:
    rig = following(10)
    rig.car = {"time": rig.now}
    rig.run(900, 12 * AMPERE)
    assert rig.why() is not Reason.CAR_MISSING
    rig.step()
    assert rig.why() is Reason.CAR_MISSING


def test_a_sleeping_car_need_not_say_anything() -> None:
    rig = Rig(car={"asleep": True, "time": 1000.0})
    rig.run(3600, 0)
    assert rig.why() is Reason.NO_SUN
    assert rig.run(60, 9 * AMPERE)[0].wake


def test_a_car_that_is_not_there_takes_nothing() -> None:
    controller = SolarController()
    assert controller.power_w(None) == 0
    assert controller.power_w(car_reading(0, 10, drawn_a=math.nan)) == 0
    for state in (CarState.UNPLUGGED, CarState.COMPLETE):
        assert controller.power_w(car_reading(0, 10, state=state)) == 0
    assert controller.power_w(car_reading(0, 10)) == 10 * AMPERE
    assert controller.power_w(car_reading(0, 10, power_w=6800.0)) == 6800


def test_without_any_reading_of_the_car_there_is_nothing_to_do() -> None:
    controller = SolarController()
    inputs = Inputs(PRICES, None, MeterReading(0.0, -9000.0))
    assert controller.step(0.0, inputs) == Decision(reason=Reason.CAR_MISSING)


def test_a_late_reading_of_the_car_is_not_used() -> None:
    rig = following(10)
    rig.car = {"time": rig.now - 20, "request_a": 16, "drawn_a": 16.0}
    rig.step()
    assert rig.decision.told_a == 10
    # after a corrected clock it counts again
    rig.car["time"] = rig.now - 30
    rig.run(890)
    assert rig.decision.told_a == 10
    rig.run(10)
    assert rig.decision.told_a == 16


def test_a_reading_of_the_car_from_the_future_is_not_used() -> None:
    rig = following(10)
    rig.car = {"time": rig.now + 20.5, "request_a": 16, "drawn_a": 16.0}
    rig.step()
    assert rig.decision.told_a == 10
    rig.car["time"] = rig.now + 20.0
    rig.step()
    assert rig.decision.told_a == 16


@pytest.mark.parametrize(
    ("state", "reason"),
    [(CarState.UNPLUGGED, Reason.UNPLUGGED), (CarState.COMPLETE, Reason.COMPLETE)],
)
def test_where_there_is_nothing_to_charge_nothing_is_sent(state: CarState, reason: Reason) -> None:
    rig = Rig(wishes=Wishes(planned_a=10), car={"state": state})
    assert rig.run(600, 9000) == []
    assert rig.decision == Decision(reason=reason)


def test_an_unplugged_car_begins_anew() -> None:
    rig = following(10)
    rig.wishes = Wishes(planned_a=10)
    rig.run(60)
    rig.told, rig.car = 0, {"state": CarState.UNPLUGGED}
    rig.run(60, 0)
    rig.wishes, rig.car = Wishes(), {}
    assert rig.run(60, 9 * AMPERE)[0].start
    # no released plan is left over from the last charge
    assert rig.run(10, 8.9 * AMPERE) == []


def test_what_was_lost_before_the_cable_was_pulled_does_not_count() -> None:
    rig = Rig(surplus_w=1.5 * AMPERE)
    waited = rig.until(commanded)
    rig = Rig(surplus_w=1.5 * AMPERE)
    rig.run(waited - 10)
    rig.car = {"state": CarState.UNPLUGGED}
    rig.step()
    rig.car = {}
    assert rig.until(commanded) > 20


def test_a_car_that_takes_less_is_not_told_again() -> None:
    rig = following(10)
    rig.at_most = 8.0
    assert rig.run(120, 12 * AMPERE) != []
    rig.sent.clear()
    assert rig.run(3600) == []
    assert rig.why() is Reason.CAR_TAKES_LESS
    assert (rig.decision.takes_w, rig.decision.told_a) == (8 * AMPERE, 12)
    # between what it takes and what it was told there is nothing to gain
    assert rig.run(3600, 10 * AMPERE) == []
    assert amps(rig.run(200, 7 * AMPERE)) == [7]
    assert amps(rig.run(60, 16 * AMPERE)) == [16]


def test_a_car_that_charges_and_takes_less_from_the_beginning_is_left_alone() -> None:
    rig = Rig(told=12, at_most=8.0, surplus_w=12 * AMPERE)
    assert rig.run(60) == []
    assert rig.why() is Reason.FOLLOWING
    rig.run(20)
    assert rig.why() is Reason.CAR_TAKES_LESS


def test_a_car_that_takes_nothing_is_left_alone() -> None:
    rig = following(10)
    rig.at_most = 0.0
    rig.run(80)
    rig.sent.clear()
    assert rig.run(3600, 16 * AMPERE) == []
    assert rig.why() is Reason.CAR_TAKES_LESS
    assert rig.run(3600, 0) == []


def test_a_car_that_takes_more_than_it_was_told_is_not_told_the_same_again() -> None:
    rig = following(10)
    rig.takes = 13.0
    assert rig.run(3600) == []
    assert rig.decision.takes_w == 10 * AMPERE


def test_a_lost_start_is_repeated() -> None:
    rig = Rig(obeys=False)
    rig.run(60, 0)
    rig.run(80, 9 * AMPERE)
    # a minute to obey
    assert len(rig.sent) == 2
    assert rig.sent[1][0] - rig.sent[0][0] == 60
    rig.run(600)
    times = [now for now, _ in rig.sent]
    gaps = [later - now for now, later in pairwise(times)]
    assert gaps == [60, 80, 110, 170, 290][: len(gaps)]
    assert len(gaps) >= 4


def test_a_command_on_its_way_is_waited_for() -> None:
    rig = Rig(obeys=False)
    rig.run(60, 0)
    rig.run(10, 9 * AMPERE)
    rig.run(40, 16 * AMPERE)
    assert len(rig.sent) == 1
    assert rig.why() is Reason.ON_THE_WAY
    assert rig.decision.told_a == 9


def test_a_failed_command_is_repeated_after_a_pause() -> None:
    rig = Rig(obeys=False)
    rig.run(60, 0)
    rig.run(10, 9 * AMPERE)
    rig.controller.answered(rig.now, rig.controller.commands, Outcome.FAILED)
    rig.step()
    assert rig.why() is Reason.COMMAND_FAILED
    assert rig.decision.until == rig.now + 5
    rig.step()
    assert rig.decision.command is not None
    assert rig.decision.until is None


def test_a_refused_command_is_repeated_after_a_longer_pause() -> None:
    rig = Rig(obeys=False, wishes=Wishes(planned_a=10))
    rig.step()
    rig.controller.answered(rig.now, 1, Outcome.REFUSED)
    assert rig.run(290) == []
    assert rig.why() is Reason.COMMAND_REFUSED
    assert rig.decision.until == rig.now + 10
    assert len(rig.run(10)) == 1


def test_readings_of_different_moments_are_not_used_while_the_current_changes() -> None:
    rig = following(10)
    rig.car_age = 20
    rig.run(100)
    rig.run(10, 16 * AMPERE)
    assert rig.sent[-1][1].amps == 16
    rig.car = {"request_a": 10, "drawn_a": 10.0}
    rig.step()
    assert rig.why() is Reason.SETTLING
    for drawn in (10.6, 12.0, 13.0):
        rig.car = {"request_a": 16, "drawn_a": drawn}
        rig.step()
        assert rig.why() is Reason.SETTLING
    rig.car = {}
    # the first one with the new current shows that it has changed, the second one that it does so no more
    rig.run(30)
    assert rig.why() is Reason.FOLLOWING


def test_a_reading_of_the_battery_from_before_a_change_is_not_used() -> None:
    rig = Rig(battery_settings=BatterySettings(BatteryRule.AFTER, 5000.0), surplus_w=6 * AMPERE)
    rig.battery_level, rig.battery_age = 50.0, 25.0
    rig.run(300)
    assert rig.told == 6
    rig.surplus_w = 14 * AMPERE
    rig.until(commanded)
    for _ in range(3):
        rig.step()
        assert rig.why() is Reason.SETTLING
    rig.step()
    assert rig.why() is Reason.FOLLOWING


def test_the_voltage_and_the_phases_are_those_that_the_car_says() -> None:
    rig = Rig()
    rig.car = {"phases": 1, "volts": 200.0}
    rig.run(60, 2000)
    assert rig.told == 10
    rig.prices = replace(PRICES, command=100.0)
    for car in ({"phases": 0}, {"phases": 7, "volts": 100.0}):
        rig.car = car
        rig.step()
        assert rig.decision.takes_w == 2000
    for volts in (79.0, 301.0, math.nan):
        rig.car = {"phases": 1, "volts": volts}
        rig.step()
        assert rig.decision.takes_w == 2300
    for volts in (80.0, 300.0):
        rig.car = {"phases": 2, "volts": volts}
        rig.step()
        assert rig.decision.takes_w == 20 * volts


def test_before_the_first_charge_the_settings_count() -> None:
    rig = Rig(ONE_PHASE, car={"phases": 0, "volts": 0.0})
    rig.run(60, 2300)
    assert rig.told == 10


def test_a_clock_that_is_turned_back_begins_anew() -> None:
    rig = following(10)
    rig.surplus_w = 10.5 * AMPERE
    rig.step()
    rig.now -= 7200
    rig.step()
    assert rig.decision.lost == 0
    assert rig.until(commanded) == 120
    assert rig.told == 11


def test_two_steps_at_one_time_are_one_moment() -> None:
    rig = following(10)
    rig.run(20, 10.5 * AMPERE)
    lost = rig.decision.lost
    rig.every = 0.0
    rig.step()
    assert rig.decision.lost == lost > 0


def test_after_a_clock_was_turned_back_the_car_is_believed_at_once() -> None:
    rig = following(10)
    rig.now -= 7200
    rig.told = 6
    rig.step()
    assert rig.decision.told_a == 6


def test_a_clock_that_is_turned_forward_loses_nothing() -> None:
    rig = following(10)
    rig.now += 7200
    assert rig.run(600) == []


def test_a_time_that_is_no_number_is_refused() -> None:
    for now in (math.nan, math.inf):
        with pytest.raises(ValueError):
            SolarController().step(now, Rig().inputs())


# -- anything at all ---------------------------------------------------------------------------------------

ODD = (math.nan, math.inf, -math.inf, 1e300, -1e300, -1.0, 0.0, 1e-300)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_readings_are_the_commands_are_possible(seed: int) -> None:
    rng = random.Random(seed)

    def odd(usual: float) -> float:
        return rng.choice(ODD) if rng.random() < 0.1 else usual

    rig = Rig(
        rng.choice([CarSettings(), ONE_PHASE]),
        rng.choice([None, BatterySettings(BatteryRule.SHARE, 4000.0, floor=20.0)]),
    )
    for _ in range(1500):
        rig.every = rng.choice([10.0, 10.0, 10.0, 0.0, -30.0, 1000.0])
        rig.surplus_w = odd(rng.uniform(-4000, 15000))
        rig.battery_level, rig.battery_w = odd(50.0), odd(1000.0)
        rig.meter = rng.random() < 0.9
        rig.meter_age, rig.car_age = odd(5.0), odd(5.0)
        rig.obeys = rng.random() < 0.9
        rig.prices = Prices(odd(0.3), odd(0.08), odd(0.2), odd(0.001))
        rig.wishes = Wishes(rng.choice([0, 0, 9, -5, 99]), odd(20.0))
        rig.limits = Limits(import_w=rng.choice([None, 5000.0, math.inf, 0.0]))
        rig.forecast = (ForecastSlot(odd(0.0), odd(1e6), odd(3000.0)),)
        rig.car = {"drawn_a": odd(8.0), "volts": odd(230.0), "level": odd(50.0)}
        rig.meter_changes = {"pv_w": odd(5000.0), "phase_a": (odd(3.0),)}
        decision = rig.step()
        if (command := decision.command) is not None:
            assert command.amps in {0, *range(rig.settings.min_a, rig.settings.max_a + 1)}
            number = command.number
            if rng.random() < 0.3:
                outcome = rng.choice(list(Outcome))
                rig.controller.answered(rig.now, number, outcome)
    # and afterwards it works as ever
    rig.every, rig.obeys, rig.meter, rig.meter_age, rig.car_age = 10.0, True, True, 0.0, 0.0
    rig.prices, rig.wishes, rig.limits, rig.forecast = PRICES, Wishes(), Limits(), ()
    rig.battery_level, rig.battery_w, rig.car, rig.meter_changes = 99.0, 0.0, {}, {}
    rig.battery_settings = None
    rig.run(7200, 0)
    assert rig.told == 0
    rig.run(600, 9.0 * rig.unit_w)
    assert rig.told == (9 if rig.controller.battery is None else rig.told)
    rig.sent.clear()
    rig.run(3600)
    assert rig.sent == []
