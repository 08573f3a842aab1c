"""The car's own crypto reproduces the values Tesla published (and those computed from its test keys)."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from tesla_protocol.command.signatures_pb2 import SessionInfo
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from simulator.car import Car
from simulator.car.security.agreement import NotAPoint, SharedSecret
from simulator.car.security.metadata import (
    command_metadata,
    response_metadata,
    serialize,
    session_info_metadata,
)

from .by_hand import VIN, ask, fault_of, key_from, make_car, outcome, point_of

# The test keys published in Tesla's protocol.md.
VEHICLE_SCALAR = 0x344EE5B466A7CF1EEB12B6F50331DB2E5EC5834EF5F4BEFCFD8CBE55C2528D70
CLIENT_SCALAR = 0x2538CDC29A97C19C1E99A637D6CF4F8C970C118B56EDE1E6323E6D162C4B30DB
EPOCH = bytes.fromhex("4c463f9cc0d3d26906e982ed224adde6")
HANDSHAKE = base64.b64decode(
    "MgIIAzoSEhAskHvXbGQNNgswJ9x0BO/eckMKQQSytrxowtoGZc5laBVZSZbGI5Tt2L6pBf54GnVP5qhFpxQzCQLyJekmnUZuBbNJ"
    "mB/anYXMI8b7REqnO2KRBdxumgMQFYjVow6rxvj8mpUbEfb9EQ=="
)
SESSION_INFO = bytes.fromhex(
    "0806124104c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3a6aaa0e955166474af5d32c410f4"
    "39a2234137ad1bb085fd4e8813c958f11d971a104c463f9cc0d3d26906e982ed224adde6255a0a0000"
)
SESSION_INFO_TAG = "996c1fe38331be138f8039c194b14db2198846ed7d8251e6749284d7b32ea002"
HANDSHAKE_UUID = bytes.fromhex("1588d5a30eabc6f8fc9a951b11f6fd11")
CHARGE_START_FLAGS_2 = bytes.fromhex(
    "320208033a1212102c907bd76c640d360b3027dc7404efde52061204320212006a82010a430a4104b2b6bc68c2da0665ce6568"
    "15594996c62394edd8bea905fe781a754fe6a845a714330902f225e9269d466e05b349981fda9d85cc23c6fb444aa73b629105"
    "dc6e423b0a104c463f9cc0d3d26906e982ed224adde610071d5f0a000022209293d414f2dc55ef6ec6de3a66b2bdb6b3e3292a"
    "782d02bc852d6ea3fdc06a259a031058406580528b6a5301391800b4fe9b99a00302"
)


def _secret() -> SharedSecret:
    return SharedSecret.agree(key_from(VEHICLE_SCALAR), point_of(key_from(CLIENT_SCALAR)))


def _published_car(clock_time: float) -> Car:
    car, _ = make_car()
    car.keychain.add(point_of(key_from(CLIENT_SCALAR)))
    domain = car.domain("infotainment")
    domain.rekey(key_from(VEHICLE_SCALAR))
    domain.reboot(epoch=EPOCH)
    domain.jump_clock(clock_time)
    return car


def test_both_sides_agree_on_the_published_key() -> None:
    assert _secret().key.hex() == "1b2fce19967b79db696f909cff89ea9a"
    other_way = SharedSecret.agree(key_from(CLIENT_SCALAR), point_of(key_from(VEHICLE_SCALAR)))
    assert other_way == _secret()


def test_subkeys_are_the_published_ones() -> None:
    assert _secret().subkey(b"session info").hex() == (
        "fceb679ee7bca756fcd441bf238bf2f338629b41d9eb9c67be1b32c9672ce300"
    )
    assert _secret().subkey(b"authenticated command").hex() == (
        "6d3a14d0b6d762e4f076739e2cf6edd291d2e56e3f25bc6a2af5cb26dc753b14"
    )


def test_metadata_is_sorted_and_closed() -> None:
    assert serialize({5: 100, 2: b"abc"}).hex() == "0203616263050400000064ff"


def test_session_info_tag_is_the_published_one() -> None:
    metadata = session_info_metadata(VIN, HANDSHAKE_UUID)
    assert metadata.hex() == (
        "000106021135594a333031323334353637383941424306101588d5a30eabc6f8fc9a951b11f6fd11ff"
    )
    assert _secret().session_info_tag(metadata + SESSION_INFO).hex() == SESSION_INFO_TAG


def test_command_metadata_and_tags_are_the_known_ones() -> None:
    payload = bytes.fromhex("120432021200")
    plain = command_metadata(8, 3, VIN, epoch=EPOCH, expires_at=2655, counter=7, flags=0)
    flagged = command_metadata(8, 3, VIN, epoch=EPOCH, expires_at=2655, counter=7, flags=2)
    assert flagged.hex() == (
        "000108010103021135594a333031323334353637383941424303104c463f9cc0d3d26906e982ed224adde6"
        "040400000a5f050400000007070400000002ff"
    )
    assert _secret().command_tag(plain + payload).hex() == (
        "0cd72f9bf441e254299bce9e188163795b00b434859d35f1bec9f0c8212b62f6"
    )
    assert _secret().command_tag(flagged + payload).hex() == (
        "9293d414f2dc55ef6ec6de3a66b2bdb6b3e3292a782d02bc852d6ea3fdc06a25"
    )


def test_response_metadata_always_states_its_flags_and_fault() -> None:
    metadata = response_metadata(
        3, VIN, counter=1, flags=0, request_hash=b"\x08" + b"h" * 32, fault=0
    )
    assert metadata.endswith(
        bytes.fromhex("0504000000010704000000000821")
        + b"\x08"
        + b"h" * 32
        + bytes.fromhex("090400000000ff")
    )


def test_the_published_handshake_gets_an_answer_that_verifies() -> None:
    car = _published_car(2650.5)
    reply = ask(car, RoutableMessage.FromString(HANDSHAKE))
    info = SessionInfo.FromString(reply.session_info)
    published = SessionInfo.FromString(SESSION_INFO)
    assert (info.publicKey, info.epoch, info.clock_time) == (
        published.publicKey,
        published.epoch,
        published.clock_time,
    )
    tag = _secret().session_info_tag(
        session_info_metadata(VIN, HANDSHAKE_UUID) + reply.session_info
    )
    assert reply.signature_data.session_info_tag.tag == tag
    assert reply.request_uuid == HANDSHAKE_UUID
    assert reply.to_destination.routing_address.hex() == "2c907bd76c640d360b3027dc7404efde"


def test_the_known_charge_start_message_starts_charging_once() -> None:
    car = _published_car(2650)
    domain = car.domain("infotainment")
    domain.encrypts_responses = False
    car.plug_in()
    message = RoutableMessage.FromString(CHARGE_START_FLAGS_2)
    assert outcome(ask(car, message)) == (False, "is_charging")
    assert fault_of(ask(car, message)) == 6
    assert [executed.counter for executed in domain.executed] == [7]


def test_points_off_the_curve_are_no_keys() -> None:
    good = point_of(ec.generate_private_key(ec.SECP256R1()))
    bad = good[:-1] + bytes([good[-1] ^ 1])
    for point in (bad, good[:64], b"\x02" + good[1:33], b""):
        with pytest.raises(NotAPoint):
            SharedSecret.agree(key_from(1), point)
