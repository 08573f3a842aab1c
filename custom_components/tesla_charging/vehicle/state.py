"""The state of a car: every known signal with its value and the time when the car measured it.

No reading is dated after its arrival, on any transport: a car's clock that is ahead must not hide what comes next.
What changes by itself while a car charges or drives is not known any more when the car cannot be reached.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..fleet_api import Connectivity, Section, VehicleData
from .charge_energy import NOTHING_CHARGED, ChargeEnergy
from .charge_starts import ChargeStart
from .signals import (
    CHARGING,
    EARLIEST,
    IN_GEAR,
    LATEST,
    NOT_CHARGING,
    SIGNALS,
    Fields,
    NotGiven,
    Signal,
    SignalValue,
    Unknown,
    is_position,
    with_position,
)
from .telemetry_status import NO_PROBLEM, TelemetryDiagnosis, TelemetryStage

MAX_SET_BACK: Final = 300.0
"""Seconds by which our clock may be set back; a time further ahead is from a run in which it was wrong."""
RECEIVED_GRAIN: Final = 60.0
"""The time of the last push is stored once in so many seconds: a car may push every second, and each time would be a
row in the recorder."""
UNKNOWN_TIME: Final = 0.0
"""Time of measurement of a value that a broker had retained: not known."""
LIVE: Final = frozenset(
    {
        "DetailedChargeState",
        "charger_power",
        "ACChargingPower",
        "DCChargingPower",
        "ChargeAmps",
        "ChargerVoltage",
        "ChargerPhases",
        "ChargeRateMilePerHour",
        "EstimatedHoursToChargeTermination",
        "TimeToFullCharge",
        "BatteryHeaterOn",
        "NotEnoughPowerToHeat",
        "Gear",
    }
)
"""Signals that change by themselves while a car charges or drives. Others (level, range, counters) stay a lower bound, or
true, when nothing is received."""
FLOWING: Final = LIVE - {"DetailedChargeState", "Gear"}
"""Signals of what flows while a car charges. A car whose charging state is not known may be charged, too."""
PLACES: Final = ("LocatedAtHome", "LocatedAtWork", "LocatedAtFavorite", "Location")
"""The signals that say where a car is: a car that was driven when it was reached last is not there any more."""
STILL: Final[Mapping[str, float]] = {
    "charger_power": 0.5,
    "ACChargingPower": 0.5,
    "DCChargingPower": 0.5,
    "ChargeAmps": 2.0,
}
"""Not more than these kW and amperes may be the last change before nothing flowed, which was too small to be pushed."""
UNREACHABLE: Final = frozenset({Connectivity.ASLEEP, Connectivity.OFFLINE})


@dataclass(frozen=True, slots=True)
class Reading:
    """A value (None: there is none, or it is not known) and when the car measured it, unix seconds."""

    value: SignalValue | None
    measured_at: float
    assumed: bool = False
    """Whether a command has set it and the car has not reported it yet: then the time is of our clock, not the car's."""
    outdated: bool = False
    """Whether it is from before a restart, so that a different value that a broker has retained is newer."""
    ahead: float = 0.0
    """By how many seconds the car dated it after its arrival; then `measured_at` is the arrival. Not stored."""
    unknown: bool = False
    """Whether the value is None because it is not known, and not because the car reports that there is none."""

    @property
    def dated_at(self) -> float:
        """The time that the car gave, also if it is after the arrival."""
        return self.measured_at + self.ahead

    def yields_to(self, new: Reading, *, now: float, lag: float) -> bool:
        """Whether another reading of the same signal replaces this one.

        `lag` is by how many seconds the car's clock trails ours.
        """
        if new.assumed or self.measured_at > now + MAX_SET_BACK:
            return True
        if new.measured_at == UNKNOWN_TIME and self.outdated:
            return True
        if self.assumed:
            return new.dated_at + lag >= self.measured_at
        if new.ahead and new.dated_at >= self.dated_at:
            # later by the car's clock; ours stood still, and may be before what was stored
            return True
        # an arrival is later than a measurement, by the time of transport
        return new.measured_at + (max(0.0, lag) if self.ahead else 0.0) >= self.measured_at

    def after(self, old: Reading, *, now: float) -> Reading:
        """Return this reading as it is stored in place of the old one.

        What a broker retained is not older than what it replaces, and may be replaced by what is retained later.
        """
        if self.measured_at != UNKNOWN_TIME or not old.outdated:
            return self
        return replace(self, measured_at=min(old.measured_at, now), outdated=True)

    def as_total(self, old: Reading, resets_below: float) -> Reading:
        """Return this reading of a total, which is not below the old one unless it counts from another beginning."""
        match old.value, self.value:
            case int() | float() as before, int() | float() as value if (
                before * resets_below <= value < before
            ):
                return replace(self, value=before)
        return self

    def as_list(self, brokered_at: float = UNKNOWN_TIME) -> list[Any]:
        """Return JSON-compatible values for from_list() after a restart.

        `brokered_at` is when a broker passed on a message of the car last. Until then the broker has retained
        everything that the car sent, because a car that connects to a server sends all signals. So a reading that is
        not newer is outdated by what the broker retains later.
        """
        outdated = self.assumed or self.outdated or self.measured_at <= brokered_at
        value: Any = self.value
        if isinstance(value, tuple):
            value = [item.as_list() if isinstance(item, ChargeStart) else item for item in value]
        marks = [outdated, True] if self.unknown else [True] if outdated else []
        return [value, self.measured_at, *marks]

    @classmethod
    def from_list(cls, signal: Signal, item: object) -> Reading | None:
        """Read back as_list() of a reading of a signal; None for anything else."""
        match item:
            case [value, int() | float() as measured_at, *rest] if 0 <= measured_at <= LATEST:
                try:
                    return cls(
                        signal.restored(value),
                        measured_at,
                        outdated=rest[:1] == [True],
                        unknown=rest[1:] == [True],
                    )
                except NotGiven:
                    return None
        return None


type Readings = Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class VehicleState:
    """What is known of a car at one moment; merge() returns the next state."""

    readings: Readings = field(default_factory=dict)
    connectivity: Connectivity = Connectivity.UNKNOWN
    in_service: bool = False
    """Whether the car is at a service center, where Tesla passes nothing on to it."""
    waking: bool = False
    """Whether it is being woken up: a wake-up was sent, and has neither succeeded nor failed."""
    telemetry: TelemetryStage = TelemetryStage.OFF
    """The stage of the car's push channel."""
    diagnosis: TelemetryDiagnosis = NO_PROBLEM
    """The problems of the push channel."""
    received_at: float | None = None
    """When the car pushed something last, unix seconds by our clock; exact to RECEIVED_GRAIN while it pushes."""
    broker_received_at: float = UNKNOWN_TIME
    """When a broker passed on a message that the car had just sent, unix seconds by our clock; 0.0: never."""

    energy: ChargeEnergy = NOTHING_CHARGED
    """The energy that was charged since the car is known."""
    streamed: tuple[int, int] = (0, 0)
    """The day (ordinal, in this home's time zone) of the last push, and how many signals were pushed on that day until
    `received_at`."""
    ended: frozenset[str] = frozenset()
    """What has come to an end since it was measured, because the car slept, and was not measured again. Not stored."""
    home_saved: bool = False
    """Whether the car has said that it is at its home: then a home is saved in it."""

    def value(self, name: str) -> SignalValue | None:
        """Return a signal's value, None if it is not known."""
        reading = self.readings.get(name)
        if reading is None or self.is_lost(name):
            return None
        return reading.value

    def has_none(self, name: str) -> bool:
        """Return whether the car reports that a signal has no value, which is more than not knowing it."""
        reading = self.readings.get(name)
        if reading is None or self.is_lost(name):
            return False
        return reading.value is None and not reading.unknown

    @property
    def was_lost(self) -> bool:
        """Whether the car was charged or driven when it was reached last, and cannot be reached now.

        A car that sleeps does neither: then the end was missed.
        """
        if self.connectivity not in UNREACHABLE:
            return False
        return self._last("DetailedChargeState") in CHARGING or self._last("Gear") in IN_GEAR

    def is_lost(self, name: str) -> bool:
        """Whether a signal has changed by itself since the car was reached last."""
        if name in self.ended:
            return True
        if self.connectivity not in UNREACHABLE:
            return False
        if name in PLACES:
            return self._last("Gear") in IN_GEAR
        if name not in LIVE:
            return False
        return self.was_lost or (name in FLOWING and self._flowed)

    @property
    def _flowed(self) -> bool:
        """Whether energy flowed when the car was reached last, whatever its charging state was."""
        last = ((self._last(name), most) for name, most in STILL.items())
        return any(isinstance(value, int | float) and value > most for value, most in last)

    def _last(self, name: str) -> SignalValue | None:
        reading = self.readings.get(name)
        return reading.value if reading else None

    def number(self, name: str) -> float | int | None:
        """Return a signal's value if it is a number."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value

    @property
    def position(self) -> tuple[float, float] | None:
        """Where the car is (latitude, longitude), None if that is not known."""
        value = self.value("Location")
        return value if is_position(value) else None

    @property
    def charge_starts(self) -> tuple[ChargeStart, ...]:
        """When its schedules begin charging; also empty if that is not known."""
        value = self.value("charge_schedules")
        starts = value if isinstance(value, tuple) else ()
        return tuple(start for start in starts if isinstance(start, ChargeStart))

    def measured_at(self, name: str) -> float | None:
        """Return when the car measured a signal, unix seconds."""
        reading = self.readings.get(name)
        return reading.measured_at if reading else None

    @property
    def dated_at(self) -> float:
        """The time that the car gave with what came last, unix seconds by its clock; 0.0 if nothing came."""
        reported = (reading for reading in self.readings.values() if not reading.assumed)
        last = max(reported, key=lambda reading: reading.measured_at, default=None)
        return last.dated_at if last else UNKNOWN_TIME

    def part(self, names: Iterable[str]) -> VehicleState:
        """Return the state with only the readings of some signals."""
        known = {name: self.readings[name] for name in names if name in self.readings}
        return replace(self, readings=known)

    def knows(self, name: str) -> bool:
        """Return whether there is a value to show for a signal, for one of NOT_SIGNALS, or PLACED."""
        match name:
            case "telemetry" | "heard_at":
                return self.received_at is not None
            case "energy":
                return self.energy.session is not None
            case "place":
                return self.energy.home + self.energy.away > 0
            case "charge_schedules":
                return bool(self.charge_starts)
        return name in NOT_SIGNALS or self.value(name) is not None

    @property
    def assumed(self) -> bool:
        """Whether a value is shown that a command has set and the car has not reported yet."""
        return any(reading.assumed for reading in self.readings.values())

    def merge(self, new: Readings, *, now: float, lag: float = 0.0) -> VehicleState:
        """Return the state with the newer ones of some readings; an older one never replaces a newer one.

        `now` is our clock, `lag` by how many seconds the car's clock trails it.
        """
        newer: dict[str, Reading] = {}
        for name, reading in new.items():
            if (old := self.readings.get(name)) is None:
                newer[name] = reading
            elif old.yields_to(reading, now=now, lag=lag):
                signal = SIGNALS.get(name)
                if signal is not None and signal.resets_below is not None:
                    reading = reading.as_total(old, signal.resets_below)  # noqa: PLW2901  # the same reading
                newer[name] = reading.after(old, now=now)
        return replace(self, readings={**self.readings, **newer}, ended=self.ended - newer.keys())

    def with_unknown(self, names: Iterable[str]) -> VehicleState:
        """Return the state with some of its signals not known any more, until the car reports them again."""
        unknown = {
            name: replace(self.readings[name], value=None, unknown=True, assumed=False)
            for name in names
            if name in self.readings
        }
        return replace(self, readings={**self.readings, **unknown}) if unknown else self

    def without(self, name: str) -> VehicleState:
        """Return the state without a signal."""
        readings = {known: row for known, row in self.readings.items() if known != name}
        return replace(self, readings=readings)

    def with_connectivity(self, connectivity: Connectivity) -> VehicleState:
        """Return the state with another connectivity."""
        return replace(self, connectivity=connectivity)

    def with_waking(self, waking: bool) -> VehicleState:
        """Return the state of a car that is being woken up, or is not any more."""
        return self if waking is self.waking else replace(self, waking=waking)

    def as_reported(self, connectivity: Connectivity) -> VehicleState:
        """Return the state after Tesla's free request for the connectivity.

        A car that sleeps has ended what it did: that is over also when it is awake again and gives no data.
        """
        state = self.with_connectivity(connectivity)
        if connectivity is not Connectivity.ASLEEP:
            return state
        return replace(
            state, ended=frozenset(filter(state.is_lost, {*LIVE, *PLACES} & self.readings.keys()))
        )

    def with_service(self, in_service: bool) -> VehicleState:
        """Return the state of a car that is in service, or is not."""
        return self if in_service is self.in_service else replace(self, in_service=in_service)

    def with_stage(self, stage: TelemetryStage) -> VehicleState:
        """Return the state with the push channel at another stage."""
        return replace(self, telemetry=stage)

    def with_diagnosis(self, diagnosis: TelemetryDiagnosis) -> VehicleState:
        """Return the state with other problems of the push channel."""
        return replace(self, diagnosis=diagnosis)

    def with_received_at(self, at: float, grain: float = RECEIVED_GRAIN) -> VehicleState:
        """Return the state of a car that pushed something; the moment is stored once in `grain` seconds."""
        if self.received_at is not None and 0 <= at - self.received_at < grain:
            return self
        return replace(self, received_at=at)

    def with_broker_time(self, at: float) -> VehicleState:
        """Return the state after a broker passed on a message that the car had just sent."""
        return replace(self, broker_received_at=at)

    def changes(self, earlier: VehicleState) -> frozenset[str]:
        """Return the names of the signals, and of NOT_SIGNALS, whose value differs."""
        names = {
            name
            for name in self.readings.keys() | earlier.readings.keys()
            if self._differs(earlier, name)
        }
        if self._reachability != earlier._reachability:
            names.add(CONNECTIVITY)
        if self.telemetry is not earlier.telemetry:
            names.add(TELEMETRY)
        if self.diagnosis != earlier.diagnosis:
            names.add(DIAGNOSIS)
        if self.received_at != earlier.received_at:
            names.add(RECEIVED_AT)
        if self.energy.shown != earlier.energy.shown:
            names.add(ENERGY)
        return frozenset(names)

    @property
    def _reachability(self) -> tuple[Connectivity, bool, bool]:
        return self.connectivity, self.in_service, self.waking

    def _differs(self, earlier: VehicleState, name: str) -> bool:
        value = self.value(name)
        if value != earlier.value(name) or self.has_none(name) != earlier.has_none(name):
            return True
        # a value of 0 (nothing remains) means the same at any time
        return bool(
            value
            and SIGNALS[name].counts_from_measurement
            and self.measured_at(name) != earlier.measured_at(name)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what is stored, as JSON-compatible values. The connectivity is not: each start requests it."""
        readings: dict[str, Any] = {
            name: reading.as_list(self.broker_received_at)
            for name, reading in self.readings.items()
        }
        if self.received_at is not None:
            readings |= {RECEIVED_AT: self.received_at, STREAMED: list(self.streamed)}
        if self.energy.session is not None:
            readings[ENERGY] = self.energy.as_list()
            if (basis := self.energy.basis()) is not None:
                readings[ENERGY_BASIS] = basis
        if self.home_saved:
            readings[HOME_SAVED] = True
        return readings

    @classmethod
    def from_dict(cls, data: object) -> VehicleState:
        """Read back as_dict(); what is not a reading of a known signal is left out."""
        stored = data if isinstance(data, dict) else {}
        readings = {
            name: reading
            for name, item in stored.items()
            if (signal := SIGNALS.get(name)) is not None
            and (reading := Reading.from_list(signal, item)) is not None
        }
        received_at = stored.get(RECEIVED_AT)
        is_time = isinstance(received_at, int | float) and EARLIEST <= received_at <= LATEST
        match stored.get(STREAMED):
            case [int() as day, int() as count]:
                streamed = (day, count)
            case _:
                streamed = (0, 0)
        return cls(
            readings,
            received_at=received_at if is_time else None,
            energy=ChargeEnergy.from_stored(stored.get(ENERGY), stored.get(ENERGY_BASIS)),
            streamed=streamed,
            home_saved=stored.get(HOME_SAVED) is True,
        )


CONNECTIVITY: Final = "connection"
TELEMETRY: Final = "telemetry"
DIAGNOSIS: Final = "trouble"
RECEIVED_AT: Final = "heard_at"
ENERGY: Final = "energy"
ENERGY_BASIS: Final = "energy_basis"
"""What it is counted from; stored beside it, so that the totals keep the form that version 0.1.0 reads."""
STREAMED: Final = "streamed"
HOME_SAVED: Final = "home_saved"
PLACED: Final = "place"
"""Not shown itself: whether energy was charged at a known place."""
NOT_SIGNALS: Final = frozenset({CONNECTIVITY, TELEMETRY, DIAGNOSIS, RECEIVED_AT, ENERGY})
"""Parts of the state that are no signals of the car, but are shown by entities."""


def readings_of(data: VehicleData, *, now: float) -> dict[str, Reading]:
    """Return every signal in an answer of `vehicle_data`, with the time of its section."""
    readings: dict[str, Reading] = {}
    sections = {name: with_position(fields) for name, fields in data.items()}
    for signal in SIGNALS.values():
        if signal.section is None or (fields := sections.get(signal.section)) is None:
            continue
        dated_at = _dated_at(fields.get("timestamp"), now)
        try:
            readings[signal.name] = _reading(signal.polled(fields), dated_at, now)
        except NotGiven:
            continue
        except Unknown:
            readings[signal.name] = _reading(None, dated_at, now, unknown=True)
    return _with_nothing_flowing(readings, sections.get(Section.CHARGE_STATE, {}))


def _with_nothing_flowing(readings: dict[str, Reading], fields: Fields) -> dict[str, Reading]:
    """Return an answer in which null is a statement for what flows, if the car says that it does not charge.

    In any other answer null may mean that the car's computers have not reported yet.
    """
    state = readings.get("DetailedChargeState")
    if state is None or state.value not in NOT_CHARGING:
        return readings
    nothing = {
        name: replace(state, value=None)
        for name in FLOWING
        if (given := SIGNALS[name].field) is not None and fields.get(given, 0) is None
    }
    return {**readings, **nothing}


def pushed_readings(
    values: Mapping[str, object], *, measured_at: float, ahead: float = 0.0
) -> dict[str, Reading]:
    """Return the signals in a record that a car pushed; `measured_at` is the car's time, unix seconds.

    `ahead` is by how many seconds the car dated it after its arrival, which is then `measured_at`. Without a time
    (UNKNOWN_TIME), signals that count from their measurement are left out.
    """
    readings: dict[str, Reading] = {}
    for name, value in values.items():
        if (signal := SIGNALS.get(name)) is None:
            continue
        if signal.counts_from_measurement and measured_at == UNKNOWN_TIME:
            continue
        try:
            readings[name] = Reading(signal.pushed(value), measured_at, ahead=ahead)
        except NotGiven:
            continue
        except Unknown:
            readings[name] = Reading(None, measured_at, ahead=ahead, unknown=True)
    return readings


def expected(values: Mapping[str, SignalValue], *, now: float) -> dict[str, Reading]:
    """Return readings for what a command has just set, after the car accepted it."""
    return {name: Reading(value, now, assumed=True) for name, value in values.items()}


def clock_lag(readings: Readings, *, now: float) -> float:
    """Return by how many seconds at most the car's clock trails ours, from data that have just come."""
    return now - max((reading.dated_at for reading in readings.values()), default=now)


def _dated_at(timestamp: object, now: float) -> float:
    """Return a section's time. Tesla gives milliseconds; for a missing or impossible time, return now."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return now
    if not EARLIEST * 1000 <= timestamp <= LATEST * 1000:
        return now
    return timestamp / 1000


def _reading(
    value: SignalValue | None, dated_at: float, now: float, *, unknown: bool = False
) -> Reading:
    """Return a reading that came now."""
    return Reading(value, min(dated_at, now), ahead=max(0.0, dated_at - now), unknown=unknown)


def signals_of(names: Iterable[str]) -> frozenset[str]:
    """Return names as a set. Raises KeyError for a name that is neither a signal nor one of NOT_SIGNALS."""
    found = frozenset(names)
    if unknown := found - SIGNALS.keys() - NOT_SIGNALS:
        raise KeyError(f"no such signal: {sorted(unknown)}")
    return found
