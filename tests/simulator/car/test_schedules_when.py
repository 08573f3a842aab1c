"""When a charge schedule acts: days, minutes, quarters of an hour, and the nights in which the clocks change."""

from typing import Any

import pytest

from simulator import OtherReading

from .days import MONDAY, Days, minutes

SPRING, AUTUMN = "2027-03-28", "2027-10-31"  # in Amsterdam: 02:00 is 03:00, and 03:00 is 02:00


def plugged(at: str, *readings: OtherReading, **settings: Any) -> Days:
    days = Days(at, *readings, **settings)
    days.car.plug_in()
    days.send("charge_stop")
    return days


def test_a_daily_entry_charges_from_its_start_to_its_end() -> None:
    days = plugged(f"{MONDAY} 18:00")
    assert days.add("22:00", "23:30").result
    days.until("2027-01-14 12:00")
    for day in ("2027-01-11", "2027-01-12", "2027-01-13"):
        assert days.drawn(f"{day} 22:00", f"{day} 23:30") == 1.5
        assert days.drawn(f"{day} 00:00", f"{day} 21:59") == 0
        assert days.drawn(f"{day} 23:31", f"{day} 23:59") == 0


@pytest.mark.parametrize(
    ("mask", "day"),
    [
        (1, "2027-01-17"),
        (2, "2027-01-11"),
        (4, "2027-01-12"),
        (8, "2027-01-13"),
        (16, "2027-01-14"),
        (32, "2027-01-15"),
        (64, "2027-01-16"),
    ],
)
def test_the_mask_of_days_begins_with_sunday(mask: int, day: str) -> None:
    names = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
    days = plugged(f"{MONDAY} 12:00")
    days.add("22:00", "23:00", days_of_week=names[mask.bit_length() - 1])
    assert days.entries[0]["days_of_week"] == mask
    days.until("2027-01-18 12:00")
    assert days.drawn(f"{day} 22:00", f"{day} 23:00") == 1
    assert days.drawn(f"{MONDAY} 12:00", "2027-01-18 12:00") == 1


def test_an_end_before_the_start_is_on_the_next_day() -> None:
    days = plugged(f"{MONDAY} 18:00")
    days.add("23:00", "01:30", days_of_week="mon")
    days.until("2027-01-13 18:00")
    assert days.drawn(f"{MONDAY} 23:00", "2027-01-12 01:30") == 2.5
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-13 18:00") == 2.5


@pytest.mark.parametrize(
    ("readings", "begin", "end"),
    [((), "22:00", "23:15"), ((OtherReading.TO_THE_MINUTE,), "22:14", "23:01")],
)
def test_a_start_is_rounded_down_and_an_end_up_to_a_quarter_of_an_hour(
    readings: tuple[OtherReading, ...], begin: str, end: str
) -> None:
    days = plugged(f"{MONDAY} 18:00", *readings)
    days.add("22:14", "23:01")
    assert (days.entries[0]["start_time"], days.entries[0]["end_time"]) == (
        22 * 60 + 14,
        23 * 60 + 1,
    )
    days.until("23:30")
    whole = round((minutes(end) - minutes(begin)) / 60, 2)
    assert days.drawn(f"{MONDAY} 18:00", f"{MONDAY} 23:30") == whole
    assert days.drawn(f"{MONDAY} {begin}", f"{MONDAY} {end}") == whole


def test_an_end_in_the_last_quarter_of_the_day_is_midnight() -> None:
    days = plugged(f"{MONDAY} 18:00")
    days.add("22:00", "23:50", days_of_week="mon")
    days.until("2027-01-12 12:00")
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-12 12:00") == 2


def test_only_a_flag_makes_a_time_count() -> None:
    days = plugged(f"{MONDAY} 18:00")
    days.add("22:00", end_time=23 * 60)
    days.until("2027-01-12 00:30")
    assert days.drawn(f"{MONDAY} 22:00", "2027-01-12 00:30") == 2.5


def test_a_disabled_entry_does_nothing() -> None:
    days = plugged(f"{MONDAY} 18:00")
    days.add("22:00", "23:00", enabled=False)
    days.until("2027-01-12 12:00")
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-12 12:00") == 0
    days.car.unplug()
    days.car.plug_in()
    assert days.state == "Charging"


def test_times_are_those_of_the_place_where_the_car_is() -> None:
    days = plugged(f"{MONDAY} 18:00")
    days.add("22:00", "23:00")
    days.car.time_zone = "Europe/Lisbon"
    days.until("2027-01-12 12:00")
    assert days.drawn(f"{MONDAY} 23:00", "2027-01-12 00:00") == 1
    assert days.drawn(f"{MONDAY} 18:00", f"{MONDAY} 23:00") == 0


def test_a_car_without_a_time_zone_has_an_offset() -> None:
    days = Days(f"{MONDAY} 18:00", time_zone=None, utc_offset=2 * 3600)
    days.car.plug_in()
    days.add("22:00", "23:00")
    days.until("2027-01-12 12:00")
    assert days.drawn(f"{MONDAY} 21:00", f"{MONDAY} 22:00") == 1
    assert days.section("vehicle_config")["utc_offset"] == 7200


@pytest.mark.parametrize(
    ("readings", "begin", "hours"),
    [
        ((), "02:30", 0.0),
        ((OtherReading.SKIPPED_HOUR_ACTS_LATER,), "03:30", 1.5),
        ((OtherReading.MINUTES_SINCE_MIDNIGHT,), "03:30", 2.5),
    ],
)
def test_a_start_in_the_hour_that_is_skipped(
    readings: tuple[OtherReading, ...], begin: str, hours: float
) -> None:
    days = plugged(f"{SPRING} 00:00", *readings)
    days.add("02:30", "05:00")
    days.until(f"{SPRING} 12:00")
    assert days.drawn(f"{SPRING} 00:00", f"{SPRING} 12:00") == hours
    if hours:
        assert days.drawn(f"{SPRING} 00:00", f"{SPRING} {begin}") == 0
    days.until("2027-03-29 12:00")
    assert days.drawn(f"{SPRING} 12:00", "2027-03-29 12:00") == 2.5


@pytest.mark.parametrize(
    ("readings", "hours"),
    [
        ((), 1.5),
        ((OtherReading.REPEATED_HOUR_ACTS_SECOND,), 0.5),
        ((OtherReading.MINUTES_SINCE_MIDNIGHT,), 0.5),
    ],
)
def test_a_start_in_the_hour_that_comes_twice(
    readings: tuple[OtherReading, ...], hours: float
) -> None:
    days = plugged(f"{AUTUMN} 00:00", *readings)
    days.add("02:30", "03:00")
    days.until(f"{AUTUMN} 12:00")
    assert days.drawn(f"{AUTUMN} 00:00", f"{AUTUMN} 12:00") == hours


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 5), (AUTUMN, 7)])
def test_a_window_over_a_change_of_clocks_is_an_hour_shorter_or_longer(
    day: str, hours: float
) -> None:
    days = plugged(f"{day} 00:00")
    days.add("00:30", "06:30")
    days.until(f"{day} 12:00")
    assert days.drawn(f"{day} 00:00", f"{day} 12:00") == hours


def test_a_late_plug_in_waits_for_the_next_day_also_when_that_day_has_25_hours() -> None:
    days = Days("2027-10-30 16:00")
    days.add("16:45")
    days.until("22:00")
    days.car.plug_in()
    assert days.state == "Stopped"
