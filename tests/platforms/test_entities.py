"""Entities: what they show, what they do, and when they are written."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from homeassistant.core import Event, EventStateChangedData, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.support.entities import ask_again, call
from tests.support.home import MIDNIGHT, PEARL, Home


async def test_all_entities_of_a_charging_car(charging_home: Home) -> None:
    states = {
        entity.unique_id.removeprefix(f"{PEARL}_"): charging_home.hass.states.get(entity.entity_id)
        for entity in er.async_entries_for_config_entry(
            er.async_get(charging_home.hass),
            charging_home.entry.entry_id,  # type: ignore[union-attr]  # it is set up
        )
        if entity.disabled_by is None and entity.unique_id.startswith(PEARL)
    }
    assert set(states) == {
        "at_home",
        "awake",
        "battery_level",
        "cable",
        "car_cost_this_month",
        "charge_current",
        "charge_limit",
        "charge_port",
        "charge_power",
        "charge_voltage",
        "charging",
        "charging_current",
        "charging_session",
        "charging_state",
        "energy_added",
        "energy_charged",
        "full_charge_time",
        "home_and_away",
        "last_message",
        "odometer",
        "plugged_in",
        "range",
        "refresh",
        "scheduled_charging_pending",
        "status",
        "telemetry",
        "telemetry_problem",
        "wake_up",
        "why_not_charging",
    }
    shown = {key: state.state for key, state in states.items() if state is not None}
    assert shown["battery_level"] == "62"
    assert shown["charge_power"] == "11.04"
    assert float(shown["charge_voltage"]) == pytest.approx(230, abs=10)
    assert shown["charge_current"] == "16"
    assert shown["charging_current"] == "16"
    assert shown["plugged_in"] == "on"
    assert shown["charge_port"] == "open"
    # without the location permission nobody knows where the car is
    assert shown["at_home"] == "unknown"
    # Tesla's miles become the kilometres of this home
    assert float(shown["range"]) == pytest.approx(272 * 0.62 * 1.609, rel=0.02)
    assert shown["full_charge_time"].endswith(":00+00:00")


async def test_a_car_is_one_device(charging_home: Home) -> None:
    device = charging_home.device()
    assert (device.name, device.manufacturer, device.model) == ("Pearl", "Tesla", "Model 3")
    assert device.serial_number == PEARL
    assert device.sw_version == charging_home.car.firmware


async def test_with_the_location_permission_at_home_follows_the_home_zone(home: Home) -> None:
    where = (home.hass.config.latitude, home.hass.config.longitude)
    car = home.add_car(PEARL, "Pearl", home=where, sleep_after=None)
    await home.set_up(location=True)
    assert home.state("binary_sensor", "at_home") == "on"
    car.drive_away(where[0] + 0.5, where[1])
    home.tesla.clock.advance(3600)
    await ask_again(home)
    assert home.state("binary_sensor", "at_home") == "off"


@pytest.mark.parametrize(
    ("platform", "key", "service", "data", "command", "check"),
    [
        ("switch", "charging", "turn_off", {}, "charge_stop", lambda state: state == "off"),
        (
            "number",
            "charge_limit",
            "set_value",
            {"value": 90},
            "set_charge_limit",
            lambda s: s == "90",
        ),
        (
            "number",
            "charging_current",
            "set_value",
            {"value": 8},
            "set_charging_amps",
            lambda s: s == "8",
        ),
        ("cover", "charge_port", "open_cover", {}, "charge_port_door_open", lambda s: s == "open"),
    ],
)
async def test_an_entity_commands_the_car_and_shows_it_at_once(
    charging_home: Home,
    platform: str,
    key: str,
    service: str,
    data: dict[str, Any],
    command: str,
    check: Callable[[str], bool],
) -> None:
    await call(charging_home, platform, key, service, **data)
    assert [c.name for c in charging_home.car.commands] == [command]
    assert check(charging_home.state(platform, key))
    await ask_again(charging_home)
    assert check(charging_home.state(platform, key))


async def test_switching_on_what_is_complete_does_not_pretend_to_charge(
    charging_home: Home,
) -> None:
    charging_home.car.set_battery_level(80)
    charging_home.tesla.clock.advance(60)
    await ask_again(charging_home)
    assert charging_home.state("sensor", "charging_state") == "complete"
    await call(charging_home, "switch", "charging", "turn_on")
    async_fire_time_changed(charging_home.hass, dt_util.utcnow() + timedelta(seconds=1))
    await charging_home.hass.async_block_till_done()
    assert charging_home.state("switch", "charging") == "off"


async def test_a_car_without_cable_says_why_it_does_not_charge(charging_home: Home) -> None:
    charging_home.car.unplug()
    with pytest.raises(HomeAssistantError) as caught:
        await call(charging_home, "switch", "charging", "turn_on")
    assert caught.value.translation_key == "refused_disconnected"


async def test_the_wake_button_wakes_and_asks_the_car(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(MIDNIGHT, "Midnight")
    car.sleep()
    await home.set_up()
    assert home.state("sensor", "battery_level") == "unknown"
    await call(home, "button", "wake_up", "press")
    assert car.state == "online"
    assert home.state("binary_sensor", "awake") == "on"
    async_fire_time_changed(home.hass, fire_all=True)
    await home.settle()
    assert home.state("sensor", "battery_level") == "62"


async def test_only_entities_whose_signals_changed_are_written(charging_home: Home) -> None:
    written: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        written.append(event.data["entity_id"])

    # the meter's look at what is billed, which the command is
    entities = [
        e.entity_id
        for e in er.async_get(charging_home.hass).entities.values()
        if e.unique_id.startswith(PEARL) and "cost" not in e.unique_id
    ]
    async_track_state_change_event(charging_home.hass, entities, note)
    await charging_home.act("set_charge_limit", percent=71)
    await charging_home.hass.async_block_till_done()
    # as wanted, and when it has ended
    assert written == [charging_home.entity_id("number", "charge_limit")] * 2


async def test_a_lost_connection_makes_entities_unavailable_and_says_so_once(
    charging_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    charging_home.tesla.faults.status(500, "vehicles/", times=3)
    for _ in range(3):
        await charging_home.poll()
    assert charging_home.state("sensor", "battery_level") == "unavailable"
    assert caplog.text.count("Error fetching") == 1
    await charging_home.poll()
    assert charging_home.state("sensor", "battery_level") == "62"
    assert caplog.text.count("recovered") == 1
