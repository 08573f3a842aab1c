"""A car's schedules in Home Assistant's terms and in Tesla's, and the next start of a charge.

Here a day is "mon", a time is minutes after the car's local midnight. Shapes: `ChargeSchedule` and
`PreconditionSchedule` of common.proto; the sections of `vehicle_data` have the same fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from homeassistant.const import WEEKDAYS
from homeassistant.util import dt as dt_util, location

from ..fleet_api import Section, VehicleData
from ..vehicle_command import (
    COMMANDS,
    DAYS,
    LAST_MINUTE,
    MAX_SCHEDULE_ID,
    MAX_SCHEDULE_NAME,
    Command,
    CommandRequest,
)
from .charge_starts import MAX_SCHEDULES
from .state import VehicleState

FIRST_FIRMWARE: Final = (2024, 26)
"""The firmware that introduced schedules, and removed the single scheduled charging or departure."""
_MASKS: Final = {name[:3].lower(): mask for name, mask in DAYS.items()}
_NAMES: Final = {name[:3].lower(): name for name in DAYS}


class ScheduleKind(StrEnum):
    """The two kinds of schedules that a car has."""

    CHARGE = "charge"
    PRECONDITION = "precondition"


@dataclass(frozen=True, slots=True)
class ScheduleFormat:
    """How Tesla represents the schedules of one kind."""

    section: Section
    field: str
    times: tuple[str, ...]
    """Tesla's names of its times."""
    optional: bool
    """Whether a time can be left out."""

    @property
    def add(self) -> Command:
        """The command that adds one, or replaces the one with the same id."""
        return COMMANDS["add_charge_schedule" if self.optional else "add_precondition_schedule"]

    @property
    def remove(self) -> Command:
        """The command that removes one."""
        return COMMANDS[
            "remove_charge_schedule" if self.optional else "remove_precondition_schedule"
        ]


FORMATS: Final[Mapping[ScheduleKind, ScheduleFormat]] = {
    ScheduleKind.CHARGE: ScheduleFormat(
        Section.CHARGE_SCHEDULES, "charge_schedules", ("start_time", "end_time"), optional=True
    ),
    ScheduleKind.PRECONDITION: ScheduleFormat(
        Section.PRECONDITION_SCHEDULES,
        "precondition_schedules",
        ("precondition_time",),
        optional=False,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule of a car. It acts only while the car is near its location."""

    kind: ScheduleKind
    id: int
    name: str
    days: tuple[str, ...]
    """Out of WEEKDAYS, in their order."""
    times: Mapping[str, int | None]
    """Minutes after midnight by Tesla's names; None for a time that it does not have."""
    one_time: bool
    enabled: bool
    latitude: float
    longitude: float

    def request(self) -> CommandRequest:
        """Return the command that gives a car this schedule."""
        form = FORMATS[self.kind]
        given = {name: minutes for name, minutes in self.times.items() if minutes is not None}
        flags = {_flag(name): name in given for name in form.times if form.optional}
        return form.add(
            id=self.id,
            name=self.name,
            days_of_week=",".join(_NAMES[day] for day in self.days),
            one_time=self.one_time,
            enabled=self.enabled,
            lat=self.latitude,
            lon=self.longitude,
            **flags,
            **given,
        )

    def as_response(self) -> dict[str, Any]:
        """Return it with the field names of the actions."""
        return {
            "schedule_id": self.id,
            "name": self.name,
            "days": list(self.days),
            **{name: clock_time(minutes) for name, minutes in self.times.items()},
            "one_time": self.one_time,
            "enabled": self.enabled,
            "location": {"latitude": self.latitude, "longitude": self.longitude},
        }


def schedules_in(data: VehicleData, kind: ScheduleKind) -> list[Schedule] | None:
    """Return the schedules of one kind, None if the car reports none; what cannot be a schedule is left out."""
    form = FORMATS[kind]
    listed = data.get(form.section, {}).get(form.field)
    if not isinstance(listed, list):
        return None
    found = (_schedule(kind, item) for item in listed[:MAX_SCHEDULES])
    return [schedule for schedule in found if schedule is not None]


def _schedule(kind: ScheduleKind, item: object) -> Schedule | None:
    if not isinstance(item, dict):
        return None
    form = FORMATS[kind]
    times = {
        name: _minutes(item.get(name))
        if not form.optional or item.get(_flag(name)) is True
        else None
        for name in form.times
    }
    match item:
        case {
            "id": int() as number,
            "days_of_week": int() as mask,
            "latitude": int() | float() as latitude,
            "longitude": int() | float() as longitude,
        } if 0 < number <= MAX_SCHEDULE_ID and -90 <= latitude <= 90 and -180 <= longitude <= 180:
            pass
        case _:
            return None
    if not form.optional and None in times.values():
        return None
    name = item.get("name")
    return Schedule(
        kind=kind,
        id=number,
        name=name[:MAX_SCHEDULE_NAME] if isinstance(name, str) else "",
        days=tuple(day for day in WEEKDAYS if mask & _MASKS[day]),
        times=times,
        one_time=item.get("one_time") is True,
        enabled=item.get("enabled") is True,
        latitude=latitude,
        longitude=longitude,
    )


def _flag(name: str) -> str:
    """Return Tesla's name of the flag that says whether a time is used."""
    return name.replace("_time", "_enabled")


def _minutes(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LAST_MINUTE:
        return None
    return value


def minutes_of(moment: time) -> int:
    """Return a time of the day as Tesla counts it; seconds are left out."""
    return moment.hour * 60 + moment.minute


def clock_time(minutes: int | None) -> str | None:
    """Return minutes after midnight as Home Assistant writes a time of the day."""
    return None if minutes is None else time(minutes // 60, minutes % 60).isoformat()


def sorted_days(days: Iterable[str]) -> tuple[str, ...]:
    """Return days, each once, in the order of the week."""
    named = set(days)
    return tuple(day for day in WEEKDAYS if day in named)


def knows_schedules(version: object) -> bool | None:
    """Return whether a firmware ("2026.32.6") has schedules, None if the text is no version."""
    if not isinstance(version, str):
        return None
    parts = version.split(".")[:2]
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return tuple(int(part[:6]) for part in parts) >= FIRST_FIRMWARE


def utc_time(at: float | None) -> datetime | None:
    """Return unix seconds as a UTC time without fractions, None for None."""
    return None if at is None else dt_util.utc_from_timestamp(at).replace(microsecond=0)


def scheduled_start(state: VehicleState) -> datetime | None:
    """Return when the car begins charging by its scheduled charging; None without it.

    Without scheduled charging a car does not push the time, nor that there is none, so the old time stays known.
    """
    if (
        state.value("ScheduledChargingPending") is not True
        and state.value("ScheduledChargingMode") != "StartAt"
    ):
        return None
    return utc_time(state.number("ScheduledChargingStartTime"))


NEARBY: Final = 1000.0
"""Metres around the location of a schedule within which it acts."""
WEEK: Final = 7
EVERY_DAY: Final = 127

type Place = tuple[float, float]


def next_start(
    state: VehicleState, home: Place, at_home: bool | None, now: datetime
) -> datetime | None:
    """Return the next start after `now` (in the home's time zone) as a UTC time, None if none is known.

    `home` is the location of Home Assistant; `at_home` is whether the car is there, None if that is not known.
    """
    starts = [*_starts_of_setting(state, now), *_starts_of_schedules(state, home, at_home, now)]
    return min((start for start in starts if start > now), default=None)


def _starts_of_setting(state: VehicleState, now: datetime) -> Iterator[datetime]:
    """Yield the start that the car reports; for daily scheduled charging also the starts of the next days."""
    if (start := scheduled_start(state)) is None:
        return
    yield start
    if state.value("ScheduledChargingMode") == "StartAt":
        local = start.astimezone(now.tzinfo)
        yield from _times(EVERY_DAY, local.hour * 60 + local.minute, now)


def _starts_of_schedules(
    state: VehicleState, home: Place, at_home: bool | None, now: datetime
) -> Iterator[datetime]:
    place = _place(state, home, at_home)
    if place is None:
        return
    reported_at = dt_util.utc_from_timestamp(state.measured_at("charge_schedules") or 0)
    for start in state.charge_starts:
        away = location.distance(*place, start.latitude, start.longitude)
        if away is None or away > NEARBY:
            continue
        if start.once:  # only the first time since the car reported it: then the car forgets it
            first = reported_at.astimezone(now.tzinfo)
            later = (at for at in _times(start.days, start.minutes, first) if at > reported_at)
            yield from islice(later, 1)
        else:
            yield from _times(start.days, start.minutes, now)


def _times(days: int, minutes: int, since: datetime) -> Iterator[datetime]:
    """Yield the times of a schedule from the day of `since` to the same day a week later."""
    for ahead in range(WEEK + 1):
        day = since + timedelta(days=ahead)
        if days & 1 << day.isoweekday() % WEEK:
            yield _at(day, minutes)


def next_time_of_day(minutes: int, now: datetime) -> datetime:
    """Return the next moment (UTC) that is so many minutes after midnight, after `now`, in the time zone of `now`."""
    return next(at for at in _times(EVERY_DAY, minutes, now) if at > now)


def _place(state: VehicleState, home: Place, at_home: bool | None) -> Place | None:
    """Return where the car is, None if that is not known. Without any information it is assumed to be at home."""
    if state.position is not None:
        return state.position
    return None if at_home is False else home


def _at(day: datetime, minutes: int) -> datetime:
    """Return a time of a day. A time that daylight saving skips is later by the skipped hour."""
    hour, minute = divmod(minutes, 60)
    local = day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    return local.astimezone(dt_util.UTC)
