"""What the meter can know of a stream that comes over a broker."""

from custom_components.tesla_charging.fleet_api import Category
from tests.support.waiting import until

from .home import Antenna, came_back


async def test_what_arrives_is_counted_once_and_what_was_retained_is_not(road: Antenna) -> None:
    home = road.home
    assert home.entry is not None
    meter = home.entry.runtime_data.meter

    def counted() -> int:
        units: int = meter.units(Category.STREAMING, road.car.vin)
        return units

    await road.publish(BatteryLevel=71, LocatedAtHome=True, ChargingCableType=None)
    await until(lambda: counted() == 3)
    # two values of a field within a moment are two signals, though one is shown
    await road.publish(BatteryLevel=72)
    await road.publish(BatteryLevel=73)
    await road.becomes("sensor", "battery_level", "73")
    assert counted() == 5
    await road.raw("v/NoSuchField", b"1")
    await road.raw("alerts/CHG_a001/current", b'{"StartedAt": "2026-11-20T10:00:00Z"}')
    await road.raw("errors/one/current", b'{"Body": "free"}')
    await until(lambda: counted() == 7)
    await road.publish(retain=True, BatteryLevel=74)
    await until(lambda: counted() == 8)
    # what the broker kept comes again to who subscribes anew, and was billed when it was new
    await home.restart()
    await came_back(road, "BatteryLevel")
    assert counted() == 8
    await road.publish(BatteryLevel=75)
    await until(lambda: counted() == 9)
