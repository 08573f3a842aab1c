"""The charging commands, as data.

A row has Tesla's REST name, the parameters, how the protobuf is filled and which refusals mean that the car is
already in the wanted state. Sources: `pkg/vehicle/charge.go` and `pkg/proxy/command.go` of vehicle-command,
car_server.proto; reasons as Tesla's cars send them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tesla_protocol.command import car_server_pb2 as car_server, common_pb2 as common

from . import schedule_messages
from .parameters import (
    AnyParameter,
    Days,
    Degrees,
    Flag,
    InvalidParameter,
    Parameter,
    Parameters,
    Text,
    Value,
)

MAX_SCHEDULE_ID: Final = 2**64 - 1
MAX_SCHEDULE_NAME: Final = 50
"""A bound of this project; Tesla's own is not documented."""
LAST_MINUTE: Final = 24 * 60 - 1


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    """Tesla's name of the REST endpoint, `/command/<name>`."""
    fill: Callable[[car_server.VehicleAction, Parameters], None]
    parameters: tuple[AnyParameter, ...] = ()
    already: frozenset[str] = frozenset()
    """Reasons with which the car reports that it is already in the wanted state."""
    repeatable: bool = True
    """Whether a second execution changes nothing, also for somebody standing at the car."""
    sent_twice: Callable[[Parameters], bool] = lambda _: False
    """Whether the car applies these parameters only when it receives them a second time."""

    def __call__(self, **parameters: Value) -> CommandRequest:
        """Return the command with its parameters.

        Raises InvalidParameter. Tesla reports success even for values that the car then ignores, so they are
        checked here.
        """
        rows = {row.name: row for row in self.parameters}
        for name in parameters:
            if name not in rows:
                raise InvalidParameter(self.name, name, "is not one of its parameters")
        for row in self.parameters:
            if row.name not in parameters and not row.required:
                continue
            if problem := row.problem(parameters.get(row.name)):
                raise InvalidParameter(self.name, row.name, problem)
        return CommandRequest(self, parameters)


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command with its parameters, to be sent signed or in the REST form."""

    command: Command
    parameters: Parameters = field(default_factory=dict)

    def action(self) -> bytes:
        """Return the serialized `CarServer.Action`: the payload that is signed."""
        action = car_server.Action()
        self.command.fill(action.vehicleAction, self.parameters)
        return action.SerializeToString()

    def body(self) -> dict[str, Value]:
        """Return the JSON body of the REST form."""
        return dict(self.parameters)


def _void(message: str, choice: str) -> Callable[[car_server.VehicleAction, Parameters], None]:
    """Return what fills a message whose oneof selects the action, without a value."""

    def fill(action: car_server.VehicleAction, _: Parameters) -> None:
        getattr(getattr(action, message), choice).CopyFrom(common.Void())

    return fill


def _empty(message: str) -> Callable[[car_server.VehicleAction, Parameters], None]:
    """Return what fills a message without content."""

    def fill(action: car_server.VehicleAction, _: Parameters) -> None:
        getattr(action, message).SetInParent()

    return fill


def _values(message: str, **fields: str) -> Callable[[car_server.VehicleAction, Parameters], None]:
    """Return what fills fields of a message from parameters: field name -> parameter name."""

    def fill(action: car_server.VehicleAction, parameters: Parameters) -> None:
        target = getattr(action, message)
        target.SetInParent()
        for field_name, parameter in fields.items():
            setattr(target, field_name, parameters[parameter])

    return fill


def _minutes(name: str, *, required: bool = True) -> Parameter:
    """Return a parameter in minutes after the car's local midnight."""
    return Parameter(name, 0, LAST_MINUTE, required)


_SCHEDULE_ID = Parameter("id", 1, MAX_SCHEDULE_ID)
# Without an id Tesla uses the current second, so a second schedule within the same second replaces the first:
# therefore the id is required here
_SCHEDULE = (
    _SCHEDULE_ID,
    Text("name", MAX_SCHEDULE_NAME, required=False),
    Days("days_of_week"),
    Flag("one_time"),
    Flag("enabled"),
    Degrees("lat", 90),
    Degrees("lon", 180),
)

_ROWS = (
    Command(
        "charge_start",
        _void("chargingStartStopAction", "start"),
        already=frozenset({"is_charging", "already_started", "complete"}),
    ),
    Command(
        "charge_stop",
        _void("chargingStartStopAction", "stop"),
        already=frozenset({"not_charging"}),
    ),
    Command(
        "charge_standard",
        _void("chargingStartStopAction", "start_standard"),
        already=frozenset({"already_standard", "already_set"}),
    ),
    Command(
        "charge_max_range",
        _void("chargingStartStopAction", "start_max_range"),
        already=frozenset({"already_max_range", "already_set"}),
    ),
    Command(
        "set_charge_limit",
        _values("chargingSetLimitAction", percent="percent"),
        parameters=(Parameter("percent", 50, 100),),
        already=frozenset({"already_set"}),
    ),
    Command(
        "set_charging_amps",
        _values("setChargingAmpsAction", charging_amps="charging_amps"),
        parameters=(Parameter("charging_amps", 0, 80),),
        already=frozenset({"already_set"}),
        # for a lower value, a car first sets 5 A (vehicle-command, issue 256)
        sent_twice=lambda parameters: int(parameters["charging_amps"]) < 5,
    ),
    # Opening also releases the cable: a second opening, after somebody closed the door, has an effect
    Command("charge_port_door_open", _empty("chargePortDoorOpen"), repeatable=False),
    Command(
        "charge_port_door_close",
        _empty("chargePortDoorClose"),
        already=frozenset({"already closed", "already_closed"}),
        repeatable=False,
    ),
    Command(
        "add_charge_schedule",
        schedule_messages.charge_schedule,
        parameters=(
            *_SCHEDULE,
            Flag("start_enabled"),
            _minutes("start_time", required=False),
            Flag("end_enabled"),
            _minutes("end_time", required=False),
        ),
    ),
    Command(
        "remove_charge_schedule",
        _values("removeChargeScheduleAction", id="id"),
        parameters=(_SCHEDULE_ID,),
        already=frozenset({"not_found"}),
    ),
    Command(
        "add_precondition_schedule",
        schedule_messages.precondition_schedule,
        parameters=(*_SCHEDULE, _minutes("precondition_time")),
    ),
    Command(
        "remove_precondition_schedule",
        _values("removePreconditionScheduleAction", id="id"),
        parameters=(_SCHEDULE_ID,),
        already=frozenset({"not_found"}),
    ),
    # The two commands for firmware before 2024.26. Later firmware creates another schedule for each call, so they are
    # not repeated after a lost answer
    Command(
        "set_scheduled_charging",
        schedule_messages.scheduled_charging,
        parameters=(Flag("enable"), _minutes("time")),
        already=frozenset({"already_set"}),
        repeatable=False,
    ),
    Command(
        "set_scheduled_departure",
        schedule_messages.scheduled_departure,
        parameters=(
            Flag("enable"),
            _minutes("departure_time"),
            Flag("preconditioning_enabled"),
            Flag("preconditioning_weekdays_only"),
            Flag("off_peak_charging_enabled"),
            Flag("off_peak_charging_weekdays_only"),
            _minutes("end_off_peak_time"),
        ),
        already=frozenset({"already_set"}),
        repeatable=False,
    ),
)

COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
