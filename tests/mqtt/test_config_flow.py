"""The MQTT page of the config flow, at the first set-up and when it is changed later."""

from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.tesla_charging.telemetry import mqtt as telemetry_mqtt
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from tests.support import flows
from tests.support.flows import choose, is_changed, options, pick, submit
from tests.support.home import HOME_DOMAIN, KEY_FILE, MIDNIGHT, PEARL, Home
from tests.support.waiting import until

from .brokers import BASE
from .home import MQTT_ROAD, STRANGER, Antenna, over_both_protocols, set_up_mqtt, subscribed

pytestmark = pytest.mark.usefixtures("current_request_with_host")


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_mqtt, "CHECK_SECONDS", 3.0)


# -- the first set-up ----------------------------------------------------------------------------------


async def up_to_telemetry(home: Home) -> flows.Step:
    """Walk the pages before: somebody whose car is paired with this home's key already."""
    Path(home.hass.config.path(KEY_FILE)).write_bytes(home.key.private_pem())
    return await flows.submit(home, await flows.up_to_domain(home), domain=HOME_DOMAIN)


async def create(road: Antenna, result: flows.Step) -> None:
    """Leave the last page, and see the entry at work."""
    home = road.home
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    home.entry = result["result"]
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.LOADED
    assert TelemetrySettings.from_options(home.entry.options) == MQTT_ROAD
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config") == 0
    await subscribed(road)
    await road.publish(BatteryLevel=41)
    await road.becomes("sensor", "battery_level", "41")
    await road.becomes("sensor", "telemetry", "connected")


@over_both_protocols
@pytest.mark.usefixtures("front_door")
async def test_from_nothing_to_a_car_that_is_heard(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker)
    await until(lambda: home.hass.data["mqtt"].client.connected)
    result = await flows.choose(home, await up_to_telemetry(home), "telemetry_mqtt")
    assert (result["step_id"], result["errors"]) == ("telemetry_mqtt", {})
    shown = {str(field): field for field in result["data_schema"].schema}
    assert shown["topic_base"].default() == "telemetry"
    waiting = home.hass.async_create_task(submit(home, result, topic_base=BASE))
    await subscribed(road)
    await road.publish(BatteryLevel=40)
    await create(road, await waiting)
    # the page is gone, and what it listened to with it
    assert len([s for s in home.hass.data["mqtt"].client.subscriptions if PEARL in s.topic]) == 4


@pytest.mark.usefixtures("front_door", "short_patience")
async def test_a_first_set_up_can_be_insisted_on_while_the_cars_sleep(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker)
    result = await flows.choose(home, await up_to_telemetry(home), "telemetry_mqtt")
    result = await submit(home, result, topic_base=BASE)
    assert result["errors"] == {"base": "mqtt_nothing_heard"}
    await create(road, await submit(home, result, topic_base=BASE))


@pytest.mark.usefixtures("front_door")
async def test_at_the_first_set_up_it_is_not_offered_without_mqtt(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await up_to_telemetry(home)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "telemetry")
    assert result["menu_options"] == ["telemetry_embedded", "telemetry_polling"]


# -- later ---------------------------------------------------------------------------------------------


async def open_options(home: Home) -> Any:
    assert home.entry is not None
    return await options(home)


async def test_without_mqtt_the_road_is_not_offered(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    result = await pick(home, await open_options(home), "telemetry")
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["telemetry_embedded", "telemetry_polling"]


@over_both_protocols
async def test_a_road_on_which_something_arrives_is_taken_at_once(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    home.add_car(MIDNIGHT, "Midnight")
    await set_up_mqtt(home.hass, road.broker)
    await home.set_up()
    before = {home.entity_id("sensor", "battery_level", vin) for vin in home.cars}
    await road.publish(MIDNIGHT, retain=True, BatteryLevel=44)
    result = await choose(home, await open_options(home), "telemetry_mqtt")
    assert (result["step_id"], result["errors"]) == ("telemetry_mqtt", {})
    for wrong in ("", "a//b", "tele+metry", "#", "x" * 201):
        result = await submit(home, result, topic_base=wrong)
        assert result["errors"] == {"topic_base": "topic_base_invalid"}, wrong
    result = await submit(home, result, topic_base=f"{BASE}/")
    assert is_changed(result)
    await home.settle()
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.LOADED
    assert TelemetrySettings.from_options(home.entry.options) == MQTT_ROAD
    assert home.state("sensor", "telemetry") == "waiting"
    assert {home.entity_id("sensor", "battery_level", vin) for vin in home.cars} == before


@pytest.mark.usefixtures("short_patience")
async def test_a_road_on_which_nothing_arrives_is_told_and_can_be_insisted_on(
    bare_road: Antenna,
) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker)
    await home.set_up()
    await road.publish(STRANGER, retain=True, BatteryLevel=44)
    result = await choose(home, await open_options(home), "telemetry_mqtt")
    for base in ("elsewhere", BASE):  # insisting counts for the same base only
        result = await submit(home, result, topic_base=base)
        assert result["errors"] == {"base": "mqtt_nothing_heard"}
    result = await submit(home, result, topic_base=BASE)
    assert is_changed(result)
    await home.settle()


@pytest.mark.usefixtures("short_patience")
async def test_a_broker_that_is_away_is_told(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker)
    await home.set_up()
    await until(lambda: home.hass.data["mqtt"].client.connected)
    await home.hass.async_add_executor_job(road.broker.stop)
    await until(lambda: not home.hass.data["mqtt"].client.connected)
    result = await choose(home, await open_options(home), "telemetry_mqtt")
    result = await submit(home, result, topic_base=BASE)
    assert result["errors"] == {"base": "mqtt_no_broker"}
    result = await submit(home, result, topic_base=BASE)
    assert is_changed(result)
    # Home Assistant tries to connect in the background as long as it takes
    await home.hass.async_block_till_done()
