"""The car's side of the network: from bytes to the domain they are for, and back."""

from collections.abc import Mapping

from google.protobuf.message import DecodeError
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from simulator.car.security.domain import SecurityDomain
from simulator.car.security.faults import Fault
from simulator.car.security.replies import fault_reply, parse_domain

ADDRESS_LENGTH = 16
MAXIMUM_MESSAGE = 16_384


def is_command(raw: bytes) -> bool:
    """Say whether these bytes are a RoutableMessage that carries a command."""
    try:
        message = RoutableMessage.FromString(raw)
    except DecodeError:
        return False
    return message.HasField("protobuf_message_as_bytes")


def exchange(domains: Mapping[int, SecurityDomain], raw: bytes) -> bytes | None:
    """Answer a serialised RoutableMessage with another one; None when nobody can be answered.

    Nothing is answered to bytes that cannot be decoded or whose sender has no 16-byte routing address:
    there is nowhere to send the answer to. An address that names no domain of this car is answered with
    INVALID_DOMAINS (8).
    """
    if len(raw) > MAXIMUM_MESSAGE:
        return None
    try:
        message = RoutableMessage.FromString(raw)
    except DecodeError:
        return None
    if len(message.from_destination.routing_address) != ADDRESS_LENGTH:
        return None
    domain = domains.get(parse_domain(message.to_destination) or 0)
    if domain is None:
        reply: RoutableMessage | None = fault_reply(
            message, Fault.INVALID_DOMAINS, echo_uuid=len(message.uuid) <= ADDRESS_LENGTH
        )
    else:
        reply = domain.handle(message)
    return None if reply is None else reply.SerializeToString()
