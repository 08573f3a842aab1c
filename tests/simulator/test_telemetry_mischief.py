"""A car that misbehaves on demand, through Python and over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator.__main__ import build, parse
from simulator.telemetry.garbage import GARBAGE

from .telemetry import Streaming, streaming
from .telemetry_receiver import read_frame, until
from .world import Answer, World

FIELDS: dict[str, Any] = {"DetailedChargeState": 1, "Soc": 1, "Gear": 1, "LocatedAtHome": 1}


@pytest.fixture
async def stream(world: World, tmp_path: Path) -> AsyncIterator[Streaming]:
    async with streaming(world, tmp_path, FIELDS) as made:
        yield made


async def control(world: World, where: str, /, **body: Any) -> Answer:
    return await world.request("POST", f"{world.tesla.base_url}/_sim/{where}", json=body)


async def act(world: World, action: str, /, **body: Any) -> Answer:
    return await control(world, f"cars/{world.car.vin}/telemetry", action=action, **body)


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_arrives_and_the_car_goes_on(stream: Streaming, kind: str) -> None:
    await stream.begin()
    stream.car.send_garbage(kind, times=3)
    await until(lambda: len(stream.receiver.frames) == 4)
    assert stream.car.counts.raw == 3
    stream.world.car.set_battery_level(33)
    await stream.pass_time(2)
    await until(lambda: stream.receiver.of("V")[-1].values == {"Soc": 33.0})
    assert stream.world.tesla.billing.count("streaming") == len(FIELDS) + 1


def test_what_the_kinds_of_garbage_are() -> None:
    vin = "LRW3E7EK0PC000101"
    made = {kind: make(vin) for kind, make in GARBAGE.items()}
    assert isinstance(made["text"], str)
    assert made["empty"] == b""

    def record(kind: str) -> Any:
        raw = made[kind]
        assert isinstance(raw, bytes)
        return read_frame(raw)

    assert len(record("too_long").payload) > 1_000_000
    assert record("unknown_topic").topic == "weather"
    assert record("foreign_sender").device_id != vin
    strange = record("strange_field").data.data[0]
    assert strange.value.WhichOneof("value") is None
    assert strange.key == 10_000 - 1


async def test_a_flood(stream: Streaming) -> None:
    await stream.begin()
    stream.car.flood(2000)
    await until(lambda: len(stream.receiver.records) == 2001, 20)
    assert stream.receiver.records[-1].values["Soc"] == 62.0
    assert stream.receiver.records[-1].txid.startswith(b"flood-")
    await until(lambda: stream.car.counts.stray_acks == 2000)
    assert stream.world.tesla.billing.count("streaming") == len(FIELDS)


async def test_another_vin_in_the_envelope(stream: Streaming) -> None:
    stream.car.claim("5YJ3E1EA8NF000999")
    await stream.begin()
    record = stream.receiver.records[0]
    assert record.vin == stream.world.car.vin
    assert record.sender_id == "vehicle_device.5YJ3E1EA8NF000999"
    assert (record.device_id, record.data.vin) == ("5YJ3E1EA8NF000999", "5YJ3E1EA8NF000999")


async def test_a_car_that_never_reads(stream: Streaming) -> None:
    stream.car.read(False)
    await stream.begin()
    await asyncio.sleep(0.1)
    assert (stream.car.unacknowledged, stream.car.counts.acked) == (1, 0)
    stream.car.read(True)
    await until(lambda: stream.car.unacknowledged == 0)
    assert stream.car.counts.connections == 1


async def test_it_can_stop_reading_in_between(stream: Streaming) -> None:
    await stream.begin()
    await until(lambda: stream.car.counts.acked == 1)
    stream.car.read(False)
    stream.world.car.set_battery_level(33)
    await stream.pass_time(2)
    await asyncio.sleep(0.05)
    assert stream.car.counts.acked == 1
    assert len(stream.receiver.records) >= 2


async def test_a_storm_of_connections(stream: Streaming) -> None:
    await stream.begin()
    stream.car.storm(20)
    await until(lambda: len(stream.receiver.headers) >= 22)
    await until(lambda: len(stream.receiver.of("V")) >= 2)
    assert stream.car.misbehaviour.storm == 0


async def test_holding_its_breath(stream: Streaming) -> None:
    await stream.begin()
    await until(lambda: stream.car.unacknowledged == 0)
    stream.car.hold()
    stream.world.car.set_battery_level(33)
    await stream.pass_time(2)
    assert (len(stream.receiver.records), stream.car.queued) == (1, 1)
    assert stream.car.connected
    stream.car.hold(False)
    await until(lambda: stream.receiver.latest["Soc"] == 33.0)


@pytest.mark.parametrize(
    ("style", "soc", "gear"), [("strings", "62.000", "P"), ("quoted", '"62.000"', '"P"')]
)
async def test_texts_of_old_firmware(stream: Streaming, style: Any, soc: str, gear: str) -> None:
    stream.car.speak(style)
    await stream.begin()
    assert stream.receiver.latest == {
        "Soc": soc,
        "Gear": gear,
        "LocatedAtHome": True,  # a newer field: always typed
        "DetailedChargeState": pb.DetailedChargeStateDisconnected,
    }


async def test_everything_over_http(stream: Streaming) -> None:
    world = stream.world
    await stream.begin()
    assert (await act(world, "garbage", kind="text", times=2)).body["counts"]["messages"] >= 1
    await until(lambda: len(stream.receiver.frames) == 3)
    await act(world, "flood", times=5)
    await until(lambda: len(stream.receiver.frames) == 8)
    await act(world, "alert", name="BMS_a066")
    await until(lambda: stream.receiver.of("alerts"))
    await act(world, "end_alert", name="BMS_a066")
    await act(world, "error", name="broken", body="it broke", tags={"a": "b"})
    await until(lambda: stream.receiver.of("errors"))
    await act(world, "hold")
    assert stream.car.misbehaviour.held
    await act(world, "hold", held=False)
    await act(world, "claim", vin="5YJ3E1EA8NF000999")
    assert stream.car.misbehaviour.claimed_vin == "5YJ3E1EA8NF000999"
    await act(world, "claim")
    await act(world, "speak", style="quoted")
    await act(world, "read", reads=False)
    await act(world, "read")
    await act(world, "storm", times=2)
    await act(world, "disconnect")
    await act(world, "certificate", kind="expired")
    assert stream.car.misbehaviour.certificate == "expired"
    await act(world, "other_configs", other_configs=4)
    await act(world, "swallows_configs", swallows_configs=True)
    answer = await act(world, "hardware_supported", hardware_supported=False)
    assert answer.body["limit_reached"] is True
    assert answer.body["misbehaviour"]["style"] == "quoted"
    url = f"{world.tesla.base_url}/_sim/cars/{world.car.vin}/telemetry"
    shown = (await world.request("GET", url)).body
    assert shown["configs"]["client-1"]["config"]["hostname"] == "telemetry.example.com"


@pytest.mark.parametrize(
    "body",
    [
        {"action": "dance"},
        {"action": "flood"},
        {"action": "garbage", "kind": "gold"},
        {"action": "certificate", "kind": "golden"},
        {"action": "end_alert", "name": "never"},
        {},
    ],
)
async def test_nonsense_is_refused(world: World, body: dict[str, Any]) -> None:
    answer = await control(world, f"cars/{world.car.vin}/telemetry", **body)
    assert answer.status == 422
    assert (await control(world, "cars/nobody/telemetry", **body)).status == 404


async def test_the_settings_over_http(world: World) -> None:
    hosts = {"telemetry.example.com": "127.0.0.1:8443"}
    answer = await control(world, "telemetry", hosts=hosts, pace=10, slots=3, any_host=True)
    assert answer.body == {"hosts": hosts, "pace": 10, "slots": 3, "any_host": True}
    assert world.tesla.telemetry_hosts == {"telemetry.example.com": ("127.0.0.1", 8443)}
    assert world.tesla.telemetry_slots == 3
    await control(world, "telemetry", hosts={"telemetry.example.com": None})
    assert world.tesla.telemetry_hosts == {}
    for wrong in ({"hosts": {"a.example.com": "192.0.2.1:1"}}, {"pace": 0}, {"slots": "x"}):
        assert (await control(world, "telemetry", **wrong)).status == 422


async def test_the_front_page_and_the_state_show_it(stream: Streaming) -> None:
    await stream.begin()
    world = stream.world
    page = await world.request("GET", world.tesla.base_url + "/")
    assert "connected, 4 signals" in page.text
    state = (await world.request("GET", f"{world.tesla.base_url}/_sim/state")).body
    assert state["cars"][0]["telemetry"]["connected"] is True
    assert state["billing"]["counts"]["streaming"] == 4
    bill = (await world.request("GET", f"{world.tesla.base_url}/_sim/billing")).body
    assert bill["signals"] == {world.car.vin: 4}
    await control(world, "billing/reset")
    assert world.tesla.billing.count("streaming") == 0


def test_hosts_on_the_command_line() -> None:
    arguments = ["--telemetry-host", "Telemetry.example.com=127.0.0.1:8443"]
    tesla = build(parse(arguments))
    assert tesla.telemetry_hosts == {"telemetry.example.com": ("127.0.0.1", 8443)}


@pytest.mark.parametrize(
    "text", ["telemetry.example.com", "a=192.0.2.1:1", "a=127.0.0.1:x", "=127.0.0.1:1", "a=:1"]
)
def test_unusable_hosts_are_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        parse(["--telemetry-host", text])
