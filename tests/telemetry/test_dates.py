"""Records that are dated ahead: what comes after them wins, as it arrives."""

import asyncio

import pytest

from custom_components.tesla_charging.fleet_telemetry import SignalRecord
from custom_components.tesla_charging.vehicle.location import with_place
from custom_components.tesla_charging.vehicle.push import PushChannel
from custom_components.tesla_charging.vehicle.state import VehicleState
from simulator import Quirk
from tests.support.home import PEARL, Home
from tests.support.waiting import until

BEGIN = 1_795_000_000.0


async def sleep_and_wake(home: Home) -> None:
    home.car.sleep()
    await until(lambda: home.state("sensor", "telemetry") == "synced", 40)
    home.car.wake()
    await until(lambda: home.state("sensor", "telemetry") == "connected", 40)


@pytest.mark.parametrize("ahead", [30.0, 59.0, 3600.0])
async def test_the_first_record_after_a_wake_up_hides_no_later_one(
    streaming_home: Home, ahead: float
) -> None:
    home, car = streaming_home, streaming_home.car
    await home.act("stop_charging")
    await until(lambda: home.state("sensor", "charging_state") == "stopped")
    car.quirks.add(Quirk.FIRST_RECORD_AHEAD, seconds=ahead)
    await sleep_and_wake(home)
    assert home.entry is not None
    known = home.entry.runtime_data.cars[PEARL]
    before = known.data.readings["DetailedChargeState"]
    await asyncio.sleep(1)
    car.unplug()
    # long before its own date
    await until(lambda: home.state("sensor", "charging_state") == "disconnected", 10)
    assert known.data.readings["DetailedChargeState"].measured_at >= before.measured_at
    car.plug_in()
    await until(lambda: home.state("sensor", "charging_state") == "charging", 10)


def test_a_drive_that_is_told_ahead_hides_no_place_that_is_told_next() -> None:
    """A place that a drive has outdated is as old as the odometer that told of it, by the car's clock."""
    state = VehicleState()
    for values, at, received_at, ahead in (
        ({"LocatedAtHome": True, "Odometer": 1000.0}, BEGIN, BEGIN + 0.3, 0.0),
        ({"Odometer": 1060.0}, BEGIN + 86_400.5, BEGIN + 86_400.5, 30.0),
        ({"LocatedAtHome": True}, BEGIN + 86_400.0, BEGIN + 86_400.7, 0.0),
    ):
        record = SignalRecord(PEARL, at, received_at, values, ahead=ahead)
        before, state = state, PushChannel().receive(state, record, received_at)
        state = with_place(state, before)
        assert state.value("LocatedAtHome") is (None if ahead else True)
