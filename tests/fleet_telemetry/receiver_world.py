"""A receiver on the loopback with somebody who listens, and cars that connect to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
import ssl

import aiohttp

from custom_components.tesla_charging.fleet_telemetry import (
    ConnectionInfo,
    Limits,
    Record,
    ServerCertificate,
    SignalRecord,
    TelemetryReceiver,
    ensure_certificate,
    fingerprints,
    read_bundle,
    server_context,
)
from custom_components.tesla_charging.storage import durable_file

from .frames import payload, stream
from .pki import Credentials, Issued, VehicleTree, client_context

HOST = "telemetry.example.com"
VIN = "LRW3E7EK0PC000101"
OTHER_VIN = "5YJ3E1EA8NF000202"
FOREIGN_VIN = "5YJSA1E26HF000303"
PATIENCE = 30.0
"""Seconds in which everything happens, on a busy machine too."""
QUICK = Limits(disconnect_grace=0.05, settle_timeout=3600.0)
"""A car that has left is reported at once, and no record is given up because the machine is busy."""


@dataclass
class Home:
    """Who listens: remembers everything, and can be told to do something else with a record."""

    vins: set[str] = field(default_factory=lambda: {VIN, OTHER_VIN})
    records: list[Record] = field(default_factory=list)
    connections: list[tuple[str, bool]] = field(default_factory=list)
    infos: list[ConnectionInfo] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    apply: Callable[[Record], None] | None = None
    settle: Callable[[Record], asyncio.Future[bool]] | None = None

    def accepts(self, vin: str) -> bool:
        self.asked.append(vin)
        return vin in self.vins

    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        if self.apply is not None:
            self.apply(record)
        self.records.append(record)
        return self.settle(record) if self.settle is not None else None

    def on_connection(self, vin: str, connected: bool, info: ConnectionInfo) -> None:
        self.connections.append((vin, connected))
        self.infos.append(info)

    def values(self, name: str) -> list[object]:
        return [
            record.values[name]
            for record in self.records
            if isinstance(record, SignalRecord) and name in record.values
        ]


class ReceiverWorld:
    """A running receiver, and everything that a car needs to find it."""

    def __init__(self, directory: Path, tree: VehicleTree) -> None:
        self.directory = directory
        self.tree = tree
        self.home = Home()
        self.server: ServerCertificate = ensure_certificate(
            directory, HOST, datetime.now(UTC), durable_file.write
        )
        self.receiver = TelemetryReceiver(self.home, limits=QUICK)

    def server_context(self) -> ssl.SSLContext:
        extra = frozenset(fingerprints(self.tree.bundle))
        trusted = read_bundle(self.tree.bundle, extra)
        return server_context(self.server.chain, self.server.key, trusted)

    async def start(self, limits: Limits = QUICK) -> None:
        self.receiver = TelemetryReceiver(self.home, limits=limits)
        await self.receiver.start("127.0.0.1", 0, self.server_context())

    def tls(self, certificate: Credentials | None) -> ssl.SSLContext:
        path = None
        if certificate is not None:
            path = certificate.save(self.directory / "car.pem")
        return client_context(self.server.ca, path)

    @asynccontextmanager
    async def connect(
        self,
        vin: str = VIN,
        certificate: Issued | None = None,
        *,
        network: str = "wifi",
        autoping: bool = True,
        address: str | None = None,
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Connect as a car does, from a loopback address (127.0.0.x)."""
        connector = aiohttp.TCPConnector(local_addr=(address, 0) if address else None)
        context = self.tls(certificate or self.tree.car(vin))
        headers = {"Version": "1.1.0", "X-Network-Interface": network}
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.ws_connect(
                f"wss://127.0.0.1:{self.receiver.port}/",
                ssl=context,
                server_hostname=HOST,
                headers=headers,
                autoping=autoping,
                compress=15,
                max_msg_size=0,
            ) as socket,
        ):
            yield socket

    async def open_raw(
        self, vin: str = VIN, certificate: Issued | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, and leave the rest to the test."""
        return await asyncio.open_connection(
            "127.0.0.1",
            self.receiver.port,
            ssl=self.tls(certificate or self.tree.car(vin)),
            server_hostname=HOST,
        )


def client_hello() -> bytes:
    """Return the first bytes of a TLS handshake."""
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="telemetry.example.com")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


async def say(
    socket: aiohttp.ClientWebSocketResponse, frame: bytes, timeout: float = PATIENCE
) -> bytes:
    """Send a frame and return the answer."""
    await socket.send_bytes(frame)
    return await socket.receive_bytes(timeout=timeout)


def soc(percent: float, txid: bytes = b"txid-0001") -> bytes:
    """Return a frame that says how full the battery is."""
    return stream(payload({"Soc": {"double_value": percent}}), txid=txid)


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something is true, or fail."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
