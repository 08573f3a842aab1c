"""What both of the car's computers need to know about the payloads they are given."""

from collections.abc import Callable

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from simulator.car.body import Params
from simulator.car.command_table import Command, CommandReply
from simulator.car.security.faults import Fault, MessageRefused
from simulator.car.security.keychain import Role

type Run = Callable[[Command, Params], CommandReply]
"""Carries out a row of the command table."""


def check_service(role: Role) -> None:
    """Refuse Service keys: a car in its default state takes nothing else from them over the internet."""
    if role is Role.SERVICE:
        raise MessageRefused(Fault.REMOTE_SERVICE_ACCESS_DISABLED)


def has_unknown_fields(message: Message) -> bool:
    """Say whether a message, or any message in it, has fields its schema does not know."""
    if len(UnknownFieldSet(message)):
        return True
    parts: list[Message] = []
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            parts.extend([value] if isinstance(value, Message) else value)
    return any(has_unknown_fields(part) for part in parts)
