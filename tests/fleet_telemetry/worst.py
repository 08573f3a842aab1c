"""Messages of a megabyte that are meant to keep a decoder busy: for the bench, and for the tests of its bounds."""

from collections.abc import Callable
import json
import time

from custom_components.tesla_charging.fleet_telemetry import TelemetryError
from custom_components.tesla_charging.fleet_telemetry.certificates.trust import (
    MAX_BUNDLE_LENGTH,
    read_bundle,
)
from custom_components.tesla_charging.fleet_telemetry.envelope import MAX_FRAME_LENGTH
from custom_components.tesla_charging.fleet_telemetry.inbox import Counters, Inbox
from custom_components.tesla_charging.fleet_telemetry.mqtt import MAX_PAYLOAD_LENGTH, read_message

from .frames import stream

VIN = "LRW3E7EK0PC000101"
MEGABYTE = MAX_FRAME_LENGTH - 1000
"""Bytes of a payload; the envelope takes the rest."""
MANY_TAGS = 80_000


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    written = b""
    while number > 0x7F:
        written += bytes([number & 0x7F | 0x80])
        number >>= 7
    return written + bytes([number])


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of protobuf."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def _filled(unit: bytes) -> bytes:
    return unit * (MEGABYTE // len(unit))


def tags(count: int) -> bytes:
    """Return the tags of a VehicleError, all with different names."""
    return b"".join(field(3, field(1, b"%x" % n) + field(2, b"")) for n in range(count))


def _most_tags() -> bytes:
    whole = tags(130_000)
    end = whole.rindex(b"\x1a", 0, MEGABYTE)
    return whole[:end]


def _long_tags() -> bytes:
    """Return as many tags as fit in, each beginning with two bytes where one would do."""
    keys = (bytes([n & 0x7F, n >> 7 & 0x7F, n >> 14]) for n in range(MEGABYTE // 8 - 2))
    return b"".join(b"\x9a\x00" + b"\x05" + field(1, key) for key in keys)


def payloads() -> dict[str, tuple[bytes, bytes]]:
    """Return topic and payload, by what is in it."""
    number = field(1, b"\x08\x08" + field(2, b"\x29" + bytes(8)))
    return {
        "empty values": (b"V", _filled(field(1, b""))),
        "numbers": (b"V", _filled(number)),
        "as many numbers as allowed": (b"V", number * 1024),
        "one value, again and again": (b"V", field(1, _filled(field(2, field(7, b""))))),
        "one value with doors": (b"V", field(1, _filled(field(2, field(21, b""))))),
        "one long text": (b"V", field(1, b"\x08\x40" + field(2, field(1, b"9" * MEGABYTE)))),
        "a thousand texts for numbers": (
            b"V",
            field(1, b"\x08\x08" + field(2, field(1, b"9" * 970))) * 1000,
        ),
        "a thousand texts for places": (
            b"V",
            field(1, b"\x08\x15" + field(2, field(1, b"(" + b"9" * 960))) * 1000,
        ),
        "times, again and again": (b"V", _filled(field(2, b""))),
        "unknown numbers": (b"V", _filled(b"\x78\x00")),
        "unknown groups": (b"V", _filled(b"\x7b\x7c")),
        "a group, then empty values": (b"V", b"\x7b\x7c" + _filled(field(1, b""))),
        "a number without an end": (b"V", _filled(b"\x80")),
        "empty alerts": (b"alerts", _filled(field(1, b""))),
        "audiences": (b"alerts", field(1, field(2, b"\x01" * MEGABYTE))),
        "audiences one by one": (b"alerts", field(1, _filled(b"\x10\x01"))),
        "empty errors": (b"errors", _filled(field(1, b""))),
        f"{MANY_TAGS} tags": (b"errors", field(1, tags(MANY_TAGS))),
        "most tags": (b"errors", field(1, _most_tags())),
        "most tags, with long numbers": (b"errors", field(1, _long_tags())),
        "empty tags": (b"errors", field(1, _filled(field(3, b"")))),
        "256 errors with tags": (b"errors", field(1, tags(330)) * 256),
        "one long body": (b"errors", field(1, field(4, "é".encode() * (MEGABYTE // 2)))),
        "connectivity": (b"connectivity", _filled(field(4, b""))),
        "unknown topic": (b"later", bytes(MEGABYTE)),
    }


def works() -> dict[str, Callable[[], object]]:
    """Return a call for each worst message, by its name: what the event loop does with it, up to the listener."""
    inbox = Inbox(VIN, lambda _: None, time.time, Counters())
    calls: dict[str, Callable[[], object]] = {
        name: _call(inbox.take, stream(payload, topic=topic, sender=VIN.encode()))
        for name, (topic, payload) in payloads().items()
    }
    calls["a frame of zeros"] = _call(inbox.take, bytes(MAX_FRAME_LENGTH))
    longest = MAX_PAYLOAD_LENGTH - 100
    mqtt = {
        "errors/x": json.dumps({"Tags": {f"{n:x}": "" for n in range(longest // 14)}}),
        "alerts/x/history": "[" + "{}," * (longest // 3) + "{}]",
        "v/Location": json.dumps("(" + "9" * longest),
        "v/Soc": "[" * longest,
    }
    for topic, text in mqtt.items():
        calls[f"MQTT {topic}"] = _call(_read_mqtt, topic, text)
    block = b"-----BEGIN CERTIFICATE-----" + b"\n" * 20_000
    calls["a bundle of spaces"] = _call(_read_bundle, (block * 20)[:MAX_BUNDLE_LENGTH])
    return calls


def _call[*Ts](work: Callable[[*Ts], object], *args: *Ts) -> Callable[[], object]:
    return lambda: work(*args)


def _read_mqtt(topic: str, text: str) -> None:
    try:
        read_message("telemetry", f"telemetry/{VIN}/{topic}", text, 1e9, retained=False)
    except TelemetryError:
        return


def _read_bundle(pem: bytes) -> None:
    try:
        read_bundle(pem)
    except TelemetryError:
        return


def milliseconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Return what one call takes of this thread's time; the least of some rounds."""
    least = 1e9
    for _ in range(rounds):
        started = time.thread_time()
        work()
        least = min(least, time.thread_time() - started)
    return least * 1e3
