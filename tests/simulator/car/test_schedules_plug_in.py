"""What schedules make of a cable that is plugged in late or early, and of times that are over when they are sent."""

from typing import Any

import pytest

from simulator import OtherReading

from .days import MONDAY, Days

TUESDAY = "2027-01-12"


def test_charging_begins_at_plug_in_unless_a_schedule_forbids_it() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.car.plug_in()
    assert days.state == "Charging"
    days.car.unplug()
    days.add("22:00")
    days.car.plug_in()
    assert days.state == "Stopped"
    days.until("22:00")
    assert days.state == "Charging"


@pytest.mark.parametrize(
    ("after", "readings", "charges"),
    [
        (1.0, (), True),
        (4.0, (), True),
        (5.5, (), False),
        (7.0, (), False),
        (4.0, (OtherReading.PLUG_IN_WITHIN_SIX_HOURS,), True),
        (5.5, (OtherReading.PLUG_IN_WITHIN_SIX_HOURS,), True),
        (7.0, (OtherReading.PLUG_IN_WITHIN_SIX_HOURS,), False),
    ],
)
@pytest.mark.parametrize("end", [None, "12:00"])
def test_a_late_plug_in_charges_within_hours_of_the_start_else_waits_for_the_next_day(
    after: float, readings: tuple[OtherReading, ...], charges: bool, end: str | None
) -> None:
    days = Days(f"{MONDAY} 22:00", *readings)
    days.add("22:00", end)
    days.hours(after)
    days.car.plug_in()
    assert days.state == ("Charging" if charges else "Stopped")
    if not charges:
        days.until(f"{TUESDAY} 21:59")
        assert days.state == "Stopped"
        days.until(f"{TUESDAY} 22:00")
        assert days.state == "Charging"


def test_a_late_plug_in_after_the_end_does_not_charge() -> None:
    days = Days(f"{MONDAY} 22:00")
    days.add("22:00", "23:00")
    days.until("23:30")
    days.car.plug_in()
    assert days.state == "Stopped"


def test_a_start_long_ago_no_longer_makes_a_stopped_car_charge_so_it_is_renewed() -> None:
    days = Days(f"{MONDAY} 12:00")
    days.car.plug_in()
    days.send("charge_stop")
    days.once("06:45")
    assert days.state == "Stopped"
    days.once("11:45")
    assert days.state == "Charging"


def test_a_car_that_charges_goes_on_when_its_start_is_long_ago() -> None:
    days = Days(f"{MONDAY} 21:00")
    days.add("22:00")
    days.car.plug_in()
    days.until(f"{TUESDAY} 05:00")
    assert days.state == "Charging"


@pytest.mark.parametrize(
    ("now", "start", "charges"),
    [("14:25", "14:15", True), ("14:11", "14:00", True), ("14:09", "14:00", False)],
)
def test_a_start_ten_minutes_back_starts_now(now: str, start: str, charges: bool) -> None:
    days = Days(f"{MONDAY} {now}")
    days.car.plug_in()
    days.send("charge_stop")
    days.once(start)
    assert days.state == ("Charging" if charges else "Stopped")


@pytest.mark.parametrize(
    ("now", "end", "stops"),
    [("14:25", "14:15", True), ("14:11", "14:00", True), ("14:09", "14:00", False)],
)
def test_an_end_without_a_start_ten_minutes_back_stops_now(now: str, end: str, stops: bool) -> None:
    days = Days(f"{MONDAY} {now}")
    days.car.plug_in()
    days.once(end=end)
    assert days.state == ("Stopped" if stops else "Charging")


def test_in_the_other_reading_what_is_just_over_acts_at_once() -> None:
    days = Days(f"{MONDAY} 14:05", OtherReading.EDIT_ACTS_AT_ONCE)
    days.car.plug_in()
    days.once(end="14:00")
    assert days.state == "Stopped"
    days.once("14:00")
    assert days.state == "Charging"


@pytest.mark.parametrize("after", [0.1, 4.0])
def test_an_end_without_a_start_keeps_a_car_from_charging_at_plug_in(after: float) -> None:
    days = Days(f"{MONDAY} 14:20")
    days.once(end="14:00")
    days.hours(after)
    days.car.plug_in()
    assert days.state == "Stopped"
    days.hours(3)
    assert days.state == "Stopped", "nothing but a plug-in or an edit looks again"


@pytest.mark.parametrize("readings", [(), (OtherReading.EDIT_ACTS_AT_ONCE,)])
def test_a_blocker_less_than_ten_minutes_back_does_not_keep_from_charging_at_plug_in(
    readings: tuple[OtherReading, ...],
) -> None:
    days = Days(f"{MONDAY} 14:05", *readings)
    days.once(end="14:00")
    days.car.plug_in()
    assert days.state == ("Stopped" if readings else "Charging")
    days.car.unplug()
    days.until("14:11")
    days.car.plug_in()
    assert days.state == "Stopped"


def test_an_end_that_came_while_the_car_had_it_counts_at_once_at_plug_in() -> None:
    days = Days(f"{MONDAY} 13:00")
    days.once(end="14:00")
    days.until("14:02")
    days.car.plug_in()
    assert days.state == "Stopped"


def test_a_start_less_than_ten_minutes_back_leaves_a_blocked_car_blocked() -> None:
    days = Days(f"{MONDAY} 18:20")
    days.once(end="18:00")
    days.car.plug_in()
    days.until("23:25")  # the blocker is over
    days.until(f"{TUESDAY} 01:05")
    assert days.state == "Stopped"
    days.once("01:00", "05:00", days_of_week="tue", id=8)
    assert days.state == "Stopped"
    days.once("00:45", "05:00", days_of_week="tue", id=8)
    assert days.state == "Charging"


@pytest.mark.parametrize(
    ("readings", "state"), [((), "Charging"), ((OtherReading.BLOCKER_HOLDS,), "Stopped")]
)
def test_a_blocker_counts_for_as_long_as_a_start(
    readings: tuple[OtherReading, ...], state: str
) -> None:
    days = Days(f"{MONDAY} 14:20", *readings)
    days.once(end="14:00")
    days.hours(30)
    days.car.plug_in()
    assert days.state == state
    days.send("remove_charge_schedule", id=7)
    assert days.state == "Charging"


def test_a_blocker_that_holds_does_so_until_a_start_comes() -> None:
    days = Days(f"{MONDAY} 14:20", OtherReading.BLOCKER_HOLDS)
    days.once(end="14:00")
    days.add("22:00", "22:30", days_of_week="mon", id=8)
    days.until(f"{TUESDAY} 12:00")
    days.car.plug_in()
    assert days.state == "Charging"


def test_a_daily_end_without_a_start_lets_charge_until_then() -> None:
    days = Days(f"{MONDAY} 22:00")
    days.add(end="06:00")
    days.car.plug_in()
    assert days.state == "Charging"
    days.until("06:00")
    assert days.state == "Stopped"


@pytest.mark.parametrize(
    ("start", "readings", "state"),
    [
        ("03:00", (), "Stopped"),  # in 17 hours
        ("03:15", (), "Charging"),
        ("04:45", (), "Charging"),
        ("05:15", (OtherReading.WAITS_FOR_ANY_START,), "Stopped"),
    ],
)
def test_a_first_start_far_away_does_not_keep_a_car_from_charging_at_plug_in(
    start: str, readings: tuple[OtherReading, ...], state: str
) -> None:
    days = Days(f"{MONDAY} 10:00", *readings)
    days.once(start, days_of_week="tue")
    days.car.plug_in()
    assert days.state == state


@pytest.mark.parametrize(
    ("start", "told", "state"),
    [
        ("04:00", {}, "Stopped"),  # it was due six hours ago, and waits for the next day
        ("04:00", {"days_of_week": "tue"}, "Charging"),
        ("04:00", {"one_time": True}, "Charging"),  # sent when it was over: its first start
    ],
)
def test_only_who_was_due_waits_for_a_start_more_than_17_hours_away(
    start: str, told: dict[str, Any], state: str
) -> None:
    days = Days(f"{MONDAY} 10:00")
    days.add(start, **told)
    days.car.plug_in()
    assert days.state == state


def test_with_a_blocker_it_does_not_charge_before_a_first_start_far_away() -> None:
    days = Days(f"{MONDAY} 10:00")
    days.once("05:15", days_of_week="tue")
    days.once(end="09:45", id=8)
    days.car.plug_in()
    assert days.state == "Stopped"
    days.until("05:15")
    assert days.state == "Charging"


def test_a_weekly_entry_leaves_the_other_days_alone() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00", "06:00", days_of_week="sat")
    days.car.plug_in()
    assert days.state == "Charging"


def test_a_fast_charger_knows_no_schedules() -> None:
    days = Days(f"{MONDAY} 18:00", battery_level=10.0)
    days.add("22:00", "18:30")
    days.car.plug_in_fast(kw=20.0)
    assert days.state == "Charging"
    days.until("18:30")
    assert days.state == "Charging"


def test_power_that_comes_back_finds_what_the_schedules_said_last() -> None:
    days = Days(f"{MONDAY} 21:00")
    days.add("22:00", "23:00")
    days.car.plug_in()
    days.car.set_power(False)
    days.until("22:30")
    assert days.state == "NoPower"
    days.car.set_power(True)
    assert days.state == "Charging"
    days.car.set_power(False)
    days.until("23:30")
    days.car.set_power(True)
    assert days.state == "Stopped"
