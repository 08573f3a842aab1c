"""A TLS listener that accepts or rejects a client before it reads any data of the client."""

import asyncio
from collections import Counter
from collections.abc import Callable
import contextlib
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
import logging
import socket
import ssl
from typing import Final

from .limits import Limits

_LOGGER = logging.getLogger(__name__)
BACKLOG: Final = 1024
ACCEPTED_AT_ONCE: Final = 32
"""Connections that are accepted before others run: one by one, they would wait in the system's queue during a flood."""
ACCEPT_RETRY: Final = 1.0
"""Seconds before the next attempt when the system has no free file descriptor."""
SHUTDOWN_TIMEOUT: Final = 2.0
MAX_SERVED: Final = 1024
MAX_KNOWN: Final = 64
"""How many addresses of cars are remembered."""

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
        self.admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        protocol = self._admit(transport)
        if protocol is None:
            transport.abort()
            return
        self.admitted = True
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


@dataclass(slots=True, eq=False)
class _Client:
    """A client whose handshake has not ended."""

    address: str
    connection: socket.socket
    started: bool = False
    """Whether its task runs, which closes the connection."""
    spoke: bool = False
    """Whether it has sent its first bytes."""
    began: bool = False
    """Whether it had its turn: the TLS handshake runs."""


class TlsListener:
    """Accepts connections and does their TLS handshakes; their number is limited for each address and in all.

    Every connection is accepted at once. One that sends nothing waits without a cost, and never for its turn. Handshakes
    are started one after the other (`Turns`). Above a limit, one client of the address with the most of them is
    disconnected, at last one of an address from which a car has come: the oldest one that sends nothing if most of them
    do, else the oldest; never the newest, which had no time to say anything yet. So strangers do not delay a car.
    """

    def __init__(self, admit: Admit, on_refused: Callable[[str], None], limits: Limits) -> None:
        """Create a listener; `on_refused` is called with the reason when a handshake failed."""
        self._admit = admit
        self._on_refused = on_refused
        self._limits = limits
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._clients: dict[asyncio.Task[None], _Client] = {}
        """Oldest first."""
        self._counts: Counter[str] = Counter()
        """The number of clients by address."""
        self._turns = Turns(limits.accept_pause)

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
        self._accept_again(self._socket)

    def update_tls(self, context: ssl.SSLContext) -> None:
        """Use another context from the next connection on."""
        self._context = context

    async def stop(self) -> None:
        """Stop accepting connections, and cancel the running handshakes."""
        tasks = [*self._clients]
        for task, client in [*self._clients.items()]:
            self._cancel(task, client)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if tasks:
            await asyncio.wait(tasks)
        self._turns.close()

    def _accept_again(self, listening: socket.socket) -> None:
        """Accept connections from now on."""
        self._retry = None
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Accept the connections that wait, but not so many that others have to wait."""
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, peer = listening.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # the client has disconnected already
            except OSError as err:
                _LOGGER.debug("Could not accept a telemetry connection: %s", err)
                loop.remove_reader(listening)
                self._retry = loop.call_later(ACCEPT_RETRY, self._accept_again, listening)
                return
            connection.setblocking(False)
            client = _Client(address_of(peer[0]), connection)
            task = loop.create_task(self._serve(client))
            self._clients[task] = client
            self._counts[client.address] += 1
            task.add_done_callback(self._remove)
            if self._counts[client.address] > self._limits.handshakes_per_address:
                self._make_room(client, {client.address})
            elif len(self._clients) > self._limits.handshakes:
                self._make_room(client, set(self._counts))

    def _remove(self, task: asyncio.Task[None]) -> None:
        if (client := self._clients.pop(task, None)) is None:
            return  # it was disconnected for another one
        self._counts[client.address] -= 1
        if not self._counts[client.address]:
            del self._counts[client.address]

    def _make_room(self, newest: _Client, addresses: set[str]) -> None:
        """Disconnect another client than the newest, of one of these addresses."""
        self._disconnect_one(
            [
                (task, client)
                for task, client in self._clients.items()
                if client is not newest and client.address in addresses
            ]
        )

    def _disconnect_one(self, clients: list[tuple[asyncio.Task[None], _Client]]) -> None:
        """Disconnect the one of these clients, oldest first, that has to give way."""
        counts = Counter(client.address for _, client in clients)

        def weight(address: str) -> tuple[bool, int]:
            return not self._turns.is_known(address), counts[address]

        most = max(map(weight, counts))
        addresses = {address for address in counts if weight(address) == most}
        found = [(task, client) for task, client in clients if client.address in addresses]
        silent = [(task, client) for task, client in found if not client.spoke]
        victim, client = (silent if 2 * len(silent) > len(found) else found)[0]
        self._on_refused("handshake gave way to others")
        self._cancel(victim, client)
        self._remove(victim)

    @staticmethod
    def _cancel(task: asyncio.Task[None], client: _Client) -> None:
        task.cancel()
        if not client.started:
            client.connection.close()

    async def _serve(self, client: _Client) -> None:
        """Do a client's handshake as soon as it has begun it and it is the turn of its address."""
        limits, connection = self._limits, client.connection
        client.started = True
        try:
            async with asyncio.timeout(limits.handshake_timeout):
                await self._begin(connection, client)
                gate = _Gate(self._admit)
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: gate,
                    connection,
                    ssl=self._context,
                    ssl_handshake_timeout=limits.handshake_timeout,
                    ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
                )
                if gate.admitted:
                    self._turns.remember(client.address)
        except OSError as err:  # ssl.SSLError is one, and so is a handshake that takes too long
            self._on_refused(_reason(err))

    async def _begin(self, connection: socket.socket, client: _Client) -> None:
        """Wait for a client's first bytes, and for its turn. Raises OSError when it hangs up before."""
        try:
            with contextlib.suppress(OSError):
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.write_buffer
                )
            await _readable(connection)
            if not connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError  # noqa: TRY301  # as in a handshake
            client.spoke = True
            await self._turns.wait(client.address)
            self._begin_handshake(client)
        except BaseException:
            connection.close()
            raise

    def _begin_handshake(self, client: _Client) -> None:
        """Note that the handshake of a client runs; above the limit, one of another stranger gives way."""
        client.began = True
        if self._turns.is_known(client.address):
            return
        running = [
            (task, other)
            for task, other in self._clients.items()
            if other.began and not self._turns.is_known(other.address)
        ]
        if len(running) > self._limits.running_handshakes:
            self._disconnect_one(running)


class Turns:
    """Lets one client after the other begin its handshake, each time the newest one of the next address.

    At most one of every other address comes first, and none before the first client of a new address. Every other turn
    is for the addresses from which a car has come: it does not wait for strangers, however many addresses they have.
    """

    def __init__(self, pause: float) -> None:
        """Create it; `pause` is the seconds between two of them."""
        self._pause = pause
        self._waiting: dict[bool, dict[str, list[asyncio.Future[None]]]] = {True: {}, False: {}}
        """By whether a car has come from the address, and by address; the one whose turn it is next is the first one."""
        self._known: dict[str, None] = {}
        """Addresses from which a car has come, the last one at the end."""
        self._served: dict[str, None] = {}
        """Addresses that had a turn, the last one at the end."""
        self._last = False
        """Whether the last turn was that of a known address."""
        self._timer: asyncio.TimerHandle | None = None

    def is_known(self, address: str) -> bool:
        """Return whether a car has come from this address."""
        return address in self._known

    def remember(self, address: str) -> None:
        """Note that a car has come from this address."""
        _append(self._known, address, MAX_KNOWN)

    async def wait(self, address: str) -> None:
        """Wait for a turn."""
        turn = asyncio.get_running_loop().create_future()
        addresses = self._waiting[self.is_known(address)]
        if address not in addresses:
            addresses[address] = []
            if address not in self._served:
                # a new address does not wait for those that had a turn, or wait for their first one since longer
                _move_to_front(addresses, address)
        addresses[address].append(turn)
        if self._timer is None:
            self._next()
        try:
            await turn
        finally:
            if turn in (turns := addresses.get(address, [])):  # the client does not wait any more
                turns.remove(turn)
                if not turns:
                    del addresses[address]

    def close(self) -> None:
        """Give no turn any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> None:
        """Give the next turn, and the one after it later; clients that are about to leave are left out."""
        self._timer = None
        while any(self._waiting.values()):
            self._last = not self._last if self._waiting[not self._last] else self._last
            addresses = self._waiting[self._last]
            address = next(iter(addresses))
            turns = addresses.pop(address)
            # the newest: a car that connects now does not wait for older strangers
            turn = turns.pop()
            if turns:
                addresses[address] = turns  # as the last one
            if not turn.done():
                turn.set_result(None)
                _append(self._served, address, MAX_SERVED)
                self._timer = asyncio.get_running_loop().call_later(self._pause, self._next)
                return


def _append(addresses: dict[str, None], address: str, limit: int) -> None:
    """Put an address at the end of those that are remembered, and forget the first one above the limit."""
    addresses.pop(address, None)
    addresses[address] = None
    if len(addresses) > limit:
        del addresses[next(iter(addresses))]


def _move_to_front[T](addresses: dict[str, T], address: str) -> None:
    others = {name: turns for name, turns in addresses.items() if name != address}
    first = addresses[address]
    addresses.clear()
    addresses.update({address: first, **others})


def address_of(host: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 network of an IPv6 address, which one host can have."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(IPv6Network((int(address) >> 64 << 64, 64)))
        address = address.ipv4_mapped
    return str(address)


async def _readable(connection: socket.socket) -> None:
    """Wait until a client has sent something, or has disconnected."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(connection, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connection)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _reason(err: OSError) -> str:
    """Return why a handshake failed, as a short text without secrets."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"certificate {_VERIFY_ERRORS.get(err.verify_code, err.verify_message)}"
    if isinstance(err, ssl.SSLError):
        return (err.reason or "TLS error").replace("_", " ").lower()
    if isinstance(err, ConnectionAbortedError | TimeoutError):
        return "handshake took too long"
    return "hung up during the handshake"
