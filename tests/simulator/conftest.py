"""A simulated Tesla on loopback, and a small world to test it with."""

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import pytest

from simulator import Car, TeslaSimulator
from tests.simulator.world import DOMAIN, KeyHost, World


@pytest.fixture
async def tesla(socket_enabled: None) -> AsyncIterator[TeslaSimulator]:
    """A started simulator without accounts."""
    async with TeslaSimulator() as simulator:
        yield simulator


@pytest.fixture
async def http(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps cookies of 127.0.0.1, like a browser."""
    jar = aiohttp.CookieJar(unsafe=True)
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        yield session


@pytest.fixture
async def world(tesla: TeslaSimulator, http: aiohttp.ClientSession) -> World:
    """A European with a car that is awake; the application is registered, the key not paired."""
    application = tesla.add_application("client-1", "secret-1")
    account = tesla.add_account("driver@example.com", region="eu", password="demo")
    car = Car("LRW3E7EK0PC000101", name="Pearl", clock=tesla.clock, wake_seconds=5)
    tesla.add_car(account, car)
    made = World(tesla, http, application, account, car, ec.generate_private_key(ec.SECP256R1()))
    tesla.register(application, made.public_key, domain=DOMAIN)
    made.sign_in()
    return made


@pytest.fixture
async def key_host(world: World) -> AsyncIterator[KeyHost]:
    """The partner domain, serving the world's public key."""
    pem = world.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    host = KeyHost(body=pem)

    async def serve(request: web.Request) -> web.Response:
        host.requests.append(request)
        return web.Response(status=host.status, body=host.body, headers=host.headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    world.tesla.dns[DOMAIN] = host.url
    yield host
    await runner.cleanup()
