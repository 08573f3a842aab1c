"""The words in which a command ends badly: they reach a person as the action's reason, or a log."""

import base64
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
import pytest
from tesla_protocol.command import signatures_pb2 as signatures, universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    CommandResult,
    Domain,
    HandshakeFailed,
    InvalidKey,
    InvalidSessionState,
    KeyNotPaired,
    Outcome,
    Session,
    SessionInfoRejected,
    SessionState,
    VirtualKey,
    public_point,
)
from tests.vehicle_command.answers import GOOD, HOSTILE, changed, session_info_changed
from tests.vehicle_command.pair import VIN, Pair

START, STOP = COMMANDS["charge_start"](), COMMANDS["charge_stop"]()
PORT = COMMANDS["charge_port_door_open"]()

# -- answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", "answer is empty or too long"),
        ("megabytes", "answer is empty or too long"),
        ("noise", "answer is no RoutableMessage"),
        ("no domain", "answer has no source domain"),
        ("other domain", "answer comes from another domain"),
        ("other address", "answer has another address"),
        ("other request", "answer belongs to another request"),
        ("altered payload", "encrypted answer does not belong to this request"),
        ("short nonce", "encrypted answer has a malformed nonce or tag"),
        ("long tag", "encrypted answer has a malformed nonce or tag"),
    ],
)
async def test_an_answer_that_is_none_says_why(pair: Pair, name: str, reason: str) -> None:
    await pair.sender.send(STOP)
    pair.wire.tamper = [HOSTILE[name]]
    assert await pair.sender.send(PORT) == CommandResult(Outcome.UNKNOWN, reason)


def plain(change: Callable[[universal.RoutableMessage], None]) -> Callable[[bytes], bytes]:
    def unencrypted(message: universal.RoutableMessage) -> None:
        message.ClearField("signature_data")
        message.ClearField("protobuf_message_as_bytes")
        change(message)

    return changed(unencrypted)


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (
            plain(lambda m: setattr(m, "protobuf_message_as_bytes", b"\xff\xff")),
            "the car's response does not decode",
        ),
        (
            plain(lambda m: setattr(m.signedMessageStatus, "operation_status", 2)),
            "answer has status 2 and does not say why",
        ),
        (
            plain(lambda m: setattr(m, "session_info", b"x")),
            "answer holds session info instead of a result",
        ),
    ],
)
async def test_an_answer_without_a_result_says_so(
    pair: Pair, tamper: Callable[[bytes], bytes], reason: str
) -> None:
    await pair.sender.send(STOP)
    pair.wire.tamper = [tamper]
    assert await pair.sender.send(PORT) == CommandResult(Outcome.UNKNOWN, reason)


async def test_a_repetition_that_fails_is_named_beside_its_cause(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.lose = 1
    road = pair.wire.carry

    async def unpaired_after_the_first(message: bytes) -> bytes:
        try:
            return await road(message)
        finally:
            pair.car.keychain.remove(pair.key.public_key)

    pair.sender._transport = unpaired_after_the_first
    result = await pair.sender.send(START)
    assert result.reason == "repeated without success: UNKNOWN_KEY_ID (3)"


async def test_a_road_that_loses_everything_is_quoted(pair: Pair) -> None:
    await pair.sender.send(STOP)
    pair.wire.lose = 2
    assert await pair.sender.send(START) == CommandResult(Outcome.UNKNOWN, "lost")


# -- handshakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (
            session_info_changed(lambda i: setattr(i, "epoch", b"short")),
            "session info has an epoch or key of the wrong length",
        ),
        (
            session_info_changed(lambda i: setattr(i, "publicKey", b"\x04" * 64)),
            "session info has an epoch or key of the wrong length",
        ),
        (
            session_info_changed(lambda i: setattr(i, "publicKey", b"\x04" * 65)),
            "The vehicle's public key is not a point on P-256.",
        ),
        (
            session_info_changed(lambda i: setattr(i, "status", 7)),
            "session info has status 7",
        ),
        (
            session_info_changed(lambda i: setattr(i, "counter", i.counter + 1)),
            "session info has an invalid tag",
        ),
        (
            changed(lambda m: setattr(m, "session_info", b"\xff" * 20)),
            "session info does not decode",
        ),
        (
            changed(lambda m: setattr(m, "session_info", m.session_info + b"\x00" * 1024)),
            "session info is too long",
        ),
        (
            changed(lambda m: m.ClearField("session_info")),
            "the answer to the handshake holds no session info",
        ),
    ],
)
async def test_a_handshake_that_fails_says_why(
    pair: Pair, tamper: Callable[[bytes], bytes], reason: str
) -> None:
    pair.wire.tamper = [tamper] * 2
    with pytest.raises(HandshakeFailed) as caught:
        await pair.sender.send(START)
    assert str(caught.value) == reason


async def test_a_slow_handshake_says_so(pair: Pair) -> None:
    def slow(raw: bytes) -> bytes:
        pair.clock.advance(10.5)
        return raw

    pair.wire.tamper = [slow, slow]
    with pytest.raises(HandshakeFailed) as caught:
        await pair.sender.send(START)
    assert str(caught.value) == "session info came too late to be believed"


async def test_a_used_up_epoch_says_so(pair: Pair) -> None:
    pair.car.domain("infotainment").jump_clock((1 << 30) - 5)
    with pytest.raises(HandshakeFailed) as caught:
        await pair.sender.send(START)
    assert str(caught.value) == "the session's counter or clock is used up"


async def test_a_car_that_does_not_know_the_key_is_named_by_teslas_fault(pair: Pair) -> None:
    """Also where the handshake says it in its session info, not as a fault."""
    unpaired = session_info_changed(
        lambda i: setattr(i, "status", signatures.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST)
    )
    pair.wire.tamper = [unpaired]
    with pytest.raises(KeyNotPaired) as caught:
        await pair.sender.send(START)
    assert (caught.value.fault, caught.value.name) == (3, "UNKNOWN_KEY_ID")


def test_session_info_that_contradicts_what_is_known_says_in_what(pair: Pair) -> None:
    theirs = VirtualKey.generate().public_key
    state = SessionState(theirs, b"\x01" * 16, 5, 100, 1000.0)
    session = Session(pair.key, VIN, Domain.INFOTAINMENT, state)
    other = signatures.SessionInfo(
        publicKey=VirtualKey.generate().public_key, epoch=b"\x01" * 16, clock_time=200
    )
    with pytest.raises(SessionInfoRejected) as caught:
        session.update(info=other.SerializeToString(), tag=b"", challenge=b"", received_at=1000.0)
    assert str(caught.value) == "the vehicle's public key changed"
    back = SessionState(theirs, b"\x01" * 16, 5, 101, 1000.0)
    with pytest.raises(SessionInfoRejected) as caught:
        session.succeed(back)
    assert str(caught.value) == "the vehicle's clock went back within its epoch"


# -- what was stored -----------------------------------------------------------------------------------


OUT_OF_RANGE = "damaged: InvalidSessionState('stored session has a number out of range')"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"counter": -1}, f"stored session is {OUT_OF_RANGE}"),
        ({"clock_time": 2**32}, f"stored session is {OUT_OF_RANGE}"),
        ({"epoch": "00"}, "stored session has the wrong shape"),
        ({"captured_at": float("inf")}, "stored session has the wrong shape"),
    ],
)
def test_a_damaged_session_says_what_is_damaged(damage: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidSessionState) as caught:
        SessionState.from_dict({**GOOD, **damage})
    assert str(caught.value) == reason


def test_a_session_that_does_not_read_quotes_the_failure() -> None:
    with pytest.raises(InvalidSessionState) as caught:
        SessionState.from_dict({})
    assert str(caught.value) == "stored session is damaged: KeyError('vehicle_public_key')"


# -- keys ----------------------------------------------------------------------------------------------


def pem_of(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes = b""
) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("pem", "kind", "says"),
    [
        (b"x" * 8193, "not_pem", "The text is too long to be a private key."),
        (b"rubbish", "not_pem", "The text is not a private key in PEM form."),
        (
            VirtualKey.generate().public_pem,
            "public_half",
            "This is the public half of a key; the private key is needed.",
        ),
        (
            pem_of(ec.generate_private_key(ec.SECP256R1()), b"secret"),
            "password",
            "The key is protected by a password; store it without one.",
        ),
        (
            pem_of(ed25519.Ed25519PrivateKey.generate()),
            "wrong_kind",
            "The key is not an elliptic-curve key; Tesla accepts only prime256v1.",
        ),
        (
            pem_of(ec.generate_private_key(ec.SECP384R1())),
            "wrong_kind",
            "The key is on the curve secp384r1; Tesla accepts only prime256v1 (NIST P-256).",
        ),
    ],
    ids=["too long", "rubbish", "public half", "with a password", "Ed25519", "P-384"],
)
def test_what_is_wrong_with_a_key_is_said_in_a_sentence(
    pem: str | bytes, kind: str, says: str
) -> None:
    with pytest.raises(InvalidKey) as caught:
        VirtualKey.from_pem(pem)
    assert (caught.value.reason, str(caught.value)) == (kind, says)


def test_a_key_of_an_unheard_of_kind_is_refused_in_a_sentence() -> None:
    lines = pem_of(ec.generate_private_key(ec.SECP256R1())).split(b"\n")
    der = base64.b64decode(b"".join(lines[1:-2]))
    unknown = der.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030177"))
    body = base64.encodebytes(unknown)
    with pytest.raises(InvalidKey) as caught:
        VirtualKey.from_pem(lines[0] + b"\n" + body + lines[-2] + b"\n")
    assert str(caught.value) == "The key is of a kind that is not supported."


def test_a_file_with_both_halves_holds_a_private_key() -> None:
    key = VirtualKey.generate()
    assert (
        VirtualKey.from_pem(key.private_pem().decode() + key.public_pem).public_key
        == key.public_key
    )


def test_text_that_is_no_text_is_no_key() -> None:
    with pytest.raises(InvalidKey, match="not a private key"):
        VirtualKey.from_pem("\udcff")


@pytest.mark.parametrize(
    ("point", "says"),
    [
        (b"\x04" * 64, "A vehicle's public key has 65 bytes."),
        (b"\x04" * 65, "The vehicle's public key is not a point on P-256."),
    ],
)
def test_what_is_wrong_with_a_vehicles_key_is_said_in_a_sentence(point: bytes, says: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        VirtualKey.generate().shared_key(point)
    assert str(caught.value) == says


def test_a_public_key_is_its_pem_and_nothing_around_it() -> None:
    key = VirtualKey.generate()
    pem = key.public_pem.encode()
    assert public_point(pem) == key.public_key
    assert public_point(b"\n  " + pem + b"\n") == key.public_key
    assert public_point(pem.strip().ljust(8192)) == key.public_key
    ed448 = ed25519.Ed25519PrivateKey.generate().public_key()
    other_curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    no_pem = "This is not a public key in PEM form."
    wrong_kind = "Tesla accepts only public keys on prime256v1 (NIST P-256)."
    for text, says in (
        (b"", no_pem),
        (b"<html>" + pem, no_pem),
        (pem.replace(b"M", b"!"), no_pem),
        (pem + b"x" * 8192, no_pem),
        (ed448.public_bytes(*form), wrong_kind),
        (other_curve.public_bytes(*form), wrong_kind),
    ):
        with pytest.raises(InvalidKey) as caught:
            public_point(text)
        assert str(caught.value) == says
