"""The limits of the receiver, and the token bucket for rates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the receiver. The defaults allow a car at least ten times what it needs."""

    frame_length: int = 1_048_576
    """Bytes of one WebSocket message; a longer one ends the connection. More than `envelope.MAX_FRAME_LENGTH`: a frame
    that is only a little too large is answered with an error, as by Tesla's server, which has no other limit."""
    malformed_in_a_row: int = 20
    """Successive frames that cannot be decoded, after which the connection is closed."""

    handshakes: int = 512
    """Simultaneous connections whose TLS handshake has not ended; most of them only wait, which costs little."""
    handshakes_per_address: int = 448
    """The same for one address: it leaves room for others."""
    running_handshakes: int = 128
    """TLS handshakes that have begun and not ended, of addresses from which no car has come: each one takes a quarter of
    a megabyte. One has the time in which as many others begin (`accept_pause`)."""
    handshake_timeout: float = 10.0
    """Seconds for a TLS handshake, from the connection on."""
    accept_pause: float = 0.005
    """Seconds between the beginnings of two handshakes: each one takes milliseconds of the event loop's time."""

    request_timeout: float = 10.0
    """Seconds for a car to request its WebSocket."""
    header_line: int = 4096
    """Bytes of the request line and of one header."""
    headers: int = 64

    connections: int = 512
    """Simultaneous connections of all cars."""
    connections_per_car: int = 2
    """A car that changes its network opens a new connection before the old one has ended; the newest ones are kept."""
    reconnect_burst: float = 10.0
    reconnects_per_second: float = 0.5
    """A car increases its pause between attempts up to 30 seconds."""
    disconnect_grace: float = 5.0
    """Seconds without a connection before a car is reported as disconnected."""

    message_burst: float = 500.0
    messages_per_second: float = 100.0
    """A car sends about two a second, and up to 5000 that it stored while it had no connection. Faster messages wait
    in the car: the receiver pauses reading, and drops nothing."""
    message_bytes: int = 2048
    """Bytes that count as one message."""

    settle_timeout: float = 10.0
    """Seconds for a record to be stored safely; after that it is not acknowledged, and the next one is read."""

    heartbeat: float = 30.0
    """Seconds without a message before a ping; the connection is closed after half that time without an answer."""
    write_timeout: float = 10.0
    """Seconds for a car to read acknowledgements."""
    write_buffer: int = 65_536
    """Bytes of unread acknowledgements per car, in our buffer and in the system's one each."""


class TokenBucket:
    """Allows a burst, then a steady rate; the count may become negative, and then take() returns a waiting time."""

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, burst: float, rate: float, now: float) -> None:
        """Start full. `rate` is tokens per second, `now` the time of a monotonic clock."""
        self._burst = burst
        self._rate = rate
        self._tokens = burst
        self._updated = now

    def take(self, tokens: float, now: float) -> float:
        """Take tokens and return how many seconds to wait before the next call."""
        self._refill(now)
        self._tokens -= tokens
        return max(0.0, -self._tokens / self._rate)

    def try_take(self, now: float) -> bool:
        """Take one token if there is one; return whether there was."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
