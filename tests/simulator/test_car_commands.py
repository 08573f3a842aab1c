"""Each command in both of its forms, and Tesla's words for refusing it."""

from collections.abc import Mapping
from typing import Any

import pytest
from tesla_protocol.command.car_server_pb2 import Action

from simulator.car import Car, CommandReply, InvalidBody, UnknownCommand, UnsupportedCommand

from .by_hand import INFOTAINMENT, ask, make_car, outcome, paired

# The hex is the complete serialised CarServer.Action.
FORMS: list[tuple[str, dict[str, object], str]] = [
    ("charge_start", {}, "120432021200"),
    ("charge_stop", {}, "120432022a00"),
    ("charge_standard", {}, "120432021a00"),
    ("charge_max_range", {}, "120432022200"),
    ("set_charge_limit", {"percent": 80}, "12042a020850"),
    ("set_charging_amps", {"charging_amps": 16}, "1205da02020810"),
    ("charge_port_door_open", {}, "1203f20300"),
    ("charge_port_door_close", {}, "1203ea0300"),
    ("set_scheduled_charging", {"enable": True, "time": 120}, "1207ca020408011078"),
    (
        "set_scheduled_departure",
        {
            "enable": False,
            "departure_time": 450,
            "preconditioning_enabled": True,
            "preconditioning_weekdays_only": True,
            "off_peak_charging_enabled": True,
            "off_peak_charging_weekdays_only": False,
            "end_off_peak_time": 360,
        },
        "",
    ),
    ("remove_charge_schedule", {"id": 1}, "12059206020801"),
    ("remove_precondition_schedule", {"id": 1}, "1205a206020801"),
    ("batch_remove_charge_schedules", {"home": True}, "1205e206020801"),
    ("batch_remove_precondition_schedules", {"work": True}, "1205da06021001"),
    ("set_low_power_mode", {"enable": True}, "12059208020801"),
    ("keep_accessory_power_mode", {"enable": True}, "1205d208020801"),
]
DEPARTURE = "1213d20210080110c2031a02120022020a0028e802"
ADD_CHARGE = "121c8a06190801187f20012878300138e802480155000052425d00005441"
ADD_PRECONDITION = "12169a06130801183e20c20330013d000052424500005441"


def both(name: str, body: Mapping[str, object], action: str) -> CommandReply:
    """Send a command both ways to two like cars, which must react alike."""
    rest_car, _ = make_car(protocol="not_supported")
    by_rest = rest_car.rest_command(name, body)
    if action:
        signed_car, signer = paired()
        assert outcome(ask(signed_car, signer.command(bytes.fromhex(action)))) == (
            by_rest.result,
            by_rest.reason,
        )
        assert signed_car.commands[-1].name == rest_car.commands[-1].name == name
        told, understood = rest_car.commands[-1].params, signed_car.commands[-1].params
        assert {key: understood[key] for key in told} == dict(told)
    return by_rest


@pytest.mark.parametrize(("name", "body", "action"), FORMS, ids=[form[0] for form in FORMS])
def test_the_signed_and_the_rest_form_mean_the_same(
    name: str, body: dict[str, object], action: str
) -> None:
    both(name, body, action)


def test_reasons_around_the_cable() -> None:
    car, _ = make_car(protocol="not_supported")
    assert car.rest_command("charge_start", {}).reason == "disconnected"
    assert car.rest_command("charge_stop", {}).reason == "disconnected"
    car.plug_in(powered=False)
    assert car.rest_command("charge_start", {}).reason == "no_power"
    car.set_power(True)
    assert car.rest_command("charge_start", {}) == CommandReply(result=False, reason="is_charging")
    assert car.rest_command("charge_stop", {}) == CommandReply(result=True, reason="")
    assert car.rest_command("charge_stop", {}).reason == "not_charging"
    assert car.rest_command("charge_start", {}).result
    car.set_battery_level(80)
    assert car.rest_command("charge_start", {}).reason == "complete"


def test_reasons_around_the_limit() -> None:
    car, _ = make_car(protocol="not_supported", charge_limit=70)
    assert car.rest_command("set_charge_limit", {"percent": 70}).reason == "already_set"
    assert car.rest_command("charge_standard", {}).result
    assert car.rest_command("charge_standard", {}).reason == "already_standard"
    assert car.rest_command("charge_max_range", {}).result
    assert car.rest_command("charge_max_range", {}).reason == "already_max_range"


@pytest.mark.parametrize(("asked", "kept"), [(20, 50), (120, 100), (50, 50), (100, 100), (-5, 50)])
def test_a_limit_out_of_range_is_accepted_and_clamped(asked: int, kept: int) -> None:
    car, _ = make_car(protocol="not_supported", charge_limit=90)
    assert car.rest_command("set_charge_limit", {"percent": asked}).result
    assert car.snapshot().charge_limit == kept


def test_amps_stay_within_cable_and_car() -> None:
    car, _ = make_car(protocol="not_supported", max_amps=32)
    car.plug_in(max_amps=20, phases=1)
    for asked, kept in ((12, 12), (32, 20), (5, 5)):
        assert car.rest_command("set_charging_amps", {"charging_amps": asked}).result
        assert car.snapshot().charge_amps == kept
    assert not car.rest_command("set_charging_amps", {"charging_amps": -1}).result


def test_few_amps_need_to_be_asked_for_twice_and_are_forgotten_at_the_next_plug() -> None:
    car, _ = make_car(protocol="not_supported")
    car.plug_in()
    car.rest_command("set_charging_amps", {"charging_amps": 2})
    assert car.snapshot().charge_amps == 5
    car.rest_command("set_charging_amps", {"charging_amps": 2})
    assert car.snapshot().charge_amps == 2
    car.unplug()
    car.plug_in()
    assert car.snapshot().charge_amps == 5


def test_opening_the_port_unlocks_the_cable_and_ends_charging() -> None:
    car, _ = make_car(protocol="not_supported")
    car.plug_in()
    assert car.rest_command("charge_port_door_open", {}).result
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert (data["charge_port_latch"], data["charging_state"]) == ("Disengaged", "Stopped")
    assert car.rest_command("charge_port_door_close", {}).reason == "cable connected"
    car.rest_command("charge_start", {})
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert (data["charge_port_latch"], data["charging_state"]) == ("Engaged", "Charging")


def test_the_port_door_opens_and_closes_once() -> None:
    car, _ = make_car(protocol="not_supported")
    assert car.rest_command("charge_port_door_close", {}).reason == "already closed"
    assert car.rest_command("charge_port_door_open", {}).result
    assert car.snapshot().charge_port_door_open
    assert car.rest_command("charge_port_door_close", {}).result
    car.drive_away(52.5, 4.4)
    assert car.rest_command("charge_port_door_open", {}).reason == "not allowed"


def test_the_single_schedules_show_in_charge_state() -> None:
    car, signer = paired()
    assert outcome(ask(car, signer.command(bytes.fromhex("1207ca020408011078")))) == (True, "")
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["scheduled_charging_mode"] == "StartAt"
    assert data["scheduled_charging_start_time_app"] == 120
    assert outcome(ask(car, signer.command(bytes.fromhex(DEPARTURE)))) == (True, "")
    data = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert data["scheduled_charging_mode"] == "DepartBy"
    assert data["scheduled_departure_time_minutes"] == 450
    assert data["off_peak_hours_end_time"] == 360
    assert outcome(ask(car, signer.command(bytes.fromhex("1203d20200")))) == (True, "")
    off = car.vehicle_data(frozenset({"charge_state"}))["charge_state"]
    assert off["scheduled_charging_mode"] == "Off"
    assert not off["preconditioning_enabled"]
    assert not off["off_peak_charging_enabled"]
    for kept in ("scheduled_departure_time_minutes", "off_peak_hours_end_time"):
        assert off[kept] == data[kept]
    assert data["preconditioning_times"] == "weekdays"
    assert data["off_peak_hours_end_time"] == 360


def test_schedules_are_kept_by_id_and_removed() -> None:
    car, signer = paired()
    assert outcome(ask(car, signer.command(bytes.fromhex(ADD_CHARGE)))) == (True, "")
    assert outcome(ask(car, signer.command(bytes.fromhex(ADD_CHARGE)))) == (True, "")
    assert outcome(ask(car, signer.command(bytes.fromhex(ADD_PRECONDITION)))) == (True, "")
    names = frozenset({"charge_schedule_data", "preconditioning_schedule_data"})
    data = car.vehicle_data(names)
    assert data["charge_schedule_data"]["charge_schedules"] == [
        {
            "id": 1,
            "name": "",
            "days_of_week": 127,
            "start_enabled": True,
            "start_time": 120,
            "end_enabled": True,
            "end_time": 360,
            "one_time": False,
            "enabled": True,
            "latitude": 52.5,
            "longitude": 13.25,
        }
    ]
    stored = data["preconditioning_schedule_data"]["precondition_schedules"]
    assert isinstance(stored, list)
    assert (stored[0]["days_of_week"], stored[0]["precondition_time"]) == (62, 450)
    for action in ("12059206020801", "1205a206020801"):
        assert outcome(ask(car, signer.command(bytes.fromhex(action)))) == (True, "")
        assert outcome(ask(car, signer.command(bytes.fromhex(action)))) == (False, "not_found")


def ids(car: Car) -> tuple[list[int], list[int]]:
    data = car.vehicle_data(frozenset({"charge_schedule_data", "preconditioning_schedule_data"}))
    charge: Any = data["charge_schedule_data"]["charge_schedules"]
    precondition: Any = data["preconditioning_schedule_data"]["precondition_schedules"]
    return [one["id"] for one in charge], [one["id"] for one in precondition]


@pytest.mark.parametrize(
    ("place", "left"), [("home", [2, 3]), ("work", [1, 3]), ("other", [1, 2]), (None, [1, 2, 3])]
)
@pytest.mark.parametrize("kind", ["charge", "precondition"])
def test_schedules_are_removed_by_place(kind: str, place: str | None, left: list[int]) -> None:
    car, _ = make_car(protocol="not_supported")
    car.save_place("work", (52.3, 4.9))
    for number, (lat, lon) in enumerate(((52.0, 4.4), (52.3, 4.9), (48.1, 11.6)), 1):
        at = {"id": number, "lat": lat, "lon": lon}
        assert car.rest_command("add_charge_schedule", PLACED | at).result
        assert car.rest_command("add_precondition_schedule", TIMED | at).result
    name = f"batch_remove_{kind}_schedules"
    assert car.rest_command(name, {place: True} if place else {}) == CommandReply(True, "")
    everything = [1, 2, 3]
    assert ids(car) == ((left, everything) if kind == "charge" else (everything, left))


def test_the_windows_of_schedules_are_told_as_none() -> None:
    car, _ = make_car()
    data = car.vehicle_data(frozenset({"charge_schedule_data", "preconditioning_schedule_data"}))
    assert data["charge_schedule_data"]["charge_schedule_window"] is None
    assert data["preconditioning_schedule_data"]["preconditioning_schedule_window"] is None


def test_a_nearly_empty_car_insists_on_saving_power() -> None:
    car, _ = make_car(protocol="not_supported")
    assert car.rest_command("set_low_power_mode", {"enable": False}).result
    car.set_battery_level(10)
    reply = car.rest_command("set_low_power_mode", {"enable": False})
    assert reply == CommandReply(result=False, reason="low_power_mode_enforced")


PLACED: dict[str, object] = {
    "id": 5,
    "days_of_week": "All",
    "enabled": True,
    "start_enabled": True,
    "start_time": 60,
    "end_enabled": False,
    "lat": 52.0,
    "lon": 4.4,
}


TIMED: dict[str, object] = {
    "id": 5,
    "days_of_week": "All",
    "enabled": True,
    "precondition_time": 450,
    "lat": 52.0,
    "lon": 4.4,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 0},
        {"id": -1},
        {"id": 2**64},
        {"lat": 90.5},
        {"lon": -181},
        {"start_time": 1440},
        {"start_enabled": False},
    ],
    ids=str,
)
def test_schedules_that_cannot_be(wrong: dict[str, object]) -> None:
    car, _ = make_car(protocol="not_supported")
    reply = car.rest_command("add_charge_schedule", PLACED | wrong)
    assert reply == CommandReply(result=False, reason="invalid_value")
    assert car.rest_command("add_charge_schedule", PLACED).result


def test_a_signed_schedule_without_an_id_is_none() -> None:
    car, signer = paired()
    action = Action()
    told = action.vehicleAction.addChargeScheduleAction
    told.CopyFrom(
        Action.FromString(bytes.fromhex(ADD_CHARGE)).vehicleAction.addChargeScheduleAction
    )
    told.ClearField("id")
    reply = outcome(ask(car, signer.command(action.SerializeToString())))
    assert reply == (False, "invalid_value")


@pytest.mark.parametrize("action", [ADD_CHARGE, ADD_PRECONDITION, "12059206020801"])
def test_firmware_before_schedules_does_not_know_them(action: str) -> None:
    car, signer = paired()
    car.install_firmware("2024.20.9")
    assert outcome(ask(car, signer.command(bytes.fromhex(action)))) == (False, "not_supported")
    assert car.commands == []
    sections = {"charge_schedule_data", "preconditioning_schedule_data", "charge_state"}
    assert set(car.vehicle_data(frozenset(sections))) == {"charge_state"}
    old, _ = make_car(protocol="not_supported")
    old.install_firmware("2024.20.9")
    with pytest.raises(UnsupportedCommand):
        old.rest_command("add_charge_schedule", PLACED)


@pytest.mark.parametrize(("firmware", "made"), [("2024.26", 1), ("2024.20.9", 0)])
def test_firmware_with_schedules_makes_one_more_of_every_single_setting(
    firmware: str, made: int
) -> None:
    car, signer = paired()
    car.install_firmware(firmware)
    for action in ("1207ca020408011078", DEPARTURE):
        assert outcome(ask(car, signer.command(bytes.fromhex(action)))) == (True, "")
    car.install_firmware("2024.26")
    data = car.vehicle_data(frozenset({"charge_schedule_data", "preconditioning_schedule_data"}))
    charge = data["charge_schedule_data"]["charge_schedules"]
    precondition = data["preconditioning_schedule_data"]["precondition_schedules"]
    assert isinstance(charge, list)
    assert isinstance(precondition, list)
    assert [one["start_time"] for one in charge] == [120] * made
    assert [one["precondition_time"] for one in precondition] == [450] * made


@pytest.mark.parametrize(
    ("days", "mask"),
    [("All", 127), ("Weekdays", 62), ("Sun", 1), ("Monday, sat", 66), ("tues,Thursday", 20)],
)
def test_rest_schedules_take_the_names_of_days(days: str, mask: int) -> None:
    car, _ = make_car(protocol="not_supported")
    body = {
        "days_of_week": days,
        "enabled": True,
        "precondition_time": 450,
        "lat": 52.0,
        "lon": 4.4,
    }
    assert car.rest_command("add_precondition_schedule", body).result
    name = "preconditioning_schedule_data"
    stored = car.vehicle_data(frozenset({name}))[name]["precondition_schedules"]
    assert isinstance(stored, list)
    assert stored[0]["days_of_week"] == mask
    assert not car.rest_command(
        "add_precondition_schedule", body | {"days_of_week": "Someday"}
    ).result


def test_unsigned_commands_are_locked_out_where_signing_is_required() -> None:
    car, _ = make_car()
    assert car.rest_command("charge_start", {}).reason == "unsigned_cmds_hardlocked"
    assert car.commands == []


def test_commands_without_a_rest_form_and_unknown_ones() -> None:
    car, _ = make_car(protocol="not_supported")
    for name in ("ping", "teleport"):
        with pytest.raises(UnknownCommand):
            car.rest_command(name, {})


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("set_charge_limit", {}),
        ("set_charge_limit", {"percent": "80"}),
        ("set_charge_limit", {"percent": True}),
        ("set_charge_limit", {"percent": 80, "extra": 1}),
        ("charge_start", {"now": True}),
        ("set_charging_amps", {"charging_amps": 16.5}),
        ("set_scheduled_charging", {"enable": 1, "time": 0}),
    ],
)
def test_bodies_that_do_not_fit(name: str, body: dict[str, object]) -> None:
    car, _ = make_car(protocol="not_supported")
    with pytest.raises(InvalidBody):
        car.rest_command(name, body)


def test_a_start_stop_action_that_says_neither() -> None:
    car, signer = paired()
    for action in ("12023200", "120432020a00"):
        reply = ask(car, signer.command(bytes.fromhex(action), INFOTAINMENT))
        assert outcome(reply) == (False, "not_supported")
