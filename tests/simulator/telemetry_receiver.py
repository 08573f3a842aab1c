"""A server that cars stream to, as small as tests need it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import importlib
from pathlib import Path
import ssl
import struct
import time
from typing import Any

from aiohttp import WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tesla_protocol.telemetry import vehicle_alert_pb2, vehicle_data_pb2, vehicle_error_pb2

from simulator.telemetry.envelope import stream_frame

HOSTNAME = "telemetry.example.com"
_table: Any = importlib.import_module("flatbuffers.table")
_builder: Any = importlib.import_module("flatbuffers.builder")


@dataclass
class Record:
    """One message as the server read it."""

    vin: str  # of the certificate
    txid: bytes
    topic: str
    sender_id: str
    device_id: str
    payload: bytes

    @property
    def data(self) -> vehicle_data_pb2.Payload:
        assert self.topic == "V"
        return vehicle_data_pb2.Payload.FromString(self.payload)

    @property
    def values(self) -> dict[str, Any]:
        """Field -> value; None for invalid."""
        found = {}
        for datum in self.data.data:
            arm = str(datum.value.WhichOneof("value"))
            name = vehicle_data_pb2.Field.Name(datum.key)
            found[name] = None if arm == "invalid" else getattr(datum.value, arm)
        return found

    @property
    def alerts(self) -> vehicle_alert_pb2.VehicleAlerts:
        assert self.topic == "alerts"
        return vehicle_alert_pb2.VehicleAlerts.FromString(self.payload)

    @property
    def errors(self) -> vehicle_error_pb2.VehicleErrors:
        assert self.topic == "errors"
        return vehicle_error_pb2.VehicleErrors.FromString(self.payload)


def read_frame(raw: bytes, vin: str = "") -> Record:
    """Read an envelope with the FlatBuffers library."""

    def text(table: Any, slot: int) -> bytes:
        offset = table.Offset(4 + 2 * slot)
        if not offset:
            return b""
        start, length = table.Vector(offset), table.VectorLen(offset)
        return bytes(table.Bytes[start : start + length])

    whole = _table.Table(raw, struct.unpack_from("<I", raw)[0])
    stream = _table.Table(raw, 0)
    whole.Union(stream, whole.Offset(10))
    return Record(
        vin,
        text(whole, 0),
        text(whole, 1).decode(),
        text(stream, 1).decode(),
        text(stream, 4).decode(),
        text(stream, 2),
    )


def acknowledgement(record: Record) -> bytes:
    build = _builder.Builder(128)
    txid, topic = build.CreateByteVector(record.txid), build.CreateByteVector(record.topic.encode())
    build.StartObject(0)
    ack = build.EndObject()
    build.StartObject(5)
    build.PrependUOffsetTRelativeSlot(0, txid, 0)
    build.PrependUOffsetTRelativeSlot(1, topic, 0)
    build.PrependUint8Slot(2, 5, 0)
    build.PrependUOffsetTRelativeSlot(3, ack, 0)
    build.Finish(build.EndObject())
    return bytes(build.Output())


def refusal(record: Record) -> bytes:
    return stream_frame(
        txid=record.txid,
        topic=b"",
        payload=b"incorrect message format",
        created_at=0,
        sender_id=b"",
        device_type=b"",
        device_id=b"",
        message_id=b"",
    )


@dataclass
class Certificates:
    """A private CA and a server certificate from it."""

    ca: str
    server: str  # key and certificate

    @classmethod
    def make(cls, hostname: str = HOSTNAME, *, self_signed: bool = False) -> Certificates:
        ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        now = datetime.now(UTC)

        def certificate(name: str, subject_key: Any, issuer: str, issuer_key: Any, ca: bool) -> str:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = (
                x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
                .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
                .public_key(subject_key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=30))
                .add_extension(x509.BasicConstraints(ca, None), critical=True)
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), False)
            )
            if not ca:
                builder = builder.add_extension(usage, critical=False)
            made = builder.sign(issuer_key, hashes.SHA256())
            return made.public_bytes(Encoding.PEM).decode()

        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        if self_signed:
            alone = certificate(hostname, key, hostname, key, ca=True)
            return cls(alone, secret + alone)
        leaf = certificate(hostname, key, "Home CA", ca_key, ca=False)
        return cls(certificate("Home CA", ca_key, "Home CA", ca_key, ca=True), secret + leaf)


@dataclass
class Receiver:
    """A telemetry server on loopback that a test can look into."""

    vehicle_ca: bytes
    certificates: Certificates
    folder: Path
    compress: bool = False
    acks: bool = True
    refuses: bool = False
    port: int = 0
    records: list[Record] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    closed: int = 0
    frames: list[bytes | str] = field(default_factory=list)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        pem = self.folder / "server.pem"
        pem.write_text(self.certificates.server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.vehicle_ca.decode())
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            for ws in list(self.sockets):
                await ws.close()
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        assert request.transport is not None
        subject = dict(
            entry[0] for entry in request.transport.get_extra_info("peercert")["subject"]
        )
        self.headers.append(request.headers)
        self.paths.append(request.path)
        ws = web.WebSocketResponse(compress=self.compress, max_msg_size=0)
        await ws.prepare(request)
        self.sockets.add(ws)
        try:
            async for message in ws:
                if message.type is WSMsgType.BINARY:
                    await self._receive(ws, message.data, subject["commonName"])
                else:
                    self.frames.append(message.data)
        finally:
            self.sockets.discard(ws)
            self.closed += 1
        return ws

    async def _receive(self, ws: web.WebSocketResponse, raw: bytes, vin: str) -> None:
        self.frames.append(raw)
        try:
            record = read_frame(raw, vin)
        except Exception:  # noqa: BLE001 - whatever the library makes of garbage
            return
        self.records.append(record)
        if self.refuses:
            await ws.send_bytes(refusal(record))
        elif self.acks:
            await ws.send_bytes(acknowledgement(record))

    @property
    def latest(self) -> dict[str, Any]:
        """The newest value of every field."""
        merged: dict[str, Any] = {}
        for record in self.of("V"):
            merged |= record.values
        return merged

    def of(self, topic: str) -> list[Record]:
        return [record for record in self.records if record.topic == topic]


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something is true, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.005)
