"""What smart charging stores of a car: the owner's wishes, the plan that was agreed, and what the car holds of it.

Everything that is read is distrusted: what cannot be used has its default, and the rest is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from enum import StrEnum
import math
from typing import Any, Final, Self

from homeassistant.const import WEEKDAYS

from ..smart_charging.series import Window
from ..vehicle.charge_schedules import Schedule, ScheduleKind
from ..vehicle_command import LAST_MINUTE
from .departures import Departure, Source, TimeAndLevel, Timetable
from .hand_over import MOST_BLOCKS, OWN_IDS
from .override import Override, OwnCommand
from .verification import Verification

READY_LEVEL: Final = 80.0
MINIMUM_LEVEL: Final = 20.0
READY_BY: Final = time(7)
EARLIEST: Final = 1_577_836_800.0
LATEST: Final = 4_102_444_800.0
"""Unix seconds of the years 2020 and 2100: a time beyond is from a damaged file."""


class Mode(StrEnum):
    """What smart charging does with a car."""

    OFF = "off"
    SMART = "smart"


class UntilKind(StrEnum):
    """When a charge that a person wants now ends."""

    FULL = "full"
    """At the car's limit."""
    LEVEL = "level"
    """Percent."""
    ENERGY = "energy"
    """kWh in the battery from its beginning on."""
    TIME = "time"
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class ChargeNow:
    """A charge that a person wants now; it ends by itself."""

    until: UntilKind = UntilKind.FULL
    value: float = 0.0
    started: bool = False
    """Whether the car was told to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarRecord:
    """Smart charging of one car, as it is on disk."""

    mode: Mode = Mode.SMART
    ready_level: float = READY_LEVEL
    """Percent at a departure."""
    minimum_level: float = MINIMUM_LEVEL
    """Percent, below which it charges at once."""
    daily: time | None = READY_BY
    weekly: Mapping[str, TimeAndLevel | None] = field(default_factory=dict)
    one_off: Departure | None = None
    skipped: datetime | None = None
    """The departure that is left out."""
    paused: bool = False
    """Nothing is charged until the car is unplugged, or the person resumes."""
    charge_now: ChargeNow | None = None
    override: Override | None = None
    blocks: tuple[Window, ...] = ()
    """Of the plan that was agreed, in UTC."""
    target: float = 0.0
    """Percent, at which that plan aims."""
    held: tuple[Schedule, ...] = ()
    """Our schedules, which the car holds as far as is known; one that is not enabled may or may not have reached it."""
    taken: tuple[int, ...] = ()
    """Ids of ours under which the car holds a schedule that somebody else made."""
    held_at: float | None = None
    """When the car certainly held just these, unix seconds."""
    verification: Verification | None = None
    command: OwnCommand | None = None
    """The last start or stop of ours."""
    odometer: float | None = None
    """Miles when this was saved last: wishes of a charge end when the car has moved since."""
    woken_at: float | None = None
    """When the car was last woken for a start that failed."""

    def timetable(self) -> Timetable:
        """Return the wishes about departures."""
        return Timetable(
            self.ready_level, self.daily, self.weekly, self.one_off, skipped=self.skipped
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values."""
        now = self.charge_now
        return {
            "mode": self.mode.value,
            "ready_level": self.ready_level,
            "minimum_level": self.minimum_level,
            "daily": None if self.daily is None else self.daily.isoformat("minutes"),
            "weekly": {day: _row(row) for day, row in self.weekly.items()},
            "one_off": None
            if self.one_off is None
            else [self.one_off.at.timestamp(), self.one_off.level],
            "skipped": None if self.skipped is None else self.skipped.timestamp(),
            "paused": self.paused,
            "charge_now": None if now is None else [now.until.value, now.value, now.started],
            "override": None if self.override is None else self.override.as_dict(),
            "blocks": [[one.start.timestamp(), one.end.timestamp()] for one in self.blocks],
            "target": self.target,
            "held": [_schedule_row(one) for one in self.held],
            "taken": list(self.taken),
            "held_at": self.held_at,
            "verification": None if self.verification is None else self.verification.as_dict(),
            "command": None if self.command is None else [self.command.starts, self.command.at],
            "odometer": self.odometer,
            "woken_at": self.woken_at,
        }

    @classmethod
    def restored(cls, stored: object) -> Self:
        """Return what as_dict() gave; what is damaged has its default."""
        data: Mapping[str, Any] = stored if isinstance(stored, dict) else {}
        mode = str(data.get("mode"))
        return cls(
            mode=Mode(mode) if mode in Mode else Mode.SMART,
            ready_level=_number(data.get("ready_level"), 0, 100, READY_LEVEL),
            minimum_level=_number(data.get("minimum_level"), 0, 100, MINIMUM_LEVEL),
            daily=_time(data["daily"]) if "daily" in data else READY_BY,
            weekly=_weekly(data.get("weekly")),
            one_off=_one_off(data.get("one_off")),
            skipped=_moment(data.get("skipped")),
            paused=data.get("paused") is True,
            charge_now=_charge_now(data.get("charge_now")),
            override=Override.restored(data.get("override")),
            blocks=_blocks(data.get("blocks")),
            target=_number(data.get("target"), 0, 100, 0.0),
            held=_held(data.get("held")),
            taken=_taken(data.get("taken")),
            held_at=_seconds(data.get("held_at")),
            verification=Verification.restored(data.get("verification")),
            command=_command(data.get("command")),
            odometer=_finite(data.get("odometer")),
            woken_at=_seconds(data.get("woken_at")),
        )


def _row(row: TimeAndLevel | None) -> list[Any] | None:
    return None if row is None else [row.at.isoformat("minutes"), row.level]


def _number(value: object, low: float, high: float, default: float) -> float:
    found = _finite(value)
    return found if found is not None and low <= found <= high else default


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _seconds(value: object) -> float | None:
    found = _finite(value)
    return found if found is not None and EARLIEST <= found <= LATEST else None


def _moment(value: object) -> datetime | None:
    found = _seconds(value)
    return None if found is None else datetime.fromtimestamp(int(found), UTC)


def _time(value: object) -> time | None:
    if not isinstance(value, str):
        return None
    try:
        return time.fromisoformat(value).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        return None


def _weekly(value: object) -> dict[str, TimeAndLevel | None]:
    rows: dict[str, TimeAndLevel | None] = {}
    for day, row in value.items() if isinstance(value, dict) else ():
        if day not in WEEKDAYS:
            continue
        match row:
            case None:
                rows[day] = None
            case [str(text), level] if (at := _time(text)) is not None:
                found = _finite(level)
                rows[day] = TimeAndLevel(
                    at, found if found is not None and 0 <= found <= 100 else None
                )
    return rows


def _one_off(value: object) -> Departure | None:
    match value:
        case [seconds, level] if (at := _moment(seconds)) is not None:
            return Departure(at, _number(level, 0, 100, READY_LEVEL), Source.ONE_OFF)
    return None


def _charge_now(value: object) -> ChargeNow | None:
    match value:
        case [str(until), number, bool(started)] if (
            until in UntilKind and (found := _finite(number)) is not None
        ):
            return ChargeNow(UntilKind(until), found, started)
    return None


def _command(value: object) -> OwnCommand | None:
    match value:
        case [bool(starts), seconds] if (at := _seconds(seconds)) is not None:
            return OwnCommand(starts, at)
    return None


def _blocks(value: object) -> tuple[Window, ...]:
    blocks: list[Window] = []
    for row in value[: 2 * MOST_BLOCKS] if isinstance(value, list) else ():
        match row:
            case [first, second] if (
                (start := _moment(first)) is not None
                and (end := _moment(second)) is not None
                and start < end
                and (not blocks or blocks[-1].end <= start)
            ):
                blocks.append(Window(start, end))
    return tuple(blocks)


def _schedule_row(schedule: Schedule) -> list[Any]:
    return [
        schedule.id,
        WEEKDAYS.index(schedule.days[0]),
        schedule.times["start_time"],
        schedule.times["end_time"],
        schedule.latitude,
        schedule.longitude,
        schedule.enabled,
        schedule.name,
    ]


def _held(value: object) -> tuple[Schedule, ...]:
    found: dict[int, Schedule] = {}
    for row in value[: len(OWN_IDS)] if isinstance(value, list) else ():
        match row:
            case [
                int(number),
                int(day),
                None | int() as start,
                int(end),
                int() | float() as latitude,
                int() | float() as longitude,
                bool(enabled),
                str(name),
            ] if (
                number in OWN_IDS
                and 0 <= day < len(WEEKDAYS)
                and (start is None or 0 <= start <= LAST_MINUTE)
                and 0 <= end <= LAST_MINUTE
                and abs(latitude) <= 90
                and abs(longitude) <= 180
            ):
                found[number] = Schedule(
                    kind=ScheduleKind.CHARGE,
                    id=number,
                    name=name[:50],
                    days=(WEEKDAYS[day],),
                    times={"start_time": start, "end_time": end},
                    one_time=True,
                    enabled=enabled,
                    latitude=latitude,
                    longitude=longitude,
                )
    return tuple(found[number] for number in sorted(found))


def _taken(value: object) -> tuple[int, ...]:
    rows = value if isinstance(value, list) else ()
    return tuple(number for number in OWN_IDS if number in rows)
