"""A car that should be heard over MQTT and is not: explained after a day, however often Home Assistant restarts."""

from dataclasses import replace
import json
from typing import Any

from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.storage import vehicle_store
from custom_components.tesla_charging.telemetry.silence import Silence
from tests.support.home import PEARL
from tests.support.silence import HOUR, MINUTE, STEP, issue, pass_time
from tests.support.waiting import until

from .brokers import BASE
from .home import MQTT_ROAD, Antenna, over_both_protocols, set_up_mqtt, subscribed


@over_both_protocols
@pytest.mark.usefixtures("turned_clock")
async def test_a_day_without_a_message_is_explained_and_one_message_forgives(road: Antenna) -> None:
    home = road.home
    home.tesla.billing.reset()
    await pass_time(home, 12 * HOUR)
    assert issue(home) is None
    await home.restart()
    await subscribed(road)
    await pass_time(home, 11 * HOUR)
    assert issue(home) is None
    await pass_time(home, HOUR + STEP)
    found = issue(home)
    assert found is not None
    assert found.translation_key == "telemetry_silent_mqtt"
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["car"] == "Pearl"
    assert found.translation_placeholders["base"] == BASE
    # what the car reports to Tesla is about a server that is not ours; and nobody woke it
    assert home.tesla.billing.count(path_contains="fleet_telemetry") == 0
    assert home.tesla.billing.count(path_contains="wake_up") == 0
    assert home.tesla.billing.count(path_contains="vehicle_data") >= 24
    # it is there again after a restart, without another day
    await home.restart()
    await pass_time(home, STEP)
    assert issue(home) is not None
    await subscribed(road)
    await road.publish(BatteryLevel=40)
    await until(lambda: issue(home) is None)


@pytest.mark.usefixtures("turned_clock")
async def test_a_place_of_its_own_gives_a_day_of_its_own(road: Antenna) -> None:
    home = road.home
    assert home.entry is not None
    await pass_time(home, 20 * HOUR)
    elsewhere = replace(MQTT_ROAD, topic_base="elsewhere")
    home.hass.config_entries.async_update_entry(home.entry, options=elsewhere.as_options())
    await home.restart()
    await pass_time(home, 6 * HOUR)
    assert issue(home) is None


@pytest.mark.usefixtures("turned_clock")
@pytest.mark.soak
@pytest.mark.ci
async def test_a_car_that_sleeps_or_was_never_listened_to_is_not_accused(
    bare_road: Antenna,
) -> None:
    road, home = bare_road, bare_road.home
    entry = await home.set_up(telemetry=MQTT_ROAD)
    await pass_time(home, 25 * HOUR)
    issues = ir.async_get(home.hass)
    assert issues.async_get_issue(DOMAIN, f"telemetry_{entry.entry_id}") is not None
    assert issue(home) is None
    await set_up_mqtt(home.hass, road.broker)
    await home.restart()
    await subscribed(road)
    home.car.sleep()
    await pass_time(home, 25 * HOUR)
    assert issue(home) is None


@pytest.mark.usefixtures("turned_clock")
async def test_silence_is_written_rarely_and_gone_with_the_entry(
    road: Antenna, hass_storage: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = road.home
    assert home.entry is not None
    file = f"{DOMAIN}.{home.entry.entry_id}.silences"

    def online_on_disk() -> float:
        seconds: float = hass_storage[file]["data"]["cars"][PEARL][1]
        return seconds

    # the machine's clock hardly moves: a write is due in a quarter of an hour
    await pass_time(home, 30 * MINUTE)
    assert file not in hass_storage
    monkeypatch.setattr(vehicle_store, "SILENCE_DELAY", 0.2)
    await home.restart()
    assert online_on_disk() >= 28 * MINUTE
    await pass_time(home, 30 * MINUTE)
    await until(lambda: online_on_disk() >= 50 * MINUTE)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    assert file not in hass_storage


@pytest.mark.parametrize("stored", [None, [], [1, 2], ["a", 2, 3], {"since": 1}, 7])
def test_a_damaged_memory_is_no_silence(stored: object) -> None:
    assert Silence.from_list(stored) == Silence()
    silence = Silence(1.0, 2.0, 3.0)
    assert Silence.from_list(json.loads(json.dumps(silence.as_list()))) == silence
