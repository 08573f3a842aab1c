"""Stores the meters of all applications in one file, and gives each config entry or flow the meter of its application."""

from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    LocalOAuth2Implementation,
)
from homeassistant.helpers.singleton import singleton
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_CURRENCY, DOMAIN
from ..fleet_api import DEFAULT_CURRENCY, PRICE_LISTS
from ..storage.loading import SafeStore
from .ledger import Ledger
from .meter import Meter

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


VERSION: Final = 1
MAX_APPLICATIONS: Final = 8
"""The applications that were used last are kept."""


class MeterStore:
    """The meters of this Home Assistant."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._store = SafeStore(hass, VERSION, f"{DOMAIN}.meter", _has_applications)
        self._meters: dict[str, Meter] = {}
        self._saves_at = float("inf")

    async def load(self) -> None:
        """Read the file; one that cannot be used counts as empty."""
        if (stored := await self._store.async_load()) is None:
            return
        applications = stored["applications"]
        now = dt_util.now()
        for client_id in [*applications][-MAX_APPLICATIONS:]:
            ledger = Ledger.from_dict(applications[client_id], now)
            self._meters[client_id] = Meter(self._hass, ledger, self._save)

    @callback
    def meter(self, client_id: str) -> Meter:
        """Return the meter of an application."""
        meter = self._meters.pop(client_id, None)
        if meter is None:
            meter = Meter(self._hass, Ledger(dt_util.now()), self._save)
        self._meters[client_id] = meter
        return meter

    @property
    def meters(self) -> dict[str, Meter]:
        """All meters by client id, the one that was used last at the end."""
        return dict(self._meters)

    async def erase(self) -> None:
        """Delete the file; the next count creates it again."""
        self._saves_at = float("inf")
        await self._store.async_remove()

    @callback
    def _save(self, delay: float) -> None:
        """Save all meters within `delay` seconds, at the latest when Home Assistant stops."""
        at = self._hass.loop.time() + delay
        if at < self._saves_at:
            self._saves_at = at
            self._store.async_delay_save(self._data, delay)

    def _data(self) -> dict[str, Any]:
        self._saves_at = float("inf")
        kept = [*self._meters.items()][-MAX_APPLICATIONS:]
        return {"applications": {key: meter.ledger.as_dict() for key, meter in kept}}


def _has_applications(stored: dict[str, Any]) -> bool:
    return isinstance(stored.get("applications"), dict)


DATA_METERS: Final[HassKey[MeterStore]] = HassKey(f"{DOMAIN}_meters")


@singleton(DATA_METERS, async_=True)
async def async_get_meters(hass: HomeAssistant) -> MeterStore:
    """Return the meters of this Home Assistant."""
    store = MeterStore(hass)
    await store.load()
    return store


async def async_get_meter(
    hass: HomeAssistant, implementation: AbstractOAuth2Implementation
) -> Meter:
    """Return the meter of the application of a sign-in."""
    store = await async_get_meters(hass)
    if isinstance(implementation, LocalOAuth2Implementation):
        return store.meter(implementation.client_id)
    return store.meter(implementation.domain)


@callback
def currency_of(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> str:
    """Return the currency in which Tesla bills: the user's choice, else the home's currency if Tesla has prices in it."""
    chosen = str(entry.options.get(CONF_CURRENCY))
    return chosen if chosen in PRICE_LISTS else currency_of_home(hass)


@callback
def currency_of_home(hass: HomeAssistant) -> str:
    """Return the home's currency if Tesla has prices in it, else the default one."""
    return hass.config.currency if hass.config.currency in PRICE_LISTS else DEFAULT_CURRENCY
