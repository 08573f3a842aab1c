"""The receiver with cars that behave, over real TLS."""

import asyncio
import logging

import aiohttp
import pytest

from custom_components.tesla_charging.fleet_telemetry import (
    AlertRecord,
    ErrorRecord,
    Limits,
    SignalRecord,
    ensure_certificate,
)
from custom_components.tesla_charging.fleet_telemetry.envelope import (
    acknowledgement,
    read_envelope,
    refusal,
)
from custom_components.tesla_charging.storage import durable_file

from .frames import GO_ACK, alerts, errors, payload, stream
from .receiver_world import OTHER_VIN, VIN, ReceiverWorld, say, soc, until


async def test_a_record_is_heard_and_acknowledged_with_teslas_bytes(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        assert await say(car, soc(63.5)) == GO_ACK
    (record,) = world.home.records
    assert isinstance(record, SignalRecord)
    assert (record.vin, record.values) == (VIN, {"Soc": 63.5})


async def test_the_acknowledgement_comes_only_when_the_record_is_applied(
    world: ReceiverWorld,
) -> None:
    applied: list[str] = []
    world.home.apply = lambda record: applied.append("record")
    async with world.connect() as car:
        assert await say(car, soc(63.5)) == GO_ACK
        assert applied == ["record"]


async def test_alerts_and_errors_are_heard(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        assert await say(car, stream(alerts(), topic=b"alerts")) == acknowledgement(
            b"txid-0001", b"alerts"
        )
        assert await say(car, stream(errors(), topic=b"errors")) == acknowledgement(
            b"txid-0001", b"errors"
        )
    alert, error = world.home.records
    assert isinstance(alert, AlertRecord)
    assert isinstance(error, ErrorRecord)


async def test_compression_is_refused_because_cars_leave_when_it_is_not(
    world: ReceiverWorld,
) -> None:
    async with world.connect() as car:
        assert car.compress == 0


async def test_unknown_topics_are_acknowledged_if_the_sender_is_the_car(
    world: ReceiverWorld,
) -> None:
    async with world.connect() as car:
        own = stream(b"x", topic=b"later", sender=f"vehicle_device.{VIN}".encode())
        assert await say(car, own) == acknowledgement(b"txid-0001", b"later")
        named = stream(b"x", topic=b"later", sender=VIN.encode())
        assert await say(car, named) == acknowledgement(b"txid-0001", b"later")
        foreign = stream(b"x", topic=b"later", sender=f"vehicle_device.{OTHER_VIN}".encode())
        assert await say(car, foreign) == refusal(b"txid-0001")
    assert world.home.records == []


async def test_unknown_types_of_messages_are_acknowledged_so_that_they_end(
    world: ReceiverWorld,
) -> None:
    async with world.connect() as car:
        assert await say(car, stream(b"x", message_type=3)) == GO_ACK


async def test_what_cannot_be_understood_is_refused_and_the_stream_goes_on(
    world: ReceiverWorld,
) -> None:
    async with world.connect() as car:
        assert await say(car, stream(b"\xff\xff\xff")) == refusal(b"txid-0001")
        assert await say(car, b"no envelope at all") == refusal(b"")
        assert await say(car, soc(70)) == GO_ACK
    status = world.receiver.status(VIN)
    assert status is not None
    assert (status.counters.malformed, status.counters.records) == (2, 1)


async def test_the_certificate_says_who_the_car_is_whatever_the_message_claims(
    world: ReceiverWorld,
) -> None:
    frame = stream(
        payload({"Soc": {"double_value": 50.0}}, vin=OTHER_VIN),
        sender=f"vehicle_device.{OTHER_VIN}".encode(),
        device_id=OTHER_VIN.encode(),
    )
    async with world.connect(VIN) as car:
        assert await say(car, frame) == GO_ACK
    assert [record.vin for record in world.home.records] == [VIN]
    status = world.receiver.status(VIN)
    assert status is not None
    assert status.counters.foreign == 1


async def test_a_car_is_connected_while_its_socket_is_open(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        await say(car, soc(1))
        assert world.home.connections == [(VIN, True)]
        assert world.home.infos[0].client_version == "1.1.0"
        assert world.home.infos[0].network_interface == "wifi"
        status = world.receiver.status(VIN)
        assert status is not None
        assert status.connected
        assert status.last_message_at is not None
    await until(lambda: world.home.connections[1:] == [(VIN, False)])
    status = world.receiver.status(VIN)
    assert status is not None
    assert not status.connected


async def test_who_is_back_within_moments_was_never_away(world: ReceiverWorld) -> None:
    await world.receiver.stop()
    await world.start(Limits(disconnect_grace=10))  # moments: longer than a connection takes here
    for _ in range(5):
        async with world.connect() as car:
            await say(car, soc(1))
    assert world.home.connections == [(VIN, True)]


async def test_another_network_is_told(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        await say(car, soc(1))
        async with world.connect(network="cellular") as again:
            await say(again, soc(1))
    assert [info.network_interface for info in world.home.infos[:2]] == ["wifi", "cellular"]


async def test_two_cars_are_kept_apart(world: ReceiverWorld) -> None:
    async with world.connect(VIN) as one, world.connect(OTHER_VIN) as two:
        await asyncio.gather(say(one, soc(10)), say(two, soc(20)))
    assert {
        (r.vin, r.values["Soc"]) for r in world.home.records if isinstance(r, SignalRecord)
    } == {
        (VIN, 10),
        (OTHER_VIN, 20),
    }


async def test_status_is_answered_like_teslas_server_does(world: ReceiverWorld) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"https://127.0.0.1:{world.receiver.port}/status",
            ssl=world.tls(world.tree.car(VIN)),
            server_hostname="telemetry.example.com",
        ) as answer,
    ):
        assert await answer.text() == "mtls ok"


async def test_a_request_that_wants_no_websocket_is_sent_away(world: ReceiverWorld) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"https://127.0.0.1:{world.receiver.port}/",
            ssl=world.tls(world.tree.car(VIN)),
            server_hostname="telemetry.example.com",
        ) as answer,
    ):
        assert answer.status == 426


@pytest.mark.parametrize("header", [b"Upgrade: \xd4websocket", b"Sec-WebSocket-Key: \xd4A=="])
async def test_headers_that_are_no_text_want_no_websocket(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture, header: bytes
) -> None:
    reader, writer = await world.open_raw()
    head = (
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    name = header.split(b":")[0]
    lines = [header if line.startswith(name + b":") else line for line in head.split(b"\r\n")]
    writer.write(b"\r\n".join(lines))
    assert b" 4" in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


async def test_any_other_path_streams_too(world: ReceiverWorld) -> None:
    reader, writer = await world.open_raw()
    writer.write(
        b"GET /some/path HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b" 101 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_a_renewed_certificate_is_used_from_the_next_connection_on(
    world: ReceiverWorld,
) -> None:
    async with world.connect() as before:
        await say(before, soc(1))
        world.server.chain.unlink()
        world.server = ensure_certificate(
            world.directory, "telemetry.example.com", world.server.not_before, durable_file.write
        )
        world.receiver.update_tls(world.server_context())
        async with world.connect() as after:
            assert await say(after, soc(2)) == GO_ACK
            assert await say(before, soc(3)) == GO_ACK
            certificates = [
                ws.get_extra_info("ssl_object").getpeercert(binary_form=True)
                for ws in (before, after)
            ]
            assert certificates[0] != certificates[1]


async def test_a_car_that_is_not_ours_any_more_is_let_go(world: ReceiverWorld) -> None:
    async with world.connect() as car:
        await say(car, soc(1))
        world.home.vins.discard(VIN)
        world.receiver.drop(VIN)
        assert (await car.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSED
    assert world.home.connections == [(VIN, True), (VIN, False)]
    assert world.receiver.status(VIN) is None


async def test_stopping_closes_the_connections_and_tells_so(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.connect(VIN) as one, world.connect(OTHER_VIN) as two:
        await say(one, soc(1))
        await say(two, soc(1))
        async with asyncio.timeout(5):
            stopping = asyncio.ensure_future(world.receiver.stop())
            assert (await one.receive()).type is aiohttp.WSMsgType.CLOSE
            assert (await two.receive()).type is aiohttp.WSMsgType.CLOSE
            await stopping
    assert sorted(world.home.connections[2:]) == [(OTHER_VIN, False), (VIN, False)]
    assert world.receiver.port == 0
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


async def test_it_can_be_started_again_after_a_stop(world: ReceiverWorld) -> None:
    await world.receiver.stop()
    await world.receiver.start("127.0.0.1", 0, world.server_context())
    async with world.connect() as car:
        assert read_envelope(await say(car, soc(5))).txid == b"txid-0001"


async def test_a_taken_port_is_an_error(world: ReceiverWorld) -> None:
    another = ReceiverWorld(world.directory, world.tree)
    with pytest.raises(OSError, match="in use"):
        await another.receiver.start("127.0.0.1", world.receiver.port, world.server_context())
    await another.receiver.stop()
