"""Cars that join an account, leave it, or get another name."""

import pytest

from simulator import Account

from .world import World


def vins(answer_response: list[dict[str, str]]) -> list[str]:
    return [car["vin"] for car in answer_response]


async def test_a_car_that_left_is_in_no_list_and_not_found(world: World) -> None:
    vin = world.car.vin
    world.tesla.remove_car(world.account, vin)
    products = await world.api("GET", "products")
    assert (products.response, products.body["count"]) == ([], 0)
    assert (await world.api("GET", "vehicles")).response == []
    assert (await world.api("GET", f"vehicles/{vin}")).status == 404
    assert (await world.api("GET", f"vehicles/{vin}/fleet_telemetry_config")).status == 404
    with pytest.raises(ValueError, match="not in this account"):
        world.tesla.remove_car(world.account, vin)


async def test_who_shares_the_car_keeps_it(world: World) -> None:
    other: Account = world.tesla.add_account("other@example.com", region=world.account.region)
    world.tesla.add_car(other, world.car, access_type="DRIVER")
    world.tesla.remove_car(other, world.car.vin)
    assert vins((await world.api("GET", "products")).response) == [world.car.vin]


async def test_the_keys_stay_in_a_car_that_left(world: World) -> None:
    world.tesla.pair(world.car, world.public_key)
    world.tesla.remove_car(world.account, world.car.vin)
    assert world.public_key in world.car.keychain


async def test_a_new_name_is_in_the_list(world: World) -> None:
    world.car.rename("Midnight")
    (car,) = (await world.api("GET", "products")).response
    assert car["display_name"] == "Midnight"
    with pytest.raises(ValueError, match="characters"):
        world.car.rename("x" * 51)


async def test_coming_and_going_over_http(world: World) -> None:
    base, vin = f"{world.tesla.base_url}/_sim", world.car.vin
    path = f"{base}/accounts/{world.account.email}"
    renamed = await world.request("POST", f"{base}/cars/{vin}/rename", json={"name": "Dawn"})
    assert renamed.status == 200
    assert world.car.name == "Dawn"
    gone = await world.request("POST", f"{path}/remove_car", json={"vin": vin})
    assert gone.body == {"cars": []}
    assert (await world.request("POST", f"{path}/remove_car", json={"vin": vin})).status == 404
    back = await world.request("POST", f"{path}/add_car", json={"vin": vin})
    assert back.body == {"cars": [vin]}
    assert (await world.request("POST", f"{path}/add_car", json={"vin": vin})).status == 422
    unknown = await world.request("POST", f"{path}/add_car", json={"vin": "5YJ3E1EA8NF999999"})
    assert unknown.status == 404
