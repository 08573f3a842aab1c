"""Tesla's list of the cars' authorities, as a slow or a hostile server sends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import time
from typing import Any

from aiohttp import web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.event import async_call_later
import pytest

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.fleet_telemetry.certificates import trust
from custom_components.tesla_charging.telemetry import manager
from custom_components.tesla_charging.telemetry.server import (
    DIRECTORY,
    VEHICLE_CA_FILE,
    TelemetryServer,
    TelemetryServerError,
    async_get_telemetry_server,
)
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.fleet_telemetry.pki import VehicleTree
from tests.support.home import PEARL, Home
from tests.support.repairs import issue_of, told
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until


@asynccontextmanager
async def served(*pieces: bytes) -> AsyncIterator[str]:
    """Serve a file that comes in pieces; give its address."""

    async def send(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in pieces:
            await answer.write(piece)
            await asyncio.sleep(0.05)
        return answer

    app = web.Application()
    app.router.add_get("/ca.pem", send)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ca.pem"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """Take connections, and answer nothing; give an address there."""
    answered = asyncio.Event()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answered.wait()
        writer.close()

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as listener:
        try:
            yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/ca.pem"
        finally:
            answered.set()


DOWNLOAD_TIMEOUT = 30
"""Seconds after which the download is given up."""


def receiver(hass: HomeAssistant, url: str) -> TelemetryServer:
    return TelemetryServer(hass, replace(active_endpoints(), vehicle_ca_url=url))


async def test_a_list_that_comes_in_pieces_is_taken_whole(home: Home) -> None:
    tree = VehicleTree()
    bundle = tree.root.pem + tree.issuing.pem
    settings = TelemetrySettings(
        Transport.EMBEDDED, "home.example.com", listen_port=free_port(), listen_host="127.0.0.1"
    )
    async with served(bundle[:100], bundle[100:900], bundle[900:]) as url:
        server = receiver(home.hass, url)
        async with server.trial(settings):
            assert server.port == settings.listen_port


async def test_a_list_without_end_is_refused(home: Home) -> None:
    settings = TelemetrySettings(
        Transport.EMBEDDED, "home.example.com", listen_port=free_port(), listen_host="127.0.0.1"
    )
    async with served(*[b"x" * 300_000] * 3) as url:
        with pytest.raises(TelemetryServerError) as error:
            async with receiver(home.hass, url).trial(settings):
                raise AssertionError("it must not open")
    assert error.value.key == "telemetry_no_vehicle_ca"


def stored(home: Home) -> Path:
    path = Path(home.hass.config.path(DIRECTORY)) / VEHICLE_CA_FILE
    path.parent.mkdir(exist_ok=True)
    return path


def place() -> TelemetrySettings:
    return TelemetrySettings(
        Transport.EMBEDDED, "home.example.com", listen_port=free_port(), listen_host="127.0.0.1"
    )


def pinning(monkeypatch: pytest.MonkeyPatch, *pems: bytes) -> None:
    """Let this version know exactly these authorities."""
    names = {name: "an authority" for pem in pems for name in trust.fingerprints(pem)}
    monkeypatch.setattr(trust, "PINNED", names)


def pinned_receiver(hass: HomeAssistant, url: str) -> TelemetryServer:
    endpoints = replace(active_endpoints(), vehicle_ca_url=url, vehicle_ca_pinned=True)
    return TelemetryServer(hass, endpoints)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA"])
async def test_a_stored_list_that_holds_nothing_pinned_is_replaced(
    home: Home, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    tree = VehicleTree()
    bundle = tree.root.pem + tree.issuing.pem
    pinning(monkeypatch, bundle)
    stored(home).write_bytes(content)
    async with served(bundle) as url, pinned_receiver(home.hass, url).trial(place()):
        pass
    assert stored(home).read_bytes() == bundle
    left = sorted(path.name for path in stored(home).parent.glob(f"*{VEHICLE_CA_FILE}*"))
    assert [name.partition(".unusable.")[0] for name in left] == [VEHICLE_CA_FILE] * 2


async def test_a_stored_list_of_other_authorities_is_replaced(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, stranger = VehicleTree(), VehicleTree()
    bundle = tree.root.pem + tree.issuing.pem
    pinning(monkeypatch, bundle)
    stored(home).write_bytes(stranger.root.pem)
    async with served(bundle) as url, pinned_receiver(home.hass, url).trial(place()):
        pass
    assert stored(home).read_bytes() == bundle


async def test_a_stored_list_that_lacks_an_authority_is_replaced_or_used(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = VehicleTree()
    bundle = tree.root.pem + tree.issuing.pem
    pinning(monkeypatch, bundle)
    stored(home).write_bytes(tree.root.pem)
    gone = f"{home.tesla.base_url}/_sim/nothing.pem"
    settings = place()
    async with pinned_receiver(home.hass, gone).trial(settings):  # better than nothing
        assert stored(home).read_bytes() == tree.root.pem
    async with served(bundle) as url, pinned_receiver(home.hass, url).trial(place()):
        pass
    assert stored(home).read_bytes() == bundle
    async with pinned_receiver(home.hass, gone).trial(place()):  # it is whole: no download
        pass


async def test_a_list_that_comes_late_starts_telemetry_by_itself(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[timedelta] = []

    def call_later(hass: HomeAssistant, delay: Any, job: Any) -> Any:
        delays.append(delay)
        return async_call_later(hass, 0.05, job)

    monkeypatch.setattr(manager, "async_call_later", call_later)
    home.add_car(PEARL, "Pearl")
    port = free_port()
    home.tesla.telemetry_hosts["home.example.com"] = ("127.0.0.1", port)
    server = async_get_telemetry_server(
        home.hass, replace(active_endpoints(), vehicle_ca_url=f"{home.tesla.base_url}/late.pem")
    )
    entry = await home.set_up(telemetry=embedded(port))
    assert entry.state is ConfigEntryState.LOADED
    assert server.port == 0
    assert issue_of(home, "telemetry_no_vehicle_ca").translation_placeholders
    await until(lambda: len(delays) > 8)
    assert [delay.total_seconds() for delay in delays[:3]] == [30, 60, 120]
    assert max(delays) <= timedelta(hours=6)
    tree = VehicleTree()
    async with served(tree.root.pem + tree.issuing.pem) as url:
        monkeypatch.setattr(server, "_endpoints", replace(active_endpoints(), vehicle_ca_url=url))
        await until(lambda: server.port == port)
    assert "telemetry_no_vehicle_ca" not in told(home)
    assert await home.hass.config_entries.async_unload(entry.entry_id)


async def test_a_list_that_does_not_come_keeps_nobody_waiting(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "START_PATIENCE", 0.1)
    home.add_car(PEARL, "Pearl")
    async with silent() as url:
        server = async_get_telemetry_server(
            home.hass, replace(active_endpoints(), vehicle_ca_url=url)
        )
        set_up = home.hass.async_create_task(home.set_up(telemetry=embedded(free_port())))
        await until(lambda: home.entry is not None and home.entry.state is ConfigEntryState.LOADED)
        assert home.entry is not None
        began = time.monotonic()
        assert await home.hass.config_entries.async_unload(home.entry.entry_id)
        assert time.monotonic() - began < DOWNLOAD_TIMEOUT / 10
        assert server.port == 0
        # the helper may find the entry unloaded again, and fail at that
        await asyncio.wait({set_up})
        set_up.exception()
