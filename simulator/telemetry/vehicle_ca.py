"""A certificate tree like the one that vouches for Tesla's cars, made anew for every simulator.

Subjects, issuer names and extended key usages as in the CA bundle of fleet-telemetry
(config/files/prod_ca.crt) and its messages/identity.go. Every key is on P-256.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

type CertificateKind = Literal[
    "good", "expired", "foreign", "server_only", "energy", "wifi", "none"
]
CERTIFICATE_KINDS: tuple[str, ...] = get_args(CertificateKind.__value__)

_PRODUCTION = "1.3.6.1.4.1.49279.2.5"
VEHICLE_DEVICE = ObjectIdentifier(f"{_PRODUCTION}.1")
ENERGY_DEVICE = ObjectIdentifier(f"{_PRODUCTION}.2")
WIFI_LOGIN = ObjectIdentifier(f"{_PRODUCTION}.1.1")

_ROOT = "Tesla Product Root CA"
_ISSUING = "Tesla Motors Product Issuing CA"
#: Where a car was built shows in its VIN and in the name of its issuer.
_ISSUING_BY_VIN = {
    "LRW": "Tesla Motors GF3 Product Issuing CA",
    "XP7": "Tesla Motors GF Berlin Product Issuing CA",
    "7SA": "Tesla Motors GF Austin Product Issuing CA",
}
_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
_USAGES: dict[str, tuple[ObjectIdentifier, ...]] = {
    "server_only": (_SERVER, VEHICLE_DEVICE),
    "energy": (_CLIENT, ENERGY_DEVICE),
    "wifi": (_CLIENT, WIFI_LOGIN),
}
_DAY = timedelta(days=1)
_YEARS = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class VehicleCa:
    """Issues the certificates that cars present. Validity is in real time, whatever the clock."""

    def __init__(self) -> None:
        """Make the root and one issuing CA per factory."""
        self._root = _authority(_root_name(), None)
        self._issuing = {
            name: _authority(_issuing_name(name), self._root)
            for name in (_ISSUING, *_ISSUING_BY_VIN.values())
        }
        self._foreign: _Authority | None = None
        self._issued: dict[tuple[str, str], bytes] = {}

    @property
    def bundle(self) -> bytes:
        """Every CA certificate, as PEM: what fleet-telemetry ships for the real cars."""
        authorities = (self._root, *self._issuing.values())
        return b"".join(one.certificate.public_bytes(Encoding.PEM) for one in authorities)

    def issue(self, vin: str, kind: CertificateKind = "good") -> bytes | None:
        """Return a key and certificate with CN = VIN as one PEM text; None for "none".

        A foreign certificate names the right issuer, whose key it does not have. Cars send no
        intermediates: the server has them.
        """
        if kind == "none":
            return None
        if (vin, kind) not in self._issued:
            self._issued[vin, kind] = self._make(vin, kind)
        return self._issued[vin, kind]

    def _make(self, vin: str, kind: CertificateKind) -> bytes:
        name = _ISSUING_BY_VIN.get(vin[:3], _ISSUING)
        authority = self._issuing[name]
        if kind == "foreign":
            if self._foreign is None:
                self._foreign = _authority(_issuing_name(name), _authority(_root_name(), None))
            authority = self._foreign
        now = datetime.now(UTC)
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tesla Inc."),
                x509.NameAttribute(NameOID.COMMON_NAME, vin),
            ]
        )
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(subject, authority.certificate.subject, key)
            .not_valid_before(now - 30 * _DAY)
            .not_valid_after(now - _DAY if kind == "expired" else now + _YEARS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(_USAGES.get(kind, (_CLIENT, VEHICLE_DEVICE))), critical=False
            )
            .add_extension(_known_by(authority), critical=False)
            .sign(authority.key, hashes.SHA256())
        )
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return secret + certificate.public_bytes(Encoding.PEM)


def _root_name() -> x509.Name:
    return _name(
        {NameOID.ORGANIZATION_NAME: "Tesla", NameOID.ORGANIZATIONAL_UNIT_NAME: "PKI"}, _ROOT
    )


def _issuing_name(common_name: str) -> x509.Name:
    parts = {NameOID.ORGANIZATION_NAME: "Tesla Inc.", NameOID.ORGANIZATIONAL_UNIT_NAME: "PKI"}
    return _name(parts, common_name, "Motors")


def _name(parts: dict[ObjectIdentifier, str], common_name: str, *units: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            *(x509.NameAttribute(oid, value) for oid, value in parts.items()),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
    )


def _known_by(authority: _Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _authority(name: x509.Name, parent: _Authority | None) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        _builder(name, parent.certificate.subject if parent else name, key)
        .not_valid_before(now - 60 * _DAY)
        .not_valid_after(now + 2 * _YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if parent is not None:
        builder = builder.add_extension(_known_by(parent), critical=False)
    return _Authority(builder.sign(parent.key if parent else key, hashes.SHA256()), key)
