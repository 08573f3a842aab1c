"""The blueprints: each is loaded into Home Assistant, made an automation, and does its work at the simulated car."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
import shutil
from typing import Any
from urllib.parse import quote

from homeassistant.components import automation, persistent_notification
from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.components.blueprint import Blueprint
from homeassistant.const import __version__
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.support.entities import ask_again
from tests.support.home import PEARL, Home

ROOT = Path(__file__).parents[2]
BLUEPRINTS = ROOT / "blueprints" / "automation" / "tesla_charging"
NAMES = sorted(path.name for path in BLUEPRINTS.glob("*.yaml"))
REPOSITORY = "https://github.com/tesla-charging/tesla-charging"


@pytest.fixture
async def blueprint_home(home: Home) -> AsyncIterator[Home]:
    """A home with every blueprint, and a car that charges at home and tells where it is."""
    folder = Path(home.hass.config.path("blueprints", "automation", "tesla_charging"))
    await home.hass.async_add_executor_job(shutil.copytree, BLUEPRINTS, folder)
    home.tesla.wake_with_charging_scope = True
    where = (home.hass.config.latitude, home.hass.config.longitude)
    home.add_car(PEARL, "Pearl", home=where, sleep_after=None).plug_in()
    await home.set_up(location=True)
    assert await async_setup_component(home.hass, "persistent_notification", {})
    yield home
    if home.hass.services.has_service(automation.DOMAIN, "turn_off"):
        await home.hass.services.async_call(
            automation.DOMAIN, "turn_off", {"entity_id": "all"}, blocking=True
        )


async def automate(home: Home, name: str, **inputs: Any) -> None:
    """Make an automation of a blueprint."""
    use = {"path": f"tesla_charging/{name}.yaml", "input": {"car": home.device_id(), **inputs}}
    config = [{"alias": name, "use_blueprint": use}]
    assert await async_setup_component(home.hass, automation.DOMAIN, {automation.DOMAIN: config})
    await home.hass.async_block_till_done()
    state = home.hass.states.get(f"automation.{name}")
    assert state is not None
    assert state.state == "on"


async def show(home: Home, entity_id: str, state: object, **attributes: object) -> None:
    """Have a sensor of somebody else's show something, and whoever reacts come to an end."""
    home.hass.states.async_set(entity_id, str(state), attributes)
    await home.settle()


async def look(home: Home) -> None:
    """Have the car's data asked for a minute later."""
    home.tesla.clock.advance(60)
    await ask_again(home)
    await home.settle()


def state(home: Home) -> str:
    """What the car itself does."""
    return home.car.snapshot().charging_state


def names(home: Home) -> list[str]:
    """The commands that the car has carried out."""
    return [command.name for command in home.car.commands]


def messages(home: Home) -> list[tuple[str, str]]:
    found = persistent_notification._async_get_or_create_notifications(home.hass)
    return [(str(note["title"]), note["message"]) for note in found.values()]


# -- as files ------------------------------------------------------------------------------------------


def test_there_are_six() -> None:
    assert len(NAMES) == 6


@pytest.mark.parametrize("name", NAMES)
async def test_a_blueprint_is_valid_offers_only_our_cars_and_knows_where_it_comes_from(
    blueprint_home: Home, name: str
) -> None:
    assert await async_setup_component(blueprint_home.hass, automation.DOMAIN, {})
    store = async_get_blueprints(blueprint_home.hass)
    blueprint = await store.async_get_blueprint(f"tesla_charging/{name}")
    assert isinstance(blueprint, Blueprint)
    assert blueprint.domain == automation.DOMAIN
    assert blueprint.validate() is None  # the version of Home Assistant is new enough
    about = blueprint.metadata
    assert (
        about["source_url"] == f"{REPOSITORY}/blob/main/blueprints/automation/tesla_charging/{name}"
    )
    floor = (ROOT / "hacs.json").read_text()
    assert f'"{about["homeassistant"]["min_version"]}"' in floor
    assert blueprint.inputs["car"]["selector"] == {
        "device": {
            "filter": [{"integration": "tesla_charging", "manufacturer": "Tesla"}],
            "multiple": False,
        }
    }
    for row in blueprint.inputs.values():
        assert row["name"]
        assert row["selector"]


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_is_described_with_a_link_that_imports_it(name: str) -> None:
    page = (ROOT / "docs" / "automations.md").read_text()
    source = f"{REPOSITORY}/blob/main/blueprints/automation/tesla_charging/{name}"
    link = f"https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url={quote(source, safe='')}"
    assert link in page
    assert f"blueprints/automation/tesla_charging/{name}" in page


def test_this_home_assistant_is_new_enough() -> None:
    assert __version__ >= "2026.10.0"


# -- at work -------------------------------------------------------------------------------------------


async def test_the_car_charges_while_the_price_is_low(blueprint_home: Home) -> None:
    home = blueprint_home
    await show(home, "sensor.price", 0.15)
    await automate(home, "charge_when_price_is_low", price="sensor.price", limit=0.2)
    await show(home, "sensor.price", 0.30)
    assert state(home) == "Stopped"
    await look(home)
    await show(home, "sensor.price", 0.35)
    await show(home, "sensor.price", "unavailable")
    await show(home, "sensor.price", 0.35)
    assert state(home) == "Stopped"
    await show(home, "sensor.price", 0.10)
    assert state(home) == "Charging"
    assert names(home) == ["charge_stop", "charge_start"]


async def test_a_car_that_is_plugged_in_while_it_is_dear_waits(blueprint_home: Home) -> None:
    home = blueprint_home
    home.car.unplug()
    await look(home)
    await show(home, "sensor.price", 0.30)
    await automate(home, "charge_when_price_is_low", price="sensor.price", limit=0.2)
    home.car.plug_in()
    home.tesla.clock.advance(60)
    await ask_again_without_waiting(home)
    assert state(home) == "Charging"
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=31))
    await home.settle()
    assert state(home) == "Stopped"


async def ask_again_without_waiting(home: Home) -> None:
    """Look at the car, while an automation waits for time to pass."""
    assert home.entry is not None
    car = home.entry.runtime_data.cars[PEARL]
    car.confirmation.wanted = True
    await car.async_refresh()


@pytest.mark.parametrize("away", [True, False])
async def test_price_leaves_a_car_alone_that_charges_elsewhere(
    blueprint_home: Home, away: bool
) -> None:
    home = blueprint_home
    if away:
        home.car.drive_away(home.hass.config.latitude + 0.1, home.hass.config.longitude)
        home.tesla.clock.advance(3600)
        home.car.plug_in()
        await look(home)
        assert home.state("binary_sensor", "at_home") == "off"
    await show(home, "sensor.price", 0.15)
    await automate(
        home,
        "charge_when_price_is_low",
        price="sensor.price",
        limit=0.2,
        at_home=home.entity_id("binary_sensor", "at_home"),
    )
    await show(home, "sensor.price", 0.30)
    assert names(home) == ([] if away else ["charge_stop"])


async def test_a_full_car_is_neither_started_nor_stopped_nor_woken(blueprint_home: Home) -> None:
    home = blueprint_home
    home.car.set_battery_level(80)
    await look(home)
    await show(home, "sensor.price", 0.15)
    await automate(home, "charge_when_price_is_low", price="sensor.price", limit=0.2)
    home.car.sleep()
    for price in (0.30, 0.10, 0.30):
        await show(home, "sensor.price", price)
    assert names(home) == []
    assert home.car.state == "asleep"


@pytest.mark.parametrize("stop", [True, False])
async def test_whoever_does_not_want_it_stopped_is_obeyed(blueprint_home: Home, stop: bool) -> None:
    home = blueprint_home
    await show(home, "sensor.price", 0.15)
    await automate(home, "charge_when_price_is_low", price="sensor.price", limit=0.2, stop=stop)
    await show(home, "sensor.price", 0.30)
    assert names(home) == (["charge_stop"] if stop else [])


async def test_the_car_follows_the_solar_surplus(blueprint_home: Home) -> None:
    home = blueprint_home
    await show(home, "sensor.surplus", 3000)
    await automate(
        home,
        "follow_solar_surplus",
        surplus="sensor.surplus",
        stop_below=1000,
        start_above=1800,
        minutes=5,
    )
    await show(home, "sensor.surplus", 500)
    assert state(home) == "Charging"  # a cloud
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(minutes=5, seconds=1))
    await home.settle()
    assert state(home) == "Stopped"
    await look(home)
    await show(home, "sensor.surplus", 1500)
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(minutes=10))
    await home.settle()
    assert state(home) == "Stopped"
    await show(home, "sensor.surplus", 2500)
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(minutes=20))
    await home.settle()
    assert state(home) == "Charging"
    assert names(home) == ["charge_stop", "charge_start"]


@pytest.mark.parametrize(
    ("unit", "factor", "sign"), [("W", 1, -1), ("kW", 0.001, -1), ("W", 1, 1)], ids=str
)
async def test_the_car_follows_the_solar_surplus_of_a_plain_grid_meter(
    blueprint_home: Home, unit: str, factor: float, sign: int
) -> None:
    home = blueprint_home

    async def measure(fed_in: float) -> None:
        await show(home, "sensor.grid", sign * fed_in * factor, unit_of_measurement=unit)

    async def wait(minutes: float) -> None:
        async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(minutes=minutes))
        await home.settle()

    # 11 kW flow into the car: 8 kW come from the grid, 3 kW are left over without the car
    await measure(-8000)
    await automate(
        home,
        "follow_solar_surplus_grid_meter",
        grid="sensor.grid",
        feed_in_is_positive=sign > 0,
        power=home.entity_id("sensor", "charge_power"),
        minutes=5,
    )
    await wait(6)
    assert state(home) == "Charging"
    await measure(-10_600)
    await wait(12)
    assert state(home) == "Stopped"
    await look(home)
    await measure(1500)
    await wait(20)
    assert state(home) == "Stopped"
    await measure(2500)
    await wait(30)
    assert state(home) == "Charging"
    assert names(home) == ["charge_stop", "charge_start"]


@pytest.mark.parametrize("plugged_in", [True, False])
async def test_a_car_without_cable_is_missed_in_the_evening(
    blueprint_home: Home, plugged_in: bool
) -> None:
    home = blueprint_home
    if not plugged_in:
        home.car.unplug()
        await look(home)
    evening = (dt_util.now() + timedelta(minutes=2)).replace(second=0, microsecond=0)
    await automate(
        home,
        "notify_when_not_plugged_in",
        time=evening.strftime("%H:%M:%S"),
        at_home=home.entity_id("binary_sensor", "at_home"),
    )
    async_fire_time_changed(home.hass, evening - timedelta(seconds=20))
    await home.settle()
    assert messages(home) == []
    async_fire_time_changed(home.hass, evening + timedelta(seconds=1))
    await home.settle()
    expected = [] if plugged_in else [("Pearl is not plugged in", "It will not charge tonight.")]
    assert messages(home) == expected


@pytest.mark.parametrize("interrupted", [True, False])
async def test_the_end_of_charging_is_told(blueprint_home: Home, interrupted: bool) -> None:
    home = blueprint_home
    await automate(home, "notify_when_done", interrupted=interrupted)
    home.car.set_power(False)
    await look(home)
    told = [("Pearl: charging interrupted", "Battery at 62 %, 0.0 kWh added.")]
    assert messages(home) == (told if interrupted else [])
    home.car.set_power(True)
    await look(home)
    home.car.set_battery_level(79.9)
    await look(home)
    assert messages(home)[-1][0] == "Pearl: charging complete"
    assert messages(home)[-1][1].startswith("Battery at 80 %, 0.")


async def test_other_actions_may_be_chosen(blueprint_home: Home) -> None:
    home = blueprint_home
    await automate(
        home,
        "notify_when_done",
        tell=[
            {
                "action": "persistent_notification.create",
                "data": {"title": "{{ name }}", "message": "{{ what }} at {{ level }}"},
            }
        ],
    )
    home.car.set_battery_level(80)
    await look(home)
    assert messages(home) == [("Pearl", "charging complete at 80")]


@pytest.mark.parametrize("kind", ["date and time helper", "timestamp sensor"])
async def test_the_limit_goes_up_before_a_trip_and_down_after_it(
    blueprint_home: Home, kind: str
) -> None:
    home = blueprint_home

    def leaving(hours: float) -> str:
        """Return a departure in so many hours, as Home Assistant shows it."""
        at = dt_util.now() + timedelta(hours=hours)
        if kind == "timestamp sensor":
            return dt_util.as_utc(at).isoformat()
        return at.strftime("%Y-%m-%d %H:%M:%S")

    await show(home, "sensor.departure", leaving(9))
    await automate(
        home,
        "raise_limit_before_trip",
        departure="sensor.departure",
        hours_before=8,
        trip_limit=95,
        hours_after=12,
        everyday_limit=70,
    )
    limits = []
    # the trip comes nearer, is made, and the next is planned
    for hours in (8.1, 7.9, 2, -1, -11.9, -12.1, 30):
        await show(home, "sensor.departure", leaving(hours))
        limits.append(home.car.snapshot().charge_limit)
    assert limits == [80, 95, 95, 95, 95, 70, 70]
    assert names(home) == ["set_charge_limit"] * 2


async def test_the_hour_comes_by_itself(blueprint_home: Home) -> None:
    home = blueprint_home
    await automate(home, "raise_limit_before_trip", departure="sensor.departure")
    departure = dt_util.utcnow() + timedelta(hours=8, seconds=1)
    await show(home, "sensor.departure", departure.isoformat())
    assert home.car.snapshot().charge_limit == 80
    await asyncio.sleep(1.1)
    # templates that look at the clock are looked at every minute
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(seconds=61))
    await home.settle()
    assert home.car.snapshot().charge_limit == 100


@pytest.mark.parametrize("nothing", ["unknown", "unavailable", "soon"])
async def test_no_departure_is_no_trip(
    blueprint_home: Home, nothing: str, caplog: pytest.LogCaptureFixture
) -> None:
    home = blueprint_home
    await automate(home, "raise_limit_before_trip", departure="sensor.departure")
    await show(home, "sensor.departure", nothing)
    assert names(home) == []
    assert "TemplateError" not in caplog.text
