"""One car's connection to one server: it is made, used, lost and made again."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import errno
import ipaddress
import random
import socket
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from simulator.car import Car
from simulator.telemetry.config import TelemetryConfig
from simulator.telemetry.envelope import MAX_REPLY, STREAM_ACK, NotAnEnvelope, read_reply
from simulator.telemetry.fields import client_version, firmware, is_always_typed
from simulator.telemetry.messages import Message, encode
from simulator.telemetry.outbox import Outbox
from simulator.telemetry.settings import Counts, Misbehaviour, World
from simulator.telemetry.tls import CaUnusable, client_context, is_self_signed
from simulator.telemetry.values import Style

USER_AGENT = "Hermes/1.16.9"
CONNECT_SECONDS = 10.0
FIRST_BACK_OFF, MAX_BACK_OFF = 1.0, 30.0
_LOOK_AGAIN = 0.2
_MAX_DOUBLINGS = 10


class Unreachable(Exception):
    """The server is not there, or the car does not want to talk to it; the text says why."""


class _Hosts(AbstractResolver):
    """The internet's name service, as far as this simulated world has one."""

    def __init__(self, hosts: dict[str, tuple[str, int]]) -> None:
        self._hosts = hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host not in self._hosts:
            raise OSError(errno.ENXIO, f"{host} does not resolve")
        address, real_port = self._hosts[host]
        return [
            {
                "hostname": host,
                "host": address,
                "port": real_port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _loopback_socket(info: Any) -> socket.socket:
    """Make a socket for an address on loopback and for no other, redirects included."""
    family, kind, protocol, _, address = info
    if not ipaddress.ip_address(address[0]).is_loopback:
        raise OSError(errno.EACCES, "simulated cars stay on loopback")
    return socket.socket(family, kind, protocol)


class Link:
    """Keeps a connection for one configuration until its task is cancelled."""

    def __init__(
        self,
        car: Car,
        config: TelemetryConfig,
        outbox: Outbox,
        counts: Counts,
        misbehaviour: Misbehaviour,
        world: World,
        *,
        on_connected: Callable[[], object],
        on_sent: Callable[[Message], object],
        on_trouble: Callable[[str], object],
    ) -> None:
        """Prepare; `run` connects. The callbacks are called in the event loop."""
        self._car = car
        self._vin = car.vin
        self._config = config
        self._outbox = outbox
        self._counts = counts
        self._misbehaviour = misbehaviour
        self._world = world
        self._on_connected = on_connected
        self._on_sent = on_sent
        self._on_trouble = on_trouble
        self._ws: aiohttp.ClientWebSocketResponse | None = None

    @property
    def connected(self) -> bool:
        """Whether the WebSocket stands."""
        return self._ws is not None

    async def run(self) -> None:
        """Connect again and again, with a growing pause while nobody acknowledges anything."""
        failures = 0
        while True:
            acked = self._counts.acked
            self._counts.attempts += 1
            try:
                await self._session()
            except Unreachable as error:
                self._on_trouble(str(error))
            failures = 0 if self._counts.acked > acked else min(failures + 1, _MAX_DOUBLINGS)
            await asyncio.sleep(self._pause(failures))

    def abort(self) -> None:
        """Lose the connection as in a tunnel: nothing is said any more."""
        if self._ws is not None and (transport := _transport(self._ws)) is not None:
            transport.abort()

    async def close(self) -> None:
        """Close the connection in good order."""
        if self._ws is not None:
            await self._ws.close()

    def read(self, reads: bool) -> None:
        """Read what the server says, or let it pile up in the network."""
        if self._ws is None or (transport := _transport(self._ws)) is None:
            return
        if reads:
            transport.resume_reading()
        else:
            transport.pause_reading()

    @property
    def _style(self) -> Style:
        typed = self._config.prefer_typed or is_always_typed(firmware(self._car.firmware))
        natural: Style = "typed" if typed else "strings"
        return natural if self._misbehaviour.style == "typed" else self._misbehaviour.style

    def _pause(self, failures: int) -> float:
        if self._misbehaviour.storm > 0:
            return self._misbehaviour.storm_pause
        back_off = min(MAX_BACK_OFF, FIRST_BACK_OFF * 2 ** max(0, failures - 1))
        return self._world.seconds(back_off * random.uniform(0.7, 1.0))

    async def _session(self) -> None:
        wrong = self._misbehaviour
        identity = self._world.ca.issue(wrong.certificate_vin or self._vin, wrong.certificate)
        try:
            context = await asyncio.to_thread(client_context, self._config.ca, identity)
        except CaUnusable as error:
            raise Unreachable(str(error)) from error
        connector = aiohttp.TCPConnector(
            ssl=context,
            resolver=_Hosts(self._world.hosts),
            use_dns_cache=False,
            force_close=True,
            socket_factory=_loopback_socket,
        )
        headers = {
            "Version": client_version(firmware(self._car.firmware)),
            "X-TXID": str(uuid4()),
            "X-Network-Interface": "wlan0",
            "User-Agent": USER_AGENT,
        }
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=headers
        ) as session:
            with _unreachable():
                async with asyncio.timeout(CONNECT_SECONDS):
                    ws = await session.ws_connect(
                        f"wss://{self._config.hostname}:{self._config.port}/",
                        compress=15,
                        max_msg_size=MAX_REPLY,
                        timeout=aiohttp.ClientWSTimeout(ws_close=self._world.seconds(1.0)),
                    )
            async with ws:
                self._accept(ws)
                with _unreachable():
                    await self._talk(ws)

    def _accept(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Drop a connection that real cars have been seen to drop. Raises Unreachable."""
        if ws.compress:
            raise Unreachable("the server accepted permessage-deflate")
        shown = ws.get_extra_info("ssl_object").getpeercert(binary_form=True)
        if is_self_signed(shown):
            raise Unreachable("x509: the server's certificate is self-signed")

    async def _talk(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self._counts.connections += 1
        jobs: list[asyncio.Task[None]] = []
        try:
            if self._misbehaviour.storm > 0:
                self._misbehaviour.storm -= 1
                self.abort()
                return
            self._on_connected()
            self.read(self._misbehaviour.reads)
            jobs += [asyncio.create_task(self._listen(ws)), asyncio.create_task(self._send(ws))]
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            for job in done:
                job.result()
        finally:
            self._ws = None
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            if self._config.resends:
                self._outbox.resend()
            else:
                self._outbox.forget_sent()

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            try:
                reply = read_reply(message.data)
            except NotAnEnvelope:
                continue
            if reply.message_type == STREAM_ACK:
                known = self._outbox.acknowledge(reply.txid, reply.topic)
                self._counts.acked += known
                self._counts.stray_acks += not known
            elif reply.is_refusal:
                self._counts.refused += 1
                self._outbox.refuse(reply.txid)

    async def _send(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        wrong = self._misbehaviour
        while True:
            await self._outbox.wait()
            if wrong.held:
                await asyncio.sleep(self._world.seconds(_LOOK_AGAIN))
            elif (raw := self._outbox.raw()) is not None:
                self._counts.raw += 1
                await (ws.send_str(raw) if isinstance(raw, str) else ws.send_bytes(raw))
            elif (message := self._outbox.take()) is not None:
                frame = encode(message, wrong.claimed_vin or self._vin, self._style)
                self._counts.messages += 1
                self._counts.signals += message.signals
                self._counts.resent += message.times_sent > 0
                message.times_sent += 1
                self._on_sent(message)
                await ws.send_bytes(frame)


def _transport(ws: aiohttp.ClientWebSocketResponse) -> asyncio.Transport | None:
    connection = ws._response.connection
    return connection.transport if connection is not None else None


@contextmanager
def _unreachable() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError and ssl errors are OSErrors
        raise Unreachable(f"{type(error).__name__}: {error}") from error
