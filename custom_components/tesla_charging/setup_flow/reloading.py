"""Reloads the entries that use what a flow of another entry has changed."""

from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..data import TeslaChargingConfigEntry

IN_USE: Final = frozenset({ConfigEntryState.LOADED, ConfigEntryState.SETUP_IN_PROGRESS})
"""An entry that is being set up has read the old settings already; in any other state it reads the new ones later."""


@callback
def async_entries_in_use(hass: HomeAssistant) -> list[TeslaChargingConfigEntry]:
    """Return the entries that have to be reloaded for a change of shared settings."""
    return [entry for entry in hass.config_entries.async_entries(DOMAIN) if entry.state in IN_USE]
