"""The CAs of Tesla's cars: which certificates are trusted, and how a bundle of them is read.

The bundle is part of Tesla's fleet-telemetry server (`config/files/prod_ca.crt`). It is not copied here: it is fetched
during set-up or read from a file, and only certificates whose SHA-256 fingerprints are pinned below are used.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Set as AbstractSet
from dataclasses import dataclass
import hashlib
import re
from typing import Final

from ..errors import TrustError

MAX_BUNDLE_LENGTH: Final = 262_144
MAX_CERTIFICATES: Final = 64

PINNED: Final[Mapping[str, str]] = {
    "9210df2afb71dcdcdb96abc7d3607f67b7a8ff1ab95fd975ee716618c98d31fa": "Tesla Issuing CA",
    "bdf7cf2fd449a7803b7224a306245b4dd47eab3b11288b05001b07623d8ef980": "Tesla Motors GF Austin Product Issuing CA",
    "3468361b3dfe779ea4bdcfb3bd18de39e9371f453b93c6947e3167adf7c995be": "Tesla Motors GF Berlin Product Issuing CA",
    "db8c6739f268c4e3e7c90598c1de28724a22e41be0cc3d20c52717d9b56645d5": "Tesla Motors GF0 Product Issuing CA",
    "ca3087352e1b77854556988865b880ddf206d70ca84b826dc45b04f9883a1fe9": "Tesla Motors GF3 Product Issuing CA",
    "6c221b7290db8ffcb8fc37174bc386886206b77fec83f11292b3f41f6f180b90": "Tesla Motors GF3 Product RSA Issuing CA",
    "2baa91cf98e3bf3d48b3791d9b608de3e9b879852e6828924e98b9a7f7b716f4": "Tesla Motors Product Issuing CA",
    "b18e1fe69a588703cccda70056bd5332952411b2b60e52bad63dcff8b5fa8b6d": "Tesla Motors Product RSA Issuing CA",
    "a1ffaf486020d4643ac8832a0608a075bc509d6725eac205c0bfce61a21edeac": "Tesla Motors Products CA",
    "4045a9064a7ff9ba0b793f515a18ffcf006f86e504cd80ebad4465f7418430e1": "Tesla Motors Root CA",
    "56f74af54bc918ce3dcd9ddef1c41ef7747822ce673ecf554693d67c5417cd31": "Tesla Policy CA",
    "9c1432cbd81d9f842d35b782768e555b62446a3e6e5b6e95287f1de3a91fcbf5": "Tesla Product RSA Root CA",
    "ebbaacc16eb93c2e961c58fd43d874df2760558da3ef681c7d617d89abba3f32": "Tesla Product Root CA",
    "681c9455f1051a9effa0ef0814901a5ea4c08241867e34fad2b431535cd9a4ae": "Tesla Root CA",
}
"""Subject common names by SHA-256 fingerprint (fleet-telemetry v0.9.4; the first one expired in 2025)."""

_BLOCK: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]{1,16384}+)-----END CERTIFICATE-----"
)


@dataclass(frozen=True, slots=True)
class VehicleCA:
    """A trusted CA of cars' certificates."""

    fingerprint: str
    """SHA-256 of the certificate, lower-case hexadecimal."""
    der: bytes

    @property
    def name(self) -> str | None:
        """Subject common name if it is one of Tesla's; None for an extra trusted certificate."""
        return PINNED.get(self.fingerprint)


def read_bundle(pem: bytes, extra: AbstractSet[str] = frozenset()) -> tuple[VehicleCA, ...]:
    """Return the trusted certificates in a PEM file; all others are left out.

    `extra` are fingerprints (lower-case hexadecimal) that are trusted besides Tesla's. Raises TrustError when the
    file is too large, is not a PEM file, or contains no trusted certificate.
    """
    certificates = {
        fingerprint: VehicleCA(fingerprint, der)
        for fingerprint, der in _certificates(pem)
        if fingerprint in PINNED or fingerprint in extra
    }
    if not certificates:
        raise TrustError("the file holds none of the certificates of Tesla's cars")
    return tuple(certificates.values())


def fingerprints(pem: bytes) -> tuple[str, ...]:
    """Return the fingerprints of all certificates in a PEM file. Raises TrustError."""
    return tuple(fingerprint for fingerprint, _ in _certificates(pem))


def missing(certificates: Iterable[VehicleCA]) -> tuple[str, ...]:
    """Return the names of pinned certificates that are missing."""
    present = {certificate.fingerprint for certificate in certificates}
    return tuple(name for fingerprint, name in PINNED.items() if fingerprint not in present)


def _certificates(pem: bytes) -> list[tuple[str, bytes]]:
    if len(pem) > MAX_BUNDLE_LENGTH:
        raise TrustError("the file is too large to be a bundle of certificates")
    blocks = _BLOCK.findall(pem)
    if not blocks:
        raise TrustError("the file holds no certificates in PEM form")
    if len(blocks) > MAX_CERTIFICATES:
        raise TrustError("the file holds too many certificates")
    try:
        ders = [base64.b64decode(b"".join(block.split()), validate=True) for block in blocks]
    except binascii.Error:
        raise TrustError("the file holds a damaged certificate") from None
    return [(hashlib.sha256(der).hexdigest(), der) for der in ders]
