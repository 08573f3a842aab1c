"""Detect what happened to a car between two snapshots of it: pure functions, no clock.

Only what certainly happened is an event. An event that is detected late is reported once, and marked as late: by our
clock, or by the times that the car itself gives where our clock stood still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from .state import Reading, VehicleState

MIN_MILES: Final = 0.1
"""An odometer that differs by less (miles) has not moved."""
LATE: Final = 3600.0
"""After so many seconds without data of a car, what is detected is late: twice the longest pause of an awake car."""


class ChargeEvent(StrEnum):
    """What can happen; the values are event types of entities and device triggers."""

    CHARGING_STARTED = "charging_started"
    CHARGING_COMPLETE = "charging_complete"
    """The charge limit is reached."""
    CHARGING_STOPPED = "charging_stopped"
    """A user or a schedule ended it before the limit."""
    CHARGING_INTERRUPTED = "charging_interrupted"
    """The power failed, or the cable was pulled out."""
    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CAME_HOME = "came_home"
    LEFT = "left"


class Reason(StrEnum):
    """Why charging ended, where the state of the car shows it."""

    NO_POWER = "no_power"
    UNPLUGGED = "unplugged"


@dataclass(frozen=True, slots=True)
class DetectedEvent:
    """An event with what was known of the car when it was detected; None for what was not known."""

    event: ChargeEvent
    battery_level: float | None = None
    """Percent."""
    charge_limit: float | None = None
    """Percent."""
    energy_added: float | None = None
    """kWh of the charge that ended."""
    reason: Reason | None = None
    late: bool = False

    def as_data(self) -> dict[str, float | str | bool]:
        """Return the known values, JSON-compatible."""
        values = {
            "battery_level": self.battery_level,
            "charge_limit": self.charge_limit,
            "energy_added": self.energy_added,
            "reason": self.reason.value if self.reason else None,
        }
        known = {name: value for name, value in values.items() if value is not None}
        return {**known, "late": self.late}


class _Meaning(NamedTuple):
    plugged_in: bool
    charging: bool | None
    """None: this state neither starts nor ends charging."""


_MEANINGS: Final[Mapping[object, _Meaning]] = {
    "Disconnected": _Meaning(False, False),
    "NoPower": _Meaning(True, False),
    "Starting": _Meaning(True, None),
    "Calibrating": _Meaning(True, None),
    "Charging": _Meaning(True, True),
    "Complete": _Meaning(True, False),
    "Stopped": _Meaning(True, False),
}
"""Tesla's `DetailedChargeState`."""


@dataclass(frozen=True, slots=True)
class Continuity:
    """How completely one fact about a car has been observed."""

    until: float = 0.0
    """Until when a change would have been detected soon; unix seconds by our clock."""
    connected_since: float | None = None
    """Since when the car is connected without a break, if it reported the fact in that time; else None."""
    reading: Reading | None = None
    """The last reading of the fact."""

    def continues(self, before: Continuity) -> bool:
        """Return whether no change can have been missed since `before`."""
        return self.connected_since is not None and self.connected_since == before.connected_since


class HomeSignal(NamedTuple):
    """Whether a car is at home, and the signal that says so.

    A change of the signal is no homecoming, unless the car has driven: the two may mean different homes.
    """

    signal: str
    at_home: bool


@dataclass(frozen=True, slots=True)
class ChargeSnapshot:
    """What was last known for certain of a car; None: never known."""

    plugged_in: bool | None = None
    charging: bool | None = None
    home: HomeSignal | None = None
    home_odometer: float | None = None
    """Miles: while it is at home the last ones, while it is away those with which it left."""
    charge_followed: Continuity = field(default_factory=Continuity)
    home_followed: Continuity = field(default_factory=Continuity)


@dataclass(frozen=True, slots=True)
class Contact:
    """The connection to a car at the moment of a snapshot."""

    now: float
    """Unix seconds by our clock or by the car's, whichever is later: ours may have stood still."""
    in_touch: bool
    """Whether the car is connected, or Tesla has just reported that it is awake or asleep."""
    connected_since: float | None = None
    """Since when it is connected; None if it is not."""


def snapshot(
    before: ChargeSnapshot, state: VehicleState, home: HomeSignal | None, contact: Contact
) -> ChargeSnapshot:
    """Return the snapshot for the state of a car; what the state does not say for certain stays as in `before`."""
    charge = _reported(state.readings.get("DetailedChargeState"))
    meaning = _MEANINGS.get(charge.value) if charge else None
    located = _reported(state.readings.get(home.signal)) if home else None
    charging = meaning.charging if meaning else None
    return ChargeSnapshot(
        plugged_in=meaning.plugged_in if meaning else before.plugged_in,
        charging=before.charging if charging is None else charging,
        home=home if located else before.home,
        home_odometer=_home_odometer(before, state, home) if located else before.home_odometer,
        charge_followed=_follow(before.charge_followed, charge, contact),
        home_followed=_follow(before.home_followed, located, contact),
    )


def events_between(
    before: ChargeSnapshot, after: ChargeSnapshot, state: VehicleState, now: float
) -> tuple[DetectedEvent, ...]:
    """Return what happened between two snapshots, in order. `state` is the state of the second, `now` that of its Contact.

    States in between are not guessed: a car that was unplugged before and is complete now was plugged in, but whether
    it charged is not known.
    """
    uninterrupted = after.charge_followed.continues(before.charge_followed)
    late = not uninterrupted and now - before.charge_followed.until > LATE
    events: list[tuple[ChargeEvent, Reason | None, bool]] = []
    if (before.plugged_in, after.plugged_in) == (False, True):
        events.append((ChargeEvent.PLUGGED_IN, None, late))
    if (before.charging, after.charging) == (False, True):
        events.append((ChargeEvent.CHARGING_STARTED, None, late))
    if (before.charging, after.charging) == (True, False):
        events.append((*_ending(state, uninterrupted=uninterrupted), late))
    if (before.plugged_in, after.plugged_in) == (True, False):
        events.append((ChargeEvent.UNPLUGGED, None, late))
    if (
        before.home is not None
        and after.home is not None
        and before.home.at_home is not after.home.at_home
        and (before.home.signal == after.home.signal or _has_driven(before, state))
    ):
        event = ChargeEvent.CAME_HOME if after.home.at_home else ChargeEvent.LEFT
        missed = not after.home_followed.continues(before.home_followed)
        events.append((event, None, missed and now - before.home_followed.until > LATE))
    return tuple(
        DetectedEvent(
            event,
            battery_level=state.number("BatteryLevel"),
            charge_limit=state.number("ChargeLimitSoc"),
            energy_added=state.number("DCChargingEnergyIn") if event in CHARGE_ENDINGS else None,
            reason=reason,
            late=late,
        )
        for event, reason, late in events
    )


CHARGE_ENDINGS: Final = frozenset(
    {
        ChargeEvent.CHARGING_COMPLETE,
        ChargeEvent.CHARGING_STOPPED,
        ChargeEvent.CHARGING_INTERRUPTED,
    }
)


def _ending(state: VehicleState, *, uninterrupted: bool) -> tuple[ChargeEvent, Reason | None]:
    """Return how charging ended; `uninterrupted` if no state in between can have been missed."""
    charging_state = state.value("DetailedChargeState")
    if charging_state == "Complete":
        return ChargeEvent.CHARGING_COMPLETE, None
    if charging_state == "Stopped":
        return ChargeEvent.CHARGING_STOPPED, None
    level, limit = state.number("BatteryLevel"), state.number("ChargeLimitSoc")
    if level is not None and limit is not None and level >= limit:
        return (
            ChargeEvent.CHARGING_COMPLETE,
            None,
        )  # the cable was pulled out, or the power failed, after that
    if charging_state == "NoPower":
        return ChargeEvent.CHARGING_INTERRUPTED, Reason.NO_POWER
    # a user who stops charging to take the cable out may have done both between two polls
    event = ChargeEvent.CHARGING_INTERRUPTED if uninterrupted else ChargeEvent.CHARGING_STOPPED
    return event, Reason.UNPLUGGED


def _home_odometer(
    before: ChargeSnapshot, state: VehicleState, home: HomeSignal | None
) -> float | None:
    still_away = home and before.home and not (home.at_home or before.home.at_home)
    return before.home_odometer if still_away else state.number("Odometer")


def _has_driven(before: ChargeSnapshot, state: VehicleState) -> bool:
    """Return whether the car has certainly moved since it was said to be at home or away."""
    miles, earlier = state.number("Odometer"), before.home_odometer
    return miles is not None and earlier is not None and miles - earlier >= MIN_MILES


def _reported(reading: Reading | None) -> Reading | None:
    """Return a reading that the car reported; None for one without a value, or one that a command is assumed to set."""
    return None if reading is None or reading.assumed or reading.value is None else reading


def _follow(before: Continuity, reading: Reading | None, contact: Contact) -> Continuity:
    """Return how completely a fact has been observed, given its current reading.

    Contact with a car continues the observation, but does not close a gap: what happened in the gap is detected when
    the car reports the fact again, for a car that sleeps perhaps on the next day.
    """
    measured_at = min(reading.dated_at, contact.now) if reading else 0.0
    # our clock may have been ahead, and was corrected since
    known_at = max(min(before.until, contact.now), measured_at)
    continues = contact.in_touch and contact.now - known_at <= LATE
    reported = before.connected_since == contact.connected_since or (
        reading is not None and reading != before.reading
    )
    return Continuity(
        contact.now if continues else known_at,
        contact.connected_since if reported else None,
        reading or before.reading,
    )
