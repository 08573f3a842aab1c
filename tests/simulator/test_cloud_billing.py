"""The bill and the rate limits."""

from decimal import Decimal

import aiohttp
import pytest

from simulator.cloud.fleet.billing import Item

from .signed_commands import handshake, send
from .world import World


async def test_every_request_is_a_line_with_its_price(world: World) -> None:
    await world.api("GET", "vehicles")
    await world.car_api("GET", "vehicle_data?endpoints=charge_state")
    await send(world, handshake(world))
    await world.car_api("POST", "wake_up")
    lines = [(line.category, line.method, line.price) for line in world.tesla.billing.requests]
    assert lines == [
        ("free", "GET", 0.0),
        ("data", "GET", 0.002),
        ("command", "POST", 0.001),
        ("wake", "POST", 0.02),
    ]
    assert world.tesla.billing.cost() == pytest.approx(0.023)
    last = world.tesla.billing.requests[-1]
    assert last.path == f"/api/1/vehicles/{world.car.vin}/wake_up"
    assert (last.vin, last.status) == (world.car.vin, 200)
    assert last.at == pytest.approx(world.tesla.clock.now(), abs=5)


async def test_lists_and_summaries_are_free(world: World) -> None:
    for path in ("vehicles", "products", f"vehicles/{world.car.vin}", "users/region"):
        assert (await world.api("GET", path)).status == 200
    assert world.tesla.billing.count("free") == 4
    assert world.tesla.billing.cost() == 0


async def test_the_key_status_counts_as_data(world: World) -> None:
    await world.api("POST", "vehicles/fleet_status", json={"vins": [world.car.vin]})
    assert world.tesla.billing.count("data") == 1


async def test_refusals_are_billed(world: World) -> None:
    world.car.sleep()
    assert (await send(world, handshake(world))).status == 408
    assert (await world.car_api("GET", "vehicle_data")).status == 408
    assert world.tesla.billing.cost() == pytest.approx(0.003)


async def test_errors_of_the_cloud_are_not_billed(world: World) -> None:
    for code in (500, 503, 540):
        world.tesla.faults.status(code)
        assert (await world.car_api("GET", "vehicle_data")).status == code
    assert world.tesla.billing.count("data") == 3
    assert world.tesla.billing.cost() == 0
    world.tesla.faults.status(408)
    await world.car_api("GET", "vehicle_data")
    assert world.tesla.billing.cost() == pytest.approx(0.002)


async def test_nobody_pays_for_a_request_without_a_token(world: World) -> None:
    assert (await world.car_api("GET", "vehicle_data", token="x")).status == 401
    assert world.tesla.billing.cost() == 0
    world.tesla.clock.advance(9 * 3600)
    assert (await world.car_api("GET", "vehicle_data")).status == 401
    assert world.tesla.billing.cost() == pytest.approx(0.002)


async def test_signing_in_is_not_on_the_bill(world: World) -> None:
    await world.partner_token("eu")
    assert world.tesla.billing.requests == []


async def test_the_bill_can_be_searched_and_reset(world: World) -> None:
    await world.car_api("POST", "wake_up")
    await world.car_api("GET", "vehicle_data")
    billing = world.tesla.billing
    assert billing.count() == 2
    assert billing.count(path_contains="wake_up") == 1
    assert billing.count("data", "wake_up") == 0
    billing.reset()
    assert (billing.count(), billing.cost()) == (0, 0)


async def test_the_invoice_rounds_each_category_and_outlives_a_reset(world: World) -> None:
    billing, client_id = world.tesla.billing, world.application.client_id
    for _ in range(5):
        await send(world, handshake(world))  # half a cent
    await world.car_api("POST", "wake_up")
    billing.reset()
    billing.stream(client_id, world.car.vin, 749)  # not quite half a cent
    assert billing.invoice(client_id) == Decimal("0.03")
    assert billing.invoice("somebody else") == 0
    vin = world.car.vin
    assert billing.charged == {
        Item(client_id, "command", vin): 5,
        Item(client_id, "wake", vin): 1,
        Item(client_id, "streaming", vin): 749,
    }


async def test_what_is_lost_on_its_way_is_on_no_bill(world: World) -> None:
    billing, item = world.tesla.billing, Item(world.application.client_id, "wake", world.car.vin)
    world.tesla.faults.lose_request("wake_up")
    with pytest.raises(aiohttp.ClientError):
        await world.car_api("POST", "wake_up")
    assert (billing.charged[item], billing.lost[item]) == (0, 1)
    world.tesla.faults.lose_answer_after("wake_up")
    with pytest.raises(aiohttp.ClientError):
        await world.car_api("POST", "wake_up")
    assert (billing.charged[item], billing.lost[item]) == (1, 1)


async def test_three_wakes_a_minute(world: World) -> None:
    for left in (2, 1, 0):
        answer = await world.car_api("POST", "wake_up")
        assert answer.status == 200
        assert answer.headers["RateLimit-Wakes-Limit"] == "3"
        assert answer.headers["RateLimit-Wakes-Remaining"] == str(left)
    world.tesla.clock.advance(20)
    full = await world.car_api("POST", "wake_up")
    assert full.status == 429
    assert full.headers["RateLimit-Wakes-Remaining"] == "0"
    wait = int(full.headers["Retry-After"])
    assert 35 <= wait <= 41
    assert full.body["after"] == wait == int(full.headers["RateLimit-Reset"])
    world.tesla.clock.advance(wait)
    assert (await world.car_api("POST", "wake_up")).status == 200


async def test_a_refusal_counts_and_says_how_many_are_left(world: World) -> None:
    world.car.sleep()
    for left in (59, 58):
        answer = await world.car_api("GET", "vehicle_data")
        assert answer.status == 408
        assert answer.headers["RateLimit-Data-Remaining"] == str(left)
        assert answer.headers["x-txid"] == answer.body["txid"]


async def test_thirty_commands_and_sixty_data_requests_a_minute(world: World) -> None:
    for _ in range(30):
        assert (await send(world, handshake(world))).status == 200
    assert (await send(world, handshake(world))).status == 429
    for _ in range(60):
        assert (await world.car_api("GET", "vehicle_data?endpoints=drive_state")).status == 200
    assert (await world.car_api("GET", "vehicle_data")).status == 429
    assert (await world.car_api("GET", "")).status == 200


async def test_limits_can_be_switched_off(world: World) -> None:
    world.tesla.limits_enabled = False
    for _ in range(5):
        assert (await world.car_api("POST", "wake_up")).status == 200
