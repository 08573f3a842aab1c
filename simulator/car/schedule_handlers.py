"""What the commands about schedules do to a car. A handler returns Tesla's reason for refusing, or "" for success."""

from typing import Any

from simulator.car.body import Params
from simulator.car.journey import Place
from simulator.car.readings import OtherReading
from simulator.car.schedules import (
    ALL_DAYS,
    ChargeEntry,
    Entry,
    PreconditionEntry,
    as_float32,
    has_schedules,
)
from simulator.car.systems import Systems

DAYS = {"sun": 1, "mon": 2, "tue": 4, "wed": 8, "thu": 16, "fri": 32, "sat": 64}
WEEKDAYS = 62
MINUTES_PER_DAY = 1440
#: How a full car refuses one entry more; Tesla's own word is not known.
FULL = "max_schedules_reached"


def set_scheduled_charging(car: Systems, params: Params) -> str:
    """Take note of a daily start time; a car that has schedules makes one more of it (vehicle-command, issue 290)."""
    minutes = _int(params, "time")
    if not 0 <= minutes < MINUTES_PER_DAY:
        return "invalid_value"
    if _ignores_old_commands(car):
        return ""
    number, here = 0, car.journey.place
    if has_schedules(car.firmware):
        number = int(car.settled_until)
        told = ChargeEntry(
            id=number,
            days_of_week=ALL_DAYS,
            enabled=bool(params["enable"]),
            latitude=as_float32(here.latitude),
            longitude=as_float32(here.longitude),
            start_enabled=True,
            start_time=minutes,
        )
        if reason := _store(car, car.schedules.charge, told):
            return reason
    legacy = car.schedules.legacy
    legacy.mode = "StartAt" if params["enable"] else "Off"
    if params["enable"]:
        legacy.start_minutes, legacy.place = minutes, here
    car.keeper.edited(car.settled_until, number)
    return ""


def set_scheduled_departure(car: Systems, params: Params) -> str:
    """Take note of a daily departure time; a car that has schedules makes one more of it."""
    departure, off_peak_end = _int(params, "departure_time"), _int(params, "end_off_peak_time")
    if not (0 <= departure < MINUTES_PER_DAY and 0 <= off_peak_end < MINUTES_PER_DAY):
        return "invalid_value"
    if _ignores_old_commands(car):
        return ""
    preconditions = bool(params.get("preconditioning_enabled"))
    if has_schedules(car.firmware):
        number, here = int(car.settled_until), car.journey.place
        told = PreconditionEntry(
            id=number,
            days_of_week=ALL_DAYS,
            enabled=bool(params["enable"]) and preconditions,
            latitude=as_float32(here.latitude),
            longitude=as_float32(here.longitude),
            precondition_time=departure,
        )
        if reason := _store(car, car.schedules.precondition, told):
            return reason
    legacy = car.schedules.legacy
    legacy.mode = "DepartBy" if params["enable"] else "Off"
    if params["enable"]:  # who switches it off need not say when it was
        legacy.departure_minutes = departure
        legacy.off_peak_hours_end_minutes = off_peak_end
        legacy.departure_set_at = car.settled_until
    legacy.preconditioning_enabled = preconditions
    legacy.preconditioning_times = _times(params, "preconditioning_weekdays_only")
    legacy.off_peak_charging_enabled = bool(params.get("off_peak_charging_enabled"))
    legacy.off_peak_charging_times = _times(params, "off_peak_charging_weekdays_only")
    if has_schedules(car.firmware):
        car.keeper.rescheduled(car.settled_until, car.settled_at)
    return ""


def add_charge_schedule(car: Systems, params: Params) -> str:
    """Add a charge schedule, or replace the one with the same id."""
    entry = _common(car, params)
    times = {name: _int(params, name) for name in ("start_time", "end_time")}
    flags = {name: bool(params.get(name)) for name in ("start_enabled", "end_enabled")}
    if entry is None or _out_of_day(times) or not any(flags.values()):
        return "invalid_value"
    told = ChargeEntry(
        **entry,
        start_enabled=flags["start_enabled"],
        start_time=times["start_time"],
        end_enabled=flags["end_enabled"],
        end_time=times["end_time"],
    )
    if reason := _store(car, car.schedules.charge, told):
        return reason
    car.keeper.edited(car.settled_until, told.id)
    return ""


def add_precondition_schedule(car: Systems, params: Params) -> str:
    """Add a preconditioning schedule, or replace the one with the same id."""
    entry = _common(car, params)
    minutes = _int(params, "precondition_time")
    if entry is None or _out_of_day({"precondition_time": minutes}):
        return "invalid_value"
    told = PreconditionEntry(**entry, precondition_time=minutes)
    if reason := _store(car, car.schedules.precondition, told):
        return reason
    car.keeper.rescheduled(car.settled_until, car.settled_at)
    return ""


def remove_charge_schedule(car: Systems, params: Params) -> str:
    """Remove a charge schedule."""
    if not _forget(car, car.schedules.charge, params):
        return "not_found"
    car.keeper.edited(car.settled_until)
    return ""


def remove_precondition_schedule(car: Systems, params: Params) -> str:
    """Remove a preconditioning schedule."""
    if not _forget(car, car.schedules.precondition, params):
        return "not_found"
    car.keeper.rescheduled(car.settled_until, car.settled_at)
    return ""


def batch_remove_charge_schedules(car: Systems, params: Params) -> str:
    """Remove the charge schedules of the places that are named."""
    if _forget_at(car, car.schedules.charge, params):
        car.keeper.edited(car.settled_until)
    return ""


def batch_remove_precondition_schedules(car: Systems, params: Params) -> str:
    """Remove the preconditioning schedules of the places that are named."""
    if _forget_at(car, car.schedules.precondition, params):
        car.keeper.rescheduled(car.settled_until, car.settled_at)
    return ""


def days_mask(days: object) -> int | None:
    """Return the mask of a list of days: REST sends names, signed actions the mask. None for nonsense."""
    if isinstance(days, int):
        return days if 0 < days <= ALL_DAYS else None
    mask = 0
    for name in str(days).split(","):
        day = name.strip().lower()
        whole = {"all": ALL_DAYS, "weekdays": WEEKDAYS}.get(day)
        if whole is None and (len(day) < 3 or not any(_is_day(day, short) for short in DAYS)):
            return None
        mask |= whole or DAYS[day[:3]]
    return mask


def _is_day(day: str, short: str) -> bool:
    names = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    return day[:3] == short and any(name.startswith(day) for name in names)


def _common(car: Systems, params: Params) -> dict[str, Any] | None:
    """Return what both kinds of entries have; None for what cannot be."""
    mask, latitude, longitude = days_mask(params["days_of_week"]), params["lat"], params["lon"]
    if mask is None or not (_within(latitude, 90) and _within(longitude, 180)):
        return None
    # An id left out of a REST body gets the present second, as Tesla's own proxy fills it in. What a car makes of
    # the id 0 is not known: nobody should send it.
    number = _int(params, "id") if "id" in params else int(car.settled_until)
    if not 0 < number < 2**64:
        return None
    assert isinstance(latitude, int | float)
    assert isinstance(longitude, int | float)
    return {
        "id": number,
        "name": str(params.get("name", "")),
        "days_of_week": mask,
        "one_time": bool(params.get("one_time")),
        "enabled": bool(params.get("enabled")),
        "latitude": as_float32(latitude),
        "longitude": as_float32(longitude),
    }


def _out_of_day(times: dict[str, int]) -> bool:
    return any(not 0 <= minutes < MINUTES_PER_DAY for minutes in times.values())


def _store[E: Entry](car: Systems, kept: dict[int, E], entry: E) -> str:
    """Keep an entry. The same id is deleted and created anew, at the place where it was."""
    if entry.id not in kept and len(kept) >= car.schedules.maximum:
        return FULL
    car.schedules.note(car.settled_at)
    before = kept.pop(entry.id, None)
    if before is not None and OtherReading.OVERWRITING_MOVES not in car.quirks:
        entry.latitude, entry.longitude = before.latitude, before.longitude
    kept[entry.id], entry.sent_at = entry, car.settled_until
    return ""


def _forget[E: Entry](car: Systems, kept: dict[int, E], params: Params) -> bool:
    """Remove an entry; say whether there was one of this id."""
    car.schedules.note(car.settled_at)
    return kept.pop(_int(params, "id"), None) is not None


def _ignores_old_commands(car: Systems) -> bool:
    return has_schedules(car.firmware) and OtherReading.OLD_COMMANDS_DO_NOTHING in car.quirks


def _forget_at[E: Entry](car: Systems, kept: dict[int, E], params: Params) -> bool:
    """Remove the entries at home, at work, or at any other place; say whether there were any."""
    car.schedules.note(car.settled_at)
    gone = [number for number, told in kept.items() if params.get(_place_of(car, told), False)]
    for number in gone:
        del kept[number]
    return bool(gone)


def _place_of(car: Systems, entry: Entry) -> str:
    return car.journey.name_of(Place(entry.latitude, entry.longitude))


def _within(degrees: object, bound: float) -> bool:
    return isinstance(degrees, int | float) and -bound <= degrees <= bound


def _int(params: Params, name: str) -> int:
    value = params.get(name, 0)
    assert isinstance(value, int)
    return value


def _times(params: Params, weekdays_only: str) -> str:
    return "weekdays" if params.get(weekdays_only) else "all_week"
