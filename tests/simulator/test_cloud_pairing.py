"""The pairing link: a person adds the application's key to a car."""

import pytest

from simulator import Car

from .browser import Browser, Page
from .world import DOMAIN, REDIRECT, KeyHost, World


@pytest.fixture
def browser(world: World, key_host: KeyHost) -> Browser:
    return Browser(world.http)


async def opened(world: World, browser: Browser, **query: str) -> Page:
    page = await browser.open(f"{world.tesla.base_url}/_ak/{DOMAIN}", **query)
    return await browser.sign_in(page)


async def test_a_person_adds_the_key(world: World, browser: Browser) -> None:
    page = await opened(world, browser)
    page = await browser.press(page, f"pair-{world.car.vin}")
    assert page.status == 303
    assert world.public_key in world.car.keychain
    again = await browser.open(f"{world.tesla.base_url}/_ak/{DOMAIN}")
    assert f"paired-{world.car.vin}" in again.ids
    status = await world.api("POST", "vehicles/fleet_status", json={"vins": [world.car.vin]})
    assert status.response["key_paired_vins"] == [world.car.vin]


async def test_the_link_can_name_the_car(world: World, browser: Browser) -> None:
    other = Car("5YJ3E1EA8NF000202", name="Midnight", clock=world.tesla.clock)
    world.tesla.add_car(world.account, other)
    both = await opened(world, browser)
    assert {f"pair-{world.car.vin}", f"pair-{other.vin}"} <= both.ids
    one = await browser.open(f"{world.tesla.base_url}/_ak/{DOMAIN}", vin=other.vin)
    assert f"pair-{other.vin}" in one.ids
    assert f"pair-{world.car.vin}" not in one.ids


@pytest.mark.parametrize("state", ["asleep", "offline"])
async def test_a_car_out_of_reach_takes_no_key(world: World, browser: Browser, state: str) -> None:
    page = await opened(world, browser)
    if state == "asleep":
        world.car.sleep()
    else:
        world.car.set_offline(True)
    page = await browser.press(page, f"pair-{world.car.vin}")
    assert page.status == 409
    assert "error" in page.ids
    assert world.public_key not in world.car.keychain


async def test_somebody_elses_car_is_not_offered(world: World, browser: Browser) -> None:
    stranger = world.tesla.add_account("other@example.com", region="eu")
    car = Car("5YJ3E1EA8NF000202", name="Midnight", clock=world.tesla.clock)
    world.tesla.add_car(stranger, car)
    page = await opened(world, browser)
    assert f"pair-{car.vin}" not in page.ids
    form = page.form_with(f"pair-{world.car.vin}")
    form.buttons[f"pair-{world.car.vin}"] = ("pair", car.vin)
    assert (await browser.press(page, f"pair-{world.car.vin}")).status == 409
    assert len(car.keychain) == 0


async def test_an_unregistered_domain_cannot_be_paired(world: World, browser: Browser) -> None:
    world.application.registrations.pop("eu")
    assert (await opened(world, browser)).status == 409


async def test_without_access_to_the_cars_there_is_no_pairing(
    world: World, browser: Browser
) -> None:
    world.account.consents["client-1"] = frozenset({"openid", "vehicle_charging_cmds"})
    assert (await opened(world, browser)).status == 409


async def test_the_key_must_still_be_published(
    world: World, browser: Browser, key_host: KeyHost
) -> None:
    key_host.status = 404
    assert (await opened(world, browser)).status == 409


async def test_a_full_keychain_takes_no_other_key(world: World, browser: Browser) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for _ in range(20):
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        world.car.keychain.add(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    page = await browser.press(await opened(world, browser), f"pair-{world.car.vin}")
    assert page.status == 409
    assert len(world.car.keychain) == 20


async def test_pairing_can_follow_consent(world: World, browser: Browser) -> None:
    page = await browser.open(
        f"{world.tesla.auth_url}/oauth2/v3/authorize",
        response_type="code",
        client_id="client-1",
        redirect_uri=REDIRECT,
        scope="openid",
        state="s",
        show_keypair_step="true",
    )
    page = await browser.sign_in(page)
    assert page.location.startswith(f"/_ak/{DOMAIN}?back=")
    page = await browser.open(world.tesla.base_url + page.location)
    assert "continue" in page.ids
    assert f'href="{REDIRECT}?code=EU_' in page.text
