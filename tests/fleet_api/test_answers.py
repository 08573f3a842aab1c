"""What a status and a body mean, and how long a 429 lasts."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import random

import pytest

from custom_components.tesla_charging.fleet_api import (
    AccountUnpaid,
    ConsentRevoked,
    FleetApiClient,
    FleetApiError,
    Forbidden,
    InvalidApiAnswer,
    InvalidRequest,
    LoginRequired,
    MissingScope,
    MobileAccessDisabled,
    NotFound,
    NotRegistered,
    RateLimited,
    RegistrationFailed,
    Section,
    ServerFailure,
    SigningRequired,
    SigningUnsupported,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    VehicleInService,
    VehicleTimeout,
    VehicleUnsupported,
    WrongRegion,
    client as client_module,
)
from custom_components.tesla_charging.fleet_api.answers import failure, retry_after
from custom_components.tesla_charging.fleet_api.operations import (
    PRODUCTS,
    SIGNED_COMMAND,
    VEHICLE,
    WAKE_UP,
)

from .world import VIN, Hostile, World, http_answer, refused

PROTOCOL = "Tesla Vehicle Command Protocol required, please refer to the documentation here"

# Rows of (status, `error`, meaning, requests made of it); where the error is None the body is empty.
MEANINGS: tuple[tuple[int, str | None, type[FleetApiError], int], ...] = (
    (400, "invalid_command", InvalidRequest, 1),
    (400, "invalid_field", InvalidRequest, 1),
    (400, "unauthorized_client", InvalidRequest, 1),
    (401, None, TokenRejected, 2),
    (401, "token expired (401)", TokenRejected, 2),
    (401, "invalid bearer token", TokenRejected, 2),
    (401, "mobile_access_disabled", MobileAccessDisabled, 1),
    (401, "login_required", LoginRequired, 1),
    (401, "user revoked the consent", ConsentRevoked, 1),
    (401, "token revoked", ConsentRevoked, 1),
    (402, "payment required", AccountUnpaid, 1),
    (402, None, AccountUnpaid, 1),
    (403, "Unauthorized missing scopes [vehicle_cmds]", MissingScope, 1),
    (403, PROTOCOL, SigningRequired, 1),
    (403, "unsupported vehicle", VehicleUnsupported, 1),
    (403, "Account exceeded limit", AccountUnpaid, 1),
    (403, "forbidden", Forbidden, 1),
    (403, None, Forbidden, 1),
    (404, "not_found", NotFound, 1),
    (405, "invalid_method", InvalidRequest, 1),
    (406, "not_acceptable", InvalidRequest, 1),
    (408, "vehicle unavailable: vehicle is offline or asleep", VehicleAsleep, 1),
    (408, "vehicle is offline", VehicleAsleep, 1),
    (408, "timeout", VehicleTimeout, 2),
    (408, None, VehicleTimeout, 2),
    (412, "Not Supported", VehicleUnsupported, 1),
    (412, "Account must be registered in the current region", NotRegistered, 1),
    (421, "user out of region", WrongRegion, 1),
    (422, "vehicle does not support signed commands", SigningUnsupported, 1),
    (422, "invalid_field", InvalidRequest, 1),
    (423, "account locked", Forbidden, 1),
    (424, "Public key download failed", RegistrationFailed, 1),
    (405, "vehicle is currently in service", VehicleInService, 1),
    (429, "too many requests", RateLimited, 1),
    (451, "unavailable for legal reasons", Forbidden, 1),
    (499, "client closed request", Unreachable, 1),
    (500, "upstream internal error", ServerFailure, 1),
    (502, None, ServerFailure, 1),
    (503, "vehicle unavailable", VehicleAsleep, 1),
    (503, None, VehicleAsleep, 1),
    (504, None, ServerFailure, 1),
    (540, "vehicle_error", ServerFailure, 1),
)
IN_DOUBT = {499, 500, 502, 504, 540}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "RESEND_PAUSE", 0.0)


@pytest.mark.parametrize(("status", "error", "kind", "requests"), MEANINGS)
async def test_a_refusal_means_what_the_fact_sheet_says(
    status: int, error: str | None, kind: type[FleetApiError], requests: int, world: World
) -> None:
    body = "" if error is None else {"response": None, "error": error, "error_description": ""}
    faults = world.tesla.faults
    faults.status(status, "signed_command", body=body, headers={"x-txid": "abc-1"}, times=None)
    with refused(kind, may_have_executed=status in IN_DOUBT) as caught:
        await world.client.request(SIGNED_COMMAND, vin=VIN)
    assert (caught[0].status, caught[0].txid) == (status, "abc-1")
    assert len(world.requests) == requests
    assert world.car.commands == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(408, Unreachable), (503, ServerFailure), (500, ServerFailure), (404, NotFound)],
)
async def test_a_request_that_reaches_no_car_does_not_blame_one(
    status: int, kind: type[FleetApiError], world: World
) -> None:
    """The list and the summary are Tesla's own knowledge; they are free because no car is asked."""
    world.tesla.faults.status(status, body={"error": "timeout"}, times=None)
    for operation, vin in ((PRODUCTS, None), (VEHICLE, VIN)):
        with refused(kind):
            await world.client.request(operation, vin=vin)
    assert len(world.requests) == 2


async def test_a_503_for_a_command_is_no_doubt_but_an_unreadable_one_of_200_is(
    world: World,
) -> None:
    world.tesla.faults.status(503)
    with refused(VehicleAsleep, may_have_executed=False):
        await world.client.request(WAKE_UP, vin=VIN)
    world.consent("openid", "vehicle_device_data", "vehicle_cmds")
    for break_it in (world.tesla.faults.malformed_json, world.tesla.faults.huge):
        break_it("wake_up")
        with refused(InvalidApiAnswer, may_have_executed=True):
            await world.client.request(WAKE_UP, vin=VIN)


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ('{"error": "Unauthorized missing scopes [vehicle_cmds]"}', ("vehicle_cmds",)),
        (
            '{"error": "Unauthorized missing scopes [vehicle_charging_cmds, vehicle_cmds]"}',
            ("vehicle_charging_cmds", "vehicle_cmds"),
        ),
        (
            '{"error": "forbidden", "error_description": "missing scopes: [vehicle_location]"}',
            ("vehicle_location",),
        ),
        ("Unauthorized Missing Scope vehicle_location, ask for it", ("vehicle_location",)),
        ('{"error": "Unauthorized missing scopes []"}', ()),
        ('{"error": "Unauthorized missing scopes"}', ()),
    ],
)
def test_missing_scopes_are_named(body: str, scopes: tuple[str, ...]) -> None:
    err = failure(403, {}, body.encode(), about_vehicle=True)
    assert isinstance(err, MissingScope)
    assert err.scopes == scopes


async def test_the_simulators_missing_scope(world: World) -> None:
    world.consent("openid", "vehicle_device_data")
    with refused(MissingScope) as caught:
        await world.client.request(WAKE_UP, vin=VIN)
    assert isinstance(caught[0], MissingScope)
    assert caught[0].scopes == ("vehicle_cmds",)


def test_every_part_of_the_answer_is_read() -> None:
    body = b'{"error": "invalid_field", "error_description": "no", "messages": {"a": ["b", "c"]}}'
    err = failure(422, {}, body, about_vehicle=False)
    assert (err.detail, str(err)) == ("invalid_field: no: b c",) * 2
    assert failure(422, {}, b'{"txid": "t"}', about_vehicle=False).txid == "t"
    assert str(failure(404, {}, b"", about_vehicle=True)) == "NotFound"


# -- how long -----------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC)
DATE = {"Date": format_datetime(NOW, usegmt=True)}


def at(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


def unix(seconds: float) -> str:
    return f"{(NOW + timedelta(seconds=seconds)).timestamp():.0f}"


@pytest.mark.parametrize(
    ("headers", "after", "seconds"),
    [
        ({"Retry-After": "7"}, 99, 7),
        ({"Retry-After": "7.5"}, None, 7.5),
        ({"Retry-After": "0"}, None, 0),
        ({"Retry-After": at(90), **DATE}, None, 90),
        ({"Retry-After": "Sunday, 22-Nov-26 08:02:00 GMT", **DATE}, None, 120),
        ({"Retry-After": at(-90), **DATE}, None, 60),
        ({"Retry-After": at(90)}, None, 60),
        ({"Retry-After": at(90), "Date": "yesterday"}, 8, 8),
        ({"Retry-After": at(10_000_000), **DATE}, None, 86_400),
        ({}, 3, 3),
        ({}, "3", 3),
        ({"RateLimit-Reset": "12"}, None, 12),
        ({"RateLimit-Commands-Reset": "21"}, None, 21),
        ({"ratelimit-data-reset": "4", "RateLimit-Reset": "31"}, None, 31),
        ({"RateLimit-Commands-Reset": "soon"}, None, 60),
        ({"RateLimit-Commands-Limit": "30"}, None, 60),
        ({"Retry-After": "later", "RateLimit-Reset": "12"}, 3, 3),
        ({"Retry-After": "-5"}, None, 60),
        ({"Retry-After": "nan"}, None, 60),
        ({"Retry-After": "inf"}, None, 86_400),
        ({"Retry-After": "1e300"}, None, 86_400),
        ({"Retry-After": "9" * 400}, None, 86_400),
        ({"Retry-After": ""}, None, 60),
        ({"Retry-After": "\udcff"}, None, 60),
        ({}, True, 60),
        ({}, [3], 60),
        ({}, {"seconds": 3}, 60),
        ({}, None, 60),
        ({}, 1e400, 86_400),
        # points in time: by Tesla's clock, in seconds or milliseconds
        ({"RateLimit-Reset": unix(45), **DATE}, None, 45),
        ({"RateLimit-Reset": unix(45) + "000", **DATE}, None, 45),
        ({"X-RateLimit-Reset": unix(45) + ".5", **DATE}, None, 45.5),
        ({"RateLimit-Reset": at(50), **DATE}, None, 50),
        ({"Retry-After": unix(30), **DATE}, None, 30),
        ({**DATE}, float(unix(20)), 20),
        ({"RateLimit-Reset": unix(-45), **DATE}, None, 60),
        ({"RateLimit-Reset": unix(-45), "RateLimit-Data-Reset": "5", **DATE}, None, 5),
        ({"RateLimit-Reset": unix(10_000_000), **DATE}, None, 86_400),
    ],
)
def test_how_long_a_429_lasts(headers: dict[str, str], after: object, seconds: float) -> None:
    assert retry_after(headers, {"after": after}) == seconds


def test_no_date_is_too_strange() -> None:
    chance = random.Random(7)
    alphabet = '0123456789 :,-+()\\"SunNovGMTZ\udcff\x00²'
    for _ in range(3000):
        text = "".join(chance.choices(alphabet, k=chance.randrange(40)))
        assert 0 <= retry_after({"Retry-After": text, **DATE}, {}) <= 86_400
        assert 0 <= retry_after({"Retry-After": at(5), "Date": text}, {}) <= 86_400
    for year in ("0000", "0001", "9999", "99999999999"):
        text = f"Sun, 22 Nov {year} 08:00:00 GMT"
        assert 0 <= retry_after({"Retry-After": text, **DATE}, {}) <= 86_400


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({"error": "x"}, {"Retry-After": "9"}, 9),
        ({"after": 11}, {}, 11),
        ("", {"RateLimit-Commands-Reset": "13"}, 13),
        ("slow down", {}, 60),
    ],
)
async def test_nothing_of_that_category_leaves_before(
    body: object, headers: dict[str, str], seconds: int, world: World
) -> None:
    world.tesla.faults.status(429, "signed_command", body=body, headers=headers)
    for tick in (0, seconds - 1):
        world.tesla.clock.advance(tick)
        with refused(RateLimited) as caught:
            await world.client.request(SIGNED_COMMAND, vin=VIN)
        assert isinstance(caught[0], RateLimited)
        assert caught[0].retry_after == pytest.approx(seconds - tick, abs=0.5)
    with refused(RateLimited):
        await world.vehicles.command(VIN, "charge_stop", {})
    assert world.tesla.billing.count() == 1
    await world.vehicles.summary(VIN)  # another category
    assert world.tesla.billing.count() == 2
    world.tesla.clock.advance(1)
    with refused(InvalidRequest):
        await world.vehicles.signed_command(VIN, b"\xff")
    assert world.tesla.billing.count() == 3


async def test_a_point_in_time_counts_by_our_clock_if_the_answer_has_no_date() -> None:
    text = f"{datetime.now(UTC).timestamp() + 300:.3f}"
    assert retry_after({"RateLimit-Reset": text}, {}) == pytest.approx(300, abs=5)


async def test_no_block_lasts_longer_than_an_hour_without_a_try(world: World) -> None:
    sent = world.tesla.billing.count
    faults = world.tesla.faults

    async def command() -> FleetApiError | None:
        try:
            await world.vehicles.signed_command(VIN, b"\xff")
        except FleetApiError as err:
            return err
        return None

    faults.status(429, "signed_command", headers={"Retry-After": "80000"})
    await command()
    for minutes in (1, 57):
        world.tesla.clock.advance(minutes * 60)
        refusal = await command()
        assert isinstance(refusal, RateLimited)
        assert refusal.retry_after <= 3600
    assert sent() == 1
    # the one that is tried is refused too, and the others do not go along
    world.tesla.clock.advance(120)
    faults.status(429, "signed_command", headers={"Retry-After": "80000"})
    await command()
    await command()
    assert sent() == 2
    # neither a lost answer nor another failure is a reason to wait
    world.tesla.clock.advance(3600)
    faults.status(500, "signed_command")
    assert type(await command()) is ServerFailure
    assert type(await command()) is InvalidRequest
    assert sent() == 4
    # a try is believed also if it names a shorter time
    faults.status(429, "signed_command", headers={"Retry-After": "80000"})
    await command()
    world.tesla.clock.advance(3600)
    faults.status(429, "signed_command", headers={"Retry-After": "10"})
    await command()
    world.tesla.clock.advance(11)
    assert type(await command()) is InvalidRequest


async def test_only_data_that_a_user_wants_are_tried_before_the_end(world: World) -> None:
    world.tesla.faults.status(429, "vehicle_data", headers={"Retry-After": "80000"})
    sections = (Section.CHARGE_STATE,)
    with refused(RateLimited):
        await world.vehicles.data(VIN, sections)
    world.tesla.clock.advance(3601)
    with refused(RateLimited):
        await world.vehicles.data(VIN, sections)
    assert world.tesla.billing.count() == 1
    world.car.wake()
    world.tesla.clock.advance(60)
    await world.vehicles.data(VIN, sections, insist=True)
    await world.vehicles.data(VIN, sections)


async def test_a_date_in_retry_after_over_http(world: World) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    world.tesla.faults.status(429, headers={"Retry-After": date})
    with refused(RateLimited) as caught:
        await world.vehicles.list()
    assert isinstance(caught[0], RateLimited)
    assert 95 < caught[0].retry_after <= 100


async def test_the_longest_of_several_rests_counts(
    hostile: Hostile, client: FleetApiClient
) -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(http_answer(429, b"", {"Retry-After": "5"}))

    hostile.answers = [late, http_answer(429, b"", {"Retry-After": "50"})]
    both = (client.request(SIGNED_COMMAND, vin=VIN), client.request(SIGNED_COMMAND, vin=VIN))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(r.retry_after for r in results if isinstance(r, RateLimited)) == [5, 50]
    with refused(RateLimited) as caught:
        await client.request(SIGNED_COMMAND, vin=VIN)
    assert isinstance(caught[0], RateLimited)
    assert caught[0].retry_after > 45
    assert len(hostile.received) == 2


async def test_the_simulators_own_limit(world: World) -> None:
    world.consent("openid", "vehicle_device_data", "vehicle_cmds")
    for _ in range(3):
        await world.vehicles.wake_up(VIN)
    with refused(RateLimited) as caught:
        await world.vehicles.wake_up(VIN)
    assert isinstance(caught[0], RateLimited)
    assert 0 < caught[0].retry_after <= 60
    sent = len(world.requests)
    world.tesla.clock.advance(caught[0].retry_after)
    await world.vehicles.wake_up(VIN)
    assert len(world.requests) == sent + 1
