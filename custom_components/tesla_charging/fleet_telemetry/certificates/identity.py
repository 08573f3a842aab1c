"""The identity of a client from its verified certificate, by the rules of Tesla's own server (`messages/identity.go`).

Only the certificate counts; data that the client sends later do not change the identity. The TLS layer has verified the
chain before, so the issuer's name is that of a trusted CA.
"""

from dataclasses import dataclass
import re
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from ..errors import IdentityError
from .certificate import UNREADABLE

VEHICLE: Final = "vehicle_device"
VEHICLE_BOARD: Final = "vehicle_board_device"
STREAMING_TYPES: Final = frozenset({VEHICLE, VEHICLE_BOARD})
"""Types of clients that may stream for a car: the car, and a computer of the car that is named by the car's VIN."""

_ISSUERS: Final = {
    "TeslaMotors": VEHICLE,
    "Tesla Issuing CA": VEHICLE,
    "Tesla Motors Products CA": VEHICLE,
}
"""Issuers whose name alone decides the type of their clients."""
_BOARD_UNIT: Final = ("Tesla Motors Products CA", "Tesla Motors SN")

_USAGE_ISSUERS: Final = frozenset(
    {
        "Tesla Motors Product Issuing CA",
        "Tesla Motors Product RSA Issuing CA",
        "Tesla Motors GF3 Product Issuing CA",
        "Tesla Motors GF3 Product RSA Issuing CA",
        "Tesla Motors GF0 Product Issuing CA",
        "Tesla Motors GF Austin Product Issuing CA",
        "Tesla Motors GF Berlin Product Issuing CA",
        "Tesla Energy Product Issuing CA",
        "Tesla Energy GF0 Product Issuing CA",
        "Tesla Product Access Issuing CA",
        "Tesla China Product Access Issuing CA",
        "Tesla GF0 Product Access Issuing CA",
        "Tesla GF3 Product Access Issuing CA",
        "Tesla GF Austin Product Access Issuing CA",
        "Tesla GF Berlin Product Access Issuing CA",
    }
)
"""Issuers for whose clients an extended key usage decides the type."""
_USAGE_ROOTS: Final = ("1.3.6.1.4.1.49279.2.5", "1.3.6.1.4.1.49279.2.4")
"""Tesla's extended key usages in production and in engineering."""
_USAGES: Final = {
    f"{root}.{number}": client_type
    for root in _USAGE_ROOTS
    for number, client_type in {
        1: VEHICLE,
        11: VEHICLE_BOARD,
        2: "energy_device",
        12: "das_device",
        14: "vehicle_service",
        15: "das_service",
        16: "energy_service",
        28: "robotics_device",
    }.items()
}
_EXCLUDED_USAGE: Final = "1.3.6.1.4.1.49279.2.5.1.1"
"""The usage of certificates for Wi-Fi."""
_UNITS: Final = {
    "Solar Inverter": "solar_inverter_device",
    "Gen3 Wall Connector": "wall_connector_device",
}
"""Organizational units that override the usage."""
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")


@dataclass(frozen=True, slots=True)
class Identity:
    """A client as its certificate describes it."""

    client_type: str
    device_id: str

    @property
    def sender_id(self) -> str:
        """The sender id in the client's messages."""
        return f"{self.client_type}.{self.device_id}"


def read_identity(certificate: bytes) -> Identity:
    """Return the identity in a verified certificate (DER). Raises IdentityError if it is not a known one."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        issuer = _common_name(parsed.issuer)
        name = _common_name(parsed.subject)
        units = [
            str(unit.value)
            for unit in parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        ]
        usages = _usages(parsed) if issuer in _USAGE_ISSUERS else []
    except UNREADABLE as err:
        raise IdentityError("the certificate cannot be read") from err
    if issuer in _USAGE_ISSUERS:
        client_type = _type_by_usage(usages, units)
    elif issuer in _ISSUERS:
        client_type = VEHICLE_BOARD if (issuer, *units[:1]) == _BOARD_UNIT else _ISSUERS[issuer]
    else:
        raise IdentityError("the certificate's issuer is none that cars have")
    return Identity(client_type, name.replace(".", "-"))


def read_vin(certificate: bytes) -> str:
    """Return the VIN of the car that a verified certificate (DER) identifies.

    Raises IdentityError for anything but a car: a charger, a service of Tesla's, an engineer's laptop.
    """
    return vehicle_vin(read_identity(certificate))


def vehicle_vin(identity: Identity) -> str:
    """Return the VIN of a client. Raises IdentityError if it is not a car."""
    if identity.client_type not in STREAMING_TYPES:
        raise IdentityError(f"a client of the type {identity.client_type} does not speak for a car")
    if not is_vin(identity.device_id):
        raise IdentityError("the certificate names no VIN")
    return identity.device_id


def is_vin(text: str) -> bool:
    """Return whether a text has the form of a VIN (ISO 3779)."""
    return _VIN.fullmatch(text) is not None


def _type_by_usage(usages: list[str], units: list[str]) -> str:
    """Return the client type of the first known usage. Raises IdentityError if there is none."""
    for usage in usages:
        if usage == _EXCLUDED_USAGE:
            break
        if usage in _USAGES:
            return next((_UNITS[unit] for unit in units if unit in _UNITS), _USAGES[usage])
    raise IdentityError("the certificate is not made for this use")


def _usages(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
    except x509.ExtensionNotFound:
        return []
    value = extension.value
    return (
        [usage.dotted_string for usage in value] if isinstance(value, x509.ExtendedKeyUsage) else []
    )


def _common_name(name: x509.Name) -> str:
    """Return the last common name, "" for none: of several, Go's x509 and so Tesla's server uses the last one."""
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[-1].value) if attributes else ""
