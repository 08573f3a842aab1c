"""The table of charging commands: what is signed is what Tesla's own client would send."""

import pytest

from custom_components.tesla_charging.vehicle_command import COMMANDS, InvalidParameter, Outcome
from custom_components.tesla_charging.vehicle_command.results import read_result


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
    ],
)
def test_serialized_action_is_teslas(name: str, parameters: dict[str, int], action: str) -> None:
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
    }


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
    ],
)
def test_nonsense_is_refused_before_it_is_paid_for(name: str, parameters: dict[str, int]) -> None:
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
