"""A simulated Tesla, a server that is hostile, and a client for each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
import gc
import time
import traceback

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import pytest

from custom_components.tesla_charging.fleet_api import (
    KEY_PATH,
    Endpoints,
    FleetApiClient,
    FleetApiError,
    Region,
    RequestRecord,
    Vehicles,
    all_under,
    request_token,
)
from simulator import Account, Application, Car, TeslaSimulator

VIN = "LRW3E7EK0PC000101"
DOMAIN = "home.example.com"
CLIENT_ID, CLIENT_SECRET = "client-1", "ta-secret.not-a-real-one"
SCOPES = ("openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds")
TOKEN = "eyJhbGciOiJub25lIn0.dGhpcyBpcyBubyB0b2tlbg.bm90LWEtcmVhbC1vbmU"

type Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


def http_answer(
    status: int = 200, body: bytes | str = b"{}", headers: dict[str, str] | None = None
) -> bytes:
    """Return an HTTP answer as bytes, well-formed unless `headers` say otherwise."""
    raw = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
    fields |= {"Connection": "close"} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode("latin-1") + raw


@dataclass
class Received:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hostile:
    """A server that says exactly what a test wants: bytes, or a function that writes them.

    Answers are used up one by one; the last one stays. Every answer ends the connection.
    """

    url: str = ""
    answers: list[bytes | Script] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.busy.add(task)
        task.add_done_callback(self.busy.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            async with asyncio.timeout(20):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ", 2)
                pairs = (line.partition(": ") for line in head[1:] if line)
                headers = {name.lower(): value for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.received.append(Received(method, path, headers, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer)
        writer.close()

    @property
    def endpoints(self) -> Endpoints:
        return all_under(self.url)


class FixedAuthorization:
    """Has as many tokens as a test needs, and counts how often it is asked for another one."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.rejected: list[str] = []

    async def access_token(self) -> str:
        return self.token

    async def renew(self, rejected: str) -> None:
        self.rejected.append(rejected)
        self.token = f"{len(self.rejected)}-{TOKEN[::-1]}"


class SignIn:
    """A person's sign-in at the simulated Tesla; renewing goes to its token service."""

    def __init__(self, http: aiohttp.ClientSession, endpoints: Endpoints) -> None:
        self.http = http
        self.endpoints = endpoints
        self.tokens: dict[str, object] = {}
        self.renewals = 0

    async def access_token(self) -> str:
        return str(self.tokens["access_token"])

    async def renew(self, rejected: str) -> None:
        self.renewals += 1
        form = {
            "grant_type": "refresh_token",
            "client_id": CLIENT_ID,
            "refresh_token": str(self.tokens["refresh_token"]),
        }
        self.tokens = await request_token(self.http, self.endpoints.token_url, form)


@dataclass
class World:
    """A European with a paired car that is awake, and a client for the account."""

    tesla: TeslaSimulator
    http: aiohttp.ClientSession
    application: Application
    account: Account
    car: Car
    public_key: bytes
    sign_in: SignIn
    client: FleetApiClient
    requests: list[RequestRecord]
    moves: list[str]

    @property
    def vehicles(self) -> Vehicles:
        return Vehicles(self.client)

    def consent(self, *scopes: str) -> None:
        """Sign in with these scopes and no others."""
        self.account.consents.clear()
        self.sign_in.tokens = self.tesla.sign_in(self.account, self.application, scopes)


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


@dataclass
class KeyHost:
    """The web server behind the domain."""

    body: bytes = b""
    status: int = 200
    requests: int = 0


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


@contextmanager
def refused(
    kind: type[FleetApiError], *secrets: str, may_have_executed: bool = False
) -> Iterator[list[FleetApiError]]:
    """Expect exactly this error, and no secret in anything that can be logged of it."""
    caught: list[FleetApiError] = []
    with pytest.raises(FleetApiError) as info:
        yield caught
    err = info.value
    caught.append(err)
    assert type(err) is kind, repr(err)
    assert err.may_have_executed is may_have_executed
    assert len(err.detail) <= 300
    assert err.detail.isprintable()
    shown = "".join(traceback.format_exception(err)) + repr(err) + f"{err.detail}{err.txid}"
    for secret in (TOKEN, CLIENT_SECRET, *secrets):
        assert secret not in shown


@pytest.fixture(autouse=True)
def nothing_leaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test may leave a token or a secret in the log, at any level."""
    caplog.set_level("DEBUG")
    yield
    gc.collect()
    assert TOKEN not in caplog.text
    assert CLIENT_SECRET not in caplog.text
