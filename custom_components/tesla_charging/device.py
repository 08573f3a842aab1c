"""What Home Assistant's device registry is told of a car while it runs."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN


@callback
def show_firmware(hass: HomeAssistant, entry: ConfigEntry, vin: str, version: object) -> None:
    """Write the firmware's version to the car's device."""
    registry = dr.async_get(hass)
    device = registry.async_get_device_by_identifier((DOMAIN, vin), entry.entry_id)
    if device is not None and isinstance(version, str):
        registry.async_update_device(device.id, sw_version=version)
