"""Commands as the cloud handles them: scopes read from the plaintext, forwarding, plain ones."""

import base64
from typing import Any

import pytest
from tesla_protocol.command import car_server_pb2, universal_message_pb2, vcsec_pb2
from tesla_protocol.command.universal_message_pb2 import Domain, RoutableMessage

from simulator import Car
from tests.simulator.signed_commands import handshake, send

from .world import World

CHARGING_ONLY = ("openid", "vehicle_device_data", "vehicle_charging_cmds")
COMMANDS_ONLY = ("openid", "vehicle_device_data", "vehicle_cmds")


def message(payload: bytes, domain: Domain = Domain.DOMAIN_INFOTAINMENT) -> RoutableMessage:
    """An unsigned request: the cloud reads it, the car would refuse it."""
    made = RoutableMessage(protobuf_message_as_bytes=payload, uuid=bytes(16))
    made.to_destination.domain = domain
    made.from_destination.routing_address = bytes(16)
    return made


def action(name: str) -> bytes:
    made = car_server_pb2.Action()
    getattr(made.vehicleAction, name).SetInParent()
    return made.SerializeToString()


async def test_a_handshake_is_carried_to_the_car_and_back(world: World) -> None:
    world.tesla.pair(world.car, world.public_key)
    answer = await send(world, handshake(world))
    assert answer.status == 200
    assert answer.body.keys() == {"response"}
    reply = RoutableMessage.FromString(base64.b64decode(answer.response))
    assert reply.request_uuid == bytes(range(16))
    assert reply.session_info


async def test_what_the_car_refuses_is_still_200(world: World) -> None:
    answer = await send(world, message(action("chargingStartStopAction")))
    assert answer.status == 200
    reply = RoutableMessage.FromString(base64.b64decode(answer.response))
    assert reply.signedMessageStatus.signed_message_fault != 0
    assert not world.car.commands


@pytest.mark.parametrize("scopes", [CHARGING_ONLY, COMMANDS_ONLY], ids=["charging", "commands"])
@pytest.mark.parametrize(
    "name",
    [
        "chargingStartStopAction",
        "chargingSetLimitAction",
        "setChargingAmpsAction",
        "chargePortDoorOpen",
        "chargePortDoorClose",
        "scheduledChargingAction",
        "addChargeScheduleAction",
    ],
)
async def test_charging_needs_either_command_scope(
    world: World, name: str, scopes: tuple[str, ...]
) -> None:
    world.sign_in(*scopes)
    assert (await send(world, message(action(name)))).status == 200


@pytest.mark.parametrize("name", ["hvacAutoAction", "vehicleControlFlashLightsAction", "ping"])
async def test_other_actions_need_vehicle_cmds(world: World, name: str) -> None:
    world.sign_in(*CHARGING_ONLY)
    refused = await send(world, message(action(name)))
    assert (refused.status, refused.error) == (403, "Unauthorized missing scopes [vehicle_cmds]")
    world.sign_in(*COMMANDS_ONLY)
    assert (await send(world, message(action(name)))).status == 200


async def test_without_any_command_scope_not_even_a_handshake(world: World) -> None:
    world.sign_in("openid", "vehicle_device_data")
    assert (await send(world, handshake(world))).status == 403


async def test_the_charge_port_is_charging_for_vehicle_security_too(world: World) -> None:
    world.sign_in(*CHARGING_ONLY)
    port = vcsec_pb2.UnsignedMessage()
    port.closureMoveRequest.chargePort = vcsec_pb2.CLOSURE_MOVE_TYPE_OPEN
    domain = Domain.DOMAIN_VEHICLE_SECURITY
    assert (await send(world, message(port.SerializeToString(), domain))).status == 200
    port.closureMoveRequest.frontTrunk = vcsec_pb2.CLOSURE_MOVE_TYPE_OPEN
    assert (await send(world, message(port.SerializeToString(), domain))).status == 403
    wake = vcsec_pb2.UnsignedMessage(RKEAction=vcsec_pb2.RKE_ACTION_WAKE_VEHICLE)
    assert (await send(world, message(wake.SerializeToString(), domain))).status == 403


async def test_encrypted_commands_are_blocked(world: World) -> None:
    sent = message(action("chargingStartStopAction"))
    sent.signature_data.AES_GCM_Personalized_data.counter = 1
    answer = await send(world, sent)
    assert answer.status == 403
    assert "AES-GCM" in answer.error


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"routable_message": None},
        {"routable_message": 7},
        {"routable_message": ""},
        {"routable_message": "not base64!"},
        {"routable_message": "AAA"},
        {"routable_message": base64.b64encode(b"\xff\xff\xff").decode()},
    ],
)
async def test_what_is_no_message_is_refused(world: World, body: dict[str, Any]) -> None:
    answer = await world.car_api("POST", "signed_command", json=body)
    assert answer.status == 422
    assert "routable_message" in answer.body["messages"]


async def test_a_message_must_ask_something_of_a_known_domain(world: World) -> None:
    empty = RoutableMessage(uuid=bytes(16))
    empty.to_destination.domain = Domain.DOMAIN_INFOTAINMENT
    assert (await send(world, empty)).status == 422
    other = message(b"", universal_message_pb2.DOMAIN_AUTHD)
    assert (await send(world, other)).status == 422
    assert (await send(world, message(b"\xff\xff"))).status == 422


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("asleep", "vehicle unavailable: vehicle is offline or asleep"),
        ("offline", "vehicle is offline"),
    ],
)
async def test_a_car_out_of_reach_is_408_and_stays_so(world: World, state: str, text: str) -> None:
    if state == "asleep":
        world.car.sleep()
    else:
        world.car.set_offline(True)
    answer = await send(world, handshake(world))
    assert (answer.status, answer.error) == (408, text)
    world.tesla.clock.advance(60)
    assert world.car.state == state


async def test_a_silent_subsystem_is_a_timeout(world: World) -> None:
    world.car.domain("infotainment").unresponsive = True
    answer = await send(world, handshake(world))
    assert (answer.status, answer.error) == (408, "timeout")


async def test_one_domain_can_be_out_of_reach_of_an_online_car(world: World) -> None:
    url = f"{world.tesla.base_url}/_sim/cars/{world.car.vin}/out_of_reach"
    await world.request("POST", url, json={"domain": "infotainment"})
    for _ in range(2):
        answer = await send(world, handshake(world))
        assert (answer.status, answer.error) == (408, "vehicle is offline")
    assert (await world.car_api("GET", "vehicle_data")).status == 200
    other = handshake(world)
    other.to_destination.domain = Domain.DOMAIN_VEHICLE_SECURITY
    assert (await send(world, other)).status == 200
    await world.request("POST", url, json={"on": False})
    assert (await send(world, handshake(world))).status == 200


async def test_a_command_is_refused_with_any_of_teslas_reasons(world: World, old: Car) -> None:
    url = f"{world.tesla.base_url}/_sim/cars/{old.vin}/refuse"
    await world.request("POST", url, json={"reason": "could_not_wake_buses", "times": 2})
    for _ in range(2):
        answer = await world.car_api("POST", "command/charge_stop")
        assert answer.response == {"result": False, "reason": "could_not_wake_buses"}
    assert old.snapshot().charging_state == "Charging"
    assert (await world.car_api("POST", "command/charge_stop")).response["result"] is True


async def test_plain_commands_are_not_for_cars_that_verify(world: World) -> None:
    answer = await world.car_api("POST", "command/charge_start")
    assert answer.status == 403
    assert answer.error.startswith("Tesla Vehicle Command Protocol required")


@pytest.fixture
def old(world: World) -> Car:
    """A car from before the command protocol, in place of the other."""
    car = Car("5YJSA1E20HF000303", name="Old", clock=world.tesla.clock, protocol="not_supported")
    world.tesla.add_car(world.account, car)
    car.plug_in()
    world.car = car
    return car


async def test_an_old_car_does_not_support_signed_commands(world: World, old: Car) -> None:
    answer = await send(world, handshake(world))
    assert answer.status == 422
    assert "vehicle does not support signed commands" in answer.text


async def test_an_old_car_takes_plain_commands(world: World, old: Car) -> None:
    answer = await world.car_api("POST", "command/set_charge_limit", json={"percent": 70})
    assert answer.response == {"result": True, "reason": ""}
    assert old.snapshot().charge_limit == 70
    assert old.commands[-1].via == "rest"


async def test_null_is_no_body_for_a_plain_command_without_parameters(
    world: World, old: Car
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await world.car_api("POST", "command/charge_stop", data=b"null", headers=headers)
    assert answer.response == {"result": True, "reason": ""}
    answer = await world.car_api("POST", "command/set_charge_limit", data=b"null", headers=headers)
    assert (answer.status, answer.error) == (400, "invalid_field")


async def test_an_old_car_gives_its_reasons(world: World, old: Car) -> None:
    old.unplug()
    answer = await world.car_api("POST", "command/charge_start")
    assert answer.status == 200
    assert answer.response == {"result": False, "reason": "disconnected"}


async def test_plain_commands_are_checked(world: World, old: Car) -> None:
    unknown = await world.car_api("POST", "command/fly")
    assert (unknown.status, unknown.error) == (400, "invalid_command")
    bad = await world.car_api("POST", "command/set_charge_limit", json={"percent": "all"})
    assert (bad.status, bad.error) == (400, "invalid_field")
    old.sleep()
    assert (await world.car_api("POST", "command/charge_start")).status == 408


async def test_a_command_that_the_firmware_does_not_know_is_412(world: World, old: Car) -> None:
    old.install_firmware("2024.20.9")
    answer = await world.car_api("POST", "command/remove_charge_schedule", json={"id": 1})
    assert (answer.status, answer.error) == (412, "Not Supported")


async def test_plain_commands_need_their_scopes(world: World, old: Car) -> None:
    world.sign_in(*CHARGING_ONLY)
    assert (await world.car_api("POST", "command/charge_stop")).status == 200
    path = "command/batch_remove_charge_schedules"
    assert (await world.car_api("POST", path, json={"home": True})).status == 200
    assert (await world.car_api("POST", "command/door_unlock")).status == 403
    saving = {"enable": True}
    assert (await world.car_api("POST", "command/set_low_power_mode", json=saving)).status == 403
    world.sign_in("openid", "vehicle_device_data")
    assert (await world.car_api("POST", "command/charge_stop")).status == 403
