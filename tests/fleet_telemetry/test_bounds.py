"""Every bound of the receiver, crossed; and that a car that behaves does not notice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
import struct
import time

import aiohttp
from aiohttp import WSMsgType
import pytest

from custom_components.tesla_charging.fleet_telemetry import Limits
from custom_components.tesla_charging.fleet_telemetry.envelope import MAX_FRAME_LENGTH, refusal
from custom_components.tesla_charging.fleet_telemetry.limits import TokenBucket

from .frames import GO_ACK, UPGRADE, frame_on_the_wire, stream
from .pki import issue
from .receiver_world import OTHER_VIN, QUICK, VIN, ReceiverWorld, say, soc, until

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def bounded(world: ReceiverWorld, **limits: float) -> None:
    """Start the receiver anew with other limits."""
    await world.receiver.stop()
    await world.start(replace(QUICK, **limits))  # type: ignore[arg-type]  # whole numbers where they belong


@asynccontextmanager
async def upgraded(world: ReceiverWorld, vin: str = VIN) -> AsyncIterator[asyncio.StreamWriter]:
    """Give a raw connection that is a WebSocket; nobody reads it."""
    reader, writer = await world.open_raw(vin)
    writer.write(UPGRADE + b"\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    yield writer
    writer.transport.abort()


async def closed(reader: asyncio.StreamReader, seconds: float = 5.0) -> bytes:
    """Return all that comes until the connection ends."""
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    except ConnectionResetError:
        return b""


async def test_a_frame_of_more_than_a_million_bytes_is_answered_with_an_error(
    world: ReceiverWorld,
) -> None:
    async with world.connect() as car:
        largest = soc(1) + bytes(MAX_FRAME_LENGTH - len(soc(1)))
        assert await say(car, largest) == GO_ACK
        assert await say(car, largest + b"\0") == refusal(b"")
        assert await say(car, soc(2)) == GO_ACK
    assert world.home.values("Soc") == [1, 2]


async def test_a_frame_of_more_than_a_mebibyte_ends_the_connection(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        await car.send_bytes(bytes(Limits().frame_length + 1))
        answer = await car.receive(timeout=5)
        assert (answer.type, answer.data) == (WSMsgType.CLOSE, 1009)


async def test_a_frame_that_announces_too_much_is_not_waited_for(world: ReceiverWorld) -> None:
    async with upgraded(world) as writer:
        writer.write(b"\x82" + struct.pack("!BQ", 0x80 | 127, 1 << 40) + bytes(4))
        await until(lambda: (VIN, False) in world.home.connections)


async def test_nothing_but_garbage_ends_the_connection(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        for _ in range(Limits().malformed_in_a_row - 1):
            await say(car, b"garbage")
        assert await say(car, soc(1)) == GO_ACK  # one good frame and the count begins anew
        for _ in range(Limits().malformed_in_a_row):
            await say(car, b"garbage")
        assert (await car.receive(timeout=5)).type is WSMsgType.CLOSE
    assert "car sends what cannot be understood" in world.receiver.refusals


async def test_text_ends_the_connection_as_it_does_at_teslas(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        await car.send_str("hello")
        answer = await car.receive(timeout=5)
        assert (answer.type, answer.data) == (WSMsgType.CLOSE, 1003)


async def test_a_handshake_takes_no_longer_than_its_time(world: ReceiverWorld) -> None:
    await bounded(world, handshake_timeout=0.2)
    reader, _ = await asyncio.open_connection("127.0.0.1", world.receiver.port)
    assert await closed(reader, 2) == b""
    await until(lambda: world.receiver.refusals == {"handshake took too long": 1})


async def test_idle_handshakes_give_way_to_cars(world: ReceiverWorld) -> None:
    await bounded(world, handshakes=4, accept_pause=0)
    idle = [await asyncio.open_connection("127.0.0.1", world.receiver.port) for _ in range(12)]
    started = time.monotonic()
    async with world.connect() as car:
        assert await say(car, soc(1)) == GO_ACK
    assert time.monotonic() - started < 2
    assert world.receiver.refusals["handshake gave way to others"] >= 9
    for _, writer in idle:
        writer.close()


async def test_a_car_has_to_ask_for_its_websocket_in_time(world: ReceiverWorld) -> None:
    await bounded(world, request_timeout=0.3)
    for beginning in (b"", b"GET / HTTP/1.1\r\nHost:"):
        reader, writer = await world.open_raw()
        writer.write(beginning)
        assert await closed(reader, 3) == b""


async def test_headers_that_trickle_in_are_cut_off(world: ReceiverWorld) -> None:
    await bounded(world, request_timeout=0.3)
    reader, writer = await world.open_raw()
    ended = asyncio.ensure_future(closed(reader))
    async with asyncio.timeout(5):
        for byte in UPGRADE:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
            if ended.done():
                break
    assert ended.done()
    assert await ended == b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * Limits().header_line + b" HTTP/1.1\r\n\r\n",
        UPGRADE + b"X-Large: " + b"x" * (Limits().header_line + 1) + b"\r\n\r\n",
        UPGRADE + b"".join(b"X-%d: x\r\n" % n for n in range(Limits().headers + 1)) + b"\r\n",
    ],
    ids=["path", "header", "headers"],
)
async def test_a_large_request_is_refused(world: ReceiverWorld, head: bytes) -> None:
    reader, writer = await world.open_raw()
    writer.write(head)
    assert b" 400 " in (await closed(reader)).split(b"\r\n")[0]
    assert world.home.connections == []


async def test_of_a_cars_connections_the_newest_win(world: ReceiverWorld) -> None:
    async with world.connect() as first, world.connect() as second:
        await say(first, soc(1))
        await say(second, soc(2))
        async with world.connect() as third:
            assert await say(third, soc(3)) == GO_ACK
            assert await say(second, soc(4)) == GO_ACK
            assert (await first.receive(timeout=5)).type is WSMsgType.CLOSED
    assert world.home.connections == [(VIN, True)]


async def test_connections_in_all_are_bounded(world: ReceiverWorld) -> None:
    await bounded(world, connections=2)
    world.home.vins.add("LRW3E7EK0PC000404")
    async with world.connect(VIN) as one, world.connect(OTHER_VIN) as two:
        with pytest.raises(aiohttp.ClientError):
            async with world.connect("LRW3E7EK0PC000404"):
                pass
        assert set(world.receiver.refusals) == {"too many connections"}
        await say(one, soc(1))
        await say(two, soc(1))
    await until(lambda: (VIN, False) in world.home.connections)
    async with world.connect("LRW3E7EK0PC000404") as three:
        assert await say(three, soc(3)) == GO_ACK


async def test_a_flood_waits_in_the_car_and_nothing_of_it_is_dropped(world: ReceiverWorld) -> None:
    await bounded(world, message_burst=10, messages_per_second=50)
    async with world.connect() as car:
        started = time.monotonic()
        for n in range(40):
            await car.send_bytes(soc(n, b"%d" % n))
        answers = [await car.receive_bytes(timeout=5) for _ in range(40)]
        took = time.monotonic() - started
    assert len(set(answers)) == 40
    assert world.home.values("Soc") == list(range(40))
    assert 0.5 < took < 2  # thirty of them at fifty a second


@pytest.mark.parametrize("end", ["stop", "drop"])
async def test_what_waits_in_a_flood_is_not_read_after_the_end(
    world: ReceiverWorld, end: str
) -> None:
    await bounded(world, message_burst=5, messages_per_second=0.001)
    async with world.connect() as car:
        for n in range(40):
            await car.send_bytes(soc(n))
        await until(lambda: len(world.home.records) == 6)
        serving = [task for task in asyncio.all_tasks() if "RequestHandler" in repr(task)]
        assert serving
        if end == "stop":
            await world.receiver.stop()
        else:
            world.receiver.drop(VIN)
        assert not (await asyncio.wait(serving, timeout=5))[1]
    assert len(world.home.records) == 6


async def test_large_messages_count_as_many(world: ReceiverWorld) -> None:
    await bounded(world, message_burst=10, messages_per_second=100, message_bytes=1000)
    async with world.connect() as car:
        started = time.monotonic()
        assert await say(car, soc(1) + bytes(50_000)) == GO_ACK
        assert await say(car, soc(2)) == GO_ACK
        assert time.monotonic() - started > 0.35  # forty more than the burst


async def test_the_rate_is_the_cars_not_the_connections(world: ReceiverWorld) -> None:
    await bounded(world, message_burst=4, messages_per_second=10)
    started = time.monotonic()
    for _ in range(2):
        async with world.connect() as car:
            for _ in range(4):
                await say(car, soc(1))
    assert time.monotonic() - started > 0.25


async def test_pings_count_too_and_are_answered(world: ReceiverWorld) -> None:
    await bounded(world, message_burst=5, messages_per_second=20)
    async with world.connect(autoping=False) as car:
        started = time.monotonic()
        for n in range(15):
            await car.ping(b"%d" % n)
        pongs = [await car.receive(timeout=5) for _ in range(15)]
        assert [pong.data for pong in pongs] == [b"%d" % n for n in range(15)]
        assert time.monotonic() - started > 0.4


async def test_a_flood_does_not_slow_another_car(world: ReceiverWorld) -> None:
    async with world.connect(VIN) as loud, world.connect(OTHER_VIN) as quiet:
        await say(quiet, soc(0))

        async def flood() -> None:
            for n in range(3000):
                await loud.send_bytes(soc(n % 100))
                if n % 10 == 0:
                    await asyncio.sleep(0)  # the test's own loop is the receiver's too

        async def drain() -> None:
            while True:
                await loud.receive_bytes()

        began = time.monotonic()
        flooding = [asyncio.ensure_future(flood()), asyncio.ensure_future(drain())]
        waits = []
        for n in range(40):
            started = time.monotonic()
            await say(quiet, soc(n))
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.01)
        heard = sum(record.vin == VIN for record in world.home.records)
        allowed = Limits().message_burst + Limits().messages_per_second * (time.monotonic() - began)
        for task in flooding:
            task.cancel()
        await asyncio.wait(flooding)
    assert 100 < heard <= allowed + 1
    assert sorted(waits)[len(waits) // 2] < 0.1


async def test_a_silent_car_is_asked_and_stays_if_it_answers(world: ReceiverWorld) -> None:
    await bounded(world, heartbeat=0.1)
    async with world.connect() as car:
        await say(car, soc(1))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await car.receive()  # answers pings, of which there are several by then
        assert await say(car, soc(2)) == GO_ACK
    assert world.home.values("Soc") == [1, 2]


async def test_a_silent_car_that_does_not_answer_is_gone(world: ReceiverWorld) -> None:
    await bounded(world, heartbeat=0.1)
    async with world.connect(autoping=False) as car:
        await say(car, soc(1))
        assert (await car.receive(timeout=5)).type is WSMsgType.PING
        await until(lambda: (VIN, False) in world.home.connections, 2)


async def test_a_car_that_does_not_read_its_acknowledgements_is_gone(world: ReceiverWorld) -> None:
    await bounded(
        world, write_timeout=0.3, write_buffer=4096, message_burst=1e6, messages_per_second=1e6
    )
    frame = frame_on_the_wire(stream(b"", topic=b"x" * 200, sender=VIN.encode()))
    async with upgraded(world) as writer, world.connect(OTHER_VIN) as other:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # it can
        sent = asyncio.ensure_future(_pour(writer, frame))
        for n in range(10):
            assert await say(other, soc(n)) == GO_ACK
            await asyncio.sleep(0.05)
        await until(lambda: (VIN, False) in world.home.connections, 15)
        sent.cancel()
        await asyncio.wait([sent])
    assert (OTHER_VIN, False) not in world.home.connections[:-1]


async def _pour(writer: asyncio.StreamWriter, frame: bytes) -> None:
    while not writer.is_closing():
        writer.write(frame * 100)
        try:
            await writer.drain()
        except ConnectionError:
            return


async def test_a_reconnect_storm_is_calm(world: ReceiverWorld) -> None:
    vins = [f"LRW3E7EK0PC{n:06}" for n in range(500, 560)]
    world.home.vins.update(vins)
    certificates = {vin: world.tree.car(vin) for vin in vins}

    async def come(vin: str) -> None:
        async with world.connect(vin, certificates[vin]) as car:
            assert await say(car, soc(1), 20) == GO_ACK

    for _ in range(3):
        await asyncio.gather(*(come(vin) for vin in vins))
    # whoever was back within the grace was told once; nobody was told gone in between more often than it left
    came = [vin for vin, connected in world.home.connections if connected]
    assert set(came) == set(vins)
    await until(lambda: all(world.receiver.status(vin).connected is False for vin in vins))  # type: ignore[union-attr]  # they were here
    assert world.receiver._connections == {}
    assert world.receiver._sockets == set()


def test_a_bucket_lets_a_burst_through_and_then_a_rate() -> None:
    bucket = TokenBucket(10, 2, 100.0)
    assert bucket.take(10, 100.0) == 0
    assert bucket.take(1, 100.0) == 0.5
    assert bucket.take(1, 100.5) == 0.5
    assert bucket.take(0, 200.0) == 0
    assert [bucket.try_take(200.0) for _ in range(11)] == [True] * 10 + [False]
    assert bucket.try_take(200.5)


def test_cars_certificates_in_the_tests_differ() -> None:
    assert issue("A").der != issue("A").der
