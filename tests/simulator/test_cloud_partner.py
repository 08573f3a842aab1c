"""Registering a partner account: the domain, the key behind it, and what may go wrong."""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import pytest

from .world import DOMAIN, KEY_PATH, Answer, KeyHost, World


async def register(world: World, domain: object = DOMAIN, region: str = "eu") -> Answer:
    token = await world.partner_token(region)
    return await world.api(
        "POST", "partner_accounts", region=region, token=token, json={"domain": domain}
    )


@pytest.fixture(autouse=True)
def unregistered(world: World) -> None:
    world.application.registrations.clear()


async def test_registration_downloads_the_key(world: World, key_host: KeyHost) -> None:
    answer = await register(world)
    assert answer.status == 200
    assert answer.response["client_id"] == "client-1"
    assert answer.response["domain"] == DOMAIN
    assert answer.response["public_key"] == world.public_key.hex()
    (request,) = key_host.requests
    assert request.path == KEY_PATH
    assert request.host == DOMAIN


async def test_a_registration_counts_for_its_region_only(world: World, key_host: KeyHost) -> None:
    await register(world, region="na")
    assert (await world.api("GET", "vehicles")).status == 412
    await register(world, region="eu")
    assert (await world.api("GET", "vehicles")).status == 200


async def test_a_partner_token_of_another_region_is_refused(
    world: World, key_host: KeyHost
) -> None:
    token = await world.partner_token("na")
    answer = await world.api("POST", "partner_accounts", token=token, json={"domain": DOMAIN})
    assert answer.status == 401


async def test_registering_needs_a_partner_token(world: World, key_host: KeyHost) -> None:
    answer = await world.api("POST", "partner_accounts", json={"domain": DOMAIN})
    assert answer.status == 403


@pytest.mark.parametrize(
    "domain",
    [
        f"https://{DOMAIN}",
        f"{DOMAIN}/",
        f"{DOMAIN}:443",
        "HOME.example.com",
        "localhost",
        "192.168.1.2",
        "-a.example.com",
        "",
        None,
        7,
    ],
)
async def test_a_domain_is_a_bare_host_name(
    world: World, key_host: KeyHost, domain: object
) -> None:
    answer = await register(world, domain)
    assert answer.status == 422
    assert "domain" in answer.body["messages"]


async def test_the_domain_shares_its_root_with_the_allowed_origin(
    world: World, key_host: KeyHost
) -> None:
    world.tesla.dns["home.example.org"] = key_host.url
    answer = await register(world, "home.example.org")
    assert answer.status == 412


async def test_under_a_public_suffix_the_root_is_one_label_longer(
    world: World, key_host: KeyHost
) -> None:
    world.application.allowed_origin = "https://mine.github.io"
    world.tesla.dns["yours.github.io"] = key_host.url
    world.tesla.dns["mine.github.io"] = key_host.url
    assert (await register(world, "yours.github.io")).status == 412
    assert (await register(world, "mine.github.io")).status == 200


@pytest.mark.parametrize("status", [301, 302, 403, 404, 500])
async def test_a_failed_download_names_the_status(
    world: World, key_host: KeyHost, status: int
) -> None:
    key_host.status = status
    key_host.headers = {"Location": KEY_PATH + "2"}
    answer = await register(world)
    assert answer.status == 424
    assert str(status) in answer.error
    assert len(key_host.requests) == 1


async def test_a_domain_that_does_not_resolve_fails(world: World) -> None:
    assert (await register(world)).status == 424


async def test_a_domain_without_a_server_fails(world: World) -> None:
    world.tesla.dns[DOMAIN] = "http://127.0.0.1:9"
    assert (await register(world)).status == 424


def _pem(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no key</html>",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"<pre>" + _pem(ec.generate_private_key(ec.SECP256R1()).public_key()) + b"</pre>",
        _pem(ec.generate_private_key(ec.SECP384R1()).public_key()),
        _pem(ed25519.Ed25519PrivateKey.generate().public_key()),
        _pem(ec.generate_private_key(ec.SECP256R1()).public_key()) + b"\n" * 5000,
    ],
    ids=["empty", "html", "no key", "wrapped", "P-384", "Ed25519", "too large"],
)
async def test_only_a_plain_p256_key_is_accepted(
    world: World, key_host: KeyHost, body: bytes
) -> None:
    key_host.body = body
    assert (await register(world)).status == 424
    assert not world.application.registrations


async def test_the_key_on_file_can_be_read_back(world: World, key_host: KeyHost) -> None:
    token = await world.partner_token("eu")
    path = f"partner_accounts/public_key?domain={DOMAIN}"
    assert (await world.api("GET", path, token=token)).status == 404
    await register(world)
    answer = await world.api("GET", path, token=token)
    assert answer.response == {"public_key": world.public_key.hex()}


async def test_registering_again_takes_the_new_key(world: World, key_host: KeyHost) -> None:
    await register(world)
    world.tesla.pair(world.car, world.public_key)
    status = {"vins": [world.car.vin]}
    paired = await world.api("POST", "vehicles/fleet_status", json=status)
    assert paired.response["key_paired_vins"] == [world.car.vin]
    key_host.body = _pem(ec.generate_private_key(ec.SECP256R1()).public_key())
    await register(world)
    after = await world.api("POST", "vehicles/fleet_status", json=status)
    assert after.response["key_paired_vins"] == []
