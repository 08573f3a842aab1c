"""The devices of an account: its cars, and the account itself."""

from typing import TYPE_CHECKING, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, PORTAL_URL

if TYPE_CHECKING:
    from .data import TeslaChargingConfigEntry


CAR_MANUFACTURER: Final = "Tesla"
"""By it the fields of actions tell cars from the account (services.yaml)."""
_MODELS: Final = {"S": "Model S", "3": "Model 3", "X": "Model X", "Y": "Model Y", "C": "Cybertruck"}
"""By the fourth character of the VIN."""


@callback
def car_device(vin: str, name: str, version: object) -> dr.DeviceInfo:
    """Return the device of a car; `version` is that of its firmware, if it is known."""
    return dr.DeviceInfo(
        identifiers={(DOMAIN, vin)},
        manufacturer=CAR_MANUFACTURER,
        model=_MODELS.get(vin[3:4]),
        name=name,
        serial_number=vin,
        sw_version=version if isinstance(version, str) else None,
    )


@callback
def show_firmware(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, vin: str, version: object
) -> None:
    """Write the firmware version to the device of a car."""
    registry = dr.async_get(hass)
    device = registry.async_get_device_by_identifier((DOMAIN, vin), entry.entry_id)
    if device is not None and isinstance(version, str):
        registry.async_update_device(device.id, sw_version=version)


@callback
def account_device(entry: TeslaChargingConfigEntry) -> dr.DeviceInfo:
    """Return the device for what belongs to no single car: the cost and the budget."""
    return dr.DeviceInfo(
        identifiers={(DOMAIN, entry.entry_id)},
        entry_type=dr.DeviceEntryType.SERVICE,
        translation_key="account",
        # not that of the cars: by it, actions offer cars only
        manufacturer="Tesla Fleet API",
        configuration_url=PORTAL_URL,
    )


@callback
def vins_of(device: dr.DeviceEntry | dr.ChildDeviceEntry) -> tuple[str, ...]:
    """Return the VINs of a device; none if it is the account."""
    return tuple(
        name
        for domain, name in device.identifiers
        if domain == DOMAIN and name != device.config_entry_id
    )
