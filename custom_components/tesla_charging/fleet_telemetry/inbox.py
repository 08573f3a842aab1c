"""Decodes the frames of one car, passes their records on, and returns the answers for the car."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .certificates.identity import VEHICLE, VEHICLE_BOARD
from .envelope import acknowledgement, read_envelope, refusal
from .errors import EnvelopeError, RecordError
from .records import Record, SignalRecord, read_record


@dataclass(slots=True)
class Counters:
    """Numbers of what one car has sent since the receiver started."""

    messages: int = 0
    records: int = 0
    resent: int = 0
    ignored: int = 0
    """Unknown fields, value forms and enumeration members."""
    unknown: int = 0
    """Messages with unknown topics and types."""
    malformed: int = 0
    """Messages that could not be decoded."""
    foreign: int = 0
    """Messages with another sender than the one in the certificate."""
    unsettled: int = 0
    """Records that were not acknowledged, because they were not stored safely."""
    bytes: int = 0


class Inbox:
    """Processes the frames of one car."""

    __slots__ = ("_now", "_on_record", "_senders", "_vin", "counters", "malformed_in_a_row")

    def __init__(
        self,
        vin: str,
        on_record: Callable[[Record], asyncio.Future[bool] | None],
        now: Callable[[], float],
        counters: Counters,
    ) -> None:
        """Create the inbox of the car with this VIN; `now` is a clock in unix seconds."""
        self._vin = vin
        self._on_record = on_record
        self._now = now
        self._senders: Final = {
            name.encode() for name in (vin, f"{VEHICLE}.{vin}", f"{VEHICLE_BOARD}.{vin}")
        }
        self.counters = counters
        self.malformed_in_a_row = 0

    def take(self, frame: bytes) -> tuple[bytes, asyncio.Future[bool] | None]:
        """Pass a frame's record to on_record(); return the answer for the car, and the future of on_record().

        The answer (`server/streaming/socket.go`) may be sent when that future has the result True, or at once if there
        is none. A record that is not needed is acknowledged too, or the car would send it again for ever. A frame that
        cannot be decoded is answered with an error, as in Tesla's server. on_record() does not raise (`isolation.py`).
        """
        counters = self.counters
        counters.messages += 1
        counters.bytes += len(frame)
        try:
            envelope = read_envelope(frame)
        except EnvelopeError as err:
            return self._refuse(err.txid), None
        txid, topic, stream = envelope.txid, envelope.topic, envelope.stream
        if stream is None:
            counters.unknown += 1
            return acknowledgement(txid, topic), None
        own = stream.sender_id in self._senders
        if not own:
            counters.foreign += 1
        try:
            record = read_record(topic, stream.payload, self._vin, self._now())
        except RecordError:
            return self._refuse(txid), None
        self.malformed_in_a_row = 0
        if record is None:
            counters.unknown += 1
            return acknowledgement(txid, topic) if own else refusal(txid), None
        if isinstance(record, SignalRecord):
            counters.ignored += record.ignored
            counters.resent += record.is_resend
        settled = self._on_record(record)
        counters.records += 1
        return acknowledgement(txid, topic), settled

    def _refuse(self, txid: bytes) -> bytes:
        self.counters.malformed += 1
        self.malformed_in_a_row += 1
        return refusal(txid)
