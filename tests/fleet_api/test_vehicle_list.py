"""Whether a list of cars is all of them: only then may a car that is not in it be missed."""

import json
from typing import Any

import pytest

from custom_components.tesla_charging.fleet_api import FleetApiClient, Vehicles

from .world import Hostile, World

VIN, OTHER_VIN = "LRW3E7EK0PC000101", "5YJ3E1EA8NF000202"


def says(hostile: Hostile, body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    hostile.answers = [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % len(raw) + raw
    ]


async def test_tesla_s_own_list_is_complete(world: World) -> None:
    listed = await world.vehicles.listed()
    assert listed.is_complete
    assert [car.vin for car in listed.cars] == [world.car.vin]
    world.tesla.remove_car(world.account, world.car.vin)
    assert (await world.vehicles.listed()).cars == ()


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        ({"response": [], "count": 0}, True),
        ({"response": []}, True),
        ({"response": [{"vin": VIN}], "count": 1}, True),
        ({"response": [{"vin": VIN}, {"energy_site_id": 7}], "count": 2}, True),
        ({"response": [{"vin": VIN}], "pagination": {"next": None}}, True),
        ({"response": [{"vin": VIN}], "count": 2}, False),
        ({"response": [{"vin": VIN}], "count": "1"}, False),
        ({"response": [{"vin": VIN}], "count": None}, False),
        ({"response": [{"vin": VIN}], "count": 1, "pagination": {"next": 2}}, False),
        ({"response": [{"vin": VIN}, {"vin": None}], "count": 2}, False),
        ({"response": [{"vin": VIN}, {"vehicle_id": 1}], "count": 2}, False),
        ({"response": [{"vin": VIN}, None], "count": 2}, False),
        ({"response": [{"vin": f"LRW3E7EK0PC{n:06}"} for n in range(201)], "count": 201}, False),
    ],
)
async def test_what_makes_a_list_complete(
    body: dict[str, Any], complete: bool, hostile: Hostile, client: FleetApiClient
) -> None:
    says(hostile, body)
    assert (await Vehicles(client).listed()).is_complete is complete


async def test_a_name_that_its_owner_gave_is_told_from_one_that_stands_in(
    hostile: Hostile, client: FleetApiClient
) -> None:
    says(hostile, {"response": [{"vin": VIN, "display_name": "Pearl"}, {"vin": OTHER_VIN}]})
    named, nameless = await Vehicles(client).list()
    assert named.has_name
    assert not nameless.has_name
