"""Values that somebody else's server publishes: the budget cannot stop them, and stops what it can."""

import pytest

from custom_components.tesla_charging.fleet_api import Category
from tests.support.calendar import BillingCalendar
from tests.support.spending import spend, stage, told

from .home import MQTT_ROAD, Antenna, set_up_mqtt, subscribed


async def test_values_over_mqtt_are_shown_and_counted_also_without_money(
    bare_road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    road, home = bare_road, bare_road.home
    BillingCalendar(home, monkeypatch)
    await set_up_mqtt(home.hass, road.broker)
    await home.set_up(telemetry=MQTT_ROAD)
    await subscribed(road)
    spend(home, 8.12)
    assert (stage(home), told(home)) == ("no_refresh", ["budget_no_refresh"])
    assert home.entry is not None
    meter = home.entry.runtime_data.meter
    signals = meter.units(Category.STREAMING)
    await road.publish(BatteryLevel=71, DetailedChargeState="Charging")
    await road.becomes("sensor", "battery_level", "71")
    assert meter.units(Category.STREAMING) == signals + 2
    # nothing is asked for, or taken back, that is somebody else's
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config") == 0
