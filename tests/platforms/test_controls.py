"""Controls: as wanted while a command is on its way and until the car speaks, and true again after a refusal."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from homeassistant.const import ATTR_ENTITY_ID, EVENT_LOGBOOK_ENTRY
from homeassistant.core import Event, EventStateChangedData, State, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)

from simulator.car.command_table import REST_COMMANDS
from tests.support.entities import ask_again, call

from ..support.home import MIDNIGHT, PEARL, Home

CONTROLS: list[Any] = [
    pytest.param("switch", "charging", "turn_off", {}, "on", "off", id="switch"),
    pytest.param("number", "charge_limit", "set_value", {"value": 90}, "80", "90", id="limit"),
    pytest.param("number", "charging_current", "set_value", {"value": 8}, "16", "8", id="current"),
]
ACTIONS: list[Any] = [
    pytest.param("switch", "charging", "stop_charging", {}, "on", "off", id="switch"),
    pytest.param(
        "number", "charge_limit", "set_charge_limit", {"percent": 90}, "80", "90", id="limit"
    ),
    pytest.param(
        "number",
        "charging_current",
        "set_charging_current",
        {"current": 8},
        "16",
        "8",
        id="current",
    ),
]


def watch(home: Home, platform: str, key: str) -> list[tuple[str, bool]]:
    """Return what a control shows from now on, each time that it shows something else."""
    shown: list[tuple[str, bool]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state is not None
        shown.append((state.state, state.attributes["pending"]))

    async_track_state_change_event(home.hass, home.entity_id(platform, key), note)
    return shown


@pytest.mark.parametrize(("platform", "key", "service", "data", "before", "after"), CONTROLS)
async def test_a_control_is_pending_until_the_car_has_accepted(
    charging_home: Home,
    platform: str,
    key: str,
    service: str,
    data: dict[str, Any],
    before: str,
    after: str,
) -> None:
    home = charging_home
    assert home.state(platform, key) == before
    shown = watch(home, platform, key)
    await call(home, platform, key, service, **data)
    await home.hass.async_block_till_done()
    assert shown == [(after, True), (after, False)]
    await ask_again(home)
    assert home.state(platform, key) == after


@pytest.mark.parametrize(("platform", "key", "service", "data", "before", "after"), CONTROLS)
async def test_after_a_refusal_a_control_goes_back_to_what_is_true(
    charging_home: Home,
    platform: str,
    key: str,
    service: str,
    data: dict[str, Any],
    before: str,
    after: str,
) -> None:
    home = charging_home
    home.tesla.faults.status(500, "signed_command", times=10)
    shown = watch(home, platform, key)
    with pytest.raises(HomeAssistantError):
        await call(home, platform, key, service, **data)
    await go_back(home)
    assert shown == [(after, True), (before, False)]


async def go_back(home: Home) -> None:
    """Let the time pass for which a browser is shown what was wanted."""
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=1))
    await home.hass.async_block_till_done()


async def test_what_is_refused_at_once_is_shown_long_enough_to_be_drawn(
    charging_home: Home,
) -> None:
    home = charging_home
    home.car.unplug()
    home.tesla.clock.advance(60)
    await ask_again(home)
    shown = watch(home, "switch", "charging")
    with pytest.raises(HomeAssistantError):
        await call(home, "switch", "charging", "turn_on")
    # a browser draws what a person moved again only when it changes, so it has to see both states
    assert shown == [("on", True)]
    await go_back(home)
    assert shown == [("on", True), ("off", False)]


@pytest.mark.parametrize(("platform", "key", "action", "data", "before", "after"), ACTIONS)
async def test_a_control_shows_what_an_action_wants(
    charging_home: Home,
    platform: str,
    key: str,
    action: str,
    data: dict[str, Any],
    before: str,
    after: str,
) -> None:
    shown = watch(charging_home, platform, key)
    await charging_home.act(action, **data)
    await charging_home.hass.async_block_till_done()
    assert shown == [(after, True), (after, False)]


async def test_what_is_refused_here_goes_back_too(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up(budget=0.0)
    shown = watch(home, "number", "charge_limit")
    with pytest.raises(HomeAssistantError):
        await call(home, "number", "charge_limit", "set_value", value=90)
    await go_back(home)
    assert shown == [("90", True), ("unknown", False)]


async def test_switching_on_what_is_complete_goes_back(charging_home: Home) -> None:
    home = charging_home
    home.car.set_battery_level(80)
    home.tesla.clock.advance(60)
    await ask_again(home)
    shown = watch(home, "switch", "charging")
    await call(home, "switch", "charging", "turn_on")
    await go_back(home)
    assert shown == [("on", True), ("off", False)]


async def test_of_two_commands_the_later_one_is_shown(charging_home: Home) -> None:
    home = charging_home
    shown = watch(home, "number", "charge_limit")
    home.tesla.faults.delay(0.2, "signed_command")
    await asyncio.gather(
        *(call(home, "number", "charge_limit", "set_value", value=value) for value in (95, 90, 85))
    )
    await home.hass.async_block_till_done()
    states = [state for state, _ in shown]
    assert states == sorted(states, reverse=True)
    assert shown[-1] == ("85", False)
    assert home.car.snapshot().charge_limit == 85


@pytest.mark.parametrize(
    ("service", "on_the_way", "done"),
    [("open_cover", "opening", "open"), ("close_cover", "closing", "closed")],
)
async def test_the_charge_port_opens_and_closes(
    home: Home, service: str, on_the_way: str, done: str
) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    if service == "close_cover":
        car._systems.port.open()
    await home.set_up()
    shown = watch(home, "cover", "charge_port")
    await call(home, "cover", "charge_port", service)
    await home.hass.async_block_till_done()
    assert list(dict.fromkeys(shown)) == [(on_the_way, True), (done, False)]


@pytest.mark.parametrize("with_cable", [True, False])
async def test_a_charge_port_that_does_not_close_is_open_again_and_says_why(
    home: Home, with_cable: bool
) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car._systems.port.motorized = with_cable
    car._systems.port.open()
    if with_cable:
        car.plug_in()
    await home.set_up()
    shown = watch(home, "cover", "charge_port")
    with pytest.raises(HomeAssistantError) as caught:
        await call(home, "cover", "charge_port", "close_cover")
    await go_back(home)
    assert shown == [("closing", True), ("open", False)]
    key = "refused_cable_connected" if with_cable else "refused_non_motorized"
    assert caught.value.translation_key == key
    assert "{" not in str(caught.value)


async def test_the_car_has_the_last_word_about_what_was_commanded(charging_home: Home) -> None:
    home = charging_home
    await call(home, "number", "charging_current", "set_value", value=12)
    assert home.state("number", "charging_current") == "12"
    # somebody pulls the slider in the car
    home.car._run(REST_COMMANDS["set_charging_amps"], {"charging_amps": 7}, "rest")
    home.tesla.clock.advance(30)
    await ask_again(home)
    assert home.state("number", "charging_current") == "7"


async def test_a_sleeping_car_is_pending_as_long_as_it_takes_to_wake_up(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(MIDNIGHT, "Midnight", wake_seconds=1.0)
    await home.set_up()
    car.sleep()
    await home.poll()

    def limit() -> State:
        state = home.hass.states.get(home.entity_id("number", "charge_limit"))
        assert state is not None
        return state

    service = home.hass.services.async_call(
        "number",
        "set_value",
        {ATTR_ENTITY_ID: home.entity_id("number", "charge_limit"), "value": 66},
        blocking=True,
    )
    task = home.hass.async_create_task(service)
    await asyncio.sleep(0.3)
    assert (limit().state, limit().attributes["pending"]) == ("66", True)
    assert home.state("sensor", "status") == "waking_up"
    await task
    assert (limit().state, limit().attributes["pending"]) == ("66", False)
    assert home.state("sensor", "status") == "online"


@pytest.mark.parametrize("wakes", [True, False])
async def test_the_wake_button_shows_that_it_is_trying(turned_clock: Home, wakes: bool) -> None:
    home = turned_clock
    car = home.add_car(MIDNIGHT, "Midnight", wake_seconds=0.3)
    await home.set_up()
    car.sleep()
    await home.poll()
    home.tesla.wake_with_charging_scope = wakes
    seen: list[tuple[bool, str]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        button = home.hass.states.get(home.entity_id("button", "wake_up"))
        assert button is not None
        seen.append((button.attributes["pending"], home.state("sensor", "status")))

    entities = [home.entity_id("button", "wake_up"), home.entity_id("sensor", "status")]
    async_track_state_change_event(home.hass, entities, note)
    if wakes:
        await call(home, "button", "wake_up", "press")
    else:
        with pytest.raises(HomeAssistantError):
            await call(home, "button", "wake_up", "press")
    await home.hass.async_block_till_done()
    assert (True, "asleep") in seen
    assert (True, "waking_up") in seen
    assert seen[-1] == (False, "online" if wakes else "asleep")


@pytest.mark.parametrize(
    ("happening", "key", "bound", "expected"),
    [
        (lambda car: car.plug_in(max_amps=10), "charging_current", "max", 32),
        (lambda car: car.plug_in(max_amps=32), "charging_current", "max", 32),
        (lambda car: None, "charge_limit", "min", 50),
        (lambda car: None, "charge_limit", "max", 100),
    ],
)
async def test_bounds_follow_the_car_and_its_cable(
    charging_home: Home,
    happening: Callable[[Any], None],
    key: str,
    bound: str,
    expected: float,
) -> None:
    home = charging_home
    happening(home.car)
    home.tesla.clock.advance(60)
    await ask_again(home)
    state = home.hass.states.get(home.entity_id("number", key))
    assert state is not None
    assert state.attributes[bound] == expected


@pytest.mark.parametrize("protocol", ["required", "not_supported"])
@pytest.mark.parametrize("cable", [None, 16])
async def test_more_than_the_cable_gives_is_accepted_and_what_is_used_is_shown(
    home: Home, protocol: str, cable: int | None
) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", protocol=protocol, max_amps=48, sleep_after=None)
    if cable:
        car.plug_in(max_amps=cable)
    await home.set_up()
    await call(home, "number", "charging_current", "set_value", value=32)
    assert [command.name for command in car.commands] == ["set_charging_amps"]
    shown = home.hass.states.get(home.entity_id("number", "charging_current"))
    assert shown is not None
    assert shown.attributes["effective_current"] == 16
    response = await home.act("set_charging_current", current=80)
    assert response["vehicles"][0]["outcome"] in {"executed", "already"}
    assert response["vehicles"][0]["effective_current"] == 16
    said = response["vehicles"][0]["message"]
    assert said.startswith("The car accepts")
    assert "16 A" in said


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "The car accepts 32 A, but draws 16 A"), ("de", "Das Auto")],
)
async def test_the_slider_tells_in_the_activity_what_the_car_will_use(
    home: Home, language: str, told: str
) -> None:
    home.hass.config.language = language
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", max_amps=48, sleep_after=None).plug_in(max_amps=16)
    await home.set_up()
    entries = async_capture_events(home.hass, EVENT_LOGBOOK_ENTRY)
    for current, count in ((16, 0), (32, 1), (32, 1), (12, 1), (32, 2)):
        await call(home, "number", "charging_current", "set_value", value=current)
        assert len(entries) == count, current
    entry = entries[0].data
    assert entry["entity_id"] == home.entity_id("number", "charging_current")
    assert entry["message"].startswith(told)
    assert "32 A" in entry["message"]
    assert "16 A" in entry["message"]


async def test_the_slider_keeps_the_highest_maximum_that_the_car_ever_reported(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", max_amps=48, sleep_after=None)
    car.plug_in(max_amps=48)
    await home.set_up()

    def highest() -> float:
        state = home.hass.states.get(home.entity_id("number", "charging_current"))
        assert state is not None
        found: float = state.attributes["max"]
        return found

    assert highest() == 48
    car.unplug()
    car.plug_in(max_amps=10)
    home.tesla.clock.advance(60)
    await ask_again(home)
    assert highest() == 48
    await home.restart()
    assert highest() == 48


@pytest.mark.parametrize("key", ["charge_limit", "charging_current"])
async def test_a_value_that_is_no_number_is_out_of_range(charging_home: Home, key: str) -> None:
    """A template that divides by zero gives it."""
    home = charging_home
    with pytest.raises(ServiceValidationError) as caught:
        await call(home, "number", key, "set_value", value="nan")
    assert "nan" in str(caught.value)
    assert not home.car.commands
