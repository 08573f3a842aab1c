"""The tables of the protocol: every fault and every command, row by row."""

from collections.abc import Callable

import pytest
from tesla_protocol.command import universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    AnswerLost,
    CarUnreachable,
    Command,
    CommandResult,
    CommandUnsupported,
    HandshakeFailed,
    InvalidAnswer,
    InvalidKey,
    InvalidParameter,
    KeyDisabled,
    KeyNotPaired,
    NotAuthorized,
    NotDelivered,
    Outcome,
    ProtocolRejected,
    RemoteAccessDisabled,
    SessionInfoRejected,
    SessionOutOfSync,
    VehicleBusy,
    VehicleCommandError,
    VehicleFault,
)
from custom_components.tesla_charging.vehicle_command.errors import OutcomeUnknownFault
from custom_components.tesla_charging.vehicle_command.faults import FAULTS, WAIT, Retry, fault_row
from custom_components.tesla_charging.vehicle_command.results import read_result
from tests.vehicle_command.pair import Pair

# -- faults --------------------------------------------------------------------------------------------


def test_faults_have_teslas_numbers_and_names() -> None:
    teslas = {
        number: name.removeprefix("MESSAGEFAULT_ERROR_")
        for name, number in universal.MessageFault_E.items()
        if number
    }
    assert {number: row.name for number, row in FAULTS.items()} == teslas


MEANINGS: dict[type[VehicleFault], set[int]] = {
    KeyNotPaired: {3},
    KeyDisabled: {4},
    NotAuthorized: {7, 14, 18},
    RemoteAccessDisabled: {21, 22},
    CommandUnsupported: {9, 23, 29},
    VehicleBusy: {1, 11},
    CarUnreachable: {2},
    SessionOutOfSync: {5, 6, 15, 17, 20, 26},
    ProtocolRejected: {8, 10, 12, 13, 16, 19, 24, 27, 28},
    OutcomeUnknownFault: {25},
}


def test_every_fault_means_one_thing() -> None:
    means: dict[type[VehicleFault], set[int]] = {}
    for number, row in FAULTS.items():
        means.setdefault(row.error, set()).add(number)
    assert means == MEANINGS


def test_only_what_certainly_did_not_execute_is_tried_again() -> None:
    retried = {number: row.retry for number, row in FAULTS.items() if row.retry is not Retry.NEVER}
    waits = dict.fromkeys((1, 2, 11), Retry.AFTER_PAUSE)
    assert retried == waits | dict.fromkeys((5, 6, 15, 17, 20, 26), Retry.RESIGN)
    assert not any(FAULTS[number].error.may_have_executed for number in retried)


def test_a_fault_becomes_an_error_that_names_it() -> None:
    error = fault_row(3).exception(3)
    assert isinstance(error, KeyNotPaired)
    assert (error.fault, error.name) == (3, "UNKNOWN_KEY_ID")
    assert str(error) == "UNKNOWN_KEY_ID (3)"
    newer = fault_row(77).exception(77)
    assert isinstance(newer, ProtocolRejected)
    assert str(newer) == "MESSAGE_FAULT_77 (77)"
    assert fault_row(77).retry is Retry.NEVER
    assert (WAIT.error, WAIT.retry) == (VehicleBusy, Retry.AFTER_PAUSE)
    assert str(WAIT.exception(0)) == "OPERATIONSTATUS_WAIT (0)"


def test_after_which_errors_the_command_may_have_been_carried_out() -> None:
    open_ended: set[type[VehicleCommandError]] = {AnswerLost, InvalidAnswer, OutcomeUnknownFault}
    certain: set[type[VehicleCommandError]] = {
        HandshakeFailed,
        InvalidKey,
        NotDelivered,
        SessionInfoRejected,
        VehicleCommandError,
        *(error for error in MEANINGS if error not in open_ended),
    }
    assert all(error.may_have_executed for error in open_ended)
    assert not any(error.may_have_executed for error in certain)


# -- commands ------------------------------------------------------------------------------------------

CHARGING = {
    "charge_start": {"is_charging", "already_started", "complete"},
    "charge_stop": {"not_charging"},
    "charge_standard": {"already_standard", "already_set"},
    "charge_max_range": {"already_max_range", "already_set"},
    "set_charge_limit": {"already_set"},
    "set_charging_amps": {"already_set"},
    "charge_port_door_open": set[str](),
    "charge_port_door_close": {"already closed", "already_closed"},
    "add_charge_schedule": set[str](),
    "remove_charge_schedule": {"not_found"},
    "add_precondition_schedule": set[str](),
    "remove_precondition_schedule": {"not_found"},
    "set_scheduled_charging": {"already_set"},
    "set_scheduled_departure": {"already_set"},
}

VALUES: dict[str, bool | float | str] = {
    "percent": 60,
    "charging_amps": 10,
    "id": 1,
    "name": "Night",
    "days_of_week": "Monday,Friday",
    "one_time": False,
    "enabled": True,
    "lat": 52.5,
    "lon": 13.25,
    "start_enabled": True,
    "start_time": 120,
    "end_enabled": False,
    "end_time": 360,
    "precondition_time": 450,
    "enable": True,
    "time": 120,
    "departure_time": 450,
    "preconditioning_enabled": True,
    "preconditioning_weekdays_only": False,
    "off_peak_charging_enabled": False,
    "off_peak_charging_weekdays_only": False,
    "end_off_peak_time": 360,
}
"""One that makes sense for every parameter there is."""


def test_every_command_is_asked_what_its_car_says() -> None:
    assert CHARGING.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", CHARGING)
def test_what_a_car_says_when_nothing_is_left_to_do(name: str) -> None:
    reasons = set().union(*CHARGING.values())
    for reason in reasons:
        result = read_result(COMMANDS[name], accepted=False, reason=reason.upper())
        already = reason in CHARGING[name]
        assert result.outcome is (Outcome.ALREADY if already else Outcome.REFUSED), reason
        assert result.achieved is already
        assert result.reason == reason.upper()


@pytest.mark.parametrize(
    ("name", "parameter", "low", "high"),
    [("set_charge_limit", "percent", 50, 100), ("set_charging_amps", "charging_amps", 0, 80)],
)
def test_a_parameter_may_be_what_makes_sense_to_a_car_and_nothing_beyond(
    name: str, parameter: str, low: int, high: int
) -> None:
    for value in (low, high):
        assert COMMANDS[name](**{parameter: value}).body() == {parameter: value}
    for value in (low - 1, high + 1):
        with pytest.raises(InvalidParameter) as caught:
            COMMANDS[name](**{parameter: value})
        assert (caught.value.command, caught.value.parameter) == (name, parameter)
        assert str(caught.value) == f"{name}: {parameter} must be from {low} to {high}"


@pytest.mark.parametrize(
    ("request_it", "says"),
    [
        (lambda: COMMANDS["charge_stop"](now=1), "charge_stop: now is not one of its parameters"),
        (
            COMMANDS["set_charge_limit"],
            "set_charge_limit: percent must be a whole number",
        ),
        (
            lambda: COMMANDS["set_charge_limit"](percent=True),
            "set_charge_limit: percent must be a whole number",
        ),
    ],
)
def test_what_is_wrong_with_a_parameter_is_said(
    request_it: Callable[[], object], says: str
) -> None:
    with pytest.raises(InvalidParameter) as caught:
        request_it()
    assert str(caught.value) == says
    assert says.startswith(f"{caught.value.command}: {caught.value.parameter} ")


def test_a_low_current_is_sent_twice() -> None:
    """Below 5 A a car first settles on 5 A, and takes the rest the second time."""
    twice = COMMANDS["set_charging_amps"].sent_twice
    assert [amps for amps in range(10) if twice({"charging_amps": amps})] == [0, 1, 2, 3, 4]
    others = [row for name, row in COMMANDS.items() if name != "set_charging_amps"]
    assert not any(row.sent_twice({"percent": 50}) for row in others)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
async def test_only_what_does_no_harm_twice_is_repeated(pair: Pair, command: Command) -> None:
    """The port is a thing that a person may be standing at, and new firmware makes a schedule of each old setting."""
    request = command(**{row.name: VALUES[row.name] for row in command.parameters})
    once = ("charge_port", "set_scheduled")
    await pair.sender.send(COMMANDS["charge_stop"]())
    pair.wire.sent.clear()
    pair.wire.lose = 1
    await pair.sender.send(request)
    assert len(pair.wire.sent) == (1 if command.name.startswith(once) else 2)


def test_a_reason_is_kept_whatever_became_of_the_command() -> None:
    start = COMMANDS["charge_start"]
    queued = read_result(start, accepted=True, reason="queued")
    assert (queued.outcome, queued.reason) == (Outcome.EXECUTED, "queued")
    requested = read_result(start, accepted=False, reason=" Requested\n")
    assert (requested.outcome, requested.reason) == (Outcome.EXECUTED, "Requested")
    assert len(read_result(start, accepted=False, reason="x" * 201).reason) == 200


def test_outcomes_have_the_names_that_automations_know() -> None:
    assert [outcome.value for outcome in Outcome] == [
        "executed",
        "already",
        "refused",
        "unknown",
        "superseded",
    ]
    good = {outcome for outcome in Outcome if CommandResult(outcome).achieved}
    assert good == {Outcome.EXECUTED, Outcome.ALREADY}
    assert CommandResult(Outcome.REFUSED).reason == ""
