"""Whether cars find the receiver: it is opened for a moment, and called by its public name from here."""

import asyncio
from enum import StrEnum
import socket
import ssl
from typing import Final

from .telemetry_settings import TelemetrySettings

PATIENCE: Final = 5.0
"""Seconds for finding, connecting and shaking hands together."""
NEXT_ADDRESS: Final = 0.5
"""Seconds after which the next address of a name is tried beside the first (IPv6 often leads nowhere)."""


class Reach(StrEnum):
    """What came of the call; all but the first are keys of the flow's errors."""

    REACHED = "reached"
    """The receiver itself answered."""
    FOREIGN = "reach_foreign"
    """Somebody else answered: what ends TLS on the way, or another program."""
    NO_NAME = "reach_no_name"
    """The name has no address, as far as this machine can find out."""
    REFUSED = "reach_refused"
    """Nobody listens there, as far as can be seen from inside."""
    SILENT = "reach_silent"
    """No answer, as far as can be seen from inside."""


_UNCONNECTED: Final[tuple[tuple[type[OSError], Reach], ...]] = (
    (socket.gaierror, Reach.NO_NAME),
    (ConnectionError, Reach.REFUSED),
    (OSError, Reach.SILENT),
)
_UNPROVEN: Final[tuple[tuple[type[OSError], Reach], ...]] = (
    (ssl.SSLError, Reach.FOREIGN),
    (ConnectionError, Reach.FOREIGN),
    (OSError, Reach.SILENT),
)
"""What a failure tells before and after somebody took the call, narrowest first; a TimeoutError is an OSError."""


async def call_home(settings: TelemetrySettings, ca: str) -> Reach:
    """Call the public name and port; return whether somebody answers who holds a certificate of the CA (PEM).

    A router without hairpin NAT does not lead a call from inside back inside, so no answer proves nothing.
    """
    ends = asyncio.get_running_loop().time() + PATIENCE
    try:
        async with asyncio.timeout_at(ends):
            _, writer = await asyncio.open_connection(
                settings.hostname, settings.port, happy_eyeballs_delay=NEXT_ADDRESS
            )
    except OSError as err:
        return _read(err, _UNCONNECTED)
    try:
        async with asyncio.timeout_at(ends):
            await writer.start_tls(_context(ca), server_hostname=settings.hostname)
    except OSError as err:
        return _read(err, _UNPROVEN)
    finally:
        writer.transport.abort()
    return Reach.REACHED


def _read(err: OSError, table: tuple[tuple[type[OSError], Reach], ...]) -> Reach:
    return next(reach for kind, reach in table if isinstance(err, kind))


def _context(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Here the server proves itself before it asks for a certificate, which we have none of: its complaint comes
    # only after our side of the handshake is complete. With TLS 1.2 it would end the handshake instead.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Nobody else has a certificate of this CA; its name may still be the one of the settings before.
    context.check_hostname = False
    context.load_verify_locations(cadata=ca)
    return context
