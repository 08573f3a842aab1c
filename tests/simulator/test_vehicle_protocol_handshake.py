"""Session info requests: who gets which answer."""

import secrets

from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from tesla_protocol.command.signatures_pb2 import SessionInfo
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from .by_hand import (
    CHARGE_START,
    INFOTAINMENT,
    VEHICLE_SECURITY,
    Signer,
    ask,
    fault_of,
    make_car,
    paired,
    point_of,
)


def test_a_paired_key_gets_signed_session_info_and_its_addresses_back() -> None:
    car, signer = paired()
    request = signer.hello()
    reply = ask(car, request)
    info = signer.check_session_info(request, reply)
    assert info.publicKey == car.domain("infotainment").public_key
    assert len(info.epoch) == 16
    assert info.status == 0
    assert reply.request_uuid == request.uuid
    assert reply.to_destination == request.from_destination
    assert reply.from_destination == request.to_destination
    assert fault_of(reply) == 0


def test_vehicle_security_echoes_the_uuid_beside_session_info() -> None:
    car, signer = paired()
    request = signer.hello(VEHICLE_SECURITY)
    reply = ask(car, request)
    signer.check_session_info(request, reply)
    assert reply.request_uuid == request.uuid


def test_the_two_domains_have_nothing_in_common() -> None:
    _, signer = paired()
    infotainment, security = signer.infos[INFOTAINMENT], signer.infos[VEHICLE_SECURITY]
    assert infotainment.publicKey != security.publicKey
    assert infotainment.epoch != security.epoch


def test_an_unpaired_key_is_told_so_in_signed_session_info() -> None:
    car, _ = make_car()
    signer = Signer()
    request = signer.hello()
    info = signer.check_session_info(request, ask(car, request))
    assert info.status == 1


def test_an_unpaired_key_can_be_told_so_without_a_session() -> None:
    car, _ = make_car()
    car.domain("infotainment").bare_unpaired_handshake = True
    reply = ask(car, Signer().hello())
    info = SessionInfo.FromString(reply.session_info)
    assert (info.status, info.publicKey) == (1, b"")
    assert not reply.HasField("signature_data")


def test_an_unpaired_key_that_signs_anyway_is_unknown() -> None:
    car, _ = make_car()
    signer = Signer()
    signer.handshake(car)
    reply = ask(car, signer.command(CHARGE_START))
    assert fault_of(reply) == 3
    assert not reply.session_info


@pytest.mark.parametrize("bend", ["off the curve", "compressed", "empty", "short"])
def test_bytes_that_are_no_key_get_a_fault(bend: str) -> None:
    car, signer = paired()
    good = point_of(ec.generate_private_key(ec.SECP256R1()))
    points = {
        "off the curve": good[:-1] + bytes([good[-1] ^ 1]),
        "compressed": b"\x02" + good[1:33],
        "empty": b"",
        "short": good[:-1],
    }
    reply = ask(car, signer.hello(public_key=points[bend]))
    assert fault_of(reply) == 13
    assert not reply.session_info


def test_undecodable_bytes_get_no_answer() -> None:
    car, _ = paired()
    assert car.exchange(b"\xff\xff\xff") is None
    assert car.exchange(b"") is None
    assert car.exchange(secrets.token_bytes(20_000)) is None


@pytest.mark.parametrize("length", [0, 8, 15, 17])
def test_a_sender_without_a_proper_address_gets_no_answer(length: int) -> None:
    car, signer = paired()
    request = signer.hello()
    request.from_destination.routing_address = bytes(length)
    assert car.exchange(request.SerializeToString()) is None


@pytest.mark.parametrize("domain", [0, 1, 5, 99])
def test_an_unknown_domain_is_a_fault(domain: int) -> None:
    car, signer = paired()
    reply = ask(car, signer.hello(domain))
    assert fault_of(reply) == 8
    assert not reply.session_info


def test_a_message_for_no_domain_is_a_fault() -> None:
    car, signer = paired()
    request = signer.hello()
    request.ClearField("to_destination")
    assert fault_of(ask(car, request)) == 8


@pytest.mark.parametrize("uuid", [b"", bytes(17)])
def test_a_uuid_is_one_to_sixteen_bytes(uuid: bytes) -> None:
    car, signer = paired()
    request = signer.hello()
    request.uuid = uuid
    reply = ask(car, request)
    assert fault_of(reply) == 13
    assert not reply.session_info


def test_a_message_without_payload_is_a_fault() -> None:
    car, signer = paired()
    assert fault_of(ask(car, signer.envelope(INFOTAINMENT))) == 13


def test_a_handshake_executes_nothing_and_uses_no_counter() -> None:
    car, signer = paired()
    for _ in range(3):
        assert signer.handshake(car).counter == 0
    assert car.commands == []


@pytest.mark.parametrize("reachable", ["asleep", "offline"])
def test_a_car_that_cannot_be_reached_says_nothing(reachable: str) -> None:
    car, signer = paired()
    if reachable == "asleep":
        car.sleep()
    else:
        car.set_offline(True)
    assert car.exchange(signer.hello().SerializeToString()) is None


def test_a_car_without_the_protocol_says_nothing() -> None:
    car, _ = make_car(protocol="not_supported")
    assert car.exchange(Signer().hello().SerializeToString()) is None


def test_a_subsystem_can_be_silent_while_the_other_talks() -> None:
    car, signer = paired()
    car.domain("infotainment").unresponsive = True
    assert car.exchange(signer.hello().SerializeToString()) is None
    assert isinstance(ask(car, signer.hello(VEHICLE_SECURITY)), RoutableMessage)


def test_handshakes_can_be_made_to_fail() -> None:
    car, signer = paired()
    car.domain("infotainment").handshake_fault_next(11)
    assert fault_of(ask(car, signer.hello())) == 11
    assert fault_of(ask(car, signer.hello())) == 0
