"""Diagnostics and system health help, and give nothing away: everything secret is put in, and looked for in all of them."""

import json
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.tesla_charging import removal, system_health
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.issues.kinds import TELEMETRY_SILENT
from custom_components.tesla_charging.issues.registry import async_raise_issue
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.support.home import CLIENT_ID, CLIENT_SECRET, HOME_DOMAIN, MIDNIGHT, PEARL, Home
from tests.support.streaming import free_port
from tests.support.translations import ENGLISH
from tests.support.waiting import until

HOSTNAME = "cars.example.com"
SECRET_NAMES = ("Grandmother", "Nightingale")
LATITUDE, LONGITUDE = 52.123456, 4.654321


@pytest.fixture
async def full(home: Home) -> Home:
    """A home in which as much as possible is known, and Tesla's own words repeat it."""
    for component in ("diagnostics", "system_health"):
        assert await async_setup_component(home.hass, component, {})
    place = (LATITUDE, LONGITUDE)
    home.add_car(PEARL, SECRET_NAMES[0], home=place, sleep_after=None).plug_in()
    home.add_car(MIDNIGHT, SECRET_NAMES[1], home=place, sleep_after=None)
    words = f"hostname {HOSTNAME} of {PEARL} (…{PEARL[-6:]}) and {MIDNIGHT} is not allowed"
    home.tesla.faults.status(400, "fleet_telemetry_config_jws", body={"error": words}, times=None)
    settings = TelemetrySettings(Transport.EMBEDDED, HOSTNAME, 8443, free_port(), "127.0.0.1")
    entry = await home.set_up(location=True, telemetry=settings)
    await until(lambda: home.state("sensor", "telemetry") == "refused")
    await home.act("stop_charging")
    home.tesla.faults.status(404, f"vehicles/{MIDNIGHT}", times=None)
    await home.poll()
    dr.async_get(home.hass).async_update_device(home.device_id(), name_by_user="Wolfgang's")
    for vin in (PEARL, MIDNIGHT):
        async_raise_issue(
            home.hass, TELEMETRY_SILENT, {"car": "Wolfgang's", "errors": words}, vin=vin
        )
    gone = MockConfigEntry(domain=DOMAIN, unique_id="9d3b6f5e-another-account", data={})
    removal.async_report(home.hass, gone, {PEARL})
    assert entry.state is ConfigEntryState.LOADED
    return home


def found_in(home: Home, text: str) -> set[str]:
    """Return the secrets that are in a text."""
    assert home.entry is not None
    token = home.entry.data["token"]
    secrets = {
        *(str(token[name]) for name in ("access_token", "refresh_token")),
        *(value for value in token.values() if isinstance(value, str) and len(value) > 12),
        CLIENT_ID,
        CLIENT_SECRET,
        PEARL,
        MIDNIGHT,
        PEARL[-6:],
        MIDNIGHT[-6:],
        HOME_DOMAIN,
        HOSTNAME,
        "example.com",
        *SECRET_NAMES,
        "Wolfgang",
        home.account.sub,
        home.account.email,
        "9d3b6f5e-another-account",
        *(str(number)[:7] for number in (LATITUDE, LONGITUDE)),
        home.key.public_key.hex(),
        home.key.public_pem.split("\n")[1],
        home.key.public_pem.split("\n")[2],
        "PRIVATE KEY",
        *(home.car.domain(name).public_key.hex() for name in ("infotainment", "vehicle_security")),
        *(home.car.domain(name).epoch.hex() for name in ("infotainment", "vehicle_security")),
    }
    return {secret for secret in secrets if secret.lower() in text.lower()}


async def download(client: Any, path: str) -> tuple[str, dict[str, Any]]:
    """Return what a person gets who presses the button, as text and as data."""
    response = await client.get(f"/api/diagnostics/{path}")
    assert response.status == 200
    text = await response.text()
    return text, json.loads(text)


async def test_the_search_finds_what_is_there(full: Home) -> None:
    assert full.entry is not None
    text = json.dumps(dict(full.entry.data)) + PEARL + str(LATITUDE)
    assert {PEARL, PEARL[-6:], HOME_DOMAIN, str(LATITUDE)[:7]} < found_in(full, text)
    assert full.entry.data["token"]["refresh_token"] in found_in(full, text)


async def test_the_entry_s_diagnostics(full: Home, hass_client: ClientSessionGenerator) -> None:
    home = full
    assert home.entry is not None
    text, whole = await download(await hass_client(), f"config_entry/{home.entry.entry_id}")
    assert found_in(home, text) == set()
    data = whole["data"]
    assert data["state"] == "loaded"
    assert "vehicle_charging_cmds" in data["granted_scopes"]
    assert data["telemetry"]["listening_on"] > 0
    assert data["telemetry"]["certificate_ends"] > "2026"
    assert data["requests"]["today"] > 0
    assert "signed_command (command)" in data["requests"]["counts"]
    assert len(data["issues"]) == 6
    pearl, midnight = data["cars"]
    assert pearl["device"] != midnight["device"]
    assert pearl["firmware"] == home.car.firmware
    assert pearl["telemetry"]["stage"] == "refused"
    assert "is not allowed" in pearl["telemetry"]["why_not"]
    assert pearl["signals"]["Location"]["value"] == "**REDACTED**"
    assert 0 <= pearl["signals"]["BatteryLevel"]["measured_ago"] < 60
    assert pearl["signed_commands"] is True
    assert midnight["last_error"] == "UpdateFailed <- NotFound"


async def test_a_device_s_diagnostics_tell_of_this_car_alone(
    full: Home, hass_client: ClientSessionGenerator
) -> None:
    home = full
    assert home.entry is not None
    path = f"config_entry/{home.entry.entry_id}/device/{home.device_id(MIDNIGHT)}"
    text, whole = await download(await hass_client(), path)
    assert found_in(home, text) == set()
    (car,) = whole["data"]["cars"]
    assert car["device"] == home.device_id(MIDNIGHT)


async def test_diagnostics_of_an_entry_that_could_not_be_set_up(
    full: Home, hass_client: ClientSessionGenerator
) -> None:
    home = full
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    words = f"no {HOME_DOMAIN} for {PEARL}"
    home.tesla.faults.status(400, "/products", body={"error": words}, times=None)
    assert not await home.hass.config_entries.async_setup(home.entry.entry_id)
    text, whole = await download(await hass_client(), f"config_entry/{home.entry.entry_id}")
    assert found_in(home, text) == set()
    assert whole["data"]["state"] == "setup_retry"
    assert whole["data"]["reason_key"]
    assert "cars" not in whole["data"]


async def info(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> dict[str, Any]:
    """Return what the page of system information shows in the end."""
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "system_health/info"})
    assert (await client.receive_json())["success"]
    rows: dict[str, Any] = {}
    while (event := (await client.receive_json())["event"])["type"] != "finish":
        if event["type"] == "initial":
            rows |= event["data"].get(DOMAIN, {"info": {}})["info"]
        elif event["domain"] == DOMAIN:
            rows[event["key"]] = event["data"] if event["success"] else event["error"]
    return rows


async def test_system_health(full: Home, hass_ws_client: WebSocketGenerator) -> None:
    home = full
    assert home.entry is not None
    rows = await info(home.hass, hass_ws_client)
    assert found_in(home, json.dumps(rows)) == set()
    assert rows.pop("requests_today") > 0
    assert rows.pop("receiver_port") == home.entry.runtime_data.telemetry.server.port
    assert rows.pop("certificate_days") > 300
    assert rows.pop("key_served")["type"] == "failed"  # the domain leads nowhere
    assert rows == {
        "can_reach_eu": "ok",
        "accounts": 1,
        "cars": 2,
        "cars_connected": 0,
        "roads": "embedded",
    }
    await home.tesla.stop()
    rows = await info(home.hass, hass_ws_client)
    assert rows["can_reach_eu"] == {"type": "failed", "error": "unreachable"}
    await home.tesla.start()


async def test_system_health_without_an_account(
    home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    assert await async_setup_component(home.hass, "system_health", {})
    home.add_car(PEARL, "Pearl")
    await home.set_up()
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    rows = await info(home.hass, hass_ws_client)
    assert rows["accounts"] == rows["cars"] == 0
    assert rows["receiver_port"] == "closed"
    assert rows["key_served"] == "-"


async def test_every_row_of_system_health_has_a_name(full: Home) -> None:
    rows = await system_health.system_health_info(full.hass)
    for value in rows.values():
        if hasattr(value, "close"):
            value.close()
    assert set(rows) <= set(ENGLISH["system_health"]["info"])
