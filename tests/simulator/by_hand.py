"""A signer made by hand: a few lines of crypto from Tesla's protocol.md, shared with nobody.

Every part of a message can be bent, because the tests are about cars that notice.
"""

from dataclasses import dataclass, field
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tesla_protocol.command.car_server_pb2 import Response
from tesla_protocol.command.signatures_pb2 import SessionInfo
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from simulator import clock as simulated
from simulator.car import Car, Role

VIN = "5YJ30123456789ABC"
VEHICLE_SECURITY, INFOTAINMENT = 2, 3
CHARGE_START = bytes.fromhex("120432021200")
CHARGE_STOP = bytes.fromhex("120432022a00")
PORT_OPEN_SECURITY = bytes.fromhex("22023803")
PORT_CLOSE_SECURITY = bytes.fromhex("22023804")


def tlv(*pairs: tuple[int, bytes | int]) -> bytes:
    out = b""
    for tag, value in pairs:
        raw = struct.pack(">I", value) if isinstance(value, int) else value
        out += bytes([tag, len(raw)]) + raw
    return out + b"\xff"


def key_from(scalar: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(scalar, ec.SECP256R1())


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass
class Signer:
    """One application's key, and what it knows of one car's domains."""

    vin: str = VIN
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    infos: dict[int, SessionInfo] = field(default_factory=dict)

    @property
    def point(self) -> bytes:
        return point_of(self.key)

    def shared(self, vehicle_point: bytes) -> bytes:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), vehicle_point)
        return hashlib.sha1(self.key.exchange(ec.ECDH(), peer)).digest()[:16]

    def hello(self, domain: int = INFOTAINMENT, public_key: bytes | None = None) -> RoutableMessage:
        message = self.envelope(domain)
        message.session_info_request.public_key = self.point if public_key is None else public_key
        return message

    def envelope(self, domain: int) -> RoutableMessage:
        message = RoutableMessage(uuid=secrets.token_bytes(16))
        message.to_destination.domain = domain  # type: ignore[assignment]  # numbers are fine here
        message.from_destination.routing_address = secrets.token_bytes(16)
        return message

    def check_session_info(self, request: RoutableMessage, reply: RoutableMessage) -> SessionInfo:
        info = SessionInfo.FromString(reply.session_info)
        sub = hmac.digest(self.shared(info.publicKey), b"session info", "sha256")
        bound = tlv((0, b"\x06"), (2, self.vin.encode()), (6, request.uuid))
        expected = hmac.digest(sub, bound + reply.session_info, "sha256")
        assert reply.signature_data.session_info_tag.tag == expected
        return info

    def handshake(self, car: Car, domain: int = INFOTAINMENT) -> SessionInfo:
        request = self.hello(domain)
        info = self.check_session_info(request, ask(car, request))
        self.infos[domain] = info
        return info

    def command(
        self,
        payload: bytes,
        domain: int = INFOTAINMENT,
        *,
        counter: int | None = None,
        expires_at: int | None = None,
        lifetime: int = 10,
        epoch: bytes | None = None,
        flags: int = 0,
        tag_domain: int | None = None,
    ) -> RoutableMessage:
        """A command with the next counter, living ten seconds, unless told otherwise."""
        info = self.infos[domain]
        if counter is None:
            info.counter += 1
            counter = info.counter
        expires_at = info.clock_time + lifetime if expires_at is None else expires_at
        epoch = info.epoch if epoch is None else epoch
        pairs: list[tuple[int, bytes | int]] = [
            (0, b"\x08"),
            (1, bytes([domain if tag_domain is None else tag_domain])),
            (2, self.vin.encode()),
            (3, epoch),
            (4, expires_at),
            (5, counter),
        ]
        if flags:
            pairs.append((7, flags))
        message = self.envelope(domain)
        message.protobuf_message_as_bytes = payload
        message.flags = flags
        message.signature_data.signer_identity.public_key = self.point
        signature = message.signature_data.HMAC_Personalized_data
        signature.epoch, signature.counter, signature.expires_at = epoch, counter, expires_at
        sub = hmac.digest(self.shared(info.publicKey), b"authenticated command", "sha256")
        signature.tag = hmac.digest(sub, tlv(*pairs) + payload, "sha256")
        return message

    def encrypted_command(self, payload: bytes, *, flags: int = 2) -> RoutableMessage:
        """The AES-GCM form, which does not belong on this transport."""
        info = self.infos[INFOTAINMENT]
        info.counter += 1
        message = self.envelope(INFOTAINMENT)
        message.flags = flags
        message.signature_data.signer_identity.public_key = self.point
        signature = message.signature_data.AES_GCM_Personalized_data
        signature.epoch, signature.counter = info.epoch, info.counter
        signature.expires_at, signature.nonce = info.clock_time + 10, secrets.token_bytes(12)
        bound = tlv(
            (0, b"\x05"),
            (1, bytes([INFOTAINMENT])),
            (2, self.vin.encode()),
            (3, info.epoch),
            (4, signature.expires_at),
            (5, signature.counter),
            (7, flags),
        )
        sealed = AESGCM(self.shared(info.publicKey)).encrypt(
            signature.nonce, payload, hashlib.sha256(bound).digest()
        )
        message.protobuf_message_as_bytes, signature.tag = sealed[:-16], sealed[-16:]
        return message

    def decrypt(self, request_hash: bytes, reply: RoutableMessage) -> bytes:
        """Open an encrypted reply; raises InvalidTag when anything about it was bent."""
        data = reply.signature_data.AES_GCM_Response_data
        domain = reply.from_destination.domain
        bound = tlv(
            (0, b"\x09"),
            (1, bytes([domain])),
            (2, self.vin.encode()),
            (5, data.counter),
            (7, reply.flags),
            (8, request_hash),
            (9, reply.signedMessageStatus.signed_message_fault),
        )
        return AESGCM(self.shared(self.infos[domain].publicKey)).decrypt(
            data.nonce,
            reply.protobuf_message_as_bytes + data.tag,
            hashlib.sha256(bound).digest(),
        )


def ask(car: Car, message: RoutableMessage) -> RoutableMessage:
    raw = car.exchange(message.SerializeToString())
    assert raw is not None, "the car said nothing"
    return RoutableMessage.FromString(raw)


def fault_of(reply: RoutableMessage) -> int:
    return reply.signedMessageStatus.signed_message_fault


def outcome(reply: RoutableMessage) -> tuple[bool, str]:
    """What an unencrypted infotainment reply says: accepted or not, and why."""
    assert fault_of(reply) == 0
    status = Response.FromString(reply.protobuf_message_as_bytes).actionStatus
    return status.result == 0, status.result_reason.plain_text


def make_car(**settings: object) -> tuple[Car, simulated.SimulatedClock]:
    clock = simulated.SimulatedClock()
    car = Car(VIN, name="Pearl", clock=clock, **settings)  # type: ignore[arg-type]  # as given
    return car, clock


def paired(role: Role = Role.FLEET_MANAGER, **settings: object) -> tuple[Car, Signer]:
    """A car and a signer that know each other, both domains shaken hands with."""
    car, _ = make_car(**settings)
    signer = Signer()
    car.keychain.add(signer.point, role)
    for domain in (INFOTAINMENT, VEHICLE_SECURITY):
        signer.handshake(car, domain)
    return car, signer


def refused(
    car: Car, signer: Signer, message: RoutableMessage, fault: int, *, resync: bool
) -> None:
    """The car answers with the fault, executes nothing, and helps (or not) to resynchronise."""
    before = len(car.commands)
    reply = ask(car, message)
    assert fault_of(reply) == fault
    assert reply.signedMessageStatus.operation_status == 2
    assert len(car.commands) == before
    assert bool(reply.session_info) is resync
    if resync:
        info = signer.check_session_info(message, reply)
        security = car.domain("vehicle_security")
        infotainment = car.domain("infotainment")
        domain = infotainment if message.to_destination.domain == INFOTAINMENT else security
        assert info.epoch == domain.epoch
