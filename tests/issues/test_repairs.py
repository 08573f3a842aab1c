"""The fix flows, walked through Home Assistant's own repairs pages against the simulated Tesla."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging import clock, repairs
from custom_components.tesla_charging.auth.key_store import async_get_key_store
from custom_components.tesla_charging.issues.kinds import ISSUE_TYPES, LEFTOVERS, LEFTOVERS_ACCOUNT
from custom_components.tesla_charging.setup_flow.domain import KeyCheck
from custom_components.tesla_charging.setup_flow.qr_code import qr_image
from custom_components.tesla_charging.setup_flow.registration import _REGISTRATION_ERRORS
from custom_components.tesla_charging.vehicle_command import VirtualKey
from tests.support.home import HOME_DOMAIN, KEY_FILE, PEARL, Home
from tests.support.repairs import Owner, hours, issue_of, owner_of, serving, told
from tests.support.spending import spend
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

ENGLISH = json.loads(
    (Path(repairs.__file__).parent / "translations" / "en.json").read_text(encoding="utf-8")
)["issues"]
MINUTE = 60.0


@pytest.fixture
async def owner(turned_clock: Home, charging_home: Home, hass_client: Any) -> Owner:
    """The owner of a home whose clocks, here and at Tesla, are turned by the test."""
    return await owner_of(charging_home, hass_client)


async def later(home: Home, seconds: float = 10 * MINUTE) -> None:
    home.tesla.clock.advance(seconds)
    await home.poll()


async def fails(home: Home) -> None:
    """Try a command that cannot work."""
    with pytest.raises(HomeAssistantError):
        await home.act("set_charge_limit", percent=70)


# -- pairing ----------------------------------------------------------------------------------------------


async def test_a_car_is_paired_with_the_shown_code_and_tesla_is_asked(owner: Owner) -> None:
    home = owner.home
    home.car.keychain.remove(home.key.public_key)
    await fails(home)
    page = await owner.opens("key_not_paired")
    assert (page["type"], page["step_id"]) == ("form", "confirm")
    link = f"{home.tesla.base_url}/_ak/{HOME_DOMAIN}?vin={PEARL}"
    assert page["data_schema"] == []
    assert page["description_placeholders"]["link"] == link
    assert page["description_placeholders"]["qr_code"] == qr_image(link)
    assert page["description_placeholders"]["car"] == "Pearl"

    page = await owner.submits(page)
    assert page["errors"] == {"base": "not_paired"}
    home.tesla.faults.status(500, "fleet_status")
    page = await owner.submits(page)
    assert page["errors"] == {"base": "cannot_check"}
    home.tesla.pair(home.car, home.key.public_key)
    page = await owner.submits(page)
    assert page["type"] == "create_entry"
    assert told(home) == set()


async def test_an_issue_that_went_by_itself_closes_its_page(owner: Owner) -> None:
    home = owner.home
    home.car.keychain.remove(home.key.public_key)
    await fails(home)
    page = await owner.opens("key_not_paired")
    home.tesla.pair(home.car, home.key.public_key)
    await home.act("set_charge_limit", percent=70)
    home.tesla.billing.reset()
    assert (await owner.submits(page))["type"] == "create_entry"
    assert home.tesla.billing.count() == 0


# -- mobile access ----------------------------------------------------------------------------------------


async def test_mobile_access_is_checked_without_touching_the_car(owner: Owner) -> None:
    home = owner.home
    home.car.mobile_access = False
    await later(home)
    page = await owner.opens("mobile_access_disabled")
    home.car.sleep()
    page = await owner.submits(page)
    assert page["errors"] == {"base": "still_off"}
    home.car.mobile_access = True
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()
    assert home.car.state == "asleep"


async def test_an_answer_about_mobile_access_that_says_nothing_is_no_answer(owner: Owner) -> None:
    home = owner.home
    home.car.mobile_access = False
    await later(home)
    home.tesla.faults.wrong_type("mobile_enabled", body={"response": {"reason": ""}})
    page = await owner.submits(await owner.opens("mobile_access_disabled"))
    assert page["errors"] == {"base": "cannot_check"}


# -- permissions ------------------------------------------------------------------------------------------


async def test_a_missing_permission_leads_into_signing_in_again(
    owner: Owner, current_request_with_host: None
) -> None:
    home = owner.home
    assert home.entry is not None
    home.tesla.remove_scope(home.account, home.application, "vehicle_charging_cmds")
    await fails(home)
    page = await owner.opens("permission_charging")
    page = await owner.submits(page)
    assert (page["type"], page["reason"]) == ("abort", "continued")
    kind, flow_id = page["next_flow"]
    assert kind == "config_flow"
    flow = home.hass.config_entries.flow.async_get(flow_id)
    assert (flow["context"]["source"], flow["step_id"]) == (SOURCE_REAUTH, "reauth_confirm")
    # nothing is closed on a promise, and nothing begun twice
    assert told(home) == {"permission_charging"}
    page = await owner.submits(await owner.opens("permission_charging"))
    assert page["next_flow"][1] == flow_id

    step = await home.hass.config_entries.flow.async_configure(flow_id, {})
    asked = parse_qs(urlsplit(step["url"]).query)["scope"][0].split()
    assert "vehicle_charging_cmds" in asked
    home.hass.config_entries.flow.async_abort(flow_id)
    # the person grants it: the entry gets a token that carries it
    data = {**home.entry.data, "token": home.sign_in()}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await later(home)
    assert told(home) == set()


# -- the account ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [402, 403])
async def test_a_bill_is_checked_for_free_and_the_data_come_back(
    owner: Owner, status: Literal[402, 403]
) -> None:
    home = owner.home
    home.tesla.exceed_billing_limit(home.application, status=status)
    await later(home)
    await later(home)
    page = await owner.opens("account_unpaid")
    assert page["description_placeholders"]["portal_url"].startswith("https://")
    page = await owner.submits(page)
    assert page["errors"] == {"base": "still_unpaid"}
    assert home.state("sensor", "battery_level") == "unavailable"
    home.tesla.raise_billing_limit(home.application)
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()
    assert home.state("sensor", "battery_level") != "unavailable"


async def test_a_bill_is_not_called_paid_because_what_is_free_is_served(owner: Owner) -> None:
    home = owner.home
    for path in ("vehicle_data", "signed_command", "mobile_enabled"):
        home.tesla.faults.status(402, path, times=None)
    await later(home)
    home.tesla.clock.advance(2 * MINUTE)
    await fails(home)
    page = await owner.submits(await owner.opens("account_unpaid"))
    assert page["errors"] == {"base": "still_unpaid"}
    assert told(home) == {"account_unpaid"}
    home.tesla.faults.clear()
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()
    assert home.state("sensor", "battery_level") != "unavailable"


async def test_an_entry_that_could_not_be_set_up_is_set_up_by_the_repair(owner: Owner) -> None:
    home = owner.home
    assert home.entry is not None
    home.tesla.exceed_billing_limit(home.application)
    for _ in range(2):
        await home.hass.config_entries.async_reload(home.entry.entry_id)
        home.tesla.clock.advance(2 * MINUTE)
    page = await owner.submits(await owner.opens("account_unpaid"))
    assert page["errors"] == {"base": "not_set_up"}
    assert page["description_placeholders"]["problem"] != "-"
    home.tesla.raise_billing_limit(home.application)
    assert (await owner.submits(page))["type"] == "create_entry"
    assert home.entry.state is ConfigEntryState.LOADED
    assert told(home) == set()


async def test_telemetry_that_the_bill_took_away_is_put_back_by_itself(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", home.tesla.clock.now)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", sleep_after=None)
    entry = await home.set_up(telemetry=embedded(free_port()))
    handle = home.tesla.telemetry(PEARL)
    await until(lambda: handle.config(home.application.client_id) is not None)
    home.tesla.exceed_billing_limit(home.application)
    await later(home)
    await later(home)
    assert told(home) == {"account_unpaid"}
    home.tesla.billing.reset()
    # when it would be time to look at it
    tomorrow = dt_util.utcnow() + timedelta(hours=25)
    with monkeypatch.context() as patched:
        patched.setattr(dt_util, "utcnow", lambda: tomorrow)
        async_fire_time_changed(home.hass, tomorrow)
        await home.settle()
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config") == 0
    home.tesla.raise_billing_limit(home.application)
    assert handle.config(home.application.client_id) is None
    await later(home)
    assert handle.config(home.application.client_id) is not None
    assert home.tesla.billing.count(path_contains="fleet_telemetry_config_jws") == 1

    # the same with everything that goes with a consent, and a restart in between
    home.tesla.revoke_consent(home.account, home.application)
    await later(home)
    assert handle.config(home.application.client_id) is None
    home.tesla.pair(home.car, home.key.public_key)
    home.hass.config_entries.async_update_entry(entry, data={**entry.data, "token": home.sign_in()})
    await home.restart()
    assert handle.config(home.application.client_id) is not None
    assert await home.hass.config_entries.async_unload(entry.entry_id)


# -- registration -----------------------------------------------------------------------------------------


async def unregistered(owner: Owner) -> dict[str, Any]:
    owner.home.application.registrations.clear()
    await later(owner.home)
    await later(owner.home)
    return await owner.opens("not_registered")


async def test_an_application_is_registered_again_everywhere(owner: Owner) -> None:
    home = owner.home
    page = await unregistered(owner)
    assert HOME_DOMAIN in page["description_placeholders"]["domain"]
    assert (await owner.submits(page))["type"] == "create_entry"
    assert set(home.application.registrations) == {"na", "eu"}
    assert told(home) == set()
    assert home.state("sensor", "battery_level") != "unavailable"


async def test_what_tesla_says_against_a_registration_is_translated(owner: Owner) -> None:
    home = owner.home
    page = await unregistered(owner)
    origin = home.tesla.dns.pop(HOME_DOMAIN)
    page = await owner.submits(page)
    assert page["errors"] == {"base": "key_not_fetched"}
    home.tesla.dns[HOME_DOMAIN] = origin
    home.application.allowed_origin = "https://example.org"
    page = await owner.submits(page)
    assert page["errors"] == {"base": "domain_not_allowed"}
    assert page["description_placeholders"]["problem"] != "-"
    home.application.allowed_origin = "https://example.com"
    home.tesla.faults.lose_request("partner_accounts")
    page = await owner.submits(page)
    assert page["errors"] == {"base": "cannot_connect"}
    # the other region may fail: the account does not live there
    home.tesla.faults.status(500, "/na/api/1/partner_accounts")
    assert (await owner.submits(page))["type"] == "create_entry"
    assert set(home.application.registrations) == {"eu"}


async def test_an_account_that_moved_is_registered_where_it_lives_now(owner: Owner) -> None:
    home = owner.home
    assert home.entry is not None
    home.application.registrations.pop("na")
    home.tesla.move_account(home.account, "na")
    await later(home)
    await later(home)
    assert (await owner.submits(await owner.opens("not_registered")))["type"] == "create_entry"
    assert home.entry.data["base_url"] == home.tesla.region_url("na")
    assert told(home) == set()


async def test_a_region_that_nobody_knows_is_asked_for(owner: Owner) -> None:
    home = owner.home
    body = {"error": "user out of region, use base URL: https://fleet-api.example.com"}
    home.tesla.faults.status(421, f"vehicles/{PEARL}", body=body, times=2)
    await later(home)
    await later(home)
    page = await owner.opens("wrong_region")
    home.tesla.faults.status(421, "users/region", body=body)
    page = await owner.submits(page)
    assert page["errors"] == {"base": "cannot_check"}
    # that a region is told does not mean that the cars are found there
    home.tesla.faults.status(421, "products", body=body)
    page = await owner.submits(page)
    assert page["errors"] == {"base": "cannot_check"}
    assert told(home) == {"wrong_region"}
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()


async def test_registering_needs_credentials_and_the_key(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = owner.home
    assert home.entry is not None
    page = await unregistered(owner)
    implementation = {**home.entry.data, "auth_implementation": "nobody"}
    before = dict(home.entry.data)
    home.hass.config_entries.async_update_entry(home.entry, data=implementation)
    page = await owner.submits(page)
    assert page["errors"] == {"base": "no_credentials"}
    home.hass.config_entries.async_update_entry(home.entry, data=before)
    store = async_get_key_store(home.hass)
    path = Path(home.hass.config.path(KEY_FILE))
    monkeypatch.setattr(store, "_key", None)
    path.write_text("damaged")
    page = await owner.submits(page)
    assert page["errors"] == {"base": "key_unreadable"}
    path.unlink()
    page = await owner.submits(page)
    assert page["errors"] == {"base": "key_unreadable"}
    path.write_bytes(home.key.private_pem())
    assert (await owner.submits(page))["type"] == "create_entry"


# -- the domain -------------------------------------------------------------------------------------------


async def test_a_key_that_stays_away_from_its_domain_is_told_and_looked_for(owner: Owner) -> None:
    home = owner.home
    async with serving(home, VirtualKey.generate().public_pem):
        await home.restart()
        await hours(home, 1)
        assert told(home) == set()
        await hours(home, 1)
        assert told(home) == {"key_not_served"}
        assert issue_of(home, "key_not_served").severity is ir.IssueSeverity.WARNING
        page = await owner.submits(await owner.opens("key_not_served"))
        assert page["errors"] == {"base": "seen_other_key"}
    assert (await owner.submits(page))["type"] == "create_entry"
    assert told(home) == set()


async def test_a_key_that_is_back_is_noticed(owner: Owner) -> None:
    home = owner.home
    async with serving(home, "no such file", 404):
        await home.restart()
        await hours(home, 2)
        assert told(home) == {"key_not_served"}
    await hours(home, 1)
    assert told(home) == set()


async def test_a_key_that_was_seen_is_looked_for_once_a_day(owner: Owner) -> None:
    home = owner.home
    await home.restart()
    async with serving(home, "no such file", 404):
        await hours(home, 23)
        assert told(home) == set()
        await hours(home, 3)
        assert told(home) == {"key_not_served"}


async def test_that_nobody_answers_from_inside_says_nothing(owner: Owner) -> None:
    home = owner.home
    home.tesla.dns.clear()
    await home.restart()
    await hours(home, 5)
    assert told(home) == set()


async def test_a_domain_that_moved_leads_to_reconfiguring(owner: Owner) -> None:
    home = owner.home
    home.hass.config.external_url = "https://house.example.net"
    await home.restart()
    await hours(home, 5)
    # another name is fine as long as the key is found at the old one
    assert told(home) == set()
    origin = home.tesla.dns.pop(HOME_DOMAIN)
    await home.restart()
    await hours(home, 2)
    assert told(home) == {"domain_moved"}
    page = await owner.opens("domain_moved")
    assert page["description_placeholders"]["detail"] == "house.example.net"
    page = await owner.submits(page)
    assert page["type"] == "abort"
    flow = home.hass.config_entries.flow.async_get(page["next_flow"][1])
    assert flow["context"]["source"] == "reconfigure"
    assert told(home) == {"domain_moved"}
    home.hass.config_entries.flow.async_abort(flow["flow_id"])
    home.tesla.dns[HOME_DOMAIN] = origin
    await hours(home, 1)
    assert told(home) == set()


# -- the budget -------------------------------------------------------------------------------------------


async def test_a_used_up_budget_is_raised_where_it_is_told(owner: Owner) -> None:
    home = owner.home
    spend(home, 9.6)
    page = await owner.opens("budget_spent")
    (field,) = page["data_schema"]
    assert (field["name"], field["description"]["suggested_value"]) == ("budget", 9.5)
    assert page["description_placeholders"]["cost"] == "9.60 EUR"

    page = await owner.submits(page, budget=-1)
    assert page["errors"] == {"base": "budget_out_of_range"}
    page = await owner.submits(page, budget=9.55)
    assert page["errors"] == {"base": "budget_used_up"}
    assert page["data_schema"][0]["description"]["suggested_value"] == 9.55
    page = await owner.submits(page, budget=20)
    assert page["type"] == "create_entry"
    await home.settle()
    assert told(home) == set()
    assert home.account_state("budget").attributes["limit"] == 20


async def test_an_amount_that_is_used_up_is_taken_when_insisted_on(owner: Owner) -> None:
    home = owner.home
    spend(home, 9.3)
    page = await owner.opens("budget_by_hand")
    page = await owner.submits(page, budget=5)
    assert page["errors"] == {"base": "budget_used_up"}
    assert (await owner.submits(page, budget=5))["type"] == "create_entry"
    await home.settle()
    assert told(home) == {"budget_spent"}


async def test_a_small_budget_that_is_used_up_is_not_told_as_none(owner: Owner) -> None:
    spend(owner.home, 9.6)
    page = await owner.opens("budget_spent")
    page = await owner.submits(page, budget=0.001)
    assert (await owner.submits(page, budget=0.001))["type"] == "create_entry"
    await owner.home.settle()
    page = await owner.opens("budget_spent")
    assert page["description_placeholders"]["detail"] == "0.001 EUR"


async def test_a_budget_whose_application_is_gone_cannot_be_raised(owner: Owner) -> None:
    home = owner.home
    assert home.entry is not None
    spend(home, 9.6)
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "auth_implementation": "gone"}
    )
    page = await owner.opens("budget_spent")
    assert (page["type"], page["reason"]) == ("abort", "no_credentials")


# -- words ------------------------------------------------------------------------------------------------


async def test_an_issue_of_an_entry_that_is_gone_can_still_be_closed(owner: Owner) -> None:
    home = owner.home
    home.car.mobile_access = False
    await later(home)
    issue = issue_of(home, "mobile_access_disabled")
    flow = await repairs.async_create_fix_flow(
        home.hass, issue.issue_id, {**(issue.data or {}), "entry_id": "gone"}
    )
    assert not isinstance(flow, repairs.PageFlow)


def test_every_kind_has_its_words_and_every_fixable_one_its_flow() -> None:
    leftovers = {LEFTOVERS, LEFTOVERS_ACCOUNT}  # their flow has several steps
    assert {kind for kind in ISSUE_TYPES if kind.fixable and kind.shown} == (
        set(repairs.FLOWS) | leftovers
    )
    for kind in ISSUE_TYPES:
        if not kind.shown:
            assert kind.key not in ENGLISH
            continue
        words = ENGLISH[kind.key]
        assert words["title"]
        assert ("fix_flow" in words) is kind.fixable
        assert ("description" in words) is not kind.fixable
        if kind.fixable and kind not in leftovers:
            assert set(words["fix_flow"]["step"]) == {"confirm"}


@pytest.mark.parametrize("key", ["not_registered", "wrong_region"])
def test_every_refusal_of_a_registration_has_its_words(key: str) -> None:
    needed = {name for _, name in _REGISTRATION_ERRORS} | {"unexpected", "key_differs"}
    needed |= {"key_not_fetched"} | {
        str(seen) for seen in KeyCheck if seen.is_certain and seen is not KeyCheck.OURS
    }
    needed |= {"cannot_check", "not_set_up", "key_unreadable", "no_credentials"}
    assert set(ENGLISH[key]["fix_flow"]["error"]) == needed


def test_everything_that_can_be_seen_at_a_domain_has_its_words() -> None:
    needed = {str(sighting) for sighting in KeyCheck if sighting is not KeyCheck.OURS}
    needed |= {"cannot_check", "key_unreadable"}
    assert set(ENGLISH["key_not_served"]["fix_flow"]["error"]) == needed
