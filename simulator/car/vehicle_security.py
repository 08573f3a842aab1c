"""The vehicle security computer: VCSEC.UnsignedMessage in, VCSEC.FromVCSECMessage out (empty is success)."""

from google.protobuf.message import DecodeError
from tesla_protocol.command.errors_pb2 import GenericError_E
from tesla_protocol.command.vcsec_pb2 import (
    ClosureMoveType_E,
    FromVCSECMessage,
    RKEAction_E,
    UnsignedMessage,
)

from simulator.car.command_table import REST_COMMANDS
from simulator.car.payloads import Run, check_service, has_unknown_fields
from simulator.car.security.domain import Answer
from simulator.car.security.faults import Fault, MessageRefused
from simulator.car.security.keychain import FULL_CONTROL, Role

_PORT_COMMANDS = {
    int(ClosureMoveType_E.CLOSURE_MOVE_TYPE_OPEN): "charge_port_door_open",
    int(ClosureMoveType_E.CLOSURE_MOVE_TYPE_CLOSE): "charge_port_door_close",
}
_ERRORS: dict[str, GenericError_E] = {
    "not allowed": GenericError_E.GENERICERROR_VEHICLE_NOT_IN_PARK,
    "cable connected": GenericError_E.GENERICERROR_DISABLED_FOR_USER_COMMAND,
    "non-motorized": GenericError_E.GENERICERROR_NOT_SUPPORTED,
    "already closed": GenericError_E.GENERICERROR_ALREADY_ON,
}
"""This computer knows no words, only numbers. Which number stands for which reason is our reading."""


def execute(payload: bytes, role: Role, run: Run) -> Answer:
    """Carry out a verified payload: the charge port's closure move, and waking the car."""
    try:
        message = UnsignedMessage.FromString(payload)
    except DecodeError:
        raise MessageRefused(Fault.DECODING) from None
    kind = message.WhichOneof("sub_message")
    if kind is None or has_unknown_fields(message):
        raise MessageRefused(Fault.INVALID_COMMAND)
    check_service(role)
    if role not in FULL_CONTROL:
        raise MessageRefused(Fault.INSUFFICIENT_PRIVILEGES)
    if kind == "RKEAction" and message.RKEAction == RKEAction_E.RKE_ACTION_WAKE_VEHICLE:
        return Answer("wake_vehicle", b"")
    if kind == "closureMoveRequest":
        moved = {field.name: value for field, value in message.closureMoveRequest.ListFields()}
        name = _PORT_COMMANDS.get(moved.pop("chargePort", 0))
        if name and not moved:
            reply = run(REST_COMMANDS[name], {})
            error = _ERRORS.get(reply.reason, GenericError_E.GENERICERROR_UNKNOWN)
            return Answer(name, b"" if reply.result else _error(error))
    return Answer(kind, _error(GenericError_E.GENERICERROR_NOT_SUPPORTED))


def _error(error: GenericError_E) -> bytes:
    message = FromVCSECMessage()
    message.nominalError.genericError = error
    return message.SerializeToString()
