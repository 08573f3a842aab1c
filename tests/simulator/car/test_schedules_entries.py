"""What a car keeps of the entries that it is sent, where they act, and what is left of them."""

from collections.abc import Callable
import struct
from typing import Any

import pytest
from tesla_protocol.command.car_server_pb2 import Action

from simulator import OtherReading, Quirk
from simulator.car import Car, CommandReply, UnsupportedCommand

from ..by_hand import ask, outcome, paired
from .days import ELSEWHERE, HOME, MONDAY, Days

METRE = 1 / 111_195
"""In degrees of latitude."""


def plugged(*readings: OtherReading, at: str = f"{MONDAY} 18:00", **settings: Any) -> Days:
    """A car that a person has stopped."""
    days = Days(at, *readings, **settings)
    days.car.plug_in()
    days.send("charge_stop")
    return days


# -- the location ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metres", "readings", "hours"),
    [
        (0, (), 1),
        (90, (), 1),
        (120, (), 0),
        (900, (OtherReading.REACHES_FURTHER,), 1),
        (1100, (OtherReading.REACHES_FURTHER,), 0),
    ],
)
def test_an_entry_acts_only_near_its_location_and_elsewhere_silently_does_nothing(
    metres: int, readings: tuple[OtherReading, ...], hours: float
) -> None:
    days = plugged(*readings)
    assert days.add("22:00", "23:00", lat=HOME[0] + metres * METRE) == CommandReply(True, "")
    assert days.section("charge_schedule_data")["next_schedule"] is (hours == 1)
    days.until("2027-01-12 12:00")
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-12 12:00") == hours


LAT, LON = 52.374031234, 4.889693456


def by_rest() -> Car:
    days = Days(f"{MONDAY} 18:00")
    assert days.add("22:00", lat=LAT, lon=LON).result
    return days.car


def by_signed_command() -> Car:
    car, signer = paired()
    action = Action()
    told = action.vehicleAction.addChargeScheduleAction
    told.id, told.days_of_week, told.enabled = 7, 127, True
    told.start_enabled, told.start_time = True, 22 * 60
    told.latitude, told.longitude = LAT, LON
    assert outcome(ask(car, signer.command(action.SerializeToString()))) == (True, "")
    return car


@pytest.mark.parametrize("send", [by_rest, by_signed_command])
def test_coordinates_are_32_bit_floats_and_come_back_rounded(send: Callable[[], Car]) -> None:
    car = send()

    def reported() -> tuple[float, float]:
        data = car.vehicle_data(frozenset({"charge_schedule_data"}))["charge_schedule_data"]
        entries: Any = data["charge_schedules"]
        return entries[0]["latitude"], entries[0]["longitude"]

    assert reported() == (52.3740, 4.8897)
    car.quirks.add(OtherReading.EXACT_COORDINATES)
    (kept,) = struct.unpack("<f", struct.pack("<f", LAT))
    assert reported()[0] == kept != LAT
    assert reported() == pytest.approx((LAT, LON), abs=5e-6)


def test_the_same_id_replaces_times_but_the_location_stays() -> None:
    days = plugged()
    days.add("22:00", "23:00", name="Night", one_time=True)
    days.add("21:00", "21:30", lat=ELSEWHERE[0], lon=ELSEWHERE[1])
    (entry,) = days.entries
    assert (entry["start_time"], entry["end_time"]) == (21 * 60, 21 * 60 + 30)
    assert (entry["name"], entry["one_time"]) == ("", False)
    assert (entry["latitude"], entry["longitude"]) == tuple(round(one, 4) for one in HOME)
    days.until("2027-01-12 12:00")
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-12 12:00") == 0.5


@pytest.mark.parametrize("remove", [True, False])
def test_an_entry_moves_when_it_is_removed_first(remove: bool) -> None:
    days = Days(f"{MONDAY} 18:00", *(() if remove else (OtherReading.OVERWRITING_MOVES,)))
    days.add("22:00")
    if remove:
        assert days.send("remove_charge_schedule", id=7).result
    days.add("22:00", lat=ELSEWHERE[0], lon=ELSEWHERE[1])
    assert days.entries[0]["latitude"] == round(ELSEWHERE[0], 4)


def test_an_entry_that_is_sent_again_is_the_last_of_the_list() -> None:
    days = Days(f"{MONDAY} 18:00")
    for number in (1, 2, 1):
        days.add("22:00", id=number)
    assert [entry["id"] for entry in days.entries] == [2, 1]


# -- how many, whose ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["charge", "precondition"])
def test_a_full_car_refuses_one_entry_more_and_tells_how_many_it_takes(kind: str) -> None:
    days = Days(f"{MONDAY} 18:00", max_schedules=3)
    section = "charge_schedule_data" if kind == "charge" else "preconditioning_schedule_data"
    assert days.section(section)[f"max_num_{kind}_schedules"] == 3
    add: Callable[..., CommandReply] = days.add if kind == "charge" else days.condition
    assert all(add("22:00", id=number).result for number in (1, 2, 3))
    assert add("22:00", id=4) == CommandReply(False, "max_schedules_reached")
    assert add("21:00", id=3).result, "replacing one is no entry more"
    assert days.send(f"remove_{kind}_schedule", id=1).result
    assert add("22:00", id=4).result
    assert [one["id"] for one in days.section(section)[f"{kind}_schedules"]] == [2, 3, 4]


def test_a_number_in_use_counts_also_when_it_is_spent() -> None:
    days = plugged(max_schedules=1)
    days.once("22:00", "23:00")
    days.until("2027-01-12 12:00")
    assert not days.add("22:00", id=8).result


def test_entries_of_the_owner_stay_as_they_are_act_and_count() -> None:
    days = plugged(max_schedules=2)
    body = {"days_of_week": "All", "enabled": True, "start_enabled": True, "start_time": 22 * 60}
    place = {"lat": HOME[0], "lon": HOME[1]}
    told = body | {"end_enabled": True, "end_time": 22 * 60 + 30} | place
    assert days.car.in_app("add_charge_schedule", id=1, name="Owner's", **told).result
    assert [command.name for command in days.car.commands] == ["charge_stop"]
    days.add("01:00", "02:00")
    assert not days.add("03:00", id=8).result
    days.send("remove_charge_schedule", id=7)
    assert [entry["name"] for entry in days.entries] == ["Owner's"]
    days.until("23:00")
    assert days.drawn(f"{MONDAY} 18:00", f"{MONDAY} 23:00") == 0.5


def test_the_owner_removes_one_of_ours_in_the_app() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00")
    days.car.plug_in()
    days.car.sleep()
    assert days.car.in_app("remove_charge_schedule", id=7).result
    assert (days.entries, days.state, days.car.state) == ([], "Charging", "online")


def test_one_id_is_removed_at_a_time_and_an_unknown_one_is_not_found() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00", id=1)
    days.add("23:00", id=2)
    assert days.send("remove_charge_schedule", id=1).result
    assert days.send("remove_charge_schedule", id=1) == CommandReply(False, "not_found")
    assert [entry["id"] for entry in days.entries] == [2]


@pytest.mark.parametrize(("place", "left"), [("home", [2]), ("other", [1]), ("work", [1, 2])])
def test_a_batch_removal_takes_every_entry_of_a_place_the_owners_too(
    place: str, left: list[int]
) -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00", id=1)
    days.add("22:00", id=2, lat=ELSEWHERE[0], lon=ELSEWHERE[1])
    days.car.plug_in()
    assert days.state == "Stopped"
    assert days.send("batch_remove_charge_schedules", **{place: True}).result
    assert [entry["id"] for entry in days.entries] == left
    assert days.state == ("Charging" if place == "home" else "Stopped")


@pytest.mark.parametrize(("place", "left"), [("home", [2]), ("other", [1]), ("work", [1, 2])])
def test_a_batch_removal_of_preconditioning_takes_every_entry_of_a_place(
    place: str, left: list[int]
) -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00", id=1)
    days.condition("07:30", id=1)
    days.condition("07:30", id=2, lat=ELSEWHERE[0], lon=ELSEWHERE[1])
    assert days.send("batch_remove_precondition_schedules", **{place: True}).result
    kept = days.section("preconditioning_schedule_data")["precondition_schedules"]
    assert [one["id"] for one in kept] == left
    assert [entry["id"] for entry in days.entries] == [1], "charge entries are others"


def test_a_preconditioning_entry_too_moves_only_when_it_is_removed_first() -> None:
    days = Days(f"{MONDAY} 18:00")
    for remove in (False, True):
        days.condition("07:30")
        if remove:
            assert days.send("remove_precondition_schedule", id=9).result
        days.condition("08:30", lat=ELSEWHERE[0], lon=ELSEWHERE[1])
        (kept,) = days.section("preconditioning_schedule_data")["precondition_schedules"]
        place = ELSEWHERE if remove else HOME
        assert (kept["precondition_time"], kept["latitude"]) == (510, round(place[0], 4))


def test_an_old_command_adds_no_entry_to_a_full_car() -> None:
    days = Days(f"{MONDAY} 18:00", max_schedules=1)
    days.add("22:00")
    assert not days.send("set_scheduled_charging", enable=True, time=60).result
    days.condition("07:30")
    told = {"departure_time": 450, "preconditioning_enabled": True, "end_off_peak_time": 0}
    assert not days.send("set_scheduled_departure", enable=True, **told).result
    assert [entry["id"] for entry in days.entries] == [7]
    kept = days.section("preconditioning_schedule_data")["precondition_schedules"]
    assert [one["id"] for one in kept] == [9]
    assert days.section("charge_state")["scheduled_charging_mode"] == "Off"


def test_any_id_will_do_and_one_that_is_left_out_is_the_present_second() -> None:
    days = Days(f"{MONDAY} 18:00")
    assert days.add("22:00", id=2**64 - 1).result
    assert days.add("22:00", id=0) == CommandReply(False, "invalid_value")
    assert days.send("add_charge_schedule", **_unnamed()).result
    assert days.send("add_charge_schedule", **_unnamed()).result
    numbers = [entry["id"] for entry in days.entries]
    assert len(numbers) == 2, "two within one second are one"
    assert numbers[1] == pytest.approx(days.clock.now(), abs=5)


def _unnamed() -> dict[str, object]:
    return {
        "days_of_week": "All",
        "enabled": True,
        "start_enabled": True,
        "start_time": 60,
        "end_enabled": False,
        "lat": HOME[0],
        "lon": HOME[1],
    }


def test_an_entry_without_start_and_end_is_refused() -> None:
    days = Days(f"{MONDAY} 18:00")
    assert days.add() == CommandReply(False, "invalid_value")
    assert days.entries == []


# -- one-time entries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("vanishes", [False, True])
def test_a_one_time_entry_acts_once_and_stays_disabled_or_deletes_itself(vanishes: bool) -> None:
    days = plugged(*((OtherReading.ONE_TIME_VANISHES,) if vanishes else ()))
    days.once("22:00", "23:00")
    days.until("22:30")
    assert [entry["enabled"] for entry in days.entries] == [True]
    days.until("23:00")
    assert [entry["enabled"] for entry in days.entries] == ([] if vanishes else [False])
    days.until("2027-01-20 12:00")
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-20 12:00") == 1


def test_a_one_time_start_without_an_end_is_over_when_it_does_not_count_any_more() -> None:
    days = plugged()
    days.once("22:00")
    days.until("2027-01-12 02:59")
    assert [entry["enabled"] for entry in days.entries] == [True]
    days.until("2027-01-12 03:00")
    assert [entry["enabled"] for entry in days.entries] == [False]
    assert days.state == "Charging"


def test_a_one_time_entry_takes_the_next_of_its_days() -> None:
    days = plugged(at=f"{MONDAY} 23:30")
    days.once("22:00", "23:00", days_of_week="mon,thu")
    days.until("2027-01-25 12:00")
    assert days.drawn("2027-01-14 22:00", "2027-01-14 23:00") == 1
    assert days.drawn(f"{MONDAY} 23:30", "2027-01-25 12:00") == 1


@pytest.mark.parametrize(
    ("readings", "hours"), [((), 1), ((OtherReading.ONE_TIME_PASSES_UNUSED,), 0)]
)
def test_a_one_time_entry_that_was_not_used_waits_for_its_next_day(
    readings: tuple[OtherReading, ...], hours: float
) -> None:
    days = Days(f"{MONDAY} 18:00", *readings)
    days.once("22:00", "23:00")
    days.until("2027-01-12 12:00")
    assert [entry["enabled"] for entry in days.entries] == [hours == 1]
    days.car.plug_in()
    days.send("charge_stop")
    days.until("2027-01-13 12:00")
    assert days.drawn("2027-01-12 12:00", "2027-01-13 12:00") == hours


def test_a_one_time_entry_that_was_used_by_a_late_plug_in_is_over_at_its_end() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.once("22:00", "01:00")
    days.until("23:00")
    days.car.plug_in()
    days.until("2027-01-14 12:00")
    assert days.drawn(f"{MONDAY} 18:00", "2027-01-14 12:00") == 2
    assert [entry["enabled"] for entry in days.entries] == [False]


def test_a_blocker_is_over_when_it_does_not_count_any_more() -> None:
    days = Days(f"{MONDAY} 18:30")
    days.car.plug_in()
    days.once(end="18:15")
    days.hours(4)
    assert [entry["enabled"] for entry in days.entries] == [True]
    days.hours(1)
    assert [entry["enabled"] for entry in days.entries] == [False]


# -- firmware ----------------------------------------------------------------------------------------------


def test_firmware_without_schedules_refuses_them_and_tells_nothing_of_them() -> None:
    days = Days(f"{MONDAY} 18:00", firmware="2024.20.9")
    with pytest.raises(UnsupportedCommand):
        days.add("22:00")
    names = frozenset({"charge_schedule_data", "preconditioning_schedule_data"})
    assert days.car.vehicle_data(names) == {}
    signed, signer = paired(firmware="2024.20.9")
    add = "121c8a06190801187f20012878300138e802480155000052425d00005441"
    assert outcome(ask(signed, signer.command(bytes.fromhex(add)))) == (False, "not_supported")


@pytest.mark.parametrize(("after", "state"), [(5.5, "Charging"), (6.5, "Stopped")])
def test_classic_scheduled_charging_starts_daily_where_it_was_set_within_six_hours(
    after: float, state: str
) -> None:
    days = Days(f"{MONDAY} 18:00", firmware="2024.20.9")
    days.car.plug_in()
    assert days.send("set_scheduled_charging", enable=True, time=22 * 60 + 7).result
    assert days.state == "Stopped"
    assert days.section("charge_state")["scheduled_charging_pending"] is True
    days.until("23:00")
    assert days.drawn(f"{MONDAY} 18:00", f"{MONDAY} 23:00") == round(53 / 60, 2)
    days.car.unplug()
    days.until("2027-01-12 22:07")
    days.hours(after)
    days.car.plug_in()
    assert days.state == state
    assert days.send("set_scheduled_charging", enable=False, time=0).result
    assert days.state == "Charging"


def test_on_newer_firmware_every_old_command_adds_one_entry_more_that_acts() -> None:
    days = plugged()
    for at in (22 * 60, 23 * 60):
        days.send("set_scheduled_charging", enable=True, time=at)
        days.hours(0.01)
    assert [entry["start_time"] for entry in days.entries] == [22 * 60, 23 * 60]
    days.until("22:30")
    assert days.drawn(f"{MONDAY} 22:00", f"{MONDAY} 22:30") == 0.5


def test_in_the_other_reading_old_commands_are_accepted_without_effect() -> None:
    days = Days(f"{MONDAY} 18:00", OtherReading.OLD_COMMANDS_DO_NOTHING)
    days.car.plug_in()
    assert days.send("set_scheduled_charging", enable=True, time=22 * 60).result
    departure = {"departure_time": 450, "preconditioning_enabled": True, "end_off_peak_time": 0}
    assert days.send("set_scheduled_departure", enable=True, **departure).result
    assert days.entries == []
    assert days.section("preconditioning_schedule_data")["precondition_schedules"] == []
    assert days.state == "Charging"


def test_new_entries_do_not_show_in_the_old_fields() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00")
    days.car.plug_in()
    told = days.section("charge_state")
    assert (told["charging_state"], told["scheduled_charging_mode"]) == ("Stopped", "Off")
    assert (told["scheduled_charging_pending"], told["scheduled_charging_start_time"]) == (
        False,
        None,
    )


# -- what is read back -------------------------------------------------------------------------------------


def test_what_is_read_back_has_teslas_fields() -> None:
    days = Days(f"{MONDAY} 18:00")
    days.add("22:00", "06:00", name="Night")
    days.condition("07:30")
    charge = days.section("charge_schedule_data")
    assert charge.keys() == {
        "charge_buffer",
        "charge_schedule_window",
        "charge_schedules",
        "max_num_charge_schedules",
        "next_schedule",
        "show_schedule_complete_state",
        "timestamp",
    }
    precondition = days.section("preconditioning_schedule_data")
    assert precondition.keys() == {
        "max_num_precondition_schedules",
        "next_schedule",
        "precondition_schedules",
        "preconditioning_schedule_window",
        "timestamp",
    }
    assert days.entries[0].keys() == {
        "id",
        "name",
        "days_of_week",
        "start_enabled",
        "start_time",
        "end_enabled",
        "end_time",
        "one_time",
        "enabled",
        "latitude",
        "longitude",
    }
    assert precondition["precondition_schedules"][0]["precondition_time"] == 450


def test_what_is_read_back_lags_behind_a_change() -> None:
    days = Days(f"{MONDAY} 18:00", Quirk.READ_BACK_LAGS)
    days.add("22:00")
    days.condition("07:30")
    assert days.entries == []
    assert days.section("preconditioning_schedule_data")["precondition_schedules"] == []
    days.clock.advance(51)
    assert [entry["id"] for entry in days.entries] == [7]
    days.add("23:00")
    days.send("remove_precondition_schedule", id=9)
    assert [entry["start_time"] for entry in days.entries] == [22 * 60]
    kept = days.section("preconditioning_schedule_data")["precondition_schedules"]
    assert [one["id"] for one in kept] == [9]
    days.clock.advance(51)
    assert [entry["start_time"] for entry in days.entries] == [23 * 60]
    days.car.quirks.remove(Quirk.READ_BACK_LAGS)
    days.send("remove_charge_schedule", id=7)
    assert days.entries == []


def test_an_entry_is_told_alike_whether_it_was_sent_by_rest_or_signed() -> None:
    told = [
        car.vehicle_data(frozenset({"charge_schedule_data"}))["charge_schedule_data"]
        for car in (by_rest(), by_signed_command())
    ]
    assert told[0]["charge_schedules"] == told[1]["charge_schedules"]


def test_next_schedule_says_whether_an_entry_acts_where_the_car_is() -> None:
    days = Days(f"{MONDAY} 18:00")
    assert days.section("charge_schedule_data")["next_schedule"] is False
    days.add("22:00")
    days.condition("07:30")
    assert days.section("charge_schedule_data")["next_schedule"] is True
    assert days.section("preconditioning_schedule_data")["next_schedule"] is True
    days.car.drive_away(*ELSEWHERE)
    days.hours(3)
    assert days.section("charge_schedule_data")["next_schedule"] is False
    assert days.section("preconditioning_schedule_data")["next_schedule"] is False
