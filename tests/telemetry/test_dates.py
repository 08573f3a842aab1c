"""Records that are dated ahead: what comes after them wins, as it arrives."""

import asyncio

import pytest

from simulator import Quirk
from tests.support.home import PEARL, Home
from tests.support.waiting import until


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
