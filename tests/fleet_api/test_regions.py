"""Where an account lives: found out from Tesla, and never believed beyond Tesla's own places."""

import asyncio

import orjson
import pytest

from custom_components.tesla_charging.fleet_api import (
    FleetApiClient,
    InvalidApiAnswer,
    Region,
    WrongRegion,
)
from custom_components.tesla_charging.fleet_api.operations import PRODUCTS

from .world import VIN, Hostile, World, http_answer, refused


async def test_the_right_region_is_found_by_being_in_the_wrong_one(world: World) -> None:
    eu = world.client.base_url
    world.client.base_url = world.tesla.region_url("na")
    assert [car.vin for car in await world.vehicles.list()] == [VIN]
    assert world.client.base_url == eu
    assert world.moves == [eu]
    await world.vehicles.list()
    assert [record.status for record in world.requests] == [421, 200, 200]


async def test_requests_that_learn_of_the_region_together(world: World) -> None:
    eu = world.client.base_url
    world.client.base_url = world.tesla.region_url("na")
    lists = await asyncio.gather(*(world.vehicles.list() for _ in range(5)))
    assert all(cars[0].vin == VIN for cars in lists)
    assert world.moves == [eu]


async def test_the_region_can_be_asked_for(world: World) -> None:
    eu = world.client.base_url
    assert await world.client.find_region() is Region.EU
    assert world.moves == []
    world.client.base_url = world.tesla.region_url("na")
    assert await world.client.find_region() is Region.EU
    assert (world.client.base_url, world.moves) == (eu, [eu])


STRANGERS = (
    "https://evil.example.com",
    "https://evil.tesla.com.evil.example.com",
    "https://eviltesla.com",
    "https://user@fleet-api.prd.eu.vn.cloud.tesla.com.evil.example.com",
    "http://127.0.0.1:9/eu",
    "ftp://127.0.0.1/eu",
    "//127.0.0.1/eu",
    "https://",
    "",
)


@pytest.mark.parametrize("url", STRANGERS)
async def test_the_token_goes_to_no_stranger(
    url: str, hostile: Hostile, client: FleetApiClient
) -> None:
    before = client.base_url
    hostile.answers = [
        http_answer(421, f'{{"error": "user out of region, use base URL: {url}, see /"}}')
    ]
    with refused(WrongRegion):
        await client.request(PRODUCTS)
    hostile.answers = [http_answer(200, f'{{"response": {{"fleet_api_base_url": "{url}"}}}}')]
    with refused(InvalidApiAnswer):
        await client.find_region()
    assert client.base_url == before
    assert len(hostile.received) == 2


@pytest.mark.parametrize("url", [None, 7, ["x"], {}, True, "\u0000", "https://[", "x" * 900_000])
async def test_a_region_that_is_no_url(
    url: object, hostile: Hostile, client: FleetApiClient
) -> None:
    for response in ({"fleet_api_base_url": url}, url, [url]):
        hostile.answers = [http_answer(200, orjson.dumps({"response": response}))]
        with refused(InvalidApiAnswer):
            await client.find_region()


async def test_two_regions_that_blame_each_other(hostile: Hostile, client: FleetApiClient) -> None:
    there = hostile.endpoints.regions[Region.EU]
    here = hostile.endpoints.regions[Region.NA]
    hostile.answers = [
        http_answer(421, f'{{"error": "use base URL: {url}, thank you"}}')
        for url in (there, here, there)
    ]
    with refused(WrongRegion):
        await client.request(PRODUCTS)
    assert [request.path for request in hostile.received] == [
        "/na/api/1/products",
        "/eu/api/1/products",
    ]


async def test_a_region_that_blames_itself(hostile: Hostile, client: FleetApiClient) -> None:
    hostile.answers = [http_answer(421, f"use base URL: {client.base_url}")]
    with refused(WrongRegion):
        await client.request(PRODUCTS)
    assert len(hostile.received) == 1


@pytest.mark.parametrize(
    "text",
    [
        "use base URL: {}",
        "use base URL: {}.",
        "use base URL: {}/, see https://developer.tesla.com.evil.example.com/",
        'use base URL: \\"{}\\"',
        "use <{}> (or {})",
    ],
)
async def test_a_base_url_is_found_among_words(
    text: str, hostile: Hostile, client: FleetApiClient
) -> None:
    there = hostile.endpoints.regions[Region.EU]
    error = text.replace("{}", there)
    hostile.answers = [
        http_answer(421, f'{{"error": "{error}"}}'),
        http_answer(200, '{"response": []}'),
    ]
    await client.request(PRODUCTS)
    assert client.base_url == there
