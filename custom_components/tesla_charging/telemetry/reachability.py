"""Whether cars find the receiver: it is opened for a moment, and called by its public name from here."""

import asyncio
from enum import StrEnum
from ipaddress import ip_address
import socket
import ssl
from typing import Final

from ..fleet_telemetry import ServerCertificate
from .settings import TelemetrySettings

PATIENCE: Final = 5.0
"""Seconds for finding, connecting and shaking hands together."""
NEXT_ADDRESS: Final = 0.5
"""Seconds after which the next address of a name is tried beside the first (IPv6 often leads nowhere)."""


class Reachability(StrEnum):
    """What came of the call; all but the first are keys of the flow's errors."""

    REACHED = "reached"
    """The receiver itself answered."""
    FOREIGN = "reach_foreign"
    """Somebody else answered: what ends TLS on the way, or another program."""
    NO_NAME = "reach_no_name"
    """The name has no address, as far as this machine can find out."""
    INSIDE = "reach_inside"
    """The name has a private address here (split DNS, a hosts file); cars ask the public DNS."""
    REFUSED = "reach_refused"
    """Nobody listens there, as far as can be seen from inside."""
    SILENT = "reach_silent"
    """No answer, as far as can be seen from inside."""


_UNCONNECTED: Final[tuple[tuple[type[OSError], Reachability], ...]] = (
    (ConnectionError, Reachability.REFUSED),
    (OSError, Reachability.SILENT),
)
_UNPROVEN: Final[tuple[tuple[type[OSError], Reachability], ...]] = (
    (ssl.SSLError, Reachability.FOREIGN),
    (ConnectionError, Reachability.FOREIGN),
    (OSError, Reachability.SILENT),
)
"""What a failure tells before and after somebody took the call, narrowest first; a TimeoutError is an OSError."""


async def check_reachability(
    settings: TelemetrySettings, certificate: ServerCertificate
) -> Reachability:
    """Call the public name and port; return whether the receiver answers, known by its certificate.

    A router without hairpin NAT does not lead a call from inside back inside, so no answer proves nothing. Where the
    name leads to a private address the router is not asked at all, so nothing is called.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE
    try:
        async with asyncio.timeout_at(ends):
            found = await loop.getaddrinfo(
                settings.hostname, settings.port, type=socket.SOCK_STREAM
            )
    except OSError:
        return Reachability.NO_NAME
    if not all(ip_address(address[0]).is_global for *_, address in found):
        return Reachability.INSIDE
    try:
        async with asyncio.timeout_at(ends):
            reader, writer = await asyncio.open_connection(
                settings.hostname, settings.port, happy_eyeballs_delay=NEXT_ADDRESS
            )
    except OSError as err:
        return _read(err, _UNCONNECTED)
    try:
        async with asyncio.timeout_at(ends):
            await writer.start_tls(_context(certificate.ca), server_hostname=settings.hostname)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if shown == certificate.leaf and await _hangs_up(reader, ends):
            return Reachability.REACHED
    except OSError as err:
        return _read(err, _UNPROVEN)
    finally:
        writer.transport.abort()
    return Reachability.FOREIGN


async def _hangs_up(reader: asyncio.StreamReader, ends: float) -> bool:
    """Return whether who answers insists on a certificate, as the receiver does.

    A web server that has the same certificate file waits for a request instead.
    """
    try:
        async with asyncio.timeout_at(ends):
            return await reader.read(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def _read(err: OSError, table: tuple[tuple[type[OSError], Reachability], ...]) -> Reachability:
    return next(reach for kind, reach in table if isinstance(err, kind))


def _context(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Here the server proves itself before it asks for a certificate, which we have none of: its complaint comes
    # only after our side of the handshake is complete. With TLS 1.2 it would end the handshake instead.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The certificate itself is compared; its name may still be the one of the settings before.
    context.check_hostname = False
    context.load_verify_locations(cadata=ca)
    return context
