"""Somebody else's client, over HTTP: a published library signs in, reads and charges."""

from collections.abc import Callable
from typing import Any

import pytest
from tesla_fleet_api import TeslaFleetApi
from tesla_fleet_api.const import SERVERS, TOKEN_URLS
from tesla_fleet_api.exceptions import (
    Forbidden,
    InvalidRegion,
    OAuthExpired,
    PreconditionFailed,
    RateLimited,
    TeslaFleetError,
    VehicleOffline,
)
from tesla_fleet_api.tesla.oauth import TeslaFleetOAuth
from tesla_fleet_api.tesla.vehicle.signed import VehicleSigned

from .world import DOMAIN, KeyHost, World


def client(world: World, region: str = "eu") -> TeslaFleetApi:
    async def token() -> str:
        return str(world.tokens["access_token"])

    api = TeslaFleetApi(world.http, token, server=f"{world.tesla.base_url}/{region}")
    api.private_key = world.key
    return api


@pytest.fixture
def signed(world: World) -> VehicleSigned[TeslaFleetApi]:
    world.tesla.pair(world.car, world.public_key)
    world.car.plug_in()
    return client(world).vehicles.createSigned(world.car.vin)


async def test_it_registers_as_a_partner(world: World, key_host: KeyHost) -> None:
    world.application.registrations.clear()
    # The library has Tesla's token URLs built in, so the token comes from elsewhere.
    token = await world.partner_token("eu")
    api = TeslaFleetApi(world.http, token, server=world.tesla.region_url("eu"))
    answer = await api.partner.register(DOMAIN)
    assert answer["response"]["public_key"] == world.public_key.hex()
    assert (await api.partner.public_key(DOMAIN))["response"] == {
        "public_key": world.public_key.hex()
    }


@pytest.fixture
def redirected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tesla's own URLs, which the library has built in, lead to the simulator."""
    for region in ("na", "eu"):
        token_url = f"{world.tesla.auth_url}/oauth2/v3/token"
        monkeypatch.setitem(TOKEN_URLS, region, token_url)
        monkeypatch.setitem(SERVERS, region, f"{world.tesla.base_url}/{region}")


async def test_it_logs_in_as_a_partner(world: World, key_host: KeyHost, redirected: None) -> None:
    world.application.registrations.clear()
    api = TeslaFleetApi(world.http, region="eu")
    login = await api.partner_login("client-1", "secret-1")
    assert login["expires_in"] == 28800
    await api.partner.register(DOMAIN)
    assert world.application.registrations["eu"].public_key == world.public_key


async def test_it_refreshes_its_tokens(world: World, redirected: None) -> None:
    refresh_token = world.tokens["refresh_token"]
    api = TeslaFleetOAuth(
        world.http, region="eu", client_id="client-1", refresh_token=refresh_token
    )
    assert (await api.products())["count"] == 1
    assert api.refresh_token != refresh_token
    world.tesla.clock.advance(9 * 3600)
    await api.refresh_access_token()
    assert (await api.products())["count"] == 1


async def test_it_finds_region_and_cars(world: World) -> None:
    api = client(world)
    assert await api.status() == "ok"
    region = await api.user.region()
    assert region["response"]["fleet_api_base_url"] == api.server
    products = (await api.products())["response"]
    assert [product["vin"] for product in products] == [world.car.vin]
    assert (await api.vehicles.createFleet(world.car.vin).vehicle())["response"][
        "state"
    ] == "online"


async def test_it_reads_data_and_key_status(world: World) -> None:
    car = client(world).vehicles.createFleet(world.car.vin)
    data = (await car.vehicle_data(["charge_state", "drive_state"]))["response"]
    assert data["charge_state"]["battery_level"] == 62
    status = (await car.fleet_status([world.car.vin]))["response"]
    assert status["unpaired_vins"] == [world.car.vin]


@pytest.mark.parametrize(
    ("name", "arguments", "seen"),
    [
        ("charge_stop", {}, "charge_stop"),
        ("set_charge_limit", {"percent": 70}, "set_charge_limit"),
        ("set_charging_amps", {"charging_amps": 10}, "set_charging_amps"),
        ("charge_max_range", {}, "charge_max_range"),
        ("charge_port_door_open", {}, "charge_port_door_open"),
    ],
)
async def test_it_charges(
    world: World,
    signed: VehicleSigned[TeslaFleetApi],
    name: str,
    arguments: dict[str, Any],
    seen: str,
) -> None:
    answer = await getattr(signed, name)(**arguments)
    assert answer["response"]["result"] is True, answer
    assert world.car.commands[-1].name == seen
    assert world.car.commands[-1].via == "signed"


async def test_it_stops_and_starts_with_one_handshake(
    world: World, signed: VehicleSigned[TeslaFleetApi]
) -> None:
    assert (await signed.charge_stop())["response"]["result"] is True
    assert world.car.snapshot().charging_state == "Stopped"
    assert (await signed.charge_start())["response"]["result"] is True
    assert world.car.snapshot().charging_state in {"Starting", "Charging"}
    assert world.tesla.billing.count("command") == 3
    assert world.tesla.billing.cost() == pytest.approx(0.003)


async def test_a_refusal_of_the_car_comes_back_as_a_reason(
    world: World, signed: VehicleSigned[TeslaFleetApi]
) -> None:
    world.car.unplug()
    answer = await signed.charge_start()
    assert answer["response"] == {"result": False, "reason": "disconnected"}


async def test_it_recovers_from_a_reboot_of_the_car(
    world: World, signed: VehicleSigned[TeslaFleetApi]
) -> None:
    await signed.charge_stop()
    world.car.domain("infotainment").reboot()
    assert (await signed.charge_start())["response"]["result"] is True


async def test_an_unpaired_key_is_told_so(world: World) -> None:
    car = client(world).vehicles.createSigned(world.car.vin)
    with pytest.raises(TeslaFleetError):
        await car.charge_start()
    assert not world.car.commands


def _asleep(world: World) -> None:
    world.car.sleep()


def _expired(world: World) -> None:
    world.tesla.clock.advance(9 * 3600)


def _unregistered(world: World) -> None:
    world.application.registrations.clear()


def _without_scope(world: World) -> None:
    world.sign_in("openid", "vehicle_device_data")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_asleep, VehicleOffline),
        (_expired, OAuthExpired),
        (_unregistered, PreconditionFailed),
        (_without_scope, Forbidden),
    ],
)
async def test_it_understands_the_refusals(
    world: World,
    signed: VehicleSigned[TeslaFleetApi],
    spoil: Callable[[World], None],
    error: type[TeslaFleetError],
) -> None:
    spoil(world)
    with pytest.raises(error):
        await signed.charge_start()


async def test_it_understands_a_wrong_region(world: World) -> None:
    with pytest.raises(InvalidRegion):
        await client(world, "na").products()


async def test_it_understands_the_rate_limit(world: World) -> None:
    car = client(world).vehicles.createFleet(world.car.vin)
    for _ in range(3):
        await car.wake_up()
    with pytest.raises(RateLimited) as caught:
        await car.wake_up()
    assert isinstance(caught.value.data, dict)
    assert 0 < int(caught.value.data["after"]) <= 60
