"""Cars that join the account, or leave it, while the cars are heard over MQTT."""

import asyncio

import pytest

from tests.support.account import list_now
from tests.support.home import MIDNIGHT, PEARL
from tests.support.waiting import until

from .brokers import BASE
from .home import Antenna

HEARD = 60.0


async def is_heard(road: Antenna, vin: str, level: int) -> None:
    """Publish a level until it is shown: what comes before the broker has subscribed us is lost."""
    shown = ""
    async with asyncio.timeout(HEARD):
        while shown != str(level):
            await road.publish(vin, BatteryLevel=level)
            await asyncio.sleep(1)
            shown = road.home.state("sensor", "battery_level", vin)


@pytest.mark.usefixtures("turned_account")
async def test_a_car_that_joins_is_heard_and_the_others_still_are(road: Antenna) -> None:
    home = road.home
    assert home.entry is not None
    cars = home.entry.runtime_data.cars
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    await list_now(home)
    await until(lambda: MIDNIGHT in cars)
    await is_heard(road, MIDNIGHT, 41)
    await is_heard(road, PEARL, 42)
    assert home.state("sensor", "telemetry", MIDNIGHT) == "connected"

    home.tesla.remove_car(home.account, MIDNIGHT)
    await list_now(home)
    await list_now(home)
    await until(lambda: MIDNIGHT not in cars)
    await is_heard(road, PEARL, 44)
    assert not home.hass.data["mqtt"].client.is_active_subscription(f"{BASE}/{MIDNIGHT}/v/+")
