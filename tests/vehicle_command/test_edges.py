"""At the edges: the last value that is still good and the first that is not; and what each remedy costs."""

import hashlib
import hmac
from pathlib import Path

import pytest
from tesla_protocol.command import signatures_pb2 as signatures, universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    CommandSender,
    Domain,
    InvalidAnswer,
    InvalidKey,
    InvalidSessionState,
    Outcome,
    Session,
    SessionInfoRejected,
    SessionOutOfSync,
    SessionState,
    VirtualKey,
    messages,
)
from custom_components.tesla_charging.vehicle_command.metadata import Tag, serialize
from custom_components.tesla_charging.vehicle_command.session import request_hash
from tests.vehicle_command.answers import BUSY, GOOD, changed
from tests.vehicle_command.pair import VIN, Pair, waiting_sender

START, STOP = COMMANDS["charge_start"](), COMMANDS["charge_stop"]()
PORT = COMMANDS["charge_port_door_open"]()
KEY, VEHICLE = VirtualKey.generate(), VirtualKey.generate()
EPOCH, CHALLENGE = b"\x05" * 16, b"\x06" * 16


def session_at(
    counter: int = 1, clock_time: int = 100, domain: Domain = Domain.INFOTAINMENT
) -> Session:
    return Session(
        KEY, VIN, domain, SessionState(VEHICLE.public_key, EPOCH, counter, clock_time, 1000.0)
    )


def tag_of(info: bytes) -> bytes:
    """Return the tag that the vehicle puts on session info (protocol.md, "Response authentication")."""
    items: dict[Tag, bytes | int] = {
        Tag.SIGNATURE_TYPE: signatures.SIGNATURE_TYPE_HMAC,
        Tag.PERSONALIZATION: VIN.encode(),
        Tag.CHALLENGE: CHALLENGE,
    }
    shared = VEHICLE.shared_key(KEY.public_key)
    subkey = hmac.digest(shared, b"session info", hashlib.sha256)
    return hmac.digest(subkey, serialize(items) + info, hashlib.sha256)


def session_info(counter: int = 1, clock_time: int = 100) -> bytes:
    info = signatures.SessionInfo(
        publicKey=VEHICLE.public_key, epoch=EPOCH, counter=counter, clock_time=clock_time
    )
    return info.SerializeToString()


def open_session(info: bytes) -> Session:
    return Session.from_session_info(
        KEY,
        VIN,
        Domain.INFOTAINMENT,
        info=info,
        tag=tag_of(info),
        challenge=CHALLENGE,
        received_at=1000.0,
    )


# -- sizes and numbers ---------------------------------------------------------------------------------


def padded(message: bytes, length: int) -> bytes:
    """Return the message with a field of newer firmware that fills it up to a length."""
    filler = length - len(message) - 2
    while True:
        size, rest = b"", filler
        while rest > 127:
            size, rest = size + bytes((rest & 127 | 128,)), rest >> 7
        padding = b"\xfa\x3f" + size + bytes((rest,)) + bytes(filler)
        if len(message) + len(padding) == length:
            return message + padding
        filler -= 1


def test_session_info_has_at_most_1024_bytes() -> None:
    longest = padded(session_info(), 1024)
    assert open_session(longest).state.counter == 1
    with pytest.raises(SessionInfoRejected, match="too long"):
        open_session(padded(session_info(), 1025))


async def test_an_answer_has_at_most_100_000_bytes(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.tamper = [lambda raw: padded(raw, 100_000), lambda raw: padded(raw, 100_001)]
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED
    assert (await pair.sender.send(PORT)).outcome is Outcome.UNKNOWN


def test_metadata_values_have_at_most_255_bytes() -> None:
    assert serialize({Tag.EPOCH: bytes(255)}) == b"\x03\xff" + bytes(255) + b"\xff"
    with pytest.raises(ValueError, match=r"^Metadata EPOCH is longer than 255 bytes$"):
        serialize({Tag.EPOCH: bytes(256)})


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(-0.1, False), (0, True), (10.0, True), (10.1, False)]
)
def test_session_info_is_believed_for_ten_seconds(seconds: float, fresh: bool) -> None:
    request = messages.session_info_request(Domain.INFOTAINMENT, KEY.public_key, now=1000.0)
    if fresh:
        messages.check_fresh(request, 1000.0 + seconds)
    else:
        with pytest.raises(SessionInfoRejected):
            messages.check_fresh(request, 1000.0 + seconds)


@pytest.mark.parametrize(
    "stored",
    [{"counter": 0xFFFFFFFF}, {"clock_time": 0xFFFFFFFF}, {"captured_at": 0}, {"counter": 0}],
    ids=str,
)
def test_a_record_at_its_bounds_is_read(stored: dict[str, object]) -> None:
    data = {**GOOD, **stored}
    assert SessionState.from_dict(data).as_dict() == data


@pytest.mark.parametrize(
    ("now", "expires_at"),
    [(909.0, 19), (891.0, 1), (890.0, None), (1000.0 + (1 << 30) - 111, (1 << 30) - 1)],
)
def test_a_command_expires_within_what_a_car_accepts(now: float, expires_at: int | None) -> None:
    session = session_at()
    if expires_at is None:
        with pytest.raises(InvalidSessionState):
            session.authorize(b"", flags=0, now=now, lifetime=10)
    else:
        signed = session.authorize(b"", flags=0, now=now, lifetime=10)
        assert signed.expires_at == expires_at
    with pytest.raises(InvalidSessionState):
        session_at().authorize(b"", flags=0, now=1000.0 + (1 << 30) - 110, lifetime=10)


def test_the_last_counter_is_used_and_none_after_it() -> None:
    session = session_at(counter=0xFFFFFFFE)
    assert session.authorize(b"", flags=0, now=1000.0, lifetime=10).counter == 0xFFFFFFFF
    with pytest.raises(InvalidSessionState):
        session.authorize(b"", flags=0, now=1000.0, lifetime=10)


@pytest.mark.parametrize(("theirs", "known"), [(3, 7), (7, 7), (9, 9)])
def test_session_info_never_takes_a_counter_back(theirs: int, known: int) -> None:
    session = session_at(counter=7)
    info = session_info(counter=theirs, clock_time=150)
    session.update(info=info, tag=tag_of(info), challenge=CHALLENGE, received_at=1050.0)
    assert (session.state.counter, session.state.clock_time) == (known, 150)


def test_the_vehicle_security_controller_keeps_half_of_a_tag() -> None:
    """And leaves out which request it answers; a wrong one is refused there too."""
    tag = bytes(range(32))
    assert request_hash(Domain.VEHICLE_SECURITY, tag) == b"\x08" + tag[:16]
    assert request_hash(Domain.INFOTAINMENT, tag) == b"\x08" + tag
    for domain, number in ((Domain.VEHICLE_SECURITY, 2), (Domain.INFOTAINMENT, 3)):
        session = session_at(domain=domain)
        request = messages.command_request(
            session, domain, KEY.public_key, b"", now=1000.0, lifetime=10
        )
        assert request.request_hash is not None
        assert len(request.request_hash) == (17 if domain is Domain.VEHICLE_SECURITY else 33)
        answer = universal.RoutableMessage()
        answer.from_destination.domain = number  # type: ignore[assignment]  # an open enum
        answer.to_destination.routing_address = request.address
        if domain is Domain.VEHICLE_SECURITY:
            assert messages.read_answer(answer.SerializeToString(), request, session).fault is None
        else:
            with pytest.raises(InvalidAnswer, match="another request"):
                messages.read_answer(answer.SerializeToString(), request, session)
        answer.request_uuid = b"\x01" * 16
        with pytest.raises(InvalidAnswer, match="another request"):
            messages.read_answer(answer.SerializeToString(), request, session)


def test_only_what_was_authenticated_is_answered_in_secret() -> None:
    request = messages.session_info_request(Domain.INFOTAINMENT, KEY.public_key, now=1000.0)
    answer = universal.RoutableMessage(request_uuid=request.uuid)
    answer.from_destination.domain = universal.DOMAIN_INFOTAINMENT
    answer.to_destination.routing_address = request.address
    answer.signature_data.AES_GCM_Response_data.counter = 1
    for session in (None, session_at()):
        with pytest.raises(InvalidAnswer, match=r"^encrypted answer without a session$"):
            messages.read_answer(answer.SerializeToString(), request, session)


async def test_a_handshake_beside_an_error_status_is_a_handshake(pair: Pair) -> None:
    pair.wire.tamper = [changed(lambda m: setattr(m.signedMessageStatus, "operation_status", 2))]
    assert (await pair.sender.send(STOP)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 2


def test_a_key_file_has_at_most_8192_bytes(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(KEY.private_pem().ljust(8192, b"\n"))
    assert VirtualKey.load(path).public_key == KEY.public_key
    path.write_bytes(KEY.private_pem().ljust(8193, b"\n"))
    with pytest.raises(InvalidKey, match="too long"):
        VirtualKey.load(path)


# -- what each remedy costs ----------------------------------------------------------------------------


async def test_a_session_that_stays_out_of_step_costs_four_requests(pair: Pair) -> None:
    """The command, once more with the car's session info, and then a handshake and a last time."""
    await pair.sender.send(STOP)
    pair.wire.sent.clear()
    pair.car.domain("infotainment").message_fault_next(6, times=100)
    with pytest.raises(SessionOutOfSync):
        await pair.sender.send(START)
    assert len(pair.wire.sent) == 4


@pytest.mark.parametrize(
    "spoilt",
    [
        changed(lambda m: m.ClearField("session_info")),
        changed(lambda m: setattr(m.signature_data.session_info_tag, "tag", bytes(32))),
    ],
)
async def test_without_session_info_to_believe_the_handshake_comes_at_once(
    pair: Pair, spoilt: object
) -> None:
    await pair.sender.send(STOP)
    pair.wire.sent.clear()
    pair.car.domain("infotainment").message_fault_next(6)
    pair.wire.tamper = [spoilt]  # type: ignore[list-item]  # pytest passes it on as it is
    assert (await pair.sender.send(START)).outcome is Outcome.EXECUTED
    assert len(pair.wire.sent) == 3


async def test_one_handshake_is_enough_if_the_car_is_busy_after_it(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.sent.clear()
    pair.car.domain("infotainment").message_fault_next(6)
    pair.wire.tamper = [changed(lambda m: m.ClearField("session_info")), lambda raw: raw, BUSY]
    await pair.sender.send(START)
    assert len(pair.wire.sent) == 4


async def test_a_busy_car_gets_more_time_each_time(pair: Pair) -> None:
    sender, pauses = waiting_sender(pair)
    await sender.send(STOP)
    pair.car.domain("infotainment").busy_next(3)
    await sender.send(START)
    assert pauses.seconds == [1.5, 3.0, 6.0]


async def test_a_lost_answer_is_asked_for_after_a_moment(pair: Pair) -> None:
    sender, pauses = waiting_sender(pair)
    pair.wire.lose = 1
    await sender.send(STOP)
    assert pauses.seconds == [1.5]
    pair.wire.lose = 1
    await sender.send(START)
    assert pauses.seconds == [1.5, 1.5]


async def test_one_useless_session_does_not_take_another_with_it(pair: Pair) -> None:
    await pair.sender.send(STOP)
    good = pair.sender.sessions()[Domain.INFOTAINMENT]
    bad = SessionState(b"\x04" + b"\x01" * 64, EPOCH, 1, 1, 1.0)
    sender = CommandSender(
        VIN,
        pair.key,
        pair.wire.carry,
        now=pair.now,
        sessions={Domain.VEHICLE_SECURITY: bad, Domain.INFOTAINMENT: good},
    )
    assert sender.sessions() == {Domain.INFOTAINMENT: good}
