"""Schedules over HTTP: what Tesla answers, and what a test or a person switches."""

from typing import Any

import pytest

from simulator import OtherReading, Quirk

from ..world import Answer, World
from .days import HOME

TOLD: dict[str, Any] = {
    "id": 7,
    "days_of_week": "All",
    "enabled": True,
    "start_enabled": True,
    "start_time": 120,
    "end_enabled": False,
    "lat": HOME[0],
    "lon": HOME[1],
}


async def control(world: World, action: str, **body: Any) -> Answer:
    url = f"{world.tesla.base_url}/_sim/cars/{world.car.vin}/{action}"
    return await world.request("POST", url, json=body)


@pytest.mark.parametrize("name", ["add_charge_schedule", "remove_charge_schedule"])
async def test_an_unsigned_schedule_is_not_supported_where_signing_is_required(
    world: World, name: str
) -> None:
    world.sign_in()
    answer = await world.car_api("POST", f"command/{name}", json=TOLD)
    assert (answer.status, answer.error) == (412, "Not Supported")
    world.car.protocol = "not_supported"
    assert (await world.car_api("POST", "command/add_charge_schedule", json=TOLD)).response[
        "result"
    ]


async def test_readings_are_switched_from_outside(world: World) -> None:
    listed = (await world.request("GET", f"{world.tesla.base_url}/_sim/readings")).body
    assert listed.keys() == {str(reading) for reading in OtherReading}
    assert listed["plug_in_within_six_hours"]["seconds"] == 6 * 3600
    assert (await control(world, "quirk", name="to_the_minute")).status == 200
    assert OtherReading.TO_THE_MINUTE in world.car.quirks
    assert (await control(world, "quirk", name="to_the_minute", on=False)).status == 200
    assert list(world.car.quirks) == []


async def test_the_owners_app_the_sun_and_the_place_are_switched_from_outside(world: World) -> None:
    car = world.car
    assert (await control(world, "in_app", name="add_charge_schedule", body=TOLD)).status == 200
    data = car.vehicle_data(frozenset({"charge_schedule_data"}))["charge_schedule_data"]
    assert isinstance(data["charge_schedules"], list)
    assert data["charge_schedules"][0]["start_time"] == 120
    assert (await control(world, "in_app", name="add_charge_schedule", body={})).status == 422
    assert (await control(world, "time_zone", name="Europe/Lisbon")).status == 200
    assert str(car.time_zone) == "Europe/Lisbon"
    assert (await control(world, "time_zone", name="Nowhere/Town")).status == 422
    car.quirks.add(Quirk.CHARGES_ON_SOLAR)
    car.plug_in()
    assert car.ac_kw == 0
    assert (await control(world, "solar_surplus", kw=5.0)).status == 200
    assert car.ac_kw == pytest.approx(7 * 0.69)
