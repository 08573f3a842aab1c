"""An owner who signs telemetry configurations, and a world whose car streams."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.telemetry import CarTelemetry

from .telemetry_receiver import HOSTNAME, Certificates, Receiver, until
from .world import World

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign as Tesla.SS256 asks, with a nonce of the test's own."""
    secret = key.private_numbers().private_value
    nonce = int.from_bytes(hashlib.sha256(secret.to_bytes(32) + message).digest()) % _ORDER
    commitment = point(ec.derive_private_key(nonce, ec.SECP256R1()))
    generator = point(ec.derive_private_key(1, ec.SECP256R1()))
    told = b"".join(
        struct.pack(">I", len(part)) + part for part in (generator, commitment, point(key), message)
    )
    challenge = int.from_bytes(hashlib.sha256(told).digest())
    return commitment[1:] + ((nonce - secret * challenge) % _ORDER).to_bytes(32)


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token(
    key: ec.EllipticCurvePrivateKey,
    claims: Mapping[str, Any],
    *,
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    whole = {
        **claims,
        "iss": base64.b64encode(point(key)).decode(),
        "aud": "com.tesla.fleet.TelemetryClient",
        **changes,
    }
    parts = (header or {"alg": "Tesla.SS256", "typ": "JWT"}, whole)
    message = ".".join(unpadded(json.dumps(part).encode()) for part in parts)
    return f"{message}.{unpadded(sign(key, message.encode()))}"


@dataclass
class Streaming:
    """A world whose car is told to stream to a receiver."""

    world: World
    receiver: Receiver
    config: dict[str, Any]

    @property
    def car(self) -> CarTelemetry:
        return self.world.tesla.telemetry(self.world.car.vin)

    async def configure(self, **changes: Any) -> None:
        """Sign and send the configuration, with changes."""
        claims = {name: told for name, told in (self.config | changes).items() if told is not None}
        claims["fields"] = {
            name: {"interval_seconds": rule} if isinstance(rule, int) else rule
            for name, rule in claims["fields"].items()
        }
        body = {"vins": [self.world.car.vin], "token": token(self.world.key, claims)}
        path = "vehicles/fleet_telemetry_config_jws"
        answer = await self.world.api("POST", path, json=body)
        assert answer.response["updated_vehicles"] == 1, answer.text

    async def begin(self, **changes: Any) -> None:
        """Configure and wait for the first values."""
        await self.configure(**changes)
        await until(lambda: self.receiver.of("V"))

    async def pass_time(self, seconds: float) -> None:
        """Let simulated time go by and give the car a few buckets to notice."""
        self.world.tesla.clock.advance(seconds)
        await asyncio.sleep(0.08)


@asynccontextmanager
async def streaming(
    world: World, folder: Path, fields: Mapping[str, Any], **receiver: Any
) -> AsyncIterator[Streaming]:
    """Run a receiver and pair the car; the test configures. A number as a rule is an interval."""
    certificates = receiver.pop("certificates", None) or Certificates.make()
    server = Receiver(world.tesla.vehicle_ca_pem, certificates, folder, **receiver)
    await server.start()
    world.tesla.pair(world.car, world.public_key)
    world.tesla.telemetry_pace = 50
    world.tesla.telemetry_hosts[HOSTNAME] = ("127.0.0.1", server.port)
    config = {
        "hostname": HOSTNAME,
        "port": 443,
        "ca": certificates.ca,
        "fields": fields,
        "delivery_policy": "latest",
        "alert_types": ["service"],
    }
    try:
        yield Streaming(world, server, config)
    finally:
        await world.tesla.stop()
        await server.stop()
