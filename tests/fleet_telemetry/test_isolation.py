"""A listener that raises costs one record and one line in the log: no connection, no other record, and not for ever."""

import asyncio
import logging

import aiohttp
import pytest

from custom_components.tesla_charging.fleet_telemetry import ConnectionInfo, Record, SignalRecord

from .frames import GO_ACK
from .receiver_world import OTHER_VIN, VIN, ReceiverWorld, say, soc, until

pytestmark = pytest.mark.usefixtures("socket_enabled")


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def fail_for(value: float) -> object:
    def apply(record: Record) -> None:
        if isinstance(record, SignalRecord) and record.values["Soc"] == value:
            raise LookupError("the home could not take it")

    return apply


async def test_a_record_that_raises_costs_itself_and_one_line(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.home.apply = fail_for(2)  # type: ignore[assignment]
    async with world.connect() as car:
        for n in range(5):
            # also the failed one: the car would send it again, for ever
            assert await say(car, soc(n)) == GO_ACK
    assert world.home.values("Soc") == [0, 1, 3, 4]
    (line,) = failures(caplog)
    assert line.exc_info is not None
    assert VIN[:11] not in line.getMessage()
    assert [vin for vin, connected in world.home.connections if connected] == [VIN]


async def test_a_listener_that_always_raises_is_logged_once_for_a_car(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(record: Record) -> None:
        raise LookupError(record.vin)

    world.home.apply = fail
    async with world.connect(VIN) as car, world.connect(OTHER_VIN) as other:
        for n in range(30):
            assert await say(car, soc(n)) == GO_ACK
            assert await say(other, soc(n)) == GO_ACK
    assert len(failures(caplog)) == 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_record_whose_storing_raises_is_lost_and_no_other(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture, *, at_once: bool
) -> None:
    def settle(record: Record) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        settled = loop.create_future()
        failed = len(world.home.records) == 2
        end = settled.set_exception if failed else settled.set_result
        result = LookupError("the disk is gone") if failed else True
        if at_once:
            end(result)  # type: ignore[arg-type]
        else:
            loop.call_later(0.01, end, result)  # type: ignore[arg-type]
        return settled

    world.home.settle = settle
    async with world.connect() as car:
        for n in range(4):
            assert await say(car, soc(n)) == GO_ACK
    assert len(failures(caplog)) == 1


async def test_a_record_whose_storing_is_cancelled_is_sent_again(world: ReceiverWorld) -> None:
    def settle(record: Record) -> asyncio.Future[bool]:
        settled = asyncio.get_running_loop().create_future()
        if len(world.home.records) == 1:
            settled.cancel()
        else:
            settled.set_result(True)
        return settled

    world.home.settle = settle
    async with world.connect() as car:
        await car.send_bytes(soc(1, b"txid-lost"))
        assert await say(car, soc(2)) == GO_ACK


async def test_connecting_and_leaving_survive_a_listener_that_raises(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(vin: str, connected: bool, info: ConnectionInfo) -> None:
        world.home.connections.append((vin, connected))
        raise LookupError(vin)

    monkeypatch.setattr(world.home, "on_connection", fail)
    async with world.connect() as car:
        assert await say(car, soc(1)) == GO_ACK
    await until(lambda: (VIN, False) in world.home.connections)
    async with world.connect() as car:
        assert await say(car, soc(2)) == GO_ACK
    assert len(failures(caplog)) == 1


async def test_a_car_is_not_accepted_by_a_listener_that_raises(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(vin: str) -> bool:
        raise LookupError(vin)

    with monkeypatch.context() as patched:
        patched.setattr(world.home, "accepts", fail)
        with pytest.raises(aiohttp.ClientError):
            async with world.connect():
                pass
    async with world.connect() as car:
        assert await say(car, soc(2)) == GO_ACK
    assert len(failures(caplog)) == 1
