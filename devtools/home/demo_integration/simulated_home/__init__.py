"""The simulated home of the demo as ordinary entities: meter, sun, battery, household, prices. Never packaged."""

from homeassistant.const import CONF_URL, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .client import SimulatedHomeClient
from .coordinator import (
    HomeCoordinator,
    PriceCoordinator,
    SimulatedHomeConfigEntry,
    SimulatedHomeData,
)

PLATFORMS = [Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: SimulatedHomeConfigEntry) -> bool:
    """Ask once, and add the entities."""
    client = SimulatedHomeClient(async_get_clientsession(hass), entry.data[CONF_URL])
    data = SimulatedHomeData(
        client, HomeCoordinator(hass, entry, client), PriceCoordinator(hass, entry, client)
    )
    await data.home.async_config_entry_first_refresh()
    await data.prices.async_config_entry_first_refresh()
    entry.runtime_data = data
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SimulatedHomeConfigEntry) -> bool:
    """Remove the entities."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
