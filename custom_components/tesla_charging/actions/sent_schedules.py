"""The schedules that were sent to cars lately: a car's data may still be those from before."""

from dataclasses import dataclass, replace
from typing import Final

from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
from ..vehicle.charge_schedules import Schedule, ScheduleKind
from ..vehicle_command import CommandResult, Outcome

DATA_LAG: Final = 60.0
"""Seconds after a command in which the car's data may still be those from before it (owners saw 30 to 50)."""
NEAR: Final = 1e-4
"""Degrees."""


@dataclass(frozen=True, slots=True)
class SentSchedule:
    """A schedule that was sent to a car lately, or removed."""

    at: float
    present: Schedule | None
    """None if it was removed."""
    earlier: tuple[Schedule | None, ...] = (None,)
    """What the car's data may still hold instead; None if they do not list it."""

    def is_behind(self, read: Schedule | None) -> bool:
        """Return whether the car's data are from before it was sent; else somebody has changed it since."""
        return self.present is None or any(_is_same(read, schedule) for schedule in self.earlier)


SENT_SCHEDULES: Final[HassKey[dict[tuple[str, ScheduleKind, int], SentSchedule]]] = HassKey(
    f"{DOMAIN}_sent_schedules"
)
"""By VIN, kind and id."""


def _is_same(one: Schedule | None, other: Schedule | None) -> bool:
    """Return whether two schedules are the same; a car keeps fewer digits of a location."""
    if one is None or other is None:
        return one is other
    near = abs(one.latitude - other.latitude) + abs(one.longitude - other.longitude) < NEAR
    return near and one == replace(other, latitude=one.latitude, longitude=one.longitude)


def sent_lately(car: VehicleCoordinator, kind: ScheduleKind, number: int) -> SentSchedule | None:
    """Return what was sent, or removed, in the last seconds."""
    sent = car.hass.data.get(SENT_SCHEDULES, {}).get((car.vin, kind, number))
    return None if sent is None or clock.monotonic() - sent.at >= DATA_LAG else sent


def note_sent(
    car: VehicleCoordinator,
    kind: ScheduleKind,
    number: int,
    result: CommandResult,
    schedule: Schedule | None,
    before: Schedule | None = None,
) -> None:
    """Note what a car has of a schedule after a command, and had before it."""
    now, all_sent = clock.monotonic(), car.hass.data.setdefault(SENT_SCHEDULES, {})
    for key in [key for key, sent in all_sent.items() if now - sent.at >= DATA_LAG]:
        del all_sent[key]
    key = (car.vin, kind, number)
    if result.achieved:
        earlier = all_sent[key].earlier if key in all_sent else ()
        all_sent[key] = SentSchedule(now, schedule, (before, *earlier))
    elif result.outcome is Outcome.UNKNOWN:
        all_sent.pop(key, None)
