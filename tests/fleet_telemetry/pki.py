"""A certificate tree with the names and usages of Tesla's, made for the moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
import ssl
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
VEHICLE = x509.ObjectIdentifier("1.3.6.1.4.1.49279.2.5.1")
BOARD = x509.ObjectIdentifier("1.3.6.1.4.1.49279.2.5.11")
ENERGY = x509.ObjectIdentifier("1.3.6.1.4.1.49279.2.5.2")
SERVICE = x509.ObjectIdentifier("1.3.6.1.4.1.49279.2.5.14")
WIFI = x509.ObjectIdentifier("1.3.6.1.4.1.49279.2.5.1.1")
ISSUING = "Tesla Motors Product Issuing CA"


class Credentials(Protocol):
    """What a client shows."""

    def save(self, path: Path) -> Path: ...


@dataclass
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def save(self, path: Path) -> Path:
        path.write_bytes(self.key_pem + self.pem)
        return path


def issue(
    name: str,
    by: Issued | None = None,
    *,
    ca: bool = False,
    usages: tuple[x509.ObjectIdentifier, ...] = (),
    units: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (),
    organization: str | None = None,
    more_names: tuple[str, ...] = (),
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=365),
) -> Issued:
    """Return a new certificate; self-signed if nobody else signs it."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    # public CAs leave a leaf's subject empty
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
    attributes += [x509.NameAttribute(NameOID.COMMON_NAME, other) for other in more_names]
    if organization is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    attributes += [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units]
    subject = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False
        )
    return Issued(builder.sign(by.key if by is not None else key, hashes.SHA256()), key)


@dataclass
class Odd:
    """A certificate that is signed, and that no library should have made; and its key."""

    der: bytes
    key_pem: bytes

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()

    def save(self, path: Path) -> Path:
        path.write_bytes(self.key_pem + self.pem)
        return path


def odd(issued: Issued, by: Issued, before: bytes, after: bytes) -> Odd:
    """Return a certificate in which some bytes are replaced by as many others, with a signature over them."""
    signed = issued.certificate.tbs_certificate_bytes
    assert before in signed
    assert len(before) == len(after)
    signed = signed.replace(before, after, 1)
    signature = by.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    ecdsa_with_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    return Odd(_tlv(0x30, signed + ecdsa_with_sha256 + _tlv(3, b"\0" + signature)), issued.key_pem)


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    return bytes([tag, 0x82]) + length.to_bytes(2) + content


VERSION_2, VERSION_3 = bytes.fromhex("a003020101"), bytes.fromhex("a003020102")


def as_bits(name: str) -> tuple[bytes, bytes]:
    """Return a name as a certificate has it, and as a string of bits."""
    text = name.encode()
    return _tlv(0x0C, text), _tlv(0x03, b"\0" + text[1:])


class VehicleTree:
    """A root, the issuing CA under it, and certificates of cars."""

    def __init__(self, issuing: str = ISSUING) -> None:
        self.root = issue("Tesla Product Root CA", ca=True)
        self.issuing = issue(issuing, self.root, ca=True)
        self.bundle = self.root.pem + self.issuing.pem

    def car(
        self,
        vin: str,
        usages: tuple[x509.ObjectIdentifier, ...] = (CLIENT_AUTH, VEHICLE),
        *,
        units: tuple[str, ...] = (),
        begins: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=365),
    ) -> Issued:
        return issue(vin, self.issuing, usages=usages, units=units, begins=begins, ends=ends)


def client_context(ca: str, certificate: Path | None) -> ssl.SSLContext:
    """Return what a car connects with: the CA from its configuration and its own certificate."""
    context = ssl.create_default_context(cadata=ca)
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context
