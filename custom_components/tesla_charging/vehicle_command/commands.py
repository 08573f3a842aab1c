"""The charging commands, as data.

A command is a row: Tesla's REST name, its parameters, how its protobuf is filled and which refusals mean that
the car is already as wanted. Sources: `pkg/vehicle/charge.go` and `pkg/proxy/command.go` of vehicle-command,
car_server.proto; reasons as Tesla's cars send them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tesla_protocol.command import car_server_pb2 as car_server, common_pb2 as common

type Parameters = Mapping[str, int]


class InvalidParameter(ValueError):
    """A command's parameter is missing, of the wrong type, or out of range."""

    def __init__(self, command: str, parameter: str, problem: str) -> None:
        """Remember which parameter of which command."""
        super().__init__(f"{command}: {parameter} {problem}")
        self.command = command
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Parameter:
    """One whole-number parameter of a command, with the range that makes sense to a car."""

    name: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    """Tesla's name of the REST endpoint, `/command/<name>`."""
    fill: Callable[[car_server.VehicleAction, Parameters], None]
    parameters: tuple[Parameter, ...] = ()
    already: frozenset[str] = frozenset()
    """Reasons with which the car says that nothing was left to do."""
    repeatable: bool = True
    """Whether doing it twice is the same as doing it once, also for a person standing at the car."""
    told_twice: Callable[[Parameters], bool] = lambda _: False
    """Whether the car takes these parameters only from the second time on."""

    def __call__(self, **parameters: int) -> CommandRequest:
        """Return the command with its parameters.

        Raises InvalidParameter. Tesla answers success even to values that the car then ignores, so they are
        checked here.
        """
        rows = {row.name: row for row in self.parameters}
        for name in parameters:
            if name not in rows:
                raise InvalidParameter(self.name, name, "is not one of its parameters")
        for row in self.parameters:
            value = parameters.get(row.name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise InvalidParameter(self.name, row.name, "must be a whole number")
            if not row.minimum <= value <= row.maximum:
                raise InvalidParameter(
                    self.name, row.name, f"must be from {row.minimum} to {row.maximum}"
                )
        return CommandRequest(self, parameters)


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command ready to be sent, over either road."""

    command: Command
    parameters: Parameters = field(default_factory=dict)

    def action(self) -> bytes:
        """Return the serialized `CarServer.Action`: the payload that is signed."""
        action = car_server.Action()
        self.command.fill(action.vehicleAction, self.parameters)
        return action.SerializeToString()

    def body(self) -> dict[str, int]:
        """Return the JSON body of the REST form."""
        return dict(self.parameters)


def _void(message: str, choice: str) -> Callable[[car_server.VehicleAction, Parameters], None]:
    """Fill a message whose oneof names what to do, without any value."""

    def fill(action: car_server.VehicleAction, _: Parameters) -> None:
        getattr(getattr(action, message), choice).CopyFrom(common.Void())

    return fill


def _empty(message: str) -> Callable[[car_server.VehicleAction, Parameters], None]:
    """Fill a message that has no content at all."""

    def fill(action: car_server.VehicleAction, _: Parameters) -> None:
        getattr(action, message).SetInParent()

    return fill


def _values(message: str, **fields: str) -> Callable[[car_server.VehicleAction, Parameters], None]:
    """Fill fields of a message from parameters: field name -> parameter name."""

    def fill(action: car_server.VehicleAction, parameters: Parameters) -> None:
        target = getattr(action, message)
        target.SetInParent()
        for field_name, parameter in fields.items():
            setattr(target, field_name, parameters[parameter])

    return fill


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
        # below that, a car first settles on 5 A (vehicle-command, issue 256)
        told_twice=lambda parameters: parameters["charging_amps"] < 5,
    ),
    # Opening also releases the cable: a second opening, after somebody closed the door again, is not nothing
    Command("charge_port_door_open", _empty("chargePortDoorOpen"), repeatable=False),
    Command(
        "charge_port_door_close",
        _empty("chargePortDoorClose"),
        already=frozenset({"already closed", "already_closed"}),
        repeatable=False,
    ),
)

COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
