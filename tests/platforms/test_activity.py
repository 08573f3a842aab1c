"""Home Assistant's Activity (the logbook): what happened is in it, what only goes on is not, and nothing twice."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components import automation
from homeassistant.components.recorder import Recorder
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from tests.support.entities import ask_again
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

NOTHING = ["unavailable", "unknown"]


@pytest.fixture
async def logging_home(recorder_mock: Recorder, turned_clock: Home) -> AsyncIterator[Home]:
    """A home with a logbook, whose car charges and streams; everything is on."""
    home = turned_clock
    for component in ("http", "logbook"):
        assert await async_setup_component(home.hass, component, {})
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("sensor", "last_message") != "unknown")
    yield home
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def activity(
    home: Home, client: Any, since: datetime, platform: str, key: str
) -> list[dict[str, Any]]:
    """Return what the Activity page shows of one entity."""
    await async_wait_recording_done(home.hass)
    entity_id = home.entity_id(platform, key)
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": since.isoformat(),
            "entity_ids": [entity_id, home.entity_id("sensor", "charging_state")],
        }
    )
    answer = await client.receive_json()
    assert answer["success"], answer
    return [row for row in answer["result"] if row.get("entity_id") == entity_id]


async def test_the_time_of_the_last_message_is_not_in_it(
    logging_home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    home = logging_home
    client = await hass_ws_client(home.hass)
    since = dt_util.utcnow() - timedelta(minutes=1)
    seen = set()
    for limit in (70, 71, 72):
        home.tesla.clock.advance(120)
        home.car._systems.charging.set_limit(limit)
        await until(lambda limit=limit: home.state("number", "charge_limit") == str(limit))  # type: ignore[misc]
        seen.add(home.state("sensor", "last_message"))
    assert len(seen) >= 3
    assert await activity(home, client, since, "sensor", "last_message") == []
    # what happened is there: this is no empty page
    assert await activity(home, client, since, "number", "charge_limit") != []


async def test_the_time_of_full_charge_is_not_in_it(
    logging_home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    home = logging_home
    client = await hass_ws_client(home.hass)
    since = dt_util.utcnow() - timedelta(minutes=1)
    seen = []
    for limit in (70, 90, 60):  # a charge whose end moves, then none
        home.tesla.clock.advance(120)
        home.car._systems.charging.set_limit(limit)
        await until(lambda limit=limit: home.state("number", "charge_limit") == str(limit))  # type: ignore[misc]
        seen.append(home.state("sensor", "full_charge_time"))
    home.car.unplug()
    await until(lambda: home.state("sensor", "full_charge_time") == "unknown")
    assert len({*seen, "unknown"}) >= 2
    assert await activity(home, client, since, "sensor", "full_charge_time") == []


async def test_what_happened_before_a_reload_is_not_in_it_again(
    logging_home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    home = logging_home
    client = await hass_ws_client(home.hass)
    since = dt_util.utcnow() - timedelta(minutes=1)
    home.car.unplug()
    await until(lambda: home.state("event", "cable") != "unknown")
    happened = home.state("event", "cable")
    told = await automate(home)
    assert len(await activity(home, client, since, "event", "cable")) <= 1
    reloaded = dt_util.utcnow()
    assert home.entry is not None
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    # it is shown as before
    assert home.state("event", "cable") == happened
    rows = await activity(home, client, reloaded, "event", "cable")
    assert [row["state"] for row in rows if row["state"] != "unavailable"] == []
    assert told == []


async def test_a_reload_does_not_look_as_if_the_car_had_been_polled(logging_home: Home) -> None:
    home = logging_home
    telemetry = home.entity_id("sensor", "telemetry")
    changes = async_capture_events(home.hass, EVENT_STATE_CHANGED)
    assert home.entry is not None
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    shown = [
        change.data["new_state"].state
        for change in changes
        if change.data["entity_id"] == telemetry and change.data["new_state"] is not None
    ]
    assert "off" not in shown  # which reads "Polling"
    assert shown[-1] == "connected"


async def test_an_automation_that_names_an_event_entity_does_not_run_after_a_reload(
    home: Home,
) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up()
    home.car.unplug()
    home.tesla.clock.advance(60)
    await ask_again(home)
    happened = home.state("event", "cable")
    assert happened != "unknown"
    cable = home.entity_id("event", "cable")
    told = await automate(
        home,
        {"trigger": "state", "entity_id": cable, "not_from": NOTHING, "not_to": NOTHING},
        {
            "trigger": "event.received",
            "target": {"entity_id": cable},
            "options": {"event_type": ["unplugged", "plugged_in"]},
        },
    )
    assert home.entry is not None
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert home.state("event", "cable") == happened
    assert told == []
    home.car.plug_in()
    home.tesla.clock.advance(60)
    await ask_again(home)
    assert len(told) == 2


async def automate(home: Home, *triggers: dict[str, Any]) -> list[Event[Any]]:
    """Set up a real automation that tells when it runs; without a trigger, one of the car's device."""
    device = {"trigger": "device", "domain": "tesla_charging", "device_id": home.device_id()}
    config = {
        "alias": "tell",
        "triggers": [*triggers] or [{**device, "type": "unplugged"}],
        "mode": "parallel",
        "actions": [{"event": "told"}],
    }
    assert await async_setup_component(home.hass, automation.DOMAIN, {automation.DOMAIN: [config]})
    await home.hass.async_block_till_done()
    return async_capture_events(home.hass, "told")


async def test_the_time_of_full_charge_changes_seldom(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    await home.set_up()
    shown: list[str] = []
    for step in range(24):
        if home.state("sensor", "charging_state") != "charging":
            break
        # somebody cooks: the car's estimate comes and goes
        car._systems.charging.set_amps(15 + step % 2)
        home.tesla.clock.advance(600)
        await ask_again(home)
        if (state := home.state("sensor", "full_charge_time")) not in shown[-1:]:
            shown.append(state)
    assert len([state for state in shown if state != "unknown"]) <= 4
