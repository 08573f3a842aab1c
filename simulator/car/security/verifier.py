"""Decides whether a command is to be believed.

The order of the checks follows the verifier that Tesla published (vehicle-command,
internal/authentication/verifier.go). Where that one is lenient, this one is not: the epoch must be
stated, a command must expire, and a command without a counter runs once.
"""

from dataclasses import dataclass
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tesla_protocol.command.signatures_pb2 import (
    AES_GCM_Personalized_Signature_Data,
    HMAC_Personalized_Signature_Data,
    SignatureType,
)
from tesla_protocol.command.universal_message_pb2 import Domain, Flags, RoutableMessage

from simulator.car.security.agreement import NotAPoint, load_point
from simulator.car.security.faults import Fault, MessageRefused
from simulator.car.security.keychain import Keychain, Role
from simulator.car.security.metadata import command_metadata
from simulator.car.security.session import SessionState

EPOCH_SECONDS = 1 << 30
SECONDS_WITHOUT_ORDER = 30
ENCRYPT_RESPONSE = 1 << Flags.FLAG_ENCRYPT_RESPONSE
NONCE_LENGTH = 12

type _Terms = HMAC_Personalized_Signature_Data | AES_GCM_Personalized_Signature_Data


def is_signed(message: RoutableMessage) -> bool:
    """Say whether a message carries a signature of a kind that commands are signed with, right or wrong."""
    kind = message.signature_data.WhichOneof("sig_type")
    return kind in {"HMAC_Personalized_data", "AES_GCM_Personalized_data"}


@dataclass(frozen=True, slots=True)
class VerifiedCommand:
    """A command that is authentic, fresh and first of its kind."""

    signer: bytes
    role: Role
    counter: int
    payload: bytes
    request_hash: bytes
    wants_encryption: bool


class Verifier:
    """Checks the commands of one security domain."""

    def __init__(self, domain: int, vin: str, session: SessionState, keychain: Keychain) -> None:
        """Check against this session and this keychain."""
        self._domain = domain
        self._vin = vin
        self._session = session
        self._keychain = keychain

    def verify(self, message: RoutableMessage, *, allow_aes_gcm: bool = False) -> VerifiedCommand:
        """Return the command, having used up its counter, or raise MessageRefused."""
        kind = message.signature_data.WhichOneof("sig_type")
        if kind == "HMAC_Personalized_data":
            terms: _Terms = message.signature_data.HMAC_Personalized_data
            signature_type = int(SignatureType.SIGNATURE_TYPE_HMAC_PERSONALIZED)
        elif kind == "AES_GCM_Personalized_data" and allow_aes_gcm:
            terms = message.signature_data.AES_GCM_Personalized_data
            signature_type = int(SignatureType.SIGNATURE_TYPE_AES_GCM_PERSONALIZED)
        else:
            raise MessageRefused(Fault.BAD_PARAMETER)
        signer = self._identify(message)
        paired = self._keychain.find(signer)
        if paired is None:
            raise MessageRefused(Fault.UNKNOWN_KEY_ID)
        if not paired.active:
            raise MessageRefused(Fault.INACTIVE_KEY)
        self._check_freshness(signer, terms)
        metadata = command_metadata(
            signature_type,
            self._domain,
            self._vin,
            epoch=self._session.epoch_of(signer),
            expires_at=terms.expires_at,
            counter=terms.counter,
            flags=message.flags,
        )
        payload = self._open(signer, terms, metadata, message.protobuf_message_as_bytes)
        self._use_counter(signer, terms)
        request_hash = bytes((signature_type,)) + terms.tag
        if self._domain == Domain.DOMAIN_VEHICLE_SECURITY:
            request_hash = request_hash[:17]
        return VerifiedCommand(
            signer=signer,
            role=paired.role,
            counter=terms.counter,
            payload=payload,
            request_hash=request_hash,
            wants_encryption=bool(message.flags & ENCRYPT_RESPONSE),
        )

    def _identify(self, message: RoutableMessage) -> bytes:
        identity = message.signature_data.signer_identity
        match identity.WhichOneof("identity_type"):
            case "public_key":
                try:
                    load_point(identity.public_key)
                except NotAPoint:
                    raise MessageRefused(Fault.BAD_PARAMETER) from None
                return identity.public_key
            case "handle":
                raise MessageRefused(Fault.INVALID_KEY_HANDLE)
            case _:
                raise MessageRefused(Fault.UNKNOWN_KEY_ID)

    def _check_freshness(self, signer: bytes, terms: _Terms) -> None:
        if not hmac.compare_digest(terms.epoch, self._session.epoch_of(signer)):
            raise MessageRefused(Fault.INCORRECT_EPOCH)
        remaining = terms.expires_at - self._session.clock_time_of(signer)
        if terms.expires_at == 0 or remaining < 0:
            raise MessageRefused(Fault.TIME_EXPIRED)
        if terms.expires_at >= EPOCH_SECONDS:
            raise MessageRefused(Fault.BAD_PARAMETER)
        out_of_order = terms.counter == 0 or terms.counter < self._session.highest_counter(signer)
        if out_of_order and remaining > SECONDS_WITHOUT_ORDER:
            raise MessageRefused(Fault.TIME_TO_LIVE_TOO_LONG)

    def _open(self, signer: bytes, terms: _Terms, metadata: bytes, payload: bytes) -> bytes:
        secret = self._session.secret(signer)
        if isinstance(terms, HMAC_Personalized_Signature_Data):
            if not hmac.compare_digest(secret.command_tag(metadata + payload), terms.tag):
                raise MessageRefused(Fault.INVALID_SIGNATURE)
            return payload
        if len(terms.nonce) != NONCE_LENGTH:
            raise MessageRefused(Fault.IV_INCORRECT_LENGTH)
        try:
            return AESGCM(secret.key).decrypt(
                terms.nonce, payload + terms.tag, hashlib.sha256(metadata).digest()
            )
        except InvalidTag:
            raise MessageRefused(Fault.INVALID_SIGNATURE) from None

    def _use_counter(self, signer: bytes, terms: _Terms) -> None:
        if terms.counter:
            fresh = self._session.counters(signer).accept(terms.counter)
        elif self._domain == Domain.DOMAIN_VEHICLE_SECURITY:
            fresh = False
        else:
            fresh = self._session.accept_loose(signer, terms.tag, terms.expires_at)
        if not fresh:
            raise MessageRefused(Fault.INVALID_TOKEN_OR_COUNTER)
