"""Frames that no healthy car sends."""

from collections.abc import Callable, Mapping
import os
import random
import time
from uuid import uuid4

from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator.telemetry.messages import frame

_TOO_LONG = 1_000_001


def _payload(vin: str) -> bytes:
    datum = pb.Datum(key=pb.Soc, value=pb.Value(double_value=50.0))
    return pb.Payload(data=[datum], vin=vin).SerializeToString()


def _frame(
    vin: str,
    topic: str = "V",
    payload: bytes | None = None,
    *,
    sender: str | None = None,
    message_type: int = 4,
) -> bytes:
    return frame(
        topic,
        _payload(vin) if payload is None else payload,
        sender or vin,
        txid=f"garbage-{uuid4()}".encode(),
        created_at=time.time(),
        message_type=message_type,
    )


def _mutated(vin: str) -> bytes:
    raw = bytearray(_frame(vin))
    for _ in range(random.randint(1, 8)):
        raw[random.randrange(len(raw))] = random.randrange(256)
    return bytes(raw)


def _truncated(vin: str) -> bytes:
    raw = _frame(vin)
    return raw[: random.randrange(len(raw))]


def _strange_field(vin: str) -> bytes:
    """A field and an arm of the value that no protobuf knows yet: to be ignored, not refused."""
    datum = bytes.fromhex("08 8f 4e 12 05 8a 3f 02 08 01")
    return _frame(vin, payload=b"\x0a" + bytes([len(datum)]) + datum)


#: Name -> maker of one frame. Strings go out as text messages.
GARBAGE: Mapping[str, Callable[[str], bytes | str]] = {
    "random": lambda _: os.urandom(random.randint(1, 2000)),
    "empty": lambda _: b"",
    "text": lambda vin: f"{vin} says hello",
    "mutated": _mutated,
    "truncated": _truncated,
    "bad_protobuf": lambda vin: _frame(vin, payload=b"\xff" * 40),
    "too_long": lambda vin: _frame(vin, payload=bytes(_TOO_LONG)),
    "unknown_topic": lambda vin: _frame(vin, topic="weather"),
    "unknown_type": lambda vin: _frame(vin, message_type=9),
    "foreign_sender": lambda vin: _frame(vin, sender=vin[:-6] + "999999"),
    "strange_field": _strange_field,
}


def maker(kind: str) -> Callable[[str], bytes | str]:
    """Return what makes frames of a kind, given the car's VIN. ValueError for an unknown kind."""
    if kind not in GARBAGE:
        raise ValueError(f"unknown garbage {kind}, there is {', '.join(GARBAGE)}")
    return GARBAGE[kind]
