"""Tesla's list of the cars' authorities, as a slow or a hostile server sends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web
from homeassistant.core import HomeAssistant
import pytest

from custom_components.tesla_charging.client import active_endpoints
from custom_components.tesla_charging.telemetry.server import TelemetryServer, TelemetryServerError
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.fleet_telemetry.pki import VehicleTree
from tests.support.home import Home
from tests.support.streaming import free_port


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
