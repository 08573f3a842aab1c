"""A record is acknowledged when somebody promises that it survives, and not before."""

import asyncio
from dataclasses import replace

from aiohttp import WSMsgType
import pytest

from custom_components.tesla_charging.fleet_telemetry import Record, SignalRecord

from .frames import GO_ACK, stream
from .receiver_world import OTHER_VIN, PATIENCE, QUICK, VIN, ReceiverWorld, say, soc, until


class Disk:
    """Promises when it is told to."""

    def __init__(self, world: ReceiverWorld, *vins: str) -> None:
        self.waiting: list[asyncio.Future[bool]] = []
        self._vins = vins
        world.home.settle = self._settle

    def _settle(self, record: Record) -> asyncio.Future[bool]:
        settled = asyncio.get_running_loop().create_future()
        if record.vin in self._vins:
            self.waiting.append(settled)
        else:
            settled.set_result(True)
        return settled


async def test_the_acknowledgement_waits_for_the_promise(world: ReceiverWorld) -> None:
    disk = Disk(world, VIN)
    async with world.connect() as car:
        await car.send_bytes(soc(63.5))
        await until(lambda: len(disk.waiting) == 1)
        with pytest.raises(TimeoutError):
            await car.receive(timeout=0.2)
    async with world.connect() as car:
        await car.send_bytes(soc(63.5))
        await until(lambda: len(disk.waiting) == 2)
        disk.waiting[1].set_result(True)
        assert await car.receive_bytes(timeout=PATIENCE) == GO_ACK


async def test_a_car_whose_record_waits_is_not_read_and_no_other_car_notices(
    world: ReceiverWorld,
) -> None:
    disk = Disk(world, VIN)
    async with world.connect(VIN) as slow, world.connect(OTHER_VIN) as other:
        for n in range(200):
            await slow.send_bytes(soc(n % 100))
        await until(lambda: len(disk.waiting) == 1)
        for n in range(50):
            assert await say(other, soc(n)) == GO_ACK
        heard = [r for r in world.home.records if r.vin == VIN]
        assert len(heard) == len(disk.waiting) == 1
        # and goes on where it was, in order
        for n in range(200):
            await until(lambda n=n: len(disk.waiting) == n + 1)  # type: ignore[misc]  # mypy: lambda with a default
            disk.waiting[n].set_result(True)
            assert await slow.receive_bytes(timeout=PATIENCE) == GO_ACK
    values = [
        record.values["Soc"]
        for record in world.home.records
        if record.vin == VIN and isinstance(record, SignalRecord)
    ]
    assert values == [n % 100 for n in range(200)]


async def test_without_a_promise_there_is_no_answer_and_the_stream_goes_on(
    world: ReceiverWorld,
) -> None:
    disk = Disk(world, VIN)
    async with world.connect() as car:
        await car.send_bytes(soc(1, b"txid-lost"))
        await until(lambda: len(disk.waiting) == 1)
        disk.waiting[0].set_result(False)
        await car.send_bytes(soc(2))
        await until(lambda: len(disk.waiting) == 2)
        disk.waiting[1].set_result(True)
        assert await car.receive_bytes(timeout=PATIENCE) == GO_ACK  # of the second
    assert world.home.values("Soc") == [1, 2]
    status = world.receiver.status(VIN)
    assert status is not None
    assert (status.counters.records, status.counters.unsettled) == (2, 1)


async def test_a_promise_that_never_comes_stops_no_car(world: ReceiverWorld) -> None:
    await world.receiver.stop()
    await world.start(replace(QUICK, settle_timeout=0.1))
    disk = Disk(world, VIN)
    async with world.connect() as car:
        for n in range(3):
            await car.send_bytes(soc(n))
        await until(lambda: world.home.values("Soc") == [0, 1, 2])
        with pytest.raises(TimeoutError):
            await car.receive(timeout=0.3)
    assert not any(settled.cancelled() for settled in disk.waiting)


async def test_what_nothing_here_needs_is_acknowledged_at_once(world: ReceiverWorld) -> None:
    disk = Disk(world, VIN)
    async with world.connect() as car:
        own = stream(b"x", topic=b"later", sender=VIN.encode())
        await say(car, own)
    assert disk.waiting == []


async def test_stopping_does_not_wait_for_a_promise(world: ReceiverWorld) -> None:
    disk = Disk(world, VIN)
    async with world.connect() as car:
        await car.send_bytes(soc(1))
        await until(lambda: len(disk.waiting) == 1)
        async with asyncio.timeout(PATIENCE):
            await world.receiver.stop()


async def test_a_car_that_is_not_ours_any_more_is_not_waited_for(world: ReceiverWorld) -> None:
    disk = Disk(world, VIN)
    async with world.connect() as car:
        await car.send_bytes(soc(1))
        await until(lambda: len(disk.waiting) == 1)
        world.receiver.drop(VIN)
        assert (await car.receive(timeout=PATIENCE)).type is WSMsgType.CLOSED
