"""What a car streams, and when."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from .by_hand import Signer, ask
from .telemetry import Streaming, streaming
from .telemetry_receiver import until
from .world import CHARGING_SCOPES, World

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


async def test_the_first_message_has_every_value(stream: Streaming) -> None:
    await stream.begin()
    record = stream.receiver.records[0]
    vin = stream.world.car.vin
    assert record.values == {
        "DetailedChargeState": pb.DetailedChargeStateDisconnected,
        "ChargingCableType": None,
        "ChargePortDoorOpen": False,
        "LocatedAtHome": True,
        "ChargeLimitSoc": 80,
        "Soc": 62.0,
    }
    assert (record.vin, record.data.vin) == (vin, vin)
    assert (record.sender_id, record.device_id) == (f"vehicle_device.{vin}", vin)
    assert record.data.created_at.seconds == pytest.approx(stream.world.tesla.clock.now(), abs=5)
    assert not record.data.is_resend


async def test_how_the_car_knocks(stream: Streaming) -> None:
    await stream.begin()
    (headers,) = stream.receiver.headers
    assert stream.receiver.paths == ["/"]
    assert headers["Host"] == "telemetry.example.com"
    assert headers["Version"] == "1.3.0"
    assert headers["User-Agent"].startswith("Hermes/")
    assert headers["X-Network-Interface"]
    assert len(headers["X-TXID"]) == 36
    assert "permessage-deflate" in headers["Sec-WebSocket-Extensions"]


async def test_what_is_included_goes_along_although_it_did_not_change(stream: Streaming) -> None:
    rule = {"interval_seconds": 1, "include_fields": ["Soc", "Odometer"]}
    await stream.begin(fields={"ChargeLimitSoc": rule, "Soc": 3600})
    assert set(stream.receiver.records[0].values) == {"ChargeLimitSoc", "Soc", "Odometer"}
    signer = Signer(stream.world.car.vin, stream.world.key)
    signer.handshake(stream.world.car)
    before = stream.world.tesla.billing.count("streaming")
    ask(stream.world.car, signer.command(bytes.fromhex("12042a020846")))
    await until(lambda: stream.receiver.latest["ChargeLimitSoc"] == 70)
    assert stream.receiver.records[-1].values == {
        "ChargeLimitSoc": 70,
        "Soc": 62.0,
        "Odometer": 12345.679,
    }
    assert stream.world.tesla.billing.count("streaming") == before + 3


async def test_another_firmware_reads_the_configuration_anew(stream: Streaming) -> None:
    stream.world.car.install_firmware("2026.26.5")
    fields = {
        "Soc": {"interval_seconds": 1, "include_fields": ["Odometer"]},
        "BrickSocMinPercent": 1,
    }
    await stream.begin(fields=fields)
    assert set(stream.receiver.latest) == {"Soc"}
    assert [line.error.body for line in stream.car.errors] == ["BrickSocMinPercent"]
    stream.world.car.install_firmware("2026.32.6")
    await until(lambda: {"Odometer", "BrickSocMinPercent"} <= stream.receiver.latest.keys())
    assert len(stream.car.errors) == 1
    await stream.configure(fields=fields, port=8443)
    await until(lambda: len(stream.receiver.headers) == 2)
    versions = [headers["Version"] for headers in stream.receiver.headers]
    assert versions == ["1.2.0", "1.3.0"]


@pytest.mark.parametrize("prefers", [False, True])
async def test_old_firmware_sends_texts_unless_typed_values_are_preferred(
    stream: Streaming, prefers: bool
) -> None:
    stream.world.car.install_firmware("2025.2.6")
    await stream.begin(prefer_typed=prefers)
    (headers,) = stream.receiver.headers
    assert headers["Version"] == "1.0.0"
    told = stream.receiver.latest
    assert (told["Soc"], told["LocatedAtHome"]) == (62.0 if prefers else "62.000", True)


async def test_plugging_in_and_out_is_seen_at_once(stream: Streaming) -> None:
    await stream.begin()
    stream.world.tesla.clock.advance(1)
    stream.world.car.plug_in()
    await until(lambda: stream.receiver.latest["ChargingCableType"] == pb.CableTypeIEC)
    assert stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateCharging
    assert stream.receiver.latest["ChargePortDoorOpen"] is True
    stream.world.tesla.clock.advance(1)
    stream.world.car.unplug()
    await until(lambda: stream.receiver.latest["ChargingCableType"] is None)
    assert stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateDisconnected


async def test_leaving_and_coming_home_is_seen(stream: Streaming) -> None:
    await stream.begin()
    stream.world.tesla.clock.advance(1)
    stream.world.car.drive_away(52.3, 4.9)
    stream.world.tesla.clock.advance(60)
    await until(lambda: stream.receiver.latest["LocatedAtHome"] is False)
    stream.world.tesla.clock.advance(1)
    stream.world.car.arrive_home()
    await until(lambda: stream.receiver.latest["LocatedAtHome"] is True)


async def test_without_a_change_there_is_no_message(stream: Streaming) -> None:
    await stream.begin()
    await stream.pass_time(3600 / 5)
    await stream.pass_time(60)
    assert len(stream.receiver.records) == 1
    assert stream.world.tesla.billing.count("streaming") == len(FIELDS)


async def test_a_change_waits_for_its_interval(stream: Streaming) -> None:
    await stream.begin()
    stream.world.car.set_battery_level(55)
    await stream.pass_time(30)
    assert stream.receiver.latest["Soc"] == 62.0
    await stream.pass_time(31)
    assert stream.receiver.latest["Soc"] == 55.0
    assert stream.receiver.records[-1].values == {"Soc": 55.0}, "only what has changed"


async def test_a_minimum_delta_hides_small_changes(stream: Streaming) -> None:
    await stream.begin(fields={"Soc": {"interval_seconds": 1, "minimum_delta": 2}})
    stream.world.car.set_battery_level(63.5)
    await stream.pass_time(5)
    assert stream.receiver.latest["Soc"] == 62.0
    stream.world.car.set_battery_level(64)
    await stream.pass_time(5)
    assert stream.receiver.latest["Soc"] == 64.0


async def test_a_delta_of_the_location_is_in_metres(stream: Streaming) -> None:
    stream.world.sign_in(*CHARGING_SCOPES, "vehicle_location")
    rule = {"interval_seconds": 1, "minimum_delta": 1000}
    await stream.begin(fields={"Location": rule})
    stream.world.car.drive_away(52.3, 4.4, speed_mph=36)
    await stream.pass_time(60)  # 960 metres
    assert stream.receiver.latest["Location"].latitude == 52.0
    await stream.pass_time(10)
    assert stream.receiver.latest["Location"].latitude == pytest.approx(52.01, abs=0.001)


async def test_a_resend_interval_repeats_what_has_not_changed(stream: Streaming) -> None:
    rule = {"interval_seconds": 1, "resend_interval_seconds": 100}
    await stream.begin(fields={"Soc": rule, "Version": 1})
    await stream.pass_time(99)
    assert len(stream.receiver.records) == 1
    await stream.pass_time(2)
    assert stream.receiver.records[-1].values == {"Soc": 62.0}
    assert not stream.receiver.records[-1].data.is_resend
    assert stream.world.tesla.billing.count("streaming") == 3


async def test_each_signal_is_on_the_bill(stream: Streaming) -> None:
    before = stream.world.tesla.billing.cost()
    await stream.begin()
    streamed = stream.world.tesla.billing.cost() - before - 0.002
    assert streamed == pytest.approx(len(FIELDS) / 150_000)
    assert stream.world.tesla.billing.signals == {stream.world.car.vin: len(FIELDS)}


async def test_alerts_go_to_those_who_want_them(stream: Streaming) -> None:
    await stream.begin()
    stream.car.raise_alert("BMS_a066", ("service",))
    stream.car.raise_alert("Umbrella", ("customer",))
    await until(lambda: stream.receiver.of("alerts"))
    stream.car.end_alert("BMS_a066")
    await until(lambda: len(stream.receiver.of("alerts")) == 2)
    begun, ended = (record.alerts.alerts[0] for record in stream.receiver.of("alerts"))
    assert (begun.name, list(begun.audiences)) == ("BMS_a066", [2])
    assert not begun.HasField("ended_at")
    assert ended.HasField("ended_at")
    assert ended.started_at == begun.started_at
    assert stream.world.tesla.billing.count("streaming") == len(FIELDS) + 2


async def test_errors_go_to_the_server_and_to_tesla(stream: Streaming) -> None:
    await stream.begin()
    stream.car.report_error("broken", "something broke", {"where": "here"})
    await until(lambda: stream.receiver.of("errors"))
    (error,) = stream.receiver.of("errors")[0].errors.errors
    assert (error.name, error.body, dict(error.tags)) == (
        "broken",
        "something broke",
        {"where": "here"},
    )
    assert stream.car.last_error == "something broke"
