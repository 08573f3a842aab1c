"""The table of charging commands: what is signed is what Tesla's own client would send."""

from typing import Any

import pytest
from tesla_protocol.command.car_server_pb2 import Action

from custom_components.tesla_charging.vehicle_command import COMMANDS, InvalidParameter, Outcome
from custom_components.tesla_charging.vehicle_command.results import read_result

PLACE = {"lat": 52.5, "lon": 13.25}
ALL_DAYS = "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"
NIGHT: dict[str, Any] = {
    "id": 1,
    "days_of_week": ALL_DAYS,
    "start_enabled": True,
    "start_time": 120,
    "end_enabled": True,
    "end_time": 360,
    "one_time": False,
    "enabled": True,
    **PLACE,
}
MORNING: dict[str, Any] = {
    "id": 1,
    "days_of_week": "Monday,Tuesday,Wednesday,Thursday,Friday",
    "precondition_time": 450,
    "one_time": False,
    "enabled": True,
    **PLACE,
}
DEPARTURE = {
    "enable": True,
    "departure_time": 450,
    "preconditioning_enabled": True,
    "preconditioning_weekdays_only": True,
    "off_peak_charging_enabled": True,
    "off_peak_charging_weekdays_only": False,
    "end_off_peak_time": 360,
}


@pytest.mark.parametrize(
    ("name", "parameters", "action"),
    [
        ("charge_start", {}, "120432021200"),
        ("charge_stop", {}, "120432022a00"),
        ("charge_standard", {}, "120432021a00"),
        ("charge_max_range", {}, "120432022200"),
        ("set_charge_limit", {"percent": 80}, "12042a020850"),
        ("set_charging_amps", {"charging_amps": 16}, "1205da02020810"),
        ("charge_port_door_open", {}, "1203f20300"),
        ("charge_port_door_close", {}, "1203ea0300"),
        (
            "add_charge_schedule",
            NIGHT,
            "121c8a06190801187f20012878300138e802480155000052425d00005441",
        ),
        ("remove_charge_schedule", {"id": 1}, "12059206020801"),
        (
            "add_precondition_schedule",
            MORNING,
            "12169a06130801183e20c20330013d000052424500005441",
        ),
        ("remove_precondition_schedule", {"id": 1}, "1205a206020801"),
        ("set_scheduled_charging", {"enable": True, "time": 120}, "1207ca020408011078"),
        ("set_scheduled_charging", {"enable": False, "time": 0}, "1203ca0200"),
        ("set_scheduled_charging", {"enable": False, "time": 480}, "1206ca020310e003"),
        ("set_scheduled_departure", DEPARTURE | {"enable": False}, "1203d20200"),
        ("set_scheduled_departure", DEPARTURE, "1213d20210080110c2031a02120022020a0028e802"),
    ],
)
def test_serialized_action_is_teslas(name: str, parameters: dict[str, Any], action: str) -> None:
    request = COMMANDS[name](**parameters)
    assert request.action().hex() == action
    assert request.body() == parameters


def test_every_command_has_a_known_serialization() -> None:
    assert set(COMMANDS) == {
        "charge_start",
        "charge_stop",
        "charge_standard",
        "charge_max_range",
        "set_charge_limit",
        "set_charging_amps",
        "charge_port_door_open",
        "charge_port_door_close",
        "add_charge_schedule",
        "remove_charge_schedule",
        "add_precondition_schedule",
        "remove_precondition_schedule",
        "set_scheduled_charging",
        "set_scheduled_departure",
    }


def test_a_schedule_that_only_starts_has_no_end() -> None:
    given = {name: value for name, value in NIGHT.items() if name != "end_time"}
    request = COMMANDS["add_charge_schedule"](**{**given, "end_enabled": False, "name": "Night"})
    assert request.body() == {**given, "end_enabled": False, "name": "Night"}
    told = Action.FromString(request.action()).vehicleAction.addChargeScheduleAction
    assert (told.start_time, told.end_enabled, told.end_time, told.name) == (120, False, 0, "Night")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("set_charge_limit", {}),
        ("set_charge_limit", {"percent": 49}),
        ("set_charge_limit", {"percent": 101}),
        ("set_charge_limit", {"percent": 80.5}),
        ("set_charge_limit", {"percent": "80"}),
        ("set_charge_limit", {"percent": True}),
        ("set_charging_amps", {"charging_amps": -1}),
        ("set_charging_amps", {"charging_amps": 81}),
        ("charge_start", {"percent": 80}),
        ("add_charge_schedule", {**NIGHT, "id": 0}),
        ("add_charge_schedule", {**NIGHT, "id": 2**64}),
        ("add_charge_schedule", {**NIGHT, "days_of_week": ""}),
        ("add_charge_schedule", {**NIGHT, "days_of_week": "Monday, Tuesday"}),
        ("add_charge_schedule", {**NIGHT, "days_of_week": 127}),
        ("add_charge_schedule", {**NIGHT, "start_time": 1440}),
        ("add_charge_schedule", {**NIGHT, "start_enabled": 1}),
        ("add_charge_schedule", {**NIGHT, "lat": 90.1}),
        ("add_charge_schedule", {**NIGHT, "lon": -180.1}),
        ("add_charge_schedule", {**NIGHT, "lon": float("nan")}),
        ("add_charge_schedule", {**NIGHT, "lon": True}),
        ("add_charge_schedule", {**NIGHT, "name": "x" * 51}),
        ("add_charge_schedule", {**NIGHT, "name": 5}),
        ("add_precondition_schedule", {**MORNING, "precondition_time": None}),
        ("remove_charge_schedule", {}),
        ("set_scheduled_charging", {"enable": True}),
    ],
)
def test_nonsense_is_refused_before_it_is_paid_for(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        COMMANDS[name](**parameters)


@pytest.mark.parametrize(
    ("name", "accepted", "reason", "outcome"),
    [
        ("charge_start", True, "", Outcome.EXECUTED),
        ("charge_start", False, "is_charging", Outcome.ALREADY),
        ("charge_start", True, "is_charging", Outcome.ALREADY),
        ("charge_start", False, "complete", Outcome.ALREADY),
        ("charge_start", False, "requested", Outcome.EXECUTED),
        ("charge_start", False, "disconnected", Outcome.REFUSED),
        ("charge_start", False, "no_power", Outcome.REFUSED),
        ("charge_start", False, "", Outcome.REFUSED),
        ("charge_stop", False, "not_charging", Outcome.ALREADY),
        ("charge_stop", False, "is_charging", Outcome.REFUSED),
        ("set_charge_limit", False, "already_set", Outcome.ALREADY),
        ("charge_max_range", False, "already_max_range", Outcome.ALREADY),
        ("charge_standard", False, "already_standard", Outcome.ALREADY),
        ("remove_charge_schedule", False, "not_found", Outcome.ALREADY),
        ("add_charge_schedule", False, "not_found", Outcome.REFUSED),
    ],
)
def test_teslas_reasons_are_understood(
    name: str, accepted: bool, reason: str, outcome: Outcome
) -> None:
    assert read_result(COMMANDS[name], accepted=accepted, reason=reason).outcome is outcome


def test_a_reason_is_bounded_and_printable() -> None:
    result = read_result(
        COMMANDS["charge_start"], accepted=False, reason="no\x00\x1b[31m" + "x" * 5000
    )
    assert len(result.reason) <= 200
    assert result.reason.isprintable()
