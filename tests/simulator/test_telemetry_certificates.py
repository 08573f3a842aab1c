"""Who is who: the certificates of the cars, and what cars think of a server's."""

from collections.abc import AsyncIterator
from pathlib import Path
import ssl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
import pytest

from simulator import TeslaSimulator
from simulator.telemetry.vehicle_ca import CertificateKind, VehicleCa

from .telemetry import Streaming, streaming
from .telemetry_receiver import HOSTNAME, Certificates, until
from .world import World

VIN = "LRW3E7EK0PC000101"


@pytest.fixture
async def stream(world: World, tmp_path: Path) -> AsyncIterator[Streaming]:
    async with streaming(world, tmp_path, {"Soc": 1}) as made:
        yield made


def issued(ca: VehicleCa, vin: str, kind: CertificateKind = "good") -> x509.Certificate:
    pem = ca.issue(vin, kind)
    assert pem is not None
    return x509.load_pem_x509_certificates(pem[pem.index(b"-----BEGIN CERT") :])[0]


def common_name(name: x509.Name) -> str:
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def usages(certificate: x509.Certificate) -> set[str]:
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return {oid.dotted_string for oid in usage}


def test_the_bundle_looks_like_teslas() -> None:
    bundle = x509.load_pem_x509_certificates(VehicleCa().bundle)
    subjects = {common_name(one.subject): one for one in bundle}
    root = subjects["Tesla Product Root CA"]
    assert root.subject.rfc4514_string() == "CN=Tesla Product Root CA,OU=PKI,O=Tesla,C=US"
    issuing = subjects["Tesla Motors Product Issuing CA"]
    assert issuing.subject.rfc4514_string() == (
        "CN=Tesla Motors Product Issuing CA,OU=Motors,OU=PKI,O=Tesla Inc.,C=US"
    )
    for one in bundle:
        one.verify_directly_issued_by(root)
        assert one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("vin", "issuer"),
    [
        ("5YJ3E1EA8NF000202", "Tesla Motors Product Issuing CA"),
        ("LRW3E7EK0PC000101", "Tesla Motors GF3 Product Issuing CA"),
        ("XP7YGCEK0PB000303", "Tesla Motors GF Berlin Product Issuing CA"),
        ("7SAYGDEF0PA000404", "Tesla Motors GF Austin Product Issuing CA"),
    ],
)
def test_a_cars_certificate(vin: str, issuer: str) -> None:
    certificate = issued(VehicleCa(), vin)
    assert common_name(certificate.subject) == vin
    assert common_name(certificate.issuer) == issuer
    assert usages(certificate) == {
        ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,
        "1.3.6.1.4.1.49279.2.5.1",
    }


def test_every_simulator_has_a_tree_of_its_own() -> None:
    first, second = TeslaSimulator(), TeslaSimulator()
    assert first.vehicle_ca_pem != second.vehicle_ca_pem


def test_a_foreign_certificate_differs_in_the_key_only() -> None:
    ca = VehicleCa()
    good, foreign = issued(ca, VIN), issued(ca, VIN, "foreign")
    assert (good.subject, good.issuer) == (foreign.subject, foreign.issuer)
    assert usages(good) == usages(foreign)
    issuing = next(
        one for one in x509.load_pem_x509_certificates(ca.bundle) if one.subject == good.issuer
    )
    good.verify_directly_issued_by(issuing)
    with pytest.raises(InvalidSignature):
        foreign.verify_directly_issued_by(issuing)


async def test_the_bundle_over_http(world: World) -> None:
    answer = await world.request("GET", f"{world.tesla.base_url}/_sim/vehicle_ca.pem")
    assert answer.text.encode() == world.tesla.vehicle_ca_pem


@pytest.mark.parametrize("kind", ["expired", "foreign", "server_only", "none"])
async def test_a_certificate_that_tls_refuses(stream: Streaming, kind: CertificateKind) -> None:
    stream.car.present(kind)
    await stream.configure()
    await until(lambda: stream.car.counts.attempts >= 2)
    assert stream.receiver.paths == [], "nothing came through"
    assert stream.car.last_error
    stream.car.present("good")
    await until(lambda: stream.receiver.records)


async def test_certificates_that_only_a_closer_look_refuses(stream: Streaming) -> None:
    ca = stream.world.tesla._cloud.telemetry.world.ca
    assert "1.3.6.1.4.1.49279.2.5.2" in usages(issued(ca, VIN, "energy"))
    assert "1.3.6.1.4.1.49279.2.5.1.1" in usages(issued(ca, VIN, "wifi"))
    stream.car.present("energy")
    await stream.begin()


async def test_another_cars_certificate(stream: Streaming) -> None:
    stream.car.present("good", vin="5YJ3E1EA8NF000999")
    await stream.begin()
    record = stream.receiver.records[0]
    assert record.vin == "5YJ3E1EA8NF000999"
    assert record.data.vin == stream.world.car.vin


async def silent(stream: Streaming, text: str) -> None:
    await until(lambda: text in stream.car.last_error)
    await until(lambda: stream.car.counts.attempts >= 2)
    assert stream.receiver.records == []
    listed = await stream.world.car_api("GET", "fleet_telemetry_errors")
    assert text in listed.response["fleet_telemetry_errors"][-1]["error"]


async def test_a_wrong_ca_fails_silently(stream: Streaming) -> None:
    await stream.configure(ca=Certificates.make().ca)
    await silent(stream, "CERTIFICATE_VERIFY_FAILED")


@pytest.mark.parametrize("ca", ["nonsense", "-----BEGIN CERTIFICATE-----\nx\n"])
async def test_a_ca_that_is_none_does_too(stream: Streaming, ca: str) -> None:
    await stream.configure(ca=ca)
    await silent(stream, "ca")


async def test_a_leaf_is_no_anchor(stream: Streaming) -> None:
    server = stream.receiver.certificates.server
    await stream.configure(ca=server[server.index("-----BEGIN CERT") :])
    await silent(stream, "no CA certificate")


async def test_a_full_chain_is_fine(stream: Streaming) -> None:
    server = stream.receiver.certificates.server
    leaf = server[server.index("-----BEGIN CERT") :]
    await stream.begin(ca=leaf + stream.receiver.certificates.ca)


async def test_the_name_in_the_certificate_counts(world: World, tmp_path: Path) -> None:
    certificates = Certificates.make("other.example.com")
    async with streaming(world, tmp_path, {"Soc": 1}, certificates=certificates) as stream:
        await stream.configure()
        await silent(stream, HOSTNAME)


async def test_a_self_signed_server_is_refused(world: World, tmp_path: Path) -> None:
    certificates = Certificates.make(self_signed=True)
    async with streaming(world, tmp_path, {"Soc": 1}, certificates=certificates) as stream:
        await stream.configure()
        await silent(stream, "self-signed")


async def test_a_server_that_compresses_is_refused(world: World, tmp_path: Path) -> None:
    async with streaming(world, tmp_path, {"Soc": 1}, compress=True) as stream:
        await stream.configure()
        await silent(stream, "permessage-deflate")


async def test_a_name_that_does_not_resolve(stream: Streaming) -> None:
    await stream.configure(hostname="nowhere.example.com")
    await silent(stream, "nowhere.example.com")


async def test_cars_do_not_leave_loopback(stream: Streaming) -> None:
    stream.world.tesla.telemetry_hosts[HOSTNAME] = ("192.0.2.1", 443)
    await stream.configure()
    await silent(stream, "loopback")


async def test_tls_is_at_least_1_2(stream: Streaming) -> None:
    await stream.begin()
    (ws,) = stream.receiver.sockets
    assert ws.get_extra_info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
    assert ssl.HAS_TLSv1_3
