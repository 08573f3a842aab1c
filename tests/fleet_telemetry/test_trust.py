"""Which CAs are trusted, whatever a file holds."""

from pathlib import Path

import pytest

from custom_components.tesla_charging.fleet_telemetry import (
    PINNED,
    CertificateError,
    TrustError,
    VehicleCA,
    fingerprints,
    read_bundle,
    server_context,
)
from custom_components.tesla_charging.fleet_telemetry.certificates.trust import (
    MAX_BUNDLE_LENGTH,
    missing,
)

from .pki import VehicleTree, issue


def test_fourteen_certificates_are_pinned() -> None:
    assert len(PINNED) == 14
    assert all(len(bytes.fromhex(pin)) == 32 and pin == pin.lower() for pin in PINNED)
    assert PINNED["ebbaacc16eb93c2e961c58fd43d874df2760558da3ef681c7d617d89abba3f32"] == (
        "Tesla Product Root CA"
    )


def test_only_what_is_pinned_or_asked_for_is_kept(tree: VehicleTree) -> None:
    root, issuing = fingerprints(tree.bundle)
    (kept,) = read_bundle(tree.bundle, frozenset({issuing}))
    assert (kept.fingerprint, kept.der) == (issuing, tree.issuing.der)
    assert kept.name is None
    assert len(read_bundle(tree.bundle, frozenset({root, issuing}))) == 2


def test_a_name_like_teslas_is_not_enough(tree: VehicleTree) -> None:
    with pytest.raises(TrustError, match="none of the certificates"):
        read_bundle(tree.bundle)


def test_text_around_the_certificates_does_not_matter(tree: VehicleTree) -> None:
    noisy = b"# bundle\r\n" + tree.bundle.replace(b"\n", b"\r\n") + tree.bundle + b"the end"
    assert len(read_bundle(noisy, frozenset(fingerprints(tree.bundle)))) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a file of certificates",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nAAA=A\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n" * 20,
        b" " * (MAX_BUNDLE_LENGTH + 1),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" * 65,
    ],
)
def test_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(TrustError):
        read_bundle(data)


def test_what_is_missing_has_a_name() -> None:
    one, *others = [VehicleCA(pin, b"") for pin in PINNED]
    assert missing(others) == (PINNED[one.fingerprint],)
    assert missing([one, *others]) == ()


def test_contexts_say_what_is_wrong_with_files(tmp_path: Path, tree: VehicleTree) -> None:
    server = issue("server").save(tmp_path / "server.pem")
    trusted = read_bundle(tree.bundle, frozenset(fingerprints(tree.bundle)))
    assert server_context(server, None, trusted)
    with pytest.raises(CertificateError):
        server_context(tmp_path / "nothing.pem", None, trusted)
    other = issue("other").save(tmp_path / "other.pem")
    with pytest.raises(CertificateError):
        server_context(server, other, trusted)
    with pytest.raises(TrustError):
        server_context(server, None, [VehicleCA("", b"no certificate")])
    with pytest.raises(TrustError):
        server_context(server, None, [])
