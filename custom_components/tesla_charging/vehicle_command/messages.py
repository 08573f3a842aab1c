"""The message envelope: builds requests, and reads answers after checking that they belong to the request.

Sources: `RoutableMessage` in universal_message.proto; answers are matched to requests as in
`internal/dispatcher/dispatcher.go` (both vehicle-command).
"""

from dataclasses import dataclass
import secrets
from typing import Final

from google.protobuf.message import DecodeError
from tesla_protocol.command import universal_message_pb2 as universal

from .errors import InvalidAnswer, SessionInfoRejected
from .faults import WAIT, Fault, fault_row
from .session import Domain, Session, request_hash

ADDRESS_LENGTH: Final = 16
MAX_MESSAGE_LENGTH: Final = 100_000
"""Bytes of an answer, the limit of Tesla's own client."""
FLAG_ENCRYPT_RESPONSE: Final = 1 << universal.FLAG_ENCRYPT_RESPONSE
_DESTINATIONS: Final = {
    Domain.VEHICLE_SECURITY: universal.DOMAIN_VEHICLE_SECURITY,
    Domain.INFOTAINMENT: universal.DOMAIN_INFOTAINMENT,
}
SESSION_INFO_LIFETIME: Final = 10.0
"""Seconds after the request in which received session info is accepted."""


@dataclass(frozen=True, slots=True)
class Request:
    """A message to send, and what its answer has to match."""

    domain: Domain
    message: bytes
    address: bytes
    uuid: bytes
    sent_at: float
    request_hash: bytes | None = None
    """None for a handshake, which is not authenticated."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of an answer that belongs to the request."""

    payload: bytes | None
    fault: Fault | None
    fault_number: int
    session_info: bytes | None
    session_info_tag: bytes


def session_info_request(domain: Domain, public_key: bytes, *, now: float) -> Request:
    """Return a handshake request; its uuid is the challenge that the answer's tag authenticates."""
    message, address, uuid = _envelope(domain)
    message.session_info_request.public_key = public_key
    return Request(domain, message.SerializeToString(), address, uuid, now)


def command_request(
    session: Session,
    domain: Domain,
    public_key: bytes,
    payload: bytes,
    *,
    now: float,
    lifetime: int,
) -> Request:
    """Return a signed command that requests an encrypted answer.

    Raises InvalidSessionState when the session's counter or clock is exhausted.
    """
    message, address, uuid = _envelope(domain)
    message.protobuf_message_as_bytes = payload
    message.flags = FLAG_ENCRYPT_RESPONSE
    authorization = session.authorize(payload, flags=message.flags, now=now, lifetime=lifetime)
    message.signature_data.signer_identity.public_key = public_key
    signed = message.signature_data.HMAC_Personalized_data
    signed.epoch = authorization.epoch
    signed.counter = authorization.counter
    signed.expires_at = authorization.expires_at
    signed.tag = authorization.tag
    digest = request_hash(domain, authorization.tag)
    return Request(domain, message.SerializeToString(), address, uuid, now, digest)


def read_answer(raw: bytes, request: Request, session: Session | None) -> Answer:
    """Decode an answer, check that it belongs to the request, and decrypt it.

    Raises InvalidAnswer if it does not.
    """
    message = _decode(raw)
    _check_routing(message, request)
    number = int(message.signedMessageStatus.signed_message_fault)
    status = message.signedMessageStatus.operation_status
    fault = fault_row(number) if number else None
    if not fault and status == universal.OPERATIONSTATUS_WAIT:
        fault = WAIT
    kind = message.WhichOneof("payload")
    payload = message.protobuf_message_as_bytes if kind == "protobuf_message_as_bytes" else None
    if message.signature_data.WhichOneof("sig_type") == "AES_GCM_Response_data":
        if session is None or request.request_hash is None:
            raise InvalidAnswer("encrypted answer without a session")
        payload = session.decrypt(
            message.protobuf_message_as_bytes,
            message.signature_data.AES_GCM_Response_data,
            request_hash=request.request_hash,
            flags=message.flags,
            # a protobuf enum may be negative; its 32 bits are authenticated
            fault=number & 0xFFFFFFFF,
        )
    if (
        not fault
        and status != universal.OPERATIONSTATUS_OK
        and not payload
        and kind != "session_info"
    ):
        raise InvalidAnswer(f"answer has status {status} and does not say why")
    return Answer(
        payload=payload,
        fault=fault,
        fault_number=number,
        session_info=message.session_info if kind == "session_info" else None,
        session_info_tag=message.signature_data.session_info_tag.tag,
    )


def check_fresh(request: Request, now: float) -> None:
    """Raise SessionInfoRejected if session info was received too long after its request."""
    if not 0 <= now - request.sent_at <= SESSION_INFO_LIFETIME:
        raise SessionInfoRejected("session info came too late to be believed")


def _envelope(domain: Domain) -> tuple[universal.RoutableMessage, bytes, bytes]:
    address, uuid = secrets.token_bytes(ADDRESS_LENGTH), secrets.token_bytes(ADDRESS_LENGTH)
    message = universal.RoutableMessage()
    message.to_destination.domain = _DESTINATIONS[domain]
    message.from_destination.routing_address = address
    message.uuid = uuid
    return message, address, uuid


def _decode(raw: bytes) -> universal.RoutableMessage:
    if not raw or len(raw) > MAX_MESSAGE_LENGTH:
        raise InvalidAnswer("answer is empty or too long")
    message = universal.RoutableMessage()
    try:
        message.ParseFromString(raw)
    except DecodeError:
        raise InvalidAnswer("answer is no RoutableMessage") from None
    return message


def _check_routing(message: universal.RoutableMessage, request: Request) -> None:
    if message.from_destination.WhichOneof("sub_destination") != "domain":
        raise InvalidAnswer("answer has no source domain")
    if message.from_destination.domain != _DESTINATIONS[request.domain]:
        raise InvalidAnswer("answer comes from another domain")
    if message.to_destination.routing_address != request.address:
        raise InvalidAnswer("answer has another address")
    # the vehicle-security controller leaves request_uuid empty, because it has little memory
    optional = request.domain is Domain.VEHICLE_SECURITY and not message.request_uuid
    if not optional and message.request_uuid != request.uuid:
        raise InvalidAnswer("answer belongs to another request")
