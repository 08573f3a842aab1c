"""The sender against a car that verifies: what it costs, what it survives, what it refuses to believe."""

import asyncio
from collections.abc import Callable
import json

import pytest
from tesla_protocol.command import universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    CarUnreachable,
    CommandSender,
    CommandUnsupported,
    Domain,
    HandshakeFailed,
    InvalidSessionState,
    KeyDisabled,
    KeyNotPaired,
    NotAuthorized,
    Outcome,
    ProtocolRejected,
    RemoteAccessDisabled,
    SessionOutOfSync,
    SessionState,
    VehicleBusy,
    VehicleFault,
    VirtualKey,
)
from custom_components.tesla_charging.vehicle_command.faults import FAULTS, Retry
from tests.vehicle_command.answers import GOOD, HOSTILE, changed, session_info_changed
from tests.vehicle_command.pair import VIN, Pair, WireAsleepError

START, STOP = COMMANDS["charge_start"](), COMMANDS["charge_stop"]()
LIMIT = COMMANDS["set_charge_limit"](percent=70)
PORT = COMMANDS["charge_port_door_open"]()


# -- what it costs ------------------------------------------------------------------------------------


async def test_first_command_is_a_handshake_and_a_command_then_one_request_each(pair: Pair) -> None:
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 2
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 3
    assert [command.name for command in pair.car.commands] == ["charge_stop", "charge_start"]


async def test_ten_commands_at_once_share_one_handshake(pair: Pair) -> None:
    requests = [COMMANDS["set_charge_limit"](percent=60 + n) for n in range(10)]
    results = await asyncio.gather(*(pair.sender.send(request) for request in requests))
    assert {result.outcome for result in results} == {Outcome.EXECUTED}
    assert len(pair.wire.sent) == 11


async def test_a_restart_costs_nothing(pair: Pair) -> None:
    await pair.sender.send(START)
    pair.restart()
    pair.wire.sent.clear()
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 1


async def test_a_saved_session_survives_json(pair: Pair) -> None:
    await pair.sender.send(START)
    stored = json.loads(
        json.dumps({d.name: s.as_dict() for d, s in pair.sender.sessions().items()})
    )
    restored = {Domain[name]: SessionState.from_dict(item) for name, item in stored.items()}
    assert restored == pair.sender.sessions()


async def test_the_counter_is_saved_before_the_command_leaves(pair: Pair) -> None:
    await pair.sender.send(START)
    before = pair.saves[-1][Domain.INFOTAINMENT].counter
    pair.wire.lose = 2
    await pair.sender.send(STOP)
    assert pair.saves[-1][Domain.INFOTAINMENT].counter == before + 2


@pytest.mark.parametrize(
    "upset",
    [
        pytest.param(lambda pair: pair.car.domain("infotainment").reboot(), id="new epoch"),
        pytest.param(
            lambda pair: pair.car.domain("infotainment").jump_clock(3600), id="clock ahead"
        ),
        pytest.param(lambda pair: setattr(pair, "time_shift", -7200.0), id="our clock set back"),
        pytest.param(lambda pair: setattr(pair, "time_shift", -20.0), id="our clock corrected"),
    ],
)
async def test_a_stale_session_costs_exactly_one_request_more(
    pair: Pair, upset: Callable[[Pair], None]
) -> None:
    await pair.sender.send(START)
    upset(pair)
    pair.wire.sent.clear()
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 2


async def test_counters_used_by_somebody_else_are_caught_up_with(pair: Pair) -> None:
    await pair.sender.send(START)
    saved = dict(pair.saves[-1])
    for percent in range(60, 65):
        await pair.sender.send(COMMANDS["set_charge_limit"](percent=percent))
    pair.saves.append(saved)  # a crash lost the latest counters
    pair.restart()
    pair.wire.sent.clear()
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 2


async def test_a_car_with_a_new_computer_is_met_with_a_new_handshake(pair: Pair) -> None:
    await pair.sender.send(START)
    pair.car.domain("infotainment").rekey()
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED


# -- what the car says ----------------------------------------------------------------------------------


async def test_already_so_and_refused_are_told_apart(pair: Pair) -> None:
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED
    again = await pair.sender.send(START)
    assert (again.outcome, again.reason) == (Outcome.ALREADY, "is_charging")
    pair.car.unplug()
    refused = await pair.sender.send(START)
    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "disconnected")


async def test_answers_come_encrypted_and_plain_ones_of_old_firmware_are_read_too(
    pair: Pair,
) -> None:
    await pair.sender.send(START)
    message = universal.RoutableMessage()
    message.ParseFromString(pair.wire.answers[-1])
    assert message.signature_data.WhichOneof("sig_type") == "AES_GCM_Response_data"
    pair.car.domain("infotainment").encrypts_responses = False
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED


async def test_an_unpaired_key_is_named_as_such_cold_and_warm(pair: Pair) -> None:
    pair.car.keychain.remove(pair.key.public_key)
    with pytest.raises(KeyNotPaired):
        await pair.sender.send(START)
    pair.car.keychain.add(pair.key.public_key)
    await pair.sender.send(START)
    pair.car.keychain.remove(pair.key.public_key)
    with pytest.raises(KeyNotPaired):
        await pair.sender.send(STOP)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (3, KeyNotPaired),
        (4, KeyDisabled),
        (7, NotAuthorized),
        (9, CommandUnsupported),
        (10, ProtocolRejected),
        (21, RemoteAccessDisabled),
        (28, ProtocolRejected),
    ],
)
async def test_a_final_fault_is_raised_at_once(
    pair: Pair, fault: int, error: type[VehicleFault]
) -> None:
    await pair.sender.send(START)
    pair.wire.sent.clear()
    pair.car.domain("infotainment").message_fault_next(fault)
    with pytest.raises(error) as caught:
        await pair.sender.send(STOP)
    assert caught.value.fault == fault
    assert not caught.value.may_have_executed
    assert len(pair.wire.sent) == 1


@pytest.mark.parametrize(
    "fault", sorted(n for n, row in FAULTS.items() if row.retry is not Retry.NEVER)
)
async def test_a_passing_fault_is_survived(pair: Pair, fault: int) -> None:
    await pair.sender.send(START)
    pair.car.domain("infotainment").message_fault_next(fault)
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED


@pytest.mark.parametrize(
    ("fault", "error"),
    [(1, VehicleBusy), (2, CarUnreachable), (6, SessionOutOfSync), (11, VehicleBusy)],
)
async def test_a_lasting_fault_is_raised_after_a_bounded_number_of_requests(
    pair: Pair, fault: int, error: type[VehicleFault]
) -> None:
    await pair.sender.send(START)
    pair.wire.sent.clear()
    pair.car.domain("infotainment").message_fault_next(fault, times=100)
    with pytest.raises(error):
        await pair.sender.send(STOP)
    assert len(pair.wire.sent) <= 6


async def test_a_fault_that_nobody_knows_yet_is_a_refusal(pair: Pair) -> None:
    await pair.sender.send(START)
    pair.wire.tamper = [
        changed(lambda m: setattr(m.signedMessageStatus, "signed_message_fault", 99))
    ]
    # the fault is part of what the encrypted answer authenticates, so an invented one is no answer at all
    pair.car.domain("infotainment").encrypts_responses = False
    with pytest.raises(ProtocolRejected, match="MESSAGE_FAULT_99"):
        await pair.sender.send(STOP)


async def test_a_fault_after_which_the_command_may_have_run_leaves_the_outcome_open(
    pair: Pair,
) -> None:
    await pair.sender.send(START)
    pair.car.domain("infotainment").message_fault_next(25)
    assert (await pair.sender.send(STOP)).outcome is Outcome.UNKNOWN


# -- lost and hostile answers ----------------------------------------------------------------------------


async def test_a_lost_answer_is_asked_for_once_more_where_that_does_no_harm(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.lose = 1
    result = await pair.sender.send(START)
    assert (result.outcome, result.reason) == (Outcome.ALREADY, "is_charging")


async def test_a_lost_answer_leaves_the_outcome_open_where_repeating_is_not_harmless(
    pair: Pair,
) -> None:
    await pair.sender.send(STOP)
    pair.wire.sent.clear()
    pair.wire.lose = 1
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN
    assert len(pair.wire.sent) == 1


async def test_a_lost_handshake_leaves_nothing_open(pair: Pair) -> None:
    pair.wire.lose = 1
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    fresh = pair.make_sender()
    pair.wire.lose = 10
    with pytest.raises(HandshakeFailed) as caught:
        await fresh.send(START)
    assert not caught.value.may_have_executed


async def test_an_error_of_the_road_reaches_the_caller_and_costs_no_session(pair: Pair) -> None:
    await pair.sender.send(START)
    pair.wire.asleep = True
    with pytest.raises(WireAsleepError):
        await pair.sender.send(STOP)
    pair.wire.asleep = False
    pair.wire.sent.clear()
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 1


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_answer_is_no_answer_and_costs_no_session(pair: Pair, name: str) -> None:
    await pair.sender.send(STOP)
    session = pair.sender.sessions()[Domain.INFOTAINMENT]
    pair.wire.tamper = [HOSTILE[name]]
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN
    after = pair.sender.sessions()[Domain.INFOTAINMENT]
    assert (after.epoch, after.counter) == (session.epoch, session.counter + 1)
    pair.wire.sent.clear()
    assert (await pair.sender.send(LIMIT)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 1


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if not name.startswith(("altered", "short", "long"))]
)
async def test_a_hostile_answer_to_a_handshake_opens_no_session(pair: Pair, name: str) -> None:
    pair.wire.tamper = [HOSTILE[name]] * 10
    with pytest.raises(HandshakeFailed):
        await pair.sender.send(START)
    assert pair.sender.sessions() == {}
    assert pair.car.commands == []


async def test_an_encrypted_answer_of_an_earlier_command_is_not_taken_for_this_one(
    pair: Pair,
) -> None:
    await pair.sender.send(START)
    old = universal.RoutableMessage()
    old.ParseFromString(pair.wire.answers[-1])

    def replay(raw: bytes) -> bytes:
        """Return the old answer, dressed up as the answer to the new request."""
        message = universal.RoutableMessage()
        message.ParseFromString(raw)
        old.to_destination.CopyFrom(message.to_destination)
        old.request_uuid = message.request_uuid
        return old.SerializeToString()

    pair.wire.tamper = [replay]
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN


# -- session info -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(
            session_info_changed(lambda i: setattr(i, "clock_time", i.clock_time + 1)), id="clock"
        ),
        pytest.param(
            session_info_changed(lambda i: setattr(i, "counter", 0xFFFFFFFF)), id="counter"
        ),
        pytest.param(session_info_changed(lambda i: setattr(i, "epoch", b"\x01" * 16)), id="epoch"),
        pytest.param(
            session_info_changed(lambda i: setattr(i, "epoch", b"short")), id="short epoch"
        ),
        pytest.param(
            session_info_changed(lambda i: setattr(i, "publicKey", b"\x04" * 65)), id="no point"
        ),
        pytest.param(
            session_info_changed(
                lambda i: setattr(i, "publicKey", VirtualKey.generate().public_key)
            ),
            id="foreign key",
        ),
        pytest.param(changed(lambda m: m.ClearField("signature_data")), id="no tag"),
        pytest.param(
            changed(lambda m: setattr(m.signature_data.session_info_tag, "tag", b"\x00" * 32)),
            id="bad tag",
        ),
    ],
)
async def test_tampered_session_info_is_discarded(
    pair: Pair, tamper: Callable[[bytes], bytes]
) -> None:
    pair.wire.tamper = [tamper] * 5
    with pytest.raises(HandshakeFailed):
        await pair.sender.send(START)
    pair.wire.tamper = []
    await pair.sender.send(START)
    before = pair.sender.sessions()[Domain.INFOTAINMENT]
    pair.car.domain("infotainment").jump_clock(100)  # makes the car answer with session info
    pair.wire.tamper = [tamper]
    pair.time_shift = -300
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert pair.sender.sessions()[Domain.INFOTAINMENT].epoch == before.epoch


async def test_session_info_of_another_request_is_discarded(pair: Pair) -> None:
    await pair.sender.send(START)
    handshake = universal.RoutableMessage()
    handshake.ParseFromString(pair.wire.answers[0])

    def replay(raw: bytes) -> bytes:
        message = universal.RoutableMessage()
        message.ParseFromString(raw)
        handshake.to_destination.CopyFrom(message.to_destination)
        handshake.request_uuid = message.request_uuid
        return handshake.SerializeToString()

    fresh = pair.make_sender()
    pair.wire.tamper = [replay, replay]
    with pytest.raises(HandshakeFailed, match="tag"):
        await fresh.send(STOP)


async def test_session_info_that_took_too_long_is_discarded(pair: Pair) -> None:
    def slow(raw: bytes) -> bytes:
        pair.clock.advance(11)
        return raw

    pair.wire.tamper = [slow, slow]
    with pytest.raises(HandshakeFailed, match="too late"):
        await pair.sender.send(START)


async def test_a_clock_that_goes_back_within_an_epoch_is_discarded(pair: Pair) -> None:
    pair.car.domain("infotainment").jump_clock(1000)
    await pair.sender.send(START)
    before = pair.sender.sessions()[Domain.INFOTAINMENT]
    pair.car.domain("infotainment").jump_clock(-500)
    fresh = pair.make_sender({Domain.INFOTAINMENT: before})
    pair.car.domain("infotainment").message_fault_next(17, times=10)
    with pytest.raises((HandshakeFailed, SessionOutOfSync)):
        await fresh.send(STOP)
    assert fresh.sessions()[Domain.INFOTAINMENT].clock_time == before.clock_time


async def test_the_counter_never_goes_back_within_an_epoch(pair: Pair) -> None:
    await pair.sender.send(START)
    state = pair.sender.sessions()[Domain.INFOTAINMENT]
    ahead = SessionState(
        state.vehicle_public_key,
        state.epoch,
        state.counter + 20,
        state.clock_time,
        state.captured_at,
    )
    sender = pair.make_sender({Domain.INFOTAINMENT: ahead})
    pair.car.domain("infotainment").message_fault_next(6)  # comes with the car's lower counter
    assert (await sender.send(STOP)).outcome is Outcome.EXECUTED
    assert sender.sessions()[Domain.INFOTAINMENT].counter >= ahead.counter + 2


# -- saved sessions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        {"vehicle_public_key": "zz"},
        {"vehicle_public_key": "04"},
        {"epoch": "00"},
        {"counter": -1},
        {"counter": 2**32},
        {"counter": "1"},
        {"counter": True},
        {"clock_time": None},
        {"captured_at": "soon"},
        {"captured_at": float("nan")},
    ],
)
def test_a_damaged_record_is_refused(damage: dict[str, object]) -> None:
    SessionState.from_dict(GOOD)
    with pytest.raises(InvalidSessionState):
        SessionState.from_dict({**GOOD, **damage})


def test_a_record_with_something_missing_is_refused() -> None:
    for name in GOOD:
        with pytest.raises(InvalidSessionState):
            SessionState.from_dict({k: v for k, v in GOOD.items() if k != name})


@pytest.mark.parametrize(
    ("counter", "clock_time"), [(0xFFFFFFFF, 100), (5, (1 << 30) - 1), (5, 0xFFFFFFFF)]
)
async def test_a_used_up_session_is_replaced_by_a_handshake(
    pair: Pair, counter: int, clock_time: int
) -> None:
    await pair.sender.send(START)
    state = pair.sender.sessions()[Domain.INFOTAINMENT]
    worn = SessionState(
        state.vehicle_public_key, b"\x07" * 16, counter, clock_time, state.captured_at
    )
    sender = pair.make_sender({Domain.INFOTAINMENT: worn})
    assert (await sender.send(STOP)).outcome is Outcome.EXECUTED


def test_a_saved_session_with_an_impossible_key_is_forgotten(pair: Pair) -> None:
    state = SessionState(b"\x04" + b"\x01" * 64, b"\x00" * 16, 1, 1, 1.0)
    sender = CommandSender(
        VIN, pair.key, pair.wire.carry, now=pair.now, sessions={Domain.INFOTAINMENT: state}
    )
    assert sender.sessions() == {}
