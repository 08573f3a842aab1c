"""What the client is tested with: a simulated Tesla, a hostile server, tokens, and what an error may show."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
import traceback

import aiohttp
import pytest

from custom_components.tesla_charging.fleet_api import (
    Endpoints,
    FleetApiClient,
    FleetApiError,
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


@dataclass
class KeyHost:
    """The web server behind the domain."""

    body: bytes = b""
    status: int = 200
    requests: int = 0


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
