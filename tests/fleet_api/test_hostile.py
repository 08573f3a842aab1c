"""Whatever comes back, it ends in a typed error that tells whether the request may have been executed."""

import asyncio
import socket
import time
import tracemalloc

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from homeassistant.helpers.aiohttp_client import _ssrf_redirect_middleware
import orjson
import pytest

from custom_components.tesla_charging.fleet_api import (
    FleetApiClient,
    FleetApiError,
    Forbidden,
    InvalidApiAnswer,
    InvalidRequest,
    NotFound,
    ServerFailure,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    Vehicles,
    client as client_module,
    request_token,
)
from custom_components.tesla_charging.fleet_api.operations import PRODUCTS, SIGNED_COMMAND

from .broken_answers import LOST, UNREADABLE, bomb, compressed, endless
from .world import (
    CLIENT_SECRET,
    TOKEN,
    VIN,
    FixedAuthorization,
    Hostile,
    Script,
    http_answer,
    refused,
)


def rows(**tables: dict[str, bytes | Script]) -> list[object]:
    kinds = {"unreadable": InvalidApiAnswer, "lost": Unreachable}
    return [
        pytest.param(answer, kinds[kind], id=name)
        for kind, table in tables.items()
        for name, answer in table.items()
    ]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wants to wait 35 seconds for what never comes."""
    monkeypatch.setattr(client_module, "TIMEOUT", aiohttp.ClientTimeout(total=0.6, connect=0.3))


@pytest.mark.parametrize(("answer", "kind"), rows(unreadable=UNREADABLE, lost=LOST))
async def test_a_broken_answer(
    answer: bytes | Script, kind: type[FleetApiError], hostile: Hostile, client: FleetApiClient
) -> None:
    hostile.answers = [answer]
    for operation, vin, open_question in ((PRODUCTS, None, False), (SIGNED_COMMAND, VIN, True)):
        sent = len(hostile.received)
        async with asyncio.timeout(5):
            with refused(kind, may_have_executed=open_question):
                await client.request(operation, vin=vin)
        # aiohttp repeats a GET whose connection broke; what may change something goes out only once
        assert len(hostile.received) - sent == 1 or operation is PRODUCTS


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"error": "' + b"x" * 1_000_000 + b'"}', id="megabytes"),
        pytest.param(b'{"error": ' + b"[" * 900 + b'"x"' + b"]" * 900 + b"}", id="deep list"),
        pytest.param(b'{"error": ' + b'{"error": ' * 900 + b"1" + b"}" * 901, id="deep object"),
        pytest.param(b'{"messages": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}", id="deep messages"),
        pytest.param(b"[" * 60_000, id="brackets"),
        pytest.param(b'{"error": {"code": 7}, "error_description": 1e300}', id="other types"),
        pytest.param(b'{"error": NaN, "txid": []}', id="NaN"),
        pytest.param(b"\xff\xfe\x00\x1b[31m", id="invalid UTF-8"),
        pytest.param('{"error": "\x7f\u202e\u2028\\u0000\\u001b[31m"}'.encode(), id="unprintable"),
        pytest.param(b'{"error": "x", "txid": "\\u001b[31m\\n"}', id="unprintable txid"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize(
    ("status", "kind", "executed"),
    [
        (404, NotFound, False),
        (403, Forbidden, False),
        (400, InvalidRequest, False),
        (500, ServerFailure, True),
        (503, VehicleAsleep, False),
        (999, ServerFailure, True),
    ],
)
async def test_the_status_counts_whatever_the_body_is(
    status: int,
    kind: type[FleetApiError],
    executed: bool,
    body: bytes,
    hostile: Hostile,
    client: FleetApiClient,
) -> None:
    hostile.answers = [http_answer(status, body)]
    with refused(kind, may_have_executed=executed) as caught:
        await client.request(SIGNED_COMMAND, vin=VIN)
    assert caught[0].status == status
    assert (caught[0].txid or "").isprintable()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http_answer(404, b"{", {"Content-Length": "99"}), id="cut"),
        pytest.param(http_answer(404, b"A" * 9, {"Content-Encoding": "gzip"}), id="no gzip"),
        pytest.param(http_answer(404, bomb(100), {"Content-Encoding": "gzip"}), id="bomb"),
        pytest.param(
            endless(http_answer(404, b"", {"Content-Length": "999999999"}), b"A" * 65_536),
            id="endless",
        ),
        pytest.param(
            endless(http_answer(404, b"", {"Content-Length": "999999"}), b"A", 0.1), id="slow"
        ),
    ],
)
async def test_a_refusal_is_certain_even_if_its_body_never_comes(
    answer: bytes | Script, hostile: Hostile, client: FleetApiClient
) -> None:
    hostile.answers = [answer]
    with refused(NotFound):
        await client.request(SIGNED_COMMAND, vin=VIN)


async def test_nothing_listens(client: FleetApiClient, hostile: Hostile) -> None:
    client.base_url = "http://127.0.0.1:9/na"
    with refused(Unreachable, may_have_executed=False):
        await client.request(SIGNED_COMMAND, vin=VIN)


async def test_a_name_that_does_not_exist(client: FleetApiClient) -> None:
    client.base_url = "https://nowhere.invalid"
    with refused(Unreachable, may_have_executed=False):
        await client.request(SIGNED_COMMAND, vin=VIN)


async def test_a_server_that_speaks_no_tls(client: FleetApiClient, hostile: Hostile) -> None:
    hostile.answers = [http_answer()]
    client.base_url = hostile.url.replace("http:", "https:")
    with refused(Unreachable, may_have_executed=False):
        await client.request(SIGNED_COMMAND, vin=VIN)
    assert hostile.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    status: int, hostile: Hostile, client: FleetApiClient
) -> None:
    hostile.answers = [
        http_answer(status, b"", {"Location": f"{hostile.url}/thief"}),
        http_answer(200, '{"response": []}'),
    ]
    with refused(InvalidApiAnswer):
        await client.request(PRODUCTS)
    assert [request.path for request in hostile.received] == ["/na/api/1/products"]


class Everywhere(ThreadedResolver):
    """Finds every name on this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return await super().resolve("127.0.0.1", port, family)


@pytest.mark.parametrize("location", ["http://[", "http://a:b", "//\x80", "http://localhost/", ""])
async def test_home_assistants_session_stumbles_over_a_redirect(
    location: str, hostile: Hostile, socket_enabled: None
) -> None:
    """It looks at where a redirect leads even if nobody follows it."""
    hostile.answers = [http_answer(302, b"", {"Location": location})]
    base_url = hostile.url.replace("127.0.0.1", "fleet-api.example.com")
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=Everywhere()),
        middlewares=(_ssrf_redirect_middleware,),
    ) as session:
        client = FleetApiClient(
            session, FixedAuthorization(), hostile.endpoints, base_url, now=time.monotonic
        )
        for ask in (
            client.request(PRODUCTS),
            request_token(session, f"{base_url}/token", {"client_secret": CLIENT_SECRET}),
        ):
            with pytest.raises(FleetApiError) as info:
                await ask
            assert type(info.value) in {InvalidApiAnswer, Unreachable}
    assert len(hostile.received) == 2


@pytest.mark.parametrize(
    "body", ['{{"error": "bad token {}"}}', "Bearer {} is strange", "{:x>370}"]
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 412, 421, 422, 429, 500, 503])
async def test_an_answer_that_repeats_the_token(
    status: int,
    body: str,
    hostile: Hostile,
    client: FleetApiClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "RESEND_PAUSE", 0.0)

    async def echo(writer: asyncio.StreamWriter) -> None:
        token = hostile.received[-1].headers["authorization"].removeprefix("Bearer ")
        writer.write(http_answer(status, body.format(token)))

    hostile.answers = [echo]
    with pytest.raises(FleetApiError) as info:
        await client.request(PRODUCTS)
    assert info.value.detail
    assert info.value.status == status
    shown = repr(info.value) + str(info.value)
    for token in (TOKEN, f"1-{TOKEN[::-1]}"):
        assert token[:12] not in shown


@pytest.mark.parametrize("token", ["a\r\nX-Injected: 1", "a\nb", "a\x00b", "tökén", "a\u2028b"])
async def test_a_token_that_would_break_out_of_its_header(
    token: str, hostile: Hostile, http: aiohttp.ClientSession
) -> None:
    hostile.answers = [http_answer(200, '{"response": []}')]

    class Broken(FixedAuthorization):
        async def renew(self, rejected: str) -> None:
            self.rejected.append(rejected)

    authorization = Broken(token)
    endpoints = hostile.endpoints
    client = FleetApiClient(
        http, authorization, endpoints, hostile.url, now=asyncio.get_running_loop().time
    )
    with refused(TokenRejected, token):
        await client.request(SIGNED_COMMAND, vin=VIN)
    assert hostile.received == []
    assert authorization.rejected == [token]


async def test_a_bomb_does_not_unfold_in_memory(hostile: Hostile, client: FleetApiClient) -> None:
    hostile.answers = [compressed("gzip", bomb(400))]
    tracemalloc.start()
    try:
        with refused(InvalidApiAnswer):
            await client.request(PRODUCTS)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


async def test_the_longest_answer_that_is_taken(hostile: Hostile, client: FleetApiClient) -> None:
    frame = '{"response": ""}'
    for operation, vin in ((PRODUCTS, None), (SIGNED_COMMAND, VIN)):
        room = operation.max_answer_length - len(frame)
        hostile.answers = [http_answer(200, frame[:-2] + "A" * room + frame[-2:])]
        assert len((await client.request(operation, vin=vin))["response"]) == room
        hostile.answers = [http_answer(200, frame[:-2] + "A" * (room + 1) + frame[-2:])]
        with refused(InvalidApiAnswer, may_have_executed=operation.changes_something):
            await client.request(operation, vin=vin)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain; charset=utf-16", "x", ""])
async def test_json_is_json_whatever_it_is_called(
    content_type: str, hostile: Hostile, client: FleetApiClient
) -> None:
    hostile.answers = [http_answer(200, '{"response": []}', {"Content-Type": content_type})]
    assert await client.request(PRODUCTS) == {"response": []}


async def test_numbers_that_are_too_large(hostile: Hostile, client: FleetApiClient) -> None:
    for number in ("1e999", "9" * 400, "9" * 6000, "-1e-9999", str(2**64), str(2**63)):
        hostile.answers = [http_answer(200, f'{{"response": {number}}}')]
        try:
            assert (await client.request(PRODUCTS))["response"] is not None
        except InvalidApiAnswer:
            continue


BASE64 = {
    "cut": "QUJ",
    "one character": "A",
    "not base64": "~~~~",
    "blanks": "QUJD\nQUJD",
    "not ASCII": "QUJDé===",
    "padding inside": "QQ==QUJD",
    "number": 7,
    "list": ["QUJD"],
    "object": {"a": "QUJD"},
    "true": True,
    "null": None,
}


@pytest.mark.parametrize("response", BASE64.values(), ids=BASE64.keys())
async def test_a_message_that_is_not_base64(
    response: object, hostile: Hostile, client: FleetApiClient
) -> None:
    hostile.answers = [http_answer(200, orjson.dumps({"response": response}))]
    with refused(InvalidApiAnswer, may_have_executed=True) as caught:
        await Vehicles(client).signed_command(VIN, b"message")
    assert caught[0].status == 200
