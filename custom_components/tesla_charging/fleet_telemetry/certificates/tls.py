"""The TLS context of the receiver: our own certificate, and Tesla's CAs to verify those of the cars."""

from collections.abc import Iterable
from pathlib import Path
import ssl

from ..errors import CertificateError, TrustError
from .trust import VehicleCA


def server_context(chain: Path, key: Path | None, trusted: Iterable[VehicleCA]) -> ssl.SSLContext:
    """Return a context that accepts only clients with a certificate of a trusted CA (blocking: reads files).

    `chain` is a PEM file with the leaf first; `key` is None if it contains the key too. Raises CertificateError,
    TrustError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    # Tesla's server is written in Go, which accepts every certificate of its pool as a trust anchor
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # every connection is verified again: a resumed session would stay valid after its certificate has expired
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ValueError) as err:
        # ssl.SSLError is an OSError; neither text contains a key
        raise CertificateError("unreadable", f"certificate or key cannot be loaded: {err}") from err
    # Trust anchors loaded this way are not named in the certificate request. They must not be named: cars do not send
    # their certificate to servers that name many (fleet-telemetry#395).
    try:
        context.load_verify_locations(cadata=b"".join(ca.der for ca in trusted))
    except (ssl.SSLError, ValueError) as err:
        raise TrustError("the vehicle CAs cannot be loaded") from err
    return context
