"""Events in a real Home Assistant: as entities and as device triggers, by poll and by push, over restarts."""

from typing import Any

from homeassistant.components import automation
from homeassistant.components.device_automation import (
    DeviceAutomationType,
    InvalidDeviceAutomationConfig,
    async_get_device_automations,
)
from homeassistant.components.device_automation.trigger import async_validate_trigger_config
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STOP,
    STATE_UNKNOWN,
)
from homeassistant.core import Event, HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    mock_restore_cache_with_extra_data,
)
import voluptuous as vol

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.device_trigger import TYPES
from custom_components.tesla_charging.vehicle.charge_events import ChargeEvent
from tests.support.entities import ask_again
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.waiting import until

HOUR = 3600.0
KEYS = ("charging_session", "cable", "home_and_away")


@pytest.fixture
async def polled_home(home: Home, turned_clock: Home) -> Home:
    """A home whose car charges and is polled; all read the simulated clock."""
    home.tesla.wake_with_charging_scope = True
    where = (home.hass.config.latitude, home.hass.config.longitude)
    home.add_car(PEARL, "Pearl", home=where, sleep_after=None).plug_in()
    await home.set_up(location=True)
    return home


def last(home: Home, key: str, vin: str | None = None) -> tuple[str | None, bool | None]:
    """Return the type of an entity's last event, and whether it was late."""
    state = home.hass.states.get(home.entity_id("event", key, vin))
    assert state is not None
    return state.attributes.get("event_type"), state.attributes.get("late")


def heard(home: Home) -> list[Event[Any]]:
    """Collect the state changes of event entities from now on."""
    return async_capture_events(home.hass, "state_changed")


def types(changes: list[Event[Any]]) -> list[str]:
    """Return what happened: an entity that is there again, with its last event, is nothing new."""
    found = []
    for change in changes:
        old, new = change.data["old_state"], change.data["new_state"]
        if new is None or new.domain != "event" or new.state in {"unavailable", "unknown"}:
            continue
        if old is not None and old.state != "unavailable":
            found.append(new.attributes["event_type"])
    return found


async def ask_after(home: Home, seconds: float) -> None:
    home.tesla.clock.advance(seconds)
    await ask_again(home)


# -- entities ------------------------------------------------------------------------------------------


async def test_nothing_has_happened_to_a_car_that_was_just_added(polled_home: Home) -> None:
    assert {polled_home.state("event", key) for key in KEYS} == {STATE_UNKNOWN}
    await ask_after(polled_home, 60)
    assert {polled_home.state("event", key) for key in KEYS} == {STATE_UNKNOWN}


async def test_what_polls_show_happens_once(polled_home: Home) -> None:
    home, car = polled_home, polled_home.car
    changes = heard(home)
    car.set_power(False)
    await ask_after(home, 300)
    car.set_power(True)
    await ask_after(home, 300)
    car.set_battery_level(80)
    await ask_after(home, 300)
    car.drive_away(home.hass.config.latitude + 0.5, home.hass.config.longitude)
    await ask_after(home, 1200)
    await ask_after(home, 1200)
    car.arrive_home()
    car.set_battery_level(40)
    car.plug_in()
    await ask_after(home, 300)
    await ask_after(home, 300)
    assert types(changes) == [
        "charging_interrupted",
        "charging_started",
        "charging_complete",
        "unplugged",
        "left",
        "plugged_in",
        "charging_started",
        "came_home",
    ]


async def test_an_event_tells_what_was_known_of_the_car(polled_home: Home) -> None:
    await ask_after(polled_home, 300)
    polled_home.car.set_power(False)
    await ask_after(polled_home, 60)
    state = polled_home.hass.states.get(polled_home.entity_id("event", "charging_session"))
    assert state is not None
    assert state.attributes["reason"] == "no_power"
    assert state.attributes["battery_level"] == 63
    assert state.attributes["charge_limit"] == 80
    assert state.attributes["energy_added"] == pytest.approx(0.9, abs=0.2)
    assert state.attributes["late"] is False


async def test_a_command_is_an_event_when_the_car_confirms_it(polled_home: Home) -> None:
    changes = heard(polled_home)
    await polled_home.act("stop_charging")
    assert polled_home.state("sensor", "charging_state") == "stopped"
    assert types(changes) == []
    await ask_after(polled_home, 10)
    assert types(changes) == ["charging_stopped"]


async def test_pushes_are_events_within_a_second_and_none_is_made_up(streaming_home: Home) -> None:
    home = streaming_home
    await home.settle()
    changes = heard(home)
    home.car.unplug()
    await until(lambda: last(home, "cable")[0] == "unplugged")
    home.car.drive_away(53.0, 5.0)
    home.tesla.clock.advance(120)
    await until(lambda: last(home, "home_and_away")[0] == "left")
    home.car.arrive_home()
    await until(lambda: last(home, "home_and_away")[0] == "came_home")
    home.car.plug_in()
    await until(lambda: last(home, "charging_session")[0] == "charging_started")
    expected = [
        "charging_interrupted",
        "unplugged",
        "left",
        "came_home",
        "plugged_in",
        "charging_started",
    ]
    assert types(changes) == expected
    # the same by a poll, over a broken connection, and before sleep: nothing new
    await ask_again(home)
    await home.act("stop_charging")
    await until(lambda: last(home, "charging_session")[0] == "charging_stopped")
    home.car.sleep()
    await until(lambda: home.state("sensor", "telemetry") == "synced", 40)
    home.car.wake()
    await until(lambda: home.state("sensor", "telemetry") == "connected", 40)
    await home.poll()
    assert types(changes) == [*expected, "charging_stopped"]


async def test_a_cable_that_came_out_while_the_car_was_out_of_reach_is_no_interruption(
    streaming_home: Home,
) -> None:
    """Somebody may have stopped charging first: nobody was there to hear of it."""
    home = streaming_home
    await home.settle()
    home.car.set_offline(True)
    await until(lambda: home.state("sensor", "telemetry") == "synced", 40)
    home.car.unplug()
    home.car.set_offline(False)
    await until(lambda: last(home, "cable")[0] == "unplugged", 40)
    state = home.hass.states.get(home.entity_id("event", "charging_session"))
    assert state is not None
    assert state.attributes["event_type"] == "charging_stopped"
    assert state.attributes["reason"] == "unplugged"


async def test_hours_without_tesla_make_what_is_noticed_then_late(polled_home: Home) -> None:
    home = polled_home
    assert home.entry is not None
    home.tesla.faults.status(500, "vehicles/", times=None)
    for _ in range(6):
        await ask_after(home, 1800)
        home.entry.runtime_data.cars[
            PEARL
        ].async_update_listeners()  # somebody has something to tell
    home.car.unplug()
    home.tesla.faults.clear()
    await ask_after(home, 60)
    assert last(home, "cable") == ("unplugged", True)


async def test_an_unreachable_tesla_hides_no_event_and_makes_none(polled_home: Home) -> None:
    polled_home.car.unplug()
    await ask_after(polled_home, 60)
    before = polled_home.hass.states.get(polled_home.entity_id("event", "cable"))
    changes = heard(polled_home)
    polled_home.tesla.faults.status(500, "vehicles/", times=3)
    await ask_after(polled_home, 60)
    assert polled_home.state("binary_sensor", "plugged_in") == "unavailable"
    assert polled_home.hass.states.get(polled_home.entity_id("event", "cable")) == before
    polled_home.tesla.faults.clear()
    await ask_after(polled_home, 60)
    assert types(changes) == []


async def test_a_position_at_the_edge_of_home_is_neither_coming_nor_going(
    polled_home: Home,
) -> None:
    home = polled_home
    changes = heard(home)
    edge = 0.0012  # degrees: some 130 m, the home zone's radius is 100 m
    journey = home.car._systems.journey
    at_home = journey.place
    for _ in range(3):
        journey.place = at_home.__class__(at_home.latitude + edge, at_home.longitude)
        await ask_after(home, 60)
        assert home.state("binary_sensor", "at_home") == "off"
        journey.place = at_home
        await ask_after(home, 60)
    assert types(changes) == []


# -- restarts ------------------------------------------------------------------------------------------


async def test_a_restart_is_no_event(polled_home: Home) -> None:
    changes = heard(polled_home)
    await polled_home.restart()
    await ask_after(polled_home, 60)
    assert types(changes) == []


@pytest.mark.parametrize("what", ["unplugged", "left"])
async def test_the_times_of_the_car_tell_that_it_is_late_where_our_clock_stood_still(
    polled_home: Home, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """No clock chip: after a power cut the time is as it was before, until the internet tells another."""
    home, world = polled_home, polled_home.tesla.clock
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.forget_run()
    standing = world.now()
    if what == "left":
        home.car.drive_away(home.hass.config.latitude + 0.5, home.hass.config.longitude)
    else:
        home.car.unplug()
    world.advance(3 * HOUR)
    monkeypatch.setattr(clock, "now", lambda: world.now() - 3 * HOUR)
    assert clock.now() == pytest.approx(standing, abs=5)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    key = "cable" if what == "unplugged" else "home_and_away"
    assert last(home, key) == (what, True)
    # what happens from now on is noticed in time, also after the clock was set
    home.car.arrive_home()
    home.car.plug_in()
    await ask_after(home, 60)
    assert last(home, "cable") == ("plugged_in", False)
    monkeypatch.setattr(clock, "now", world.now)
    home.car.unplug()
    await ask_after(home, 60)
    assert last(home, "cable") == ("unplugged", False)
    home.car.drive_away(home.hass.config.latitude + 0.5, home.hass.config.longitude)
    await ask_after(home, 1800)
    assert last(home, "home_and_away") == ("left", False)


async def test_a_clock_that_once_ran_ahead_does_not_hide_what_is_late(
    polled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, world = polled_home, polled_home.tesla.clock
    assert home.entry is not None
    monkeypatch.setattr(clock, "now", lambda: world.now() + 400 * 24 * HOUR)
    await ask_after(home, 60)
    monkeypatch.setattr(clock, "now", world.now)
    await ask_after(home, 60)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.forget_run()
    home.car.unplug()
    world.advance(3 * HOUR)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert last(home, "cable") == ("unplugged", True)


@pytest.mark.parametrize(("gap", "late"), [(600.0, False), (3 * HOUR, True)])
async def test_what_happened_while_home_assistant_was_off_is_told_once(
    polled_home: Home, gap: float, late: bool
) -> None:
    home = polled_home
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.car.unplug()
    home.tesla.clock.advance(gap)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert last(home, "cable") == ("unplugged", late)
    changes = heard(home)
    await home.restart()
    await ask_after(home, 60)
    assert types(changes) == []


async def test_a_short_restart_beside_a_car_that_has_slept_all_night_makes_nothing_late(
    polled_home: Home,
) -> None:
    home = polled_home
    home.car.sleep()
    for _ in range(8 * 2):
        home.tesla.clock.advance(1800)
        await home.poll()
    await home.restart()
    home.tesla.clock.advance(600)
    await home.poll()
    home.car.unplug()
    await ask_after(home, 60)
    assert last(home, "cable") == ("unplugged", False)


async def test_until_when_a_sleeping_car_was_followed_is_saved_at_the_end(
    polled_home: Home, hass_storage: dict[str, Any]
) -> None:
    home = polled_home
    assert home.entry is not None
    home.car.sleep()
    home.tesla.clock.advance(1800)
    await home.poll()
    storage = home.entry.runtime_data.storage
    # all that the car told is on disk; since then it has slept, and been followed
    await storage._save_states()
    storage._states_saved_at = 0.0
    home.tesla.clock.advance(1800)
    await home.poll()
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await home.hass.async_block_till_done()
    home.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await home.hass.async_block_till_done()
    saved = hass_storage[f"{DOMAIN}.{home.entry.entry_id}.states"]["data"][PEARL]["followed"]
    assert saved == [pytest.approx(home.tesla.clock.now(), abs=5)] * 2


@pytest.mark.parametrize("rubbish", ["soon", [1], [None, 2.0], {"charge": 1}, True])
async def test_a_damaged_memory_of_it_is_none(
    polled_home: Home, hass_storage: dict[str, Any], rubbish: object
) -> None:
    home = polled_home
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    hass_storage[f"{DOMAIN}.{home.entry.entry_id}.states"]["data"][PEARL]["followed"] = rubbish
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.state("sensor", "charging_state") == "charging"


async def test_the_last_event_is_shown_after_a_restart_of_home_assistant(home: Home) -> None:
    happened = "2026-11-20T07:30:00.000+00:00"
    memory = {"last_event_type": "unplugged", "last_event_attributes": {"late": False}}
    mock_restore_cache_with_extra_data(
        home.hass, [(State("event.pearl_charging_cable", happened), memory)]
    )
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up()
    assert home.entity_id("event", "cable") == "event.pearl_charging_cable"
    assert home.state("event", "cable") == happened
    assert last(home, "cable") == ("unplugged", False)


# -- device triggers -----------------------------------------------------------------------------------


async def automate(home: Home, *triggers: dict[str, Any]) -> list[Event[Any]]:
    """Set up a real automation that tells what triggered it."""
    config = {
        "alias": "tell",
        "triggers": list(triggers),
        "mode": "parallel",
        "actions": [
            {
                "event": "told",
                "event_data": {
                    "type": "{{ trigger.type }}",
                    "device": "{{ trigger.device_id }}",
                    "level": "{{ trigger.battery_level }}",
                    "late": "{{ trigger.late }}",
                },
            }
        ],
    }
    assert await async_setup_component(home.hass, automation.DOMAIN, {automation.DOMAIN: [config]})
    await home.hass.async_block_till_done()
    return async_capture_events(home.hass, "told")


def trigger(home: Home, kind: str, vin: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "trigger": "device",
        "domain": DOMAIN,
        "device_id": home.device_id(vin),
        "type": kind,
        **more,
    }


async def test_every_event_is_offered_for_a_car_with_a_name(polled_home: Home) -> None:
    hass = polled_home.hass
    device_id = polled_home.device_id()
    offered = await async_get_device_automations(hass, DeviceAutomationType.TRIGGER, [device_id])
    ours = [row for row in offered[device_id] if row["domain"] == DOMAIN]
    assert [row["type"] for row in ours] == [event.value for event in ChargeEvent]
    words = await async_get_translations(hass, "en", "device_automation", {DOMAIN})
    for kind in TYPES:
        assert words[f"component.{DOMAIN}.device_automation.trigger_type.{kind}"]
    assert words[f"component.{DOMAIN}.device_automation.extra_fields.late"]


async def test_an_automation_runs_when_it_happens_to_its_car(polled_home: Home) -> None:
    home = polled_home
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None).plug_in()
    await home.restart()
    told = await automate(
        home, trigger(home, "unplugged"), trigger(home, "charging_started", MIDNIGHT)
    )
    home.cars[MIDNIGHT].unplug()
    await ask_after(home, 60)
    assert told == []
    home.car.unplug()
    home.cars[MIDNIGHT].plug_in()
    await ask_after(home, 60)
    assert [(event.data["type"], event.data["device"]) for event in told] == [
        ("unplugged", home.device_id()),
        ("charging_started", home.device_id(MIDNIGHT)),
    ]
    assert told[0].data["level"] == 62
    assert told[0].data["late"] is False


async def test_it_runs_without_the_entity_and_after_a_reload(polled_home: Home) -> None:
    home = polled_home
    er.async_get(home.hass).async_update_entity(
        home.entity_id("event", "cable"), disabled_by=er.RegistryEntryDisabler.USER
    )
    told = await automate(home, trigger(home, "unplugged"), trigger(home, "plugged_in"))
    await home.restart()
    home.car.unplug()
    await ask_after(home, 60)
    home.car.plug_in()
    await ask_after(home, 60)
    assert [event.data["type"] for event in told] == ["unplugged", "plugged_in"]


async def test_a_late_event_runs_only_who_wants_it(polled_home: Home) -> None:
    home = polled_home
    assert home.entry is not None
    told = await automate(home, trigger(home, "unplugged"), trigger(home, "unplugged", late=True))
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.car.unplug()
    home.tesla.clock.advance(3 * HOUR)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert [event.data["late"] for event in told] == [True]


async def test_an_automation_that_is_turned_off_listens_no_more(polled_home: Home) -> None:
    home = polled_home
    told = await automate(home, trigger(home, "unplugged"))
    await home.hass.services.async_call(
        automation.DOMAIN, "turn_off", {"entity_id": "automation.tell"}, blocking=True
    )
    home.car.unplug()
    await ask_after(home, 60)
    assert told == []


def raw(device_id: str, **config: Any) -> dict[str, Any]:
    return {
        "platform": "device",
        "domain": DOMAIN,
        "device_id": device_id,
        "type": "unplugged",
        **config,
    }


@pytest.mark.parametrize(
    "wrong", [{"type": "exploded"}, {"type": None}, {"late": "perhaps"}, {"more": 1}], ids=str
)
async def test_a_trigger_that_makes_no_sense_is_refused(
    polled_home: Home, wrong: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid):
        await async_validate_trigger_config(polled_home.hass, raw(polled_home.device_id(), **wrong))


async def test_what_is_no_car_has_no_triggers(
    polled_home: Home, hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidDeviceAutomationConfig):
        await async_validate_trigger_config(hass, raw("no such device"))
    assert polled_home.entry is not None
    table = dr.async_get(hass).async_get_or_create(
        config_entry_id=polled_home.entry.entry_id, identifiers={("furniture", "table")}
    )
    offered = await async_get_device_automations(hass, DeviceAutomationType.TRIGGER, [table.id])
    assert offered[table.id] == []
    await automate(polled_home, {**trigger(polled_home, "unplugged"), "device_id": table.id})
    assert "is no car of" in caplog.text
