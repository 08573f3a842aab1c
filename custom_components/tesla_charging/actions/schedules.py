"""The actions about schedules. Their fields are validated before a billed request is sent."""

from dataclasses import replace
from datetime import time
from functools import partial
from typing import Any, Final

from homeassistant.const import ATTR_LOCATION, ATTR_NAME, CONF_LATITUDE, CONF_LONGITUDE, WEEKDAYS
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.hass_dict import HassKey
import voluptuous as vol

from .. import clock
from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
from ..exceptions import Message, asleep
from ..fleet_api import VehicleData
from ..vehicle.charge_schedules import (
    FORMATS,
    Schedule,
    ScheduleKind,
    knows_schedules,
    minutes_of,
    schedules_in,
    sorted_days,
)
from ..vehicle_command import COMMANDS, MAX_SCHEDULE_ID, MAX_SCHEDULE_NAME, CommandRequest, Outcome
from .action import EXECUTED, Action, ActionData, ActionResult, invalid
from .sent_schedules import note_sent, sent_lately

ATTR_SCHEDULE_ID: Final = "schedule_id"
ATTR_DAYS: Final = "days"
ATTR_ONE_TIME: Final = "one_time"
ATTR_ENABLED: Final = "enabled"
ATTR_KIND: Final = "kind"
ATTR_TIME: Final = "time"
ATTR_DEPARTURE_TIME: Final = "departure_time"
ATTR_OFF_PEAK_END: Final = "off_peak_end_time"
DAY_OPTIONS: Final = ("off", "every_day", "weekdays")
BOTH: Final = "both"

LAST_ID: Final[HassKey[int]] = HassKey(f"{DOMAIN}_last_schedule_id")

_LOCATION = vol.Schema(
    {
        vol.Required(CONF_LATITUDE): cv.latitude,
        vol.Required(CONF_LONGITUDE): cv.longitude,
        vol.Optional("radius"): object,  # the map selector may send one; Tesla has none
    }
)
_ID: Final[dict[vol.Marker, Any]] = {
    vol.Required(ATTR_SCHEDULE_ID): vol.All(vol.Coerce(int), vol.Range(min=1, max=MAX_SCHEDULE_ID))
}
_SCHEDULE_FIELDS: Final = {
    ATTR_DAYS: vol.All(cv.ensure_list, vol.Length(min=1), [vol.In(WEEKDAYS)]),
    ATTR_ONE_TIME: vol.Boolean(),
    ATTR_ENABLED: vol.Boolean(),
    ATTR_NAME: vol.All(cv.string, vol.Length(max=MAX_SCHEDULE_NAME)),
    ATTR_LOCATION: _LOCATION,
}


def _fields(kind: ScheduleKind, *, change: bool) -> dict[vol.Marker, Any]:
    form = FORMATS[kind]
    fields: dict[vol.Marker, Any] = dict(_ID) if change else {}
    for name in form.times:
        required = not (change or form.optional)
        check = vol.Maybe(cv.time) if change and form.optional else cv.time
        fields[vol.Required(name) if required else vol.Optional(name)] = check
    return fields | {vol.Optional(name): check for name, check in _SCHEDULE_FIELDS.items()}


def _new_schedule(kind: ScheduleKind, hass: HomeAssistant, data: ActionData) -> ActionData:
    """Return the fields with the schedule that every car of the call gets."""
    schedule = _with_fields(
        Schedule(
            kind=kind,
            id=_next_id(hass),
            name="",
            days=tuple(WEEKDAYS),
            times=dict.fromkeys(FORMATS[kind].times),
            one_time=False,
            enabled=True,
            latitude=hass.config.latitude,
            longitude=hass.config.longitude,
        ),
        data,
    )
    if ATTR_LOCATION not in data and (schedule.latitude, schedule.longitude) == (0, 0):
        raise invalid(Message.NO_HOME_LOCATION)
    return {"schedule": _validated(schedule)}


def _next_id(hass: HomeAssistant) -> int:
    """Return a new id: the current second as in Tesla's own tools, but never the same id twice."""
    number = max(int(clock.now()), hass.data.get(LAST_ID, 0) + 1)
    hass.data[LAST_ID] = number
    return number


def _with_fields(schedule: Schedule, data: ActionData) -> Schedule:
    """Return a schedule with the given fields."""
    times = {
        name: _minutes(data[name]) if name in data else minutes
        for name, minutes in schedule.times.items()
    }
    location = data.get(ATTR_LOCATION)
    return replace(
        schedule,
        name=data.get(ATTR_NAME, schedule.name),
        days=sorted_days(data.get(ATTR_DAYS, schedule.days)),
        times=times,
        one_time=data.get(ATTR_ONE_TIME, schedule.one_time),
        enabled=data.get(ATTR_ENABLED, schedule.enabled),
        latitude=location[CONF_LATITUDE] if location else schedule.latitude,
        longitude=location[CONF_LONGITUDE] if location else schedule.longitude,
    )


def _minutes(moment: time | None) -> int | None:
    return None if moment is None else minutes_of(moment)


def _validated(schedule: Schedule) -> Schedule:
    """Return the schedule if it is valid. Raises ServiceValidationError."""
    times = list(schedule.times.values())
    if not any(minutes is not None for minutes in times):
        raise invalid(Message.SCHEDULE_WITHOUT_TIME)
    if len(times) > 1 and len(set(times)) == 1:
        raise invalid(Message.SCHEDULE_WITHOUT_DURATION)
    if not schedule.days:
        raise invalid(Message.SCHEDULE_WITHOUT_DAY)
    return schedule


def _check_firmware(car: VehicleCoordinator, *, expected: bool) -> None:
    """Raise ServiceValidationError if the car's firmware is known to use the other kind of schedules."""
    version = car.data.value("Version")
    if knows_schedules(version) is (not expected):
        key = Message.FIRMWARE_WITHOUT_SCHEDULES if expected else Message.FIRMWARE_WITH_SCHEDULES
        raise invalid(key, car=car.vehicle_name, version=str(version))


async def _add(car: VehicleCoordinator, data: ActionData) -> ActionResult:
    _check_firmware(car, expected=True)
    schedule: Schedule = data["schedule"]
    result = await car.send(schedule.request())
    note_sent(car, schedule.kind, schedule.id, result, schedule)
    return ActionResult(result, {ATTR_SCHEDULE_ID: schedule.id})


async def _change(kind: ScheduleKind, car: VehicleCoordinator, data: ActionData) -> ActionResult:
    """Change the given fields; the others are read from the car, because Tesla only replaces whole schedules."""
    _check_firmware(car, expected=True)
    number: int = data[ATTR_SCHEDULE_ID]
    before: Schedule | None = None
    after: Schedule | None = None

    def changed(read: VehicleData) -> CommandRequest | None:
        """Return the command with the new schedule; None if it is the same."""
        nonlocal before, after
        listed = _listed(car, read, kind)
        before = next((schedule for schedule in listed if schedule.id == number), None)
        sent = sent_lately(car, kind, number)
        if sent is not None and sent.is_behind(before):
            before = sent.present
        if before is None:
            raise invalid(Message.NO_SUCH_SCHEDULE, car=car.vehicle_name, schedule_id=str(number))
        after = _validated(_with_fields(before, data))
        return None if after == before else after.request()

    form = FORMATS[kind]
    result = await car.change(CommandRequest(form.add, {"id": number}), form.section, changed)
    if result.outcome is not Outcome.ALREADY:
        note_sent(car, kind, number, result, after, before)
    return ActionResult(result, {ATTR_SCHEDULE_ID: number})


async def _remove(kind: ScheduleKind, car: VehicleCoordinator, data: ActionData) -> ActionResult:
    _check_firmware(car, expected=True)
    number = data[ATTR_SCHEDULE_ID]
    removed = await car.send(FORMATS[kind].remove(id=number))
    note_sent(car, kind, number, removed, None)
    return ActionResult(removed, {ATTR_SCHEDULE_ID: number})


async def _get(car: VehicleCoordinator, data: ActionData) -> ActionResult:
    """Return the schedules of a car, for one billed data request."""
    _check_firmware(car, expected=True)
    kinds = tuple(ScheduleKind) if data[ATTR_KIND] == BOTH else (ScheduleKind(data[ATTR_KIND]),)
    with car.explaining():
        if not await car.commander.is_awake():
            raise asleep(Message.ASLEEP_UNREAD, car.vehicle_name)
        read = await car.commander.read([FORMATS[kind].section for kind in kinds])
    return ActionResult(
        EXECUTED,
        {
            FORMATS[kind].field: [one.as_response() for one in _listed(car, read, kind)]
            for kind in kinds
        },
    )


def _listed(car: VehicleCoordinator, data: VehicleData, kind: ScheduleKind) -> list[Schedule]:
    """Return the schedules of one kind in a car's data. Raises HomeAssistantError if they are not in there."""
    if (schedules := schedules_in(data, kind)) is None:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=Message.SCHEDULES_NOT_GIVEN,
            translation_placeholders={"car": car.vehicle_name},
        )
    return schedules


def _with_time(needed: str, _: HomeAssistant, data: ActionData) -> ActionData:
    if data[ATTR_ENABLED] and needed not in data:
        raise invalid(Message.SCHEDULED_WITHOUT_TIME)
    return data


def _with_off_peak_end(hass: HomeAssistant, data: ActionData) -> ActionData:
    if data["off_peak_charging"] != "off" and ATTR_OFF_PEAK_END not in data:
        raise invalid(Message.OFF_PEAK_WITHOUT_END)
    return _with_time(ATTR_DEPARTURE_TIME, hass, data)


async def _set_scheduled_charging(car: VehicleCoordinator, data: ActionData) -> ActionResult:
    _check_firmware(car, expected=False)
    minutes = _minutes(data.get(ATTR_TIME)) or 0
    request = COMMANDS["set_scheduled_charging"](enable=data[ATTR_ENABLED], time=minutes)
    return ActionResult(await car.send(request))


async def _set_scheduled_departure(car: VehicleCoordinator, data: ActionData) -> ActionResult:
    _check_firmware(car, expected=False)
    chosen = {
        f"{what}_{tesla}": data[what] in words
        for what in ("preconditioning", "off_peak_charging")
        for tesla, words in (("enabled", DAY_OPTIONS[1:]), ("weekdays_only", DAY_OPTIONS[2:]))
    }
    request = COMMANDS["set_scheduled_departure"](
        enable=data[ATTR_ENABLED],
        departure_time=_minutes(data.get(ATTR_DEPARTURE_TIME)) or 0,
        end_off_peak_time=_minutes(data.get(ATTR_OFF_PEAK_END)) or 0,
        **chosen,
    )
    return ActionResult(await car.send(request))


def _schedule_actions(kind: ScheduleKind) -> tuple[Action, ...]:
    return (
        Action(
            f"add_{kind}_schedule",
            FORMATS[kind].add.name,
            fields=_fields(kind, change=False),
            prepare=partial(_new_schedule, kind),
            act=_add,
        ),
        Action(
            f"change_{kind}_schedule",
            FORMATS[kind].add.name,
            fields=_fields(kind, change=True),
            act=partial(_change, kind),
        ),
        Action(
            f"remove_{kind}_schedule",
            FORMATS[kind].remove.name,
            fields=_ID,
            act=partial(_remove, kind),
        ),
    )


SCHEDULE_ACTIONS: Final = (
    Action(
        "get_schedules",
        fields={
            vol.Optional(ATTR_KIND, default=BOTH): vol.In(
                (BOTH, *(kind.value for kind in ScheduleKind))
            )
        },
        act=_get,
        response=SupportsResponse.ONLY,
    ),
    *_schedule_actions(ScheduleKind.CHARGE),
    *_schedule_actions(ScheduleKind.PRECONDITION),
    Action(
        "set_scheduled_charging",
        "set_scheduled_charging",
        fields={
            vol.Optional(ATTR_ENABLED, default=True): vol.Boolean(),
            vol.Optional(ATTR_TIME): cv.time,
        },
        prepare=partial(_with_time, ATTR_TIME),
        act=_set_scheduled_charging,
    ),
    Action(
        "set_scheduled_departure",
        "set_scheduled_departure",
        fields={
            vol.Optional(ATTR_ENABLED, default=True): vol.Boolean(),
            vol.Optional(ATTR_DEPARTURE_TIME): cv.time,
            vol.Optional("preconditioning", default="off"): vol.In(DAY_OPTIONS),
            vol.Optional("off_peak_charging", default="off"): vol.In(DAY_OPTIONS),
            vol.Optional(ATTR_OFF_PEAK_END): cv.time,
        },
        prepare=_with_off_peak_end,
        act=_set_scheduled_departure,
    ),
)
