"""What Tesla's cloud, and the road to a car, were seen to do."""

import asyncio
import base64
import time
from typing import Any

import aiohttp
import pytest
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from simulator import Car, Quirk

from .by_hand import CHARGE_START, INFOTAINMENT, Signer
from .world import Answer, World


@pytest.fixture
def signer(world: World) -> Signer:
    """The application's key, which has shaken hands with the car."""
    world.tesla.pair(world.car, world.public_key)
    world.car.plug_in()
    made = Signer(world.car.vin, world.key)
    made.handshake(world.car, INFOTAINMENT)
    return made


@pytest.fixture
def plain(world: World) -> Car:
    """Another car of the same person, which takes plain commands."""
    car = Car("5YJSA1E26HF000337", name="Old", clock=world.tesla.clock, protocol="not_supported")
    world.tesla.add_car(world.account, car)
    return car


async def send(world: World, message: RoutableMessage, **options: Any) -> Answer:
    text = base64.b64encode(message.SerializeToString()).decode()
    return await world.car_api("POST", "signed_command", json={"routable_message": text}, **options)


def fault(answer: Answer) -> int:
    assert answer.status == 200, answer.text
    reply = RoutableMessage.FromString(base64.b64decode(answer.response))
    return reply.signedMessageStatus.signed_message_fault


async def control(world: World, **body: Any) -> Answer:
    url = f"{world.tesla.base_url}/_sim/cars/{world.car.vin}/quirk"
    return await world.request("POST", url, json=body)


@pytest.mark.parametrize("code", [408, 500, 504, 540])
async def test_data_fails_for_a_day_while_the_free_call_works(world: World, code: int) -> None:
    world.car.quirks.add(Quirk.DATA_FAILS, code=code, lasts=86400)
    for hour in (0, 12, 23):
        assert (await world.car_api("GET", "vehicle_data")).status == code, hour
        free = await world.car_api("GET", "")
        assert (free.status, free.response["state"]) == (200, "online")
        world.tesla.clock.advance(60)
    world.tesla.clock.advance(86400)
    world.sign_in()
    world.car.unplug()
    assert (await world.car_api("GET", "vehicle_data")).status == 200


async def test_a_car_in_service(world: World, signer: Signer, plain: Car) -> None:
    for car in (world.car, plain):
        car.quirks.add(Quirk.IN_SERVICE)
    summary = (await world.car_api("GET", "")).response
    assert (summary["in_service"], summary["state"]) == (True, "online")
    for answer in (
        await world.car_api("GET", "vehicle_data"),
        await world.car_api("POST", "wake_up"),
        await send(world, signer.command(CHARGE_START)),
        await world.api("POST", f"vehicles/{plain.vin}/command/charge_start"),
    ):
        assert (answer.status, answer.error) == (405, "vehicle is currently in service")
    assert not world.car.commands
    world.car.quirks.remove(Quirk.IN_SERVICE)
    assert (await world.car_api("GET", "")).response["in_service"] is False


async def test_fleet_status_denies_the_protocol_until_the_key_is_there(world: World) -> None:
    world.car.quirks.add(Quirk.PROTOCOL_DENIED)

    async def told() -> Any:
        answer = await world.api("POST", "vehicles/fleet_status", json={"vins": [world.car.vin]})
        return answer.response["vehicle_info"][world.car.vin]["vehicle_command_protocol_required"]

    assert await told() is False
    assert (await world.car_api("POST", "command/charge_start")).status == 403
    world.tesla.pair(world.car, world.public_key)
    assert await told() is True


async def test_out_of_coverage_hears_nothing_and_comes_back_by_itself(
    world: World, signer: Signer
) -> None:
    world.car.quirks.add(Quirk.OUT_OF_COVERAGE, lasts=600)
    assert (await world.car_api("POST", "wake_up")).response["state"] == "offline"
    world.tesla.clock.advance(60)
    assert (await send(world, signer.command(CHARGE_START))).status == 408
    world.tesla.clock.advance(541)
    assert (await world.car_api("GET", "")).response["state"] == "online"
    signer.handshake(world.car)
    assert fault(await send(world, signer.command(CHARGE_START))) == 0


async def test_a_command_delivered_twice_is_answered_with_the_second_fault(
    world: World, signer: Signer
) -> None:
    world.car.quirks.add(Quirk.DELIVERED_TWICE)
    assert fault(await send(world, signer.hello())) == 0
    assert fault(await send(world, signer.command(CHARGE_START))) == 6
    assert [done.name for done in world.car.commands] == ["charge_start"]
    assert fault(await send(world, signer.command(CHARGE_START))) == 0


async def test_one_command_finds_an_online_car_unavailable(
    world: World, signer: Signer, plain: Car
) -> None:
    for car in (world.car, plain):
        car.quirks.add(Quirk.COMMAND_UNAVAILABLE)
    path = f"vehicles/{plain.vin}/command/charge_start"
    for answer in (await send(world, signer.command(CHARGE_START)), await world.api("POST", path)):
        assert (answer.status, "offline or asleep" in answer.error) == (408, True)
    assert not world.car.commands
    assert fault(await send(world, signer.command(CHARGE_START))) == 0
    assert (await world.api("POST", path)).status == 200


@pytest.mark.parametrize("quirk", [Quirk.COMMAND_HANGS, Quirk.ANSWER_HANGS])
async def test_a_command_hangs_on_either_road(
    world: World, signer: Signer, plain: Car, quirk: Quirk
) -> None:
    for car in (world.car, plain):
        car.quirks.add(quirk, seconds=0.3, times=1)
    path = f"vehicles/{plain.vin}/command/charge_start"
    begun = time.monotonic()
    asked = asyncio.gather(send(world, signer.command(CHARGE_START)), world.api("POST", path))
    await asyncio.sleep(0.15)
    ran = quirk is Quirk.ANSWER_HANGS
    assert [bool(car.commands) for car in (world.car, plain)] == [ran, ran]
    assert [answer.status for answer in await asked] == [200, 200]
    assert time.monotonic() - begun >= 0.3
    assert len(world.car.commands) == len(plain.commands) == 1


async def test_a_command_that_hung_runs_although_its_sender_has_gone(
    world: World, signer: Signer
) -> None:
    world.car.quirks.add(Quirk.COMMAND_HANGS, seconds=0.2)
    with pytest.raises(TimeoutError):
        await send(world, signer.command(CHARGE_START), timeout=aiohttp.ClientTimeout(total=0.05))
    assert not world.car.commands
    for _ in range(200):
        if world.car.commands:
            break
        await asyncio.sleep(0.01)
    assert [done.name for done in world.car.commands] == ["charge_start"]


async def test_quirks_are_switched_from_outside(world: World) -> None:
    listed = (await world.request("GET", f"{world.tesla.base_url}/_sim/quirks")).body
    assert listed.keys() == {str(quirk) for quirk in Quirk}
    assert listed["lost_push"]["fields"] == ["DetailedChargeState"]
    assert listed["in_service"]["about"]
    assert listed["in_service"]["source"]
    assert (await control(world, name="null_poll", times=3)).status == 200
    assert (await control(world, name="lost_push", fields=["Soc"])).status == 200
    assert world.car.quirks.fields(Quirk.LOST_PUSH) == {"Soc"}
    state = (await world.request("GET", f"{world.tesla.base_url}/_sim/state")).body
    assert state["cars"][0]["quirks"] == ["null_poll", "lost_push"]
    assert state["cars"][0]["charged_home_kwh"] == 0
    await control(world, name="null_poll", on=False)
    assert list(world.car.quirks) == [Quirk.LOST_PUSH]
    for wrong in (
        {"name": "no_such"},
        {},
        {"name": "null_poll", "times": 0},
        {"name": "null_poll", "x": 1},
    ):
        assert (await control(world, **wrong)).status == 422
