"""What each command does to the car. A handler returns Tesla's reason for refusing, or "" for success."""

from collections.abc import Mapping

from simulator.car.body import Params
from simulator.car.charging import LIMIT_MAX, LIMIT_STD
from simulator.car.journey import Place
from simulator.car.schedules import Schedule, has_schedules
from simulator.car.systems import Systems

DAYS = {"sun": 1, "mon": 2, "tue": 4, "wed": 8, "thu": 16, "fri": 32, "sat": 64}
ALL_DAYS, WEEKDAYS = 127, 62
MINUTES_PER_DAY = 1440
#: Percent below which a car insists on saving power; not known of real cars.
LOW_POWER_BELOW = 20


def charge_start(car: Systems, _params: Params) -> str:
    """Begin charging."""
    reasons = {
        "Disconnected": "disconnected",
        "NoPower": "no_power",
        "Complete": "complete",
        "Starting": "is_charging",
        "Charging": "is_charging",
    }
    if reason := reasons.get(car.charging.state):
        return reason
    car.charging.start()
    return ""


def charge_stop(car: Systems, _params: Params) -> str:
    """Stop charging."""
    if car.charging.state == "Disconnected":
        return "disconnected"
    if not car.charging.busy:
        return "not_charging"
    car.charging.stop()
    return ""


def charge_standard(car: Systems, _params: Params) -> str:
    """Set the limit to the standard mark."""
    if car.charging.limit == LIMIT_STD:
        return "already_standard"
    car.charging.set_limit(LIMIT_STD)
    return ""


def charge_max_range(car: Systems, _params: Params) -> str:
    """Set the limit to 100 %."""
    if car.charging.limit == LIMIT_MAX:
        return "already_max_range"
    car.charging.set_limit(LIMIT_MAX)
    return ""


def set_charge_limit(car: Systems, params: Params) -> str:
    """Set the limit. Out of 50..100 the answer is success all the same, and the car clamps."""
    percent = _int(params, "percent")
    if percent == car.charging.limit:
        return "already_set"
    car.charging.set_limit(percent)
    return ""


def set_charging_amps(car: Systems, params: Params) -> str:
    """Set the current per phase."""
    amps = _int(params, "charging_amps")
    if amps < 0:
        return "invalid_value"
    car.charging.set_amps(amps)
    return ""


def charge_port_door_open(car: Systems, _params: Params) -> str:
    """Open the door; with a cable in, let go of it, which ends charging."""
    if car.journey.driving:
        return "not allowed"
    if car.charging.busy:
        car.charging.stop()
    car.port.open()
    return ""


def charge_port_door_close(car: Systems, _params: Params) -> str:
    """Close the door, if it is one that closes itself and nothing is in the way."""
    if car.port.supply:
        return "cable connected"
    if not car.port.motorized:
        return "non-motorized"
    if not car.port.door_open:
        return "already closed"
    car.port.close()
    return ""


def set_scheduled_charging(car: Systems, params: Params) -> str:
    """Take note of a daily start time; a car that has schedules makes one more of it (vehicle-command, issue 290)."""
    minutes = _int(params, "time")
    if not 0 <= minutes < MINUTES_PER_DAY:
        return "invalid_value"
    legacy = car.schedules.legacy
    legacy.mode = "StartAt" if params["enable"] else "Off"
    legacy.start_minutes = minutes if params["enable"] else legacy.start_minutes
    start = {"start_time": minutes, "start_enabled": True, "end_time": 0, "end_enabled": False}
    _make_of_setting(car, car.schedules.charge, bool(params["enable"]), start)
    return ""


def set_scheduled_departure(car: Systems, params: Params) -> str:
    """Take note of a daily departure time; a car that has schedules makes one more of it."""
    departure, off_peak_end = _int(params, "departure_time"), _int(params, "end_off_peak_time")
    if not (0 <= departure < MINUTES_PER_DAY and 0 <= off_peak_end < MINUTES_PER_DAY):
        return "invalid_value"
    legacy = car.schedules.legacy
    legacy.mode = "DepartBy" if params["enable"] else "Off"
    if params["enable"]:  # who switches it off need not say when it was
        legacy.departure_minutes = departure
        legacy.off_peak_hours_end_minutes = off_peak_end
        legacy.departure_set_at = car.clock.now()
    legacy.preconditioning_enabled = bool(params.get("preconditioning_enabled"))
    legacy.preconditioning_times = _times(params, "preconditioning_weekdays_only")
    legacy.off_peak_charging_enabled = bool(params.get("off_peak_charging_enabled"))
    legacy.off_peak_charging_times = _times(params, "off_peak_charging_weekdays_only")
    enabled = bool(params["enable"]) and legacy.preconditioning_enabled
    _make_of_setting(car, car.schedules.precondition, enabled, {"precondition_time": departure})
    return ""


def add_charge_schedule(car: Systems, params: Params) -> str:
    """Add a charge schedule, or replace the one with the same id."""
    times = {name: _int(params, name) for name in ("start_time", "end_time")}
    flags = {name: bool(params.get(name)) for name in ("start_enabled", "end_enabled")}
    return _store(car, car.schedules.charge, params, times, flags)


def add_precondition_schedule(car: Systems, params: Params) -> str:
    """Add a preconditioning schedule, or replace the one with the same id."""
    times = {"precondition_time": _int(params, "precondition_time")}
    return _store(car, car.schedules.precondition, params, times, {})


def remove_charge_schedule(car: Systems, params: Params) -> str:
    """Remove a charge schedule."""
    return _forget(car.schedules.charge, params)


def remove_precondition_schedule(car: Systems, params: Params) -> str:
    """Remove a preconditioning schedule."""
    return _forget(car.schedules.precondition, params)


def batch_remove_charge_schedules(car: Systems, params: Params) -> str:
    """Remove the charge schedules of the places that are named."""
    return _forget_at(car, car.schedules.charge, params)


def batch_remove_precondition_schedules(car: Systems, params: Params) -> str:
    """Remove the preconditioning schedules of the places that are named."""
    return _forget_at(car, car.schedules.precondition, params)


def set_low_power_mode(car: Systems, params: Params) -> str:
    """Use less power while parked, or as much as usual: not with a battery that is nearly empty."""
    enable = bool(params["enable"])
    if not enable and car.battery.level < LOW_POWER_BELOW:
        return "low_power_mode_enforced"
    car.low_power = enable
    return ""


def keep_accessory_power_mode(car: Systems, params: Params) -> str:
    """Keep the sockets under power while parked, or not."""
    car.accessory_power = bool(params["enable"])
    return ""


def ping(_car: Systems, _params: Params) -> str:
    """Do nothing, and say so."""
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


def _store(
    car: Systems,
    schedules: dict[int, Schedule],
    params: Params,
    times: dict[str, int],
    flags: dict[str, bool],
) -> str:
    mask = days_mask(params["days_of_week"])
    if mask is None or any(not 0 <= minutes < MINUTES_PER_DAY for minutes in times.values()):
        return "invalid_value"
    if not (_within(params["lat"], 90) and _within(params["lon"], 180)):
        return "invalid_value"
    if flags and not any(flags.values()):
        return "invalid_value"
    # An id left out of a REST body gets the present second, as Tesla's own proxy fills it in. What a car makes of
    # the id 0 is not known: nobody should send it.
    number = _int(params, "id") if "id" in params else int(car.clock.now())
    if not 0 < number < 2**64:
        return "invalid_value"
    schedules[number] = {
        "id": number,
        "name": params.get("name", ""),
        "days_of_week": mask,
        **flags,
        **times,
        "one_time": bool(params.get("one_time")),
        "enabled": bool(params.get("enabled")),
        "latitude": params["lat"],
        "longitude": params["lon"],
    }
    return ""


def _make_of_setting(
    car: Systems, schedules: dict[int, Schedule], enabled: bool, what: Mapping[str, object]
) -> None:
    if not has_schedules(car.firmware):
        return
    number = int(car.clock.now())
    schedules[number] = {
        "id": number,
        "name": "",
        "days_of_week": ALL_DAYS,
        **what,
        "one_time": False,
        "enabled": enabled,
        "latitude": car.journey.place.latitude,
        "longitude": car.journey.place.longitude,
    }


def _within(degrees: object, bound: float) -> bool:
    return isinstance(degrees, int | float) and -bound <= degrees <= bound


def _forget(schedules: dict[int, Schedule], params: Params) -> str:
    return "" if schedules.pop(_int(params, "id"), None) else "not_found"


def _forget_at(car: Systems, schedules: dict[int, Schedule], params: Params) -> str:
    """Remove the schedules at home, at work, or at any other place."""
    gone = [number for number, told in schedules.items() if params.get(_place_of(car, told), False)]
    for number in gone:
        del schedules[number]
    return ""


def _place_of(car: Systems, schedule: Schedule) -> str:
    latitude, longitude = schedule["latitude"], schedule["longitude"]
    assert isinstance(latitude, int | float)
    assert isinstance(longitude, int | float)
    return car.journey.name_of(Place(latitude, longitude))


def _int(params: Params, name: str) -> int:
    value = params.get(name, 0)
    assert isinstance(value, int)
    return value


def _times(params: Params, weekdays_only: str) -> str:
    return "weekdays" if params.get(weekdays_only) else "all_week"
