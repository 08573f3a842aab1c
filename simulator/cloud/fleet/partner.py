"""Partner accounts: registering an application's domain and key in a region."""

from datetime import UTC, datetime
import re
from urllib.parse import urlsplit

import aiohttp
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from simulator.cloud.accounts import Registration
from simulator.cloud.context import Call, Cloud
from simulator.cloud.errors import ApiError, invalid_field, not_found

KEY_PATH = "/.well-known/appspecific/com.tesla.3p.public-key.pem"
MAX_PEM = 4096

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]*[a-z0-9])")

#: Suffixes under which everybody can register, so that the root domain has one label more.
_PUBLIC_SUFFIXES = frozenset(
    {"co.uk", "org.uk", "com.au", "co.nz", "co.jp", "github.io", "duckdns.org", "pages.dev"}
)


def root_domain(host: str) -> str:
    """Return the part of a host name that allowed origin and partner domain must share."""
    labels = host.lower().split(".")
    take = 3 if ".".join(labels[-2:]) in _PUBLIC_SUFFIXES else 2
    return ".".join(labels[-take:])


class KeyNotUsable(Exception):
    """The public key could not be downloaded or is not a P-256 key; the text says why."""


async def download_key(cloud: Cloud, domain: str) -> bytes:
    """Fetch the application's public key from its domain as Tesla does.

    A plain file with status 200, no redirect. Returns the 65-byte point; raises KeyNotUsable.
    """
    origin = cloud.dns.get(domain)
    url = f"https://{domain}{KEY_PATH}"
    if origin is None:
        raise KeyNotUsable(f"could not resolve {domain}")
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.get(origin + KEY_PATH, headers={"Host": domain}, allow_redirects=False) as got,
        ):
            if got.status != 200:
                raise KeyNotUsable(f"{url} answered with HTTP status {got.status}")
            raw = bytearray()
            async for chunk in got.content.iter_chunked(MAX_PEM):
                raw += chunk
                if len(raw) > MAX_PEM:
                    raise KeyNotUsable(f"{url} is too large for a public key")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise KeyNotUsable(f"{url} could not be downloaded") from error
    return read_key(bytes(raw), url)


def read_key(pem: bytes, url: str = "the file") -> bytes:
    """Return the uncompressed point of a PEM SubjectPublicKeyInfo on P-256.

    Raises KeyNotUsable for anything else, also for a key wrapped in other text.
    """
    text = pem.strip()
    if not text.startswith(b"-----BEGIN PUBLIC KEY-----") or not text.endswith(
        b"-----END PUBLIC KEY-----"
    ):
        raise KeyNotUsable(f"{url} is not a PEM public key")
    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyNotUsable(f"{url} is not a PEM public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyNotUsable(f"{url} is not a prime256v1 key")
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _domain(value: object) -> str:
    if not isinstance(value, str) or len(value) > 253 or not _DOMAIN.fullmatch(value):
        raise invalid_field("domain", "must be a bare host name")
    return value


async def register(call: Call) -> dict[str, object]:
    """Register or re-register the application in this region (POST partner_accounts)."""
    domain = _domain(call.body.get("domain"))
    application = call.application
    origin = urlsplit(application.allowed_origin).hostname or ""
    if root_domain(domain) != root_domain(origin):
        raise ApiError(
            412,
            "precondition_failed",
            f"domain {domain} does not match the root domain of the allowed origins",
        )
    try:
        key = await download_key(call.cloud, domain)
    except KeyNotUsable as error:
        raise ApiError(424, f"Public key download failed: {error}") from error
    now = call.cloud.clock.now()
    before = application.registrations.get(call.region)
    registration = Registration(domain, key, before.created_at if before else now, now)
    application.registrations[call.region] = registration
    return {
        "response": {
            "account_id": application.client_id,
            "client_id": application.client_id,
            "name": application.name,
            "domain": domain,
            "public_key": key.hex(),
            "ca": None,
            "enterprise_tier": "pay_as_you_go",
            "created_at": _iso(registration.created_at),
            "updated_at": _iso(registration.updated_at),
        }
    }


async def public_key(call: Call) -> dict[str, object]:
    """Return the key on file for one of the application's domains."""
    domain = _domain(call.query.get("domain"))
    registration = call.application.registrations.get(call.region)
    if registration is None or registration.domain != domain:
        raise not_found()
    return {"response": {"public_key": registration.public_key.hex()}}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
