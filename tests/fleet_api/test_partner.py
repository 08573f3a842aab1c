"""The application's own account: registering a domain, and everything that can be wrong with it."""

import asyncio

import orjson
import pytest

from custom_components.tesla_charging.fleet_api import (
    FleetApiError,
    InvalidApiAnswer,
    InvalidClient,
    InvalidRequest,
    NotFound,
    NotRegistered,
    PartnerAccount,
    RateLimited,
    Region,
    RegistrationFailed,
    ServerFailure,
    TokenRejected,
    Unreachable,
)

from .world import (
    CLIENT_ID,
    CLIENT_SECRET,
    DOMAIN,
    TOKEN,
    Hostile,
    KeyHost,
    World,
    http_answer,
    refused,
)

GOOD_TOKEN = orjson.dumps({"access_token": TOKEN, "expires_in": 28800})


def partner(
    world: World, *, secret: str = CLIENT_SECRET, client: str = CLIENT_ID
) -> PartnerAccount:
    return PartnerAccount(
        world.http,
        world.sign_in.endpoints,
        Region.EU,
        client,
        secret,
        now=world.tesla.clock.now,
    )


def hostile_partner(world: World, hostile: Hostile) -> PartnerAccount:
    return PartnerAccount(
        world.http,
        hostile.endpoints,
        Region.EU,
        CLIENT_ID,
        CLIENT_SECRET,
        now=world.tesla.clock.now,
    )


# -- the simulated Tesla ------------------------------------------------------------------------------


async def test_registering_gives_the_key_that_tesla_took(world: World, key_host: KeyHost) -> None:
    world.application.registrations.clear()
    account = partner(world)
    assert await account.register(DOMAIN) == world.public_key
    assert await account.public_key(DOMAIN) == world.public_key
    assert set(world.application.registrations) == {"eu"}
    assert key_host.requests == 1
    assert world.tesla.billing.cost() == 0


async def test_one_token_serves_until_tesla_rejects_it(world: World, key_host: KeyHost) -> None:
    account = partner(world)
    await account.register(DOMAIN)
    token = await account.access_token()
    await account.public_key(DOMAIN)
    assert await account.access_token() == token
    world.tesla.clock.advance(8 * 3600 + 1)
    await account.public_key(DOMAIN)
    assert await account.access_token() != token


@pytest.mark.parametrize(
    ("client", "secret"), [(CLIENT_ID, "wrong-secret"), ("somebody-else", CLIENT_SECRET), ("", "")]
)
async def test_a_wrong_secret(client: str, secret: str, world: World) -> None:
    with refused(InvalidClient, "wrong-secret") as caught:
        await partner(world, client=client, secret=secret).register(DOMAIN)
    assert caught[0].status == 400
    assert world.tesla.billing.requests == []


async def test_a_domain_of_somebody_else(world: World) -> None:
    with refused(NotRegistered):
        await partner(world).register("home.example.org")


@pytest.mark.parametrize("domain", ["https://home.example.com", "home", "a b.example.com", ""])
async def test_what_is_no_domain(domain: str, world: World) -> None:
    with refused(InvalidRequest):
        await partner(world).register(domain)


async def test_a_domain_that_was_never_registered(world: World) -> None:
    with refused(NotFound):
        await partner(world).public_key("other.example.com")


async def test_a_key_that_tesla_cannot_fetch(world: World, key_host: KeyHost) -> None:
    for status, body in ((403, b""), (302, b""), (200, b"<html>"), (200, b"A" * 100_000)):
        key_host.status, key_host.body = status, body
        with refused(RegistrationFailed):
            await partner(world).register(DOMAIN)
    world.tesla.dns.clear()
    with refused(RegistrationFailed):
        await partner(world).register(DOMAIN)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidClient),
        (401, InvalidClient),
        (403, FleetApiError),
        (408, Unreachable),
        (429, RateLimited),
        (500, ServerFailure),
        (502, ServerFailure),
        (503, ServerFailure),
    ],
)
async def test_a_token_service_in_trouble(
    status: int, kind: type[FleetApiError], world: World
) -> None:
    world.tesla.faults.status(status, "/token")
    with pytest.raises(kind) as info:
        await partner(world).register(DOMAIN)
    assert info.value.status == status
    assert isinstance(info.value, InvalidClient) is (kind is InvalidClient)


async def test_a_lost_answer_of_the_token_service(world: World, key_host: KeyHost) -> None:
    account = partner(world)
    for lose in (world.tesla.faults.lose_request, world.tesla.faults.lose_answer_after):
        lose("/token")
        with refused(Unreachable):
            await account.register(DOMAIN)
    assert await account.register(DOMAIN) == world.public_key


# -- a hostile one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        None,
        7,
        [],
        {},
        "",
        "04",
        "zz" * 65,
        "04" + "0" * 127,
        "04" + "00" * 65,
        "02" + "00" * 64,
        "é" * 130,
        "٠٤" + "00" * 64,
        "04" * 400_000,
    ],
)
async def test_a_key_that_is_none(key: object, world: World, hostile: Hostile) -> None:
    for response in ({"public_key": key}, key, [key]):
        answer = http_answer(200, orjson.dumps({"response": response}))
        for call in ("register", "public_key"):
            hostile.answers = [http_answer(200, GOOD_TOKEN), answer]
            with refused(InvalidApiAnswer):
                await getattr(hostile_partner(world, hostile), call)(DOMAIN)


async def test_a_partner_token_that_is_never_accepted(world: World, hostile: Hostile) -> None:
    token, rejected = http_answer(200, GOOD_TOKEN), http_answer(401, b"")
    hostile.answers = [token, rejected, token, rejected]
    with refused(TokenRejected):
        await hostile_partner(world, hostile).register(DOMAIN)
    assert len(hostile.received) == 4


async def test_a_partner_token_that_breaks_out_of_its_header(
    world: World, hostile: Hostile
) -> None:
    for token in ("a\r\nX-Injected: 1", "a\nb", "é"):
        hostile.answers = [
            http_answer(200, orjson.dumps({"access_token": token, "expires_in": 28800}))
        ]
        with refused(InvalidApiAnswer, token):
            await hostile_partner(world, hostile).register(DOMAIN)
    assert {request.path for request in hostile.received} == {"/auth/oauth2/v3/token"}


async def test_a_secret_with_strange_characters_is_sent_as_it_is(
    world: World, hostile: Hostile
) -> None:
    hostile.answers = [http_answer(401, b"")]
    account = PartnerAccount(
        world.http,
        hostile.endpoints,
        Region.EU,
        "a&b=c",
        "sécret & = % +\r\n",
        now=asyncio.get_running_loop().time,
    )
    with refused(InvalidClient, "sécret"):
        await account.register(DOMAIN)
    assert b"client_id=a%26b%3Dc&client_secret=s%C3%A9cret+%26+%3D+%25+%2B%0D%0A&" in (
        hostile.received[0].body
    )
