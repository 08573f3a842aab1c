"""Device triggers: a car's events, to be picked in the automation editor."""

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
"""Whether it also counts what was noticed late; without that an automation acts on what happens now."""

TYPES: Final = tuple(event.value for event in ChargeEvent)

TRIGGER_SCHEMA: Final = DEVICE_TRIGGER_BASE_SCHEMA.extend(
    {
        vol.Required(CONF_TYPE): vol.In(TYPES),
        vol.Optional(CONF_LATE, default=False): cv.boolean,
    }
)


async def async_get_triggers(hass: HomeAssistant, device_id: str) -> list[dict[str, Any]]:
    """Return the triggers of a device: every event, if it is a car of ours."""
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
    """Return what can be chosen beside the trigger."""
    return {"extra_fields": vol.Schema({vol.Optional(CONF_LATE, default=False): cv.boolean})}


async def async_attach_trigger(
    hass: HomeAssistant, config: ConfigType, action: TriggerActionType, trigger_info: TriggerInfo
) -> CALLBACK_TYPE:
    """Run the action whenever the event happens, also while the entry is reloaded in between.

    The event's data are variables of the trigger. Raises InvalidDeviceAutomationConfig for what is no car.
    """
    device_id: str = config[CONF_DEVICE_ID]
    if (source := _signal_source(hass, device_id)) is None:
        raise InvalidDeviceAutomationConfig(f"Device {device_id} is no car of {DOMAIN}")
    wanted: str = config[CONF_TYPE]
    also_late: bool = config[CONF_LATE]

    job = HassJob(action)

    @callback
    def run(happening: DetectedEvent) -> None:
        if happening.event.value != wanted or (happening.late and not also_late):
            return
        hass.async_run_hass_job(
            job,
            {
                "trigger": {
                    **trigger_info["trigger_data"],
                    CONF_PLATFORM: "device",
                    CONF_DOMAIN: DOMAIN,
                    CONF_DEVICE_ID: device_id,
                    CONF_TYPE: wanted,
                    "description": wanted.replace("_", " "),
                    **happening.as_data(),
                }
            },
        )

    return async_dispatcher_connect(hass, signal_of(*source), run)


def _signal_source(hass: HomeAssistant, device_id: str) -> tuple[str, str] | None:
    """Return a car's entry id and VIN, None for a device that is no car."""
    device = dr.async_get(hass).async_get(device_id)
    if device is None or device.config_entry_id is None:
        return None
    vin = next(iter(vins_of(device)), None)
    return (device.config_entry_id, vin) if vin else None
