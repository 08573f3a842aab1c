"""What a car answers to commands it believes: plain, encrypted, busy, or with a fault that was ordered."""

from cryptography.exceptions import InvalidTag
import pytest
from tesla_protocol.command.car_server_pb2 import Response
from tesla_protocol.command.universal_message_pb2 import RoutableMessage
from tesla_protocol.command.vcsec_pb2 import FromVCSECMessage

from simulator.car import Car, Fault

from .by_hand import (
    CHARGE_START,
    CHARGE_STOP,
    INFOTAINMENT,
    PORT_CLOSE_SECURITY,
    PORT_OPEN_SECURITY,
    VEHICLE_SECURITY,
    ask,
    fault_of,
    outcome,
    paired,
)

ENCRYPT = 2
PING = bytes.fromhex("1205f202020807")
HVAC_ON = bytes.fromhex("120452020801")


def request_hash(message: RoutableMessage, length: int = 33) -> bytes:
    return (b"\x08" + message.signature_data.HMAC_Personalized_data.tag)[:length]


def test_success_is_an_action_status_with_nothing_in_it() -> None:
    car, signer = paired()
    car.plug_in()
    request = signer.command(CHARGE_STOP)
    reply = ask(car, request)
    response = Response.FromString(reply.protobuf_message_as_bytes)
    assert response.HasField("actionStatus")
    assert outcome(reply) == (True, "")
    assert not reply.HasField("signature_data")
    assert reply.request_uuid == request.uuid
    assert reply.to_destination == request.from_destination


def test_ping_comes_back() -> None:
    car, signer = paired()
    reply = ask(car, signer.command(PING))
    assert Response.FromString(reply.protobuf_message_as_bytes).ping.ping_id == 7


def test_an_action_this_car_cannot_do_is_an_error_with_a_reason() -> None:
    car, signer = paired()
    result, reason = outcome(ask(car, signer.command(HVAC_ON)))
    assert (result, reason) == (False, "not_supported")
    assert car.commands == []


def test_the_encrypted_answer_opens_with_the_request_hash() -> None:
    car, signer = paired()
    request = signer.command(CHARGE_START, flags=ENCRYPT)
    reply = ask(car, request)
    plain = Response.FromString(signer.decrypt(request_hash(request), reply))
    assert plain.actionStatus.result_reason.plain_text == "disconnected"
    data = reply.signature_data.AES_GCM_Response_data
    assert (data.counter, len(data.nonce), len(data.tag)) == (1, 12, 16)


def test_the_encrypted_answer_opens_with_nothing_else() -> None:
    car, signer = paired()
    request = signer.command(CHARGE_START, flags=ENCRYPT)
    reply = ask(car, request)
    other = signer.command(CHARGE_START, flags=ENCRYPT)
    for wrong in (request_hash(request, 17), request_hash(other)):
        with pytest.raises(InvalidTag):
            signer.decrypt(wrong, reply)
    reply.signature_data.AES_GCM_Response_data.counter = 2
    with pytest.raises(InvalidTag):
        signer.decrypt(request_hash(request), reply)


def test_vehicle_security_cuts_the_request_hash() -> None:
    car, signer = paired()
    request = signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY, flags=ENCRYPT)
    reply = ask(car, request)
    assert reply.HasField("protobuf_message_as_bytes")
    assert signer.decrypt(request_hash(request, 17), reply) == b""


def test_every_encrypted_answer_has_a_nonce_of_its_own() -> None:
    car, signer = paired()
    nonces = set()
    for _ in range(5):
        reply = ask(car, signer.command(CHARGE_START, flags=ENCRYPT))
        nonces.add(reply.signature_data.AES_GCM_Response_data.nonce)
    assert len(nonces) == 5


def test_older_firmware_ignores_the_wish_for_encryption() -> None:
    car, signer = paired()
    car.domain("infotainment").encrypts_responses = False
    assert outcome(ask(car, signer.command(CHARGE_START, flags=ENCRYPT))) == (False, "disconnected")


@pytest.mark.parametrize("installed_later", [False, True])
@pytest.mark.parametrize(("firmware", "encrypts"), [("2024.32.9", False), ("2024.38", True)])
def test_the_firmware_decides_whether_answers_are_encrypted(
    firmware: str, encrypts: bool, installed_later: bool
) -> None:
    car, signer = paired() if installed_later else paired(firmware=firmware)
    if installed_later:
        car.install_firmware(firmware)
    for domain, payload in ((3, CHARGE_START), (2, PORT_OPEN_SECURITY)):
        reply = ask(car, signer.command(payload, domain, flags=ENCRYPT))
        assert reply.signature_data.HasField("AES_GCM_Response_data") is encrypts


def test_a_car_may_insist_on_encryption() -> None:
    car, signer = paired()
    car.domain("infotainment").requires_response_encryption = True
    assert fault_of(ask(car, signer.command(CHARGE_START))) == 28
    assert fault_of(ask(car, signer.command(CHARGE_START, flags=ENCRYPT))) == 0


def test_faults_can_be_encrypted_too() -> None:
    car, signer = paired()
    car.domain("infotainment").encrypts_faults = True
    request = signer.command(b"", flags=ENCRYPT)
    reply = ask(car, request)
    assert fault_of(reply) == 9
    assert signer.decrypt(request_hash(request), reply) == b""
    reply.signedMessageStatus.ClearField("signed_message_fault")
    with pytest.raises(InvalidTag):
        signer.decrypt(request_hash(request), reply)


def test_a_busy_car_asks_to_wait_and_does_nothing() -> None:
    car, signer = paired()
    car.domain("infotainment").busy_next(2)
    for _ in range(2):
        reply = ask(car, signer.command(CHARGE_START))
        assert (reply.signedMessageStatus.operation_status, fault_of(reply)) == (1, 0)
        assert not reply.HasField("protobuf_message_as_bytes")
    assert car.commands == []
    assert outcome(ask(car, signer.command(CHARGE_START))) == (False, "disconnected")


@pytest.mark.parametrize("fault", list(Fault)[1:], ids=lambda fault: fault.name)
def test_every_fault_can_be_ordered(fault: Fault) -> None:
    car, signer = paired()
    car.domain("infotainment").message_fault_next(fault)
    request = signer.command(CHARGE_START)
    reply = ask(car, request)
    assert fault_of(reply) == fault
    resync = fault in {5, 6, 13, 15, 17, 20}
    assert bool(reply.session_info) is resync
    if resync:
        assert signer.check_session_info(request, reply).counter == 1
    assert bool(car.commands) is (fault == 25)
    assert fault_of(ask(car, request)) == 6
    assert fault_of(ask(car, signer.command(CHARGE_START))) == 0


def test_ordered_faults_wait_for_an_authentic_command_and_can_be_withdrawn() -> None:
    car, signer = paired()
    domain = car.domain("infotainment")
    domain.message_fault_next(11, times=3)
    assert fault_of(ask(car, signer.hello())) == 0
    assert fault_of(ask(car, signer.command(CHARGE_START, epoch=bytes(16)))) == 15
    assert fault_of(ask(car, signer.command(CHARGE_START))) == 11
    domain.clear_injected()
    assert fault_of(ask(car, signer.command(CHARGE_START))) == 0


def test_what_was_executed_is_on_record_with_its_counter() -> None:
    car, signer = paired()
    ask(car, signer.command(CHARGE_START))
    ask(car, signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY))
    done = car.domain("infotainment").executed
    assert [(item.name, item.counter, item.signer) for item in done] == [
        ("charge_start", 1, signer.point)
    ]
    assert car.domain("vehicle_security").executed[0].name == "charge_port_door_open"
    assert [command.via for command in car.commands] == ["signed", "signed"]


def _security(car: Car, reply: RoutableMessage) -> FromVCSECMessage:
    assert fault_of(reply) == 0
    assert reply.request_uuid == b""
    return FromVCSECMessage.FromString(reply.protobuf_message_as_bytes)


def test_vehicle_security_echoes_the_uuid_only_beside_session_info() -> None:
    car, signer = paired()
    for stale, echoed in ((True, True), (False, False)):
        epoch = bytes(16) if stale else None
        request = signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY, epoch=epoch)
        reply = ask(car, request)
        assert bool(reply.session_info) is echoed
        assert reply.request_uuid == (request.uuid if echoed else b"")


def test_vehicle_security_opens_and_closes_the_port() -> None:
    car, signer = paired()
    reply = _security(car, ask(car, signer.command(PORT_OPEN_SECURITY, VEHICLE_SECURITY)))
    assert reply == FromVCSECMessage()
    assert car.snapshot().charge_port_door_open
    reply = _security(car, ask(car, signer.command(PORT_CLOSE_SECURITY, VEHICLE_SECURITY)))
    assert reply == FromVCSECMessage()
    assert not car.snapshot().charge_port_door_open


def test_vehicle_security_reports_refusals_as_nominal_errors() -> None:
    car, signer = paired()
    car.plug_in()
    reply = _security(car, ask(car, signer.command(PORT_CLOSE_SECURITY, VEHICLE_SECURITY)))
    assert reply.HasField("nominalError")
    trunk = bytes.fromhex("22022801")
    reply = _security(car, ask(car, signer.command(trunk, VEHICLE_SECURITY)))
    assert reply.nominalError.genericError == 9


def test_vehicle_security_takes_the_wake_action() -> None:
    car, signer = paired()
    wake = bytes.fromhex("101e")
    reply = _security(car, ask(car, signer.command(wake, VEHICLE_SECURITY)))
    assert reply == FromVCSECMessage()
    assert car.domain("vehicle_security").executed[0].name == "wake_vehicle"


@pytest.mark.parametrize("domain", [INFOTAINMENT, VEHICLE_SECURITY])
def test_a_fault_reply_goes_back_to_the_sender(domain: int) -> None:
    car, signer = paired()
    request = signer.command(b"", domain)
    reply = ask(car, request)
    assert reply.to_destination == request.from_destination
    assert reply.from_destination == request.to_destination
    assert reply.request_uuid == (request.uuid if domain == INFOTAINMENT else b"")
