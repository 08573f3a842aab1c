"""The domain that serves the public key: which names can work, and what is served there.

Rules: developer.tesla.com, "Virtual keys: developer guide" and "Partner endpoints", and refusals by Tesla that other
users reported.
"""

from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError, get_url

from ..fleet_telemetry import is_hostname
from ..vehicle_command import InvalidKey, public_point

FETCH_TIMEOUT: Final = ClientTimeout(total=10)
MAX_FILE_LENGTH: Final = 4096
PRIVATE_SUFFIXES: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test")

# Rows of (suffix, key of the message): names that did not work for other users. The user may use one all the same.
UNSUITABLE_SUFFIXES: Final[tuple[tuple[str, str], ...]] = (
    (".nabu.casa", "domain_nabu_casa"),
    (".fleetkey.cc", "domain_shared"),
    (".ngrok.io", "domain_shared"),
    (".ngrok.app", "domain_shared"),
    (".ngrok-free.app", "domain_shared"),
    (".ngrok-free.dev", "domain_shared"),
    (".trycloudflare.com", "domain_shared"),
    (".loca.lt", "domain_shared"),
)
# The same for names that can serve a file, but cannot lead to a Home Assistant
FILE_HOST_SUFFIXES: Final = (
    ".github.io",
    ".gitlab.io",
    ".pages.dev",
    ".netlify.app",
    ".vercel.app",
    ".web.app",
)


class RegistrationError(Exception):
    """The user has to change something on the page; holds the key of the message and its placeholders."""

    def __init__(self, key: str, detail: str = "", url: str = "") -> None:
        """Create the error; `url` is the address of the public key that it is about."""
        super().__init__(key)
        self.key = key
        self.detail = detail
        self.url = url


class KeyCheck(StrEnum):
    """The result of fetching the public key; each value but the first is the key of a message."""

    OURS = "seen_ours"
    OTHER_KEY = "seen_other_key"
    NO_KEY = "seen_no_key"
    NOT_THERE = "seen_not_there"
    REDIRECT = "seen_redirect"
    REFUSED = "seen_refused"
    BAD_CERTIFICATE = "seen_bad_certificate"
    NO_NAME = "seen_no_name"
    NO_ANSWER = "seen_no_answer"

    @property
    def is_certain(self) -> bool:
        """Whether a server answered. A request from inside a home often reaches none, which proves nothing."""
        return self not in {KeyCheck.NO_NAME, KeyCheck.NO_ANSWER}


def bare_domain(text: str) -> str:
    """Return the host name in the user's input, also from an address pasted from the browser.

    Tesla registers a bare host name. Raises RegistrationError with the key of what is wrong with it.
    """
    text = text.strip().lower()
    if text.startswith("http://"):
        raise RegistrationError("domain_not_https")
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise RegistrationError("domain_invalid") from None
    if parts.scheme != "https" or parts.username is not None:
        raise RegistrationError("domain_invalid")
    if _is_ip_address(name):
        raise RegistrationError("domain_ip_address")
    if port not in {None, 443}:
        raise RegistrationError("domain_with_port")
    if not is_hostname(name):
        raise RegistrationError("domain_invalid")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise RegistrationError("domain_with_path", name)
    if name.endswith(PRIVATE_SUFFIXES):
        raise RegistrationError("domain_private")
    if "tesla" in name:
        raise RegistrationError("domain_tesla")
    return name


def domain_problem(domain: str, *, served_here: bool) -> str | None:
    """Return the key of a message if a name is known not to work, else None."""
    for suffix, key in UNSUITABLE_SUFFIXES:
        if domain.endswith(suffix):
            return key
    if served_here and domain.endswith(FILE_HOST_SUFFIXES):
        return "domain_file_host"
    return None


def same_root(name: str, domain: str) -> bool:
    """Return whether two host names share their last two labels, which Tesla requires of an application's names."""
    return name.split(".")[-2:] == domain.split(".")[-2:]


def proposed_domain(hass: HomeAssistant) -> str | None:
    """Return the domain of Home Assistant's external URL if Tesla can reach it, else None."""
    try:
        return bare_domain(
            get_url(hass, allow_internal=False, allow_ip=False, require_ssl=True, allow_cloud=False)
        )
    except NoURLAvailableError, RegistrationError:
        return None


async def check_key(session: ClientSession, url: str, public_key: bytes) -> KeyCheck:
    """Fetch the public key as Tesla does, as far as that is possible from inside the home.

    Tesla wants a plain PEM file with status 200 and no redirect, over https with a publicly trusted certificate.
    `public_key` is the expected key as an uncompressed point.
    """
    try:
        async with session.get(url, timeout=FETCH_TIMEOUT, allow_redirects=False) as response:
            if 300 <= response.status < 400:
                return KeyCheck.REDIRECT
            if response.status == 404:
                return KeyCheck.NOT_THERE
            if response.status != 200:
                return KeyCheck.REFUSED
            body = bytearray()
            async for chunk in response.content.iter_chunked(MAX_FILE_LENGTH):
                body += chunk
                if len(body) > MAX_FILE_LENGTH:
                    return KeyCheck.NO_KEY
    except ClientConnectorCertificateError, ClientSSLError:
        return KeyCheck.BAD_CERTIFICATE
    except ClientConnectorDNSError:
        return KeyCheck.NO_NAME
    except ClientError, TimeoutError:
        return KeyCheck.NO_ANSWER
    try:
        served = public_point(bytes(body))
    except InvalidKey:
        return KeyCheck.NO_KEY
    return KeyCheck.OURS if served == public_key else KeyCheck.OTHER_KEY


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
