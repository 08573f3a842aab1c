"""The receiver's own certificate: a private CA, and a leaf that is renewed under the same CA.

The cars' configuration contains only the CA, so a renewed leaf changes nothing for them. All functions block: run them
in an executor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
import secrets
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import CertificateError

AUTHORITY_FILE: Final = "telemetry_ca.pem"
SERVER_FILE: Final = "telemetry_server.pem"
"""Each file contains a private key and its certificate, so that both change in one step."""
AUTHORITY_LIFETIME: Final = timedelta(days=30 * 365)
SERVER_LIFETIME: Final = timedelta(days=397)
RENEW_BEFORE: Final = timedelta(days=60)
CLOCK_SKEW: Final = timedelta(days=1)
"""How far a car's clock may be behind: a new certificate is valid from this time before its creation."""
MAX_FILE_LENGTH: Final = 262_144
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for a certificate that it cannot read: at once, or when a part of it is used."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A usable server certificate, its key, and the CA that cars have to trust."""

    chain: Path
    """PEM file, leaf first."""
    key: Path | None
    """PEM file of the key; None if `chain` contains it too."""
    ca: str
    """PEM text for the configuration's `ca`."""
    not_before: datetime
    not_after: datetime
    leaf: bytes
    """The certificate itself (DER), to recognize the server that answers a connection."""
    own: bool
    """Whether it was made by ensure_certificate(), which also renews it."""

    def renewal_due(self, now: datetime) -> bool:
        """Return whether it is time to call ensure_certificate() again, or to warn about the user's files.

        The user's files are renewed by other software, usually when a third of their lifetime is left.
        """
        margin = RENEW_BEFORE if self.own else (self.not_after - self.not_before) / 6
        return now >= self.not_after - margin


type SetAside = Callable[[Path, str], None]
"""Gives a file that cannot be used another name; gets the reason, too."""


def ensure_certificate(
    directory: Path,
    hostname: str,
    now: datetime,
    write: Callable[[Path, bytes], None],
    set_aside: SetAside | None = None,
) -> ServerCertificate:
    """Return the certificate for a host name, making or renewing what is missing, due, or for another host.

    The CA is made once and kept: with another one, every car would have to be configured anew. `write` replaces a file
    that holds a private key; it is complete or not there at all. A file that is damaged or cannot be read, and a CA that
    is not valid now (it was made while the clock was wrong), is set aside and made again, if `set_aside` is given. Raises
    CertificateError for such a CA that is not set aside, OSError when files cannot be read or written.
    """
    authority_path, server_path = directory / AUTHORITY_FILE, directory / SERVER_FILE
    if set_aside is not None:
        _check_own(authority_path, set_aside, now)
        _check_own(server_path, set_aside)
    if authority_path.exists():
        authority_key, authority = _read_own(authority_path)
        _check_validity(authority, now)
    else:
        authority_key, authority = _make_authority(hostname, now)
        write(authority_path, _pem(authority_key, authority))
    try:
        _, server = _read_own(server_path)
        usable = _is_current(server, authority, hostname, now)
    except FileNotFoundError, CertificateError:
        server, usable = authority, False
    if not usable:
        server_key, server = _make_server(authority_key, authority, hostname, now)
        write(server_path, _pem(server_key, server))
    return ServerCertificate(
        server_path,
        None,
        _certificate_pem(authority).decode("ascii"),
        server.not_valid_before_utc,
        server.not_valid_after_utc,
        server.public_bytes(serialization.Encoding.DER),
        own=True,
    )


def read_certificates(data: bytes, what: str) -> list[x509.Certificate]:
    """Return the certificates in PEM data. Raises CertificateError."""
    if len(data) > MAX_FILE_LENGTH:
        raise CertificateError("too_large", f"{what} is too large")
    try:
        return x509.load_pem_x509_certificates(data)
    except UNREADABLE as err:
        raise CertificateError("unreadable", f"{what} holds no certificate in PEM form") from err


def read_private_key(data: bytes, what: str) -> PrivateKeyTypes:
    """Return the private key in PEM data. Raises CertificateError, without repeating the data."""
    if len(data) > MAX_FILE_LENGTH:
        raise CertificateError("key_too_large", f"{what} is too large")
    try:
        return serialization.load_pem_private_key(data, password=None)
    except TypeError:
        raise CertificateError(
            "encrypted", f"the key in {what} is protected by a password"
        ) from None
    except ValueError, UnsupportedAlgorithm:
        raise CertificateError(
            "key_unreadable", f"{what} holds no private key in PEM form"
        ) from None


def _read_own(path: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_LENGTH + 1)
    key = read_private_key(data, path.name)
    certificate = read_certificates(data, path.name)[0]
    try:
        public_key = certificate.public_key()
    except UNREADABLE as err:
        raise CertificateError("unreadable", f"{path.name} has an unusable public key") from err
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != public_key:
        raise CertificateError(
            "key_mismatch", f"key and certificate in {path.name} do not belong together"
        )
    return key, certificate


def _check_own(path: Path, set_aside: SetAside, now: datetime | None = None) -> None:
    """Set a file aside that cannot be used, or whose certificate is not valid at `now`."""
    try:
        _, certificate = _read_own(path)
        if now is not None:
            _check_validity(certificate, now)
    except FileNotFoundError:
        return
    except CertificateError as err:
        set_aside(path, str(err))
    except OSError as err:
        set_aside(path, err.strerror or type(err).__name__)


def _check_validity(authority: x509.Certificate, now: datetime) -> None:
    """Raise CertificateError if a CA that was made here is not valid now."""
    if not authority.not_valid_before_utc <= now < authority.not_valid_after_utc:
        raise CertificateError("expired", "the certificate authority made here is not valid now")


def _is_current(
    server: x509.Certificate, authority: x509.Certificate, hostname: str, now: datetime
) -> bool:
    try:
        server.verify_directly_issued_by(authority)
        names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (InvalidSignature, x509.ExtensionNotFound, *UNREADABLE):
        return False
    due = server.not_valid_after_utc - RENEW_BEFORE
    return names.get_values_for_type(x509.DNSName) == [hostname] and (
        server.not_valid_before_utc <= now < due
    )


def _make_authority(
    hostname: str, now: datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    # a unique name, so that two CAs of one home can be distinguished
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Tesla Charging CA {secrets.token_hex(4)}")]
    )
    certificate = (
        _builder(name, name, key, now, AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _make_server(
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    hostname: str,
    now: datetime,
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tesla Charging telemetry")])
    certificate = (
        _builder(name, authority.subject, key, now, SERVER_LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    return key, certificate


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + _certificate_pem(certificate)
