"""The sign-in is on disk before it is used: whatever is lost, the next start has a token that works."""

import asyncio
import errno
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntryState
import orjson
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.auth.authorization import async_get_authorization
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.storage import durable_file
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from simulator import Car
from tests.support.home import HOME_DOMAIN, MIDNIGHT, PEARL, SCOPES, Home
from tests.support.sign_in import (
    asked_to_sign_in,
    change,
    entry_of,
    expire,
    file,
    power_cut,
    put_back,
    stored,
    token,
    works,
)
from tests.support.streaming import free_port


async def test_a_new_token_is_on_disk_before_tesla_sees_it(charging_home: Home) -> None:
    seen: list[tuple[str, str]] = []
    http = entry_of(charging_home).runtime_data.client._session
    ask = http._request

    async def watch(method: str, url: Any, **options: Any) -> Any:
        if bearer := (options.get("headers") or {}).get("Authorization"):
            # the file is read here, at the moment at which the request leaves
            seen.append((bearer.removeprefix("Bearer "), stored(charging_home)["access_token"]))
        return await ask(method, url, **options)

    http._request = watch
    try:
        for _ in range(3):
            expire(charging_home)
            assert await works(charging_home)
    finally:
        http._request = ask
    assert len({used for used, _ in seen}) == 3
    assert all(used == on_disk for used, on_disk in seen)
    assert file(charging_home).stat().st_mode & 0o777 == 0o600


async def test_a_power_cut_before_the_entry_is_saved(charging_home: Home) -> None:
    before = token(charging_home)
    for _ in range(2):  # Tesla's day of grace would carry the old token over one refresh
        expire(charging_home)
        assert await works(charging_home)
    newest = token(charging_home)
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    power_cut(charging_home, before)
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    assert await works(charging_home)
    assert token(charging_home)["access_token"] == newest["access_token"]
    assert not asked_to_sign_in(charging_home)


@pytest.fixture
def within_a_second(charging_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tesla's tokens tell their time in whole seconds."""
    now = charging_home.tesla.clock.now()
    monkeypatch.setattr(charging_home.tesla.clock, "now", lambda: now)
    put_back(charging_home, charging_home.sign_in())


@pytest.mark.usefixtures("within_a_second")
async def test_a_power_cut_after_two_refreshes_within_a_second(charging_home: Home) -> None:
    await charging_home.restart()
    before = token(charging_home)
    for _ in range(2):
        change(charging_home, expires_at=0)
        assert await works(charging_home)
    newest = token(charging_home)
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    power_cut(charging_home, before)
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    assert await works(charging_home)
    assert token(charging_home)["access_token"] == newest["access_token"]


@pytest.mark.usefixtures("within_a_second")
async def test_a_new_sign_in_within_a_second_of_a_refresh(charging_home: Home) -> None:
    await charging_home.restart()
    change(charging_home, expires_at=0)
    assert await works(charging_home)
    new = charging_home.sign_in()
    put_back(charging_home, new)
    await charging_home.restart()
    assert token(charging_home)["access_token"] == new["access_token"]
    assert stored(charging_home)["access_token"] == new["access_token"]


async def test_a_power_cut_before_the_answer_is_saved(charging_home: Home) -> None:
    expire(charging_home)
    charging_home.tesla.faults.lose_answer_after("/token")
    await charging_home.poll()
    assert charging_home.state("sensor", "battery_level") == "unavailable"
    await charging_home.restart()
    assert await works(charging_home)
    assert not asked_to_sign_in(charging_home)


async def test_a_request_given_up_and_carried_out_after_its_repetition(
    charging_home: Home,
) -> None:
    old = token(charging_home)["refresh_token"]
    expire(charging_home)
    assert await works(charging_home)
    # now it comes: the same refresh token once more, within its day
    grants = charging_home.tesla._cloud.grants
    grants.refresh(old, charging_home.application)
    assert await works(charging_home)
    assert not asked_to_sign_in(charging_home)
    assert token(charging_home)["refresh_token"] == stored(charging_home)["refresh_token"]


async def test_the_one_before_is_no_use_after_a_day(charging_home: Home) -> None:
    old = token(charging_home)["refresh_token"]
    expire(charging_home)
    assert await works(charging_home)
    charging_home.tesla._cloud.grants.refresh(old, charging_home.application)
    charging_home.tesla.clock.advance(24 * 3600)
    await charging_home.poll()
    assert asked_to_sign_in(charging_home)


async def test_a_backup_with_a_token_that_was_used_up(charging_home: Home) -> None:
    backup = token(charging_home), file(charging_home).read_bytes()
    for _ in range(3):
        expire(charging_home)
        assert await works(charging_home)
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    power_cut(charging_home, {**backup[0], "expires_at": 0})
    file(charging_home).write_bytes(backup[1])
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    await charging_home.settle()
    assert entry_of(charging_home).state is ConfigEntryState.SETUP_ERROR
    assert asked_to_sign_in(charging_home)


async def test_a_backup_of_the_file_alone_does_not_bring_an_older_token_back(
    charging_home: Home,
) -> None:
    old = file(charging_home).read_bytes()
    charging_home.tesla.clock.advance(2)
    expire(charging_home)
    assert await works(charging_home)
    newest = token(charging_home)
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    file(charging_home).write_bytes(old)
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    assert await works(charging_home)
    assert token(charging_home) == newest
    assert stored(charging_home)["refresh_token"] == newest["refresh_token"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1}',
        b'{"version": 9, "token": {}}',
        b'{"version": 1, "token": {"access_token": "x"}}',
        b'{"version": 1, "token": {"access_token": "x", "expires_at": 9999999999}}',
        b"\xff" * 300_000,
    ],
)
async def test_a_damaged_file_is_replaced(charging_home: Home, content: bytes) -> None:
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    file(charging_home).write_bytes(content)
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    assert await works(charging_home)
    assert stored(charging_home)["access_token"] == token(charging_home)["access_token"]


@pytest.mark.parametrize("refresh_token", [None, 7, ["x"]])
async def test_a_newer_token_that_cannot_be_refreshed_replaces_no_whole_one(
    charging_home: Home, refresh_token: object
) -> None:
    whole = token(charging_home)
    charging_home.tesla.clock.advance(2)
    newer = {**charging_home.sign_in(), "refresh_token": refresh_token}
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    power_cut(charging_home, whole)
    file(charging_home).write_bytes(orjson.dumps({"version": 1, "token": newer}))
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    assert await works(charging_home)
    assert token(charging_home) == whole


async def test_a_full_disk_is_no_reason_not_to_charge(
    charging_home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = stored(charging_home)

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(durable_file, "write", full)
        expire(charging_home)
        assert await works(charging_home)
        assert await works(charging_home)
        assert stored(charging_home) == before
    assert caplog.text.count("could not be saved (No space left on device)") == 1
    assert await works(charging_home)
    assert stored(charging_home)["refresh_token"] == token(charging_home)["refresh_token"]


async def test_two_entries_keep_to_themselves(charging_home: Home) -> None:
    first = entry_of(charging_home)
    other = charging_home.tesla.add_account("other@example.com", region="na")
    charging_home.tesla.add_car(other, Car(MIDNIGHT, name="M", clock=charging_home.tesla.clock))
    tokens = charging_home.tesla.sign_in(other, charging_home.application, SCOPES)
    second = MockConfigEntry(
        domain=DOMAIN,
        unique_id=other.sub,
        title="Midnight",
        data={
            **first.data,
            "token": {**tokens, "expires_at": 0},
            "region": "na",
            "base_url": charging_home.tesla.region_url("na"),
        },
    )
    second.add_to_hass(charging_home.hass)
    assert await charging_home.hass.config_entries.async_setup(second.entry_id)
    expire(charging_home)
    assert await works(charging_home)
    files = {file(charging_home)}
    charging_home.entry = second
    files.add(file(charging_home))
    assert len({path.read_text() for path in files}) == 2
    assert stored(charging_home)["access_token"] == second.data["token"]["access_token"]

    assert await charging_home.hass.config_entries.async_remove(second.entry_id)
    assert not file(charging_home).exists()
    charging_home.entry = first
    assert file(charging_home).exists()
    assert await works(charging_home)


async def test_removing_an_entry_removes_its_sign_in(home: Home) -> None:
    home.add_car(PEARL, "Pearl").plug_in()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", 9)
    settings = TelemetrySettings(Transport.EMBEDDED, HOME_DOMAIN, 8443, free_port(), "127.0.0.1")
    entry = await home.set_up(telemetry=settings)
    expire(home)  # so that what the removal asks of Tesla needs a refresh
    asked = home.tesla.refreshes
    assert await home.hass.config_entries.async_remove(entry.entry_id)
    await home.settle()
    assert not [
        p for p in file(home).parent.iterdir() if p.name.startswith(f"{DOMAIN}.{entry.entry_id}")
    ]
    assert home.tesla.refreshes == asked + 1
    assert not asked_to_sign_in(home)


async def test_a_refresh_that_ends_after_the_removal_leaves_nothing(charging_home: Home) -> None:
    entry = entry_of(charging_home)
    expire(charging_home)
    charging_home.tesla.faults.delay_answer(0.3, "/token")
    authorization = entry.runtime_data.client._authorization
    asked = asyncio.create_task(authorization.access_token())
    await asyncio.sleep(0.1)
    assert await charging_home.hass.config_entries.async_remove(entry.entry_id)
    await asked
    # somebody still has the client of the account that is gone
    await authorization.renew(await authorization.access_token())
    assert await authorization.access_token() != await asked
    await charging_home.settle()
    assert not file(charging_home).exists()


async def test_a_refresh_that_ends_after_a_new_sign_in_does_not_undo_it(
    charging_home: Home,
) -> None:
    expire(charging_home)
    charging_home.tesla.faults.delay_answer(0.2, "/token")
    authorization = await async_get_authorization(charging_home.hass, entry_of(charging_home))
    asked = asyncio.create_task(authorization.access_token())
    await asyncio.sleep(0.1)
    new = charging_home.sign_in()
    put_back(charging_home, new)
    assert await asked == new["access_token"]
    assert token(charging_home) == new
    assert stored(charging_home)["refresh_token"] == new["refresh_token"]


async def test_a_new_sign_in_lost_by_a_power_cut_is_found_again(charging_home: Home) -> None:
    before = token(charging_home)
    charging_home.tesla.clock.advance(2)
    new = charging_home.sign_in()
    put_back(charging_home, new)
    await charging_home.restart()
    await charging_home.hass.config_entries.async_unload(entry_of(charging_home).entry_id)
    power_cut(charging_home, before)
    await charging_home.hass.config_entries.async_setup(entry_of(charging_home).entry_id)
    assert token(charging_home)["access_token"] == new["access_token"]
