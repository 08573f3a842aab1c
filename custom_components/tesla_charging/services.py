"""The integration's actions: the charging commands, for automations, with what became of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
import voluptuous as vol

from .const import DOMAIN
from .coordinator import VehicleCoordinator
from .exceptions import refusal
from .vehicle_command import COMMANDS, CommandResult, Outcome


@dataclass(frozen=True, slots=True)
class Action:
    """One row: an action, the command behind it, and its field if it has one."""

    name: str
    command: str | None
    """None for waking up, which is no command of the car's."""
    field: str | None = None
    parameter: str | None = None


ACTIONS: Final = (
    Action("start_charging", "charge_start"),
    Action("stop_charging", "charge_stop"),
    Action("set_charge_limit", "set_charge_limit", "percent", "percent"),
    Action("set_charging_current", "set_charging_amps", "current", "charging_amps"),
    Action("open_charge_port", "charge_port_door_open"),
    Action("close_charge_port", "charge_port_door_close"),
    Action("wake_up", None),
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action, once per Home Assistant."""
    for action in ACTIONS:
        hass.services.async_register(
            DOMAIN,
            action.name,
            _handler(hass, action),
            schema=_schema(action),
            supports_response=SupportsResponse.OPTIONAL,
        )


def _schema(action: Action) -> vol.Schema:
    fields: dict[vol.Marker, Any] = {
        vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string])
    }
    if action.field and action.command:
        (row,) = COMMANDS[action.command].parameters
        fields[vol.Required(action.field)] = vol.All(
            vol.Coerce(int), vol.Range(min=row.minimum, max=row.maximum)
        )
    return vol.Schema(fields)


def _handler(hass: HomeAssistant, action: Action) -> Any:
    async def handle(call: ServiceCall) -> ServiceResponse:
        """Act on all cars at once; a car that fails does not keep the others from it."""
        cars = {
            device_id: _car_of(hass, device_id)
            for device_id in dict.fromkeys(call.data[ATTR_DEVICE_ID])
        }
        answers = await asyncio.gather(
            *(_act(car, action, call.data) for car in cars.values()), return_exceptions=True
        )
        results: dict[str, CommandResult] = {}
        for device_id, answer in zip(cars, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            results[device_id] = answer
        if not call.return_response:
            for result in results.values():
                if (error := refusal(result)) is not None:
                    raise error
            return None
        return {
            "vehicles": [
                {
                    ATTR_DEVICE_ID: device_id,
                    "name": cars[device_id].vehicle_name,
                    "outcome": result.outcome.value,
                    "reason": result.reason,
                }
                for device_id, result in results.items()
            ]
        }

    return handle


async def _act(car: VehicleCoordinator, action: Action, data: Mapping[str, Any]) -> CommandResult:
    """Act on one car. Raises HomeAssistantError with a translation."""
    if action.command is None:
        await car.wake_up()
        return CommandResult(Outcome.EXECUTED)
    parameters: dict[str, int] = {}
    if action.field and action.parameter:
        parameters[action.parameter] = data[action.field]
    return await car.send(COMMANDS[action.command](**parameters))


def _car_of(hass: HomeAssistant, device_id: str) -> VehicleCoordinator:
    """Return the car of a device. Raises ServiceValidationError, saying what is wrong with the device."""
    device, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    cars: dict[str, VehicleCoordinator] = entry.runtime_data.cars
    for domain, vin in device.identifiers:
        if domain == DOMAIN and vin in cars:
            return cars[vin]
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="no_such_car",
        translation_placeholders={"device": device.name_by_user or device.name or device_id},
    )
