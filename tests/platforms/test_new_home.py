"""A new home: which entities of a car are on at first, and that their names tell them apart in every language."""

from collections import Counter
from collections.abc import AsyncIterator
import json
from pathlib import Path
from typing import Any

from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.tesla_charging.entities.sensor_descriptions import SENSORS, SPECIAL_SENSORS
from devtools.docs.entity_docs import tables
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

INTEGRATION = Path(__file__).parents[2] / "custom_components" / "tesla_charging"
LANGUAGES = sorted((INTEGRATION / "translations").glob("*.json"))
MOST = 20
"""Entities of a car that are on at first, with everything that it can tell."""


@pytest.fixture
async def new_home(home: Home) -> AsyncIterator[Home]:
    """A new home, whose car tells everything: it streams, charges, has schedules, and its location is allowed."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    where = (home.hass.config.latitude, home.hass.config.longitude)
    home.add_car(PEARL, "Pearl", home=where, sleep_after=None).plug_in()
    entry = await home.set_up(telemetry=embedded(port), location=True)
    await until(lambda: home.state("binary_sensor", "at_home") == "on")
    await home.act("add_charge_schedule", start_time="02:00")
    await home.act("refresh")
    await home.settle()
    yield home
    await home.hass.config_entries.async_unload(entry.entry_id)


def rows_of(home: Home) -> dict[str, er.RegistryEntry]:
    """Return the registry's rows of the car, by key."""
    assert home.entry is not None
    registry = er.async_get(home.hass)
    return {
        row.unique_id.partition("_")[2]: row
        for row in er.async_entries_for_config_entry(registry, home.entry.entry_id)
        if row.unique_id.startswith(PEARL)
    }


@pytest.mark.new_home
async def test_at_most_twenty_entities_of_a_car_are_on_at_first(new_home: Home) -> None:
    rows = rows_of(new_home)
    on = {key for key, row in rows.items() if row.disabled_by is None}
    assert on == {
        "at_home",
        "battery_level",
        "charge_limit",
        "charge_port",
        "charge_power",
        "charging",
        "charging_current",
        "charging_state",
        "energy_added",
        "energy_charged_home",
        "full_charge_time",
        "location",
        "next_schedule",
        "plugged_in",
        "range",
        "refresh",
        "status",
        "telemetry",
        "wake_up",
        "why_not_charging",
    }
    assert len(on) <= MOST
    # what is off is there to be switched on: no row of the tables is missing for want of a value that came
    off = {
        key for key, row in rows.items() if row.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    }
    assert off >= {"awake", "cable", "charging_session", "last_message", "odometer"}
    states = {key: new_home.hass.states.get(rows[key].entity_id) for key in on}
    assert [key for key, state in states.items() if state is None] == []


ACCOUNT = {
    "budget",
    "command_requests",
    "cost_projected",
    "cost_this_month",
    "credit_left",
    "data_requests",
    "signals_this_month",
    "wake_requests",
}


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_no_two_entities_of_a_device_have_the_same_name(path: Path) -> None:
    words: dict[str, Any] = json.loads(path.read_text())["entity"]
    named = [
        (row.key in ACCOUNT, words[platform][row.translation_key or row.key]["name"].casefold())
        for platform, row in tables()
    ]
    assert [name for name, count in Counter(named).items() if count > 1] == []


def test_every_entity_has_an_icon_of_its_own_or_of_its_device_class() -> None:
    icons: dict[str, Any] = json.loads((INTEGRATION / "icons.json").read_text())["entity"]
    bare = [
        f"{platform}.{row.key}"
        for platform, row in tables()
        if row.key not in icons.get(platform, {}) and row.device_class is None
    ]
    assert bare == []


def test_an_icon_that_tells_states_apart_has_one_for_each() -> None:
    icons: dict[str, Any] = json.loads((INTEGRATION / "icons.json").read_text())["entity"]
    (reasons,) = [row for row in (*SENSORS, *SPECIAL_SENSORS) if row.key == "why_not_charging"]
    assert icons["sensor"]["why_not_charging"]["state"].keys() == {*(reasons.options or ())}


def test_no_icon_is_a_house_door() -> None:
    assert "mdi:door" not in (INTEGRATION / "icons.json").read_text()
