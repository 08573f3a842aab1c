"""The Fleet API client of an account, and which Tesla it speaks to: the real one, unless a developer says otherwise."""

from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .const import CONF_BASE_URL, CONF_REGION, LOGGER
from .fleet_api import (
    TESLA,
    Authorization,
    Endpoints,
    FleetApiClient,
    FleetApiError,
    Operation,
    Region,
    RequestRecord,
    Suspension,
    all_under,
)
from .issues.kinds import SIMULATED_TESLA, SIMULATOR_IGNORED
from .issues.registry import async_raise_issue, plain_text

if TYPE_CHECKING:
    from .data import TeslaChargingConfigEntry


ENVIRONMENT_VARIABLE: Final = "TESLA_CHARGING_SIMULATOR"


@cache
def active_endpoints() -> Endpoints:
    """Return Tesla's endpoints, or those under the base URL in TESLA_CHARGING_SIMULATOR.

    The variable is for development and demonstrations. Tokens are sent to where it leads, so it is followed only to
    this machine itself.
    """
    base_url = os.environ.get(ENVIRONMENT_VARIABLE)
    if not base_url:
        return TESLA
    if not is_loopback(base_url):
        LOGGER.error("%s is ignored: it may lead to a loopback address only", ENVIRONMENT_VARIABLE)
        return TESLA
    LOGGER.warning(
        "%s is set: talking to a SIMULATED Tesla at %s, to no real account and no real car",
        ENVIRONMENT_VARIABLE,
        base_url,
    )
    return all_under(base_url)


def is_loopback(url: str) -> bool:
    """Return whether an http(s) URL names this machine itself, without any other part that could lead elsewhere."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or parts.username is not None:
            return False
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@callback
def async_report_simulator(hass: HomeAssistant) -> None:
    """Raise a repair issue while the environment variable is set, whether it is followed or not."""
    if url := os.environ.get(ENVIRONMENT_VARIABLE):
        async_raise_issue(
            hass,
            SIMULATED_TESLA if is_loopback(url) else SIMULATOR_IGNORED,
            {"variable": ENVIRONMENT_VARIABLE, "url": plain_text(url)},
        )


def region_of(entry: TeslaChargingConfigEntry) -> Region | None:
    """Return the region of an entry, None if it is not a known one."""
    stored = entry.data.get(CONF_REGION)
    return Region(stored) if isinstance(stored, str) and stored in Region else None


def base_url_of(entry: TeslaChargingConfigEntry) -> str:
    """Return where the account of an entry lives: as Tesla last said, else by its region."""
    endpoints = active_endpoints()
    stored = endpoints.trusted_base_url(str(entry.data.get(CONF_BASE_URL, "")))
    region = region_of(entry) or Region.NA
    return stored or endpoints.regions.get(region, endpoints.regions[Region.NA])


@callback
def store_base_url(hass: HomeAssistant, entry: TeslaChargingConfigEntry, url: str) -> None:
    """Store where the account of an entry turned out to live."""
    if hass.config_entries.async_get_entry(entry.entry_id) is not None:  # a command may outlive it
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_BASE_URL: url})


def make_client(
    hass: HomeAssistant,
    authorization: Authorization,
    base_url: str,
    *,
    on_request: Callable[[RequestRecord], None],
    permit: Callable[[Operation, str | None], Callable[[], None]],
    on_base_url: Callable[[str], None] | None = None,
    on_outcome: Callable[[Operation, str | None, FleetApiError | None], None] | None = None,
    suspension: Suspension | None = None,
) -> FleetApiClient:
    """Return a client whose requests are metered (`on_request`) and stay inside the budget (`permit`)."""
    return FleetApiClient(
        async_get_clientsession(hass),
        authorization,
        active_endpoints(),
        base_url,
        now=hass.loop.time,
        on_request=on_request,
        permit=permit,
        on_base_url=on_base_url,
        on_outcome=on_outcome,
        suspension=suspension,
    )
