"""Where two parts of the integration meet: what one does while the other is half way."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import socket
import time
from typing import Any

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType, UnknownFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.auth.key_store import async_get_key_store
from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.monitors import domain as domain_watch
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from custom_components.tesla_charging.vehicle_command import COMMANDS, VirtualKey
from simulator import Application
from tests.conftest import HOME_DOMAIN, KEY_FILE, MIDNIGHT, PEARL, REDIRECT_URI, SCOPES, Home
from tests.issues.test_repairs import hours, serving
from tests.setup_flow import test_config_flow as walk
from tests.setup_flow.test_config_flow import (
    Step,
    check,
    pick,
    served_key,
    sign_in,
    start,
    submit,
    up_to_domain,
)
from tests.support.repairs import issue_of, owner_of, told
from tests.support.sign_in import expire, stored, token
from tests.telemetry.test_telemetry import embedded, free_port, until

front_door = walk.front_door
impatient = walk._impatient
pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")

OTHER_ID, OTHER_SECRET = "6f2c1c5e-0000-4000-8000-00000other", "ta-secret.of-another-one"


@pytest.fixture
async def settled_home(home: Home, front_door: None) -> Home:
    """A home with a car, set up, whose domain leads to it."""
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None).plug_in()
    await home.set_up()
    await home.poll()
    return home


def entry_of(home: Home) -> MockConfigEntry:
    assert home.entry is not None
    return home.entry


async def change(home: Home, what: str) -> Step:
    return await pick(home, await entry_of(home).start_reconfigure_flow(home.hass), what)


async def changed(home: Home, result: Step) -> None:
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await home.settle()
    assert entry_of(home).state is ConfigEntryState.LOADED


def leave(home: Home, result: Step) -> None:
    """Close the dialog."""
    home.hass.config_entries.flow.async_abort(result["flow_id"])


def key_on_disk(home: Home) -> bytes:
    return VirtualKey.load(Path(home.hass.config.path(KEY_FILE))).public_key


async def other_application(home: Home) -> Application:
    """Return a second application, whose credentials are entered."""
    other = home.tesla.add_application(
        OTHER_ID, OTHER_SECRET, allowed_origin="https://example.com", redirect_uris=(REDIRECT_URI,)
    )
    await async_import_client_credential(
        home.hass, DOMAIN, ClientCredential(OTHER_ID, OTHER_SECRET), "other"
    )
    return other


async def send_limit(home: Home, vin: str) -> None:
    (device,) = dr.async_get(home.hass).async_get_devices(identifiers={(DOMAIN, vin)})
    await home.hass.services.async_call(
        DOMAIN, "set_charge_limit", {"device_id": device.id, "percent": 70}, blocking=True
    )


def open_issues(home: Home) -> list[str]:
    issues = ir.async_get(home.hass).issues.values()
    return [issue.issue_id for issue in issues if issue.domain == DOMAIN and issue.active]


async def second_account(home: Home) -> MockConfigEntry:
    """Set up a second account with a car and an application of its own."""
    first, account = entry_of(home), home.account
    home.account = home.tesla.add_account("second@example.com", region="eu")
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    other = await other_application(home)
    home.tesla.register(other, home.key.public_key, domain=HOME_DOMAIN)
    given = home.tesla.sign_in(home.account, other, set(SCOPES))
    second = MockConfigEntry(
        domain=DOMAIN,
        unique_id=home.account.sub,
        title="Midnight",
        data={
            **first.data,
            "auth_implementation": "other",
            "token": {**given, "expires_at": time.time() + 28800},
        },
    )
    second.add_to_hass(home.hass)
    assert await home.hass.config_entries.async_setup(second.entry_id)
    await home.settle()
    home.account = account
    return second


# -- a sign-in that ends while another one is renewed -----------------------------------------------------------


async def test_a_new_application_is_not_undone_by_a_refresh_of_the_old_sign_in(
    settled_home: Home,
) -> None:
    home = settled_home
    await other_application(home)
    result = await submit(home, await change(home, "application"))
    result = await sign_in(home, await submit(home, result, implementation="other"))
    assert result["step_id"] == "domain"
    # while its owner reads the page, eight hours of the old one are over
    expire(home)
    await home.poll()
    refreshed = stored(home)
    await changed(home, await submit(home, result, domain=HOME_DOMAIN))
    assert token(home)["access_token"] != refreshed["access_token"]
    assert stored(home)["access_token"] == token(home)["access_token"]
    # and the new one's tokens are refreshed with the new one's secret
    expire(home)
    await home.poll()
    await home.act("stop_charging")
    assert told(home) == set()


async def test_a_permission_that_was_just_given_is_not_lost_to_a_refresh(
    settled_home: Home,
) -> None:
    home = settled_home
    result = await submit(home, await change(home, "location"), location=True)
    result = await sign_in(
        home, result, grant={*SCOPES, "vehicle_location"} - {"vehicle_charging_cmds"}
    )
    assert result["step_id"] == "permission_charging"
    expire(home)
    await home.poll()
    await changed(home, await pick(home, result, "go_on"))
    await home.poll()
    assert told(home) == {"permission_charging"}
    assert entry_of(home).data["location"] is True


# -- another key ------------------------------------------------------------------------------------------------


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
    result = await submit(home, await pick(home, result, "telemetry_polling"))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert (await served_key(home))[0] == 200


# -- pairing ----------------------------------------------------------------------------------------------------


async def test_who_is_paired_by_reconfiguring_is_forgiven_at_once(settled_home: Home) -> None:
    home = settled_home
    home.car.keychain.remove(home.key.public_key)
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)
    assert told(home) == {"key_not_paired"}
    result = await change(home, "pair_cars")
    home.tesla.pair(home.car, home.key.public_key)
    await changed(home, await check(home, result))
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


# -- telemetry under another application ------------------------------------------------------------------------


@pytest.fixture
async def streaming_home(settled_home: Home) -> AsyncIterator[Home]:
    """The same with a car that was told to stream."""
    home = settled_home
    home.hass.config_entries.async_update_entry(
        entry_of(home), options=embedded(free_port()).as_options()
    )
    await home.restart()
    await until(lambda: home.tesla.telemetry(PEARL).config(home.application.client_id) is not None)
    await home.settle()
    yield home
    await home.hass.config_entries.async_unload(entry_of(home).entry_id)


@pytest.mark.parametrize("trouble", ["none", "tesla is away", "not loaded"])
async def test_another_application_tells_the_cars_itself(
    streaming_home: Home, trouble: str
) -> None:
    home = streaming_home
    other = await other_application(home)
    handle = home.tesla.telemetry(PEARL)
    result = await submit(home, await change(home, "application"))
    result = await sign_in(home, await submit(home, result, implementation="other"))
    if trouble == "tesla is away":
        home.tesla.faults.status(503, "fleet_telemetry_config", times=4)
    if trouble == "not loaded":
        await home.hass.config_entries.async_unload(entry_of(home).entry_id)
    await changed(home, await submit(home, result, domain=HOME_DOMAIN))
    home.tesla.faults.clear()
    await home.restart()
    assert handle.config(other.client_id) is not None
    if trouble == "none":
        assert handle.config(home.application.client_id) is None


async def test_what_cars_were_told_outlives_the_key_that_signed_it(streaming_home: Home) -> None:
    home = streaming_home
    handle = home.tesla.telemetry(PEARL)
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["step_id"] == "pair"
    home.tesla.pair(home.car, key_on_disk(home))
    await changed(home, await check(home, result))
    # its owner tidies up in the car
    home.car.keychain.remove(home.key.public_key)
    assert handle.config(home.application.client_id) is not None


async def test_a_car_that_joins_while_nobody_listens_says_why(
    settled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home
    monkeypatch.setattr(clock, "monotonic", home.tesla.clock.now)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = embedded(taken.getsockname()[1]).as_options()
        home.hass.config_entries.async_update_entry(entry_of(home), options=options)
        await home.restart()
        home.add_car(MIDNIGHT, "Midnight")
        home.tesla.clock.advance(7 * 3600)
        async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(hours=7))
        await home.settle()
        for vin in (PEARL, MIDNIGHT):
            assert home.state("sensor", "telemetry", vin) == "waiting"
            assert home.state("sensor", "telemetry_problem", vin) == "cannot_listen"
        await home.hass.config_entries.async_unload(entry_of(home).entry_id)


async def test_a_refused_car_of_a_disabled_entry_is_no_trouble(streaming_home: Home) -> None:
    home = streaming_home
    home.car.keychain.remove(home.key.public_key)
    home.tesla.faults.status(
        400, "fleet_telemetry_config_jws", body={"error": "hostname is not allowed"}, times=None
    )
    options = embedded(free_port())
    home.hass.config_entries.async_update_entry(
        entry_of(home), options=replace(options, port=8444).as_options()
    )
    await home.restart()
    assert "telemetry_config_refused" in told(home)
    await home.hass.config_entries.async_set_disabled_by(
        entry_of(home).entry_id, ConfigEntryDisabler.USER
    )
    await home.settle()
    assert told(home) == set()


async def test_a_choice_of_telemetry_outlives_a_flow_that_began_before_it(
    settled_home: Home,
) -> None:
    home = settled_home
    slow = await change(home, "location")
    chosen = TelemetrySettings(Transport.MQTT, topic_base="cars")
    home.hass.config_entries.async_update_entry(
        entry_of(home), options={**chosen.as_options(), "more": 1}
    )
    await changed(home, await submit(home, slow, location=False))
    assert TelemetrySettings.from_options(entry_of(home).options) == chosen
    assert entry_of(home).options["more"] == 1


async def test_the_choice_of_telemetry_that_was_made_last_counts(settled_home: Home) -> None:
    home = settled_home
    slow = await change(home, "telemetry")
    chosen = TelemetrySettings(Transport.MQTT, topic_base="cars")
    home.hass.config_entries.async_update_entry(entry_of(home), options=chosen.as_options())
    await changed(home, await pick(home, slow, "telemetry_polling"))
    assert TelemetrySettings.from_options(entry_of(home).options).transport is Transport.POLLING


# -- location ---------------------------------------------------------------------------------------------------


async def test_a_location_that_may_not_be_read_any_more_is_forgotten(
    home: Home, front_door: None, hass_storage: dict[str, Any]
) -> None:
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    config = home.hass.config
    home.add_car(PEARL, "Pearl", home=(config.latitude, config.longitude), sleep_after=None)
    entry = await home.set_up(location=True)
    await home.poll()
    assert home.state("binary_sensor", "at_home") == "on"
    await changed(home, await submit(home, await change(home, "location"), location=False))
    await home.poll()
    assert home.state("binary_sensor", "at_home") == "unknown"
    await home.hass.config_entries.async_unload(entry.entry_id)
    states = hass_storage[f"{DOMAIN}.{entry.entry_id}.states"]["data"][PEARL]
    assert "Soc" in states or "BatteryLevel" in states
    assert "Location" not in states


async def test_a_location_that_is_withdrawn_while_it_is_read_is_forgotten(home: Home) -> None:
    config = home.hass.config
    home.add_car(PEARL, "Pearl", home=(config.latitude, config.longitude), sleep_after=None)
    await home.set_up(location=True)
    await home.poll()
    assert home.state("binary_sensor", "at_home") == "on"
    home.tesla.remove_scope(home.account, home.application, "vehicle_location")
    entry_of(home).runtime_data.cars[PEARL].observations.polled_at = None
    await home.poll()
    assert home.state("sensor", "battery_level") == "62"
    assert home.state("binary_sensor", "at_home") == "unknown"


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
    monkeypatch.setattr(domain_watch, "active_endpoints", lambda: inside)
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
    await changed(home, await check(home, result))


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
