"""Signed commands, and plain ones for cars without the Vehicle Command Protocol."""

import asyncio
import base64
import binascii
from collections.abc import Callable

from google.protobuf.message import DecodeError
from tesla_protocol.command import car_server_pb2, universal_message_pb2, vcsec_pb2

from simulator.car import (
    Car,
    CommandReply,
    DomainOutOfReach,
    InvalidBody,
    Quirk,
    UnknownCommand,
    UnsupportedCommand,
)
from simulator.car.command_table import REST_COMMANDS
from simulator.cloud.context import Call
from simulator.cloud.errors import ApiError, asleep, in_service, invalid_field, missing_scopes
from simulator.cloud.fleet.vehicles import reachable

EITHER = frozenset({"vehicle_cmds", "vehicle_charging_cmds"})
ALL_COMMANDS = frozenset({"vehicle_cmds"})

#: Charging commands by REST name and by field of CarServer.VehicleAction. These accept either
#: command scope (Fleet API vehicle commands page); everything else wants vehicle_cmds.
CHARGING_COMMANDS = frozenset(
    {
        "charge_start",
        "charge_stop",
        "charge_standard",
        "charge_max_range",
        "set_charge_limit",
        "set_charging_amps",
        "charge_port_door_open",
        "charge_port_door_close",
        "set_scheduled_charging",
        "set_scheduled_departure",
        "add_charge_schedule",
        "remove_charge_schedule",
        "add_precondition_schedule",
        "remove_precondition_schedule",
        "batch_remove_charge_schedules",
        "batch_remove_precondition_schedules",
    }
)
CHARGING_ACTIONS = frozenset(
    {
        "chargingStartStopAction",
        "chargingSetLimitAction",
        "setChargingAmpsAction",
        "chargePortDoorOpen",
        "chargePortDoorClose",
        "scheduledChargingAction",
        "scheduledDepartureAction",
        "addChargeScheduleAction",
        "removeChargeScheduleAction",
        "addPreconditionScheduleAction",
        "removePreconditionScheduleAction",
        "batchRemoveChargeSchedulesAction",
        "batchRemovePreconditionSchedulesAction",
    }
)


def _infotainment_scopes(payload: bytes) -> frozenset[str]:
    action = car_server_pb2.Action.FromString(payload)
    name = action.vehicleAction.WhichOneof("vehicle_action_msg")
    return EITHER if name in CHARGING_ACTIONS else ALL_COMMANDS


def _security_scopes(payload: bytes) -> frozenset[str]:
    message = vcsec_pb2.UnsignedMessage.FromString(payload)
    if message.WhichOneof("sub_message") != "closureMoveRequest":
        return ALL_COMMANDS
    moved = {descriptor.name for descriptor, _ in message.closureMoveRequest.ListFields()}
    return EITHER if moved == {"chargePort"} else ALL_COMMANDS


#: What reads a command's plaintext, by destination domain.
_READERS = {
    universal_message_pb2.DOMAIN_INFOTAINMENT: _infotainment_scopes,
    universal_message_pb2.DOMAIN_VEHICLE_SECURITY: _security_scopes,
}


def scopes_for(raw: bytes) -> frozenset[str]:
    """Read a RoutableMessage as Tesla's server does and return the scopes of which one is needed.

    Raises ApiError: 422 for what cannot be read, 403 for AES-GCM messages, whose plaintext the
    server could not check against the scopes (vehicle-command, protocol.md).
    """
    try:
        message = universal_message_pb2.RoutableMessage.FromString(raw)
        kind = message.WhichOneof("payload")
        if kind == "session_info_request":
            return EITHER
        if kind != "protobuf_message_as_bytes":
            raise invalid_field("routable_message", "carries no request")
        if message.signature_data.HasField("AES_GCM_Personalized_data"):
            raise ApiError(403, "AES-GCM messages are not accepted, use HMAC_PERSONALIZED")
        reader = _READERS.get(message.to_destination.domain)
        if reader is None:
            raise invalid_field("routable_message", "unknown destination domain")
        return reader(message.protobuf_message_as_bytes)
    except DecodeError as error:
        raise invalid_field("routable_message", "cannot be decoded") from error


async def _carry[Reply](car: Car, deliver: Callable[[], Reply]) -> Reply:
    """Carry a command to a car and its reply back, on a road as bad as the car's quirks have it."""
    if Quirk.IN_SERVICE in car.quirks:
        raise in_service()
    if (hanging := car.quirks.take(Quirk.COMMAND_HANGS)) is not None:
        await asyncio.sleep(hanging.seconds)
    if car.quirks.take(Quirk.COMMAND_UNAVAILABLE):
        raise asleep()
    reply = deliver()
    if (hanging := car.quirks.take(Quirk.ANSWER_HANGS)) is not None:
        await asyncio.sleep(hanging.seconds)
    return reply


async def signed_command(call: Call) -> dict[str, object]:
    """Carry a RoutableMessage to the car and its answer back; never wakes the car."""
    text = call.body.get("routable_message")
    if not isinstance(text, str) or not text:
        raise invalid_field("routable_message", "is missing")
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise invalid_field("routable_message", "is not base64") from error
    needed = scopes_for(raw)
    if not needed & call.scopes:
        raise missing_scopes(needed)
    access = call.vehicle()
    car = access.car
    if car.protocol != "required":
        raise ApiError(422, "vehicle does not support signed commands")
    answer = await _carry(car, lambda: _exchange(car, raw))
    return {"response": base64.b64encode(answer).decode()}


def _exchange(car: Car, raw: bytes) -> bytes:
    # With mobile access off the car itself answers (fault 21); a car out of reach cannot.
    if car.state == "offline":
        raise ApiError(408, "vehicle is offline")
    if car.state == "asleep":
        raise asleep()
    try:
        answer = car.exchange(raw)
    except DomainOutOfReach as error:  # vehicle-command, issues 285 and 450
        raise ApiError(408, "vehicle is offline") from error
    if answer is None:
        raise ApiError(408, "timeout")
    return answer


async def plain_command(call: Call) -> dict[str, object]:
    """Run an unsigned command in a car that does not demand signatures."""
    name = call.tags["name"]
    needed = EITHER if name in CHARGING_COMMANDS else ALL_COMMANDS
    if not needed & call.scopes:
        raise missing_scopes(needed)
    car = call.vehicle().car
    if car.protocol == "required":
        if name in REST_COMMANDS and REST_COMMANDS[name].of_schedules:
            raise ApiError(412, "Not Supported")  # vehicle-command, issue 371
        raise ApiError(
            403, "Tesla Vehicle Command Protocol required, please refer to the documentation"
        )

    def deliver() -> CommandReply:
        reachable(call)
        return car.rest_command(name, call.body)

    try:
        reply = await _carry(car, deliver)
    except UnknownCommand as error:
        raise ApiError(400, "invalid_command", name) from error
    except UnsupportedCommand as error:
        raise ApiError(412, "Not Supported") from error  # vehicle-command, issue 371
    except InvalidBody as error:
        raise ApiError(400, "invalid_field", str(error)) from error
    return {"response": {"result": reply.result, "reason": reply.reason}}
