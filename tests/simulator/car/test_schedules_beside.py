"""Schedules beside each other, beside commands and beside the charge limit."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator import OtherReading, Quirk
from simulator.car.habits import Habit

from .days import MONDAY, Days

TUESDAY = "2027-01-12"


def plugged(*readings: Habit, at: str = f"{MONDAY} 18:00", **settings: Any) -> Days:
    days = Days(at, *readings, **settings)
    days.car.plug_in()
    return days


# -- edits -------------------------------------------------------------------------------------------------


def test_an_edit_acts_at_once_on_a_car_that_is_plugged_in() -> None:
    days = plugged()
    days.add("22:00")
    assert days.state == "Stopped"
    days.add("22:00", enabled=False)
    assert days.state == "Charging"
    days.add("22:00")
    days.send("remove_charge_schedule", id=7)
    assert days.state == "Charging"


def test_in_the_other_reading_a_start_to_come_lets_a_charging_car_charge_on() -> None:
    days = plugged(OtherReading.EDIT_LEAVES_ALONE)
    days.add("22:00", "23:30")
    assert days.state == "Charging"
    days.until("23:30")
    assert days.state == "Stopped"


@pytest.mark.parametrize(
    ("readings", "state"), [((), "Stopped"), ((OtherReading.EDIT_LEAVES_ALONE,), "Charging")]
)
def test_an_entry_that_is_sent_again_long_after_its_start_stops_the_car_until_it_is_renewed(
    readings: tuple[OtherReading, ...], state: str
) -> None:
    days = plugged(*readings)
    days.send("charge_stop")
    days.add("22:00", "07:00")
    days.until("04:00")
    days.add("22:00", "06:30")
    assert days.state == state
    days.add("03:45", "06:30")
    assert days.state == "Charging"


@pytest.mark.parametrize(("at", "state"), [("22:05", "Charging"), ("23:35", "Stopped")])
def test_an_edit_of_another_entry_changes_nothing_about_what_came_minutes_ago(
    at: str, state: str
) -> None:
    days = plugged()
    days.add("22:00", "23:30", id=1)
    days.until(at)
    assert days.state == state
    days.add("12:00", "13:00", id=2)
    assert days.state == state
    days.send("remove_charge_schedule", id=2)
    assert days.state == state


def test_a_batch_removal_of_nothing_changes_nothing() -> None:
    days = plugged()
    days.add("22:00", "23:00", days_of_week="mon")
    days.until("23:30")
    days.hours(20)
    assert days.send("batch_remove_charge_schedules", work=True).result
    assert days.state == "Stopped"


def test_new_entries_are_added_before_old_ones_are_removed_or_the_car_charges_in_between() -> None:
    careful, hasty = plugged(), plugged()
    for days in (careful, hasty):
        days.add("22:00", "23:00", id=1)
    careful.add("01:00", "02:00", id=2)
    hasty.send("remove_charge_schedule", id=1)
    for days in (careful, hasty):
        days.hours(0.5)
    careful.send("remove_charge_schedule", id=1)
    hasty.add("01:00", "02:00", id=2)
    assert careful.drawn(f"{MONDAY} 18:00", f"{MONDAY} 18:30") == 0
    assert hasty.drawn(f"{MONDAY} 18:00", f"{MONDAY} 18:30") == 0.5
    assert (careful.state, hasty.state) == ("Stopped", "Stopped")


def test_an_edit_of_another_entry_leaves_a_car_stopped_that_a_person_stopped() -> None:
    days = plugged(at=f"{MONDAY} 21:00")
    days.add("22:00", "06:00", id=1)
    days.until("23:00")
    assert days.send("charge_stop").result
    days.add("12:00", "13:00", id=2)
    assert days.state == "Stopped"
    days.send("remove_charge_schedule", id=2)
    assert days.state == "Stopped"


# -- several entries ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("readings", "until"), [((), 3), ((OtherReading.WINDOWS_UNITE,), 8)])
def test_any_end_stops_a_car_also_in_the_window_of_another_entry(
    readings: tuple[OtherReading, ...], until: float
) -> None:
    days = plugged(*readings)
    days.add("22:00", "06:00", id=1)
    days.add("00:00", "01:00", id=2)
    days.until(f"{TUESDAY} 12:00")
    assert days.drawn(f"{MONDAY} 22:00", f"{TUESDAY} 12:00") == until


@pytest.mark.parametrize("readings", [(), (OtherReading.WINDOWS_UNITE,)])
def test_windows_that_touch_are_one(readings: tuple[OtherReading, ...]) -> None:
    days = plugged(*readings)
    days.add("02:00", "03:00", id=1)
    days.add("01:00", "02:00", id=2)
    days.until(f"{TUESDAY} 12:00")
    assert days.drawn(f"{TUESDAY} 01:00", f"{TUESDAY} 03:00") == 2
    assert days.drawn(f"{MONDAY} 18:00", f"{TUESDAY} 12:00") == 2


def test_the_last_start_or_end_decides_at_plug_in() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00", id=1)
    days.add(end="23:00", id=2)
    days.until("22:30")
    days.car.plug_in()
    assert days.state == "Charging"
    days.car.unplug()
    days.until("23:30")
    days.car.plug_in()
    assert days.state == "Stopped"


# -- commands ----------------------------------------------------------------------------------------------


def test_a_start_by_command_overrides_a_schedule_and_the_limit_ends_it() -> None:
    days = plugged(battery_level=60.0)
    days.add("22:00", "23:00")
    assert days.state == "Stopped"
    assert days.send("charge_start").result
    told = days.section("charge_state")
    assert (told["charging_state"], told["charging_schedule_override"]) == ("Charging", True)
    days.until("21:00")
    days.add("01:00", "02:00", id=8)
    assert days.state == "Charging", "an edit does not stop what a person started"
    days.until("06:00")
    assert days.state == "Complete"


@pytest.mark.parametrize(
    ("readings", "state"), [((), "Charging"), ((OtherReading.END_STOPS_OVERRIDE,), "Stopped")]
)
def test_an_end_does_not_stop_what_was_started_by_command(
    readings: tuple[OtherReading, ...], state: str
) -> None:
    days = plugged(*readings)
    days.add(end="23:00", id=1)
    days.add("12:00", id=2)
    assert days.send("charge_start").result
    days.until("23:00")
    assert days.state == state


@pytest.mark.parametrize(
    ("readings", "state"), [((), "Charging"), ((OtherReading.END_STOPS_OVERRIDE,), "Stopped")]
)
def test_stop_now_does_not_stop_what_was_started_by_command_against_a_schedule(
    readings: tuple[OtherReading, ...], state: str
) -> None:
    days = plugged(*readings)
    days.add("22:00", id=1)
    assert days.send("charge_start").result
    days.once("12:00", id=3)
    assert days.state == "Charging", "a start to come stops nothing"
    days.once(end="17:45", id=2)
    assert days.state == state


def test_a_scheduled_start_takes_over_what_was_started_by_command() -> None:
    days = plugged()
    days.add("22:00", "23:00")
    days.send("charge_start")
    days.until("22:00")
    assert days.section("charge_state")["charging_schedule_override"] is False
    days.until("23:00")
    assert days.state == "Stopped"


def test_an_entry_that_lets_charge_takes_over_what_was_started_by_command() -> None:
    days = plugged()
    days.add("22:00", id=1)
    days.send("charge_start")
    days.once("17:30", "19:00", id=2)
    assert days.section("charge_state")["charging_schedule_override"] is False
    days.until("19:00")
    assert days.state == "Stopped"


def test_a_start_within_a_window_is_no_override() -> None:
    days = plugged()
    days.add("22:00", "23:00")
    days.until("22:15")
    days.send("charge_stop")
    days.send("charge_start")
    assert days.section("charge_state")["charging_schedule_override"] is False
    days.until("23:00")
    assert days.state == "Stopped"


@pytest.mark.parametrize(
    ("readings", "state"), [((), "Charging"), ((OtherReading.STOP_OUTLASTS_STARTS,), "Stopped")]
)
def test_a_scheduled_start_makes_a_car_charge_that_was_stopped_by_command(
    readings: tuple[OtherReading, ...], state: str
) -> None:
    days = plugged(*readings)
    days.add("22:00", "23:00", days_of_week="mon")
    days.until("22:15")
    days.send("charge_stop")
    days.add("22:30", "23:00", days_of_week="mon", id=8)
    days.until("22:30")
    assert days.state == state


def test_a_car_that_a_schedule_blocks_says_that_it_does_not_charge() -> None:
    days = plugged()
    days.add("22:00")
    told = days.section("charge_state")
    assert (told["charging_state"], told["charge_enable_request"]) == ("Stopped", False)
    assert told["user_charge_enable_request"] is None
    assert days.send("charge_stop").reason == "not_charging"


def test_a_new_cable_ends_an_override() -> None:
    days = plugged()
    days.add("22:00")
    days.send("charge_start")
    days.car.unplug()
    days.car.plug_in()
    assert days.state == "Stopped"


# -- the limit ---------------------------------------------------------------------------------------------


def test_the_limit_ends_a_window_before_its_end() -> None:
    days = plugged(battery_level=75.0, battery_kwh=60.0)
    days.add("22:00", "06:00")
    days.until("06:30")
    assert days.state == "Complete"
    assert days.car.snapshot().battery_level == pytest.approx(80)
    assert days.drawn(f"{MONDAY} 22:00", f"{TUESDAY} 06:30") == round(3.0 / 0.92 / 11.04, 2)


@pytest.mark.parametrize(
    ("readings", "state"), [((), "Charging"), ((OtherReading.STAYS_COMPLETE,), "Complete")]
)
def test_a_raised_limit_goes_on_within_the_window(
    readings: tuple[OtherReading, ...], state: str
) -> None:
    days = plugged(*readings, battery_level=79.0, battery_kwh=60.0)
    days.add("22:00", "06:00")
    days.until("01:00")
    assert days.state == "Complete"
    days.send("set_charge_limit", percent=90)
    assert days.state == state


def test_a_raised_limit_starts_nothing_after_the_window() -> None:
    days = plugged(battery_level=79.0, battery_kwh=60.0)
    days.add("22:00", "06:00")
    days.until("07:00")
    assert days.state == "Complete"
    days.send("set_charge_limit", percent=90)
    assert days.state == "Stopped"


@pytest.mark.parametrize(("level", "charges"), [(78.6, False), (78.4, True)])
def test_a_car_near_its_limit_begins_nothing(level: float, charges: bool) -> None:
    days = plugged(Quirk.RESTS_NEAR_LIMIT, battery_level=level, battery_kwh=60.0)
    assert days.state == ("Charging" if charges else "Complete")
    assert days.send("charge_start").reason == ("is_charging" if charges else "complete")
    days.hours(3)
    assert days.state == "Complete"
    assert days.car.snapshot().battery_level == pytest.approx(80 if charges else level)
    days.send("set_charge_limit", percent=90)
    assert days.state == "Charging"


def test_a_start_finds_a_full_car_and_does_nothing() -> None:
    days = plugged(battery_level=80.0)
    days.add("22:00", "06:00")
    days.until("23:00")
    assert (days.state, days.car.ac_kwh) == ("Complete", 0)


@pytest.mark.parametrize(
    "send",
    [
        lambda days: days.send("charge_start"),
        lambda days: days.car.in_app("charge_start"),
    ],
    ids=["command", "app"],
)
def test_the_app_and_a_command_do_the_same(send: Callable[[Days], object]) -> None:
    days = plugged()
    days.add("22:00")
    send(days)
    assert days.section("charge_state")["charging_schedule_override"] is True
