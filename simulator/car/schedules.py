"""What a car was told about time: its entries as it keeps and reports them, and the older single settings."""

from collections.abc import Container
from dataclasses import dataclass, field, replace
import struct

from simulator.car.firmware import is_at_least
from simulator.car.habits import Habit
from simulator.car.journey import Place
from simulator.car.readings import OtherReading

type Schedule = dict[str, object]

#: From this firmware on a car has schedules; before, only one time to charge or to depart.
SCHEDULES_FROM = (2024, 26)
ALL_DAYS = 127
#: How many entries of each kind a car takes; the number is not documented.
MAX_SCHEDULES = 50
#: How many edits are remembered for a car that tells of them late.
MAX_NOTED = 20
#: Decimals of the coordinates that a car reports.
DECIMALS = 4


def has_schedules(firmware: str) -> bool:
    """Say whether a firmware has charge and preconditioning schedules."""
    return is_at_least(firmware, SCHEDULES_FROM)


def as_float32(degrees: float) -> float:
    """Return a coordinate as a car keeps it."""
    (kept,) = struct.unpack("<f", struct.pack("<f", degrees))
    return float(kept)


@dataclass(slots=True, kw_only=True)
class Entry:
    """What charge and preconditioning entries have in common. Times are minutes after local midnight."""

    id: int
    name: str = ""
    days_of_week: int
    one_time: bool = False
    enabled: bool
    latitude: float
    longitude: float
    spent_at: float | None = None
    """When (unix time) a one-time entry that was used is over; None while it was not used."""
    sent_at: float = 0.0
    """When (unix time) the car got it."""

    @property
    def place(self) -> Place:
        """Where it acts."""
        return Place(self.latitude, self.longitude)

    def section(self, readings: Container[Habit]) -> Schedule:
        """Return it as vehicle_data has it."""
        exact = OtherReading.EXACT_COORDINATES in readings
        where = (self.latitude, self.longitude)
        latitude, longitude = where if exact else (round(one, DECIMALS) for one in where)
        return {
            "id": self.id,
            "name": self.name,
            "days_of_week": self.days_of_week,
            **self._times(),
            "one_time": self.one_time,
            "enabled": self.enabled,
            "latitude": latitude,
            "longitude": longitude,
        }

    def _times(self) -> Schedule:
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class ChargeEntry(Entry):
    """A charge schedule."""

    start_enabled: bool = False
    start_time: int = 0
    end_enabled: bool = False
    end_time: int = 0

    def _times(self) -> Schedule:
        return {
            "start_enabled": self.start_enabled,
            "start_time": self.start_time,
            "end_enabled": self.end_enabled,
            "end_time": self.end_time,
        }


@dataclass(slots=True, kw_only=True)
class PreconditionEntry(Entry):
    """A preconditioning schedule."""

    precondition_time: int

    def _times(self) -> Schedule:
        return {"precondition_time": self.precondition_time}


type Kept = tuple[tuple[ChargeEntry, ...], tuple[PreconditionEntry, ...]]


@dataclass(slots=True)
class ScheduledCharging:
    """The older, single settings shown in charge_state (minutes after local midnight)."""

    mode: str = "Off"
    start_minutes: int | None = None
    place: Place | None = None
    """Where the car was when the start was set: it acts only there."""
    departure_minutes: int = 480
    departure_set_at: float | None = None
    """When a person last set it, in unix seconds."""
    preconditioning_enabled: bool = False
    preconditioning_times: str = "all_week"
    off_peak_charging_enabled: bool = False
    off_peak_charging_times: str = "all_week"
    off_peak_hours_end_minutes: int = 360


@dataclass(slots=True)
class Schedules:
    """Everything about time that a car was told."""

    legacy: ScheduledCharging = field(default_factory=ScheduledCharging)
    charge: dict[int, ChargeEntry] = field(default_factory=dict)
    precondition: dict[int, PreconditionEntry] = field(default_factory=dict)
    maximum: int = MAX_SCHEDULES
    """Of each kind."""
    _earlier: list[tuple[float, Kept]] = field(default_factory=list)

    @property
    def kept(self) -> Kept:
        """All entries, as they are."""
        return tuple(self.charge.values()), tuple(self.precondition.values())

    def note(self, at: float) -> None:
        """Remember what is kept before it is edited at a moment (seconds of physics)."""
        charge, precondition = self.kept
        before = tuple(replace(one) for one in charge), tuple(replace(one) for one in precondition)
        self._earlier = [*self._earlier[1 - MAX_NOTED :], (at, before)]

    def as_of(self, moment: float) -> Kept:
        """Return what was kept at a moment that is not long ago (seconds of physics)."""
        return next((before for at, before in self._earlier if at > moment), self.kept)

    @property
    def are_none(self) -> bool:
        """Whether it was told nothing that it would have to do."""
        return not (self.charge or self.precondition or self.legacy.mode == "StartAt")

    def acting(self, firmware: str) -> list[ChargeEntry]:
        """Return the charge entries that are switched on; of firmware without schedules its daily time."""
        if has_schedules(firmware):
            return [entry for entry in self.charge.values() if entry.enabled]
        told = self.legacy
        if told.mode != "StartAt" or told.start_minutes is None or told.place is None:
            return []
        return [
            ChargeEntry(
                id=0,
                days_of_week=ALL_DAYS,
                enabled=True,
                latitude=told.place.latitude,
                longitude=told.place.longitude,
                start_enabled=True,
                start_time=told.start_minutes,
            )
        ]
