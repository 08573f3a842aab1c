"""A session with one of a car's domains: counter, epoch and clock, and the signatures made with them.

Source: `pkg/protocol/protocol.md` of vehicle-command; the docstrings name its sections.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from tesla_protocol.command import signatures_pb2 as signatures

from .errors import InvalidAnswer, InvalidKey, KeyNotPaired, SessionInfoRejected
from .faults import FAULTS
from .metadata import Tag, serialize
from .virtual_key import PUBLIC_KEY_LENGTH, VirtualKey

EPOCH_LENGTH: Final = 16
MAX_COUNTER: Final = 0xFFFFFFFF
COUNTER_WINDOW: Final = 32
"""A car accepts a counter up to so many below the highest one that it received, once."""
MAX_EXPIRY: Final = 1 << 30
"""Seconds since the begin of the epoch; a car refuses a later expiry."""
MAX_SESSION_INFO_LENGTH: Final = 1024
NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16
KEY_NOT_PAIRED: Final = FAULTS[3]


class Domain(IntEnum):
    """The subsystems with their own sessions (`Domain` in universal_message.proto)."""

    VEHICLE_SECURITY = 2
    INFOTAINMENT = 3


class InvalidSessionState(ValueError):
    """A session cannot be used; a handshake opens a new one."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state of a session that is stored across restarts."""

    vehicle_public_key: bytes
    epoch: bytes
    counter: int
    """The last used counter, by this sender or as reported by the car."""
    clock_time: int
    """The domain's clock when session info was last accepted, in seconds since the begin of its epoch."""
    captured_at: float
    """Our clock at that moment, unix seconds."""

    def as_dict(self) -> dict[str, str | int | float]:
        """Return the state as JSON-compatible values."""
        return {
            "vehicle_public_key": self.vehicle_public_key.hex(),
            "epoch": self.epoch.hex(),
            "counter": self.counter,
            "clock_time": self.clock_time,
            "captured_at": self.captured_at,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> SessionState:
        """Return the state from the values of as_dict(). Raises InvalidSessionState for anything else."""
        try:
            state = cls(
                bytes.fromhex(str(data["vehicle_public_key"])),
                bytes.fromhex(str(data["epoch"])),
                _whole(data["counter"], MAX_COUNTER),
                _whole(data["clock_time"], MAX_COUNTER),
                float(str(data["captured_at"])),
            )
        except (KeyError, ValueError, TypeError) as err:
            raise InvalidSessionState(f"stored session is damaged: {err!r}") from err
        if (
            len(state.vehicle_public_key) != PUBLIC_KEY_LENGTH
            or len(state.epoch) != EPOCH_LENGTH
            or not 0 <= state.captured_at < float("inf")
        ):
            raise InvalidSessionState("stored session has the wrong shape")
        return state


def _whole(value: object, maximum: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise InvalidSessionState("stored session has a number out of range")
    return value


@dataclass(frozen=True, slots=True)
class Authorization:
    """The data that authenticate a command."""

    epoch: bytes
    counter: int
    expires_at: int
    """Seconds by the domain's clock."""
    tag: bytes


class Session:
    """Signs commands for one domain of one car, and decrypts its answers."""

    __slots__ = ("_authentication_key", "_cipher", "_domain", "_info_key", "_vin", "state")

    def __init__(self, key: VirtualKey, vin: str, domain: Domain, state: SessionState) -> None:
        """Derive the session's keys. Raises InvalidKey when the state's vehicle key is not a P-256 point."""
        shared = key.shared_key(state.vehicle_public_key)
        self._vin = vin.encode()
        self._domain = domain
        self._info_key = _subkey(shared, b"session info")
        self._authentication_key = _subkey(shared, b"authenticated command")
        self._cipher = AESGCM(shared)
        self.state = state

    @classmethod
    def from_session_info(
        cls,
        key: VirtualKey,
        vin: str,
        domain: Domain,
        *,
        info: bytes,
        tag: bytes,
        challenge: bytes,
        received_at: float,
    ) -> Session:
        """Open a session with the answer to a handshake ("Response authentication").

        Raises KeyNotPaired, or SessionInfoRejected when the answer is not authentic.
        """
        parsed = _parse(info)
        try:
            session = cls(key, vin, domain, _state_of(parsed, received_at))
        except InvalidKey as err:
            raise SessionInfoRejected(str(err)) from err
        session._authenticate(info, tag, challenge)
        return session

    def update(self, *, info: bytes, tag: bytes, challenge: bytes, received_at: float) -> None:
        """Apply session info from a later answer ("Recovering from synchronization errors").

        Raises SessionInfoRejected, without a change of the session, when the info has an invalid tag, another vehicle
        key, or a clock that went back within the epoch.
        """
        parsed = _parse(info)
        if not hmac.compare_digest(parsed.publicKey, self.state.vehicle_public_key):
            raise SessionInfoRejected("the vehicle's public key changed")
        self._authenticate(info, tag, challenge)
        self.state = _successor(self.state, _state_of(parsed, received_at))

    def succeed(self, earlier: SessionState) -> None:
        """Continue an earlier session with the same domain after a new handshake.

        Raises SessionInfoRejected when the vehicle's clock went back within the epoch.
        """
        if earlier.vehicle_public_key == self.state.vehicle_public_key:
            self.state = _successor(earlier, self.state)

    def outrun(self) -> None:
        """Leave out so many counters that no message from before is accepted once the next one was received.

        After a lost answer its message may still arrive, and must not take effect after a later command.
        """
        if self.state.counter < MAX_COUNTER - COUNTER_WINDOW:
            self.state = replace(self.state, counter=self.state.counter + COUNTER_WINDOW)

    def authorize(self, payload: bytes, *, flags: int, now: float, lifetime: int) -> Authorization:
        """Sign a payload with HMAC-SHA256 and the next counter value ("HMAC-SHA256 authentication").

        `now` is unix seconds, `lifetime` seconds until the car must have received the command.
        Raises InvalidSessionState when the epoch's counter or clock is exhausted.
        """
        elapsed = now - self.state.captured_at
        expires_at = self.state.clock_time + int(elapsed) + lifetime
        if self.state.counter >= MAX_COUNTER or not 0 < expires_at < MAX_EXPIRY:
            raise InvalidSessionState("the session's counter or clock is used up")
        self.state = replace(self.state, counter=self.state.counter + 1)
        items: dict[Tag, bytes | int] = {
            Tag.SIGNATURE_TYPE: signatures.SIGNATURE_TYPE_HMAC_PERSONALIZED,
            Tag.DOMAIN: self._domain,
            Tag.PERSONALIZATION: self._vin,
            Tag.EPOCH: self.state.epoch,
            Tag.EXPIRES_AT: expires_at,
            Tag.COUNTER: self.state.counter,
        }
        if flags:
            items[Tag.FLAGS] = flags
        tag = hmac.digest(self._authentication_key, serialize(items) + payload, hashlib.sha256)
        return Authorization(self.state.epoch, self.state.counter, expires_at, tag)

    def decrypt(
        self,
        ciphertext: bytes,
        data: signatures.AES_GCM_Response_Signature_Data,
        *,
        request_hash: bytes,
        flags: int,
        fault: int,
    ) -> bytes:
        """Decrypt an answer ("Response decryption"). Raises InvalidAnswer if it is not authentic."""
        if len(data.nonce) != NONCE_LENGTH or len(data.tag) != TAG_LENGTH:
            raise InvalidAnswer("encrypted answer has a malformed nonce or tag")
        metadata = serialize(
            {
                Tag.SIGNATURE_TYPE: signatures.SIGNATURE_TYPE_AES_GCM_RESPONSE,
                Tag.DOMAIN: self._domain,
                Tag.PERSONALIZATION: self._vin,
                Tag.COUNTER: data.counter,
                Tag.FLAGS: flags,
                Tag.REQUEST_HASH: request_hash,
                Tag.FAULT: fault,
            }
        )
        try:
            return self._cipher.decrypt(
                data.nonce, ciphertext + data.tag, hashlib.sha256(metadata).digest()
            )
        except InvalidTag:
            raise InvalidAnswer("encrypted answer does not belong to this request") from None

    def _authenticate(self, info: bytes, tag: bytes, challenge: bytes) -> None:
        metadata = serialize(
            {
                Tag.SIGNATURE_TYPE: signatures.SIGNATURE_TYPE_HMAC,
                Tag.PERSONALIZATION: self._vin,
                Tag.CHALLENGE: challenge,
            }
        )
        # over the received bytes: another serialization of the same fields may differ
        expected = hmac.digest(self._info_key, metadata + info, hashlib.sha256)
        if not hmac.compare_digest(expected, tag):
            raise SessionInfoRejected("session info has an invalid tag")


def request_hash(domain: Domain, tag: bytes) -> bytes:
    """Return the value that binds an answer to its request ("Request hash"); vehicle security uses 16 bytes of the tag."""
    if domain is Domain.VEHICLE_SECURITY:
        tag = tag[:16]
    return bytes((signatures.SIGNATURE_TYPE_HMAC_PERSONALIZED,)) + tag


def _successor(old: SessionState, new: SessionState) -> SessionState:
    """Return the new state of a session with the state `old` when the car reports `new`."""
    if new.epoch != old.epoch:
        return new
    if new.clock_time < old.clock_time:
        raise SessionInfoRejected("the vehicle's clock went back within its epoch")
    # the anti-replay counter never goes back within an epoch
    return replace(new, counter=max(new.counter, old.counter))


def _subkey(shared: bytes, label: bytes) -> bytes:
    return hmac.digest(shared, label, hashlib.sha256)


def _parse(info: bytes) -> signatures.SessionInfo:
    """Decode session info. Raises KeyNotPaired if the car reports that, SessionInfoRejected if it is malformed."""
    if len(info) > MAX_SESSION_INFO_LENGTH:
        raise SessionInfoRejected("session info is too long")
    parsed = signatures.SessionInfo()
    try:
        parsed.ParseFromString(info)
    except DecodeError:
        raise SessionInfoRejected("session info does not decode") from None
    if parsed.status == signatures.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST:
        # accepted without a tag: a car has no shared key with a client that is not paired
        raise KeyNotPaired(3, KEY_NOT_PAIRED.name)
    if parsed.status != signatures.SESSION_INFO_STATUS_OK:
        raise SessionInfoRejected(f"session info has status {parsed.status}")
    if len(parsed.epoch) != EPOCH_LENGTH or len(parsed.publicKey) != PUBLIC_KEY_LENGTH:
        raise SessionInfoRejected("session info has an epoch or key of the wrong length")
    return parsed


def _state_of(info: signatures.SessionInfo, received_at: float) -> SessionState:
    return SessionState(info.publicKey, info.epoch, info.counter, info.clock_time, received_at)
