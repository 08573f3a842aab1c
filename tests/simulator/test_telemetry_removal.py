"""What ends a telemetry configuration, and what cars report about one."""

import pytest

from .telemetry_config import CONFIG, create, read
from .world import CHARGING_SCOPES, World


@pytest.fixture(autouse=True)
def paired(world: World) -> None:
    world.tesla.pair(world.car, world.public_key)


async def test_what_ends_a_configuration(world: World) -> None:
    async def gone() -> bool:
        return (await read(world))["config"] is None

    await create(world)
    world.car.keychain.remove(world.public_key)
    assert await gone(), "without the key"

    world.tesla.pair(world.car, world.public_key)
    assert await gone(), "and it does not come back with it"

    await create(world)
    world.tesla.revoke_consent(world.account, world.application)
    world.sign_in()
    assert await gone(), "without consent"

    world.tesla.pair(world.car, world.public_key)
    await create(world, exp=int(world.tesla.clock.now()) + 1000)
    assert not await gone()
    world.tesla.clock.advance(1001)
    assert await gone(), "after its time"


async def test_a_scope_that_is_needed_ends_it_and_another_does_not(world: World) -> None:
    world.sign_in(*CHARGING_SCOPES, "vehicle_location")
    await create(world)
    world.tesla.remove_scope(world.account, world.application, "vehicle_location")
    assert (await read(world))["config"] == CONFIG
    world.sign_in(*CHARGING_SCOPES, "vehicle_location")
    fields = {"Location": {"interval_seconds": 10}}
    assert (await create(world, fields=fields)).status == 200
    world.tesla.remove_scope(world.account, world.application, "vehicle_location")
    assert (await read(world))["config"] is None


async def test_the_billing_limit_ends_it_for_good(world: World) -> None:
    await create(world)
    world.tesla.exceed_billing_limit(world.application)
    assert (await world.api("GET", "vehicles")).status == 402
    world.tesla.raise_billing_limit(world.application)
    assert (await read(world))["config"] is None
    assert (await create(world)).response["updated_vehicles"] == 1


async def test_errors_of_the_cars_can_be_read(world: World) -> None:
    await create(world)
    handle = world.tesla.telemetry(world.car.vin)
    handle.report_error("config_manager_error", "it broke")
    answer = await world.car_api("GET", "fleet_telemetry_errors")
    lines = {line["error_name"]: line for line in answer.response["fleet_telemetry_errors"]}
    line = lines["config_manager_error"]
    assert line["error"] == "it broke"
    assert (line["name"], line["vin"]) == (world.application.client_id, world.car.vin)
    partner = await world.partner_token("eu")
    where = "partner_accounts/fleet_telemetry"
    answer = await world.api("GET", f"{where}_errors", token=partner)
    assert line in answer.response["fleet_telemetry_errors"]
    answer = await world.api("GET", f"{where}_error_vins", token=partner)
    assert answer.response == {"vins": [world.car.vin]}
    assert (await world.api("GET", f"{where}_errors")).status == 403
