"""Issues end with what they are about: a pairing, a car, an entry, a domain."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.monitors import domain
from custom_components.tesla_charging.vehicle_command import COMMANDS
from tests.lifecycle.reconfiguring import change, changed, send_limit
from tests.support.flows import check, submit
from tests.support.home import HOME_DOMAIN, MIDNIGHT, PEARL, Home
from tests.support.repairs import hours, issue_of, owner_of, serving, told
from tests.support.sign_in import entry_of

pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")


# -- pairing ----------------------------------------------------------------------------------------------------


async def test_who_is_paired_by_reconfiguring_is_forgiven_at_once(settled_home: Home) -> None:
    home = settled_home
    home.car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    assert told(home) == {"key_not_paired"}
    result = await change(home, "pair_cars")
    home.tesla.pair(home.car, home.key.public_key)
    assert (await check(home, result))["reason"] == "all_paired"
    await home.settle()
    assert told(home) == set()


async def test_a_car_that_joins_unpaired_is_told_of_under_its_newest_name(
    settled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home
    monkeypatch.setattr(clock, "monotonic", home.tesla.clock.now)
    car = home.add_car(MIDNIGHT, "", sleep_after=None)
    car.keychain.remove(home.key.public_key)
    for name in ("Midnight", "Night"):
        car.rename(name)
        home.tesla.clock.advance(7 * 3600)
        async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(hours=7))
        await home.settle()
        if name == "Midnight":
            assert told(home) == {"key_not_paired"}
            home.tesla.pair(car, home.key.public_key)
            await send_limit(home, MIDNIGHT)
            assert told(home) == set()
            car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await send_limit(home, MIDNIGHT)
    assert (issue_of(home, "key_not_paired").translation_placeholders or {})["car"] == "Night"


# -- cars that left, entries that are off -----------------------------------------------------------------------


async def test_trouble_with_a_car_goes_with_the_car(
    settled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    await home.restart()
    home.cars[MIDNIGHT].mobile_access = False
    for car in entry_of(home).runtime_data.cars.values():
        await car.async_refresh()
    await home.settle()
    for car in entry_of(home).runtime_data.cars.values():
        car.observations.polled_at = None
    await home.poll()
    assert told(home) == {"mobile_access_disabled"}
    await entry_of(home).runtime_data.account.forget(MIDNIGHT)
    assert told(home) == set()


async def test_an_entry_that_never_came_up_says_nothing_once_it_is_disabled(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", home.tesla.clock.now)
    home.add_car(PEARL, "Pearl")
    entry = await home.set_up()
    home.tesla.exceed_billing_limit(home.application)
    for _ in range(2):
        home.tesla.clock.advance(120)
        await home.hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert told(home) == {"account_unpaid"}
    await home.hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    await home.settle()
    assert told(home) == set()


# -- the domain -------------------------------------------------------------------------------------------------


async def test_a_key_that_another_server_shows_has_not_moved_with_home_assistant(
    settled_home: Home,
) -> None:
    home = settled_home
    home.hass.config.external_url = "https://house.example.net"
    data = {**entry_of(home).data, "shown_here": False}
    home.hass.config_entries.async_update_entry(entry_of(home), data=data)
    home.tesla.dns.pop(HOME_DOMAIN)
    await home.restart()
    await hours(home, 4)
    assert told(home) == set()
    async with serving(home, "no such file", 404):
        await hours(home, 4)
        assert told(home) == {"key_not_served"}


async def test_a_domain_that_tesla_took_ends_what_was_said_of_the_old_one(
    settled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home
    home.hass.config.external_url = "https://casa.example.com"
    origin = home.tesla.dns.pop(HOME_DOMAIN)
    await home.restart()
    await hours(home, 4)
    assert told(home) == {"domain_moved"}
    home.tesla.dns["casa.example.com"] = origin
    result = await submit(home, await change(home, "domain"), domain="casa.example.com")
    # whether it can be seen from inside or not: Tesla has fetched the key there
    home.tesla.dns.clear()
    await changed(home, result)
    assert told(home) == set()


async def test_a_router_that_answers_from_inside_is_no_trouble_while_tesla_finds_the_key(
    settled_home: Home, hass_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home
    owner = await owner_of(home, hass_client)
    # only who calls from inside meets the router's own page
    inside = replace(active_endpoints(), world_url=f"{home.tesla.base_url}/no/such/page/")
    monkeypatch.setattr(domain, "active_endpoints", lambda: inside)
    await home.restart()
    await hours(home, 5)
    assert told(home) == set()
    # really away, as Tesla sees it too; then back, and the router as before
    async with serving(home, "no such file", 404):
        await hours(home, 30)
        assert told(home) == {"key_not_served"}
        page = await owner.submits(await owner.opens("key_not_served"))
        assert page["errors"] == {"base": "seen_not_there"}
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()


# -- repairs ----------------------------------------------------------------------------------------------------


async def test_a_page_that_leads_on_closes_when_all_is_well(
    settled_home: Home, hass_client: Any
) -> None:
    home = settled_home
    owner = await owner_of(home, hass_client)
    home.tesla.remove_scope(home.account, home.application, "vehicle_charging_cmds")
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    page = await owner.opens("permission_charging")
    home.hass.config_entries.async_update_entry(
        entry_of(home), data={**entry_of(home).data, "token": home.sign_in()}
    )
    await home.restart()
    assert told(home) == set()
    assert (await owner.submits(page))["type"] == "create_entry"
    assert home.hass.config_entries.flow.async_progress() == []


@pytest.mark.parametrize("kind", ["key_not_paired", "permission_charging"])
async def test_a_page_closes_when_its_entry_was_removed(
    settled_home: Home, hass_client: Any, kind: str
) -> None:
    home = settled_home
    owner = await owner_of(home, hass_client)
    if kind == "key_not_paired":
        home.car.keychain.remove(home.key.public_key)
    else:
        home.tesla.remove_scope(home.account, home.application, "vehicle_charging_cmds")
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    page = await owner.opens(kind)
    await home.hass.config_entries.async_remove(entry_of(home).entry_id)
    assert (await owner.submits(page))["type"] == "create_entry"


async def test_a_command_that_fails_after_its_entry_was_removed_leaves_no_issue(
    settled_home: Home,
) -> None:
    home = settled_home
    home.car.keychain.remove(home.key.public_key)
    car = entry_of(home).runtime_data.cars[PEARL]
    home.tesla.faults.delay_answer(0.3, "signed_command", times=None)
    command = asyncio.create_task(car.send(COMMANDS["set_charge_limit"](percent=70)))
    await asyncio.sleep(0.1)
    await home.hass.config_entries.async_remove(entry_of(home).entry_id)
    with pytest.raises(HomeAssistantError):
        await command
    assert told(home) == {"leftovers"}
