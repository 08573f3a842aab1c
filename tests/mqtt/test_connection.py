"""Cars, their server, the broker and Home Assistant's MQTT integration come and go."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

from homeassistant.components.mqtt import client as mqtt_client
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry import mqtt as telemetry_mqtt
from tests.support.home import CLIENT_ID, PEARL
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

from .brokers import BASE, TelemetryPublisher
from .home import MQTT_ROAD, Antenna, over_both_protocols, set_up_mqtt, subscribed


@over_both_protocols
async def test_the_server_says_when_a_car_comes_and_goes(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    # however busy this machine is, the late value below is to come within that time
    monkeypatch.setattr(telemetry_mqtt, "LATE_SECONDS", 60.0)
    await road.connectivity(True)
    await road.becomes("sensor", "telemetry", "connected")
    # another network: the new connection is there before the old one ends
    await road.connectivity(True, "two")
    await road.connectivity(False, "one")
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "battery_level", "50")
    assert road.home.state("sensor", "telemetry") == "connected"
    await road.connectivity(False, "two")
    await road.becomes("sensor", "telemetry", "synced")
    # values that were still on their way do not bring it back
    await road.publish(BatteryLevel=49)
    await road.becomes("sensor", "battery_level", "49")
    assert road.home.state("sensor", "telemetry") == "synced"


async def test_a_server_that_falls_silent_is_not_believed_for_ever(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_mqtt, "SILENT_AFTER", timedelta(seconds=1))
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "telemetry", "connected")
    await road.becomes("sensor", "telemetry", "synced")
    await road.publish(BatteryLevel=51)
    await road.becomes("sensor", "telemetry", "connected")


async def test_a_server_that_dies_leaves_no_car_connected_for_ever(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_mqtt, "SILENT_AFTER", timedelta(seconds=1))
    # it said that the car is there, and no more
    await road.connectivity(True)
    await road.becomes("sensor", "telemetry", "connected")
    await road.becomes("sensor", "telemetry", "synced")
    assert road.home.state("sensor", "battery_level") == "62"


@over_both_protocols
async def test_a_will_that_tells_of_the_servers_end_is_heard(road: Antenna) -> None:
    """Tesla's server leaves none, but what stands between it and the broker may."""
    hass = road.home.hass
    await road.connectivity(True)
    await road.becomes("sensor", "telemetry", "connected")
    mortal = await hass.async_add_executor_job(partial(TelemetryPublisher, road.broker, will=PEARL))
    await hass.async_add_executor_job(mortal.die)
    await road.becomes("sensor", "telemetry", "synced")


@over_both_protocols
async def test_mqtt_that_is_reloaded_goes_on(road: Antenna) -> None:
    hass = road.home.hass
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "battery_level", "50")
    [entry] = hass.config_entries.async_entries("mqtt")
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert road.home.state("sensor", "battery_level") == "50"
    await subscribed(road)
    await road.publish(BatteryLevel=51)
    await road.becomes("sensor", "battery_level", "51")
    await road.becomes("sensor", "telemetry", "connected")
    # nor does anything listen on when the entry is gone
    assert road.home.entry is not None
    car = road.car
    assert await hass.config_entries.async_unload(road.home.entry.entry_id)
    await road.publish(BatteryLevel=52)
    await asyncio.sleep(0.5)
    assert car.data.value("BatteryLevel") == 51


@over_both_protocols
async def test_without_its_broker_a_car_is_asked_again_and_with_it_heard_again(
    road: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    hass = road.home.hass
    monkeypatch.setattr(mqtt_client, "RECONNECT_INTERVAL_SECONDS", 1)
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "telemetry", "connected")
    await hass.async_add_executor_job(road.broker.stop)
    await road.becomes("sensor", "telemetry", "synced")
    assert road.home.state("sensor", "battery_level") == "50"
    await hass.async_add_executor_job(road.broker.start)
    await until(lambda: hass.data["mqtt"].client.connected, 30)
    await subscribed(road)
    await until(lambda: road.publisher.connected, 30)
    await road.publish(BatteryLevel=51)
    await road.becomes("sensor", "battery_level", "51")
    await road.becomes("sensor", "telemetry", "connected")


@over_both_protocols
async def test_an_unloaded_entry_hears_nothing(road: Antenna) -> None:
    home = road.home
    assert home.entry is not None
    car = road.car
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    client = home.hass.data["mqtt"].client
    assert not client.is_active_subscription(f"{BASE}/{PEARL}/v/+")
    await road.publish(BatteryLevel=12)
    await home.settle()
    assert car.data.value("BatteryLevel") == 62


@over_both_protocols
async def test_mqtt_that_comes_later_is_used_then(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    entry = await home.set_up(telemetry=MQTT_ROAD)
    issues = ir.async_get(home.hass)
    issue = issues.async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}")
    assert issue is not None
    assert issue.translation_key == "telemetry_no_mqtt"
    assert home.state("sensor", "battery_level") == "62"
    await set_up_mqtt(home.hass, road.broker)
    async_fire_time_changed(home.hass, fire_all=True)
    await home.settle()
    assert issues.async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}") is None
    await subscribed(road)
    await road.publish(BatteryLevel=33)
    await road.becomes("sensor", "battery_level", "33")


@pytest.mark.parametrize("foreign", [False, True])
async def test_a_configuration_of_ours_is_taken_back_and_one_of_others_is_not(
    bare_road: Antenna, foreign: bool
) -> None:
    road, home = bare_road, bare_road.home
    entry = await home.set_up(telemetry=embedded(free_port()))
    await until(lambda: home.state("sensor", "telemetry") != "waiting")
    await home.settle()
    if foreign:
        # the operator's own tool, with the same application
        stream = home.tesla.telemetry(PEARL).streams[CLIENT_ID]
        assert stream.target is not None
        claims = {**stream.target.claims, "hostname": "fleet.example.com"}
        stream.target = replace(stream.target, hostname="fleet.example.com", claims=claims)
    home.hass.config_entries.async_update_entry(entry, options=MQTT_ROAD.as_options())
    await set_up_mqtt(home.hass, road.broker)
    await home.restart()
    deleted = [r.method for r in home.tesla.billing.requests].count("DELETE")
    assert deleted == (0 if foreign else 1)
    home.tesla.billing.reset()
    await home.restart()
    assert home.tesla.billing.count(path_contains="fleet_telemetry") == 0


async def test_mqtt_that_is_removed_and_added_anew_does_no_harm(road: Antenna) -> None:
    home, hass = road.home, road.home.hass
    await road.publish(BatteryLevel=50)
    await road.becomes("sensor", "telemetry", "connected")
    [entry] = hass.config_entries.async_entries("mqtt")
    await hass.config_entries.async_remove(entry.entry_id)
    await home.settle()
    await road.becomes("sensor", "telemetry", "synced", 5)
    assert home.state("sensor", "battery_level") == "50"
    await set_up_mqtt(hass, road.broker)
    await subscribed(road)
    await road.publish(BatteryLevel=51)
    await road.becomes("sensor", "battery_level", "51")
    [entry] = hass.config_entries.async_entries("mqtt")
    await hass.config_entries.async_remove(entry.entry_id)
    await home.restart()
    assert home.entry is not None
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"telemetry_{home.entry.entry_id}")
    assert issue is not None
    assert issue.translation_key == "telemetry_no_mqtt"
