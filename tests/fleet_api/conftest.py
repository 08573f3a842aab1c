"""A simulated Tesla, a server that is hostile, and a client for each."""

import asyncio
from collections.abc import AsyncIterator, Iterator
import gc
import time

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import pytest

from custom_components.tesla_charging.fleet_api import (
    KEY_PATH,
    FleetApiClient,
    Region,
    RequestRecord,
    all_under,
)
from simulator import Car, TeslaSimulator
from tests.fleet_api.world import (
    CLIENT_ID,
    CLIENT_SECRET,
    DOMAIN,
    SCOPES,
    TOKEN,
    VIN,
    FixedAuthorization,
    Hostile,
    KeyHost,
    SignIn,
    World,
)


@pytest.fixture
async def http(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """An ordinary session; the time limits are the client's own business."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def hostile(socket_enabled: None) -> AsyncIterator[Hostile]:
    """A server without manners."""
    made = Hostile()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in made.busy:
        task.cancel()
    await asyncio.wait_for(server.wait_closed(), 5)


@pytest.fixture
def authorization() -> FixedAuthorization:
    """Tokens that look real."""
    return FixedAuthorization()


@pytest.fixture
def client(
    hostile: Hostile, http: aiohttp.ClientSession, authorization: FixedAuthorization
) -> FleetApiClient:
    """A client that believes the hostile server to be Tesla."""
    endpoints = hostile.endpoints
    return FleetApiClient(
        http, authorization, endpoints, endpoints.regions[Region.NA], now=time.monotonic
    )


@pytest.fixture
async def world(http: aiohttp.ClientSession) -> AsyncIterator[World]:
    """The simulated Tesla with one account."""
    async with TeslaSimulator() as tesla:
        application = tesla.add_application(CLIENT_ID, CLIENT_SECRET)
        account = tesla.add_account("driver@example.com", region="eu")
        car = Car(VIN, name="Pearl", clock=tesla.clock, wake_seconds=5)
        tesla.add_car(account, car)
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        tesla.register(application, point, domain=DOMAIN)
        tesla.pair(car, point)
        endpoints = all_under(tesla.base_url)
        sign_in = SignIn(http, endpoints)
        requests: list[RequestRecord] = []
        moves: list[str] = []
        client = FleetApiClient(
            http,
            sign_in,
            endpoints,
            endpoints.regions[Region.EU],
            now=tesla.clock.now,
            on_request=requests.append,
            on_base_url=moves.append,
        )
        made = World(
            tesla, http, application, account, car, point, sign_in, client, requests, moves
        )
        made.consent(*SCOPES)
        yield made


@pytest.fixture
async def key_host(world: World) -> AsyncIterator[KeyHost]:
    """The domain, serving a public key that is not the one Tesla has on file."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    host = KeyHost(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    world.public_key = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    async def serve(_: web.Request) -> web.Response:
        host.requests += 1
        return web.Response(body=host.body, status=host.status)

    app = web.Application()
    app.router.add_get(KEY_PATH, serve)
    runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.tesla.dns[DOMAIN] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield host
    await runner.cleanup()


@pytest.fixture(autouse=True)
def nothing_leaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test may leave a token or a secret in the log, at any level."""
    caplog.set_level("DEBUG")
    yield
    gc.collect()
    assert TOKEN not in caplog.text
    assert CLIENT_SECRET not in caplog.text
