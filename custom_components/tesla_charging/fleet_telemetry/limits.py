"""What the receiver puts up with, in numbers, and the bucket that measures a flood."""

from dataclasses import dataclass

from .envelope import MAX_FRAME_LENGTH


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the receiver. The defaults leave a car at least ten times what it needs."""

    frame_length: int = MAX_FRAME_LENGTH
    """Bytes of one WebSocket message; a longer one ends the connection."""
    malformed_in_a_row: int = 20
    """Frames that are no envelopes after which the connection ends."""

    handshakes: int = 64
    """TLS handshakes at once; further connections wait in the listen queue."""
    handshake_patience: float = 2.0
    """Seconds after which, if all those are taken, the oldest has to give way."""
    handshake_timeout: float = 10.0
    """Seconds for a TLS handshake."""
    accept_pause: float = 0.005
    """Seconds between two handshakes: they cost milliseconds each, and a hundred cars may come at once."""

    request_timeout: float = 10.0
    """Seconds for a car to ask for its WebSocket."""
    header_line: int = 4096
    """Bytes of the request line and of one header."""
    headers: int = 64

    connections: int = 512
    """Cars' connections at once."""
    connections_per_car: int = 2
    """A car that changes its network opens a new one while the old one is dying; the newest win."""
    reconnect_burst: float = 10.0
    reconnects_per_second: float = 0.5
    """A car's own pause between attempts grows up to 30 seconds."""
    disconnect_grace: float = 5.0
    """Seconds without a connection before a car is called disconnected."""

    message_burst: float = 500.0
    messages_per_second: float = 100.0
    """A car sends about two a second, and up to 5000 that it kept while it had no connection. What comes faster waits
    in the car: reading pauses, nothing is dropped."""
    message_bytes: int = 2048
    """Bytes that count as one message."""

    settle_timeout: float = 10.0
    """Seconds for a record to survive; then it is left unacknowledged, and the next one is read."""

    heartbeat: float = 30.0
    """Seconds of silence before a ping; the connection ends if half as many pass without an answer."""
    write_timeout: float = 10.0
    """Seconds that a car may leave acknowledgements unread."""
    write_buffer: int = 65_536
    """Bytes of unread acknowledgements that are kept for a car, in each of our and the system's buffer."""


class TokenBucket:
    """Allows a burst, then a steady rate; what is taken beyond is a debt that takes time to pay."""

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, burst: float, rate: float, now: float) -> None:
        """Start full. `rate` is tokens per second, `now` a monotonic clock."""
        self._burst = burst
        self._rate = rate
        self._tokens = burst
        self._updated = now

    def take(self, tokens: float, now: float) -> float:
        """Take tokens and return how many seconds to wait before taking more."""
        self._refill(now)
        self._tokens -= tokens
        return max(0.0, -self._tokens / self._rate)

    def try_take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
