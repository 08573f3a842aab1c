"""The config flow's pages about domain and key: where the key is shown, which one it is, what is said early."""

from pathlib import Path
from typing import Any

from aiohttp import web
from homeassistant.setup import async_setup_component
import pytest

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_api import KEY_PATH
from custom_components.tesla_charging.vehicle_command import VirtualKey
from tests.support.flows import Step, choose, start, submit, told, up_to_domain
from tests.support.home import HOME_DOMAIN, KEY_FILE, PEARL, Home

pytestmark = pytest.mark.usefixtures("current_request_with_host", "front_door", "impatient")


def key_on_disk(home: Home) -> VirtualKey:
    return VirtualKey.load(Path(home.hass.config.path(KEY_FILE)))


def choices(result: Step, field: str) -> list[str]:
    """Return what can be chosen, nothing if the field is not there."""
    schema = result["data_schema"].schema
    return next((list(s.config["options"]) for name, s in schema.items() if name == field), [])


async def upload(home: Home, client: Any, content: bytes) -> str:
    """Upload a file as the frontend does; return its id."""
    assert await async_setup_component(home.hass, "file_upload", {})
    answer = await client.post("/api/file_upload", data={"file": content})
    assert answer.status == 200, await answer.text()
    return str((await answer.json())["file_id"])


# -- a key that exists already ------------------------------------------------------------------------------


async def test_a_pasted_key_is_used_and_no_car_paired_again(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="import")
    assert result["step_id"] == "import_key"
    result = await submit(home, result, pem=home.key.private_pem().decode())
    assert result["step_id"] == "telemetry"
    assert key_on_disk(home).public_key == home.key.public_key


async def test_an_uploaded_key_is_used(home: Home, hass_client: Any) -> None:
    home.add_car(PEARL, "Pearl")
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="import")
    file = await upload(home, await hass_client(), home.key.private_pem())
    result = await submit(home, result, file=file)
    assert result["step_id"] == "telemetry"
    assert key_on_disk(home).public_key == home.key.public_key


@pytest.mark.parametrize(
    ("pem", "error"),
    [
        ("", "key_not_pem"),
        ("secret words", "key_not_pem"),
        ("x" * 100_000, "key_not_pem"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "key_public_half"),
    ],
)
async def test_what_is_no_private_key_is_named_and_not_shown_again(
    home: Home, pem: str, error: str
) -> None:
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="import")
    result = await submit(home, result, pem=pem)
    assert (result["step_id"], result["errors"]) == ("import_key", {"base": error})
    assert "secret words" not in str(result["data_schema"].schema)
    assert not Path(home.hass.config.path(KEY_FILE)).exists()
    result = await submit(home, result, pem=home.key.private_pem().decode())
    assert result["reason"] == "no_cars"


async def test_an_imported_key_survives_a_wrong_domain(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    result = await submit(home, await up_to_domain(home), domain="home.example.org", key="import")
    result = await submit(home, result, pem=home.key.private_pem().decode())
    assert (result["step_id"], result["errors"]) == ("domain", {"domain": "domain_not_allowed"})
    assert "imported" in choices(result, "key")
    result = await submit(home, result, domain=HOME_DOMAIN, key="imported")
    assert result["step_id"] == "telemetry"
    assert key_on_disk(home).public_key == home.key.public_key


# -- a flow that was left, and others beside it ---------------------------------------------------------------


async def test_a_flow_that_was_left_can_be_taken_up_with_the_same_key(home: Home) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.keychain.remove(home.key.public_key)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert result["step_id"] == "pair"
    key = key_on_disk(home)
    home.tesla.pair(car, key.public_key)
    home.hass.config_entries.flow.async_abort(result["flow_id"])
    await home.settle()
    assert not home.hass.config_entries.flow.async_progress()

    result = await up_to_domain(home)
    assert choices(result, "key") == ["keep", "new", "import"]
    result = await submit(home, result, domain=HOME_DOMAIN, key="keep")
    assert result["step_id"] == "telemetry"
    assert key_on_disk(home).public_key == key.public_key


async def test_a_key_that_was_left_can_be_replaced_and_is_kept_aside(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.save_key()
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="new")
    assert result["step_id"] == "pair"
    assert key_on_disk(home).public_key != home.key.public_key
    kept = Path(home.hass.config.path(KEY_FILE + ".previous"))
    assert VirtualKey.load(kept).public_key == home.key.public_key
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_key_that_tesla_does_not_take_replaces_nothing(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.save_key()
    home.tesla.faults.status(500, "partner_accounts")
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="new")
    assert result["errors"] == {"base": "server_failure"}
    assert key_on_disk(home).public_key == home.key.public_key


async def test_a_second_account_shares_the_key_of_the_first(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    await home.set_up()
    home.account = home.tesla.add_account("second@example.com", region="na")
    home.add_car("LRW3E7EK0PC000909", "Second")
    result = await up_to_domain(home)
    assert choices(result, "key") == []
    result = await choose(home, await submit(home, result, domain=HOME_DOMAIN))
    assert told(result) == {}
    assert result["result"].data["region"] == "na"
    await home.settle()
    assert len(home.hass.config_entries.async_loaded_entries(DOMAIN)) == 2


async def test_an_account_in_a_region_without_a_name_here_is_found(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_car(PEARL, "Pearl")
    monkeypatch.setattr(home.account, "token_region", "xx")
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert result["step_id"] == "pair"
    assert set(home.application.registrations) == {"na", "eu"}


async def test_an_account_that_lives_elsewhere_than_its_token_tells(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.account.token_region = "na"
    home.application.registrations.clear()
    home.tesla.faults.status(412, "/eu/api/1/partner_accounts", times=None)
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="new")
    assert result["errors"] == {"domain": "domain_not_allowed"}
    home.tesla.faults.clear()
    result = await submit(home, result, domain=HOME_DOMAIN)
    assert result["step_id"] == "pair"
    assert set(home.application.registrations) == {"na", "eu"}


# -- somebody else's server -----------------------------------------------------------------------------------


async def test_the_key_may_be_shown_by_another_server(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    shown = {"pem": ""}

    async def serve(_: web.Request) -> web.Response:
        if not shown["pem"]:
            raise web.HTTPNotFound
        return web.Response(text=shown["pem"])

    app = web.Application()
    app.router.add_get(KEY_PATH, serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        home.tesla.dns["keys.example.com"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        result = await submit(
            home, await up_to_domain(home), domain="keys.example.com", shown="elsewhere"
        )
        assert result["step_id"] == "host_key"
        told = result["description_placeholders"]
        assert told["url"].endswith(f"keys.example.com{KEY_PATH}")
        assert "BEGIN PUBLIC KEY" in told["pem"]
        assert "PRIVATE" not in str(result)
        result = await submit(home, result)
        assert result["errors"] == {"base": "seen_not_there"}
        shown["pem"] = VirtualKey.generate().public_pem
        result = await submit(home, result)
        assert result["errors"] == {"base": "key_differs"}
        shown["pem"] = told["pem"]
        result = await choose(home, await submit(home, await submit(home, result), later=True))
        assert result["result"].data["domain"] == "keys.example.com"
        assert result["result"].data["shown_here"] is False
    finally:
        await runner.cleanup()


# -- names ----------------------------------------------------------------------------------------------------


async def test_a_pasted_address_with_a_path_is_put_right(home: Home) -> None:
    result = await submit(
        home, await up_to_domain(home), domain=f"https://{HOME_DOMAIN}/lovelace/0"
    )
    assert result["errors"] == {"domain": "domain_with_path"}
    (field,) = [name for name in result["data_schema"].schema if name == "domain"]
    assert field.description == {"suggested_value": HOME_DOMAIN}


async def test_a_doubtful_name_may_be_insisted_on(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    home.application.allowed_origin = "https://abc.ui.nabu.casa"
    home.tesla.dns["abc.ui.nabu.casa"] = home.tesla.dns[HOME_DOMAIN]
    result = await submit(home, await up_to_domain(home), domain="abc.ui.nabu.casa")
    assert result["errors"] == {"domain": "domain_nabu_casa"}
    assert home.tesla.billing.count(path_contains="partner_accounts") == 0
    result = await submit(home, result, domain="abc.ui.nabu.casa")
    assert result["step_id"] == "pair"


async def test_before_anything_else_the_page_tells_what_to_enter_at_tesla(home: Home) -> None:
    home.hass.data["application_credentials"].data.clear()
    home.hass.config.external_url = "https://home.example.com"
    result = await start(home)
    assert result["step_id"] == "prepare"
    assert result["description_placeholders"]["origin"] == "https://home.example.com"


async def test_a_key_file_that_cannot_be_written_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_car(PEARL, "Pearl")
    directory = Path(home.hass.config.config_dir)
    (directory / f"{KEY_FILE}.previous").mkdir()
    home.save_key()
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN, key="new")
    assert result["errors"] == {"base": "key_not_saved"}
    assert key_on_disk(home).public_key == home.key.public_key


async def test_an_account_that_turns_out_to_live_where_nobody_knows_us(home: Home) -> None:
    """The region of the token is registered; of the others, the right one could not be at first."""
    home.add_car(PEARL, "Pearl")
    home.account.token_region = "na"
    home.tesla.faults.status(503, "/eu/api/1/partner_accounts")
    result = await submit(home, await up_to_domain(home), domain=HOME_DOMAIN)
    assert result["step_id"] == "pair"
    assert set(home.application.registrations) == {"na", "eu"}
