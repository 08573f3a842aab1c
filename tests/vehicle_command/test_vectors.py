"""Published vectors of Tesla's vehicle-command `protocol.md`, and those computed from its test keys.

The scalar is the client test key that Tesla prints in that document for exactly this purpose.
"""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from tesla_protocol.command import universal_message_pb2 as universal

from custom_components.tesla_charging.vehicle_command import (
    COMMANDS,
    Domain,
    Session,
    SessionInfoRejected,
    SessionState,
    VirtualKey,
    messages,
)
from custom_components.tesla_charging.vehicle_command.metadata import Tag, serialize

VIN = "5YJ30123456789ABC"
TESLAS_CLIENT_TEST_SCALAR = 0x2538CDC29A97C19C1E99A637D6CF4F8C970C118B56EDE1E6323E6D162C4B30DB
VEHICLE_KEY = bytes.fromhex(
    "04c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3"
    "a6aaa0e955166474af5d32c410f439a2234137ad1bb085fd4e8813c958f11d97"
)
EPOCH = bytes.fromhex("4c463f9cc0d3d26906e982ed224adde6")
SESSION_INFO = bytes.fromhex(
    "0806124104c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3"
    "a6aaa0e955166474af5d32c410f439a2234137ad1bb085fd4e8813c958f11d97"
    "1a104c463f9cc0d3d26906e982ed224adde6255a0a0000"
)
CHALLENGE = bytes.fromhex("1588d5a30eabc6f8fc9a951b11f6fd11")
INFO_TAG = bytes.fromhex("996c1fe38331be138f8039c194b14db2198846ed7d8251e6749284d7b32ea002")
ADDRESS = bytes.fromhex("2c907bd76c640d360b3027dc7404efde")
COMMAND_UUID = bytes.fromhex("58406580528b6a5301391800b4fe9b99")
CAPTURED_AT = 1_700_000_000.0


@pytest.fixture
def key() -> VirtualKey:
    return VirtualKey(ec.derive_private_key(TESLAS_CLIENT_TEST_SCALAR, ec.SECP256R1()))


@pytest.fixture
def session(key: VirtualKey) -> Session:
    return Session.from_session_info(
        key,
        VIN,
        Domain.INFOTAINMENT,
        info=SESSION_INFO,
        tag=INFO_TAG,
        challenge=CHALLENGE,
        received_at=CAPTURED_AT,
    )


def test_shared_key_and_subkeys(key: VirtualKey) -> None:
    shared = key.shared_key(VEHICLE_KEY)
    assert shared.hex() == "1b2fce19967b79db696f909cff89ea9a"
    assert (
        hmac.digest(shared, b"session info", hashlib.sha256).hex()
        == "fceb679ee7bca756fcd441bf238bf2f338629b41d9eb9c67be1b32c9672ce300"
    )
    assert (
        hmac.digest(shared, b"authenticated command", hashlib.sha256).hex()
        == "6d3a14d0b6d762e4f076739e2cf6edd291d2e56e3f25bc6a2af5cb26dc753b14"
    )


def test_metadata_examples() -> None:
    assert (
        serialize({Tag.COUNTER: 100, Tag.PERSONALIZATION: b"abc"}).hex()
        == "0203616263050400000064ff"
    )
    assert (
        serialize(
            {Tag.SIGNATURE_TYPE: 6, Tag.PERSONALIZATION: VIN.encode(), Tag.CHALLENGE: CHALLENGE}
        ).hex()
        == "000106021135594a333031323334353637383941424306101588d5a30eabc6f8fc9a951b11f6fd11ff"
    )
    assert (
        serialize(
            {
                Tag.FLAGS: 2,
                Tag.SIGNATURE_TYPE: 8,
                Tag.DOMAIN: 3,
                Tag.PERSONALIZATION: VIN.encode(),
                Tag.EPOCH: EPOCH,
                Tag.EXPIRES_AT: 2655,
                Tag.COUNTER: 7,
            }
        ).hex()
        == "000108010103021135594a333031323334353637383941424303104c463f9cc0d3d26906e982ed224adde6"
        "040400000a5f050400000007070400000002ff"
    )


def test_handshake_answer_authenticates(session: Session) -> None:
    assert session.state == SessionState(VEHICLE_KEY, EPOCH, 6, 2650, CAPTURED_AT)


def test_handshake_answer_with_one_bit_changed_does_not(key: VirtualKey) -> None:
    for position in range(0, len(SESSION_INFO), 7):
        info = bytearray(SESSION_INFO)
        info[position] ^= 1
        with pytest.raises(SessionInfoRejected):
            Session.from_session_info(
                key,
                VIN,
                Domain.INFOTAINMENT,
                info=bytes(info),
                tag=INFO_TAG,
                challenge=CHALLENGE,
                received_at=CAPTURED_AT,
            )


@pytest.mark.parametrize(
    ("flags", "tag"),
    [
        (0, "0cd72f9bf441e254299bce9e188163795b00b434859d35f1bec9f0c8212b62f6"),
        (2, "9293d414f2dc55ef6ec6de3a66b2bdb6b3e3292a782d02bc852d6ea3fdc06a25"),
    ],
)
def test_charge_start_is_signed_like_the_reference(session: Session, flags: int, tag: str) -> None:
    payload = COMMANDS["charge_start"]().action()
    authorization = session.authorize(payload, flags=flags, now=CAPTURED_AT, lifetime=5)
    assert (authorization.counter, authorization.expires_at) == (7, 2655)
    assert authorization.tag.hex() == tag


def test_handshake_request_bytes(key: VirtualKey, monkeypatch: pytest.MonkeyPatch) -> None:
    random = iter((ADDRESS, CHALLENGE))
    monkeypatch.setattr("secrets.token_bytes", lambda _: next(random))
    request = messages.session_info_request(Domain.INFOTAINMENT, key.public_key, now=CAPTURED_AT)
    ours, teslas = universal.RoutableMessage(), universal.RoutableMessage()
    ours.ParseFromString(request.message)
    teslas.ParseFromString(
        base64.b64decode(
            "MgIIAzoSEhAskHvXbGQNNgswJ9x0BO/eckMKQQSytrxowtoGZc5laBVZSZbGI5Tt2L6pBf54GnVP5qhFpxQz"
            "CQLyJekmnUZuBbNJmB/anYXMI8b7REqnO2KRBdxumgMQFYjVow6rxvj8mpUbEfb9EQ=="
        )
    )
    assert ours == teslas


def test_whole_signed_message(
    key: VirtualKey, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = iter((ADDRESS, COMMAND_UUID))
    monkeypatch.setattr("secrets.token_bytes", lambda _: next(random))
    request = messages.command_request(
        session,
        Domain.INFOTAINMENT,
        key.public_key,
        COMMANDS["charge_start"]().action(),
        now=CAPTURED_AT,
        lifetime=5,
    )
    assert request.message.hex() == (
        "320208033a1212102c907bd76c640d360b3027dc7404efde52061204320212006a82010a430a4104"
        "b2b6bc68c2da0665ce656815594996c62394edd8bea905fe781a754fe6a845a7"
        "14330902f225e9269d466e05b349981fda9d85cc23c6fb444aa73b629105dc6e"
        "423b0a104c463f9cc0d3d26906e982ed224adde610071d5f0a000022209293d414f2dc55ef6ec6de3a66b2bdb6"
        "b3e3292a782d02bc852d6ea3fdc06a259a031058406580528b6a5301391800b4fe9b99a00302"
    )
    assert request.request_hash is not None
    assert (
        request.request_hash.hex()
        == "08" + "9293d414f2dc55ef6ec6de3a66b2bdb6b3e3292a782d02bc852d6ea3fdc06a25"
    )
