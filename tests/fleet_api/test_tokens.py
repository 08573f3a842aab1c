"""What an access token says about itself, and what the token service may answer."""

import asyncio
import base64
from typing import Any

import aiohttp
import orjson
import pytest

from custom_components.tesla_charging.fleet_api import (
    FleetApiError,
    InvalidApiAnswer,
    InvalidRequest,
    LoginRequired,
    NotFound,
    RateLimited,
    Region,
    Scope,
    ServerFailure,
    Unreachable,
    read_claims,
    request_token,
    token_service,
)

from .world import CLIENT_SECRET, SCOPES, TOKEN, Hostile, World, http_answer, refused

REFRESH_TOKEN = "EU_0123456789abcdef0123456789abcdef"


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwt(claims: object, header: object = None) -> str:
    return f"{segment(header or {'alg': 'RS256', 'typ': 'JWT'})}.{segment(claims)}.{segment(b'x')}"


# -- claims -------------------------------------------------------------------------------------------


def test_the_simulators_token_is_read(world: World) -> None:
    claims = read_claims(str(world.sign_in.tokens["access_token"]))
    assert claims.subject == world.account.sub
    assert claims.scopes == set(SCOPES)
    assert claims.region is Region.EU
    assert claims.missing == ()


def test_what_the_owner_did_not_tick_is_missing(world: World) -> None:
    world.consent("openid", "offline_access")
    claims = read_claims(str(world.sign_in.tokens["access_token"]))
    assert claims.missing == (Scope.VEHICLE_DEVICE_DATA, Scope.VEHICLE_CHARGING_CMDS)


@pytest.mark.parametrize("scope", ["vehicle_cmds", "vehicle_charging_cmds"])
def test_either_command_scope_is_enough(scope: str) -> None:
    claims = read_claims(jwt({"sub": "x", "scp": ["vehicle_device_data", scope]}))
    assert claims.missing == ()


@pytest.mark.parametrize(
    ("given", "scopes", "region"),
    [
        ({"scp": "openid vehicle_cmds"}, {"openid", "vehicle_cmds"}, None),
        ({"scp": ["openid", 7, None, ["x"], {"y": 1}]}, {"openid"}, None),
        ({"scp": {"openid": True}}, set(), None),
        ({"scp": 7, "ou_code": "EU"}, set(), Region.EU),
        ({"scp": None, "ou_code": "na"}, set(), Region.NA),
        ({"ou_code": "CN"}, set(), Region.CN),
        ({"ou_code": "MOON"}, set(), None),
        ({"ou_code": 7}, set(), None),
        ({"ou_code": ["EU"]}, set(), None),
        ({"exp": "soon", "iat": [], "aud": 7, "nbf": -1, "jti": 5, "iss": {}}, set(), None),
    ],
)
def test_claims_of_other_types_say_nothing(
    given: dict[str, Any], scopes: set[str], region: Region | None
) -> None:
    claims = read_claims(jwt({"sub": "x", **given}))
    assert (claims.subject, set(claims.scopes), claims.region) == ("x", scopes, region)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "x.y.z",
        "a" * 1_000_000,
        "\ud800",
        "é.é.é",
        "a\x00b",
        jwt({}),
        jwt({"sub": ""}),
        jwt({"sub": None}),
        jwt({"sub": 7}),
        jwt({"sub": ["x"]}),
        jwt([]),
        jwt("text"),
        jwt(7),
        jwt(b"\xff\xfe"),
        jwt(b"NaN"),
        jwt(b'{"sub": "x"'),
        jwt(b"[" * 200_000),
        jwt(b'{"sub":' * 200_000),
        jwt(b'{"sub": ' + b"9" * 6000 + b"}"),
        jwt({"sub": "x"}, [7]),
        jwt({"sub": "x"}, b"{" * 100_000),
        jwt({"sub": "x"}, {"alg": "RS256", "kid": 7}),
        jwt({"sub": "x"}, {"alg": "RS256", "b64": False, "crit": ["b64"]}),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with refused(InvalidApiAnswer):
        read_claims(token)


def test_an_unsigned_token_is_read_too() -> None:
    """Only Tesla has to believe a token; whom it names is known from having asked Tesla for it."""
    token = f"{segment({'alg': 'none'})}.{segment({'sub': 'x'})}."
    assert read_claims(token).subject == "x"


# -- the token service --------------------------------------------------------------------------------

GOOD = {"access_token": TOKEN, "expires_in": 28800, "token_type": "Bearer"}
FORM = {
    "grant_type": "refresh_token",
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


async def ask(http: aiohttp.ClientSession, hostile: Hostile) -> dict[str, Any]:
    return await request_token(http, f"{hostile.url}/token", FORM)


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [(28800, 28800), ("28800", 28800), (28800.9, 28800), (1, 1)]
)
async def test_a_good_answer(
    lifetime: object, seconds: int, hostile: Hostile, http: aiohttp.ClientSession
) -> None:
    hostile.answers = [http_answer(200, orjson.dumps({**GOOD, "expires_in": lifetime}))]
    assert await ask(http, hostile) == {**GOOD, "expires_in": seconds}
    assert hostile.received[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert f"refresh_token={REFRESH_TOKEN}".encode() in hostile.received[0].body


WRONG: dict[str, tuple[object, ...]] = {
    "access_token": (None, "", 7, [TOKEN], {"a": 1}, True, "a\r\nb", "a\nX: y", "é", "a\x00"),
    "expires_in": (None, "", "soon", 0, -1, 0.5, 1e300, "9" * 5000, [1], {}, False, 2**63, "NaN"),
    "refresh_token": ("", 7, ["x"], {}, "a\nb", "é", False),
}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"expires_in": 28800},
        {"access_token": TOKEN},
        *({**GOOD, name: value} for name, values in WRONG.items() for value in values),
    ],
)
async def test_an_answer_that_is_no_token(
    answer: dict[str, object], hostile: Hostile, http: aiohttp.ClientSession
) -> None:
    hostile.answers = [http_answer(200, orjson.dumps(answer))]
    with refused(InvalidApiAnswer, REFRESH_TOKEN):
        await ask(http, hostile)


async def test_a_refresh_token_of_null_does_not_replace_one(
    hostile: Hostile, http: aiohttp.ClientSession
) -> None:
    hostile.answers = [http_answer(200, orjson.dumps({**GOOD, "refresh_token": None}))]
    assert "refresh_token" not in await ask(http, hostile)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"error": "invalid_auth_code"}', InvalidRequest),
        (401, '{"error": "login_required"}', LoginRequired),
        (404, "", NotFound),
        (429, '{"after": 5}', RateLimited),
        (500, "", ServerFailure),
        (503, "", ServerFailure),
        (302, orjson.dumps(GOOD), InvalidApiAnswer),
        (500, orjson.dumps(GOOD), ServerFailure),
        (201, orjson.dumps({**GOOD, "expires_in": None}), InvalidApiAnswer),
        (204, "", InvalidApiAnswer),
        (200, "", InvalidApiAnswer),
        (200, "<html>", InvalidApiAnswer),
        (200, "[]", InvalidApiAnswer),
        (200, "[" * 50_000, InvalidApiAnswer),
        (200, b"\xff", InvalidApiAnswer),
        (200, '{"expires_in": 1e999}', InvalidApiAnswer),
        (200, " " * 100_000, InvalidApiAnswer),
    ],
)
async def test_a_refusal_repeats_no_secret(
    status: int,
    body: str | bytes,
    kind: type[FleetApiError],
    hostile: Hostile,
    http: aiohttp.ClientSession,
) -> None:
    hostile.answers = [http_answer(status, body)]
    with refused(kind, REFRESH_TOKEN):
        await ask(http, hostile)
    echo = f"unknown: {REFRESH_TOKEN} with {CLIENT_SECRET} {'x' * 240}{CLIENT_SECRET}"
    hostile.answers = [http_answer(status, orjson.dumps({"error": echo}))]
    with pytest.raises(FleetApiError) as info:
        await ask(http, hostile)
    assert REFRESH_TOKEN not in repr(info.value)
    assert CLIENT_SECRET[:12] not in repr(info.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_secrets_follow_no_redirect(
    status: int, hostile: Hostile, http: aiohttp.ClientSession
) -> None:
    hostile.answers = [
        http_answer(status, b"", {"Location": f"{hostile.url}/thief"}),
        http_answer(200, orjson.dumps(GOOD)),
    ]
    with refused(InvalidApiAnswer, REFRESH_TOKEN):
        await ask(http, hostile)
    assert [request.path for request in hostile.received] == ["/token"]


async def test_a_token_service_that_never_answers(
    hostile: Hostile, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_service, "TIMEOUT", aiohttp.ClientTimeout(total=0.3))

    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    broken = f"HTTP/1.1 200 OK\r\n{REFRESH_TOKEN}\x00\r\n\r\n".encode()
    for answer in (silence, b"", b"HTTP/1.1 2", broken):
        hostile.answers = [answer]
        with refused(Unreachable, REFRESH_TOKEN):
            await ask(http, hostile)
    with refused(Unreachable):
        await request_token(http, "http://127.0.0.1:9/token", FORM)
