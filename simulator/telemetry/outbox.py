"""Messages on their way: not sent yet, sent but not acknowledged, given up."""

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import islice
import time

from simulator.car.signals import Reading
from simulator.telemetry.messages import Message

#: What a car keeps while nobody takes it (Fleet Telemetry documentation).
CAPACITY = 5000


class Outbox:
    """First in, first out; what was sent waits here for its acknowledgement."""

    def __init__(self) -> None:
        """Start empty."""
        self.dropped = 0
        #: by field: the newest value that was acknowledged, and when it was measured (unix seconds)
        self.acknowledged: dict[str, tuple[float, Reading]] = {}
        self._queue: deque[Message] = deque()
        self._waiting: dict[bytes, Message] = {}
        self._raw: deque[Iterator[bytes | str]] = deque()
        self._filled = asyncio.Event()

    @property
    def queued(self) -> int:
        """How many messages have to be sent (again)."""
        return len(self._queue)

    @property
    def unacknowledged(self) -> int:
        """How many were sent and wait for their acknowledgement."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether everything was sent and acknowledged."""
        return not self._queue and not self._waiting and not self._raw

    def put(self, message: Message) -> None:
        """Queue a message; the oldest gives way when there are too many."""
        self._queue.append(message)
        self._filled.set()
        while len(self._queue) + len(self._waiting) > CAPACITY:
            if self._waiting:
                del self._waiting[next(iter(self._waiting))]
            else:
                self._queue.popleft()
            self.dropped += 1

    def put_raw(self, frames: Iterator[bytes | str]) -> None:
        """Send these frames, whatever they are, before anything else; none is kept."""
        self._raw.append(frames)
        self._filled.set()

    async def wait(self) -> None:
        """Return when there is something to send."""
        await self._filled.wait()

    def raw(self) -> bytes | str | None:
        """Take the next frame of those that are not messages."""
        while self._raw:
            if (found := next(self._raw[0], None)) is not None:
                return found
            self._raw.popleft()
        return None

    def take(self) -> Message | None:
        """Take the next message; it waits for its acknowledgement from here on."""
        if not self._queue:
            self._filled.clear()
            return None
        message = self._queue.popleft()
        message.sent_at = time.monotonic()
        self._waiting[message.txid] = message
        return message

    def acknowledge(self, txid: bytes, topic: bytes) -> bool:
        """Forget an acknowledged message; False if the acknowledgement fits none."""
        message = self._waiting.get(txid)
        if message is None or message.topic.encode() != topic:
            return False
        del self._waiting[txid]
        for name, reading in message.readings.items():
            before = self.acknowledged.get(name)
            if before is None or message.created_at >= before[0]:
                self.acknowledged[name] = (message.created_at, reading)
        return True

    def refuse(self, txid: bytes) -> bool:
        """Forget a message that the server calls malformed: it would not get better."""
        return self._waiting.pop(txid, None) is not None

    def resend(self, *, older_than: float = 0.0) -> None:
        """Queue what has waited for so many seconds again, in front."""
        before = time.monotonic() - older_than
        again = [message for message in self._waiting.values() if message.sent_at <= before]
        for message in reversed(again):
            del self._waiting[message.txid]
            self._queue.appendleft(message)
        if again:
            self._filled.set()

    def forget_sent(self) -> None:
        """Give up on what was sent: this configuration does not ask for resending."""
        self._waiting.clear()

    def oldest(self, count: int) -> list[Message]:
        """Return the first messages in line, for people who look."""
        return list(islice(self._queue, count))
