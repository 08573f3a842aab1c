"""The solar forecast, as the Energy dashboard asks for it."""

from homeassistant.core import HomeAssistant

from .client import SimulatedHomeError
from .coordinator import SimulatedHomeConfigEntry


async def async_get_solar_forecast(
    hass: HomeAssistant, config_entry_id: str
) -> dict[str, dict[str, float | int]] | None:
    """Return Wh by hour; None in an outage of the forecast service."""
    entry: SimulatedHomeConfigEntry | None = hass.config_entries.async_get_entry(config_entry_id)
    if entry is None or not hasattr(entry, "runtime_data"):
        return None
    try:
        told = await entry.runtime_data.client.solar_forecast()
    except SimulatedHomeError:
        return None
    return None if told is None else {"wh_hours": told["wh_hours"]}
