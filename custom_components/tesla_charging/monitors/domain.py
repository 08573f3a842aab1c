"""Whether the key is still where Tesla looks for it: without it, Tesla's app refuses to pair a car.

Looked at when Home Assistant has started and once a day, from here and free of charge. A call from inside a home often
reaches nobody, which says little; that somebody else answers says more when it lasts, and Tesla has the last word.
"""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started

from ..client import active_endpoints
from ..const import CONF_DOMAIN, CONF_REGION, CONF_SHOWN_HERE, DOMAIN, LOGGER
from ..fleet_api import Region
from ..issues.kinds import DOMAIN_MOVED, KEY_NOT_SERVED, Success
from ..issues.registry import async_get_issues
from ..setup_flow.domain import KeyCheck, RegistrationError, check_key, proposed_domain
from ..setup_flow.registration import registrar_of
from ..vehicle_command import VirtualKey

INTERVAL: Final = timedelta(hours=1)
"""Between two looks while the key is not found."""
LOOKS_A_DAY: Final = 24
"""Of the intervals, how many pass until the next look while the key is found."""
TRIES: Final = 3
"""How many looks in a row have to fail before a person is told."""


class DomainMonitor:
    """Watches the domain of one entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, key: VirtualKey) -> None:
        """Nothing is looked at yet."""
        self._hass = hass
        self._entry = entry
        self._key = key
        self._failed = 0
        self._rest = 0

    @callback
    def start(self) -> None:
        """Look when Home Assistant has started, and then regularly, until the entry is unloaded."""
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
        if self._rest > 0:
            self._rest -= 1
            return
        last_try = self._failed >= TRIES - 1
        sighting = await check_domain(self._hass, self._entry, self._key, ask_tesla=last_try)
        if sighting is KeyCheck.OURS:
            self._failed, self._rest = 0, LOOKS_A_DAY - 1
            return
        LOGGER.debug("The key was not found at the domain: %s", sighting)
        self._failed += 1
        if self._failed >= TRIES:
            self._report(sighting)

    def _report(self, sighting: KeyCheck) -> None:
        issues = async_get_issues(self._hass, self._entry)
        data = self._entry.data
        # where another server shows the key is no matter of Home Assistant's own address
        shown_here = data.get(CONF_SHOWN_HERE, True)
        elsewhere = proposed_domain(self._hass) if shown_here else None
        if elsewhere not in {None, data[CONF_DOMAIN]}:
            # a key that is shown at another name than Home Assistant's own is fine, as long as it is found there
            issues.clear(KEY_NOT_SERVED)
            issues.raise_issue(DOMAIN_MOVED, None, str(elsewhere))
        elif sighting.is_certain:
            issues.clear(DOMAIN_MOVED)
            issues.raise_issue(KEY_NOT_SERVED, None)


async def check_domain(
    hass: HomeAssistant, entry: ConfigEntry, key: VirtualKey, *, ask_tesla: bool
) -> KeyCheck:
    """Look for the key now, and take back what was said of the domain if it is there.

    Many a router answers by itself when it is called from inside. So, if need be, Tesla is asked to look.
    """
    url = active_endpoints().key_url(entry.data[CONF_DOMAIN])
    sighting = await check_key(async_get_clientsession(hass), url, key.public_key)
    if sighting is not KeyCheck.OURS and ask_tesla and await _tesla_finds(hass, entry, key):
        sighting = KeyCheck.OURS
    if sighting is KeyCheck.OURS:
        async_get_issues(hass, entry).record_success(Success.KEY_SEEN)
    return sighting


async def _tesla_finds(hass: HomeAssistant, entry: ConfigEntry, key: VirtualKey) -> bool:
    """Return whether Tesla takes the key from the domain, which it does anew, and for free, with every registration."""
    try:
        implementation = await async_get_config_entry_implementation(hass, entry)
        registrar = registrar_of(hass, implementation)
        await registrar.register(Region(entry.data[CONF_REGION]), entry.data[CONF_DOMAIN], key)
    except (ImplementationUnavailableError, ValueError, RegistrationError) as err:
        LOGGER.debug("Tesla did not take the key from the domain: %s", err)
        return False
    return True
