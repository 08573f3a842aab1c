"""The car's end of TLS: whom it trusts, what it shows."""

import os
from pathlib import Path
import ssl
import tempfile

from cryptography import x509


class CaUnusable(Exception):
    """The `ca` of a configuration holds nothing to trust."""


def client_context(ca: str, identity: bytes | None) -> ssl.SSLContext:
    """Return a context that trusts `ca` alone and shows `identity` (key and certificate, PEM).

    Raises CaUnusable. Blocking: the ssl module reads certificates from files only.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    anchors = "".join(ssl.DER_cert_to_PEM_cert(der) for der in _certificates(ca) if _may_sign(der))
    if not anchors:
        raise CaUnusable("no CA certificate in the configuration's ca")
    try:
        context.load_verify_locations(cadata=anchors)
    except ssl.SSLError as error:
        raise CaUnusable("the configuration's ca cannot be read") from error
    if identity is not None:
        handle, path = tempfile.mkstemp(prefix="simulated-car-", suffix=".pem")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(identity)
            context.load_cert_chain(path)
        finally:
            Path(path).unlink()
    return context


def is_self_signed(der: bytes) -> bool:
    """Whether a server shows a bare self-signed certificate, which cars refuse."""
    certificate = x509.load_der_x509_certificate(der)
    return certificate.issuer == certificate.subject


def _certificates(pem: str) -> list[bytes]:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    found = []
    for block in pem.split(begin)[1:]:
        try:
            found.append(ssl.PEM_cert_to_DER_cert(f"{begin}{block.partition(end)[0]}{end}"))
        except ValueError as error:
            raise CaUnusable("the configuration's ca is not PEM") from error
    return found


def _may_sign(der: bytes) -> bool:
    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except ValueError, x509.ExtensionNotFound:
        return False
