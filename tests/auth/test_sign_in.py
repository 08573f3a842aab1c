"""The sign-in through the front door: renewed by one for all, kept through trouble, given up only by Tesla."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component
import pytest

from custom_components.tesla_charging.auth.authorization import async_get_authorization
from custom_components.tesla_charging.client import ENVIRONMENT_VARIABLE, active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.diagnostics import async_get_config_entry_diagnostics
from custom_components.tesla_charging.fleet_api import Scope, Vehicles, read_sign_in
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from simulator.cloud.control.faults import FaultRule
from tests.support.flows import sign_in, submit
from tests.support.home import CLIENT_ID, CLIENT_SECRET, HOME_DOMAIN, KEY_FILE, PEARL, SCOPES, Home
from tests.support.sign_in import asked_to_sign_in, entry_of, expire, stored, token, works
from tests.support.streaming import free_port

UNAVAILABLE = "unavailable"
PAGE = "<html><title>Sign in to the hotel</title>login_required: access was revoked</html>"
HTML = {"Content-Type": "text/html"}


class Nowhere(AbstractResolver):
    """Finds no name, like a home whose router is gone."""

    async def resolve(self, *_: Any, **__: Any) -> list[ResolveResult]:
        raise OSError("Name or service not known")

    async def close(self) -> None:
        """There is nothing to close."""


async def test_many_at_once_refresh_once(charging_home: Home) -> None:
    expire(charging_home)
    charging_home.tesla.faults.delay(0.1, "/token")
    hass, entry = charging_home.hass, entry_of(charging_home)
    before = charging_home.tesla.refreshes
    vehicles = Vehicles(entry.runtime_data.client)
    others = await asyncio.gather(*(async_get_authorization(hass, entry) for _ in range(5)))
    await asyncio.gather(
        *(vehicles.list() for _ in range(10)),
        *(one.access_token() for one in others for _ in range(10)),
        charging_home.poll(),
        charging_home.act("stop_charging"),
    )
    assert charging_home.tesla.refreshes == before + 1
    assert charging_home.tesla._cloud.grants.requests == before + 1


async def test_many_at_once_hear_of_one_failure(charging_home: Home) -> None:
    expire(charging_home)
    charging_home.tesla.faults.status(503, "/token", times=None)
    authorization = await async_get_authorization(charging_home.hass, entry_of(charging_home))
    before = charging_home.tesla._cloud.grants.requests
    found = await asyncio.gather(
        *(authorization.access_token() for _ in range(20)), return_exceptions=True
    )
    assert {type(err).__name__ for err in found} == {"ServerFailure"}
    assert charging_home.tesla._cloud.grants.requests == before + 1


async def test_who_asked_may_go_away_without_losing_the_answer(charging_home: Home) -> None:
    expire(charging_home)
    charging_home.tesla.faults.delay_answer(0.2, "/token")
    authorization = await async_get_authorization(charging_home.hass, entry_of(charging_home))
    asked = asyncio.create_task(authorization.access_token())
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await charging_home.settle()
    current = {grant.current for grant in charging_home.tesla._cloud.grants._grants.values()}
    assert {stored(charging_home)["refresh_token"]} == current
    assert await works(charging_home)
    assert charging_home.tesla.refreshes == 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "lose_request"},
        {"kind": "lose_answer_after"},
        {"kind": "status", "code": 200, "body": PAGE, "headers": HTML},
        {"kind": "status", "code": 400, "body": PAGE, "headers": HTML},
        {"kind": "status", "code": 401, "body": PAGE, "headers": HTML},
        {"kind": "status", "code": 403, "body": PAGE, "headers": HTML},
        {"kind": "status", "code": 302, "headers": {"Location": "http://hotel.example.com/"}},
        {"kind": "status", "code": 407, "body": PAGE, "headers": HTML},
        {"kind": "status", "code": 429, "headers": {"Retry-After": "60"}},
        {"kind": "status", "code": 500},
        {"kind": "status", "code": 502, "body": PAGE, "headers": HTML},
        {"kind": "status", "code": 503},
        {"kind": "status", "code": 400, "body": {"error": "unauthorized_client"}},
        {"kind": "malformed_json"},
        {"kind": "wrong_type"},
        {"kind": "huge"},
    ],
    ids=lambda trouble: f"{trouble['kind']} {trouble.get('code', '')}".strip(),
)
async def test_trouble_passes_and_heals_without_a_reload(
    charging_home: Home, trouble: dict[str, Any]
) -> None:
    expire(charging_home)
    charging_home.tesla.faults.add(FaultRule(**trouble, path="/token", times=None))
    for _ in range(3):
        await charging_home.poll()
        assert charging_home.state("sensor", "battery_level") == UNAVAILABLE
    assert not asked_to_sign_in(charging_home)
    assert entry_of(charging_home).state is ConfigEntryState.LOADED
    charging_home.tesla.faults.clear()
    assert await works(charging_home)
    # it charged when it was reached last, eight hours ago, and sleeps now
    assert charging_home.state("switch", "charging") == "unknown"
    assert not asked_to_sign_in(charging_home)


async def test_an_outage_of_the_whole_network(charging_home: Home) -> None:
    expire(charging_home)
    await charging_home.tesla.stop()
    for _ in range(2):
        await charging_home.poll()
        assert charging_home.state("sensor", "battery_level") == UNAVAILABLE
    assert not asked_to_sign_in(charging_home)
    await charging_home.tesla.start()
    assert await works(charging_home)


async def test_a_name_that_cannot_be_resolved_when_home_assistant_starts(
    charging_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    expire(charging_home)
    hass, entry = charging_home.hass, entry_of(charging_home)
    await hass.config_entries.async_unload(entry.entry_id)
    connector = async_get_clientsession(hass).connector
    monkeypatch.setattr(connector, "_resolver", Nowhere())
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "https://nowhere.invalid")
    active_endpoints.cache_clear()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert not asked_to_sign_in(charging_home)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, charging_home.tesla.base_url)
    active_endpoints.cache_clear()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await works(charging_home)


async def test_a_secret_that_was_changed_is_named(charging_home: Home) -> None:
    expire(charging_home)
    charging_home.application.client_secret = "made anew at Tesla"
    hass, entry = charging_home.hass, entry_of(charging_home)
    await hass.config_entries.async_unload(entry.entry_id)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert (entry.state, entry.error_reason_translation_key) == (
        ConfigEntryState.SETUP_RETRY,
        "invalid_client",
    )
    assert not asked_to_sign_in(charging_home)


async def test_a_revoked_consent_asks_for_a_new_sign_in(charging_home: Home) -> None:
    charging_home.tesla.revoke_consent(charging_home.account, charging_home.application)
    await charging_home.poll()
    assert asked_to_sign_in(charging_home)


async def test_a_sign_in_that_ends_while_the_car_is_told_something(charging_home: Home) -> None:
    expire(charging_home)
    charging_home.tesla.reset_password(charging_home.account, "another")
    with pytest.raises(HomeAssistantError) as info:
        await charging_home.act("stop_charging")
    assert info.value.translation_key == "login_required"
    await charging_home.settle()
    assert asked_to_sign_in(charging_home)


@pytest.mark.usefixtures("current_request_with_host")
async def test_signing_in_again_keeps_everything(home: Home, hass: HomeAssistant) -> None:
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl").plug_in()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", 9)
    settings = TelemetrySettings(Transport.EMBEDDED, HOME_DOMAIN, 8443, free_port(), "127.0.0.1")
    entry = await home.set_up(telemetry=settings)
    data, options = dict(entry.data), dict(entry.options)
    entity, device = home.entity_id("sensor", "battery_level"), home.device_id()
    key = Path(hass.config.path(KEY_FILE)).read_bytes()
    assert (pushed := home.tesla.telemetry(PEARL).config(CLIENT_ID)) is not None
    expire(home)
    home.tesla.reset_password(home.account, "another")
    await home.poll()
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["step_id"] == "reauth_confirm"
    stranger = home.tesla.add_account("else@example.com", region="eu")
    result = await sign_in(home, await submit(home, result), account=stranger)
    assert result["reason"] == "wrong_account"
    assert dict(entry.data)["token"]["refresh_token"] == data["token"]["refresh_token"]

    entry.async_start_reauth(hass)
    await home.settle()
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    result = await sign_in(home, await submit(home, result))
    assert result["reason"] == "reauth_successful"
    await home.settle()
    # in the same second as the sign-in before: the file must not bring that one back
    assert token(home)["refresh_token"] != data["token"]["refresh_token"]
    assert stored(home)["refresh_token"] == token(home)["refresh_token"]
    assert {**entry.data, "token": 0} == {**data, "token": 0}
    assert dict(entry.options) == options
    assert (home.entity_id("sensor", "battery_level"), home.device_id()) == (entity, device)
    assert Path(hass.config.path(KEY_FILE)).read_bytes() == key
    assert home.tesla.telemetry(PEARL).config(CLIENT_ID) == pushed
    assert await works(home)
    assert await hass.config_entries.async_unload(entry.entry_id)


def test_a_sign_in_without_a_refresh_token_lacks_a_permission(home: Home) -> None:
    short = home.tesla.sign_in(
        home.account, home.application, set(SCOPES) - {"offline_access", "vehicle_device_data"}
    )
    assert read_sign_in(short).missing == (Scope.OFFLINE_ACCESS, Scope.VEHICLE_DEVICE_DATA)
    assert read_sign_in(home.sign_in()).missing == ()


async def test_no_token_is_in_logs_urls_errors_or_diagnostics(
    charging_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await async_setup_component(charging_home.hass, "diagnostics", {})
    hass, entry = charging_home.hass, entry_of(charging_home)
    secrets = {CLIENT_SECRET}

    def note() -> None:
        for kept in (token(charging_home), stored(charging_home)):
            secrets.update(kept[name] for name in kept if name.endswith("token"))

    note()
    faults = charging_home.tesla.faults
    for number in range(6):
        expire(charging_home)
        match number:
            case 0:
                faults.lose_answer_after("/token")
            case 1:
                faults.status(401, "/token", body={"error": stored(charging_home)["refresh_token"]})
            case 2:
                faults.status(500, "/token", body=json.dumps(token(charging_home)))
            case 3:
                faults.malformed_json("/token")
            case 4:
                faults.wrong_type("/token", body=[stored(charging_home)["refresh_token"]])
        await charging_home.poll()
        await charging_home.poll()
        note()
        diagnostics = await async_get_config_entry_diagnostics(hass, entry)
        text = json.dumps(diagnostics, default=str)
        assert not [secret for secret in secrets if secret in text]
    grants = charging_home.tesla._cloud.grants
    secrets |= set(grants._refresh)
    await charging_home.restart()
    charging_home.tesla.reset_password(charging_home.account, "another")
    await charging_home.poll()
    flows = json.dumps(hass.config_entries.flow.async_progress(), default=str)
    for record in caplog.records:
        if record.name.startswith(("aiohttp.server", "simulator")):
            continue
        said = record.getMessage() + str(record.exc_text or "")
        assert not [secret for secret in secrets if secret in said], record.name
    assert len(secrets) > 12
    assert "tesla_charging" in caplog.text
    assert not [secret for secret in secrets if secret in flows]
    assert not [
        s for s in secrets for line in charging_home.tesla.billing.requests if s in line.path
    ]
