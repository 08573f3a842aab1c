"""Who a certificate speaks for, by the rules of Tesla's server."""

from cryptography import x509
import pytest

from custom_components.tesla_charging.fleet_telemetry import IdentityError
from custom_components.tesla_charging.fleet_telemetry.certificates.identity import (
    Identity,
    is_vin,
    read_identity,
    read_vin,
)

from .pki import BOARD, CLIENT_AUTH, ENERGY, SERVICE, VEHICLE, WIFI, issue
from .receiver_world import OTHER_VIN, VIN


def certificate(
    issuer: str,
    *usages: x509.ObjectIdentifier,
    name: str = VIN,
    units: tuple[str, ...] = (),
) -> bytes:
    return issue(name, issue(issuer, ca=True), usages=(CLIENT_AUTH, *usages), units=units).der


@pytest.mark.parametrize(
    "issuer",
    [
        "Tesla Motors Product Issuing CA",
        "Tesla Motors Product RSA Issuing CA",
        "Tesla Motors GF0 Product Issuing CA",
        "Tesla Motors GF3 Product Issuing CA",
        "Tesla Motors GF3 Product RSA Issuing CA",
        "Tesla Motors GF Austin Product Issuing CA",
        "Tesla Motors GF Berlin Product Issuing CA",
        "Tesla Product Access Issuing CA",
        "Tesla China Product Access Issuing CA",
    ],
)
@pytest.mark.parametrize("root", ["5", "4"])
def test_the_usage_makes_the_car(issuer: str, root: str) -> None:
    usage = x509.ObjectIdentifier(f"1.3.6.1.4.1.49279.2.{root}.1")
    identity = read_identity(certificate(issuer, usage))
    assert identity == Identity("vehicle_device", VIN)
    assert identity.sender_id == f"vehicle_device.{VIN}"


@pytest.mark.parametrize("issuer", ["TeslaMotors", "Tesla Issuing CA", "Tesla Motors Products CA"])
def test_of_old_issuers_the_name_is_enough(issuer: str) -> None:
    assert read_vin(certificate(issuer)) == VIN


def test_of_several_common_names_the_last_one_counts() -> None:
    """As for Tesla's server: in Go, the last one of a name is its common name. It is so for both names."""
    authority = issue("Tesla Motors Product Issuing CA", ca=True)
    usages = (CLIENT_AUTH, VEHICLE)
    two = issue(OTHER_VIN, authority, usages=usages, more_names=("5YJSA1E26HF000303", VIN))
    assert read_identity(two.der) == Identity("vehicle_device", VIN)
    no_car = issue(VIN, authority, usages=usages, more_names=("Powerwall",))
    with pytest.raises(IdentityError):
        read_vin(no_car.der)
    foreign = issue(
        "Tesla Motors Product Issuing CA", ca=True, more_names=("Tesla Product Root CA",)
    )
    with pytest.raises(IdentityError):
        read_vin(issue(VIN, foreign, usages=usages).der)
    own = issue("Somebody else", ca=True, more_names=("Tesla Motors Product Issuing CA",))
    assert read_vin(issue(VIN, own, usages=usages).der) == VIN


def test_a_board_of_the_car() -> None:
    board = certificate("Tesla Motors Products CA", units=("Tesla Motors SN",))
    assert read_identity(board).client_type == "vehicle_board_device"
    assert read_vin(certificate("Tesla Motors Product Issuing CA", BOARD)) == VIN


@pytest.mark.parametrize(
    "der",
    [
        certificate("Tesla Motors Product Issuing CA"),
        certificate("Tesla Motors Product Issuing CA", WIFI),
        certificate("Tesla Motors Product Issuing CA", WIFI, VEHICLE),
        certificate("Tesla Motors Product Issuing CA", ENERGY),
        certificate("Tesla Motors Product Issuing CA", SERVICE),
        certificate("Tesla Motors Product Issuing CA", VEHICLE, units=("Gen3 Wall Connector",)),
        certificate("Tesla Motors Product Issuing CA", VEHICLE, units=("Solar Inverter",)),
        certificate("Tesla Motors Product Issuing CA", VEHICLE, name="Powerwall"),
        certificate("Tesla Motors Product Issuing CA", VEHICLE, name=""" """),
        certificate("Somebody else", VEHICLE),
        certificate("Tesla Product Root CA", VEHICLE),
        b"",
        b"\x30\x03\x02\x01\x00",
    ],
    ids=[
        "no usage",
        "Wi-Fi",
        "Wi-Fi first",
        "energy",
        "service",
        "wall connector",
        "inverter",
        "no VIN",
        "blank name",
        "foreign issuer",
        "root",
        "nothing",
        "no certificate",
    ],
)
def test_who_does_not_speak_for_a_car(der: bytes) -> None:
    with pytest.raises(IdentityError):
        read_vin(der)


def test_the_first_known_usage_counts() -> None:
    assert (
        read_identity(certificate("Tesla Motors Product Issuing CA", ENERGY, VEHICLE)).client_type
        == "energy_device"
    )
    unknown = x509.ObjectIdentifier("1.3.6.1.4.1.49279.2.5.99")
    assert read_vin(certificate("Tesla Motors Product Issuing CA", unknown, VEHICLE)) == VIN


def test_dots_become_dashes() -> None:
    der = certificate("Tesla Motors Product Issuing CA", VEHICLE, name="a.b")
    assert read_identity(der).device_id == "a-b"


@pytest.mark.parametrize(
    "text",
    ["", "5YJ3E1EA8NF00020", "5YJ3E1EA8NF0002022", "5YJ3E1EA8NF00020O", VIN.lower(), VIN + "\n"],
)
def test_what_is_no_vin(text: str) -> None:
    assert not is_vin(text)
