"""The control API, the front page, and the command line."""

import asyncio
import json
from pathlib import Path
import signal
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import pytest

from simulator import TeslaSimulator
from simulator.__main__ import build, parse

from .world import Answer, World


async def control(world: World, method: str, where: str, /, **body: Any) -> Answer:
    return await world.request(method, f"{world.tesla.base_url}/_sim/{where}", json=body)


async def car(world: World, action: str, /, **body: Any) -> Answer:
    return await control(world, "POST", f"cars/{world.car.vin}/{action}", **body)


async def test_the_state_tells_everything(world: World) -> None:
    world.tesla.pair(world.car, world.public_key)
    await world.car_api("POST", "wake_up")
    state = (await control(world, "GET", "state")).body
    (shown,) = state["cars"]
    assert shown["vin"] == world.car.vin
    assert shown["state"] == "online"
    assert shown["charging_state"] == "Disconnected"
    assert shown["keys"] == [world.public_key.hex()]
    assert state["billing"]["counts"]["wake"] == 1
    assert state["accounts"][0]["cars"] == [world.car.vin]
    assert state["applications"][0]["registrations"]["eu"]["domain"] == "home.example.com"


async def test_looking_does_not_keep_a_car_awake(world: World) -> None:
    for _ in range(4):
        world.tesla.clock.advance(300)
        await control(world, "GET", "state")
    assert world.car.state == "asleep"


async def test_a_car_does_what_the_buttons_say(world: World) -> None:
    assert (await car(world, "plug_in", max_amps=10)).status == 200
    assert world.car.snapshot().plugged_in
    await car(world, "unplug")
    assert not world.car.snapshot().plugged_in
    await car(world, "drive_away", lat=52.2, lon=4.8)
    assert not world.car.snapshot().at_home
    await car(world, "arrive_home")
    assert world.car.snapshot().at_home
    assert (await car(world, "sleep")).body["state"] == "asleep"
    await car(world, "wake")
    world.tesla.clock.advance(6)
    assert (await car(world, "offline")).body["state"] == "offline"
    assert (await car(world, "online")).body["state"] == "online"
    await car(world, "battery_level", percent=33)
    assert world.car.snapshot().battery_level == pytest.approx(33)
    await car(world, "mobile_access", allowed=False)
    assert not world.car.mobile_access


async def test_keys_and_security_domains(world: World) -> None:
    key = world.public_key.hex()
    await car(world, "add_key", public_key=key)
    assert world.public_key in world.car.keychain
    await car(world, "remove_key", public_key=key)
    assert world.public_key not in world.car.keychain
    domain = world.car.domain("infotainment")
    before = domain.epoch
    await car(world, "reboot")
    assert domain.epoch != before
    public_key = domain.public_key
    await car(world, "rekey")
    assert domain.public_key != public_key
    await car(world, "jump_clock", seconds=1000)
    assert domain.clock_time >= 1000
    assert (await car(world, "message_fault", fault=1, domain="vehicle_security")).status == 200


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("dance", {}, 404),
        ("add_key", {}, 422),
        ("add_key", {"public_key": "zz"}, 422),
        ("add_key", {"public_key": "04"}, 422),
        ("reboot", {"domain": "moon"}, 422),
        ("jump_clock", {"seconds": "x"}, 422),
    ],
)
async def test_nonsense_is_refused(
    world: World, action: str, body: dict[str, Any], status: int
) -> None:
    assert (await car(world, action, **body)).status == status


async def test_faults_come_and_go(world: World) -> None:
    added = await control(
        world, "POST", "faults", kind="status", code=503, path="vehicles", times=2
    )
    assert added.body["rules"][0]["code"] == 503
    assert (await world.api("GET", "vehicles")).status == 503
    assert (await control(world, "GET", "faults")).body["rules"][0]["times"] == 1
    await control(world, "DELETE", "faults")
    assert (await world.api("GET", "vehicles")).status == 200
    assert (await control(world, "POST", "faults", kind="gremlins")).status == 422
    assert (await control(world, "POST", "faults", kind="huge", colour="red")).status == 422
    assert (await control(world, "POST", "faults")).status == 422


async def test_the_bill_over_http(world: World) -> None:
    await world.car_api("POST", "wake_up")
    bill = (await control(world, "GET", "billing")).body
    assert bill["cost"] == pytest.approx(0.02)
    assert bill["requests"][0]["category"] == "wake"
    await control(world, "POST", "billing/reset")
    assert (await control(world, "GET", "billing")).body["requests"] == []


async def test_the_clock_over_http(world: World) -> None:
    before = world.tesla.clock.now()
    answer = await control(world, "POST", "clock", advance=3600, speed=60)
    assert answer.body["now"] >= before + 3600
    assert world.tesla.clock.speed == 60
    assert (await control(world, "POST", "clock", advance=-1)).status == 422


async def test_limits_and_dns_over_http(world: World) -> None:
    await control(world, "POST", "limits", enabled=False)
    assert not world.tesla.limits_enabled
    await control(world, "POST", "dns", domain="a.example.com", url="http://127.0.0.1:1/")
    assert world.tesla.dns == {"a.example.com": "http://127.0.0.1:1"}
    await control(world, "POST", "dns", domain="a.example.com", url=None)
    assert world.tesla.dns == {}


async def test_consent_over_http(world: World) -> None:
    path = "accounts/driver@example.com"
    body = {"client_id": "client-1", "scope": "vehicle_device_data"}
    await control(world, "POST", f"{path}/remove_scope", **body)
    assert (await world.api("GET", "vehicles")).status == 403
    await control(world, "POST", f"{path}/revoke_consent", client_id="client-1")
    assert (await world.api("GET", "vehicles")).status == 401
    answer = await control(world, "POST", f"{path}/revoke_consent", client_id="nobody")
    assert answer.status == 404


async def test_the_front_page_shows_the_car_and_its_buttons_work(world: World) -> None:
    page = await world.request("GET", world.tesla.base_url + "/")
    assert "Pearl" in page.text
    assert f'id="plug_in-{world.car.vin}"' in page.text
    url = f"{world.tesla.base_url}/_sim/cars/{world.car.vin}/plug_in"
    after = await world.request("POST", url, data={})
    assert f'id="unplug-{world.car.vin}"' in after.text


async def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        TeslaSimulator(host="0.0.0.0")
    with pytest.raises(SystemExit):
        parse(["--host", "192.168.1.2"])


async def test_it_can_stop_and_start_again(world: World) -> None:
    url = world.tesla.base_url
    await world.tesla.stop()
    await world.tesla.start()
    assert world.tesla.base_url == url
    assert (await world.api("GET", "vehicles")).status == 200


def test_the_command_line_makes_the_demo_world(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    arguments = ["--region", "eu", "--domain", "home.example.com=http://127.0.0.1:8123/"]
    arguments += [
        "--client-id",
        "c",
        "--client-secret",
        "s",
        "--redirect-uri",
        "http://localhost/x",
    ]
    arguments += ["--paired-key", str(pem), "--wake-with-charging-scope", "--wake-seconds", "3"]
    tesla = build(parse(arguments))
    assert tesla.dns == {"home.example.com": "http://127.0.0.1:8123"}
    assert tesla.applications["c"].redirect_uris == ("http://localhost/x",)
    assert tesla.applications["c"].allowed_origin == "https://home.example.com"
    assert tesla.accounts["driver@example.com"].region == "eu"
    assert tesla.wake_with_charging_scope
    pearl, midnight = tesla.cars.values()
    assert pearl.snapshot().charging_state in {"Starting", "Charging"}
    assert (midnight.state, midnight.at_home) == ("asleep", True)
    assert len(pearl.keychain) == len(midnight.keychain) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--domain", "home.example.com"],
        ["--domain", "home.example.com=ftp://x"],
        ["--paired-key", "/nowhere.pem"],
        ["--region", "mars"],
    ],
)
def test_unusable_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_runs_until_it_is_told_to_stop(
    socket_enabled: None, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--port", "0"),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        ready = json.loads(await process.stdout.readline())
        assert ready["base_url"].startswith("http://127.0.0.1:")
        process.send_signal(number)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")
