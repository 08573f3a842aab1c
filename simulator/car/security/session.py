"""What one security domain keeps until it reboots: its key, its epoch, its clock, its counters."""

import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from tesla_protocol.command.signatures_pb2 import Session_Info_Status, SessionInfo

from simulator.car.security.agreement import SharedSecret, dump_point
from simulator.car.security.counters import MAXIMUM, CounterWindow
from simulator.clock import SimulatedClock

EPOCH_LENGTH = 16


class SessionState:
    """The session side of a security domain.

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
        self._loose_tags: dict[bytes, int] = {}
        self.epoch = b""
        self._zero = 0.0
        self.reboot()

    def reboot(self, *, epoch: bytes | None = None) -> None:
        """Begin a new epoch: random id (unless given), clock at 0, no counters used."""
        self.epoch = secrets.token_bytes(EPOCH_LENGTH) if epoch is None else epoch
        self._zero = self._clock.now()
        self._counters.clear()
        self._loose_tags.clear()

    def rekey(self, private_key: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Take a new key, as a replaced computer would, and boot with it."""
        self._private_key = private_key or ec.generate_private_key(ec.SECP256R1())
        self._secrets.clear()
        self.reboot()

    def jump_clock(self, seconds: float) -> None:
        """Move the domain's clock; it never shows less than 0."""
        self._zero -= seconds

    @property
    def clock_time(self) -> int:
        """Whole seconds since the epoch began."""
        return max(0, int(self._clock.now() - self._zero))

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

    def accept_loose(self, tag: bytes, expires_at: int) -> bool:
        """Take note of a command without a counter; False when it was seen before it expired."""
        clock_time = self.clock_time
        self._loose_tags = {tag: end for tag, end in self._loose_tags.items() if end >= clock_time}
        if tag in self._loose_tags:
            return False
        self._loose_tags[tag] = expires_at
        return True

    def renew_if_exhausted(self) -> None:
        """Begin a new epoch when a signer has used the last counter there is."""
        if any(window.highest == MAXIMUM for window in self._counters.values()):
            self.reboot()

    def info(self, signer: bytes, *, status: Session_Info_Status) -> SessionInfo:
        """Return what a signer has to know to sign its next command."""
        return SessionInfo(
            counter=self.highest_counter(signer),
            publicKey=self.public_key,
            epoch=self.epoch,
            clock_time=self.clock_time,
            status=status,
        )
