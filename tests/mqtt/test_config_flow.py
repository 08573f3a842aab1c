"""The MQTT page of the config flow, at the first set-up and when it is changed later."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.tesla_charging import telemetry_mqtt
from custom_components.tesla_charging.telemetry_settings import TelemetrySettings
from tests.conftest import MIDNIGHT, PEARL, Home
from tests.test_config_flow import choose, submit
from tests.test_telemetry import until

from .brokers import BASE
from .home import MQTT_ROAD, STRANGER, Antenna, over_both_protocols, set_up_mqtt


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_mqtt, "CHECK_SECONDS", 3.0)


async def reconfigure(home: Home) -> Any:
    assert home.entry is not None
    return await home.entry.start_reconfigure_flow(home.hass)


async def test_without_mqtt_the_road_is_not_offered(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    result = await reconfigure(home)
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
    result = await choose(home, await reconfigure(home), "telemetry_mqtt")
    assert (result["step_id"], result["errors"]) == ("telemetry_mqtt", {})
    for wrong in ("", "a//b", "tele+metry", "#", "x" * 201):
        result = await submit(home, result, topic_base=wrong)
        assert result["errors"] == {"topic_base": "topic_base_invalid"}, wrong
    result = await submit(home, result, topic_base=f"{BASE}/")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
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
    result = await choose(home, await reconfigure(home), "telemetry_mqtt")
    for base in ("elsewhere", BASE):  # insisting counts for the same base only
        result = await submit(home, result, topic_base=base)
        assert result["errors"] == {"base": "mqtt_nothing_heard"}
    result = await submit(home, result, topic_base=BASE)
    assert result["reason"] == "reconfigure_successful"
    await home.settle()


@pytest.mark.usefixtures("short_patience")
async def test_a_broker_that_is_away_is_told(bare_road: Antenna) -> None:
    road, home = bare_road, bare_road.home
    await set_up_mqtt(home.hass, road.broker)
    await home.set_up()
    await until(lambda: home.hass.data["mqtt"].client.connected)
    await home.hass.async_add_executor_job(road.broker.stop)
    await until(lambda: not home.hass.data["mqtt"].client.connected)
    result = await choose(home, await reconfigure(home), "telemetry_mqtt")
    result = await submit(home, result, topic_base=BASE)
    assert result["errors"] == {"base": "mqtt_no_broker"}
    result = await submit(home, result, topic_base=BASE)
    assert result["reason"] == "reconfigure_successful"
    # Home Assistant tries to connect in the background as long as it takes
    await home.hass.async_block_till_done()
