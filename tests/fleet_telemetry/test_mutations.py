"""Frames that no car would send, by the hundred thousand; the seeds are fixed, so a failure can be repeated."""

from collections.abc import Iterator
from dataclasses import replace
import gc
import json
import logging
import os
from pathlib import Path
import random
import struct
import time
import tracemalloc

from aiohttp import WSMsgType
import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as vehicle_data

from custom_components.tesla_charging.fleet_telemetry import Record, RecordError, read_message
from custom_components.tesla_charging.fleet_telemetry.envelope import read_envelope
from custom_components.tesla_charging.fleet_telemetry.errors import EnvelopeError
from custom_components.tesla_charging.fleet_telemetry.inbox import Counters, Inbox
from custom_components.tesla_charging.fleet_telemetry.records import read_record

from .frames import GO_ACK, GOLDEN_STREAM, alerts, errors, payload, stream
from .receiver_world import QUICK, VIN, ReceiverWorld, say, soc

NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
PAYLOADS = (
    (
        b"V",
        payload(
            {
                "Soc": {"double_value": 50.5},
                "DetailedChargeState": {"detailed_charge_state_value": 4},
            }
        ),
    ),
    (b"V", payload({"Location": {"location_value": {"latitude": 1.5, "longitude": 2.5}}})),
    (
        b"V",
        payload(
            {"Version": {"string_value": "2026.32"}, "Gear": {"invalid": True}}, is_resend=True
        ),
    ),
    (b"alerts", alerts(started_at=1_700_000_000.0)),
    (b"errors", errors(field_name="Soc")),
)
FRAMES = (
    GOLDEN_STREAM,
    GO_ACK,
    *(stream(data, topic=topic, txid=b"0123456789abcdef") for topic, data in PAYLOADS),
    stream(b"x", topic=b"unknown", delivered_at_ms=5),
)


def mutated(data: bytes | bytearray, chance: random.Random) -> bytes:
    """Return data with a few things wrong."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(result) + 1)
        match chance.randrange(7):
            case 0 if at < len(result):
                result[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(result):
                result[at] = chance.randrange(256)
            case 2:
                del result[at:]
            case 3:
                del result[at : at + chance.randint(1, 8)]
            case 4:
                result[at:at] = chance.randbytes(chance.randint(1, 8))
            case 5:
                result[at : at + 4] = struct.pack("<I", chance.choice(NUMBERS))
            case _:
                start = chance.randrange(len(result) + 1)
                result[at:at] = result[start : start + chance.randint(1, 16)]
    return bytes(result)


def mutant(chance: random.Random) -> bytes:
    """Return a frame with a broken envelope, or a good one around a broken record."""
    if chance.random() < 0.5:
        return mutated(chance.choice(FRAMES), chance)
    topic, data = chance.choice(PAYLOADS)
    return stream(mutated(data, chance), topic=topic)


def mutants(chance: random.Random, count: int) -> Iterator[bytes]:
    """Return broken frames, no two alike: broken records in good envelopes, broken envelopes, and both."""
    # the library writes envelopes slowly, so a record is broken in its envelope
    wrapped = [(stream(data, topic=topic), data) for topic, data in PAYLOADS]
    for n in range(count):
        if n % 3:
            yield mutated(FRAMES[n % len(FRAMES)], chance)
            continue
        frame, data = wrapped[n % len(wrapped)]
        result, start = bytearray(frame), frame.index(data)
        for _ in range(chance.randint(1, 3)):
            result[start + chance.randrange(len(data))] = chance.randrange(256)
        yield bytes(result) if n % 2 else mutated(result, chance)


def test_a_hundred_thousand_mutants_raise_nothing_unexpected() -> None:
    outcomes = {"record": 0, "unknown": 0, "envelope": 0, "payload": 0}
    for frame in mutants(random.Random(20260921), 100_000):
        try:
            envelope = read_envelope(frame)
        except EnvelopeError:
            outcomes["envelope"] += 1
            continue
        if envelope.stream is None:
            outcomes["unknown"] += 1
            continue
        try:
            record = read_record(envelope.topic, envelope.stream.payload, VIN, 1.8e9)
        except RecordError:
            outcomes["payload"] += 1
        else:
            outcomes["unknown" if record is None else "record"] += 1
    # each of the ways out is really taken
    assert min(outcomes.values()) > 1000, outcomes


def test_mutated_payloads_raise_nothing_unexpected() -> None:
    chance = random.Random(4711)
    read = 0
    for n in range(50_000):
        topic, data = PAYLOADS[n % len(PAYLOADS)]
        try:
            read += read_record(topic, mutated(data, chance), VIN, 1.8e9) is not None
        except RecordError:
            continue
    assert 1000 < read < 49_000


def test_mutated_messages_of_a_broker_raise_nothing_unexpected() -> None:
    chance = random.Random(1883)
    good = [
        ("v/Soc", b"50.5"),
        ("v/Location", b'{"latitude":1.5,"longitude":2.5}'),
        ("v/DetailedChargeState", b'"DetailedChargeStateCharging"'),
        (
            "alerts/x/current",
            json.dumps({"StartedAt": "2026-09-21T14:13:20Z", "Audiences": ["A"]}).encode(),
        ),
        ("alerts/x/history", b'[{"StartedAt":"2026-09-21T14:13:20Z"}]'),
        ("errors/x", b'{"Body":"b","Tags":{"a":"b"},"CreatedAt":"2026-09-21T14:13:20Z"}'),
        (
            "connectivity",
            b'{"ConnectionId":"c","Status":"CONNECTED","CreatedAt":"2026-09-21T14:13:20Z"}',
        ),
    ]
    read = 0
    for n in range(50_000):
        rest, data = good[n % len(good)]
        topic = f"base/{VIN}/{rest}"
        if n % 4 == 0:
            topic = mutated(topic.encode(), chance).decode("latin-1")
        try:
            read += (
                read_message("base", topic, mutated(data, chance), 1.8e9, retained=False)
                is not None
            )
        except RecordError:
            continue
    assert read > 1000


@pytest.mark.soak
@pytest.mark.ci
def test_memory_does_not_grow() -> None:
    """No two frames are alike, so whatever is kept of any of them adds up."""
    applied = 0

    def apply(record: Record) -> None:
        nonlocal applied
        applied += 1

    inbox = Inbox(VIN, apply, time.time, Counters())
    resident = 0
    try:
        for n, frame in enumerate(mutants(random.Random(42), 100_000)):
            if n == 60_000:  # by now everything is in place that is made once
                tracemalloc.start()
                resident = _resident()
            inbox.take(frame)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # each way out is taken a thousand times and more; a list that grows takes eight bytes for each frame
    assert min(applied, inbox.counters.malformed, inbox.counters.unknown) > 1000
    assert grown < 100_000
    # what the libraries keep, Python does not see
    assert _resident() - resident < 4 * 2**20


def test_nothing_is_kept_of_fields_that_nobody_knows() -> None:
    def take(first: int) -> None:
        message = vehicle_data.Payload()
        for key in range(first, first + 1000):
            message.data.add(key=key, value=vehicle_data.Value(double_value=1))
        inbox.take(stream(message.SerializeToString()))

    inbox = Inbox(VIN, lambda record: None, time.time, Counters())
    take(100_000)
    tracemalloc.start()
    try:
        for first in range(200_000, 220_000, 1000):
            take(first)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
    assert inbox.counters.ignored == 21_000


def _resident() -> int:
    """Return how many bytes of memory the process occupies."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_a_running_receiver_still_answers_a_good_car(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(8443)
    await world.receiver.stop()
    await world.start(
        replace(
            QUICK,
            message_burst=1e6,
            messages_per_second=1e6,
            reconnect_burst=1e6,
            malformed_in_a_row=50,
        )
    )
    left = 3000
    while left > 0:
        async with world.connect() as car:
            while left > 0:
                left -= 1
                await car.send_bytes(mutant(chance))
                answer = await car.receive(timeout=5)
                if answer.type is not WSMsgType.BINARY:
                    assert answer.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
                    break
                read_envelope(answer.data)  # what comes back is well-formed
    async with world.connect() as car:
        assert await say(car, soc(77)) == GO_ACK
    assert world.home.values("Soc")[-1] == 77
    # below an error, the event loop itself only says that this machine is slow
    heard = [r for r in caplog.records if r.name != "asyncio" or r.levelno >= logging.ERROR]
    assert not [record for record in heard if record.levelno >= logging.WARNING]


async def test_mutated_websocket_and_http_bytes_leave_the_receiver_answering(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(6455)
    await world.receiver.stop()
    await world.start(replace(QUICK, reconnect_burst=1e6, request_timeout=0.3))
    certificate = world.tree.car(VIN)
    request = (
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    frame = soc(1)
    said = b"\x82" + struct.pack("!BH", 0xFE, len(frame)) + bytes(4) + frame
    for n in range(150):
        _, writer = await world.open_raw(VIN, certificate)
        head = mutated(request, chance) if n % 2 else request
        writer.write(head + b"".join(mutated(said, chance) for _ in range(3)))
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            continue
    async with world.connect() as car:
        assert await say(car, soc(78)) == GO_ACK
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
