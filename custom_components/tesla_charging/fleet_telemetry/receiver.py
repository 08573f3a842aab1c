"""The server that cars push to: one port for all cars, mutual TLS, one WebSocket per car.

It runs in the event loop that starts it. The data of a car are limited in size, rate and time (`limits.py`). A car is
identified only by its certificate (`certificates/identity.py`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import logging
import ssl
import time
from typing import Final, Protocol

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from .certificates.identity import read_vin
from .errors import IdentityError
from .inbox import Counters, Inbox
from .isolation import IsolatedListener
from .limits import Limits, TokenBucket
from .listener import TlsListener
from .presence import ConnectionInfo, Presence
from .records import Record
from .upgrade import HTTP_LOGGER, closing, connection_info, wants_websocket

_LOGGER = logging.getLogger(__name__)
CLOSE_TIMEOUT: Final = 0.4
MAX_REASONS: Final = 64
"""How many different reasons for refusals are counted, and how many different reasons and VINs are logged."""


class TelemetryListener(Protocol):
    """Receives the records of the cars. All calls are made in the receiver's event loop and must not block.

    A call that raises costs what it was about, and one line in the log (`isolation.py`).
    """

    def accepts(self, vin: str) -> bool:
        """Return whether this car is one of ours; called before any of its data are read."""

    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Apply a record.

        The record is acknowledged, and the car deletes its copy, when the future has the result True: then the record
        is stored safely, also across a crash. Without a future it is acknowledged at once. Until then nothing more is
        read from this car. If the result is False, the car gets no answer and sends the record again. The future is
        never cancelled.
        """

    def on_connection(self, vin: str, connected: bool, info: ConnectionInfo) -> None:
        """Handle that a car has connected (also again, if its network changed), or has disconnected."""


@dataclass(frozen=True, slots=True)
class CarStatus:
    """The status of a car that has connected since the start."""

    connected: bool
    info: ConnectionInfo | None
    last_message_at: float | None
    """Unix seconds."""
    counters: Counters


@dataclass(slots=True)
class _Car:
    messages: TokenBucket
    reconnects: TokenBucket
    gone: asyncio.Future[None]
    """Done when the receiver drops the car; ends every wait for a record of it."""
    counters: Counters = field(default_factory=Counters)
    last_message_at: float | None = None


class TelemetryReceiver:
    """Receives data from the cars that a listener accepts."""

    def __init__(
        self,
        listener: TelemetryListener,
        *,
        now: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        """Create a receiver; `now` is a clock in unix seconds."""
        limits = limits or Limits()
        self._listener = listener = IsolatedListener(listener)
        self._now = now
        self._limits = limits
        self._tls = TlsListener(self._admit, self._refused, limits)
        self._presence = Presence(listener.on_connection, limits.disconnect_grace)
        self._cars: dict[str, _Car] = {}
        self._connections: dict[asyncio.BaseTransport, str] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._server: web.Server | None = None
        self._refusals: Counter[str] = Counter()
        self._logged: set[str] = set()

    @property
    def port(self) -> int:
        """The port that it listens on; 0 when it does not listen."""
        return self._tls.port

    @property
    def refusals(self) -> Mapping[str, int]:
        """The number of refused clients by reason."""
        return dict(self._refusals)

    def status(self, vin: str) -> CarStatus | None:
        """Return the status of a car; None if it has not connected since the start."""
        if (car := self._cars.get(vin)) is None:
            return None
        info = self._presence.info(vin)
        return CarStatus(info is not None, info, car.last_message_at, car.counters)

    async def start(self, host: str | None, port: int, context: ssl.SSLContext) -> None:
        """Listen with a context of tls.server_context(). Raises OSError when the port is in use."""
        limits = self._limits
        self._server = web.Server(
            self._serve,
            access_log=None,
            logger=HTTP_LOGGER,
            keepalive_timeout=limits.request_timeout,
            max_line_size=limits.header_line,
            max_field_size=limits.header_line,
            max_headers=limits.headers,
            lingering_time=0,
        )
        self._tls.start(host, port, context)

    def update_tls(self, context: ssl.SSLContext) -> None:
        """Use another context, of a renewed certificate for instance; open connections stay."""
        self._tls.update_tls(context)

    def drop(self, vin: str) -> None:
        """Close the connections of a car and remove it: it is not ours any more."""
        for transport in self._transports(vin):
            _abort(transport)
        if (car := self._cars.pop(vin, None)) is not None:
            car.gone.set_result(None)
        self._presence.forget(vin)

    async def stop(self) -> None:
        """Close all connections; every car is reported as disconnected when this returns."""
        await self._tls.stop()
        for car in self._cars.values():
            car.gone.set_result(None)
            car.gone = asyncio.get_running_loop().create_future()
        leaving = [
            asyncio.ensure_future(socket.close(code=WSCloseCode.GOING_AWAY))
            for socket in self._sockets
        ]
        if leaving:
            await asyncio.wait(leaving, timeout=CLOSE_TIMEOUT)
        for transport in [*self._connections]:
            _abort(transport)
        if self._server is not None:
            await self._server.shutdown(CLOSE_TIMEOUT)
            self._server = None
        self._connections.clear()
        self._presence.forget_all()

    def _admit(self, transport: asyncio.Transport) -> asyncio.Protocol | None:
        """Return the protocol for a client whose certificate is verified; None rejects the client."""
        tls = transport.get_extra_info("ssl_object")
        try:
            vin = read_vin(tls.getpeercert(binary_form=True) or b"")
        except IdentityError as err:
            self._refused(str(err))
            return None
        if not self._listener.accepts(vin):
            self._refused("unknown car", f"…{vin[-6:]}")
            return None
        now = asyncio.get_running_loop().time()
        if (car := self._cars.get(vin)) is None:
            car = self._cars[vin] = self._new_car(now)
        if not car.reconnects.try_take(now):
            self._refused("car reconnects too often", f"…{vin[-6:]}")
            return None
        older = self._transports(vin)
        for old_transport in older[: len(older) + 1 - self._limits.connections_per_car]:
            _abort(old_transport)
            del self._connections[old_transport]
        if len(self._connections) >= self._limits.connections or self._server is None:
            self._refused("too many connections")
            return None
        transport.set_write_buffer_limits(high=self._limits.write_buffer)
        self._connections[transport] = vin
        return self._server()

    def _new_car(self, now: float) -> _Car:
        limits = self._limits
        return _Car(
            TokenBucket(limits.message_burst, limits.messages_per_second, now),
            TokenBucket(limits.reconnect_burst, limits.reconnects_per_second, now),
            asyncio.get_running_loop().create_future(),
        )

    def _transports(self, vin: str) -> list[asyncio.BaseTransport]:
        """Return a car's open connections, oldest first, and remove the closed ones of all cars."""
        for transport in [t for t in self._connections if t.is_closing()]:
            del self._connections[transport]
        return [t for t, other in self._connections.items() if other == vin]

    def _refused(self, reason: str, client: str = "") -> None:
        """Count a refusal; log it the first time, with the end of the VIN (`client`) if it is known."""
        if reason in self._refusals or len(self._refusals) < MAX_REASONS:
            self._refusals[reason] += 1
        key = reason + client
        if key not in self._logged and len(self._logged) < MAX_REASONS:
            self._logged.add(key)
            _LOGGER.info("Telemetry connection refused: %s", f"{reason} {client}".strip())

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        vin = self._connections.get(transport) if transport is not None else None
        if transport is None or vin is None:
            return closing(web.Response(status=403))
        if request.path == "/status":
            return closing(web.Response(text="mtls ok"))
        # a car drops the connection when the server accepts its offer of compression
        socket = web.WebSocketResponse(
            compress=False,
            autoping=False,
            max_msg_size=self._limits.frame_length + 1,  # the first size that is refused
            timeout=CLOSE_TIMEOUT,
        )
        if not wants_websocket(socket, request):
            return closing(web.Response(status=426, text="WebSocket only"))
        try:
            await socket.prepare(request)
        except ConnectionError:  # the car has disconnected already
            return closing(web.Response(status=400))
        self._sockets.add(socket)
        try:
            self._presence.arrived(vin, connection_info(request, self._now()))
            await self._listen(socket, vin)
        except ConnectionError, TimeoutError:
            _abort(transport)  # a regular close would wait for the car to read
        finally:
            self._sockets.discard(socket)
            self._connections.pop(transport, None)
            self._presence.left(vin)
            await socket.close(code=WSCloseCode.INTERNAL_ERROR)  # has no effect if it is closed
        return socket

    async def _listen(self, socket: web.WebSocketResponse, vin: str) -> None:
        """Process a car's messages one by one until the connection ends."""
        limits, car = self._limits, self._cars[vin]
        gone = car.gone
        inbox = Inbox(vin, self._listener.on_record, self._now, car.counters)
        clock = asyncio.get_running_loop().time
        while not gone.done():
            message = await self._receive(socket)
            if message.type is WSMsgType.BINARY:
                car.last_message_at = self._now()
                reply, settled = inbox.take(message.data)
                if settled is None or await self._wait_until_settled(settled, car, vin):
                    async with asyncio.timeout(limits.write_timeout):
                        await socket.send_bytes(reply)
                else:
                    car.counters.unsettled += 1
                if inbox.malformed_in_a_row >= limits.malformed_in_a_row:
                    self._refused("car sends what cannot be understood", f"…{vin[-6:]}")
                    await socket.close(code=WSCloseCode.INVALID_TEXT)
            elif message.type is WSMsgType.PING:
                async with asyncio.timeout(limits.write_timeout):
                    await socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
            elif message.type is not WSMsgType.PONG:
                return
            # Buffered messages are returned without a pause, so let other tasks run. Above the rate limit the messages
            # wait in the car, because nothing is read in the meantime.
            size = len(message.data)
            if pause := car.messages.take(1 + size // limits.message_bytes, clock()):
                await asyncio.wait((gone,), timeout=pause)
            else:
                await asyncio.sleep(0)

    async def _wait_until_settled(self, settled: asyncio.Future[bool], car: _Car, vin: str) -> bool:
        """Wait until a record is stored safely; return False if it is not, or not in time."""
        if settled.done():
            return self._listener.is_settled(vin, settled)
        # not awaited directly: it may be shared, and must not be cancelled with this connection
        await asyncio.wait(
            (settled, car.gone),
            timeout=self._limits.settle_timeout,
            return_when=asyncio.FIRST_COMPLETED,
        )
        return settled.done() and self._listener.is_settled(vin, settled)

    async def _receive(self, socket: web.WebSocketResponse) -> WSMessage:
        """Return the next message. Raises TimeoutError when the car sends nothing and does not answer a ping."""
        heartbeat = self._limits.heartbeat
        try:
            return await socket.receive(timeout=heartbeat)
        except TimeoutError:
            await socket.ping()
            return await socket.receive(timeout=heartbeat / 2)


def _abort(transport: asyncio.BaseTransport) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
