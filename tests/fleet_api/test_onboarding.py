"""Registering as the config flow does it, and what people type for a domain."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from homeassistant.core import HomeAssistant
import pytest

from custom_components.tesla_charging.fleet_api import Region, all_under
from custom_components.tesla_charging.setup_flow.domain import RegistrationError
from custom_components.tesla_charging.setup_flow.registration import Registrar
from custom_components.tesla_charging.vehicle_command import VirtualKey

from .world import CLIENT_ID, CLIENT_SECRET, DOMAIN, KeyHost, World


@pytest.fixture
def own_key(key_host: KeyHost, world: World) -> VirtualKey:
    """A key of ours, shown at the domain."""
    key = VirtualKey.generate()
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public_key)
    key_host.body = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key


async def onboard(
    hass: HomeAssistant, world: World, key: VirtualKey, *, domain: str = DOMAIN, secret: str = ""
) -> None:
    endpoints = all_under(world.tesla.base_url)
    registrar = Registrar(hass, endpoints, CLIENT_ID, secret or CLIENT_SECRET)
    await registrar.register(Region.EU, domain, key)


async def test_onboarding_registers(hass: HomeAssistant, world: World, own_key: VirtualKey) -> None:
    await onboard(hass, world, own_key)
    assert world.application.registrations["eu"].public_key == own_key.public_key


async def test_onboarding_notices_another_key(
    hass: HomeAssistant, world: World, own_key: VirtualKey
) -> None:
    with pytest.raises(RegistrationError) as info:
        await onboard(hass, world, VirtualKey.generate())
    assert info.value.key == "key_differs"


async def test_onboarding_says_what_has_to_be_changed(
    hass: HomeAssistant, world: World, own_key: VirtualKey, key_host: KeyHost
) -> None:
    async def key_of_error(domain: str = DOMAIN, secret: str = "") -> str:
        with pytest.raises(RegistrationError) as info:
            await onboard(hass, world, own_key, domain=domain, secret=secret)
        assert CLIENT_SECRET not in info.value.detail
        return info.value.key

    assert await key_of_error(secret="wrong-secret") == "invalid_client"
    assert await key_of_error(domain="home.example.org") == "domain_not_allowed"
    assert await key_of_error(domain="home") == "domain_refused"
    key_host.status = 403
    assert await key_of_error() == "seen_refused"
    key_host.status = 404
    assert await key_of_error() == "seen_not_there"
    key_host.status = 301
    assert await key_of_error() == "seen_redirect"
    key_host.status, key_host.body = 200, b"<html>Log in</html>"
    assert await key_of_error() == "seen_no_key"
    del world.tesla.dns[DOMAIN]
    assert await key_of_error() == "key_not_fetched"
    world.tesla.faults.status(429, "partner_accounts")
    assert await key_of_error() == "rate_limited"
    world.tesla.faults.lose_request("/token")
    assert await key_of_error() == "cannot_connect"
    world.tesla.faults.status(503, "/token")
    assert await key_of_error() == "server_failure"
    world.tesla.faults.status(402, "partner_accounts")
    assert await key_of_error() == "account_unpaid"
    world.tesla.faults.status(200, "partner_accounts", body={"response": {}})
    assert await key_of_error() == "unexpected"


async def test_other_regions_are_registered_as_well_as_it_goes(
    hass: HomeAssistant, world: World, own_key: VirtualKey
) -> None:
    registrar = Registrar(hass, all_under(world.tesla.base_url), CLIENT_ID, CLIENT_SECRET)
    await registrar.register_elsewhere(Region.EU, DOMAIN, own_key)
    assert world.application.registrations["na"].public_key == own_key.public_key
    await registrar.register_elsewhere(Region.EU, "home.example.org", own_key)
