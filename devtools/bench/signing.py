"""Signed commands: time and requests, ours beside the library that Home Assistant's own integration uses.

Both clients sign for cars of one simulated Tesla. The time is the client's own: what the car needs to verify
and execute is measured and taken off. Requests are counted by the simulated Tesla, over HTTP.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
import statistics
import time
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from tesla_fleet_api import TeslaFleetApi
from tesla_fleet_api.tesla.vehicle.signed import VehicleSigned

from custom_components.tesla_charging.fleet_api import FleetApiClient, Vehicles, all_under
from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    CommandSender,
    Outcome,
    VirtualKey,
)
from simulator import Car, TeslaSimulator

VINS = ("LRW3E7EK0PC000101", "5YJ3E1EA8NF000202")
ROUNDS = 40
COMMANDS_PER_ROUND = 25

type SetLimit = Callable[[int], Awaitable[None]]


@dataclass(slots=True)
class Stopwatch:
    """Time that the car spent, to be taken off."""

    car: Car
    seconds: float = 0.0

    def exchange(self, message: bytes) -> bytes:
        """Hand a message to the car."""
        started = time.perf_counter()
        answer = self.car.exchange(message)
        self.seconds += time.perf_counter() - started
        assert answer is not None
        return answer


class _Parent:
    """What VehicleSigned needs of its API object, with the car behind it."""

    def __init__(self, watch: Stopwatch, private_key: ec.EllipticCurvePrivateKey) -> None:
        self.private_key = private_key
        self._watch = watch

    async def _request(self, _method: str, _path: str, json: dict[str, str]) -> dict[str, str]:
        answer = self._watch.exchange(base64.b64decode(json["routable_message"]))
        return {"response": base64.b64encode(answer).decode()}


def _ours(watch: Stopwatch, private_key: ec.EllipticCurvePrivateKey) -> SetLimit:
    async def carry(message: bytes) -> bytes:
        # the same detour over base64 that the other side's transport takes
        sent = base64.b64decode(base64.b64encode(message))
        return base64.b64decode(base64.b64encode(watch.exchange(sent)))

    sender = CommandSender(watch.car.vin, VirtualKey(private_key), carry, now=time.time)

    async def set_limit(percent: int) -> None:
        result = await sender.send(COMMANDS["set_charge_limit"](percent=percent))
        assert result.outcome is Outcome.EXECUTED, result

    return set_limit


def _theirs(watch: Stopwatch, private_key: ec.EllipticCurvePrivateKey) -> SetLimit:
    vehicle: VehicleSigned[Any] = VehicleSigned(_Parent(watch, private_key), watch.car.vin)

    async def set_limit(percent: int) -> None:
        answer = await vehicle.set_charge_limit(percent)
        assert answer["response"]["result"], answer

    return set_limit


async def _microseconds(set_limit: SetLimit, watch: Stopwatch) -> float:
    """Return the client's own time per command, microseconds."""
    watch.seconds = 0.0
    started = time.perf_counter()
    for n in range(COMMANDS_PER_ROUND):
        await set_limit(60 + n)
    return (time.perf_counter() - started - watch.seconds) / COMMANDS_PER_ROUND * 1e6


@dataclass(slots=True)
class World:
    """One simulated Tesla with a car for each client."""

    tesla: TeslaSimulator
    http: aiohttp.ClientSession
    token: str
    keys: dict[str, ec.EllipticCurvePrivateKey]

    def forget(self) -> None:
        """Start counting anew."""
        self.tesla.billing.reset()

    @property
    def requests(self) -> int:
        """Requests since then."""
        return len(self.tesla.billing.requests)


@asynccontextmanager
async def _world() -> AsyncIterator[World]:
    async with TeslaSimulator() as tesla, aiohttp.ClientSession() as http:
        tesla.limits_enabled = False
        application = tesla.add_application("bench", "bench-secret")
        account = tesla.add_account("bench@example.com", region="eu")
        private_key = ec.generate_private_key(ec.SECP256R1())
        tesla.register(application, VirtualKey(private_key).public_key)
        keys = {}
        for vin in VINS:
            car = Car(vin, name=vin, clock=tesla.clock, sleep_after=None)
            tesla.add_car(account, car)
            tesla.pair(car, VirtualKey(private_key).public_key)
            keys[vin] = private_key
        token = str(tesla.sign_in(account, application)["access_token"])
        yield World(tesla, http, token, keys)


class _Token:
    def __init__(self, token: str) -> None:
        self._token = token

    async def access_token(self) -> str:
        return self._token

    async def renew(self, rejected: str) -> None:
        raise RuntimeError("the bench's token does not expire")


async def _our_requests(world: World) -> dict[str, int]:
    vin = VINS[0]
    endpoints = all_under(world.tesla.base_url)
    client = FleetApiClient(
        world.http, _Token(world.token), endpoints, world.tesla.region_url("eu"), now=time.monotonic
    )
    vehicles = Vehicles(client)
    key = VirtualKey(world.keys[vin])

    async def carry(message: bytes) -> bytes:
        return await vehicles.signed_command(vin, message)

    def start(saved: CommandSender | None = None) -> SetLimit:
        sender = CommandSender(
            vin, key, carry, now=time.time, sessions=saved.sessions() if saved else None
        )

        async def set_limit(percent: int) -> None:
            await sender.send(COMMANDS["set_charge_limit"](percent=percent))

        latest[0] = sender
        return set_limit

    latest: list[CommandSender] = []
    latest.append(CommandSender(vin, key, carry, now=time.time))
    return await _count(world, vin, start, lambda: start(latest[0]))


async def _their_requests(world: World) -> dict[str, int]:
    vin = VINS[1]
    api = TeslaFleetApi(world.http, world.token, server=world.tesla.region_url("eu"))
    api.private_key = world.keys[vin]

    def start() -> SetLimit:
        vehicle = api.vehicles.createSigned(vin)

        async def set_limit(percent: int) -> None:
            await vehicle.set_charge_limit(percent)

        return set_limit

    # the library keeps no session beyond the object
    return await _count(world, vin, start, start)


async def _count(
    world: World, vin: str, start: Callable[[], SetLimit], restart: Callable[[], SetLimit]
) -> dict[str, int]:
    counted: dict[str, int] = {}

    async def note(name: str, *commands: Awaitable[None]) -> None:
        world.forget()
        await asyncio.gather(*commands)
        counted[name] = world.requests

    set_limit = start()
    await note("first command ever", set_limit(61))
    await note("next command", set_limit(62))
    set_limit = restart()
    await note("first after a restart", set_limit(63))
    world.tesla.cars[vin].domain("infotainment").reboot()
    await note("first after the car rebooted", set_limit(64))
    set_limit = start()
    await note("ten at once, cold", *(set_limit(70 + n) for n in range(10)))
    return counted


async def bench_signing() -> None:
    """Print microseconds and requests per signed command, ours and theirs."""
    async with _world() as world:
        watches = [Stopwatch(world.tesla.cars[vin]) for vin in VINS]
        private_key = world.keys[VINS[0]]
        clients = (_ours(watches[0], private_key), _theirs(watches[1], private_key))
        times: tuple[list[float], list[float]] = ([], [])
        for n in range(ROUNDS + 1):
            for side in (0, 1):
                took = await _microseconds(clients[side], watches[side])
                if n:  # the first round warms up and holds the handshakes
                    times[side].append(took)
        ours, theirs = (statistics.median(side) for side in times)
        print(
            f"signed command, the client's own time (median of {ROUNDS} rounds of {COMMANDS_PER_ROUND})"
        )
        print(f"  {'':32}{'ours':>10}{'tesla-fleet-api':>18}{'ratio':>8}")
        print(f"  {'microseconds per command':32}{ours:10.0f}{theirs:18.0f}{ours / theirs:8.2f}")
        print("requests, as the simulated Tesla bills them")
        our_requests, their_requests = await _our_requests(world), await _their_requests(world)
        for name, count in our_requests.items():
            print(
                f"  {name:32}{count:10}{their_requests[name]:18}{count / their_requests[name]:8.2f}"
            )
