"""Vehicle list, summary, live data, wake-up, key status."""

import pytest

from simulator import Car
from simulator.car import SECTIONS as CAR_SECTIONS
from simulator.cloud.fleet.vehicles import SECTIONS

from .world import CHARGING_SCOPES, World


async def test_the_list_shows_the_car(world: World) -> None:
    answer = await world.api("GET", "vehicles")
    (car,) = answer.response
    assert car["vin"] == world.car.vin
    assert car["display_name"] == "Pearl"
    assert car["state"] == "online"
    assert car["access_type"] == "OWNER"
    assert car["id_s"] == str(car["id"])
    assert answer.body["count"] == 1
    assert answer.body["pagination"] == {
        "previous": None,
        "next": None,
        "current": 1,
        "per_page": 100,
        "count": 1,
        "pages": 1,
    }


async def test_the_list_has_pages(world: World) -> None:
    for number in range(4):
        car = Car(f"5YJ3E1EA8NF00020{number}", name=f"Car {number}", clock=world.tesla.clock)
        world.tesla.add_car(world.account, car)
    answer = await world.api("GET", "vehicles?page=3&per_page=2")
    assert [car["display_name"] for car in answer.response] == ["Car 3"]
    assert answer.body["pagination"] == {
        "previous": 2,
        "next": None,
        "current": 3,
        "per_page": 2,
        "count": 5,
        "pages": 3,
    }
    assert (await world.api("GET", "vehicles?page=0")).status == 400
    assert (await world.api("GET", "vehicles?page=x")).status == 400


async def test_products_tell_what_signing_a_car_wants(world: World) -> None:
    (product,) = (await world.api("GET", "products")).response
    assert product["device_type"] == "vehicle"
    assert product["command_signing"] == "required"


async def test_a_car_goes_by_vin_and_by_id(world: World) -> None:
    by_vin = (await world.api("GET", f"vehicles/{world.car.vin}")).response
    assert (await world.api("GET", f"vehicles/{by_vin['id']}")).response == by_vin


async def test_the_summary_does_not_wake_the_car(world: World) -> None:
    world.car.sleep()
    assert (await world.car_api("GET", "")).response["state"] == "asleep"
    assert (await world.api("GET", "vehicles")).response[0]["state"] == "asleep"
    assert world.car.state == "asleep"


async def test_vehicle_data_holds_the_sections_asked_for(world: World) -> None:
    answer = await world.car_api("GET", "vehicle_data?endpoints=charge_state%3Bdrive_state")
    assert answer.status == 200
    assert answer.response["vin"] == world.car.vin
    assert answer.response["charge_state"]["charging_state"] == "Disconnected"
    assert "drive_state" in answer.response
    assert "climate_state" not in answer.response
    plain = await world.car_api("GET", "vehicle_data?endpoints=charge_state;drive_state")
    assert plain.response.keys() == answer.response.keys()


async def test_vehicle_data_leaves_location_out_by_default(world: World) -> None:
    world.sign_in("openid", "vehicle_device_data", "vehicle_location")
    data = (await world.car_api("GET", "vehicle_data")).response
    assert {"charge_state", "vehicle_state", "vehicle_config", "gui_settings"} <= data.keys()
    assert "latitude" not in data["drive_state"]
    assert "location_data" not in data


@pytest.mark.parametrize(("firmware", "told"), [("2023.32.9", True), ("2023.38", False)])
async def test_old_firmware_tells_its_location_unasked_to_who_may_know(
    world: World, firmware: str, told: bool
) -> None:
    world.car.install_firmware(firmware)
    answer = await world.car_api("GET", "vehicle_data")
    assert "latitude" not in answer.response["drive_state"]
    world.sign_in(*CHARGING_SCOPES, "vehicle_location")
    answer = await world.car_api("GET", "vehicle_data")
    assert ("latitude" in answer.response["drive_state"]) is told


async def test_location_needs_its_scope(world: World) -> None:
    path = "vehicle_data?endpoints=charge_state;location_data"
    refused = await world.car_api("GET", path)
    assert refused.status == 403
    assert refused.error == "Unauthorized missing scopes [vehicle_location]"
    world.sign_in("openid", "vehicle_device_data", "vehicle_location")
    data = (await world.car_api("GET", path)).response
    assert data["drive_state"]["latitude"] == pytest.approx(52.0)
    assert "location_data" not in data
    assert "shift_state" not in data["drive_state"]


async def test_a_private_driver_has_no_location(world: World) -> None:
    world.sign_in("openid", "vehicle_device_data", "vehicle_location")
    world.account.garage[0].hide_private = True
    data = (await world.car_api("GET", "vehicle_data?endpoints=drive_state;location_data")).response
    assert "latitude" not in data["drive_state"]
    assert data["granular_access"] == {"hide_private": True}


@pytest.mark.parametrize("endpoints", ["nonsense", "charge_state,drive_state", "charge_state;x"])
async def test_an_unknown_section_is_refused(world: World, endpoints: str) -> None:
    answer = await world.car_api("GET", f"vehicle_data?endpoints={endpoints}")
    assert answer.status == 400
    assert "endpoints" in answer.body["messages"]


async def test_every_documented_section_can_be_had(world: World) -> None:
    world.sign_in("openid", "vehicle_device_data", "vehicle_location")
    assert frozenset(CAR_SECTIONS) >= SECTIONS
    for section in SECTIONS | {"vehicle_data_combo"}:
        assert (await world.car_api("GET", f"vehicle_data?endpoints={section}")).status == 200


@pytest.mark.parametrize("state", ["asleep", "offline"])
async def test_there_is_no_data_from_a_car_out_of_reach(world: World, state: str) -> None:
    if state == "asleep":
        world.car.sleep()
    else:
        world.car.set_offline(True)
    answer = await world.car_api("GET", "vehicle_data")
    assert answer.status == 408
    assert answer.error == "vehicle unavailable: vehicle is offline or asleep"
    assert world.car.state == state


async def test_waking_takes_a_while(world: World) -> None:
    world.car.sleep()
    answer = await world.car_api("POST", "wake_up")
    assert answer.response["state"] == "asleep"
    world.tesla.clock.advance(6)
    assert (await world.car_api("GET", "")).response["state"] == "online"
    assert (await world.car_api("GET", "vehicle_data")).status == 200


async def test_waking_needs_vehicle_cmds(world: World) -> None:
    world.sign_in("openid", "vehicle_device_data", "vehicle_charging_cmds")
    answer = await world.car_api("POST", "wake_up")
    assert answer.error == "Unauthorized missing scopes [vehicle_cmds]"
    world.tesla.wake_with_charging_scope = True
    assert (await world.car_api("POST", "wake_up")).status == 200


async def test_mobile_access_can_be_switched_off(world: World) -> None:
    assert (await world.car_api("GET", "mobile_enabled")).response["result"] is True
    world.car.mobile_access = False
    assert (await world.car_api("GET", "mobile_enabled")).response["result"] is False
    refused = await world.car_api("GET", "vehicle_data")
    assert (refused.status, refused.error) == (401, "mobile_access_disabled")
    assert (await world.car_api("POST", "wake_up")).status == 401


async def test_the_key_status_of_one_car(world: World) -> None:
    asked = {"vins": [world.car.vin]}
    answer = await world.api("POST", "vehicles/fleet_status", json=asked)
    assert answer.response == {
        "key_paired_vins": [],
        "unpaired_vins": [world.car.vin],
        "vehicle_info": {
            world.car.vin: {
                "firmware_version": "2026.32.6",
                "vehicle_command_protocol_required": True,
                "discounted_device_data": False,
                "fleet_telemetry_version": "1.3.0",
                "total_number_of_keys": 0,
                "safety_screen_streaming_toggle_enabled": None,
            }
        },
    }
    world.tesla.pair(world.car, world.public_key)
    answer = await world.api("POST", "vehicles/fleet_status", json=asked)
    assert answer.response["key_paired_vins"] == [world.car.vin]
    assert answer.response["unpaired_vins"] == []
    assert answer.response["vehicle_info"][world.car.vin]["total_number_of_keys"] == 1


async def test_the_key_status_of_two_cars_has_no_discount(world: World) -> None:
    other = Car("5YJSA1E20HF000303", name="Old", clock=world.tesla.clock, protocol="not_supported")
    world.tesla.add_car(world.account, other)
    asked = {"vins": [world.car.vin, other.vin]}
    info = (await world.api("POST", "vehicles/fleet_status", json=asked)).response["vehicle_info"]
    assert "discounted_device_data" not in info[other.vin]
    assert info[other.vin]["vehicle_command_protocol_required"] is False
    assert info[other.vin]["fleet_telemetry_version"] is None


@pytest.mark.parametrize("vins", [None, [], "x", [7], [["x"]], ["x"] * 101])
async def test_bad_lists_of_vins_are_refused(world: World, vins: object) -> None:
    answer = await world.api("POST", "vehicles/fleet_status", json={"vins": vins})
    assert answer.status == 422
    assert "vins" in answer.body["messages"]


async def test_the_person_behind_the_token(world: World) -> None:
    assert (await world.api("GET", "users/me")).status == 403
    world.sign_in("openid", "user_data")
    me = (await world.api("GET", "users/me")).response
    assert me["email"] == "driver@example.com"
    assert me["vault_uuid"] == world.account.sub
