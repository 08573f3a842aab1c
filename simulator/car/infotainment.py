"""The infotainment computer: CarServer.Action in, CarServer.Response out."""

from google.protobuf.message import DecodeError
from tesla_protocol.command.car_server_pb2 import Action, OperationStatus_E, Response

from simulator.car.command_table import CommandReply, find_signed
from simulator.car.payloads import Run, check_service, has_unknown_fields
from simulator.car.security.domain import Answer
from simulator.car.security.faults import Fault, MessageRefused
from simulator.car.security.keychain import Role


def execute(payload: bytes, role: Role, run: Run) -> Answer:
    """Carry out a verified payload.

    MessageRefused: DECODING for bytes that are no Action, INVALID_COMMAND for an empty one or one with
    fields nobody knows, INSUFFICIENT_PRIVILEGES when the role may not do this. An action this car cannot
    carry out is answered with actionStatus ERROR.
    """
    try:
        action = Action.FromString(payload)
    except DecodeError:
        raise MessageRefused(Fault.DECODING) from None
    field = action.vehicleAction.WhichOneof("vehicle_action_msg")
    if field is None or has_unknown_fields(action):
        raise MessageRefused(Fault.INVALID_COMMAND)
    check_service(role)
    command = find_signed(action.vehicleAction)
    if command is None:
        return Answer(field, _response(CommandReply(result=False, reason="not_supported")))
    if role not in command.roles:
        raise MessageRefused(Fault.INSUFFICIENT_PRIVILEGES)
    params = command.decode(action.vehicleAction)
    reply = run(command, params)
    ping_id = action.vehicleAction.ping.ping_id if field == "ping" else None
    return Answer(command.name, _response(reply, ping_id=ping_id))


def _response(reply: CommandReply, *, ping_id: int | None = None) -> bytes:
    response = Response()
    # Present even when everything in it is zero, which is how success looks.
    response.actionStatus.SetInParent()
    if not reply.result:
        response.actionStatus.result = OperationStatus_E.OPERATIONSTATUS_ERROR
        response.actionStatus.result_reason.plain_text = reply.reason
    if ping_id is not None:
        response.ping.ping_id = ping_id
        response.ping.local_timestamp.GetCurrentTime()
    return response.SerializeToString()
