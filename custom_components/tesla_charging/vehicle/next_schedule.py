"""When a car begins to charge next by what it was told to: its charge schedules, or the one setting of older firmware.

Pure functions. A schedule's time is the local time of its place, and it acts only while the car is near it
(vehicle-command, issue 335); how near is not documented. The place is taken to be in this home's time zone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
import re
from typing import Final

from homeassistant.util import dt as dt_util, location

from ..entities.sensor_values import scheduled_start
from .signals import LAST_MINUTE
from .state import VehicleState

NEAR: Final = 1000.0
"""Metres around a schedule's place in which it is taken to act."""
WEEK: Final = 7
EVERY_DAY: Final = 127

_DEGREES: Final = r"(-?[0-9]{1,3}\.[0-9]{1,9})"
_WORD: Final = re.compile(rf"([0-9]{{1,3}}),([0-9]{{1,4}}),([01]),{_DEGREES},{_DEGREES}")

type Place = tuple[float, float]


def next_start(
    state: VehicleState, home: Place, at_home: bool | None, now: datetime
) -> datetime | None:
    """Return the next start after `now` (in the home's time zone) as a UTC time, None if none is known.

    `home` is where Home Assistant is, and `at_home` whether the car is there, None if that is not known.
    """
    starts = [*_of_setting(state, now), *_of_schedules(state, home, at_home, now)]
    return min((start for start in starts if start > now), default=None)


def _of_setting(state: VehicleState, now: datetime) -> Iterator[datetime]:
    """Yield what the car itself calls its start; one that it does at the same time every day also on the next days."""
    if (start := scheduled_start(state)) is None:
        return
    yield start
    if state.value("ScheduledChargingMode") == "StartAt":
        local = start.astimezone(now.tzinfo)
        yield from _times(EVERY_DAY, local.hour * 60 + local.minute, now)


def _of_schedules(
    state: VehicleState, home: Place, at_home: bool | None, now: datetime
) -> Iterator[datetime]:
    told = state.value("charge_schedules")
    place = _place(state, home, at_home)
    if not isinstance(told, str) or place is None:
        return
    told_at = dt_util.utc_from_timestamp(state.measured_at("charge_schedules") or 0)
    for word in told.split():
        if (parts := _WORD.fullmatch(word)) is None:  # from a damaged file
            continue
        days, minutes, once, latitude, longitude = parts.groups()
        away = location.distance(*place, float(latitude), float(longitude))
        if away is None or away > NEAR or int(minutes) > LAST_MINUTE:
            continue
        if int(once):  # only the first time since it was told of: then the car forgets it
            first = told_at.astimezone(now.tzinfo)
            yield from [at for at in _times(int(days), int(minutes), first) if at > told_at][:1]
        else:
            yield from _times(int(days), int(minutes), now)


def _times(days: int, minutes: int, since: datetime) -> Iterator[datetime]:
    """Yield the times of a schedule from the day of `since` to the same day a week later."""
    for ahead in range(WEEK + 1):
        day = since + timedelta(days=ahead)
        if days & 1 << day.isoweekday() % WEEK:
            yield _at(day, minutes)


def _place(state: VehicleState, home: Place, at_home: bool | None) -> Place | None:
    """Return where the car is, as far as that is known; a car that nobody places is taken to be at home."""
    if isinstance(position := state.value("Location"), tuple):
        return position
    return None if at_home is False else home


def _at(day: datetime, minutes: int) -> datetime:
    """Return a time of a day; one that the clocks leave out is as much later as they are put forward."""
    hour, minute = divmod(minutes, 60)
    local = day.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    return local.astimezone(dt_util.UTC)
