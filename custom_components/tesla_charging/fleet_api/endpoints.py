"""The addresses of Tesla's services.

Base URLs: developer.tesla.com, "Regions and countries" and "Base URLs"; token service: announcement of
2025-07-21 (fleet-auth instead of auth.tesla.com).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
import re
from typing import Final
from urllib.parse import urlsplit

KEY_PATH: Final = "/.well-known/appspecific/com.tesla.3p.public-key.pem"
"""The path of the public key on the registered domain."""
_HOST_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+", re.ASCII)


class Region(StrEnum):
    """Tesla's regions, by the names in the API."""

    NA = "na"
    EU = "eu"
    CN = "cn"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One set of Tesla services that belong together."""

    authorize_url: str
    token_url: str
    regions: Mapping[Region, str]
    """Base URL of the Fleet API per region, without a slash at the end."""
    pairing_url: str
    """Prefix of the pairing link; the registered domain follows."""
    vehicle_ca_url: str
    """The bundle of CAs of the cars' certificates, published by Tesla."""
    vehicle_ca_pinned: bool = True
    """Whether only certificates with Tesla's published fingerprints are accepted from it."""
    world_url: str = "https://"
    """Prefix of the addresses of all other servers; their domain follows."""
    trusted_suffixes: tuple[str, ...] = ()
    """Host suffixes under which Tesla may name a base URL that is not in `regions`."""

    def pairing_link(self, domain: str, vin: str | None = None) -> str:
        """Return the link that opens Tesla's app to pair the key of a domain, for one car if a VIN is given."""
        link = f"{self.pairing_url}/{domain}"
        return f"{link}?vin={vin}" if vin else link

    def key_url(self, domain: str) -> str:
        """Return the address of the public key on a domain."""
        return f"{self.world_url}{domain}{KEY_PATH}"

    def trusted_base_url(self, url: str) -> str | None:
        """Return the base URL to use when an answer names one, or None if it is not Tesla's.

        Tokens are sent to this URL, so it must be a known base URL, or https on a host of Tesla's.
        """
        url = url.rstrip("/")
        if url in self.regions.values():
            return url
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        if (
            parts.scheme != "https"
            or parts.username is not None
            or port not in {None, 443}
            or parts.path
            or parts.query
            or parts.fragment
            or not _HOST_NAME.fullmatch(host)
            or not host.endswith(self.trusted_suffixes)
        ):
            return None
        return f"https://{host}"


TESLA = Endpoints(
    authorize_url="https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/authorize",
    token_url="https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token",  # noqa: S106  an address
    regions={
        Region.NA: "https://fleet-api.prd.na.vn.cloud.tesla.com",
        Region.EU: "https://fleet-api.prd.eu.vn.cloud.tesla.com",
    },
    pairing_url="https://tesla.com/_ak",
    vehicle_ca_url=(
        "https://raw.githubusercontent.com/teslamotors/fleet-telemetry/main/config/files/prod_ca.crt"
    ),
    trusted_suffixes=(".tesla.com", ".teslamotors.com"),
)


def all_under(base_url: str) -> Endpoints:
    """Return the same services under one base URL: `/auth`, `/na`, `/eu`, `/_ak`, `/_sim/vehicle_ca.pem`, `/_sim/world`."""
    base_url = base_url.rstrip("/")
    return Endpoints(
        authorize_url=f"{base_url}/auth/oauth2/v3/authorize",
        token_url=f"{base_url}/auth/oauth2/v3/token",
        regions={Region.NA: f"{base_url}/na", Region.EU: f"{base_url}/eu"},
        pairing_url=f"{base_url}/_ak",
        vehicle_ca_url=f"{base_url}/_sim/vehicle_ca.pem",
        vehicle_ca_pinned=False,
        world_url=f"{base_url}/_sim/world/",
    )
