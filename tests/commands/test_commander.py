"""The commander over real HTTP: what reaches a car, over which road, and what it costs at worst."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
import time

import aiohttp
import pytest

from custom_components.tesla_charging.commands.commander import VehicleCommander
from custom_components.tesla_charging.fleet_api import (
    Connectivity,
    FleetApiClient,
    MissingScope,
    RateLimited,
    VehicleAsleep,
    Vehicles,
    all_under,
)
from custom_components.tesla_charging.vehicle_command import COMMANDS, Outcome, VirtualKey
from simulator import Car, TeslaSimulator

VIN = "LRW3E7EK0PC000101"
SCOPES = ("openid", "vehicle_device_data", "vehicle_cmds")
START, STOP = COMMANDS["charge_start"](), COMMANDS["charge_stop"]()
LIMIT = COMMANDS["set_charge_limit"](percent=70)
PORT = COMMANDS["charge_port_door_open"]()


class SignIn:
    """Access tokens straight from the simulated sign-in."""

    def __init__(self, sign_in: Callable[[], dict[str, object]]) -> None:
        self._sign_in = sign_in
        self._token = str(sign_in()["access_token"])

    async def access_token(self) -> str:
        return self._token

    async def renew(self, rejected: str) -> None:
        self._token = str(self._sign_in()["access_token"])


@dataclass
class Road:
    """A car behind a simulated Tesla, and a commander whose waiting turns the simulated clock."""

    tesla: TeslaSimulator
    car: Car
    commander: VehicleCommander
    naps: list[float]

    @property
    def slept(self) -> float:
        return sum(self.naps)

    @property
    def wakes(self) -> int:
        return self.tesla.billing.count("wake")

    @property
    def commands(self) -> int:
        return self.tesla.billing.count("command")


async def build(
    tesla: TeslaSimulator, session: aiohttp.ClientSession, *, protocol: str = "required"
) -> Road:
    application = tesla.add_application("client-of-these-tests", "secret-of-these-tests")
    account = tesla.add_account("driver@example.com", region="eu")
    car = Car(VIN, name="Pearl", clock=tesla.clock, protocol=protocol)  # type: ignore[arg-type]  # a parameter of tests
    car.plug_in()
    key = VirtualKey.generate()
    tesla.add_car(account, car)
    tesla.register(application, key.public_key)
    tesla.pair(car, key.public_key)
    client = FleetApiClient(
        session,
        SignIn(lambda: tesla.sign_in(account, application, SCOPES)),
        all_under(tesla.base_url),
        tesla.region_url("eu"),
        now=time.monotonic,
    )
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        tesla.clock.advance(seconds)
        await asyncio.sleep(0)

    commander = VehicleCommander(
        VIN,
        Vehicles(client),
        key,
        now=tesla.clock.now,
        on_change=lambda: None,
        on_connectivity=lambda _: None,
        sleep=sleep,
    )
    return Road(tesla, car, commander, slept)


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def road(simulated_tesla: TeslaSimulator, session: aiohttp.ClientSession) -> Road:
    """A car that speaks the vehicle command protocol."""
    return await build(simulated_tesla, session)


@pytest.fixture
async def old_road(simulated_tesla: TeslaSimulator, session: aiohttp.ClientSession) -> Road:
    """A car from before the protocol: it takes plain REST commands."""
    return await build(simulated_tesla, session, protocol="not_supported")


# -- waking up -------------------------------------------------------------------------------------------


async def test_ten_commands_to_a_sleeping_car_are_one_wake_up(road: Road) -> None:
    road.car.sleep()
    requests = [COMMANDS["set_charge_limit"](percent=60 + n) for n in range(10)]
    results = await asyncio.gather(
        *(road.commander.send(request, believed_awake=False) for request in requests)
    )
    assert {result.outcome for result in results} == {Outcome.EXECUTED}
    assert (road.wakes, road.commands) == (1, 11)


async def test_ten_commands_to_a_car_that_never_wakes_are_one_wake_up_and_one_wait(
    road: Road,
) -> None:
    road.car.set_offline(True)
    results = await asyncio.gather(
        *(road.commander.send(STOP, believed_awake=False) for _ in range(10)),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {VehicleAsleep}
    assert (road.wakes, road.commands) == (1, 0)
    assert road.slept <= 90


async def test_a_command_every_minute_to_a_car_that_never_wakes_stays_cheap(road: Road) -> None:
    road.car.set_offline(True)
    for _ in range(6 * 60):
        with pytest.raises(VehicleAsleep):
            await road.commander.send(STOP, believed_awake=False)
        road.tesla.clock.advance(60)
    assert road.wakes <= 12
    assert road.commands == 0


async def test_a_car_that_was_given_up_is_woken_at_once_when_it_was_seen_again(road: Road) -> None:
    road.car.set_offline(True)
    for _ in range(10):
        with pytest.raises(VehicleAsleep):
            await road.commander.send(STOP, believed_awake=False)
        road.tesla.clock.advance(1000)
    road.car.set_offline(False)
    road.commander.record_connectivity(Connectivity.ONLINE)
    road.car.sleep()
    assert (await road.commander.send(STOP, believed_awake=False)).achieved


async def test_a_person_who_insists_gets_another_wake_up(road: Road) -> None:
    road.car.set_offline(True)
    for _ in range(3):
        with pytest.raises(VehicleAsleep):
            await road.commander.wake_up()
    assert road.wakes == 3
    road.tesla.billing.reset()
    results = await asyncio.gather(
        *(road.commander.wake_up() for _ in range(10)), return_exceptions=True
    )
    assert {type(result) for result in results} == {VehicleAsleep}
    assert road.wakes == 1


async def test_waking_a_car_that_is_awake_costs_nothing(road: Road) -> None:
    await road.commander.wake_up()
    assert road.tesla.billing.cost() == 0


async def test_a_cancelled_wake_up_is_carried_on_by_the_next_command(road: Road) -> None:
    road.car.sleep()
    asked = asyncio.Event()

    async def hang(_: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    sleep, road.commander.waker._sleep = road.commander.waker._sleep, hang
    first = asyncio.create_task(road.commander.send(STOP, believed_awake=False))
    await asyncio.wait_for(asked.wait(), 5)
    road.commander.waker._sleep = sleep
    second = asyncio.create_task(road.commander.send(LIMIT, believed_awake=False))
    await asyncio.sleep(0)
    first.cancel()
    assert (await asyncio.wait_for(second, 10)).outcome is Outcome.EXECUTED
    assert road.wakes == 1


async def test_a_lost_answer_to_the_wake_up_does_not_keep_from_waiting(road: Road) -> None:
    road.car.sleep()
    road.tesla.faults.lose_answer_after("wake_up")
    assert (await road.commander.send(STOP, believed_awake=False)).outcome is Outcome.EXECUTED
    assert road.wakes == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_failed_look_at_a_waking_car_does_not_give_it_up(road: Road, status: int) -> None:
    road.car.sleep()
    commander = road.commander
    sleep, polls = commander.waker._sleep, 0

    async def disturbed(seconds: float) -> None:
        nonlocal polls
        polls += 1
        if polls == 1:
            road.tesla.faults.status(status, f"vehicles/{VIN}", method="GET", times=1)
        await sleep(seconds)

    commander.waker._sleep = disturbed
    assert (await commander.send(STOP, believed_awake=False)).outcome is Outcome.EXECUTED
    assert road.wakes == 1


async def test_a_refused_wake_up_says_why_and_is_not_paid_again_at_once(road: Road) -> None:
    road.car.sleep()
    road.tesla.faults.status(
        403, "wake_up", body={"error": "Unauthorized missing scopes [vehicle_cmds]"}, times=None
    )
    for _ in range(3):
        with pytest.raises(MissingScope):
            await road.commander.send(STOP, believed_awake=False)
    assert road.wakes == 1


async def test_a_rate_limit_on_waking_is_told_as_such(road: Road) -> None:
    road.car.sleep()
    road.tesla.faults.status(429, "wake_up", headers={"Retry-After": "30"}, times=1)
    for _ in range(3):
        with pytest.raises(RateLimited):
            await road.commander.send(STOP, believed_awake=False)
    assert road.wakes == 1


# -- a car that is called online, but does not answer ----------------------------------------------------


@pytest.mark.parametrize("body", ["vehicle is offline", "timeout"])
async def test_a_car_that_is_online_but_never_answers_costs_a_bounded_few_requests(
    road: Road, body: str
) -> None:
    road.tesla.faults.status(408, "signed_command", body={"error": body}, times=None)
    with pytest.raises(Exception, match=body):
        await road.commander.send(STOP, believed_awake=True)
    assert road.wakes == 0
    assert road.commands <= 2
    assert road.slept <= 5


async def test_a_car_that_falls_asleep_behind_tesla_s_back_gets_a_moment(road: Road) -> None:
    """The list may lag: right after a refusal it still calls the car online."""
    road.tesla.faults.status(
        408, "signed_command", body={"error": "vehicle is offline or asleep"}, times=1
    )
    assert (await road.commander.send(STOP, believed_awake=True)).outcome is Outcome.EXECUTED
    assert road.slept > 0
    assert road.wakes == 0


async def test_a_car_that_just_woke_gets_a_moment_for_its_computers(road: Road) -> None:
    road.car.sleep()
    road.tesla.faults.status(408, "signed_command", body={"error": "timeout"}, times=2)
    assert (await road.commander.send(STOP, believed_awake=False)).outcome is Outcome.EXECUTED
    assert road.wakes == 1
    assert road.commands <= 4


# -- outcomes -------------------------------------------------------------------------------------------


async def test_a_command_whose_repetition_finds_the_car_asleep_has_an_open_outcome(
    road: Road,
) -> None:
    await road.commander.send(STOP, believed_awake=True)
    road.tesla.faults.lose_answer_after("signed_command", times=1)
    road.tesla.faults.status(408, "signed_command", body={"error": "vehicle is offline"}, times=1)
    result = await road.commander.send(START, believed_awake=True)
    assert result.outcome is Outcome.UNKNOWN
    assert road.car.commands[-1].name == "charge_start"


async def test_the_same_over_plain_rest(old_road: Road) -> None:
    await old_road.commander.send(STOP, believed_awake=True)
    old_road.tesla.faults.lose_answer_after("command/", times=1)
    old_road.tesla.faults.status(429, "command/", times=1)
    result = await old_road.commander.send(START, believed_awake=True)
    assert result.outcome is Outcome.UNKNOWN


# -- two roads ------------------------------------------------------------------------------------------


async def test_a_car_without_the_protocol_is_found_out_once(old_road: Road) -> None:
    assert (await old_road.commander.send(STOP, believed_awake=True)).outcome is Outcome.EXECUTED
    assert (old_road.commander.signed, old_road.commands) == (False, 2)
    assert (await old_road.commander.send(START, believed_awake=True)).outcome is Outcome.EXECUTED
    assert old_road.commands == 3


async def test_a_car_that_learned_the_protocol_is_found_out_once(road: Road) -> None:
    road.commander.signed = False
    assert (await road.commander.send(STOP, believed_awake=True)).outcome is Outcome.EXECUTED
    assert road.commander.signed is True


async def test_a_car_that_itself_refuses_unsigned_commands_gets_signed_ones(road: Road) -> None:
    road.commander.signed = False
    road.tesla.faults.status(
        200,
        "command/charge_stop",
        body={"response": {"result": False, "reason": "unsigned_cmds_hardlocked"}},
    )
    assert (await road.commander.send(STOP, believed_awake=True)).outcome is Outcome.EXECUTED
    assert road.commander.signed is True


async def test_a_tesla_that_wants_both_and_neither_is_asked_three_times_at_most(road: Road) -> None:
    road.tesla.faults.status(
        422,
        "signed_command",
        body={"error": "vehicle does not support signed commands"},
        times=None,
    )
    road.tesla.faults.status(
        403, "command/", body={"error": "Tesla Vehicle Command Protocol required"}, times=None
    )
    for _ in range(3):
        road.tesla.billing.reset()
        with pytest.raises(Exception, match="signed commands"):
            await road.commander.send(STOP, believed_awake=True)
        assert road.commands <= 3


async def test_a_second_telling_that_fails_leaves_the_outcome_open(road: Road) -> None:
    await road.commander.send(STOP, believed_awake=True)
    road.tesla.faults.delay(0.0, "signed_command")  # lets the first one pass
    road.tesla.faults.status(429, "signed_command")
    request = COMMANDS["set_charging_amps"](charging_amps=3)
    result = await road.commander.send(request, believed_awake=True)
    assert result.outcome is Outcome.UNKNOWN


# -- low currents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["required", "not_supported"])
async def test_a_current_below_five_amps_arrives(
    simulated_tesla: TeslaSimulator, session: aiohttp.ClientSession, protocol: str
) -> None:
    """The car takes it only from the second time on."""
    road = await build(simulated_tesla, session, protocol=protocol)
    for amps in (3, 8, 0):
        request = COMMANDS["set_charging_amps"](charging_amps=amps)
        result = await road.commander.send(request, believed_awake=True)
        assert result.outcome is Outcome.EXECUTED
        assert road.car.snapshot().charge_amps == amps
