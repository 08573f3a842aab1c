"""Cars that join the account, or leave it, while the cars are heard over MQTT."""

import pytest

from tests.conftest import MIDNIGHT, PEARL
from tests.test_account import clock, list_now  # noqa: F401  fixtures are used by their names
from tests.test_telemetry import until

from .brokers import BASE
from .home import Antenna

HEARD = 30.0


async def listened_for(road: Antenna, vin: str, wanted: bool = True) -> None:
    """Wait until Home Assistant has told the broker whether it wants to hear a car."""
    client = road.home.hass.data["mqtt"].client
    topic = f"{BASE}/{vin}/v/+"
    await until(
        lambda: (
            client.is_active_subscription(topic) is wanted
            and not client.is_pending_subscription(topic)
        ),
        HEARD,
    )


@pytest.mark.usefixtures("clock")
async def test_a_car_that_joins_is_heard_and_the_others_still_are(road: Antenna) -> None:
    home = road.home
    assert home.entry is not None
    cars = home.entry.runtime_data.cars
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    await list_now(home)
    await until(lambda: MIDNIGHT in cars)
    await listened_for(road, MIDNIGHT)
    await listened_for(road, PEARL)
    await road.publish(MIDNIGHT, BatteryLevel=41)
    await until(lambda: home.state("sensor", "battery_level", MIDNIGHT) == "41", HEARD)
    await road.publish(PEARL, BatteryLevel=42)
    await until(lambda: home.state("sensor", "battery_level", PEARL) == "42", HEARD)
    assert home.state("sensor", "telemetry", MIDNIGHT) == "connected"

    home.tesla.remove_car(home.account, MIDNIGHT)
    await list_now(home)
    await list_now(home)
    await until(lambda: MIDNIGHT not in cars)
    await listened_for(road, MIDNIGHT, wanted=False)
    await listened_for(road, PEARL)
    await road.publish(PEARL, BatteryLevel=44)
    await until(lambda: home.state("sensor", "battery_level", PEARL) == "44", HEARD)
