"""The sender against what real cars and bad roads can do to it: nothing escapes, nothing is claimed too much."""

import asyncio

import pytest
from tesla_protocol.command import car_server_pb2 as car_server, universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    AnswerLost,
    Domain,
    HandshakeFailed,
    KeyNotPaired,
    NotDelivered,
    Outcome,
    VehicleBusy,
    sender,
)
from tests.vehicle_command.answers import BUSY, changed, says
from tests.vehicle_command.pair import Pair, waiting_sender

START, STOP = COMMANDS["charge_start"](), COMMANDS["charge_stop"]()
LIMIT = COMMANDS["set_charge_limit"](percent=70)
PORT = COMMANDS["charge_port_door_open"]()


# -- a car that is still waking up ---------------------------------------------------------------------


async def test_a_car_that_asks_a_handshake_to_wait_gets_time(pair: Pair) -> None:
    pair.wire.tamper = [BUSY]
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 3


async def test_a_waking_car_gets_ten_seconds_for_four_requests(pair: Pair) -> None:
    sender, pauses = waiting_sender(pair)
    pair.car.domain("infotainment").handshake_fault_next(11, times=3)
    assert (await sender.send(STOP)).outcome is Outcome.EXECUTED
    assert sum(pauses.seconds) >= 10
    assert len(pair.wire.sent) == 5


async def test_a_car_that_stays_busy_costs_four_requests_whatever_it_is_asked(pair: Pair) -> None:
    pair.wire.tamper = [BUSY] * 100
    with pytest.raises(VehicleBusy):
        await pair.sender.send(STOP)
    assert len(pair.wire.sent) == 4
    pair.wire.tamper = []
    await pair.sender.send(STOP)
    pair.wire.sent.clear()
    pair.car.domain("infotainment").busy_next(100)
    with pytest.raises(VehicleBusy):
        await pair.sender.send(START)
    assert len(pair.wire.sent) == 4


async def test_the_dearest_command_is_bounded(pair: Pair) -> None:
    """Whatever mixture of faults comes, a command stays below a cent."""
    await pair.sender.send(STOP)
    pair.wire.sent.clear()
    domain = pair.car.domain("infotainment")
    for fault in (1, 6, 2, 17, 11, 20, 1, 5, 15, 26):
        domain.message_fault_next(fault)
        domain.handshake_fault_next(1)
    with pytest.raises(Exception, match=r"\(\d+\)$"):
        await pair.sender.send(START)
    assert len(pair.wire.sent) <= 10


# -- answers that say less than they seem to -----------------------------------------------------------


@pytest.mark.parametrize("status", [universal.OPERATIONSTATUS_ERROR, 3, 77, -1])
async def test_an_error_without_a_name_is_no_success(pair: Pair, status: int) -> None:
    await pair.sender.send(STOP)
    pair.wire.tamper = [says(status)]
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN


async def test_an_error_status_beside_a_readable_refusal_is_that_refusal(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.car.domain("infotainment").encrypts_responses = False
    pair.car.unplug()
    pair.wire.tamper = [
        changed(
            lambda m: setattr(
                m.signedMessageStatus, "operation_status", universal.OPERATIONSTATUS_ERROR
            )
        )
    ]
    result = await pair.sender.send(START)
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "disconnected")


async def test_an_empty_answer_is_a_success_as_in_teslas_client(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.tamper = [says(universal.OPERATIONSTATUS_OK)]
    assert (await pair.sender.send(PORT)).outcome is Outcome.EXECUTED


async def test_a_fault_number_below_zero_is_no_crash(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.tamper = [
        changed(lambda m: setattr(m.signedMessageStatus, "signed_message_fault", -1))
    ]
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN


async def test_session_info_that_comes_without_a_fault_is_taken_over(pair: Pair) -> None:
    """Cars may send it unasked; the command's fate is open, but the next one is in step."""
    await pair.sender.send(STOP)
    before = pair.sender.sessions()[Domain.INFOTAINMENT]
    pair.car.domain("infotainment").reboot()
    pair.wire.tamper = [changed(lambda m: m.ClearField("signedMessageStatus"))]
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN
    assert pair.sender.sessions()[Domain.INFOTAINMENT].epoch != before.epoch
    pair.wire.sent.clear()
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 1


async def test_an_encrypted_fault_is_the_same_fault(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.car.domain("infotainment").encrypts_faults = True
    pair.car.domain("infotainment").message_fault_next(1)
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED


async def test_an_answer_with_fields_of_newer_firmware_is_read(pair: Pair) -> None:
    await pair.sender.send(STOP)
    unknown_field = b"\xfa\x3f\x04new!"  # field 1023, length-delimited
    pair.wire.tamper = [lambda raw: raw + unknown_field]
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED


async def test_a_response_status_of_newer_firmware_is_not_taken_for_success(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.car.domain("infotainment").encrypts_responses = False

    def newer(message: universal.RoutableMessage) -> None:
        response = car_server.Response()
        response.actionStatus.result = 9  # type: ignore[assignment]  # an open enum
        message.protobuf_message_as_bytes = response.SerializeToString()

    pair.wire.tamper = [changed(newer)]
    assert not (await pair.sender.send(START)).achieved


async def test_a_car_whose_epoch_is_used_up_is_no_crash(pair: Pair) -> None:
    pair.car.domain("infotainment").jump_clock((1 << 30) - 5)
    with pytest.raises(HandshakeFailed, match="used up"):
        await pair.sender.send(START)


# -- a repetition that fails says nothing about the first attempt --------------------------------------


async def test_a_fault_after_a_lost_answer_leaves_the_outcome_open(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.lose = 1
    road = pair.wire.carry

    async def unpaired_after_the_first(message: bytes) -> bytes:
        try:
            return await road(message)
        finally:
            pair.car.keychain.remove(pair.key.public_key)

    pair.sender._transport = unpaired_after_the_first
    assert (await pair.sender.send(START)).outcome is Outcome.UNKNOWN
    assert pair.car.commands[-1].name == "charge_start"
    with pytest.raises(KeyNotPaired):
        await pair.sender.send(STOP)


async def test_a_repetition_that_cannot_be_delivered_leaves_the_outcome_open(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.lose = 1
    road, attempts = pair.wire.carry, 0

    async def asleep_after_the_first(message: bytes) -> bytes:
        nonlocal attempts
        attempts += 1
        if attempts > 1:
            raise NotDelivered("asleep")
        return await road(message)

    pair.sender._transport = asleep_after_the_first
    assert (await pair.sender.send(START)).outcome is Outcome.UNKNOWN
    with pytest.raises(NotDelivered):
        await pair.sender.send(STOP)


# -- cancellation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("warm", [True, False])
async def test_a_cancelled_command_neither_blocks_the_next_nor_reuses_its_counter(
    pair: Pair, warm: bool
) -> None:
    if warm:
        await pair.sender.send(STOP)
    road, stuck = pair.wire.carry, asyncio.Event()

    async def never(message: bytes) -> bytes:
        await road(message)
        stuck.set()
        await asyncio.Event().wait()
        raise AnswerLost("unreachable")

    pair.sender._transport = never
    task = asyncio.create_task(pair.sender.send(START))
    queued = asyncio.create_task(pair.sender.send(LIMIT))
    await stuck.wait()
    pair.sender._transport = road
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await asyncio.wait_for(queued, 5)).outcome is Outcome.EXECUTED
    counters = [done.counter for done in pair.car.domain("infotainment").executed]
    assert len(counters) == len(set(counters))


async def test_a_command_that_would_come_long_after_it_was_asked_for_is_not_sent(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_QUEUE", 0.05)
    await pair.sender.send(STOP)
    road, go_on = pair.wire.carry, asyncio.Event()

    async def slow(message: bytes) -> bytes:
        await go_on.wait()
        return await road(message)

    pair.sender._transport = slow
    first = asyncio.create_task(pair.sender.send(LIMIT))
    results = await asyncio.gather(
        *(pair.sender.send(START) for _ in range(5)), return_exceptions=True
    )
    assert {type(result) for result in results} == {VehicleBusy}
    go_on.set()
    assert (await first).outcome is Outcome.EXECUTED
    assert [command.name for command in pair.car.commands] == ["charge_stop", "set_charge_limit"]
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED


async def test_commands_arrive_in_the_order_they_were_given(pair: Pair) -> None:
    await asyncio.gather(
        *(pair.sender.send(COMMANDS["set_charge_limit"](percent=60 + n)) for n in range(10))
    )
    assert [c.params["percent"] for c in pair.car.commands] == list(range(60, 70))
