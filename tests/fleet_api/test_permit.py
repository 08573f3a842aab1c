"""The wall: no attempt leaves without a permission of its own, and every permission is given back."""

from collections.abc import Callable
from contextlib import suppress
import time

import aiohttp
import pytest

from custom_components.tesla_charging.fleet_api import (
    FleetApiClient,
    FleetApiError,
    Operation,
    OverBudget,
    Region,
)
from custom_components.tesla_charging.fleet_api.operations import SIGNED_COMMAND, VEHICLE

from .world import VIN, FixedAuthorization, Hostile, http_answer

CAR_DID_NOT_ANSWER = http_answer(408, '{"error": "vehicle unavailable: timeout"}')


class Wall:
    """Lets a number of requests pass."""

    def __init__(self, most: int) -> None:
        self.asked: list[str] = []
        self.in_flight = 0
        self._most = most

    def permit(self, operation: Operation, vin: str | None) -> Callable[[], None]:
        if len(self.asked) >= self._most:
            raise OverBudget("too much", amount="1.00 EUR", until="2030-04-01")
        self.asked.append(operation.name)
        self.in_flight += 1
        return self._answered

    def _answered(self) -> None:
        self.in_flight -= 1


@pytest.fixture
def walled(
    hostile: Hostile, http: aiohttp.ClientSession, authorization: FixedAuthorization
) -> Callable[[int], tuple[Wall, FleetApiClient]]:
    """Return a client before which there is a wall."""

    def make(most: int) -> tuple[Wall, FleetApiClient]:
        wall, endpoints = Wall(most), hostile.endpoints
        client = FleetApiClient(
            http,
            authorization,
            endpoints,
            endpoints.regions[Region.NA],
            now=time.monotonic,
            permit=wall.permit,
        )
        return wall, client

    return make


type Walled = Callable[[int], tuple[Wall, FleetApiClient]]


async def test_what_is_not_permitted_is_not_sent(hostile: Hostile, walled: Walled) -> None:
    wall, client = walled(0)
    with pytest.raises(OverBudget) as info:
        await client.request(SIGNED_COMMAND, vin=VIN, body={})
    assert not info.value.may_have_executed
    assert hostile.received == []
    assert wall.in_flight == 0


async def test_a_repetition_needs_a_permission_of_its_own(hostile: Hostile, walled: Walled) -> None:
    hostile.answers = [CAR_DID_NOT_ANSWER]
    wall, client = walled(1)
    with pytest.raises(OverBudget):
        await client.request(SIGNED_COMMAND, vin=VIN, body={})
    assert len(hostile.received) == 1
    assert wall.in_flight == 0


@pytest.mark.parametrize(
    "answer",
    [http_answer(), http_answer(500), http_answer(429), http_answer(200, "no JSON"), b""],
    ids=["good", "failure", "refusal", "nonsense", "nothing"],
)
async def test_every_permission_is_given_back(
    hostile: Hostile, walled: Walled, answer: bytes
) -> None:
    hostile.answers = [answer]
    wall, client = walled(5)
    with suppress(FleetApiError):
        await client.request(VEHICLE, vin=VIN)
    assert wall.asked
    assert wall.in_flight == 0
