"""Strangers who begin handshakes and do not end them: they wait, and give way, and cars do not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
import resource
import socket
import time

import pytest

from custom_components.tesla_charging.fleet_telemetry import listener
from custom_components.tesla_charging.fleet_telemetry.listener import ACCEPTED_AT_ONCE, Turns

from .frames import GO_ACK
from .receiver_world import QUICK, VIN, ReceiverWorld, client_hello, say, soc, until

pytestmark = pytest.mark.usefixtures("socket_enabled")

CAR = "127.0.0.99"
GAVE_WAY = "handshake gave way to others"


async def bounded(world: ReceiverWorld, **limits: float) -> None:
    await world.receiver.stop()
    await world.start(replace(QUICK, **limits))  # type: ignore[arg-type]  # whole numbers where they belong


@asynccontextmanager
async def half_open(
    world: ReceiverWorld, addresses: list[str], hello: bytes
) -> AsyncIterator[None]:
    """Connect from each address, say the first bytes of a handshake, and leave it at that."""
    loop = asyncio.get_running_loop()
    with ExitStack() as strangers:
        for address in addresses:
            stranger = strangers.enter_context(socket.socket())
            stranger.setblocking(False)
            stranger.bind((address, 0))
            await loop.sock_connect(stranger, ("127.0.0.1", world.receiver.port))
            await loop.sock_sendall(stranger, hello)
        yield


async def come(world: ReceiverWorld, address: str = CAR) -> None:
    """Come as a good car does, and be served."""
    async with world.connect(VIN, address=address) as car:
        assert await say(car, soc(1), 20) == GO_ACK


def spoken(world: ReceiverWorld) -> int:
    return sum(client.spoke for client in world.receiver._tls._clients.values())


@pytest.mark.parametrize("address", ["127.0.0.2", CAR])
async def test_a_car_is_not_the_one_that_gives_way_to_handshakes_that_do_not_end(
    world: ReceiverWorld, address: str
) -> None:
    await bounded(world, handshakes=4, handshakes_per_address=4, accept_pause=0)
    async with half_open(world, ["127.0.0.2"] * 4, client_hello()):
        await until(lambda: spoken(world) == 4)
        await come(world, address)
        assert world.receiver.refusals == {GAVE_WAY: 1}


async def test_a_car_is_not_the_one_that_gives_way_when_every_stranger_has_its_own_address(
    world: ReceiverWorld,
) -> None:
    await bounded(world, handshakes=4, accept_pause=0)
    async with half_open(world, [f"127.0.1.{n}" for n in range(1, 5)], client_hello()):
        await until(lambda: spoken(world) == 4)
        await come(world)
        assert world.receiver.refusals == {GAVE_WAY: 1}


async def test_a_car_that_comes_again_does_not_wait_for_a_turn_of_every_stranger(
    world: ReceiverWorld,
) -> None:
    await bounded(world, accept_pause=0.2, handshake_timeout=30)
    await come(world)
    strangers = [f"127.0.1.{n}" for n in range(1, 41)] * 2
    # their addresses are new, and that of the car had its turn
    async with half_open(world, strangers, client_hello()):
        await until(lambda: spoken(world) == len(strangers))
        started = time.monotonic()
        await come(world)
        assert time.monotonic() - started < 4  # their turns take more than eight seconds


async def test_handshakes_that_run_are_bounded_and_those_of_a_cars_address_are_others(
    world: ReceiverWorld,
) -> None:
    await bounded(world, running_handshakes=3, accept_pause=0)
    await come(world)
    async with half_open(world, [CAR] * 5, client_hello()):
        await until(lambda: spoken(world) == 5)
        async with half_open(world, [f"127.0.1.{n}" for n in range(1, 9)], client_hello()):
            await until(lambda: world.receiver.refusals == {GAVE_WAY: 5})
            await come(world)
            await come(world, "127.0.2.1")
            running = [it for it in world.receiver._tls._clients.values() if it.began]
            assert sorted({it.address for it in running if it.address != CAR}) == [
                "127.0.1.7",
                "127.0.1.8",
            ]
            assert sum(it.address == CAR for it in running) == 5


async def test_connections_that_wait_are_accepted_together(world: ReceiverWorld) -> None:
    """One by one, a car would wait in the system's queue behind all that a flood has put there."""
    with ExitStack() as strangers:
        for _ in range(3 * ACCEPTED_AT_ONCE):
            strangers.enter_context(socket.create_connection(("127.0.0.1", world.receiver.port)))
        for _ in range(6):
            await asyncio.sleep(0)
        assert len(world.receiver._tls._clients) == 3 * ACCEPTED_AT_ONCE


async def test_without_a_free_file_descriptor_it_is_tried_again(
    world: ReceiverWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "ACCEPT_RETRY", 0.05)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as stranger:
        stranger.setblocking(False)
        resource.setrlimit(resource.RLIMIT_NOFILE, (stranger.fileno() + 1, before[1]))
        try:
            await asyncio.get_running_loop().sock_connect(
                stranger, ("127.0.0.1", world.receiver.port)
            )
            await until(lambda: world.receiver._tls._retry is not None)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        await until(lambda: len(world.receiver._tls._clients) == 1)
    await come(world)


async def test_who_does_not_wait_for_a_turn_any_more_is_forgotten() -> None:
    turns = Turns(60)
    await turns.wait("first")
    for n in range(100):
        waiting = [asyncio.ensure_future(turns.wait(f"{n % 3}")) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    assert not any(turns._waiting.values())
    turns.close()
