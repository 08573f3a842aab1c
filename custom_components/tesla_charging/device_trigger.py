"""Device triggers: a car's events, for the automation editor."""

from typing import Any, Final

from homeassistant.components.device_automation import (
    DEVICE_TRIGGER_BASE_SCHEMA,
    InvalidDeviceAutomationConfig,
)
from homeassistant.const import CONF_DEVICE_ID, CONF_DOMAIN, CONF_PLATFORM, CONF_TYPE
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import TriggerActionType, TriggerInfo
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .const import DOMAIN
from .device import vins_of
from .monitors.events import signal_of
from .vehicle.charge_events import ChargeEvent, DetectedEvent

CONF_LATE: Final = "late"
"""Whether the trigger also fires for an event that was detected late; by default only for events of this moment."""

TYPES: Final = tuple(event.value for event in ChargeEvent)

TRIGGER_SCHEMA: Final = DEVICE_TRIGGER_BASE_SCHEMA.extend(
    {
        vol.Required(CONF_TYPE): vol.In(TYPES),
        vol.Optional(CONF_LATE, default=False): cv.boolean,
    }
)


async def async_get_triggers(hass: HomeAssistant, device_id: str) -> list[dict[str, Any]]:
    """Return the triggers of a device: every event if it is a car of this integration, else none."""
    if _signal_source(hass, device_id) is None:
        return []
    return [
        {
            CONF_PLATFORM: "device",
            CONF_DOMAIN: DOMAIN,
            CONF_DEVICE_ID: device_id,
            CONF_TYPE: event_type,
        }
        for event_type in TYPES
    ]


async def async_get_trigger_capabilities(
    hass: HomeAssistant, config: ConfigType
) -> dict[str, vol.Schema]:
    """Return the options of a trigger."""
    return {"extra_fields": vol.Schema({vol.Optional(CONF_LATE, default=False): cv.boolean})}


async def async_attach_trigger(
    hass: HomeAssistant, config: ConfigType, action: TriggerActionType, trigger_info: TriggerInfo
) -> CALLBACK_TYPE:
    """Run the action for every such event; the subscription survives a reload of the entry.

    The event's data are variables of the trigger. Raises InvalidDeviceAutomationConfig if the device is not a car.
    """
    device_id: str = config[CONF_DEVICE_ID]
    if (source := _signal_source(hass, device_id)) is None:
        raise InvalidDeviceAutomationConfig(f"Device {device_id} is no car of {DOMAIN}")
    event_type: str = config[CONF_TYPE]
    include_late: bool = config[CONF_LATE]

    job = HassJob(action)

    @callback
    def run(detected: DetectedEvent) -> None:
        if detected.event.value != event_type or (detected.late and not include_late):
            return
        hass.async_run_hass_job(
            job,
            {
                "trigger": {
                    **trigger_info["trigger_data"],
                    CONF_PLATFORM: "device",
                    CONF_DOMAIN: DOMAIN,
                    CONF_DEVICE_ID: device_id,
                    CONF_TYPE: event_type,
                    "description": event_type.replace("_", " "),
                    **detected.as_data(),
                }
            },
        )

    return async_dispatcher_connect(hass, signal_of(*source), run)


def _signal_source(hass: HomeAssistant, device_id: str) -> tuple[str, str] | None:
    """Return the entry id and VIN of a car; None if the device is not a car."""
    device = dr.async_get(hass).async_get(device_id)
    if device is None or device.config_entry_id is None:
        return None
    vin = next(iter(vins_of(device)), None)
    return (device.config_entry_id, vin) if vin else None
