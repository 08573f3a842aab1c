"""Faults on demand."""

import asyncio
import json
import time

import aiohttp
import pytest

from .signed_commands import handshake, send
from .world import World


async def test_a_lost_answer_was_still_an_executed_request(world: World) -> None:
    world.car.sleep()
    world.tesla.faults.lose_answer_after("wake_up")
    with pytest.raises(aiohttp.ClientConnectionError):
        await world.car_api("POST", "wake_up")
    world.tesla.clock.advance(6)
    assert world.car.state == "online"
    assert world.tesla.billing.count("wake") == 1
    assert (await world.car_api("POST", "wake_up")).status == 200


async def test_a_lost_request_was_not_executed(world: World) -> None:
    world.car.sleep()
    world.tesla.faults.lose_request("wake_up")
    with pytest.raises(aiohttp.ClientConnectionError):
        await world.car_api("POST", "wake_up")
    world.tesla.clock.advance(6)
    assert world.car.state == "asleep"
    assert world.tesla.billing.cost() == 0


async def test_a_late_answer(world: World) -> None:
    world.tesla.faults.delay(0.3, "vehicles")
    began = time.monotonic()
    assert (await world.api("GET", "vehicles")).status == 200
    assert time.monotonic() - began >= 0.3


async def test_who_gives_up_waiting_has_still_asked(world: World) -> None:
    world.car.sleep()
    world.tesla.faults.delay(0.2, "wake_up")
    with pytest.raises(TimeoutError):
        await world.car_api("POST", "wake_up", timeout=aiohttp.ClientTimeout(total=0.05))
    await asyncio.sleep(0.4)
    assert world.tesla.billing.count("wake") == 1


@pytest.mark.parametrize("code", [402, 408, 423, 429, 451, 500, 502, 503, 504, 540])
async def test_any_status(world: World, code: int) -> None:
    world.tesla.faults.status(code, headers={"Retry-After": "9"})
    answer = await world.api("GET", "vehicles")
    assert (answer.status, answer.headers["Retry-After"]) == (code, "9")
    assert answer.body["response"] is None
    assert (await world.api("GET", "vehicles")).status == 200


async def test_a_status_with_a_body_of_ones_own(world: World) -> None:
    world.tesla.faults.status(503, body="upstream gone")
    assert (await world.api("GET", "vehicles")).text == "upstream gone"
    world.tesla.faults.status(429, body={"after": 3})
    assert (await world.api("GET", "vehicles")).body == {"after": 3}


async def test_malformed_json(world: World) -> None:
    world.tesla.faults.malformed_json()
    with pytest.raises(json.JSONDecodeError):
        await world.api("GET", "vehicles")


async def test_json_of_another_shape(world: World) -> None:
    world.tesla.faults.wrong_type()
    assert (await world.api("GET", "vehicles")).body == {"response": 7}
    world.tesla.faults.wrong_type(body=["x"])
    assert (await world.api("GET", "vehicles")).body == ["x"]


async def test_a_huge_answer(world: World) -> None:
    world.tesla.faults.huge()
    assert len((await world.api("GET", "vehicles")).text) > 4_000_000


async def test_broken_base64(world: World) -> None:
    world.tesla.faults.truncated_base64()
    answer = await send(world, handshake(world))
    assert answer.status == 200
    assert len(answer.response) % 4 == 1


async def test_rules_strike_only_what_they_name(world: World) -> None:
    faults = world.tesla.faults
    faults.status(500, "vehicle_data", method="POST")
    faults.status(500, "vehicle_data", vin="5YJ3E1EA8NF000202")
    assert (await world.car_api("GET", "vehicle_data")).status == 200
    faults.status(502, vin=world.car.vin)
    assert (await world.api("GET", "vehicles")).status == 200
    numeric = world.account.garage[0].id
    assert (await world.api("GET", f"vehicles/{numeric}")).status == 502


async def test_rules_count_down(world: World) -> None:
    world.tesla.faults.status(500, times=2)
    statuses = [(await world.api("GET", "vehicles")).status for _ in range(3)]
    assert statuses == [500, 500, 200]
    world.tesla.faults.status(500, times=None)
    statuses = [(await world.api("GET", "vehicles")).status for _ in range(3)]
    assert statuses == [500, 500, 500]
    world.tesla.faults.clear()
    assert (await world.api("GET", "vehicles")).status == 200


async def test_the_token_endpoint_has_faults_too(world: World) -> None:
    world.tesla.faults.status(503, "/token")
    form = {
        "grant_type": "refresh_token",
        "client_id": "client-1",
        "refresh_token": world.tokens["refresh_token"],
    }
    assert (await world.token(**form)).status == 503
    world.tesla.faults.lose_answer_after("/token")
    with pytest.raises(aiohttp.ClientConnectionError):
        await world.token(**form)
    # The answer with the new token was lost: the old one still works for a day.
    assert (await world.token(**form)).status == 200


def test_rules_are_checked(world: World) -> None:
    with pytest.raises(ValueError, match="times"):
        world.tesla.faults.status(500, times=0)


async def test_an_answer_that_is_kept_back_is_of_an_executed_request(world: World) -> None:
    world.car.sleep()
    world.tesla.faults.delay_answer(0.3, "wake_up")
    began = time.monotonic()
    asked = asyncio.create_task(world.car_api("POST", "wake_up"))
    await asyncio.sleep(0.1)
    world.tesla.clock.advance(6)
    assert world.car.state == "online"
    assert not asked.done()
    assert (await asked).status == 200
    assert time.monotonic() - began >= 0.3


async def test_a_page_of_somebody_else(world: World) -> None:
    page, kind = "<html>Accept our terms</html>", "text/html; charset=utf-8"
    world.tesla.faults.status(200, body=page, headers={"Content-Type": kind})
    answer = await world.api("GET", "vehicles")
    assert (answer.text, answer.headers["Content-Type"]) == (page, kind)
