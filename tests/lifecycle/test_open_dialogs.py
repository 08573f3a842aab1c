"""Dialogs and commands that are half way when they are closed, or when their entry is reloaded or removed."""

import asyncio
import contextlib
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.tesla_charging.auth.key_store import async_get_key_store
from tests.lifecycle.reconfiguring import change, send_limit
from tests.support.flows import check, leave, pick, served_key, sign_in, start, submit, up_to_domain
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.repairs import owner_of, told
from tests.support.sign_in import entry_of
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")


# -- a new account, left half way -------------------------------------------------------------------------------


@pytest.mark.parametrize("left_at", ["user", "domain", "host_key", "pair", "pairing", "telemetry"])
async def test_a_flow_that_is_left_stands_in_nobodys_way(
    home: Home, front_door: None, left_at: str
) -> None:
    home.add_car(PEARL, "Pearl", sleep_after=None)
    result = await start(home)
    if left_at != "user":
        result = await sign_in(home, await submit(home, result, location=False))
    if left_at == "host_key":
        result = await submit(home, result, domain=HOME_DOMAIN, shown="elsewhere")
    elif left_at not in {"user", "domain"}:
        result = await submit(home, result, domain=HOME_DOMAIN)
    if left_at == "pairing":
        result = await submit(home, result, later=False)
    if left_at == "telemetry":
        result = await submit(home, result, later=True)
    assert result["step_id"] == left_at
    leave(home, result)
    await home.settle()
    assert home.hass.config_entries.flow.async_progress() == []
    assert async_get_key_store(home.hass)._holders == set()
    assert (await served_key(home))[0] == 404
    # the next try needs no pairing of cars that were paired in the first one
    store = async_get_key_store(home.hass)
    if (kept := await store.load()) is not None:
        home.tesla.pair(home.car, kept.public_key)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    if kept is None:
        result = await submit(home, result, later=True)
    result = await pick(home, result, "telemetry_polling")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert (await served_key(home))[0] == 200


# -- flows whose entry goes away ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what", ["telemetry", "pair_cars", "location", "domain", "replace_key", "application"]
)
async def test_a_flow_ends_with_its_entry(settled_home: Home, what: str) -> None:
    home = settled_home
    home.car.keychain.remove(home.key.public_key)
    result = await change(home, what)
    if result["step_id"] == "pair":
        result = await submit(home, result, later=False)
    await home.hass.config_entries.async_remove(entry_of(home).entry_id)
    await home.settle()
    with pytest.raises(UnknownFlow):
        await submit(home, result)
    assert async_get_key_store(home.hass)._holders == set()
    assert told(home) <= {"leftovers"}


async def test_a_flow_goes_on_over_a_reload_and_a_failed_set_up(settled_home: Home) -> None:
    home = settled_home
    home.car.keychain.remove(home.key.public_key)
    result = await change(home, "pair_cars")
    home.tesla.faults.status(503, "products", times=None)
    await home.hass.config_entries.async_reload(entry_of(home).entry_id)
    assert entry_of(home).state is ConfigEntryState.SETUP_RETRY
    home.tesla.faults.clear()
    home.tesla.pair(home.car, home.key.public_key)
    result = await check(home, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "all_paired")
    await home.settle()
    assert entry_of(home).state is ConfigEntryState.LOADED


async def test_an_entry_is_unloaded_under_a_command_that_waits_for_its_car(
    settled_home: Home,
) -> None:
    home = settled_home
    home.car.sleep()
    await home.poll()
    home.tesla.faults.delay(0.3, "wake_up", times=None)
    command = asyncio.create_task(send_limit(home, PEARL))
    await asyncio.sleep(0.1)
    assert await home.hass.config_entries.async_unload(entry_of(home).entry_id)
    with contextlib.suppress(HomeAssistantError):
        await command
    assert await home.hass.config_entries.async_setup(entry_of(home).entry_id)
    await home.settle()
    await home.act("set_charge_limit", percent=75)
    assert home.state("number", "charge_limit") == "75"


async def test_a_repair_that_is_submitted_during_a_reload_asks_to_try_again(
    settled_home: Home, hass_client: Any
) -> None:
    home = settled_home
    owner = await owner_of(home, hass_client)
    home.car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    page = await owner.opens("key_not_paired")
    home.tesla.faults.delay_answer(2, "products")
    reload = asyncio.create_task(home.hass.config_entries.async_reload(entry_of(home).entry_id))
    await until(lambda: entry_of(home).state is ConfigEntryState.SETUP_IN_PROGRESS)
    page = await owner.submits(page)
    assert page["errors"] == {"base": "not_set_up"}
    await reload
    home.tesla.pair(home.car, home.key.public_key)
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()


async def test_nothing_is_said_of_an_entry_that_is_disabled_while_it_is_repaired(
    settled_home: Home, hass_client: Any
) -> None:
    home = settled_home
    owner = await owner_of(home, hass_client)
    home.car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    page = await owner.opens("key_not_paired")
    await home.hass.config_entries.async_set_disabled_by(
        entry_of(home).entry_id, ConfigEntryDisabler.USER
    )
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()
