"""What one security domain keeps until it reboots: its key, its epoch, its clock, its counters."""

from dataclasses import dataclass
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from tesla_protocol.command.signatures_pb2 import Session_Info_Status, SessionInfo

from simulator.car.security.agreement import SharedSecret, dump_point
from simulator.car.security.counters import MAXIMUM, CounterWindow
from simulator.clock import SimulatedClock

EPOCH_LENGTH = 16


@dataclass(slots=True)
class _Epoch:
    """Between two reboots, or from the end of a signer's counters on: an id, and when its clock was 0."""

    id: bytes
    zero: float


class SessionState:
    """The session side of a security domain.

    All signers share the epoch since the last reboot, except for one that used up its counters: it has one of its own
    (vehicle-command, internal/authentication/verifier.go, where epochs are per signer throughout).
    Counters are kept per signer; they outlive unpairing, so that pairing a key again does not let old
    commands run a second time.
    """

    def __init__(self, clock: SimulatedClock, *, window: int) -> None:
        """Boot for the first time, with a key of its own."""
        self._clock = clock
        self._window = window
        self._private_key = ec.generate_private_key(ec.SECP256R1())
        self._secrets: dict[bytes, SharedSecret] = {}
        self._counters: dict[bytes, CounterWindow] = {}
        self._loose_tags: dict[bytes, dict[bytes, int]] = {}
        self._epoch = self._begin()
        self._own_epochs: dict[bytes, _Epoch] = {}

    def reboot(self, *, epoch: bytes | None = None) -> None:
        """Begin a new epoch: random id (unless given), clock at 0, no counters used."""
        self._epoch = self._begin(epoch)
        self._own_epochs.clear()
        self._counters.clear()
        self._loose_tags.clear()

    def rekey(self, private_key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Take a new key, as a replaced computer would, and boot with it."""
        self._private_key = private_key or ec.generate_private_key(ec.SECP256R1())
        self._secrets.clear()
        self.reboot()

    def jump_clock(self, seconds: float) -> None:
        """Move the domain's clock; it never shows less than 0."""
        for epoch in (self._epoch, *self._own_epochs.values()):
            epoch.zero -= seconds

    @property
    def epoch(self) -> bytes:
        """The id of the epoch that began with the last reboot."""
        return self._epoch.id

    @property
    def clock_time(self) -> int:
        """Whole seconds since that epoch began."""
        return self._age(self._epoch)

    def epoch_of(self, signer: bytes) -> bytes:
        """Return the id of the epoch that a signer is in."""
        return self._own_epochs.get(signer, self._epoch).id

    def clock_time_of(self, signer: bytes) -> int:
        """Return the whole seconds since the epoch began that a signer is in."""
        return self._age(self._own_epochs.get(signer, self._epoch))

    def _begin(self, epoch: bytes | None = None) -> _Epoch:
        id_ = secrets.token_bytes(EPOCH_LENGTH) if epoch is None else epoch
        return _Epoch(id_, self._clock.now())

    def _age(self, epoch: _Epoch) -> int:
        return max(0, int(self._clock.now() - epoch.zero))

    @property
    def public_key(self) -> bytes:
        """The domain's own public key, as a 65-byte point."""
        return dump_point(self._private_key.public_key())

    def secret(self, signer: bytes) -> SharedSecret:
        """Return what is shared with a signer; NotAPoint when the bytes are no key."""
        if (secret := self._secrets.get(signer)) is None:
            secret = SharedSecret.agree(self._private_key, signer)
            if len(self._secrets) >= 256:
                self._secrets.clear()
            self._secrets[signer] = secret
        return secret

    def counters(self, signer: bytes) -> CounterWindow:
        """Return the counters a paired signer has used in this epoch."""
        return self._counters.setdefault(signer, CounterWindow(self._window))

    def highest_counter(self, signer: bytes) -> int:
        """Return the highest counter a signer has used in this epoch, 0 for none."""
        window = self._counters.get(signer)
        return window.highest if window else 0

    def accept_loose(self, signer: bytes, tag: bytes, expires_at: int) -> bool:
        """Take note of a command without a counter; False when it was seen before it expired."""
        clock_time = self.clock_time_of(signer)
        seen = self._loose_tags.get(signer, {})
        seen = self._loose_tags[signer] = {
            tag: end for tag, end in seen.items() if end >= clock_time
        }
        if tag in seen:
            return False
        seen[tag] = expires_at
        return True

    def renew_exhausted(self) -> None:
        """Begin a new epoch for every signer that has used the last counter there is."""
        for signer, window in list(self._counters.items()):
            if window.highest == MAXIMUM:
                self._own_epochs[signer] = self._begin()
                del self._counters[signer]
                self._loose_tags.pop(signer, None)

    def info(self, signer: bytes, *, status: Session_Info_Status) -> SessionInfo:
        """Return what a signer has to know to sign its next command."""
        return SessionInfo(
            counter=self.highest_counter(signer),
            publicKey=self.public_key,
            epoch=self.epoch_of(signer),
            clock_time=self.clock_time_of(signer),
            status=status,
        )
