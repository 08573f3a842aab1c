"""Checks whether cars can reach the receiver, by connecting from here to its public name and port."""

import asyncio
from enum import StrEnum
from ipaddress import ip_address
import socket
import ssl
from typing import Final

from ..fleet_telemetry import ServerCertificate
from .settings import TelemetrySettings

TIMEOUT: Final = 5.0
"""Seconds for name resolution, connection and TLS handshake together."""
ADDRESS_DELAY: Final = 0.5
"""Seconds after which the next address of a name is tried in parallel to the first (IPv6 often does not work)."""


class Reachability(StrEnum):
    """The result of the check; all but the first are keys of the config flow's errors."""

    REACHED = "reached"
    """The receiver itself answered."""
    FOREIGN = "reach_foreign"
    """Something else answered: a proxy that terminates TLS, or another program."""
    NO_NAME = "reach_no_name"
    """The name has no address, as far as this machine can resolve it."""
    INSIDE = "reach_inside"
    """The name has a private address here (split DNS, a hosts file); cars ask the public DNS."""
    REFUSED = "reach_refused"
    """The connection was refused; a connection from outside the home network might not be."""
    SILENT = "reach_silent"
    """No answer; there might be one from outside the home network."""


_CONNECT_ERRORS: Final[tuple[tuple[type[OSError], Reachability], ...]] = (
    (ConnectionError, Reachability.REFUSED),
    (OSError, Reachability.SILENT),
)
_TLS_ERRORS: Final[tuple[tuple[type[OSError], Reachability], ...]] = (
    (ssl.SSLError, Reachability.FOREIGN),
    (ConnectionError, Reachability.FOREIGN),
    (OSError, Reachability.SILENT),
)
"""What an error means before and after the TCP connection is made, narrowest first; a TimeoutError is an OSError."""


async def check_reachability(
    settings: TelemetrySettings, certificate: ServerCertificate
) -> Reachability:
    """Connect to the public name and port; return whether the receiver answers, recognized by its certificate.

    A router without hairpin NAT does not route a connection from inside back inside, so no answer proves nothing. If the
    name resolves to a private address, the router would not be involved, so no connection is made.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIMEOUT
    try:
        async with asyncio.timeout_at(deadline):
            found = await loop.getaddrinfo(
                settings.hostname, settings.port, type=socket.SOCK_STREAM
            )
    except OSError:
        return Reachability.NO_NAME
    if not all(ip_address(address[0]).is_global for *_, address in found):
        return Reachability.INSIDE
    try:
        async with asyncio.timeout_at(deadline):
            reader, writer = await asyncio.open_connection(
                settings.hostname, settings.port, happy_eyeballs_delay=ADDRESS_DELAY
            )
    except OSError as err:
        return _reachability(err, _CONNECT_ERRORS)
    try:
        async with asyncio.timeout_at(deadline):
            await writer.start_tls(_context(certificate.ca), server_hostname=settings.hostname)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if shown == certificate.leaf and await _requires_certificate(reader, deadline):
            return Reachability.REACHED
    except OSError as err:
        return _reachability(err, _TLS_ERRORS)
    finally:
        writer.transport.abort()
    return Reachability.FOREIGN


async def _requires_certificate(reader: asyncio.StreamReader, deadline: float) -> bool:
    """Return whether the server closes the connection for want of a client certificate, as the receiver does.

    A web server that has the same certificate file waits for a request instead.
    """
    try:
        async with asyncio.timeout_at(deadline):
            return await reader.read(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def _reachability(
    err: OSError, table: tuple[tuple[type[OSError], Reachability], ...]
) -> Reachability:
    return next(result for error, result in table if isinstance(err, error))


def _context(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # With TLS 1.3 the server shows its certificate before it rejects the missing client certificate: the alert comes
    # only after our side of the handshake is complete. With TLS 1.2 the handshake would fail instead.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The certificate itself is compared; its name may still be the one of the previous settings.
    context.check_hostname = False
    context.load_verify_locations(cadata=ca)
    return context
