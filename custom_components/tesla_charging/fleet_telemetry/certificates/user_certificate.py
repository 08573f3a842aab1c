"""A server certificate that the user provides (Let's Encrypt, for instance), checked before it is used.

All functions block: run them in an executor.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
import errno
from pathlib import Path
import stat
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..errors import CertificateError
from .certificate import (
    MAX_FILE_LENGTH,
    UNREADABLE,
    ServerCertificate,
    read_certificates,
    read_private_key,
)

MAX_CHAIN_LENGTH: Final = 8
MAX_ROOTS: Final = 8
"""Roots of one organization in the configuration of the car."""

type Stamp = tuple[tuple[int, int], ...]


def load_certificate(
    chain: Path,
    key: Path | None,
    hostname: str,
    now: datetime,
    *,
    ca: Path | None = None,
    roots: bytes = b"",
) -> ServerCertificate:
    """Return the user's certificate after checks for everything that cars refuse without an error message.

    `chain` is a PEM file with the leaf first and its intermediates; `key` is None if the same file contains it. `ca` is
    the CA that cars have to trust. Without it, the CA is searched in `roots` (PEM text of public CAs): the root of the
    chain and the other roots of the same organization, because public CAs change intermediates and roots between
    renewals. A private CA is found as well if its own certificate is the last of the chain.
    Raises CertificateError, or OSError when a file cannot be read.
    """
    chain_data = _read(chain)
    certificates = read_certificates(chain_data, chain.name)[:MAX_CHAIN_LENGTH]
    leaf = certificates[0]
    _check_key(leaf, chain_data if key is None else _read(key), (key or chain).name)
    try:
        _check_leaf(leaf, hostname, now)
        if ca is not None:
            trusted = read_certificates(_read(ca), ca.name)
        else:
            trusted = _find_roots(certificates, _public_roots(roots))
        leads_to_trusted = _leads_to(leaf, certificates[1:], trusted)
    except UNREADABLE as err:
        raise CertificateError("unreadable", f"{chain.name} cannot be read: {err}") from err
    if not leads_to_trusted:
        raise CertificateError(
            "wrong_ca", "the certificate does not lead to the CA that cars are told"
        )
    return ServerCertificate(
        chain,
        key,
        b"".join(root.public_bytes(serialization.Encoding.PEM) for root in trusted).decode("ascii"),
        leaf.not_valid_before_utc,
        leaf.not_valid_after_utc,
        leaf.public_bytes(serialization.Encoding.DER),
        own=False,
    )


def file_stamp(*paths: Path | None) -> Stamp:
    """Return times and sizes of the files, which change with a renewed certificate.

    Raises OSError when a file is missing.
    """
    states = [path.stat() for path in paths if path is not None]
    return tuple((state.st_mtime_ns, state.st_size) for state in states)


def _read(path: Path) -> bytes:
    # reading a pipe or a device could block for ever
    if not stat.S_ISREG(path.stat().st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a file", str(path))
    with path.open("rb") as file:
        return file.read(MAX_FILE_LENGTH + 1)


def _check_key(leaf: x509.Certificate, data: bytes, what: str) -> None:
    key = read_private_key(data, what)
    try:
        if key.public_key() == leaf.public_key():
            return
    except UNREADABLE:
        raise CertificateError("unreadable", "the certificate has an unusable public key") from None
    raise CertificateError("key_mismatch", "key and certificate do not belong together")


def _check_leaf(leaf: x509.Certificate, hostname: str, now: datetime) -> None:
    if now >= leaf.not_valid_after_utc:
        raise CertificateError(
            "expired", f"the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
        )
    if now < leaf.not_valid_before_utc:
        raise CertificateError("not_yet_valid", "the certificate is not valid yet")
    if leaf.subject == leaf.issuer:
        # cars refuse it even if it is their trust anchor
        raise CertificateError("self_signed", "a certificate that is its own CA is refused by cars")
    if not any(_covers(name, hostname) for name in _names(leaf)):
        raise CertificateError("wrong_hostname", f"the certificate is not made for {hostname}")
    if not _is_for_servers(leaf):
        raise CertificateError("not_for_servers", "the certificate is not made for servers")


def _is_for_servers(leaf: x509.Certificate) -> bool:
    """Return whether the extended key usage allows servers; a certificate without it is for all uses."""
    try:
        usages = list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE:
        return False
    return not {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }.isdisjoint(usages)


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return extension.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return []


def _covers(name: str, hostname: str) -> bool:
    """Return whether a certificate's name covers a host; a wildcard covers exactly one label."""
    name, hostname = name.lower(), hostname.lower()
    if name.startswith("*."):
        _, _, domain = hostname.partition(".")
        return name[2:] == domain
    return name == hostname


def _public_roots(pem: bytes) -> Iterator[x509.Certificate]:
    """Yield the roots in a bundle of hundreds, without those that cannot be read."""
    end = b"-----END CERTIFICATE-----"
    for block in pem.split(end)[:-1]:
        try:
            yield x509.load_pem_x509_certificate(block[block.rfind(b"-----BEGIN") :] + end)
        except UNREADABLE:
            continue


def _find_roots(
    chain: list[x509.Certificate], roots: Iterable[x509.Certificate]
) -> list[x509.Certificate]:
    """Return the root of a chain and the other roots of the same organization, sorted by fingerprint.

    The order must not depend on which one is the root of the chain: a changed text means a new configuration for all
    cars.
    """
    known = list(roots)
    anchor = next((root for root in known for link in reversed(chain) if _issued(link, root)), None)
    if anchor is None:
        if len(chain) > 1 and _issued(chain[-1], chain[-1]):
            return chain[-1:]
        raise CertificateError(
            "unknown_ca",
            "the certificate does not lead to a public CA, nor to one in the same file",
        )
    others = [
        root for root in known if root != anchor and _organization(root) == _organization(anchor)
    ]
    chosen = [anchor, *others][:MAX_ROOTS]
    return sorted(chosen, key=lambda root: root.fingerprint(hashes.SHA256()))


def _organization(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _leads_to(
    leaf: x509.Certificate, intermediates: list[x509.Certificate], trusted: list[x509.Certificate]
) -> bool:
    """Return whether the chain that is sent to cars ends at a certificate that they trust."""
    link = leaf
    for _ in range(MAX_CHAIN_LENGTH):
        if any(_issued(link, root) for root in trusted):
            return True
        above = next(
            (other for other in intermediates if other != link and _issued(link, other)), None
        )
        if above is None:
            return False
        link = above
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True
