"""Commands that are not authentic, not allowed or not readable, and what the car says to them."""

from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from simulator.car import KeychainFull, Role

from .by_hand import (
    CHARGE_START,
    CHARGE_STOP,
    INFOTAINMENT,
    PORT_OPEN_SECURITY,
    VEHICLE_SECURITY,
    Signer,
    ask,
    fault_of,
    outcome,
    paired,
    point_of,
    refused,
)


def test_a_proper_command_is_accepted() -> None:
    car, signer = paired()
    assert outcome(ask(car, signer.command(CHARGE_START))) == (False, "disconnected")
    assert [command.name for command in car.commands] == ["charge_start"]


def test_no_signature_at_all() -> None:
    car, signer = paired()
    message = signer.envelope(INFOTAINMENT)
    message.protobuf_message_as_bytes = CHARGE_START
    refused(car, signer, message, 13, resync=False)


@pytest.mark.parametrize("domain", [INFOTAINMENT, VEHICLE_SECURITY])
def test_a_name_without_a_signature_gets_no_session_info(domain: int) -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START, domain)
    message.signature_data.ClearField("HMAC_Personalized_data")
    assert message.signature_data.signer_identity.public_key == signer.point
    refused(car, signer, message, 13, resync=False)


def test_the_old_hmac_signature_type_is_not_enough() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    tag = message.signature_data.HMAC_Personalized_data.tag
    message.signature_data.session_info_tag.tag = tag
    refused(car, signer, message, 13, resync=False)


def test_aes_gcm_is_refused_on_this_transport() -> None:
    car, signer = paired()
    refused(car, signer, signer.encrypted_command(CHARGE_START), 13, resync=True)


def test_aes_gcm_works_where_it_is_allowed() -> None:
    car, signer = paired()
    car.domain("infotainment").allows_aes_gcm = True
    message = signer.encrypted_command(CHARGE_START)
    reply = ask(car, message)
    tag = message.signature_data.AES_GCM_Personalized_data.tag
    assert signer.decrypt(b"\x05" + tag, reply)
    assert car.commands[-1].name == "charge_start"

    bent = signer.encrypted_command(CHARGE_START)
    bent.signature_data.AES_GCM_Personalized_data.nonce = bytes(12)
    refused(car, signer, bent, 5, resync=True)
    bent.signature_data.AES_GCM_Personalized_data.nonce = bytes(8)
    refused(car, signer, bent, 16, resync=False)


def test_a_key_that_is_not_on_the_keychain() -> None:
    car, signer = paired()
    car.keychain.remove(signer.point)
    refused(car, signer, signer.command(CHARGE_START), 3, resync=False)


def test_a_message_that_does_not_say_whose_it_is() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    message.signature_data.ClearField("signer_identity")
    refused(car, signer, message, 3, resync=False)


def test_a_key_handle_instead_of_a_key() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    message.signature_data.signer_identity.handle = 7
    refused(car, signer, message, 27, resync=False)


def test_a_signer_key_off_the_curve() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    point = signer.point
    message.signature_data.signer_identity.public_key = point[:-1] + bytes([point[-1] ^ 1])
    refused(car, signer, message, 13, resync=False)


def test_a_disabled_key() -> None:
    car, signer = paired()
    car.keychain.disable(signer.point)
    refused(car, signer, signer.command(CHARGE_START), 4, resync=False)


def test_signing_in_the_name_of_another_key() -> None:
    car, signer = paired()
    impostor = Signer()
    impostor.infos = signer.infos
    message = impostor.command(CHARGE_START)
    message.signature_data.signer_identity.public_key = signer.point
    refused(car, signer, message, 5, resync=True)


@pytest.mark.parametrize("what", ["tag", "payload", "counter", "expires_at", "flags", "short tag"])
def test_whatever_is_bent_on_the_way_breaks_the_tag(what: str) -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START)
    signature = message.signature_data.HMAC_Personalized_data
    match what:
        case "tag":
            signature.tag = bytes([signature.tag[0] ^ 1]) + signature.tag[1:]
        case "short tag":
            signature.tag = signature.tag[:16]
        case "payload":
            message.protobuf_message_as_bytes = CHARGE_STOP
        case "counter":
            signature.counter += 1
        case "expires_at":
            signature.expires_at += 1
        case _:
            message.flags = 2
    refused(car, signer, message, 5, resync=True)


def test_flags_cleared_on_the_way_break_the_tag() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START, flags=2)
    message.flags = 0
    refused(car, signer, message, 5, resync=True)


def test_flags_nobody_knows_are_authenticated_and_ignored() -> None:
    car, signer = paired()
    assert fault_of(ask(car, signer.command(CHARGE_START, flags=0x8000_0000))) == 0


def test_a_command_signed_for_another_car() -> None:
    car, signer = paired()
    other = Signer(vin="5YJ30123456789ABD", key=signer.key, infos=signer.infos)
    message = other.command(CHARGE_START)
    refused(car, signer, message, 5, resync=True)


def test_a_command_signed_for_the_other_domain() -> None:
    car, signer = paired()
    message = signer.command(CHARGE_START, INFOTAINMENT, tag_domain=VEHICLE_SECURITY)
    refused(car, signer, message, 5, resync=True)


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"\xff\xff", 10),
        (b"", 9),
        (b"\x12\x00", 9),
        (CHARGE_START + b"\x07", 10),
        (CHARGE_START + bytes.fromhex("f23f0101"), 9),
        (bytes.fromhex("12050a0032010a"), 10),
    ],
)
def test_payloads_that_are_no_proper_action(payload: bytes, fault: int) -> None:
    car, signer = paired()
    refused(car, signer, signer.command(payload), fault, resync=False)


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"\xff\xff", 10),
        (b"", 9),
        (b"\xf2\x3f\x01\x01", 9),
        (PORT_OPEN_SECURITY + b"\xf2\x3f\x01\x01", 9),
        (bytes.fromhex("220438037801"), 9),
    ],
)
def test_payloads_vehicle_security_cannot_read(payload: bytes, fault: int) -> None:
    car, signer = paired()
    refused(car, signer, signer.command(payload, VEHICLE_SECURITY), fault, resync=False)


@pytest.mark.parametrize(
    ("role", "payload", "domain", "fault"),
    [
        (Role.VEHICLE_MONITOR, CHARGE_START, INFOTAINMENT, 7),
        (Role.NONE, CHARGE_START, INFOTAINMENT, 7),
        (Role.SERVICE, CHARGE_START, INFOTAINMENT, 22),
        (Role.CHARGING_MANAGER, PORT_OPEN_SECURITY, VEHICLE_SECURITY, 7),
        (Role.CHARGING_MANAGER, bytes.fromhex("1203f20300"), INFOTAINMENT, 7),
        (Role.CHARGING_MANAGER, CHARGE_START, INFOTAINMENT, 0),
        (Role.DRIVER, PORT_OPEN_SECURITY, VEHICLE_SECURITY, 0),
        (Role.OWNER, CHARGE_START, INFOTAINMENT, 0),
    ],
)
def test_roles_decide_who_may_do_what(role: Role, payload: bytes, domain: int, fault: int) -> None:
    car, signer = paired(role)
    assert fault_of(ask(car, signer.command(payload, domain))) == fault


def test_a_car_whose_owner_forbids_remote_access() -> None:
    car, signer = paired()
    car.mobile_access = False
    refused(car, signer, signer.command(CHARGE_START), 21, resync=False)
    car.mobile_access = True
    assert fault_of(ask(car, signer.command(CHARGE_START))) == 0


def test_the_keychain_is_full_at_twenty() -> None:
    car, _ = paired()
    for _ in range(19):
        car.keychain.add(point_of(ec.generate_private_key(ec.SECP256R1())))
    assert len(car.keychain) == 20
    with pytest.raises(KeychainFull):
        car.keychain.add(point_of(ec.generate_private_key(ec.SECP256R1())))
