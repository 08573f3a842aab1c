"""Changing an entry: nothing that is not changed is lost, and what Tesla has to know it is told."""

from pathlib import Path
from typing import Any

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from custom_components.tesla_charging.vehicle_command import VirtualKey
from tests.support.flows import Step, check, pick, sign_in, submit
from tests.support.home import HOME_DOMAIN, KEY_FILE, MIDNIGHT, PEARL, REDIRECT_URI, SCOPES, Home

pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")

OTHER_ID, OTHER_SECRET = "6f2c1c5e-0000-4000-8000-00000other", "ta-secret.of-another-one"


@pytest.fixture
async def settled_home(home: Home, front_door: None) -> Home:
    """A home with a car, set up, whose domain leads to it."""
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl").plug_in()
    await home.set_up()
    await home.poll()
    return home


async def change(home: Home, what: str) -> Step:
    assert home.entry is not None
    return await pick(home, await home.entry.start_reconfigure_flow(home.hass), what)


async def assert_changed(home: Home, result: Step) -> None:
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await home.settle()
    assert home.entry is not None
    assert home.entry.state is ConfigEntryState.LOADED


def entities(home: Home) -> set[tuple[str, str]]:
    registry = er.async_get(home.hass)
    return {(e.unique_id, e.entity_id) for e in registry.entities.values() if e.platform == DOMAIN}


def key_on_disk(home: Home) -> VirtualKey:
    return VirtualKey.load(Path(home.hass.config.path(KEY_FILE)))


# -- domain ---------------------------------------------------------------------------------------------------


async def test_another_domain_keeps_key_pairing_and_entities(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    before = entities(home)
    home.tesla.dns["casa.example.com"] = home.tesla.dns[HOME_DOMAIN]
    result = await change(home, "domain")
    assert [str(name) for name in result["data_schema"].schema] == ["domain", "shown"]
    await assert_changed(home, await submit(home, result, domain="casa.example.com"))
    assert home.entry.data["domain"] == "casa.example.com"
    assert home.application.registrations["eu"].domain == "casa.example.com"
    assert entities(home) == before
    assert key_on_disk(home).public_key == home.key.public_key
    await home.act("start_charging")


async def test_a_domain_that_tesla_refuses_changes_nothing(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    result = await submit(home, await change(home, "domain"), domain="home.example.org")
    assert result["errors"] == {"domain": "domain_not_allowed"}
    assert home.entry.data["domain"] == HOME_DOMAIN


async def test_cars_that_connect_under_the_old_domain_are_asked_about_too(
    settled_home: Home,
) -> None:
    home = settled_home
    assert home.entry is not None
    mqtt = TelemetrySettings(Transport.EMBEDDED, hostname=HOME_DOMAIN)
    home.hass.config_entries.async_update_entry(home.entry, options=mqtt.as_options())
    home.application.allowed_origin = "https://elsewhere.net"
    home.tesla.dns["home.elsewhere.net"] = home.tesla.dns[HOME_DOMAIN]
    result = await submit(home, await change(home, "domain"), domain="home.elsewhere.net")
    assert result["step_id"] == "telemetry"
    await assert_changed(home, await pick(home, result, "telemetry_polling"))
    assert home.entry.data["domain"] == "home.elsewhere.net"
    assert TelemetrySettings.from_options(home.entry.options).transport is Transport.POLLING


# -- key ------------------------------------------------------------------------------------------------------


async def test_another_key_is_registered_kept_and_paired(settled_home: Home) -> None:
    home = settled_home
    before = entities(home)
    result = await change(home, "replace_key")
    assert result["step_id"] == "replace_key"
    result = await submit(home, result, key="new")
    assert result["step_id"] == "pair"
    new = key_on_disk(home)
    assert new.public_key != home.key.public_key
    assert home.application.registrations["eu"].public_key == new.public_key
    kept = Path(home.hass.config.path(KEY_FILE + ".previous"))
    assert VirtualKey.load(kept).public_key == home.key.public_key
    home.tesla.pair(home.car, new.public_key)
    await assert_changed(home, await check(home, result))
    assert entities(home) == before
    await home.act("stop_charging")
    assert home.state("switch", "charging") == "off"


async def test_a_new_key_that_tesla_does_not_take_leaves_the_old_one(settled_home: Home) -> None:
    home = settled_home
    home.tesla.faults.status(503, "partner_accounts")
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert (result["step_id"], result["errors"]) == ("replace_key", {"base": "server_failure"})
    assert key_on_disk(home).public_key == home.key.public_key
    assert home.application.registrations["eu"].public_key == home.key.public_key
    await home.act("stop_charging")


async def test_a_key_is_replaced_for_all_accounts_or_for_none(settled_home: Home) -> None:
    home = settled_home
    first = home.entry
    assert first is not None
    home.account = home.tesla.add_account("second@example.com", region="eu")
    home.add_car(MIDNIGHT, "Midnight")
    other = home.tesla.add_application(
        OTHER_ID, OTHER_SECRET, allowed_origin="https://example.com", redirect_uris=(REDIRECT_URI,)
    )
    home.tesla.register(other, home.key.public_key, domain=HOME_DOMAIN)
    token = home.tesla.sign_in(home.account, other, set(SCOPES))
    await async_import_client_credential(
        home.hass, DOMAIN, ClientCredential(OTHER_ID, OTHER_SECRET), "other"
    )
    second = walk_entry(home, "other", {**token, "expires_at": 9e9})
    assert await home.hass.config_entries.async_setup(second.entry_id)
    await home.settle()

    home.entry = first
    other.client_secret = "changed since"
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["errors"] == {"base": "invalid_client"}
    await home.settle()
    assert home.application.registrations["eu"].public_key == home.key.public_key
    assert key_on_disk(home).public_key == home.key.public_key

    other.client_secret = OTHER_SECRET
    result = await submit(home, result, key="new")
    await assert_changed(home, await submit(home, result, later=True))
    new = key_on_disk(home).public_key
    assert new != home.key.public_key
    assert other.registrations["eu"].public_key == new
    assert home.application.registrations["eu"].public_key == new
    assert second.runtime_data.key.public_key == new


async def test_an_account_without_its_application_stops_a_new_key(settled_home: Home) -> None:
    home = settled_home
    other = walk_entry(home, "gone", {})
    home.hass.config_entries.async_update_entry(other, unique_id="another account")
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["errors"] == {"base": "other_account"}
    assert result["description_placeholders"]["detail"] == "Midnight"
    assert home.application.registrations["eu"].public_key == home.key.public_key


def walk_entry(home: Home, implementation: str, token: dict[str, Any]) -> Any:
    """Return an entry of the home's account with another application."""
    from pytest_homeassistant_custom_component.common import MockConfigEntry

    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=home.account.sub,
        title="Midnight",
        data={
            "auth_implementation": implementation,
            "token": token,
            "region": "eu",
            "base_url": home.tesla.region_url("eu"),
            "domain": HOME_DOMAIN,
            "location": False,
        },
    )
    entry.add_to_hass(home.hass)
    return entry


# -- location -------------------------------------------------------------------------------------------------


async def test_the_location_is_allowed_by_signing_in_again(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    result = await submit(home, await change(home, "location"), location=True)
    await assert_changed(home, await sign_in(home, result))
    assert home.entry.data["location"] is True


async def test_a_location_that_was_not_granted_is_not_read(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    result = await submit(home, await change(home, "location"), location=True)
    result = await sign_in(home, result, grant=set(SCOPES))
    assert result["step_id"] == "permission_location"
    await assert_changed(home, await pick(home, result, "go_on"))
    assert home.entry.data["location"] is False


async def test_to_allow_less_needs_no_sign_in(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "location": True}
    )
    await assert_changed(home, await submit(home, await change(home, "location"), location=False))
    assert home.entry.data["location"] is False


async def test_somebody_else_cannot_take_the_entry_over(settled_home: Home) -> None:
    home = settled_home
    stranger = home.tesla.add_account("else@example.com", region="eu")
    result = await submit(home, await change(home, "location"), location=True)
    result = await sign_in(home, result, account=stranger)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "wrong_account")


# -- application ----------------------------------------------------------------------------------------------


async def test_another_application_is_signed_in_to_and_registered(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    before = entities(home)
    other = home.tesla.add_application(
        OTHER_ID, OTHER_SECRET, allowed_origin="https://example.com", redirect_uris=(REDIRECT_URI,)
    )
    await async_import_client_credential(
        home.hass, DOMAIN, ClientCredential(OTHER_ID, OTHER_SECRET), "other"
    )
    result = await change(home, "application")
    result = await sign_in(home, await submit(home, result, application="other"))
    assert result["step_id"] == "domain"
    await assert_changed(home, await submit(home, result, domain=HOME_DOMAIN))
    assert home.entry.data["auth_implementation"] == "other"
    assert other.registrations["eu"].public_key == home.key.public_key
    assert entities(home) == before
    await home.act("stop_charging")


async def test_an_application_that_is_gone_can_be_replaced(settled_home: Home) -> None:
    home = settled_home
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "auth_implementation": "gone"}
    )
    result = await home.entry.start_reconfigure_flow(home.hass)
    assert result["menu_options"] == ["application"]
    result = await submit(home, await pick(home, result, "application"))
    result = await sign_in(home, result)
    await assert_changed(home, await submit(home, result, domain=HOME_DOMAIN))
    assert home.entry.data["auth_implementation"] == DOMAIN


# -- pairing --------------------------------------------------------------------------------------------------


async def test_a_car_that_was_left_for_later_is_paired(settled_home: Home) -> None:
    home = settled_home
    home.car.keychain.remove(home.key.public_key)
    result = await change(home, "pair_cars")
    assert (result["step_id"], result["description_placeholders"]["car"]) == ("pair", "Pearl")
    home.tesla.pair(home.car, home.key.public_key)
    result = await check(home, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "all_paired")
    await home.settle()


async def test_where_all_is_paired_nothing_is_asked(settled_home: Home) -> None:
    result = await change(settled_home, "pair_cars")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "all_paired")
    assert result["description_placeholders"]["cars"] == "Pearl"


async def test_cars_that_are_left_for_later_again_are_named(settled_home: Home) -> None:
    settled_home.car.keychain.remove(settled_home.key.public_key)
    result = await submit(settled_home, await change(settled_home, "pair_cars"), later=True)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "some_unpaired")
    assert result["description_placeholders"]["unpaired"] == "Pearl"


@pytest.mark.parametrize("location", [False, True])
async def test_a_location_that_stays_as_it_is_needs_no_sign_in(home: Home, location: bool) -> None:
    home.add_car(PEARL, "Pearl")
    await home.set_up(location=location)
    result = await submit(home, await change(home, "location"), location=location)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "nothing_changed")


async def test_without_any_application_home_assistant_asks_for_one(settled_home: Home) -> None:
    settled_home.hass.data["application_credentials"].data.clear()
    result = await change(settled_home, "application")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "missing_credentials")


async def test_tesla_may_be_away(settled_home: Home) -> None:
    settled_home.tesla.faults.status(503, "products", times=None)
    settled_home.tesla.faults.status(503, "vehicles", times=None)
    result = await change(settled_home, "pair_cars")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "cannot_check")
