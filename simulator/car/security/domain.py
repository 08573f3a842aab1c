"""A security domain: the part of the car that answers messages addressed to it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from tesla_protocol.command.signatures_pb2 import Session_Info_Status, SessionInfo
from tesla_protocol.command.universal_message_pb2 import Domain, OperationStatus_E, RoutableMessage

from simulator.car.security.agreement import NotAPoint
from simulator.car.security.faults import DESYNCHRONISED, Fault, MessageRefused
from simulator.car.security.keychain import Keychain, Role
from simulator.car.security.metadata import session_info_metadata
from simulator.car.security.replies import encrypt, fault_reply, reply_to, set_fault
from simulator.car.security.session import SessionState
from simulator.car.security.verifier import VerifiedCommand, Verifier, is_signed
from simulator.clock import SimulatedClock

UUID_LENGTH = 16
BUSY: Final = "busy"


@dataclass(frozen=True, slots=True)
class Executed:
    """A signed command that was carried out."""

    name: str
    counter: int
    signer: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a subsystem has to say about a command: its name and the serialised reply."""

    name: str
    payload: bytes


class DomainOutOfReach(Exception):
    """A message for this domain does not get to the car, although the car is online."""


type Execute = Callable[[bytes, Role], Answer]
"""Carries out a payload for a role; raises MessageRefused."""


class SecurityDomain:
    """Verifies, executes and answers; can be told to misbehave as real cars do."""

    def __init__(
        self,
        number: int,
        vin: str,
        clock: SimulatedClock,
        keychain: Keychain,
        execute: Execute,
        *,
        window: int,
    ) -> None:
        """Boot the domain `number` (2 vehicle security, 3 infotainment)."""
        self.number = number
        self._vin = vin
        self._session = SessionState(clock, window=window)
        self._keychain = keychain
        self._verifier = Verifier(number, vin, self._session, keychain)
        self._execute = execute
        # Vehicle security leaves request_uuid empty (protocol.md: memory constraints), but not beside session info.
        self._echo_uuid = number != Domain.DOMAIN_VEHICLE_SECURITY
        self._injected: deque[Fault | Literal["busy"]] = deque()
        self._injected_handshakes: deque[Fault] = deque()
        self.executed: list[Executed] = []
        self.encrypts_responses = True
        self.encrypts_faults = False
        self.requires_response_encryption = False
        self.allows_aes_gcm = False
        self.unresponsive = False
        self.out_of_reach = False
        self.remote_access = True
        self.bare_unpaired_handshake = False

    def reboot(self, *, epoch: bytes | None = None) -> None:
        """Begin a new epoch: clock 0, counter 0, a random id unless one is given."""
        self._session.reboot(epoch=epoch)

    def rekey(self, private_key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Reboot with a new P-256 key, as after a computer was replaced."""
        self._session.rekey(private_key)

    def jump_clock(self, seconds: float) -> None:
        """Move the domain's clock, forwards or backwards, within the epoch."""
        self._session.jump_clock(seconds)

    @property
    def epoch(self) -> bytes:
        """The id of the present epoch, 16 bytes; a signer that used up its counters has another one."""
        return self._session.epoch

    @property
    def clock_time(self) -> int:
        """Whole seconds since the epoch began."""
        return self._session.clock_time

    @property
    def public_key(self) -> bytes:
        """The domain's public key, a 65-byte point."""
        return self._session.public_key

    def counter(self, signer: bytes) -> int:
        """Return the highest counter a signer has used in this epoch."""
        return self._session.highest_counter(signer)

    def message_fault_next(self, fault: int, times: int = 1) -> None:
        """Answer the next `times` authentic commands with this fault.

        Their counters are used up. They are not executed, except for RESPONSE_MTU_EXCEEDED (25), where
        only the answer does not fit.
        """
        self._injected.extend([Fault(fault)] * times)

    def handshake_fault_next(self, fault: int, times: int = 1) -> None:
        """Answer the next `times` session info requests with this fault."""
        self._injected_handshakes.extend([Fault(fault)] * times)

    def busy_next(self, times: int = 1) -> None:
        """Answer the next `times` authentic commands with operation_status WAIT, without executing them."""
        self._injected.extend(BUSY for _ in range(times))

    def clear_injected(self) -> None:
        """Forget every fault that was ordered and not yet served."""
        self._injected.clear()
        self._injected_handshakes.clear()

    def handle(self, message: RoutableMessage) -> RoutableMessage | None:
        """Answer a message whose addresses were found to be in order. Raises DomainOutOfReach."""
        if self.out_of_reach:
            raise DomainOutOfReach
        if self.unresponsive:
            return None
        if len(message.uuid) > UUID_LENGTH:
            return fault_reply(message, Fault.BAD_PARAMETER, echo_uuid=False)
        self._session.renew_exhausted()
        kind = message.WhichOneof("payload") if message.uuid else None
        try:
            match kind:
                case "session_info_request":
                    return self._handshake(message)
                case "protobuf_message_as_bytes":
                    return self._command(message)
                case _:
                    return self._refuse(message, Fault.BAD_PARAMETER)
        except MessageRefused as refusal:
            return self._refuse(message, refusal.fault)

    def _handshake(self, message: RoutableMessage) -> RoutableMessage:
        if self._injected_handshakes:
            raise MessageRefused(self._injected_handshakes.popleft())
        signer = message.session_info_request.public_key
        status = Session_Info_Status.SESSION_INFO_STATUS_OK
        if signer not in self._keychain:
            status = Session_Info_Status.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST
        reply = reply_to(message, echo_uuid=self._echo_uuid)
        try:
            self._attach_session_info(reply, signer, message.uuid, status)
        except NotAPoint:
            raise MessageRefused(Fault.BAD_PARAMETER) from None
        if status and self.bare_unpaired_handshake:
            reply.ClearField("signature_data")
            reply.session_info = SessionInfo(status=status).SerializeToString()
        return reply

    def _command(self, message: RoutableMessage) -> RoutableMessage:
        command = self._verifier.verify(message, allow_aes_gcm=self.allows_aes_gcm)
        try:
            return self._obey(message, command)
        except MessageRefused as refusal:
            reply = self._refuse(message, refusal.fault)
            if self.encrypts_faults and command.wants_encryption and not reply.session_info:
                reply.protobuf_message_as_bytes = b""
                self._encrypt(reply, command)
            return reply

    def _obey(self, message: RoutableMessage, command: VerifiedCommand) -> RoutableMessage:
        if not self.remote_access:
            raise MessageRefused(Fault.REMOTE_ACCESS_DISABLED)
        if self.requires_response_encryption and not command.wants_encryption:
            raise MessageRefused(Fault.REQUIRES_RESPONSE_ENCRYPTION)
        reply = reply_to(message, echo_uuid=self._echo_uuid)
        injected = self._injected.popleft() if self._injected else None
        if injected == BUSY:
            reply.signedMessageStatus.operation_status = OperationStatus_E.OPERATIONSTATUS_WAIT
            return reply
        if isinstance(injected, Fault) and injected is not Fault.RESPONSE_MTU_EXCEEDED:
            raise MessageRefused(injected)
        answer = self._execute(command.payload, command.role)
        self.executed.append(Executed(answer.name, command.counter, command.signer))
        if isinstance(injected, Fault):
            raise MessageRefused(injected)
        reply.protobuf_message_as_bytes = answer.payload
        if self.encrypts_responses and command.wants_encryption:
            self._encrypt(reply, command)
        return reply

    def _encrypt(self, reply: RoutableMessage, command: VerifiedCommand) -> None:
        secret = self._session.secret(command.signer)
        # One answer per request, so the response counter is always the first.
        encrypt(reply, secret, self._vin, request_hash=command.request_hash, counter=1)

    def _refuse(self, message: RoutableMessage, fault: Fault) -> RoutableMessage:
        reply = reply_to(message, echo_uuid=self._echo_uuid)
        set_fault(reply, fault)
        signer = message.signature_data.signer_identity.public_key
        if fault in DESYNCHRONISED and is_signed(message) and signer in self._keychain:
            status = Session_Info_Status.SESSION_INFO_STATUS_OK
            self._attach_session_info(reply, signer, message.uuid, status)
        return reply

    def _attach_session_info(
        self, reply: RoutableMessage, signer: bytes, challenge: bytes, status: Session_Info_Status
    ) -> None:
        secret = self._session.secret(signer)
        info = self._session.info(signer, status=status).SerializeToString()
        reply.session_info = info
        # The challenge under the tag: Tesla's client reads it from here and opens no session without it.
        reply.request_uuid = challenge
        reply.signature_data.session_info_tag.tag = secret.session_info_tag(
            session_info_metadata(self._vin, challenge) + info
        )
