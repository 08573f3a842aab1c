"""Names of repair issues about one car."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN


@callback
def car_id(hass: HomeAssistant, vin: str) -> str:
    """Return what stands for a car in the id of an issue: stable, and not its VIN.

    Home Assistant writes the ids of all issues into every diagnostics download, which people publish. A hash of the VIN
    would not do: there are too few VINs.
    """
    devices = dr.async_get(hass).async_get_devices(identifiers={(DOMAIN, vin)})
    return min((device.id for device in devices), default="unknown")


@callback
def car_issue_id(hass: HomeAssistant, kind: str, vin: str) -> str:
    """Return the id of an issue about a car."""
    return f"{kind}_{car_id(hass, vin)}"
