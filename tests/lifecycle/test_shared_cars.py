"""Two accounts with one car, its owner's and a driver's: one set of entities, one poller, and a successor."""

import asyncio
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.const import DOMAIN
from simulator.car import Quirk
from tests.support.account import add_driver, list_now
from tests.support.home import MIDNIGHT, PEARL, Home
from tests.support.waiting import until


@pytest.fixture
async def shared(home: Home, turned_account: None) -> Home:
    """A car that two accounts list; `home.entry` is the first of them."""
    home.witness.vins_are_forgotten = True
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    await home.set_up()
    await home.act("stop_charging")
    return home


def entities(home: Home) -> dict[str, tuple[str, str | None]]:
    """Return the car's entities: entry and unique id by entity id."""
    return {
        entity.entity_id: (entity.unique_id, entity.config_entry_id)
        for entity in er.async_get(home.hass).entities.values()
        if entity.unique_id.startswith(PEARL)
    }


def devices(home: Home) -> list[tuple[str, str]]:
    found = dr.async_get(home.hass).async_get_devices(identifiers={(DOMAIN, PEARL)})
    return [(device.id, device.config_entry_id) for device in found]


def belongs_to(home: Home, entry: MockConfigEntry, before: dict[str, Any]) -> None:
    """Assert that an entry has the car with all its entities, and that they work."""
    after = entities(home)
    assert {name: unique for name, (unique, _) in after.items()} == {
        name: unique for name, (unique, _) in before.items()
    }
    assert {owner for _, owner in after.values()} == {entry.entry_id}
    assert home.state("sensor", "battery_level") == "62"
    assert PEARL in entry.runtime_data.cars


async def test_the_second_account_adds_nothing(
    shared: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = shared
    before, device = entities(home), devices(home)
    requests = len(home.tesla.billing.requests)
    driver = await add_driver(home)
    assert driver.state is ConfigEntryState.LOADED
    assert driver.runtime_data.cars == {}
    assert entities(home) == before
    assert devices(home) == device
    assert "does not generate unique IDs" not in caplog.text
    asked = [r for r in home.tesla.billing.requests[requests:] if PEARL in r.path]
    assert asked == []


async def test_a_restart_changes_nothing(shared: Home) -> None:
    home = shared
    driver = await add_driver(home)
    before, device = entities(home), devices(home)
    assert home.entry is not None
    for entry in (home.entry, driver):
        assert await home.hass.config_entries.async_unload(entry.entry_id)
    home.hass.data.pop("tesla_charging_shared_cars")
    for entry in (driver, home.entry):
        assert await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()
    assert entities(home) == before
    assert devices(home) == device
    assert driver.runtime_data.cars == {}
    assert home.state("sensor", "battery_level") == "62"


async def test_the_other_account_takes_over_when_one_is_removed(shared: Home) -> None:
    home = shared
    driver = await add_driver(home)
    before, device = entities(home), devices(home)
    assert home.entry is not None
    energy = home.state("sensor", "energy_charged")
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    belongs_to(home, driver, before)
    assert devices(home) == [(device[0][0], driver.entry_id)]
    assert home.state("sensor", "energy_charged") == energy
    home.entry = driver
    await home.act("start_charging")


async def test_an_account_that_could_not_be_set_up_takes_over_when_it_can(shared: Home) -> None:
    home = shared
    driver = await add_driver(home)
    before = entities(home)
    assert home.entry is not None
    energy = home.state("sensor", "energy_charged")
    home.tesla.faults.status(500, "products", times=None)
    await home.hass.config_entries.async_reload(driver.entry_id)
    assert driver.state is ConfigEntryState.SETUP_RETRY
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    home.tesla.faults.clear()
    assert await home.hass.config_entries.async_reload(driver.entry_id)
    await home.settle()
    belongs_to(home, driver, before)
    assert home.state("sensor", "energy_charged") == energy


async def test_what_was_taken_over_survives_a_power_cut(
    shared: Home, hass_storage: dict[str, Any]
) -> None:
    home = shared
    driver = await add_driver(home)
    assert home.entry is not None
    assert await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.settle()
    files = [f"{DOMAIN}.{driver.entry_id}.{kind}" for kind in ("states", "sessions")]
    await until(lambda: all(PEARL in hass_storage.get(name, {}).get("data", {}) for name in files))
    assert hass_storage[files[0]]["data"][PEARL]["energy"]


async def test_the_other_account_takes_over_when_one_is_disabled_and_keeps_the_car(
    shared: Home,
) -> None:
    home = shared
    driver = await add_driver(home)
    before = entities(home)
    assert home.entry is not None
    first = home.entry
    await home.hass.config_entries.async_set_disabled_by(first.entry_id, ConfigEntryDisabler.USER)
    await home.settle()
    belongs_to(home, driver, before)
    by_entry = er.RegistryEntryDisabler.CONFIG_ENTRY
    registered = [er.async_get(home.hass).async_get(name) for name in before]
    assert not [e.entity_id for e in registered if e is not None and e.disabled_by is by_entry]
    await home.hass.config_entries.async_set_disabled_by(first.entry_id, None)
    await home.settle()
    belongs_to(home, driver, before)
    assert [*first.runtime_data.cars] == [MIDNIGHT]


async def test_the_other_account_takes_over_when_the_car_leaves_one(shared: Home) -> None:
    home = shared
    driver = await add_driver(home)
    before = entities(home)
    home.tesla.remove_car(home.account, PEARL)
    for _ in range(3):
        await list_now(home)
        await home.settle()
    belongs_to(home, driver, before)
    assert home.entry is not None
    assert [*home.entry.runtime_data.cars] == [MIDNIGHT]


async def test_a_reload_of_one_account_keeps_its_car(shared: Home) -> None:
    home = shared
    await add_driver(home)
    before = entities(home)
    assert home.entry is not None
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    belongs_to(home, home.entry, before)


async def test_a_command_that_is_under_way_at_the_handing_over_keeps_its_place(
    shared: Home,
) -> None:
    """The car has one line of commands, whichever account gives them; its result is shown by the successor."""
    home = shared
    driver = await add_driver(home)
    assert home.entry is not None
    number = home.entity_id("number", "charge_limit")
    home.car.commands.clear()
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=1.5, times=1)

    def tell(percent: int) -> asyncio.Task[Any]:
        data = {"entity_id": number, "value": percent}
        return asyncio.ensure_future(
            home.hass.services.async_call("number", "set_value", data, blocking=True)
        )

    first = tell(70)
    await asyncio.sleep(0.2)
    await home.hass.config_entries.async_set_disabled_by(
        home.entry.entry_id, ConfigEntryDisabler.USER
    )
    await home.settle()
    assert PEARL in driver.runtime_data.cars
    home.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.5, times=1)
    second = tell(75)
    await first
    assert home.state("number", "charge_limit") == "70"
    await second
    assert home.state("number", "charge_limit") == "75"
    assert [command.params["percent"] for command in home.car.commands] == [70, 75]
