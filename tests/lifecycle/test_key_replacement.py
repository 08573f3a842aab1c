"""Another key while accounts, dialogs and cars use the one before: nobody is left with the old one."""

import asyncio
import contextlib
from pathlib import Path

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.tesla_charging.auth.key_store import async_get_key_store
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.vehicle_command import VirtualKey
from tests.lifecycle.reconfiguring import (
    OTHER_ID,
    change,
    changed,
    key_on_disk,
    second_account,
    send_limit,
)
from tests.support.flows import leave, served_key, sign_in, start, submit, up_to_domain
from tests.support.home import HOME_DOMAIN, KEY_FILE, MIDNIGHT, PEARL, Home
from tests.support.repairs import SIMULATOR, told
from tests.support.sign_in import entry_of
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")


def open_issues(home: Home) -> list[str]:
    issues = ir.async_get(home.hass).issues.values()
    return [
        issue.issue_id
        for issue in issues
        if issue.domain == DOMAIN and issue.active and issue.issue_id != SIMULATOR
    ]


async def test_cars_that_know_only_the_replaced_key_are_told_of(settled_home: Home) -> None:
    home = settled_home
    second = await second_account(home)
    # both took commands with the old key, and so were never asked about
    for vin in (PEARL, MIDNIGHT):
        await send_limit(home, vin)
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["step_id"] == "pair"
    await changed(home, await submit(home, result, later=True))
    for entry in (entry_of(home), second):
        for car in entry.runtime_data.cars.values():
            await car.async_refresh()
    await home.settle()
    assert told(home) == {"key_not_paired"}
    assert len(open_issues(home)) == 2
    # whoever is paired then is forgiven, and obeys at once
    home.tesla.pair(home.car, key_on_disk(home))
    await home.act("set_charge_limit", percent=75)
    assert len(open_issues(home)) == 1


async def test_a_flow_that_is_left_after_the_key_was_replaced_leaves_nobody_with_the_old_one(
    settled_home: Home,
) -> None:
    home = settled_home
    second = await second_account(home)
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["step_id"] == "pair"
    leave(home, result)
    await home.settle()
    for entry in (entry_of(home), second):
        assert entry.state is ConfigEntryState.LOADED
        assert entry.runtime_data.key.public_key == key_on_disk(home)
    assert (await served_key(home))[0] == 200


async def test_a_key_is_not_replaced_by_a_flow_that_began_before_there_was_one(
    home: Home, front_door: None
) -> None:
    home.add_car(PEARL, "Pearl")
    elsewhere = home.tesla.add_account("second@example.com", region="eu")
    slow = await start(home)
    slow = await sign_in(home, await submit(home, slow, location=False), account=elsewhere)
    assert slow["step_id"] == "domain"
    quick = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert quick["step_id"] == "pair"
    mine = key_on_disk(home)
    slow = await submit(home, slow, domain=HOME_DOMAIN)
    assert (slow["step_id"], slow["errors"]) == ("domain", {"base": "key_changed"})
    assert key_on_disk(home) == mine
    # the first of the choices is the key that is there
    slow = await submit(home, slow, domain=HOME_DOMAIN)
    assert key_on_disk(home) == mine


async def test_a_key_that_was_replaced_is_not_brought_back_by_a_flow_that_offered_it(
    settled_home: Home,
) -> None:
    home = settled_home
    elsewhere = home.tesla.add_account("second@example.com", region="eu")
    slow = await sign_in(
        home, await submit(home, await start(home), location=False), account=elsewhere
    )
    assert slow["step_id"] == "domain"
    result = await submit(home, await change(home, "replace_key"), key="new")
    await changed(home, await submit(home, result, later=True))
    new = key_on_disk(home)
    slow = await submit(home, slow, domain=HOME_DOMAIN)
    assert slow["errors"] == {"base": "key_changed"}
    assert key_on_disk(home) == new
    assert home.application.registrations["eu"].public_key == new


async def test_a_key_that_was_erased_meanwhile_is_not_offered_any_more(
    home: Home, front_door: None
) -> None:
    home.save_key()
    slow = await up_to_domain(home)
    assert await async_get_key_store(home.hass).erase()
    slow = await submit(home, slow, domain=HOME_DOMAIN, key="keep")
    assert slow["errors"] == {"base": "key_changed"}
    choices = next(v for k, v in slow["data_schema"].schema.items() if k == "key")
    assert choices.config["options"] == ["new", "import"]


async def test_the_key_to_put_on_a_server_is_the_one_that_is_there(
    home: Home, front_door: None
) -> None:
    slow = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, shown="elsewhere")
    assert slow["step_id"] == "host_key"
    await async_get_key_store(home.hass).save(home.key)
    slow = await submit(home, slow)
    assert (slow["step_id"], slow["errors"]) == ("host_key", {"base": "key_changed"})
    assert slow["description_placeholders"]["pem"] == home.key.public_pem.strip()
    assert key_on_disk(home) == home.key.public_key


async def test_a_dialog_that_is_closed_while_tesla_takes_the_key_leaves_nobody_with_the_old_one(
    settled_home: Home,
) -> None:
    home = settled_home
    result = await change(home, "replace_key")
    home.tesla.faults.delay_answer(0.3, "eu/api/1/partner_accounts")
    submitting = asyncio.create_task(submit(home, result, key="new"))
    await asyncio.sleep(0.1)
    leave(home, result)
    with contextlib.suppress(UnknownFlow):
        await submitting
    await home.settle()
    assert key_on_disk(home) != home.key.public_key
    assert entry_of(home).state is ConfigEntryState.LOADED
    assert entry_of(home).runtime_data.key.public_key == key_on_disk(home)
    assert async_get_key_store(home.hass)._holders == {entry_of(home).entry_id}


async def test_a_damaged_key_can_be_replaced_also_at_the_second_try(
    home: Home, front_door: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    await home.hass.config_entries.async_unload(entry_of(home).entry_id)
    store = async_get_key_store(home.hass)
    store._key = None  # as after a restart
    Path(home.hass.config.path(KEY_FILE)).write_text("damaged")
    await home.hass.config_entries.async_setup(entry_of(home).entry_id)
    assert entry_of(home).state is ConfigEntryState.SETUP_ERROR
    result = await change(home, "replace_key")

    async def full(_: VirtualKey) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(store, "save", full)
        result = await submit(home, result, key="new")
    assert result["errors"] == {"base": "key_not_saved"}
    result = await submit(home, result, key="new")
    await changed(home, await submit(home, result, later=True))


async def test_a_new_key_that_one_account_cannot_take_is_taken_back_as_far_as_possible(
    settled_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = settled_home
    await second_account(home)
    home.tesla.applications[OTHER_ID].client_secret = "changed since"
    result = await change(home, "replace_key")
    home.tesla.faults.delay(0.3, "/token", times=None)
    submitting = asyncio.create_task(submit(home, result, key="new"))
    registered = home.application.registrations
    await until(
        lambda: len({home.key.public_key, *(r.public_key for r in registered.values())}) == 2
    )
    await until(lambda: "na" in registered)
    home.tesla.faults.clear()
    home.tesla.faults.status(503, "partner_accounts", times=None)
    result = await submitting
    assert result["errors"] == {"base": "invalid_client"}
    assert "Tesla did not take the old key back" in caplog.text
    assert key_on_disk(home) == home.key.public_key


async def test_a_key_that_the_cars_know_already_replaces_the_old_one_without_pairing(
    settled_home: Home,
) -> None:
    home = settled_home
    known = VirtualKey.generate()
    home.tesla.pair(home.car, known.public_key)
    result = await submit(home, await change(home, "replace_key"), key="import")
    assert result["step_id"] == "import_key"
    await changed(home, await submit(home, result, pem=known.private_pem().decode()))
    assert key_on_disk(home) == known.public_key
    await home.act("stop_charging")
    await home.poll()
    assert told(home) == set()


async def test_without_an_old_key_there_is_nothing_to_take_back(settled_home: Home) -> None:
    home = settled_home
    second = await second_account(home)
    for entry in (entry_of(home), second):
        await home.hass.config_entries.async_unload(entry.entry_id)
    Path(home.hass.config.path(KEY_FILE)).unlink()
    async_get_key_store(home.hass)._key = None
    home.tesla.applications[OTHER_ID].client_secret = "changed since"
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["errors"] == {"base": "invalid_client"}
    assert not Path(home.hass.config.path(KEY_FILE)).exists()
