"""The integration's actions: which cars they act on, and the outcome for each car."""

import asyncio
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import create_eager_task
import voluptuous as vol

from .actions.action import EXECUTED, Action, ActionData, ActionResult, invalid
from .actions.charging import CHARGING_ACTIONS
from .actions.prices import async_setup_price_action
from .actions.schedules import SCHEDULE_ACTIONS
from .const import DOMAIN
from .coordinator import VehicleCoordinator
from .device import vins_of
from .exceptions import Message, above_cable, refusal
from .fleet_api import PRICES, Category
from .request_origin import origin_of, requested_by
from .vehicle.charge_status import effective_current

PLACEHOLDERS: Final = {
    "data_price": f"{PRICES[Category.DATA]:.3f}",
    "wake_price": f"{PRICES[Category.WAKE]:.2f}",
}
"""Placeholders in the descriptions of the actions."""
FAILED: Final = "failed"
"""The outcome for a car that no request was sent to, or whose request failed."""


async def _wake_up(car: VehicleCoordinator, _: ActionData) -> ActionResult:
    return _with_price(Category.WAKE, await car.wake_up())


async def _refresh(car: VehicleCoordinator, _: ActionData) -> ActionResult:
    done = _with_price(Category.DATA, await car.refresh())
    measured_at = car.data.measured_at("BatteryLevel")
    moment = None if measured_at is None else dt_util.utc_from_timestamp(measured_at).isoformat()
    return ActionResult(done.result, {**done.extra, "measured_at": moment})


def _with_price(category: Category, paid: bool) -> ActionResult:
    return ActionResult(EXECUTED, {"price": PRICES[category] if paid else 0.0})


def _current_detail(car: VehicleCoordinator) -> ActionData:
    """Return the current that the car will use, and a sentence about it if it accepted more."""
    used, wanted = effective_current(car.data), car.data.number("ChargeCurrentRequest")
    if used is None or wanted is None or used >= wanted:
        return {"effective_current": used}
    return {"effective_current": used, "message": above_cable(wanted, used)}


ACTIONS: Final = (
    Action("start_charging", "charge_start", skips_redundant=True),
    Action("stop_charging", "charge_stop", skips_redundant=True),
    Action("set_charge_limit", "set_charge_limit", "percent", skips_redundant=True),
    Action(
        "set_charging_current",
        "set_charging_amps",
        "current",
        skips_redundant=True,
        detail=_current_detail,
    ),
    Action("open_charge_port", "charge_port_door_open"),
    Action("close_charge_port", "charge_port_door_close", skips_redundant=True),
    Action("wake_up", act=_wake_up),
    Action("refresh", act=_refresh),
    *SCHEDULE_ACTIONS,
    *CHARGING_ACTIONS,
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action, once per Home Assistant."""
    async_setup_price_action(hass)
    for action in ACTIONS:
        hass.services.async_register(
            DOMAIN,
            action.name,
            _handler(hass, action),
            schema=vol.Schema(
                {
                    vol.Required(ATTR_DEVICE_ID): vol.All(
                        cv.ensure_list, vol.Length(min=1), [cv.string]
                    ),
                    **action.schema(),
                }
            ),
            supports_response=action.response,
            description_placeholders=PLACEHOLDERS,
        )


def _handler(hass: HomeAssistant, action: Action) -> Any:
    async def handle(call: ServiceCall) -> ServiceResponse:
        """Act on all cars at once; a failure of one car affects neither the others nor their outcomes."""
        cars = {
            device_id: _car_of(hass, device_id)
            for device_id in dict.fromkeys(call.data[ATTR_DEVICE_ID])
        }
        data = action.prepare(hass, call.data)
        with requested_by(origin_of(call.context)):
            # eager: a command takes its place in the car's line before anything that is called after this
            acts = [create_eager_task(_outcome(action, car, data)) for car in cars.values()]
            done = await asyncio.gather(*acts)
        outcomes = dict(zip(cars, done, strict=True))
        if (error := _error(cars, outcomes, wants_response=call.return_response)) is not None:
            raise error
        if not call.return_response:
            return None
        return {
            "vehicles": [
                {
                    ATTR_DEVICE_ID: device_id,
                    "name": cars[device_id].vehicle_name,
                    **_as_response(outcome),
                }
                for device_id, outcome in outcomes.items()
            ]
        }

    return handle


async def _outcome(
    action: Action, car: VehicleCoordinator, data: ActionData
) -> ActionResult | HomeAssistantError:
    try:
        return await action.perform(car, data)
    except HomeAssistantError as err:
        return err


def _error(
    cars: dict[str, VehicleCoordinator],
    outcomes: dict[str, ActionResult | HomeAssistantError],
    *,
    wants_response: bool,
) -> HomeAssistantError | None:
    """Return the error that the action raises, None if it succeeded.

    A call with a response reports every car in the response, and raises an error only if all cars failed. A call
    without a response raises an error if any car did not execute the action. An error about one of several cars names
    the car.
    """
    errors: dict[str, HomeAssistantError] = {}
    for device_id, outcome in outcomes.items():
        if isinstance(outcome, HomeAssistantError):
            errors[device_id] = outcome
        elif not wants_response and (error := refusal(outcome.result)) is not None:
            errors[device_id] = error
    if not errors or (wants_response and len(errors) < len(cars)):
        return None
    if len(cars) == 1:
        return next(iter(errors.values()))
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=Message.CARS_FAILED,
        translation_placeholders={
            "failed": str(len(errors)),
            "total": str(len(cars)),
            "details": "; ".join(
                f"{cars[device_id].vehicle_name}: {error}" for device_id, error in errors.items()
            ),
        },
    )


def _as_response(outcome: ActionResult | HomeAssistantError) -> dict[str, Any]:
    """Return one car's outcome; `reason` is Tesla's reason or the key of the error, `message` a text for the user."""
    if isinstance(outcome, HomeAssistantError):
        reason = outcome.translation_key or ""
        return {"outcome": FAILED, "reason": reason, "message": str(outcome)}
    error = refusal(outcome.result)
    return {
        "outcome": outcome.result.outcome.value,
        "reason": outcome.result.reason,
        "message": "",
        **outcome.extra,
        **({"message": str(error)} if error else {}),
    }


def _car_of(hass: HomeAssistant, device_id: str) -> VehicleCoordinator:
    """Return the car of a device. Raises ServiceValidationError if the device is not a car of this integration."""
    device, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    cars: dict[str, VehicleCoordinator] = entry.runtime_data.cars
    for domain, vin in device.identifiers:
        if domain == DOMAIN and vin in cars:
            return cars[vin]
    # what has a VIN was a car once; the account never is
    message = Message.NO_SUCH_CAR if vins_of(device) else Message.NOT_A_CAR
    raise invalid(message, device=device.name_by_user or device.name or device_id)
