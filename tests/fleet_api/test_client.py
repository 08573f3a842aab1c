"""The one door: tokens, regions, repeats, the meter."""

import asyncio

import aiohttp
import pytest

from custom_components.tesla_charging.fleet_api import (
    PRICES,
    UNITS_PER_DOLLAR,
    Category,
    ConsentRevoked,
    FleetApiClient,
    FleetApiError,
    InvalidApiAnswer,
    LoginRequired,
    MobileAccessDisabled,
    NotFound,
    Region,
    RequestRecord,
    Section,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    VehicleTimeout,
    client as client_module,
)
from custom_components.tesla_charging.fleet_api.operations import (
    SIGNED_COMMAND,
    VEHICLE,
    VEHICLE_DATA,
    WAKE_UP,
)
from simulator.cloud.fleet.billing import PRICES as BILLED_PRICES

from .world import TOKEN, VIN, FixedAuthorization, Hostile, World, http_answer, refused


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "RESEND_PAUSE", 0.0)


# -- the request --------------------------------------------------------------------------------------


async def test_what_a_request_looks_like(hostile: Hostile, client: FleetApiClient) -> None:
    hostile.answers = [http_answer(200, '{"response": 1}')]
    await client.request(VEHICLE_DATA, vin=VIN, params={"endpoints": "charge_state;drive_state"})
    await client.request(WAKE_UP, vin=VIN)
    await client.request(SIGNED_COMMAND, vin=VIN, body={"routable_message": "QQ=="})
    data, wake, command = hostile.received
    path = f"/na/api/1/vehicles/{VIN}"
    assert (data.method, data.body) == ("GET", b"")
    assert data.path == f"{path}/vehicle_data?endpoints=charge_state%3Bdrive_state"
    assert (wake.method, wake.path, wake.body) == ("POST", f"{path}/wake_up", b"{}")
    assert command.path == f"{path}/signed_command"
    assert command.body.replace(b" ", b"") == b'{"routable_message":"QQ=="}'
    for request in hostile.received:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["accept"] == "application/json"


# -- tokens -------------------------------------------------------------------------------------------


async def test_an_expired_token_is_renewed_once(world: World) -> None:
    world.tesla.clock.advance(8 * 3600 + 1)
    assert [car.vin for car in await world.vehicles.list()] == [VIN]
    assert world.sign_in.renewals == 1
    assert [record.status for record in world.requests] == [401, 200]


async def test_a_token_that_is_rejected_again_is_not_renewed_again(
    hostile: Hostile, client: FleetApiClient, authorization: FixedAuthorization
) -> None:
    hostile.answers = [http_answer(401, b"")]
    with refused(TokenRejected, authorization.token, f"1-{TOKEN[::-1]}"):
        await client.request(SIGNED_COMMAND, vin=VIN)
    assert authorization.rejected == [TOKEN]
    tokens = [request.headers["authorization"] for request in hostile.received]
    assert tokens == [f"Bearer {TOKEN}", f"Bearer 1-{TOKEN[::-1]}"]


@pytest.mark.parametrize("kind", [ConsentRevoked, LoginRequired, MobileAccessDisabled])
async def test_what_a_new_token_cannot_cure(kind: type[FleetApiError], world: World) -> None:
    if kind is ConsentRevoked:
        world.tesla.revoke_consent(world.account, world.application)
    elif kind is MobileAccessDisabled:
        world.car.mobile_access = False
    else:
        world.tesla.faults.status(401, "vehicle_data", body={"error": "login_required"})
    with refused(kind):
        await world.vehicles.data(VIN, (Section.CHARGE_STATE,))
    assert world.sign_in.renewals == 0
    assert len(world.requests) == 1


async def test_a_renewal_that_fails_ends_the_request(world: World) -> None:
    world.tesla.clock.advance(8 * 3600 + 1)
    world.tesla.faults.lose_request("/token")
    with refused(Unreachable):
        await world.client.request(SIGNED_COMMAND, vin=VIN)
    world.tesla.clock.advance(90 * 86400)
    with refused(LoginRequired):
        await world.client.request(SIGNED_COMMAND, vin=VIN)
    assert world.car.commands == []


async def test_what_every_request_came_to_is_told_once(
    hostile: Hostile, http: aiohttp.ClientSession, authorization: FixedAuthorization
) -> None:
    told: list[tuple[str, str | None, type | None]] = []
    client = FleetApiClient(
        http,
        authorization,
        hostile.endpoints,
        hostile.endpoints.regions[Region.NA],
        now=lambda: 0.0,
        on_outcome=lambda operation, vin, err: told.append(
            (operation.name, vin, type(err) if err else None)
        ),
    )
    hostile.answers = [
        http_answer(401, b""),  # repeated with another token
        http_answer(200, b'{"response": 1}'),
        http_answer(404, b"{}"),
    ]
    await client.request(VEHICLE, vin=VIN)
    with refused(NotFound):
        await client.request(VEHICLE_DATA, vin=VIN)
    assert told == [("vehicle", VIN, None), ("vehicle_data", VIN, NotFound)]


# -- repeats ------------------------------------------------------------------------------------------


async def test_a_command_to_a_car_that_was_slow_once_is_sent_again(world: World) -> None:
    world.tesla.faults.status(408, "signed_command", body={"error": "timeout"})
    with pytest.raises(FleetApiError):
        await world.client.request(SIGNED_COMMAND, vin=VIN, body={"routable_message": "AAAA"})
    assert world.requests[0].status == 408
    assert len(world.requests) == 2


@pytest.mark.parametrize("path", ["vehicle_data", "wake_up"])
async def test_what_costs_more_than_a_command_is_not_paid_twice(world: World, path: str) -> None:
    world.consent("openid", "vehicle_device_data", "vehicle_cmds")
    world.tesla.faults.status(408, path, body={"error": "timeout"}, times=None)
    with refused(VehicleTimeout):
        if path == "wake_up":
            await world.vehicles.wake_up(VIN)
        else:
            await world.vehicles.data(VIN, (Section.CHARGE_STATE,))
    assert len(world.requests) == 1


async def test_a_car_that_is_slow_again_is_left_alone(world: World) -> None:
    world.tesla.faults.status(408, body={"error": "timeout"}, times=None)
    with refused(VehicleTimeout):
        await world.client.request(SIGNED_COMMAND, vin=VIN)
    assert len(world.requests) == 2


async def test_what_may_have_been_done_is_not_repeated(world: World) -> None:
    world.consent("openid", "vehicle_device_data", "vehicle_cmds")
    world.car.sleep()
    world.tesla.faults.lose_answer_after("wake_up")
    with refused(Unreachable, may_have_executed=True):
        await world.vehicles.wake_up(VIN)
    assert world.tesla.billing.count("wake") == 1
    for status in (500, 502, 504, 540):
        world.tesla.faults.status(status, "wake_up")
        with pytest.raises(FleetApiError) as info:
            await world.vehicles.wake_up(VIN)
        assert info.value.may_have_executed
    assert world.tesla.billing.count("wake") == 5


async def test_every_remedy_has_its_bound(hostile: Hostile, client: FleetApiClient) -> None:
    there = hostile.endpoints.regions[Region.EU]
    moved = http_answer(421, f"use base URL: {there}")
    slow, stale = http_answer(408, b""), http_answer(401, b"")
    hostile.answers = [stale, moved, slow, slow, stale, moved, slow]
    with refused(VehicleTimeout):
        await client.request(SIGNED_COMMAND, vin=VIN)
    assert len(hostile.received) == 4


async def test_giving_up_leaves_no_request_behind(hostile: Hostile, client: FleetApiClient) -> None:
    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    hostile.answers = [silence]
    task = asyncio.create_task(client.request(SIGNED_COMMAND, vin=VIN))
    async with asyncio.timeout(5):
        while not hostile.received:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# -- the meter ----------------------------------------------------------------------------------------


def lines(requests: list[RequestRecord]) -> list[tuple[str, int | None, str | None, float]]:
    return [(r.operation.category, r.status, r.vin, r.price) for r in requests]


async def test_the_meter_shows_what_tesla_bills(world: World) -> None:
    world.consent("openid", "offline_access", "vehicle_device_data", "vehicle_cmds")
    vehicles, faults = world.vehicles, world.tesla.faults
    await vehicles.list()
    await vehicles.summary(VIN)
    await vehicles.data(VIN, set(Section) - {Section.LOCATION_DATA})
    await vehicles.fleet_status(VIN)
    await vehicles.wake_up(VIN)
    await world.client.find_region()
    world.tesla.clock.advance(8 * 3600 + 1)  # the token is old, and the car has gone to sleep
    await vehicles.fleet_status(VIN)
    refusals = (
        vehicles.data(VIN, [Section.CHARGE_STATE]),
        vehicles.signed_command(VIN, b"\xff"),
        vehicles.command(VIN, "charge_start", {}),
        vehicles.summary("5YJ3E1EA8NF000202"),
        vehicles.data(VIN, [Section.LOCATION_DATA]),
    )
    for refusal in refusals:
        with pytest.raises(FleetApiError):
            await refusal
    for status in (402, 408, 412, 429, 499, 500, 502, 503, 504, 540):
        faults.status(status, "fleet_status")
        with pytest.raises(FleetApiError):
            await vehicles.fleet_status(VIN)
        world.tesla.clock.advance(3600)
    await vehicles.list()
    for distort in (faults.malformed_json, faults.wrong_type, faults.huge):
        distort("wake_up")
        with pytest.raises(InvalidApiAnswer):
            await vehicles.wake_up(VIN)
    bill = world.tesla.billing
    assert lines(world.requests) == [
        (line.category, line.status, line.vin, line.price) for line in bill.requests
    ]
    assert sum(record.price for record in world.requests) == pytest.approx(bill.cost())
    assert bill.cost() > 0


def test_prices_are_the_simulators() -> None:
    assert {category.value: price for category, price in PRICES.items()} == {
        name: pytest.approx(price, rel=1e-12) for name, price in BILLED_PRICES.items()
    }
    assert set(UNITS_PER_DOLLAR) == set(Category) - {Category.FREE}


async def test_a_meter_is_not_needed(hostile: Hostile, client: FleetApiClient) -> None:
    hostile.answers = [http_answer(404, b"")]
    with refused(NotFound):
        await client.request(VEHICLE, vin=VIN)


@pytest.mark.parametrize("kept", [False, True], ids=["a new connection", "a kept one"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_is_lost_was_billed(world: World, method: str, kept: bool) -> None:
    ask = world.vehicles.mobile_enabled if method == "GET" else world.vehicles.fleet_status
    if kept:
        await world.vehicles.list()
    world.tesla.faults.lose_answer_after(times=None)
    with refused(Unreachable):
        await ask(VIN)
    # aiohttp sends a GET once more by itself when a connection breaks that it had kept
    bill = [line.price for line in world.tesla.billing.requests if line.category == "data"]
    assert len(bill) == (2 if method == "GET" else 1)
    assert [r.price for r in world.requests if r.status is None] == bill


async def test_a_request_that_may_have_been_lost_is_counted_to_be_safe(world: World) -> None:
    world.tesla.faults.lose_request(times=None)
    with refused(Unreachable):
        await world.vehicles.fleet_status(VIN)
    assert [(r.status, r.is_billed) for r in world.requests] == [(None, True)]
    assert world.tesla.billing.cost() == 0
    assert world.tesla.billing.lost.total() == 1


async def test_a_request_that_nobody_took_is_not_counted(world: World) -> None:
    await world.tesla.stop()
    with refused(Unreachable):
        await world.vehicles.fleet_status(VIN)
    assert world.requests == []


async def test_who_waits_no_more_has_asked_all_the_same(world: World) -> None:
    world.tesla.faults.delay_answer(0.3, "fleet_status")
    task = asyncio.create_task(world.vehicles.fleet_status(VIN))
    async with asyncio.timeout(5):
        while world.tesla.faults.rules:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.4)
    assert [(r.status, r.is_billed) for r in world.requests] == [(None, True)]
    assert world.tesla.billing.count("data") == 1


async def test_a_sleeping_car(world: World) -> None:
    world.car.sleep()
    with refused(VehicleAsleep):
        await world.vehicles.data(VIN, [Section.CHARGE_STATE])
    assert len(world.requests) == 1
