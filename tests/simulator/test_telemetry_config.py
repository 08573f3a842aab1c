"""The endpoints that give cars a telemetry configuration and take it away."""

import asyncio
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from simulator import Car
from tests.simulator.telemetry_config import CONFIG, PATH, create, read

from .telemetry import point, token
from .telemetry_receiver import until
from .world import CHARGING_SCOPES, Answer, World

NOTHING_SKIPPED: dict[str, list[str]] = {
    "missing_key": [],
    "unsupported_hardware": [],
    "unsupported_firmware": [],
    "max_configs": [],
}


@pytest.fixture(autouse=True)
def paired(world: World) -> None:
    world.tesla.pair(world.car, world.public_key)


def skipped(answer: Answer) -> dict[str, list[str]]:
    """Return the reasons that apply."""
    assert answer.status == 200, answer.text
    return {why: vins for why, vins in answer.response["skipped_vehicles"].items() if vins}


async def test_a_configuration_is_taken_and_can_be_read(world: World) -> None:
    answer = await create(world)
    assert answer.response == {"updated_vehicles": 1, "skipped_vehicles": NOTHING_SKIPPED}
    told = await read(world)
    assert told["config"] == CONFIG
    assert told["key_paired"] is True
    assert told["limit_reached"] is False


async def test_reading_before_anything_was_configured(world: World) -> None:
    told = await read(world)
    assert (told["config"], told["limit_reached"]) == (None, False)


async def test_it_is_synced_once_the_car_has_been_online(world: World) -> None:
    world.tesla.telemetry_pace = 50
    world.car.sleep()
    await create(world)
    assert (await read(world))["synced"] is False
    world.car.wake()
    world.tesla.clock.advance(6)
    for _ in range(100):
        if (await read(world))["synced"]:
            return
    raise AssertionError("never synced")


@pytest.mark.parametrize("how", ["wakes up", "drives"])
async def test_it_can_count_as_synced_only_when_the_car_next_wakes_up_or_drives(
    world: World, how: str
) -> None:
    async def synced() -> bool:
        return bool((await read(world))["synced"])

    world.tesla.telemetry_pace = 50
    world.tesla.telemetry(world.car.vin).synced_late = True
    await create(world)
    attempts = world.tesla.telemetry(world.car.vin).counts.attempts
    await until(lambda: world.tesla.telemetry(world.car.vin).counts.attempts > attempts)
    assert not await synced(), "although it tries to stream"
    for _ in range(100):
        if how == "drives":
            world.car.drive_away(52.3, 4.9)
        else:
            world.car.sleep()
            await asyncio.sleep(0.02)
            world.car.wake()
            world.tesla.clock.advance(6)
        if await synced():
            return
    raise AssertionError("never synced")


async def test_a_rejected_configuration_is_synced_and_null(world: World) -> None:
    world.tesla.telemetry(world.car.vin).swallows_configs = True
    assert (await create(world)).response["updated_vehicles"] == 1
    told = await read(world)
    assert (told["synced"], told["config"], told["limit_reached"]) == (True, None, True)


async def test_deleting(world: World) -> None:
    await create(world)
    answer = await world.car_api("DELETE", "fleet_telemetry_config")
    assert answer.response == {"updated_vehicles": 1}
    assert (await read(world))["config"] is None
    answer = await world.car_api("DELETE", "fleet_telemetry_config")
    assert answer.response == {"updated_vehicles": 0}


async def test_the_partner_can_delete_what_a_user_left_behind(world: World) -> None:
    partner = await world.partner_token("eu")
    path = f"vehicles/{world.car.vin}/fleet_telemetry_config"
    assert (await world.api("DELETE", path, token=partner)).status == 404
    await create(world)
    assert (await world.api("GET", path, token=partner)).status == 403
    answer = await world.api("DELETE", path, token=partner)
    assert answer.response == {"updated_vehicles": 1}
    assert (await read(world))["config"] is None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"port": "443"}, "port: must be an integer"),
        ({"port": True}, "port: must be an integer"),
        ({"port": 0}, "port: "),
        ({"port": 65536}, "port: "),
        ({"hostname": "127.0.0.1"}, "hostname: "),
        ({"hostname": "localhost"}, "hostname: "),
        ({"hostname": "https://telemetry.example.com"}, "hostname: "),
        ({"hostname": "telemetry.example.org"}, "does not belong to example.com"),
        ({"ca": ""}, "ca: "),
        ({"ca": None}, "ca: "),
        ({"delivery_policy": "all"}, "delivery_policy: "),
        ({"delivery_policy": ["latest"]}, "delivery_policy: "),
        ({"alert_types": "service"}, "alert_types: "),
        ({"alert_types": [["service"]]}, "alert_types: "),
        ({"exp": 1700000000}, "exp: is in the past"),
        ({"exp": "tomorrow"}, "exp: "),
        ({"vin": "LRW3E7EK0PC000101"}, "vin: is not part"),
        ({"fields": []}, "fields: "),
        ({"fields": {"Soc": {}}}, "interval_seconds: must be an integer"),
        ({"fields": {"Soc": 60}}, "fields.Soc: "),
        ({"fields": {"Soc": {"interval_seconds": 0}}}, "at least 1"),
        ({"fields": {"Soc": {"interval_seconds": 1.5}}}, "must be an integer"),
        ({"fields": {"Soc": {"interval_seconds": 1, "minimum_delta": "x"}}}, "must be a number"),
        ({"fields": {"Gear": {"interval_seconds": 1, "minimum_delta": 1}}}, "numeric fields only"),
        (
            {"fields": {"HvacPower": {"interval_seconds": 1, "minimum_delta": 1}}},
            "numeric fields only",
        ),
        ({"fields": {"Soc": {"interval_seconds": 1, "often": True}}}, "often"),
    ],
)
async def test_a_wrong_configuration_is_refused_as_a_whole(
    world: World, changes: dict[str, Any], text: str
) -> None:
    answer = await create(world, **changes)
    assert answer.status == 422
    assert text in answer.body["error_description"]
    assert (await read(world))["config"] is None


@pytest.mark.parametrize(
    "name", ["SoC", "Deprecated_1", "Experimental_3", "Unknown", "ScheduledDepartureTime"]
)
async def test_one_unknown_field_fails_the_whole_request(world: World, name: str) -> None:
    answer = await create(world, fields=CONFIG["fields"] | {name: {"interval_seconds": 1}})
    assert (answer.status, answer.error) == (400, f"Unknown field {name}")
    assert (await read(world))["config"] is None


async def test_no_fields_at_all_are_fine(world: World) -> None:
    assert (await create(world, fields={})).response["updated_vehicles"] == 1


async def test_any_host_when_that_is_allowed(world: World) -> None:
    world.tesla.any_telemetry_host = True
    assert (await create(world, hostname="cars.example.org")).status == 200


async def test_location_fields_need_their_scope(world: World) -> None:
    fields = {"Location": {"interval_seconds": 10, "minimum_delta": 50}}
    answer = await create(world, fields=fields)
    assert (answer.status, answer.error) == (403, "Unauthorized missing scopes vehicle_location")
    along = {"Soc": {"interval_seconds": 10, "include_fields": ["GpsHeading"]}}
    answer = await create(world, fields=along)
    assert (answer.status, answer.error) == (403, "Unauthorized missing scopes vehicle_location")
    assert (await create(world, fields={"LocatedAtHome": {"interval_seconds": 1}})).status == 200
    world.sign_in(*CHARGING_SCOPES, "vehicle_location")
    assert (await create(world, fields=fields)).status == 200


async def test_device_data_is_needed(world: World) -> None:
    world.tesla.remove_scope(world.account, world.application, "vehicle_device_data")
    assert (await create(world)).status == 403


async def test_the_signature_counts(world: World) -> None:
    good = token(world.key, CONFIG)
    for spoilt in (good[:-2], good[:-8] + "AAAAAAAA", "x", "", 7):
        body = {"vins": [world.car.vin], "token": spoilt}
        answer = await world.api("POST", PATH, json=body)
        assert answer.status == 422
        assert "token" in answer.body["messages"]


async def test_a_car_without_the_key_is_skipped(world: World) -> None:
    world.car.keychain.remove(world.public_key)
    answer = await create(world)
    assert skipped(answer) == {"missing_key": [world.car.vin]}
    assert answer.response["updated_vehicles"] == 0
    assert (await read(world))["key_paired"] is False


async def test_a_disabled_key_is_no_key(world: World) -> None:
    world.car.keychain.disable(world.public_key)
    assert skipped(await create(world)) == {"missing_key": [world.car.vin]}


async def test_a_paired_key_that_is_not_the_applications_is_skipped(world: World) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    world.car.keychain.add(point(other))
    body = {"vins": [world.car.vin], "token": token(other, CONFIG)}
    assert skipped(await world.api("POST", PATH, json=body)) == {"missing_key": [world.car.vin]}


async def test_cars_that_cannot_stream_are_skipped(world: World) -> None:
    old = Car("LRW3E7EK0PC000111", name="Old", clock=world.tesla.clock, firmware="2024.20.9")
    legacy = Car(
        "5YJSA1E20HF000112", name="Legacy", clock=world.tesla.clock, protocol="not_supported"
    )
    for car in (old, legacy):
        world.tesla.add_car(world.account, car)
        car.keychain.add(world.public_key)
    vins = [world.car.vin, old.vin, legacy.vin]
    body = {"vins": vins, "token": token(world.key, CONFIG)}
    answer = await world.api("POST", PATH, json=body)
    assert answer.response["updated_vehicles"] == 1
    assert skipped(answer) == {
        "unsupported_firmware": [old.vin],
        "unsupported_hardware": [legacy.vin],
    }


@pytest.mark.parametrize(
    ("firmware", "skipped_for"), [("2025.20", {}), ("2025.19.9", "unsupported_firmware")]
)
async def test_an_intel_atom_car_streams_without_a_key_when_its_owner_lets_it(
    world: World, firmware: str, skipped_for: Any
) -> None:
    atom = Car(
        "5YJSA1E20HF000112",
        name="Atom",
        clock=world.tesla.clock,
        protocol="not_supported",
        firmware=firmware,
    )
    world.tesla.add_car(world.account, atom)
    world.tesla.telemetry(atom.vin).safety_screen_switch = True
    body = {"vins": [atom.vin], "token": token(world.key, CONFIG)}
    answer = await world.api("POST", PATH, json=body)
    assert skipped(answer) == ({skipped_for: [atom.vin]} if skipped_for else {})
    world.car = atom
    assert ((await read(world))["config"] is None) is bool(skipped_for)
    world.tesla.telemetry(atom.vin).safety_screen_switch = False
    assert (await read(world))["config"] is None


async def test_a_full_car_takes_no_further_application(world: World) -> None:
    handle = world.tesla.telemetry(world.car.vin)
    handle.other_configs = 4
    assert skipped(await create(world)) == {}
    assert (await read(world))["limit_reached"] is True
    assert skipped(await create(world, port=8443)) == {}, "the own place is no new one"
    handle.other_configs = 5
    await world.car_api("DELETE", "fleet_telemetry_config")
    assert skipped(await create(world)) == {"max_configs": [world.car.vin]}
    world.tesla.telemetry_slots = 6
    assert skipped(await create(world)) == {}


async def test_somebody_elses_car_fails_the_request(world: World) -> None:
    body = {"vins": [world.car.vin, "5YJ3E1EA8NF000999"], "token": token(world.key, CONFIG)}
    answer = await world.api("POST", PATH, json=body)
    assert (answer.status, answer.error) == (404, "5YJ3E1EA8NF000999 not_found")
    assert (await read(world))["config"] is None


async def test_the_unsigned_road_is_closed(world: World) -> None:
    body = {"vins": [world.car.vin], "config": CONFIG}
    answer = await world.api("POST", "vehicles/fleet_telemetry_config", json=body)
    assert answer.status == 412
    assert "Vehicle Command HTTP Proxy" in answer.error


async def test_every_call_is_a_data_request(world: World) -> None:
    await create(world)
    await create(world, port="443")
    await read(world)
    await world.car_api("GET", "fleet_telemetry_errors")
    await world.car_api("DELETE", "fleet_telemetry_config")
    assert world.tesla.billing.count("data") == 5
    assert world.tesla.billing.cost() == pytest.approx(0.01)
