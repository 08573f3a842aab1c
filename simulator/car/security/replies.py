"""Builds what a security domain sends back."""

import hashlib
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tesla_protocol.command.universal_message_pb2 import (
    Destination,
    MessageStatus,
    OperationStatus_E,
    RoutableMessage,
)

from simulator.car.security.agreement import SharedSecret
from simulator.car.security.faults import Fault
from simulator.car.security.metadata import response_metadata
from simulator.car.security.verifier import NONCE_LENGTH

TAG_LENGTH = 16


def reply_to(message: RoutableMessage, *, echo_uuid: bool) -> RoutableMessage:
    """Return an empty reply: addresses reversed, the request's uuid echoed or left empty."""
    reply = RoutableMessage(to_destination=message.from_destination)
    if message.HasField("to_destination"):
        reply.from_destination.CopyFrom(message.to_destination)
    if echo_uuid:
        reply.request_uuid = message.uuid
    return reply


def fault_reply(message: RoutableMessage, fault: Fault, *, echo_uuid: bool) -> RoutableMessage:
    """Return a reply that says only what was wrong."""
    reply = reply_to(message, echo_uuid=echo_uuid)
    set_fault(reply, fault)
    return reply


def set_fault(reply: RoutableMessage, fault: Fault) -> None:
    """Mark a reply as an error."""
    reply.signedMessageStatus.CopyFrom(
        MessageStatus(
            operation_status=OperationStatus_E.OPERATIONSTATUS_ERROR,
            signed_message_fault=f"MESSAGEFAULT_ERROR_{fault.name}",
        )
    )


def parse_domain(destination: Destination) -> int | None:
    """Return the domain a message is for, None when it names none."""
    return destination.domain if destination.WhichOneof("sub_destination") == "domain" else None


def encrypt(
    reply: RoutableMessage, secret: SharedSecret, vin: str, *, request_hash: bytes, counter: int
) -> None:
    """Encrypt a reply's payload and bind it to the request it answers.

    protocol.md, "Response metadata": the reply's own domain, flags and fault take part.
    """
    metadata = response_metadata(
        reply.from_destination.domain,
        vin,
        counter=counter,
        flags=reply.flags,
        request_hash=request_hash,
        fault=reply.signedMessageStatus.signed_message_fault,
    )
    nonce = secrets.token_bytes(NONCE_LENGTH)
    sealed = AESGCM(secret.key).encrypt(
        nonce, reply.protobuf_message_as_bytes, hashlib.sha256(metadata).digest()
    )
    reply.protobuf_message_as_bytes = sealed[:-TAG_LENGTH]
    data = reply.signature_data.AES_GCM_Response_data
    data.nonce, data.counter, data.tag = nonce, counter, sealed[-TAG_LENGTH:]
