"""A TLS listener that accepts or rejects a client before it reads any data of the client."""

import asyncio
from collections.abc import Callable
import contextlib
import logging
import socket
import ssl
from typing import Final

from .limits import Limits

_LOGGER = logging.getLogger(__name__)
BACKLOG: Final = 128
ACCEPT_RETRY: Final = 1.0
"""Seconds before the next attempt when the system has no free file descriptor."""
SHUTDOWN_TIMEOUT: Final = 2.0

_VERIFY_ERRORS: Final = {
    7: "of no trusted CA",
    9: "not valid yet",
    10: "expired",
    18: "of no trusted CA",
    19: "of no trusted CA",
    20: "of no trusted CA",
    21: "of no trusted CA",
    26: "not made for clients",
}
"""OpenSSL's verification errors (X509_V_ERR_...) by number; its texts change between versions."""

type Admit = Callable[[asyncio.Transport], asyncio.Protocol | None]
"""Returns the protocol for a client whose certificate is verified, None to reject the client."""


class _Gate(asyncio.Protocol):
    """The protocol after the handshake, until the one for the client is selected."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        protocol = self._admit(transport)
        if protocol is None:
            transport.abort()
            return
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


class TlsListener:
    """Accepts connections and does their TLS handshakes, a limited number at the same time."""

    def __init__(self, admit: Admit, on_refused: Callable[[str], None], limits: Limits) -> None:
        """Create a listener; `on_refused` is called with the reason when a handshake failed."""
        self._admit = admit
        self._on_refused = on_refused
        self._limits = limits
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: dict[asyncio.Task[None], float] = {}

    @property
    def port(self) -> int:
        """The port that it listens on; 0 when it does not listen."""
        return int(self._socket.getsockname()[1]) if self._socket is not None else 0

    def start(self, host: str | None, port: int, context: ssl.SSLContext) -> None:
        """Listen on an address, on all if None. Raises OSError when the port is in use."""
        if host is None and socket.has_dualstack_ipv6():
            family, address, dualstack = socket.AF_INET6, "::", True
        else:
            address, dualstack = host or "0.0.0.0", False  # noqa: S104  # cars come from outside
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._context = context
        self._socket = socket.create_server(
            (address, port), family=family, backlog=BACKLOG, dualstack_ipv6=dualstack
        )
        self._socket.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._socket))

    def update_tls(self, context: ssl.SSLContext) -> None:
        """Use another context from the next connection on."""
        self._context = context

    async def stop(self) -> None:
        """Stop accepting connections, and cancel the running handshakes."""
        tasks = [*self._handshakes]
        if self._accepting is not None:
            tasks.append(self._accepting)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._socket is not None:
            self._socket.close()
        self._socket = self._accepting = None

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wait_for_capacity()
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as err:
                # the client has disconnected already, or there are no file descriptors
                _LOGGER.debug("Could not accept a telemetry connection: %s", err)
                await asyncio.sleep(ACCEPT_RETRY)
                continue
            task = loop.create_task(self._handshake(connection))
            self._handshakes[task] = loop.time()
            task.add_done_callback(self._remove)
            await asyncio.sleep(self._limits.accept_pause)

    def _remove(self, task: asyncio.Task[None]) -> None:
        del self._handshakes[task]

    async def _wait_for_capacity(self) -> None:
        """Wait until one more handshake may start."""
        loop = asyncio.get_running_loop()
        while len(self._handshakes) >= self._limits.handshakes:
            oldest, since = next(iter(self._handshakes.items()))
            patience = since + self._limits.handshake_patience - loop.time()
            if patience > 0:
                await asyncio.wait(
                    [*self._handshakes],
                    timeout=patience,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            elif not oldest.done():
                self._on_refused("handshake gave way to others")
                oldest.cancel()
                await asyncio.wait([oldest])
            await asyncio.sleep(0)  # let _remove run

    async def _handshake(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.write_buffer)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Gate(self._admit),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_timeout,
                ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
            )
        except OSError as err:  # ssl.SSLError is one, and so is a handshake that takes too long
            self._on_refused(_reason(err))


def _reason(err: OSError) -> str:
    """Return why a handshake failed, as a short text without secrets."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"certificate {_VERIFY_ERRORS.get(err.verify_code, err.verify_message)}"
    if isinstance(err, ssl.SSLError):
        return (err.reason or "TLS error").replace("_", " ").lower()
    if isinstance(err, ConnectionAbortedError):
        return "handshake took too long"
    return "hung up during the handshake"
