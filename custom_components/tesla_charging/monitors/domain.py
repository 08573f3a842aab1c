"""Checks whether the public key is still where Tesla looks for it: without it, Tesla's app refuses to pair a car."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started

from ..client import active_endpoints, region_of
from ..const import CONF_DOMAIN, CONF_SHOWN_HERE, DOMAIN, LOGGER
from ..data import TeslaChargingConfigEntry
from ..fleet_api import Region
from ..issues.kinds import DOMAIN_MOVED, KEY_NOT_SERVED, Success
from ..issues.registry import async_get_issues
from ..setup_flow.domain import KeyCheck, RegistrationError, check_key, proposed_domain
from ..setup_flow.registration import registrar_of
from ..vehicle_command import VirtualKey

INTERVAL: Final = timedelta(hours=1)
"""Between two checks while the key is not found."""
CHECKS_PER_DAY: Final = 24
"""How many of these intervals pass until the next check while the key is found."""
MAX_FAILURES: Final = 3
"""How many checks in a row have to fail before an issue is raised."""


class DomainMonitor:
    """Monitors the domain of one entry: when Home Assistant has started, and then once a day, free of charge."""

    def __init__(
        self, hass: HomeAssistant, entry: TeslaChargingConfigEntry, key: VirtualKey
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._key = key
        self._failures = 0
        self._intervals_to_skip = 0

    @callback
    def start(self) -> None:
        """Check when Home Assistant has started, and then regularly, until the entry is unloaded."""
        self._entry.async_on_unload(async_at_started(self._hass, self._started))
        self._entry.async_on_unload(
            async_track_time_interval(self._hass, self._check, INTERVAL, cancel_on_shutdown=True)
        )

    @callback
    def _started(self, _: HomeAssistant) -> None:
        # the start of Home Assistant does not wait for it
        self._entry.async_create_background_task(
            self._hass, self._check(), f"{DOMAIN} domain of {self._entry.title}"
        )

    async def _check(self, _: datetime | None = None) -> None:
        if self._intervals_to_skip > 0:
            self._intervals_to_skip -= 1
            return
        last_try = self._failures >= MAX_FAILURES - 1
        result = await check_domain(self._hass, self._entry, self._key, via_tesla=last_try)
        if result is KeyCheck.OURS:
            self._failures, self._intervals_to_skip = 0, CHECKS_PER_DAY - 1
            return
        LOGGER.debug("The key was not found at the domain: %s", result)
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self._report(result)

    def _report(self, result: KeyCheck) -> None:
        issues = async_get_issues(self._hass, self._entry)
        data = self._entry.data
        # if another server shows the key, Home Assistant's own address does not matter
        shown_here = data.get(CONF_SHOWN_HERE, True)
        own_domain = proposed_domain(self._hass) if shown_here else None
        if own_domain not in {None, data[CONF_DOMAIN]}:
            # the domain may differ from Home Assistant's own, but only as long as the key is found there
            issues.clear(KEY_NOT_SERVED)
            issues.raise_issue(DOMAIN_MOVED, None, str(own_domain))
        elif result.is_certain:
            issues.clear(DOMAIN_MOVED)
            issues.raise_issue(KEY_NOT_SERVED, None)


async def check_domain(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, key: VirtualKey, *, via_tesla: bool
) -> KeyCheck:
    """Look for the key now, and clear the issues about the domain if it is there.

    Some routers answer connections from inside themselves. So, with `via_tesla`, Tesla is made to fetch the key if it is
    not found from here.
    """
    url = active_endpoints().key_url(entry.data[CONF_DOMAIN])
    result = await check_key(async_get_clientsession(hass), url, key.public_key)
    if result is not KeyCheck.OURS and via_tesla and await _tesla_finds_key(hass, entry, key):
        result = KeyCheck.OURS
    if result is KeyCheck.OURS:
        async_get_issues(hass, entry).record_success(Success.KEY_SEEN)
    return result


async def _tesla_finds_key(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, key: VirtualKey
) -> bool:
    """Return whether Tesla fetches the key from the domain: it does so at every registration, which is free."""
    try:
        implementation = await async_get_config_entry_implementation(hass, entry)
        registrar = registrar_of(hass, implementation)
        await registrar.register(region_of(entry) or Region.NA, entry.data[CONF_DOMAIN], key)
    except (ImplementationUnavailableError, ValueError, RegistrationError) as err:
        LOGGER.debug("Tesla did not take the key from the domain: %s", err)
        return False
    return True
