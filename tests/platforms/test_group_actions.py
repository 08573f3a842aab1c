"""Actions on many entities at once: what a sleeping car is already costs nothing, and no port opens unless it is named."""

import itertools
from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component
import pytest

from custom_components.tesla_charging.commands import wake
from tests.support.home import PEARL, Home

GROUP = "cover.all_ports"
SWITCH_GROUP = "switch.all_switches"
BROAD: tuple[dict[str, Any], ...] = (
    {"entity_id": "all"},
    {"area_id": "garage"},
    {"floor_id": "ground"},
    {"label_id": "cars"},
)


@pytest.fixture(params=["required", "not_supported"])
async def asleep(
    request: pytest.FixtureRequest, home: Home, monkeypatch: pytest.MonkeyPatch
) -> Home:
    """A home whose car sleeps, its port closed; it is in an area and has a label, and its port is in a group."""
    monkeypatch.setattr(wake, "WAKE_POLL", 0.05)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", protocol=request.param, sleep_after=None)
    await home.set_up()
    hass = home.hass
    floor = fr.async_get(hass).async_create("Ground")
    area = ar.async_get(hass).async_create("Garage", floor_id=floor.floor_id)
    label = lr.async_get(hass).async_create("Cars")
    dr.async_get(hass).async_update_device(
        home.device_id(), area_id=area.id, labels={label.label_id}
    )
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(
        hass,
        "cover",
        {"cover": {"platform": "group", "name": "All ports", "entities": [port(home)]}},
    )
    switches = {"platform": "group", "name": "All switches", "entities": [switch(home)]}
    assert await async_setup_component(hass, "switch", {"switch": switches})
    await home.settle()
    assert home.state("cover", "charge_port") == "closed"
    home.car.sleep()
    await home.poll()
    home.tesla.billing.reset()
    return home


def port(home: Home) -> str:
    return home.entity_id("cover", "charge_port")


def switch(home: Home) -> str:
    return home.entity_id("switch", "charging")


async def call(home: Home, action: str, target: dict[str, Any], **options: Any) -> None:
    """Perform an action of Home Assistant on a target."""
    domain, service = action.split(".")
    await home.hass.services.async_call(domain, service, target, blocking=True, **options)


@pytest.mark.parametrize("believed_awake", [False, True])
@pytest.mark.parametrize(
    ("action", "target"),
    [
        *itertools.product(("switch.turn_off", "cover.close_cover"), BROAD),
        ("homeassistant.turn_off", {"area_id": "garage"}),
        ("switch.turn_off", {"entity_id": SWITCH_GROUP}),
        ("cover.close_cover", {"entity_id": GROUP}),
    ],
    ids=str,
)
async def test_what_a_sleeping_car_is_already_costs_nothing_and_wakes_nobody(
    asleep: Home, action: str, target: dict[str, Any], believed_awake: bool
) -> None:
    home = asleep
    if believed_awake:
        assert home.entry is not None
        car = home.entry.runtime_data.cars[PEARL]
        car.data = car.data.with_connectivity("online")
    await call(home, action, target)
    assert home.tesla.billing.cost() == 0
    assert home.car.state == "asleep"


async def test_the_actions_say_already(asleep: Home) -> None:
    for action in ("stop_charging", "close_charge_port"):
        response = await asleep.act(action)
        assert response["vehicles"][0]["outcome"] == "already"
    assert asleep.tesla.billing.cost() == 0


@pytest.mark.parametrize("service", ["open_cover", "toggle"])
@pytest.mark.parametrize(
    "target",
    [
        *BROAD,
        {"entity_id": GROUP},
        {"entity_id": [GROUP, "cover.another"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("person", [False, True])
async def test_a_port_that_is_not_named_stays_closed_at_a_sleeping_car(
    asleep: Home, hass_admin_user: User, service: str, target: dict[str, Any], person: bool
) -> None:
    context = Context(user_id=hass_admin_user.id) if person else Context()
    await call(asleep, f"cover.{service}", target, context=context)
    assert asleep.tesla.billing.cost() == 0
    assert asleep.car.state == "asleep"
    assert not asleep.car.snapshot().charge_port_door_open


@pytest.mark.parametrize("asleep", ["required"], indirect=True)
@pytest.mark.parametrize("caller", ["script", "automation"])
@pytest.mark.parametrize("target", [*BROAD, {"entity_id": GROUP}, {}], ids=str)
async def test_whoever_calls(asleep: Home, caller: str, target: dict[str, Any]) -> None:
    """A script or an automation opens, closes and stops everything; or, without a target, this port alone."""
    home, hass = asleep, asleep.hass
    actions = [
        {"action": "switch.turn_off", "target": {**target, "entity_id": SWITCH_GROUP}},
        {"action": "cover.close_cover", "target": target or {"entity_id": port(home)}},
        {"action": "cover.open_cover", "target": target or {"entity_id": port(home)}},
    ]
    if caller == "script":
        assert await async_setup_component(
            hass, "script", {"script": {"it": {"sequence": actions}}}
        )
        await call(home, "script.it", {})
    else:
        row = {"alias": "it", "triggers": [{"trigger": "event", "event_type": "it"}]}
        row["actions"] = actions
        assert await async_setup_component(hass, "automation", {"automation": [row]})
        hass.bus.async_fire("it")
        await home.settle()
    assert home.tesla.billing.count("wake") == (not target)
    assert home.car.snapshot().charge_port_door_open is (not target)
    assert target == {} or home.tesla.billing.cost() == 0


async def test_nor_by_the_general_toggle_of_an_area(asleep: Home) -> None:
    hass = asleep.hass
    registry = er.async_get(hass)
    for entry in list(registry.entities.values()):
        if entry.domain in {"switch", "button"} and entry.platform == "tesla_charging":
            registry.async_update_entity(entry.entity_id, area_id="elsewhere")
    await call(asleep, "homeassistant.toggle", {"area_id": "garage"})
    assert asleep.tesla.billing.cost() == 0
    assert not asleep.car.snapshot().charge_port_door_open


@pytest.mark.parametrize("way", ["entity", "device", "with_others", "toggle"])
async def test_a_named_port_is_opened_and_its_car_woken(asleep: Home, way: str) -> None:
    home = asleep
    targets: dict[str, dict[str, Any]] = {
        "device": {"device_id": home.device_id()},
        "with_others": {"entity_id": [GROUP, port(home)], "area_id": "garage"},
    }
    target = targets.get(way, {"entity_id": port(home)})
    action = "homeassistant.toggle" if way == "toggle" else "cover.open_cover"
    await call(home, action, target)
    assert home.car.snapshot().charge_port_door_open
    assert home.tesla.billing.count("wake") == 1


async def test_a_script_that_first_opens_all_and_then_this_one(asleep: Home) -> None:
    """The same context, two calls: each is judged by its own target."""
    home, context = asleep, Context()
    await call(home, "cover.open_cover", {"entity_id": port(home)}, context=context)
    assert home.car.snapshot().charge_port_door_open
    assert home.tesla.billing.count("wake") == 1
    home.car.sleep()
    await home.poll()
    wakes = home.tesla.billing.count("wake")
    await call(home, "cover.open_cover", {"entity_id": "all"}, context=context)
    assert home.tesla.billing.count("wake") == wakes
    await call(home, "cover.open_cover", {"entity_id": port(home)}, context=context)
    assert home.tesla.billing.count("wake") == wakes + 1


@pytest.mark.parametrize("first", ["cover.open_cover", "cover.toggle", "homeassistant.toggle"])
@pytest.mark.parametrize("others", [{"area_id": "hall"}, {"entity_id": "cover.another"}], ids=str)
async def test_a_script_that_opens_others_first(
    asleep: Home, first: str, others: dict[str, Any]
) -> None:
    home, context = asleep, Context()
    home.hass.states.async_remove(GROUP)
    await call(home, first, others, context=context)
    await call(home, "cover.open_cover", {"entity_id": port(home)}, context=context)
    assert home.car.snapshot().charge_port_door_open
    assert home.tesla.billing.count("wake") == 1


async def test_opening_all_does_not_replace_the_opening_of_this_one(asleep: Home) -> None:
    """A script does both at once: the car is being woken for the port that is named."""
    home = asleep
    both = [
        {"action": "cover.open_cover", "target": {"entity_id": target}}
        for target in (port(home), "all")
    ]
    script = {"script": {"both": {"sequence": [{"parallel": both}]}}}
    assert await async_setup_component(home.hass, "script", script)
    await call(home, "script.both", {})
    assert home.car.snapshot().charge_port_door_open
    assert home.tesla.billing.count("wake") == 1
