"""The receiver's certificate: made here and renewed without the cars noticing, or brought by the user."""

from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
import pytest

from custom_components.tesla_charging.fleet_telemetry import (
    CertificateError,
    ServerCertificate,
    ensure_certificate,
    file_stamp,
    load_certificate,
)
from custom_components.tesla_charging.fleet_telemetry.certificates.certificate import (
    AUTHORITY_FILE,
    RENEW_BEFORE,
    SERVER_FILE,
    SERVER_LIFETIME,
)
from custom_components.tesla_charging.storage import durable_file

from .pki import VERSION_2, VERSION_3, Issued, Odd, as_bits, issue, odd

HOST = "telemetry.example.com"
NOW = datetime.now(UTC).replace(microsecond=0)


def leaf_of(server: ServerCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificates(server.chain.read_bytes())[0]


def test_a_certificate_for_the_host_under_an_own_ca(tmp_path: Path) -> None:
    server = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    leaf, ca = leaf_of(server), x509.load_pem_x509_certificate(server.ca.encode())
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert server.not_after == NOW + SERVER_LIFETIME
    assert "PRIVATE" not in server.ca


def test_keys_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    for name in (AUTHORITY_FILE, SERVER_FILE):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [AUTHORITY_FILE, SERVER_FILE]


def test_nothing_changes_until_the_renewal(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    before = file_stamp(first.chain)
    later = NOW + SERVER_LIFETIME - RENEW_BEFORE - timedelta(seconds=1)
    assert not first.renewal_due(later)
    assert ensure_certificate(tmp_path, HOST, later, durable_file.write) == first
    assert file_stamp(first.chain) == before


def test_the_leaf_is_renewed_under_the_same_ca(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    serial = leaf_of(first).serial_number
    due = NOW + SERVER_LIFETIME - RENEW_BEFORE
    assert first.renewal_due(due)
    second = ensure_certificate(tmp_path, HOST, due, durable_file.write)
    assert second.ca == first.ca
    assert leaf_of(second).serial_number != serial
    assert second.not_after == due + SERVER_LIFETIME


def test_an_own_ca_with_an_unusable_key_is_set_aside(tmp_path: Path) -> None:
    before = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    path = tmp_path / AUTHORITY_FILE
    key, certificate = path.read_bytes().split(b"-----BEGIN CERTIFICATE", 1)
    der = bytearray(ssl.PEM_cert_to_DER_cert("-----BEGIN CERTIFICATE" + certificate.decode()))
    at = bytes(der).index(bytes.fromhex("03420004"))
    der[at + 4] ^= 0xFF
    path.write_bytes(key + ssl.DER_cert_to_PEM_cert(bytes(der)).encode())
    after = ensure_certificate(
        tmp_path, HOST, NOW, durable_file.write, lambda file, _: file.unlink()
    )
    assert after.ca != before.ca


def test_another_host_gets_another_leaf_under_the_same_ca(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    second = ensure_certificate(tmp_path, "other.example.com", NOW, durable_file.write)
    assert second.ca == first.ca
    names = leaf_of(second).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["other.example.com"]


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_leaf_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    first = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    if damage is None:
        first.chain.write_bytes((tmp_path / AUTHORITY_FILE).read_bytes())
    else:
        first.chain.write_bytes(damage)
    second = ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    leaf_of(second).verify_directly_issued_by(x509.load_pem_x509_certificate(first.ca.encode()))


def test_a_damaged_ca_is_an_error_because_every_car_would_have_to_be_told(tmp_path: Path) -> None:
    ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    authority = tmp_path / AUTHORITY_FILE
    good = authority.read_bytes()
    for bad in (b"", b"garbage", good[: len(good) // 2], good + b" " * 300_000):
        authority.write_bytes(bad)
        with pytest.raises(CertificateError):
            ensure_certificate(tmp_path, HOST, NOW, durable_file.write)
    authority.write_bytes(good)
    with pytest.raises(CertificateError) as caught:
        ensure_certificate(tmp_path, HOST, NOW + timedelta(days=40 * 365), durable_file.write)
    assert caught.value.reason == "expired"


# files of the user


class Files:
    """A public CA, and what a user got from it."""

    def __init__(self, directory: Path) -> None:
        self.root = issue("Public Root X1", ca=True, organization="Public CA")
        self.sister = issue("Public Root X2", ca=True, organization="Public CA")
        self.other = issue("Other Root", ca=True, organization="Other CA")
        self.intermediate = issue("Public R10", self.root, ca=True, organization="Public CA")
        self.roots = self.other.pem + b"# X1\n" + self.root.pem + self.sister.pem
        self.chain = directory / "fullchain.pem"
        self.key = directory / "privkey.pem"
        self.write(self.leaf())

    def leaf(
        self,
        host: str = HOST,
        ends: timedelta = timedelta(days=90),
        begins: timedelta = timedelta(0),
        usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,),
    ) -> Issued:
        return issue("", self.intermediate, hosts=(host,), ends=ends, begins=begins, usages=usages)

    def named_leaf(self) -> Issued:
        return issue("telemetry", self.intermediate, hosts=(HOST,))

    def odd(self, leaf: Issued, before: bytes, after: bytes) -> Odd:
        return odd(leaf, self.intermediate, before, after)

    def write(self, leaf: Issued | Odd) -> None:
        self.chain.write_bytes(leaf.pem + self.intermediate.pem)
        self.key.write_bytes(leaf.key_pem)

    def load(self, now: datetime | None = None, **more: Path) -> ServerCertificate:
        return load_certificate(
            self.chain, self.key, HOST, now or datetime.now(UTC), roots=self.roots, **more
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_the_roots_of_a_users_certificate_are_found_with_their_sisters(files: Files) -> None:
    server = files.load()
    told = x509.load_pem_x509_certificates(server.ca.encode())
    assert set(told) == {files.root.certificate, files.sister.certificate}
    assert (server.chain, server.key, server.own) == (files.chain, files.key, False)
    assert not server.renewal_due(NOW)
    assert server.renewal_due(NOW + timedelta(days=80))


def test_a_wildcard_stands_for_one_label(files: Files) -> None:
    files.write(files.leaf("*.example.com"))
    assert files.load()
    files.write(files.leaf("*.com"))
    with pytest.raises(CertificateError) as caught:
        files.load()
    assert caught.value.reason == "wrong_hostname"


def test_key_and_chain_may_be_one_file(files: Files) -> None:
    files.chain.write_bytes(files.key.read_bytes() + files.chain.read_bytes())
    assert load_certificate(files.chain, None, HOST, datetime.now(UTC), roots=files.roots)


def test_a_private_ca_is_named_by_the_user(files: Files, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(files.root.pem)
    assert files.load(ca=ca).ca.encode() == files.root.pem
    ca.write_bytes(files.other.pem)
    with pytest.raises(CertificateError) as caught:
        files.load(ca=ca)
    assert caught.value.reason == "wrong_ca"


def test_a_private_ca_is_the_last_of_the_chain(files: Files) -> None:
    files.roots = files.other.pem
    files.chain.write_bytes(files.chain.read_bytes() + files.root.pem)
    assert files.load().ca.encode() == files.root.pem
    files.chain.write_bytes(files.chain.read_bytes() + files.other.pem)
    files.roots = b""
    with pytest.raises(CertificateError) as caught:
        files.load()
    assert caught.value.reason == "wrong_ca"


def test_what_cars_are_told_does_not_depend_on_which_root_signed(files: Files) -> None:
    before = files.load().ca
    files.intermediate = issue("Public E7", files.sister, ca=True, organization="Public CA")
    files.write(files.leaf())
    assert files.load().ca == before


def test_a_pipe_is_no_file(files: Files) -> None:
    files.key.unlink()
    os.mkfifo(files.key)
    with pytest.raises(FileNotFoundError):
        files.load()


def test_a_chain_without_its_intermediate_is_noticed(files: Files, tmp_path: Path) -> None:
    leaf = files.leaf()
    files.chain.write_bytes(leaf.pem)
    files.key.write_bytes(leaf.key_pem)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(files.root.pem)
    with pytest.raises(CertificateError) as caught:
        files.load(ca=ca)
    assert caught.value.reason == "wrong_ca"


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("expired", lambda f: f.write(f.leaf(begins=timedelta(days=-9), ends=timedelta(days=-1)))),
        ("not_yet_valid", lambda f: f.write(f.leaf(begins=timedelta(days=1)))),
        ("wrong_hostname", lambda f: f.write(f.leaf("other.example.com"))),
        ("wrong_hostname", lambda f: f.write(issue("", f.intermediate))),
        ("self_signed", lambda f: f.write(issue(HOST, hosts=(HOST,)))),
        ("key_mismatch", lambda f: f.key.write_bytes(issue("x").key_pem)),
        ("not_for_servers", lambda f: f.write(f.leaf(usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)))),
        ("key_unreadable", lambda f: f.key.write_bytes(b"no key")),
        ("unreadable", lambda f: f.chain.write_bytes(b"no certificate")),
        ("unreadable", lambda f: f.write(f.odd(f.leaf(), VERSION_3, VERSION_2))),
        ("unreadable", lambda f: f.write(f.odd(f.named_leaf(), *as_bits("telemetry")))),
        ("too_large", lambda f: f.chain.write_bytes(b" " * 300_000)),
        ("key_too_large", lambda f: f.key.write_bytes(b" " * 300_000)),
        ("unknown_ca", lambda f: setattr(f, "roots", f.other.pem)),
        ("unknown_ca", lambda f: setattr(f, "roots", b"no roots")),
        (
            "encrypted",
            lambda f: f.key.write_bytes(
                issue("x").key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.BestAvailableEncryption(b"word"),
                )
            ),
        ),
    ],
)
def test_what_would_keep_cars_away_is_told(files: Files, reason: str, change: object) -> None:
    change(files)  # type: ignore[operator]  # a function of Files
    with pytest.raises(CertificateError) as caught:
        files.load()
    assert caught.value.reason == reason
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_missing_file_is_missing(files: Files) -> None:
    files.key.unlink()
    with pytest.raises(FileNotFoundError):
        files.load()


def test_a_changed_file_is_noticed(files: Files) -> None:
    before = file_stamp(files.chain, files.key)
    files.write(files.leaf())
    assert file_stamp(files.chain, files.key) != before
    assert file_stamp(files.chain, None) == file_stamp(files.chain)
