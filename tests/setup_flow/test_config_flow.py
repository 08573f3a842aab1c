"""The config flow, walked through Home Assistant's flow manager against the simulated Tesla."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from homeassistant import config_entries
from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    async_add_implementation_provider,
)
from homeassistant.setup import async_setup_component
import pytest

from custom_components.tesla_charging.billing.meter_store import async_get_meters
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_api import Category
from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import Quirk
from tests.setup_flow.telemetry_pages import place
from tests.support.flows import (
    KEY_URL,
    Step,
    check,
    choose,
    pick,
    served_key,
    sign_in,
    start,
    submit,
    told,
    up_to_domain,
)
from tests.support.home import CLIENT_ID, HOME_DOMAIN, KEY_FILE, MIDNIGHT, PEARL, SCOPES, Home
from tests.support.streaming import free_port

TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / DOMAIN / "translations"

pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")


@pytest.mark.usefixtures("front_door")
async def test_from_nothing_to_a_paired_car(home: Home) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.keychain.remove(home.key.public_key)
    assert (await served_key(home))[0] == 404

    result = await up_to_domain(home)
    assert result["step_id"] == "domain"
    result = await submit(home, result, domain=f"https://{HOME_DOMAIN}/")
    assert (result["step_id"], result["errors"]) == ("pair", {})
    assert result["description_placeholders"]["car"] == "Pearl"
    assert result["description_placeholders"]["link"].endswith(f"/_ak/{HOME_DOMAIN}?vin={PEARL}")

    result = await check(home, result)
    assert result["errors"] == {"base": "not_paired"}

    key = VirtualKey.load(Path(home.hass.config.path(KEY_FILE)))
    assert await served_key(home) == (200, key.public_pem)
    home.tesla.pair(car, key.public_key)
    result = await check(home, result)

    # what the pages asked for is on the meter before there is an entry
    meter = (await async_get_meters(home.hass)).meter(CLIENT_ID)
    asked = meter.units(Category.DATA)
    assert asked == home.tesla.billing.count("data") > 0

    result = await choose(home, result)
    assert told(result) == {}
    await home.settle()
    entry = result["result"]
    assert entry.runtime_data.meter is meter
    assert meter.units(Category.DATA) > asked
    assert entry.unique_id == home.account.sub
    assert entry.state is config_entries.ConfigEntryState.LOADED
    assert entry.data["region"] == "eu"
    assert await served_key(home) == (200, key.public_pem)

    assert await home.hass.config_entries.async_remove(entry.entry_id)
    assert (await served_key(home))[0] == 404


@pytest.mark.usefixtures("front_door")
async def test_pairing_can_wait_and_cars_without_the_protocol_need_none(home: Home) -> None:
    home.add_car(PEARL, "Pearl").keychain.remove(home.key.public_key)
    home.add_car("5YJSA1E20HF000303", "Granny", protocol="not_supported").keychain.remove(
        home.key.public_key
    )
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert (result["step_id"], result["description_placeholders"]["car"]) == ("pair", "Pearl")
    result = await choose(home, await submit(home, result, later=True))
    assert told(result) == {"unpaired": "Pearl"}


@pytest.mark.usefixtures("front_door", "impatient")
async def test_a_new_car_is_paired_whatever_tesla_says_of_its_protocol(home: Home) -> None:
    car = home.add_car(PEARL, "Pearl", quirks=[Quirk.PROTOCOL_DENIED])
    car.keychain.remove(home.key.public_key)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert (result["step_id"], result["description_placeholders"]["car"]) == ("pair", "Pearl")
    result = await check(home, result)
    assert result["errors"] == {"base": "not_paired"}
    result = await choose(home, await submit(home, result, later=True))
    assert told(result) == {"unpaired": "Pearl"}


@pytest.mark.usefixtures("front_door")
async def test_two_cars_are_paired_one_after_the_other(home: Home) -> None:
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name).keychain.remove(home.key.public_key)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    key = VirtualKey.load(Path(home.hass.config.path(KEY_FILE)))
    for name in ("Pearl", "Midnight"):
        assert result["description_placeholders"]["car"] == name
        home.tesla.pair(next(c for c in home.cars.values() if c.name == name), key.public_key)
        result = await check(home, result)
    result = await choose(home, result)
    assert told(result) == {}
    assert result["title"] == "Pearl, Midnight"


@pytest.mark.usefixtures("front_door")
async def test_the_key_of_tesla_fleet_is_taken_over_and_no_car_paired_again(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    Path(home.hass.config.path("tesla_fleet.key")).write_bytes(home.key.private_pem())
    result = await up_to_domain(home)
    result = await submit(home, result, domain=HOME_DOMAIN, key="tesla_fleet")
    assert result["step_id"] == "telemetry"
    saved = VirtualKey.load(Path(home.hass.config.path(KEY_FILE)))
    assert saved.public_key == home.key.public_key


@pytest.mark.usefixtures("front_door")
async def test_a_damaged_key_of_tesla_fleet_does_not_stand_in_the_way(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    Path(home.hass.config.path("tesla_fleet.key")).write_text("no key")
    result = await up_to_domain(home)
    (choices,) = [f for name, f in result["data_schema"].schema.items() if name == "key"]
    assert choices.config["options"] == ["new", "import"]
    assert (await submit(home, result, domain=HOME_DOMAIN))["step_id"] == "pair"


@pytest.mark.usefixtures("front_door")
async def test_a_damaged_key_of_our_own_is_never_replaced_silently(home: Home) -> None:
    path = Path(home.hass.config.path(KEY_FILE))
    path.write_text("damaged")
    result = await up_to_domain(home)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "key_unreadable")
    assert path.read_text() == "damaged"


@pytest.mark.usefixtures("front_door")
@pytest.mark.parametrize(
    ("domain", "error"),
    [
        ("http://home.example.com", "domain_not_https"),
        ("192.168.1.4", "domain_ip_address"),
        ("home", "domain_invalid"),
        ("", "domain_invalid"),
        ("home example.com", "domain_invalid"),
        ("-home.example.com", "domain_invalid"),
        ("[::1]", "domain_ip_address"),
        ("https://home.example.com:8123", "domain_with_port"),
        ("homeassistant.local", "domain_private"),
        ("my-tesla.example.com", "domain_tesla"),
    ],
)
async def test_a_domain_that_cannot_work_is_refused_before_tesla_is_asked(
    home: Home, domain: str, error: str
) -> None:
    result = await submit(home, await up_to_domain(home), domain=domain)
    assert result["errors"] == {"domain": error}
    assert home.tesla.billing.count(path_contains="partner_accounts") == 0
    home.add_car(PEARL, "Pearl")
    assert (await submit(home, result, domain=HOME_DOMAIN))["step_id"] == "pair"


@pytest.mark.usefixtures("front_door")
async def test_what_tesla_says_against_a_domain_is_translated(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await up_to_domain(home)
    result = await submit(home, result, domain="home.example.org")
    assert result["errors"] == {"domain": "domain_not_allowed"}
    result = await submit(home, result, domain="nobody.example.com")
    assert result["errors"] == {"base": "key_not_fetched"}
    assert result["description_placeholders"]["detail"] != "-"
    home.tesla.faults.status(500, "partner_accounts")
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["errors"] == {"base": "server_failure"}
    home.tesla.faults.lose_request("partner_accounts")
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["errors"] == {"base": "cannot_connect"}
    home.tesla.faults.status(429, "partner_accounts", headers={"Retry-After": "0"})
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["errors"] == {"base": "rate_limited"}
    home.tesla.faults.status(503, "products")
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["errors"] == {"base": "cars_not_listed"}
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["step_id"] == "pair"


@pytest.mark.usefixtures("front_door")
async def test_a_domain_where_somebody_else_answers_is_found_out(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    stranger = VirtualKey.generate()

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=stranger.public_pem)

    app = web.Application()
    app.router.add_get(KEY_URL, serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        home.tesla.dns[HOME_DOMAIN] = f"http://127.0.0.1:{port}"
        result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
        assert result["errors"] == {"base": "key_differs"}
    finally:
        await runner.cleanup()


@pytest.mark.usefixtures("front_door")
async def test_a_wrong_client_secret_is_named(home: Home) -> None:
    result = await up_to_domain(home)
    home.application.client_secret = "changed since"
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["errors"] == {"base": "invalid_client"}


@pytest.mark.usefixtures("front_door")
async def test_unticked_permissions_are_listed_and_asked_for_again(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await submit(home, await start(home), location=False)
    result = await sign_in(home, result, grant=set(SCOPES) - {"vehicle_charging_cmds"})
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "permission_charging")
    result = await sign_in(home, await pick(home, result, "sign_in_again"))
    assert result["step_id"] == "domain"


@pytest.mark.usefixtures("front_door")
async def test_nothing_works_without_the_permission_to_read(home: Home) -> None:
    result = await submit(home, await start(home), location=False)
    result = await sign_in(home, result, grant=set(SCOPES) - {"vehicle_device_data"})
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "permission_data")
    assert result["menu_options"] == ["sign_in_again"]


@pytest.mark.usefixtures("front_door")
async def test_a_sign_in_that_would_not_last_is_told_at_once(home: Home) -> None:
    short = home.tesla.sign_in(home.account, home.application, set(SCOPES) - {"offline_access"})
    home.tesla.faults.wrong_type("/token", body=short)
    result = await sign_in(home, await submit(home, await start(home), location=False))
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "permission_lasting")
    result = await sign_in(home, await pick(home, result, "sign_in_again"))
    assert result["step_id"] == "domain"


@pytest.mark.usefixtures("front_door")
async def test_without_the_permission_to_charge_the_cars_are_shown(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await submit(home, await start(home), location=False)
    result = await sign_in(home, result, grant=set(SCOPES) - {"vehicle_charging_cmds"})
    result = await pick(home, result, "go_on")
    assert result["step_id"] == "domain"


@pytest.mark.usefixtures("front_door")
async def test_a_location_that_was_wanted_and_not_granted_is_done_without(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await submit(home, await start(home), location=True)
    result = await sign_in(home, result, grant=set(SCOPES))
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "permission_location")
    result = await submit(home, await pick(home, result, "go_on"), domain=HOME_DOMAIN)
    result = await choose(home, await submit(home, result, later=True))
    assert result["result"].data["location"] is False


@pytest.mark.usefixtures("front_door", "internet")
async def test_cars_that_cannot_stream_are_named_if_they_shall(home: Home) -> None:
    for number, name in enumerate(("Switched off", "Too old", "Able")):
        home.add_car(f"5YJSA1E20HF00030{number}", name)
    off, old, _ = home.cars
    home.tesla.telemetry(off).safety_screen_switch = False
    home.tesla.telemetry(old).hardware_supported = False
    Path(home.hass.config.path("tesla_fleet.key")).write_bytes(home.key.private_pem())
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    result = await choose(home, result, "telemetry_embedded")
    result = await submit(home, result, **place(free_port()))
    assert told(result) == {"polled": "Switched off, Too old"}


@pytest.mark.usefixtures("front_door", "internet")
async def test_the_straight_way_has_five_pages_and_one_for_each_car(home: Home) -> None:
    for vin, name in ((PEARL, "Pearl"), (MIDNIGHT, "Midnight")):
        home.add_car(vin, name).keychain.remove(home.key.public_key)
    pages: list[str] = []

    def turn(result: Step) -> Step:
        if result["type"] in {FlowResultType.FORM, FlowResultType.MENU}:
            progress = result["description_placeholders"]["progress"]
            pages.append(f"{progress}{result['step_id']}")
        return result

    applications = home.hass.data["application_credentials"].data
    kept = dict(applications)
    applications.clear()
    turn(await start(home))  # Home Assistant asks for client id and secret next
    applications.update(kept)
    result = await submit(home, turn(await start(home)), location=False)
    result = await submit(home, turn(await sign_in(home, result)), domain=HOME_DOMAIN)
    key = VirtualKey.load(Path(home.hass.config.path(KEY_FILE)))
    for car in home.cars.values():
        home.tesla.pair(car, key.public_key)
        # whoever has approved before submitting does not wait on a page
        result = await submit(home, turn(result), later=False)
    result = await pick(home, turn(result), "telemetry_embedded")
    result = turn(await submit(home, turn(result), **place(free_port())))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert pages == [
        "1 of 5 · prepare",
        "2 of 5 · user",
        "3 of 5 · domain",
        "4 of 5 · pair",
        "4 of 5 · pair",
        "5 of 5 · telemetry",
        "5 of 5 · telemetry_embedded",
    ]


@pytest.mark.usefixtures("front_door")
async def test_a_second_account_begins_with_the_sign_in(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    await home.set_up()
    result = await start(home)
    assert (result["step_id"], result["description_placeholders"]["progress"]) == (
        "user",
        "1 of 4 · ",
    )


@pytest.mark.usefixtures("front_door")
@pytest.mark.parametrize("path", sorted(TRANSLATIONS.glob("*.json")), ids=lambda path: path.stem)
async def test_progress_is_told_in_the_language_of_home_assistant(home: Home, path: Path) -> None:
    home.hass.config.language = path.stem
    words = json.loads(path.read_text(encoding="utf-8"))["common"]["progress"]
    result = await start(home)
    shown = result["description_placeholders"]["progress"]
    assert shown == f"{words.format(step=2, steps=5)} · "
    assert "/" not in shown


# -- the application -----------------------------------------------------------------------------------------


def application_choices(result: Step) -> dict[str, str]:
    """Return the applications to choose from, and how each is shown."""
    (field,) = [f for name, f in result["data_schema"].schema.items() if name == "application"]
    return {option["value"]: option["label"] for option in field.config["options"]}


@pytest.mark.usefixtures("front_door")
async def test_the_sign_in_shows_the_client_id_and_another_one_can_be_entered(home: Home) -> None:
    result = await start(home)
    (first, other) = application_choices(result)
    assert CLIENT_ID in application_choices(result)[first]
    # Home Assistant opens its dialog for client id and secret at these words, and begins again
    result = await submit(home, result, application=other, location=False)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "missing_credentials")
    await async_import_client_credential(
        home.hass, DOMAIN, ClientCredential("right", "s", "Mine"), "second"
    )
    result = await start(home)
    first, second, other = application_choices(result)
    assert application_choices(result)[second] == "Mine: right"
    result = await submit(home, result, location=False)  # the latest is proposed
    assert parse_qs(urlsplit(result["url"]).query)["client_id"] == ["right"]


@pytest.mark.usefixtures("front_door")
async def test_an_application_that_is_deleted_meanwhile_is_asked_for_again(home: Home) -> None:
    await async_import_client_credential(
        home.hass, DOMAIN, ClientCredential("right", "s"), "second"
    )
    result = await start(home)
    *_, latest, _ = application_choices(result)
    home.hass.data["application_credentials"].data.popitem()
    result = await submit(home, result, application=latest, location=True)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "user")
    assert latest not in application_choices(result)


@pytest.mark.usefixtures("front_door")
async def test_applications_that_cannot_be_told_now_are_not_asked_for_twice(home: Home) -> None:
    async def unavailable(*_: object) -> list[AbstractOAuth2Implementation]:
        raise ImplementationUnavailableError("the cloud is away")

    home.hass.data["application_credentials"].data.clear()
    async_add_implementation_provider(home.hass, "cloud", unavailable)
    result = await start(home)
    assert result["step_id"] == "prepare"
    result = await submit(home, result)
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "oauth_implementation_unavailable",
    )


@pytest.mark.usefixtures("front_door")
@pytest.mark.parametrize("location", [False, True])
async def test_only_what_is_needed_is_asked_for(home: Home, location: bool) -> None:
    result = await submit(home, await start(home), location=location)
    query = parse_qs(urlsplit(result["url"]).query)
    assert set(query["scope"][0].split()) == {*SCOPES, *(["vehicle_location"] if location else [])}
    assert query["prompt_missing_scopes"] == ["true"]


@pytest.mark.usefixtures("front_door")
async def test_saying_no_at_tesla_ends_the_flow(home: Home) -> None:
    result = await submit(home, await start(home), location=False)
    result = await home.hass.config_entries.flow.async_configure(
        result["flow_id"],
        {"state": {"flow_id": result["flow_id"]}, "error": "access_denied"},
    )
    result = await home.hass.config_entries.flow.async_configure(result["flow_id"])
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "user_rejected_authorize")
    assert result["translation_domain"] == DOMAIN


@pytest.mark.usefixtures("front_door")
@pytest.mark.parametrize("code", [401, 503])
async def test_a_wrong_client_secret_is_told_apart_from_a_bad_moment(home: Home, code: int) -> None:
    home.application.client_secret = "another one"
    if code != 401:
        home.tesla.faults.status(code, "oauth2/v3/token")
    result = await sign_in(home, await submit(home, await start(home), location=False))
    reason = "oauth_unauthorized" if code == 401 else "oauth_failed"
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, reason)
    # Home Assistant's own words for it do not say what to do
    assert result["translation_domain"] == DOMAIN
    words = json.loads((TRANSLATIONS / "en.json").read_text(encoding="utf-8"))
    assert ("secret" in words["config"]["abort"][reason]) is (code == 401)


async def test_without_credentials_home_assistant_asks_for_them(
    home: Home, hass: HomeAssistant
) -> None:
    assert await async_setup_component(hass, "application_credentials", {})
    result = await start(home)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "prepare")
    assert result["description_placeholders"]["redirect_url"].startswith("http")
    result = await submit(home, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "missing_credentials")


@pytest.mark.usefixtures("front_door")
async def test_an_account_without_cars_and_one_that_is_there_already(home: Home) -> None:
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_cars")
    assert (await served_key(home))[0] == 404
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    result = await up_to_domain(home)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.usefixtures("front_door")
async def test_the_pairing_check_can_fail_and_be_tried_again(home: Home) -> None:
    home.add_car(PEARL, "Pearl").keychain.remove(home.key.public_key)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    home.tesla.faults.status(500, "fleet_status")
    result = await check(home, result)
    assert result["errors"] == {"base": "cannot_check"}
    result = await submit(home, result, later=True)
    assert result["step_id"] == "telemetry"


@pytest.mark.usefixtures("front_door")
async def test_a_car_that_is_paired_meanwhile_is_noticed(home: Home) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.keychain.remove(home.key.public_key)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    result = await submit(home, result, later=False)
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    home.tesla.pair(car, VirtualKey.load(Path(home.hass.config.path(KEY_FILE))).public_key)
    await home.settle()
    result = await home.hass.config_entries.flow.async_configure(result["flow_id"])
    assert result["step_id"] == "telemetry"


@pytest.mark.usefixtures("front_door")
async def test_a_new_sign_in_that_tesla_rejects_is_said(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await up_to_domain(home)
    home.tesla.faults.status(401, "products")
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["errors"] == {"base": "cars_not_listed"}
    assert result["description_placeholders"]["detail"] == "Tesla rejected the new sign-in"
    assert (await submit(home, result, domain=HOME_DOMAIN))["step_id"] == "pair"


@pytest.mark.usefixtures("front_door")
async def test_the_domain_of_the_external_url_is_proposed(home: Home) -> None:
    home.hass.config.external_url = "https://Home.Example.com"
    result = await up_to_domain(home)
    (field,) = [name for name in result["data_schema"].schema if name == "domain"]
    assert field.default() == HOME_DOMAIN


@pytest.mark.usefixtures("front_door")
async def test_a_token_that_is_no_token_ends_the_flow(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.tesla.faults.status(
        200, "/token", body={"access_token": "opaque", "refresh_token": "x", "expires_in": 1}
    )
    result = await up_to_domain(home)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "oauth_error")


# -- signing in again --------------------------------------------------------------------------------------


async def test_an_ended_sign_in_is_renewed_and_everything_else_kept(charging_home: Home) -> None:
    home = charging_home
    assert home.entry is not None
    before = dict(home.entry.data)
    home.tesla.reset_password(home.account, "another")
    home.hass.config_entries.async_update_entry(
        home.entry, data={**before, "token": {**before["token"], "expires_at": 0}}
    )
    await home.poll()
    (flow,) = home.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == config_entries.SOURCE_REAUTH
    result = await home.hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["step_id"] == "reauth_confirm"

    stranger = home.tesla.add_account("else@example.com", region="eu")
    result = await sign_in(home, await submit(home, result), account=stranger)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "wrong_account")

    home.entry.async_start_reauth(home.hass)
    await home.settle()
    (flow,) = home.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    result = await home.hass.config_entries.flow.async_configure(flow["flow_id"])
    result = await sign_in(home, await submit(home, result))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await home.settle()
    assert home.entry.state is config_entries.ConfigEntryState.LOADED
    assert {k: v for k, v in home.entry.data.items() if k != "token"} == {
        k: v for k, v in before.items() if k != "token"
    }
    assert home.state("sensor", "battery_level") == "62"


async def test_a_new_sign_in_tells_where_an_account_lives_whose_region_is_unknown(
    charging_home: Home,
) -> None:
    home = charging_home
    assert home.entry is not None
    home.hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "region": "mars"}
    )
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    (flow,) = home.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    result = await home.hass.config_entries.flow.async_configure(flow["flow_id"])
    words = result["description_placeholders"] or {}
    assert words["application"].endswith(CLIENT_ID)
    result = await sign_in(home, await submit(home, result))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await home.settle()
    assert home.entry.data["region"] == "eu"
    assert home.entry.state is config_entries.ConfigEntryState.LOADED
