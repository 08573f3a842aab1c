"""What becomes of messages: acknowledgements, tunnels, sleep, and the end of a configuration."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator import Car

from .telemetry import Streaming, streaming
from .telemetry_receiver import until
from .world import World

FIELDS: dict[str, Any] = {
    "DetailedChargeState": 1,
    "ChargingCableType": 1,
    "ChargePortDoorOpen": 1,
    "LocatedAtHome": 1,
    "ChargeLimitSoc": 60,
    "Soc": 60,
}


@pytest.fixture
async def stream(world: World, tmp_path: Path) -> AsyncIterator[Streaming]:
    async with streaming(world, tmp_path, FIELDS) as made:
        yield made


async def test_acknowledged_messages_are_done_with(stream: Streaming) -> None:
    await stream.begin()
    await until(lambda: stream.car.unacknowledged == 0)
    assert stream.car.counts.acked == 1
    (config,) = stream.car.overview()["configs"].values()
    assert set(config["acknowledged"]) == set(FIELDS)
    stream.car.disconnect()
    await until(lambda: len(stream.receiver.records) == 2)
    assert not stream.receiver.records[1].data.is_resend
    assert len(stream.receiver.records[1].values) == len(FIELDS), "all of them, anew"


async def test_what_is_not_acknowledged_comes_again(stream: Streaming) -> None:
    stream.receiver.acks = False
    await stream.begin()
    await until(lambda: len(stream.receiver.records) > 1)
    first, second = stream.receiver.records[:2]
    assert second.data.is_resend
    assert second.txid == first.txid
    assert second.values == first.values
    assert second.data.created_at == first.data.created_at
    (config,) = stream.car.overview()["configs"].values()
    assert config["acknowledged"] == {}
    stream.receiver.acks = True
    await until(lambda: stream.car.unacknowledged == 0)


async def test_it_comes_again_after_a_new_connection_too(stream: Streaming) -> None:
    stream.receiver.acks = False
    await stream.begin()
    stream.car.disconnect()
    await until(lambda: len(stream.receiver.records) == 3)
    first, again, anew = stream.receiver.records
    assert (again.txid, again.data.is_resend) == (first.txid, True)
    assert (anew.data.is_resend, anew.values) == (False, first.values)


async def test_without_the_policy_nothing_comes_again(stream: Streaming) -> None:
    stream.receiver.acks = False
    await stream.begin(delivery_policy=None)
    await asyncio.sleep(0.4)
    stream.car.disconnect()
    await until(lambda: len(stream.receiver.records) == 2)
    assert not stream.receiver.records[1].data.is_resend
    assert stream.car.counts.resent == 0


async def test_a_message_called_malformed_is_given_up(stream: Streaming) -> None:
    stream.receiver.refuses = True
    await stream.begin()
    await until(lambda: stream.car.counts.refused == 1)
    assert (stream.car.unacknowledged, stream.car.counts.acked) == (0, 0)


async def test_a_car_in_a_tunnel_keeps_what_happens(stream: Streaming) -> None:
    await stream.begin()
    await until(lambda: stream.car.unacknowledged == 0)
    stream.world.car.set_offline(True)
    await until(lambda: not stream.car.connected)
    stream.world.tesla.clock.advance(2)
    stream.world.car.plug_in()
    await until(lambda: stream.car.queued == 1)
    stream.world.tesla.clock.advance(2)
    stream.world.car.unplug()
    await until(lambda: stream.car.queued == 2)
    assert len(stream.receiver.records) == 1
    stream.world.car.set_offline(False)
    await until(lambda: len(stream.receiver.records) == 4)
    cables = [record.values["ChargingCableType"] for record in stream.receiver.records]
    assert cables == [None, pb.CableTypeIEC, None, None]
    times = [record.data.created_at.ToNanoseconds() for record in stream.receiver.records]
    assert times == sorted(times)


async def test_it_does_not_keep_more_than_five_thousand(stream: Streaming) -> None:
    await stream.begin(fields={"LocatedAtHome": 1})
    await until(lambda: stream.car.unacknowledged == 0)
    stream.world.car.set_offline(True)
    await until(lambda: not stream.car.connected)
    (inner,) = stream.car.streams.values()
    for number in range(6000):
        inner.send(errors=())
        stream.car.report_error("noise", str(number))
    assert stream.car.queued == 5000
    assert inner.outbox.dropped == 1000
    assert inner.outbox.oldest(1)[0].errors[0].body == "1000"


async def test_falling_asleep(stream: Streaming) -> None:
    await stream.begin()
    stream.world.tesla.clock.advance(2)
    stream.world.car.plug_in()
    await until(lambda: stream.receiver.latest["ChargePortDoorOpen"] is True)
    stream.world.car.sleep()
    await until(lambda: stream.receiver.closed == 1)
    last = stream.receiver.records[-1].values
    assert last == {"ChargePortDoorOpen": None, "ChargingCableType": None}
    assert stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateCharging
    assert not stream.car.connected
    count = len(stream.receiver.records)
    await stream.pass_time(5000)
    assert len(stream.receiver.records) == count, "a sleeping car says nothing"
    stream.world.car.wake()
    stream.world.tesla.clock.advance(6)
    await until(lambda: stream.receiver.latest["ChargePortDoorOpen"] is True)
    assert len(stream.receiver.records[count].values) == len(FIELDS)


async def test_streaming_does_not_keep_a_car_awake(stream: Streaming) -> None:
    await stream.begin()
    for _ in range(4):
        await stream.pass_time(230)
    assert stream.world.car.state == "asleep"


async def test_it_connects_when_the_server_comes_back(stream: Streaming) -> None:
    await stream.begin()
    await stream.receiver.stop()
    await until(lambda: not stream.car.connected)
    await until(lambda: stream.car.last_error != "")
    attempts = stream.car.counts.attempts
    await asyncio.sleep(0.3)
    assert stream.car.counts.attempts - attempts < 12, "it backs off"
    stream.world.tesla.clock.advance(2)
    stream.world.car.plug_in()
    await stream.receiver.start()
    await until(lambda: stream.receiver.latest["DetailedChargeState"] == 4)


async def test_a_new_configuration_replaces_the_old_one(stream: Streaming) -> None:
    await stream.begin()
    await stream.configure(fields={"Version": 60})
    await until(lambda: "Version" in stream.receiver.latest)
    assert stream.receiver.latest["Version"] == "2026.32.6"
    stream.world.car.plug_in()
    count = len(stream.receiver.records)
    await stream.pass_time(100)
    assert len(stream.receiver.records) == count


async def test_an_empty_configuration_is_silent(stream: Streaming) -> None:
    await stream.configure(fields={})
    await until(lambda: stream.car.connected)
    await stream.pass_time(100)
    assert stream.receiver.records == []


async def test_a_deleted_configuration_ends_the_stream(stream: Streaming) -> None:
    await stream.begin()
    await stream.world.car_api("DELETE", "fleet_telemetry_config")
    await until(lambda: stream.receiver.closed == 1)
    last = stream.receiver.records[-1]
    assert (last.topic, len(last.errors.errors)) == ("errors", 0)
    await until(lambda: not stream.car.streams)
    assert stream.car.counts.messages == 2, "what happened is not forgotten"


async def test_it_ends_with_its_time(stream: Streaming) -> None:
    await stream.begin(exp=int(stream.world.tesla.clock.now()) + 500)
    stream.world.tesla.clock.advance(501)
    await until(lambda: stream.receiver.closed == 1)
    await until(lambda: not stream.car.streams)


async def test_it_ends_with_the_consent(stream: Streaming) -> None:
    await stream.begin()
    stream.world.tesla.revoke_consent(stream.world.account, stream.world.application)
    await until(lambda: stream.receiver.closed == 1)


async def test_it_ends_with_the_key(stream: Streaming) -> None:
    await stream.begin()
    stream.world.car.keychain.remove(stream.world.public_key)
    await until(lambda: stream.receiver.closed == 1)


async def test_it_survives_a_restart_of_the_simulator(stream: Streaming) -> None:
    await stream.begin()
    await stream.world.tesla.stop()
    await until(lambda: stream.receiver.closed == 1)
    await stream.world.tesla.start()
    await until(lambda: len(stream.receiver.records) >= 2)


async def test_a_car_without_a_configuration_costs_nothing(stream: Streaming) -> None:
    def tasks() -> int:
        return sum("telemetry" in task.get_name() for task in asyncio.all_tasks())

    assert tasks() == 0
    await stream.begin()
    assert tasks() == 2
    await stream.world.car_api("DELETE", "fleet_telemetry_config")
    await until(lambda: tasks() == 0)


async def test_a_field_that_the_firmware_does_not_know(world: World, tmp_path: Path) -> None:
    old = Car("LRW3E7EK0PC000111", name="Old", clock=world.tesla.clock, firmware="2024.26.9")
    world.tesla.add_car(world.account, old)
    world.car = old
    async with streaming(world, tmp_path, {"Soc": 1, "LocatedAtHome": 1}) as stream:
        await stream.begin(prefer_typed=True)
        assert stream.receiver.latest == {"Soc": 62.0}
        (record,) = stream.receiver.of("errors")
        (error,) = record.errors.errors
        assert error.name == "unsupported_field"
        assert error.tags["field_name"] == "LocatedAtHome"
        assert stream.car.last_error == "LocatedAtHome"


async def test_several_applications_stream_side_by_side(stream: Streaming) -> None:
    world = stream.world
    await stream.begin()
    other = world.tesla.add_application("client-2", "secret-2")
    world.tesla.register(other, world.public_key, domain="other.example.com")
    world.application = other
    world.sign_in()
    await stream.configure()
    await until(lambda: len(stream.receiver.records) == 2)
    assert stream.car.counts.connections == 2
    await world.car_api("DELETE", "fleet_telemetry_config")
    await until(lambda: list(stream.car.streams) == ["client-1"])
    assert stream.car.connected
