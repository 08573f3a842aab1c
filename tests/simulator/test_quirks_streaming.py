"""What owners' cars were seen to do wrong on the stream."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator import Quirk

from .telemetry import Streaming, streaming
from .telemetry_receiver import until
from .world import World

FIELDS: dict[str, Any] = {
    "DetailedChargeState": 1,
    "ChargingCableType": 1,
    "RatedRange": 1,
    "LifetimeEnergyChargedKwh": 1,
    "Soc": 1,
}


@pytest.fixture
async def stream(world: World, tmp_path: Path) -> AsyncIterator[Streaming]:
    async with streaming(world, tmp_path, FIELDS) as made:
        yield made


def dates(stream: Streaming) -> list[float]:
    """When the records were dated, against the real time."""
    now = stream.world.tesla.clock.now()
    return [
        record.data.created_at.ToMicroseconds() / 1e6 - now for record in stream.receiver.of("V")
    ]


async def sleep_and_wake(stream: Streaming) -> None:
    car = stream.world.car
    car.sleep()
    await until(lambda: not stream.car.connected)
    seen = len(stream.receiver.of("V"))
    car.wake()
    stream.world.tesla.clock.advance(6)
    await until(lambda: len(stream.receiver.of("V")) > seen)


async def test_the_first_record_after_a_wake_up_is_dated_ahead(stream: Streaming) -> None:
    stream.world.car.quirks.add(Quirk.FIRST_RECORD_AHEAD, seconds=30)
    await stream.begin()
    assert dates(stream)[0] == pytest.approx(0, abs=3), "it had not slept"
    await sleep_and_wake(stream)
    assert dates(stream)[-1] == pytest.approx(30, abs=3)
    assert "Soc" in stream.receiver.of("V")[-1].values
    stream.world.tesla.clock.advance(2)
    stream.world.car.plug_in()
    await until(
        lambda: stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateCharging
    )
    assert dates(stream)[-1] == pytest.approx(0, abs=3)
    await until(lambda: stream.car.unacknowledged == 0)
    acknowledged = stream.car.streams["client-1"].outbox.acknowledged
    assert acknowledged["DetailedChargeState"][1] == "Charging"


async def test_a_lost_push_leaves_state_and_power_in_contradiction(stream: Streaming) -> None:
    await stream.begin(fields={"DetailedChargeState": 1, "ACChargingPower": 1})
    stream.world.car.quirks.add(Quirk.LOST_PUSH)
    await stream.pass_time(2)
    stream.world.car.plug_in()
    await until(lambda: stream.receiver.latest["ACChargingPower"] > 10)
    await stream.pass_time(600)
    assert stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateDisconnected
    assert Quirk.LOST_PUSH not in stream.world.car.quirks
    stream.world.car.unplug()
    await stream.pass_time(2)
    stream.world.car.plug_in()
    await until(
        lambda: stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateCharging
    )


async def test_a_firmware_that_never_sends_the_state(stream: Streaming) -> None:
    stream.world.car.quirks.add(Quirk.NEVER_PUSHED)
    await stream.begin()
    stream.world.car.plug_in()
    await stream.pass_time(2)
    await until(lambda: stream.receiver.latest["ChargingCableType"] == pb.CableTypeIEC)
    await sleep_and_wake(stream)
    assert "DetailedChargeState" not in stream.receiver.latest
    assert not stream.car.errors


async def test_a_field_stops_after_an_update(stream: Streaming) -> None:
    stream.world.car.quirks.add(Quirk.STOPS_AFTER_UPDATE)
    await stream.begin()
    before = stream.receiver.latest["RatedRange"]
    stream.world.car.install_firmware("2026.36.1")
    stream.world.car.set_battery_level(40)
    await stream.pass_time(2)
    await until(lambda: stream.receiver.latest["Soc"] == 40)
    await sleep_and_wake(stream)
    assert stream.receiver.latest["RatedRange"] == before
    assert stream.receiver.of("V")[-1].values.keys() >= {"Soc", "DetailedChargeState"}


async def test_a_state_with_a_number_that_nobody_knows(stream: Streaming) -> None:
    stream.world.car.quirks.add(Quirk.UNKNOWN_WORD)
    await stream.begin()
    assert stream.receiver.latest["DetailedChargeState"] == 8
    assert stream.receiver.latest["ChargingCableType"] is None


async def test_a_state_that_stays_starting(stream: Streaming) -> None:
    stream.world.car.quirks.add(Quirk.STUCK_ON_STARTING)
    stream.world.car.plug_in()
    await stream.begin()
    assert stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateStarting
    assert stream.world.car.snapshot().charging_state == "Charging"


async def test_the_lifetime_counter_comes_with_its_firmware(stream: Streaming) -> None:
    stream.world.car.plug_in()
    await stream.begin()
    begun = stream.receiver.latest["LifetimeEnergyChargedKwh"]
    await stream.pass_time(3600)
    await until(lambda: stream.receiver.latest["LifetimeEnergyChargedKwh"] > begun + 10)
    told = stream.receiver.latest["LifetimeEnergyChargedKwh"] - begun
    assert told == pytest.approx(stream.world.car.charged_kwh, abs=0.05)


async def test_an_older_firmware_has_no_lifetime_counter(stream: Streaming) -> None:
    stream.world.car.install_firmware("2026.26.6")
    await stream.begin()
    assert "LifetimeEnergyChargedKwh" not in stream.receiver.latest
    await until(lambda: stream.car.errors)
    assert stream.car.errors[0].error.name == "unsupported_field"


async def test_a_car_that_charges_where_there_is_no_reception_is_gone(stream: Streaming) -> None:
    stream.world.car.quirks.add(Quirk.LOST_WHILE_CHARGING, seconds=300)
    stream.world.car.plug_in()
    await stream.begin()
    assert stream.receiver.latest["DetailedChargeState"] == pb.DetailedChargeStateCharging
    await stream.pass_time(301)
    await until(lambda: not stream.car.connected)
    assert (await stream.world.car_api("GET", "")).response["state"] == "offline"
    assert (await stream.world.car_api("GET", "vehicle_data")).status == 408
    stream.world.tesla.clock.advance(6 * 3600)
    assert (await stream.world.car_api("GET", "")).response["state"] == "offline"
    assert stream.world.car.snapshot().charging_state == "Complete", "it charged on"
    stream.world.car.set_offline(False)
    assert stream.world.car.state == "asleep"
