"""Who is refused: in the handshake, or before anything that they say is read."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
import logging
import socket
import ssl

from OpenSSL import SSL
import pytest

from .frames import GO_ACK
from .pki import (
    CLIENT_AUTH,
    ENERGY,
    SERVER_AUTH,
    VEHICLE,
    VERSION_2,
    VERSION_3,
    WIFI,
    Credentials,
    VehicleTree,
    as_bits,
    odd,
)
from .receiver_world import FOREIGN_VIN, HOST, QUICK, VIN, ReceiverWorld, say, soc, until

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def attempt(world: ReceiverWorld, certificate: Credentials | None) -> bytes:
    """Connect, say something, and return all that comes back."""
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", world.receiver.port, ssl=world.tls(certificate), server_hostname=HOST
        )
    except OSError:
        return b""
    try:
        writer.write(REQUEST)
        return await asyncio.wait_for(reader.read(100), 30)
    except OSError:
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("nobody", "peer did not return a certificate"),
        ("foreign", "certificate of no trusted CA"),
        ("expired", "certificate expired"),
        ("early", "certificate not valid yet"),
        ("server", "certificate not made for clients"),
    ],
)
async def test_refused_in_the_handshake(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture, who: str, reason: str
) -> None:
    tree = world.tree
    certificate = {
        "nobody": None,
        "foreign": VehicleTree().car(VIN),
        "expired": tree.car(VIN, ends=timedelta(hours=-1)),
        "early": tree.car(VIN, begins=timedelta(hours=1)),
        "server": tree.car(VIN, (SERVER_AUTH, VEHICLE)),
    }[who]
    caplog.set_level(logging.INFO)
    for _ in range(3):
        assert await attempt(world, certificate) == b""
    await until(lambda: world.receiver.refusals.get(reason) == 3)
    assert world.home.asked == []
    assert [r.getMessage() for r in caplog.records if r.name != "asyncio"] == [
        f"Telemetry connection refused: {reason}"
    ]


@pytest.mark.parametrize(
    ("name", "usages", "reason"),
    [
        (FOREIGN_VIN, (CLIENT_AUTH, VEHICLE), "unknown car"),
        (VIN, (CLIENT_AUTH,), "the certificate is not made for this use"),
        (VIN, (CLIENT_AUTH, WIFI), "the certificate is not made for this use"),
        (VIN, (CLIENT_AUTH, ENERGY), "a client of the type energy_device does not speak for a car"),
        ("1234", (CLIENT_AUTH, VEHICLE), "the certificate names no VIN"),
    ],
)
async def test_refused_before_a_byte_is_read(
    world: ReceiverWorld,
    caplog: pytest.LogCaptureFixture,
    name: str,
    usages: tuple[object, ...],
    reason: str,
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(3):
        assert await attempt(world, world.tree.car(name, usages)) == b""  # type: ignore[arg-type]  # identifiers
    await until(lambda: world.receiver.refusals.get(reason) == 3)
    assert world.home.connections == []
    assert world.receiver.status(name) is None
    (record,) = [r for r in caplog.records if r.name != "asyncio"]
    assert reason in record.getMessage()
    assert name not in record.getMessage()


@pytest.mark.parametrize(
    ("before", "after"), [(VERSION_3, VERSION_2), as_bits(VIN)], ids=["version", "name"]
)
async def test_a_certificate_that_is_trusted_and_cannot_be_read_is_refused(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture, before: bytes, after: bytes
) -> None:
    tree = world.tree
    for _ in range(3):
        assert await attempt(world, odd(tree.car(VIN), tree.issuing, before, after)) == b""
    await until(lambda: world.receiver.refusals == {"the certificate cannot be read": 3})
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING and r.name != "asyncio"]


async def test_a_stranger_is_gone_before_its_request_reaches_the_http_server(
    world: ReceiverWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[object] = []

    async def serve(request: object) -> None:
        served.append(request)

    # the server was made with a bound method: replace what it calls
    assert world.receiver._server is not None
    monkeypatch.setattr(world.receiver._server, "request_handler", serve)
    await attempt(world, world.tree.car(FOREIGN_VIN))
    assert world.receiver._server.connections == []
    assert served == []
    await attempt(world, world.tree.car(VIN))
    assert len(served) == 1


async def test_plain_text_and_garbage_are_no_handshake(world: ReceiverWorld) -> None:
    for greeting in (REQUEST, b"\x16\x03\x01" + bytes(200), bytes(64)):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.receiver.port)
        writer.write(greeting)
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in await asyncio.wait_for(reader.read(), 30)
        writer.close()
    await until(lambda: sum(world.receiver.refusals.values()) == 3)
    async with world.connect() as car:
        assert await say(car, soc(1)) == GO_ACK


async def test_old_tls_is_refused(world: ReceiverWorld) -> None:
    context = world.tls(world.tree.car(VIN))
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):
        await asyncio.open_connection(
            "127.0.0.1", world.receiver.port, ssl=context, server_hostname=HOST
        )
    await until(lambda: world.receiver.refusals == {"unsupported protocol": 1})


async def test_tls_1_2_is_enough(world: ReceiverWorld) -> None:
    context = world.tls(world.tree.car(VIN))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", world.receiver.port, ssl=context, server_hostname=HOST
    )
    writer.write(REQUEST)
    assert b" 426 " in await asyncio.wait_for(reader.readline(), 30)
    writer.close()


async def test_no_list_of_cas_is_sent_because_cars_then_keep_their_certificate(
    world: ReceiverWorld,
) -> None:
    def handshake() -> list[object]:
        certificate = world.tree.car(VIN)
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.use_certificate(certificate.certificate)
        context.use_privatekey(certificate.key)
        with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as plain:
            plain.settimeout(None)
            connection = SSL.Connection(context, plain)
            connection.set_connect_state()
            connection.do_handshake()
            return list(connection.get_client_ca_list())

    assert await asyncio.get_running_loop().run_in_executor(None, handshake) == []


async def test_every_connection_is_verified_anew(world: ReceiverWorld) -> None:
    """A session that could be resumed would outlive its certificate."""
    context = world.tls(world.tree.car(VIN))
    sessions = []
    for _ in range(2):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", world.receiver.port, ssl=context, server_hostname=HOST
        )
        writer.write(REQUEST)
        await asyncio.wait_for(reader.read(), 30)
        tls = writer.get_extra_info("ssl_object")
        sessions.append(tls.session.has_ticket if tls.session is not None else False)
        assert not tls.session_reused
        writer.close()
    assert sessions == [False, False]


async def test_the_log_of_refusals_is_bounded(
    world: ReceiverWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for n in range(200):
        world.receiver._refused(f"reason {n}")
    assert len(world.receiver.refusals) == 64
    assert len(caplog.records) == 64


async def test_a_car_that_reconnects_like_mad_is_kept_out_for_a_while(world: ReceiverWorld) -> None:
    await world.receiver.stop()
    minute = 60.0
    await world.start(replace(QUICK, reconnect_burst=3, reconnects_per_second=1 / minute))
    certificate = world.tree.car(VIN)
    answers = [await attempt(world, certificate) for _ in range(5)]
    assert [bool(answer) for answer in answers] == [True, True, True, False, False]
    assert world.receiver.refusals == {"car reconnects too often": 2}
    world.receiver._cars[VIN].reconnects._updated -= minute  # which passes
    answers = [await attempt(world, certificate) for _ in range(2)]
    assert [bool(answer) for answer in answers] == [True, False]
