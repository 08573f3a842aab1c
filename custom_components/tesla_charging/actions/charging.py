"""The actions of smart charging: they change what the owner wants of a plan, or tell the plan. They cost nothing themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from homeassistant.const import WEEKDAYS
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..charging.car_record import UntilKind
from ..charging.controller import ChargingController
from ..charging.departures import Departure, Source, TimeAndLevel
from ..coordinator import VehicleCoordinator
from ..exceptions import Message
from ..smart_charging.result import Plan
from .action import EXECUTED, Action, ActionData, ActionResult, invalid

ATTR_READY_BY: Final = "ready_by"
ATTR_READY_LEVEL: Final = "ready_level"
ATTR_MINIMUM_LEVEL: Final = "minimum_level"
ATTR_WEEKLY: Final = "weekly"
ATTR_DEPARTURE: Final = "departure"
ATTR_DEPARTURE_LEVEL: Final = "departure_level"
ATTR_UNTIL_LEVEL: Final = "until_level"
ATTR_UNTIL_TIME: Final = "until_time"
ATTR_ENERGY: Final = "energy"

_LEVEL: Final = vol.All(vol.Coerce(float), vol.Range(min=0, max=100))
_TIME_AND_LEVEL: Final = vol.Schema({vol.Required("time"): cv.time, vol.Optional("level"): _LEVEL})


def _day(value: object) -> TimeAndLevel | None:
    """Return the departure of a day: nothing, a time, or a time and a level. Raises vol.Invalid."""
    if value is None:
        return None
    row = _TIME_AND_LEVEL(value if isinstance(value, dict) else {"time": value})
    return TimeAndLevel(row["time"], row.get("level"))


_WEEK: Final = vol.Schema({vol.In(WEEKDAYS): _day})


def _controller(car: VehicleCoordinator) -> ChargingController:
    """Return the controller of a car. Raises ServiceValidationError where smart charging is not set up."""
    found = car.config_entry.runtime_data.charging.controllers.get(car.vin)
    if found is None:
        raise invalid(Message.SMART_CHARGING_OFF, car=car.vehicle_name)
    return found


async def _get_plan(car: VehicleCoordinator, _: ActionData) -> ActionResult:
    controller = _controller(car)
    view = controller.view
    found: dict[str, Any] = {
        "status": view.status.value,
        "departures": [
            {"at": _local(one.at), "level": one.level, "source": one.source.value}
            for one in view.departures
        ],
    }
    if view.plan is not None:
        found |= _as_response(view.plan)
    return ActionResult(EXECUTED, found)


def _as_response(plan: Plan) -> Mapping[str, Any]:
    """Return a plan as JSON-compatible values; times are local, energies kWh, powers amps, costs in `currency`."""
    now, totals = plan.reason, plan.totals
    return {
        "currency": plan.currency,
        "reason": None if now is None else now.reason.value,
        "reason_at": None if now is None or now.at is None else _local(now.at),
        "reason_price": None if now is None else now.price,
        "blocks": [
            {
                "start": _local(one.start),
                "end": _local(one.end),
                "amps": one.amps,
                "energy": round(one.energy_kwh, 3),
                "cost": round(one.cost, 4),
            }
            for one in plan.blocks
        ],
        "slots": [
            {
                "start": _local(one.start),
                "end": _local(one.end),
                "price": one.import_price,
                "certainty": one.certainty.value,
                "amps": one.amps,
                "energy": round(one.energy_kwh, 3),
                "cost": round(one.cost, 4),
                "reason": None if one.explanation is None else one.explanation.reason.value,
                "moving_costs": None
                if one.explanation is None
                else round(one.explanation.moving_costs, 4),
            }
            for one in plan.slots
        ],
        "cost": round(plan.energy_cost, 4),
        "energy": None if totals is None else round(totals.energy_kwh, 3),
        "solar_share": None if totals is None else round(totals.solar_share, 3),
        "cost_at_plug_in": None if totals is None else totals.at_plug_in,
        "cost_in_cheapest_slots": None if totals is None else totals.cheapest_slots,
        "cost_at_average_price": None if totals is None else totals.average_price,
        "final_level": round(plan.final_level, 1),
        "latest_safe_start": None
        if plan.latest_safe_start is None
        else _local(plan.latest_safe_start),
        "proven": plan.proven,
        "gap": round(plan.gap, 6),
        "missed": [
            {
                "at": _local(one.deadline.at),
                "wanted": one.deadline.level,
                "level": round(one.level, 1),
                "ready_at": None if one.ready_at is None else _local(one.ready_at),
            }
            for one in plan.shortfalls
        ],
    }


def _local(moment: datetime) -> str:
    return dt_util.as_local(moment).isoformat()


def _with_departure(_: HomeAssistant, data: ActionData) -> ActionData:
    if (at := data.get(ATTR_DEPARTURE)) is not None and _utc(at) <= dt_util.utcnow():
        raise invalid(Message.DEPARTURE_PAST)
    return data


async def _set_departures(car: VehicleCoordinator, data: ActionData) -> ActionResult:
    controller = _controller(car)
    wishes: dict[str, Any] = {
        name: data[field]
        for field, name in (
            (ATTR_READY_BY, "daily"),
            (ATTR_READY_LEVEL, "ready_level"),
            (ATTR_MINIMUM_LEVEL, "minimum_level"),
            (ATTR_WEEKLY, "weekly"),
        )
        if field in data
    }
    if ATTR_DEPARTURE in data:
        at = data[ATTR_DEPARTURE]
        level = data.get(
            ATTR_DEPARTURE_LEVEL, wishes.get("ready_level", controller.record.ready_level)
        )
        wishes["one_off"] = None if at is None else Departure(_utc(at), level, Source.ONE_OFF)
    await controller.change(**wishes)
    return await _get_plan(car, {})


def _utc(at: datetime) -> datetime:
    """Return a time that was entered, which is local if it says nothing else."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=dt_util.get_default_time_zone())
    return aware.astimezone(UTC).replace(microsecond=0)


def _with_one_end(_: HomeAssistant, data: ActionData) -> ActionData:
    if sum(name in data for name in (ATTR_UNTIL_LEVEL, ATTR_UNTIL_TIME, ATTR_ENERGY)) > 1:
        raise invalid(Message.CHARGE_NOW_SEVERAL_ENDS)
    if ATTR_UNTIL_TIME in data and _utc(data[ATTR_UNTIL_TIME]) <= dt_util.utcnow():
        raise invalid(Message.DEPARTURE_PAST)
    return data


async def _charge_now(car: VehicleCoordinator, data: ActionData) -> ActionResult:
    controller = _controller(car)
    if not controller.can_charge:
        raise invalid(Message.NOT_PLUGGED_IN_AT_HOME, car=car.vehicle_name)
    if ATTR_UNTIL_LEVEL in data:
        await controller.charge_now(UntilKind.LEVEL, data[ATTR_UNTIL_LEVEL])
    elif ATTR_ENERGY in data:
        await controller.charge_now(UntilKind.ENERGY, data[ATTR_ENERGY])
    elif ATTR_UNTIL_TIME in data:
        await controller.charge_now(UntilKind.TIME, _utc(data[ATTR_UNTIL_TIME]).timestamp())
    else:
        await controller.charge_now(UntilKind.FULL, 0.0)
    return await _get_plan(car, {})


async def _pause(car: VehicleCoordinator, _: ActionData) -> ActionResult:
    await _controller(car).change(paused=True, charge_now=None, override=None)
    return await _get_plan(car, {})


async def _skip(car: VehicleCoordinator, _: ActionData) -> ActionResult:
    if await _controller(car).skip() is None:
        raise invalid(Message.NO_DEPARTURE, car=car.vehicle_name)
    return await _get_plan(car, {})


async def _resume(car: VehicleCoordinator, _: ActionData) -> ActionResult:
    await _controller(car).resume()
    return await _get_plan(car, {})


CHARGING_ACTIONS: Final = (
    Action("get_plan", act=_get_plan, response=SupportsResponse.ONLY),
    Action(
        "set_departures",
        fields={
            vol.Optional(ATTR_READY_BY): vol.Maybe(cv.time),
            vol.Optional(ATTR_READY_LEVEL): _LEVEL,
            vol.Optional(ATTR_MINIMUM_LEVEL): _LEVEL,
            vol.Optional(ATTR_WEEKLY): _WEEK,
            vol.Optional(ATTR_DEPARTURE): vol.Maybe(cv.datetime),
            vol.Optional(ATTR_DEPARTURE_LEVEL): _LEVEL,
        },
        prepare=_with_departure,
        act=_set_departures,
    ),
    Action(
        "charge_now",
        fields={
            vol.Optional(ATTR_UNTIL_LEVEL): _LEVEL,
            vol.Optional(ATTR_ENERGY): vol.All(vol.Coerce(float), vol.Range(min=0.1, max=200)),
            vol.Optional(ATTR_UNTIL_TIME): cv.datetime,
        },
        prepare=_with_one_end,
        act=_charge_now,
    ),
    Action("pause", act=_pause),
    Action("skip", act=_skip),
    Action("resume", act=_resume),
)
