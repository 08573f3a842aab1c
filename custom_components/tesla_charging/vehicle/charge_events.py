"""What happened to a car, from one look at it to the next: pure functions, no clock, no Home Assistant.

Only what certainly happened is an event. So nothing follows from a value that is not known, from what a command has set
and the car has not told yet, nor from a word that does not say whether the car charges (`Starting`, or one that
Tesla has added since); what was known before stays known. What comes in between two looks is not guessed: a car that
was unplugged before and is complete now has been plugged in, and whether it charged nobody knows.

An event is late if the car was not followed for longer than LATE before it was noticed: Home Assistant was off, Tesla
could not be reached, or the car had no reception. It is told all the same, once, and says so: a homecoming of hours
ago is worth knowing, and no reason to open a garage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from .state import Reading, VehicleState

LATE: Final = 3600.0
"""Seconds without news of a car after which what is noticed is late: twice the rarest poll of a car that is awake."""


class ChargeEvent(StrEnum):
    """What can happen."""

    CHARGING_STARTED = "charging_started"
    CHARGING_COMPLETE = "charging_complete"
    """The charge limit is reached."""
    CHARGING_STOPPED = "charging_stopped"
    """Somebody, or a schedule, put an end to it before."""
    CHARGING_INTERRUPTED = "charging_interrupted"
    """The power is gone, or the cable was pulled out."""
    PLUGGED_IN = "plugged_in"
    UNPLUGGED = "unplugged"
    CAME_HOME = "came_home"
    LEFT = "left"


class Reason(StrEnum):
    """Why charging ended, where the car's state says more than that it did."""

    NO_POWER = "no_power"
    UNPLUGGED = "unplugged"


@dataclass(frozen=True, slots=True)
class DetectedEvent:
    """An event with what was known of the car when it was noticed; None for what was not."""

    event: ChargeEvent
    battery_level: float | None = None
    """Percent."""
    charge_limit: float | None = None
    """Percent."""
    energy_added: float | None = None
    """kWh of the charge that has ended."""
    reason: Reason | None = None
    late: bool = False

    def as_data(self) -> dict[str, float | str | bool]:
        """Return what is known as JSON-compatible values."""
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
    """None: neither begun nor ended by this word."""


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
    """How well one fact about a car has been followed."""

    until: float = 0.0
    """Until when a change would have been noticed soon; unix seconds by our clock."""
    connected_since: float | None = None
    """Since when the car has been connected without a break, if it told the fact since."""
    reading: Reading | None = None
    """What it told last."""

    def continues(self, before: Continuity) -> bool:
        """Return whether nothing can have been missed since then."""
        return self.connected_since is not None and self.connected_since == before.connected_since


class HomeSignal(NamedTuple):
    """Whether a car is at home, and which of its signals says so: another one is no homecoming."""

    signal: str
    at_home: bool


@dataclass(frozen=True, slots=True)
class ChargeSnapshot:
    """What was last known for certain of a car; None for never."""

    plugged_in: bool | None = None
    charging: bool | None = None
    home: HomeSignal | None = None
    charge_followed: Continuity = field(default_factory=Continuity)
    home_followed: Continuity = field(default_factory=Continuity)


@dataclass(frozen=True, slots=True)
class Contact:
    """How a car is heard at the moment of a look."""

    now: float
    in_touch: bool
    """Whether the car is connected, or Tesla has just told that it is awake or asleep."""
    connected_since: float | None = None
    """Since when it has been connected; None if it is not."""


def snapshot(
    before: ChargeSnapshot, state: VehicleState, home: HomeSignal | None, contact: Contact
) -> ChargeSnapshot:
    """Return the situation after a look at the car; what it does not tell for certain stays as it was."""
    charge = _reported(state.readings.get("DetailedChargeState"))
    meaning = _MEANINGS.get(charge.value) if charge else None
    located = _reported(state.readings.get(home.signal)) if home else None
    charging = meaning.charging if meaning else None
    return ChargeSnapshot(
        plugged_in=meaning.plugged_in if meaning else before.plugged_in,
        charging=before.charging if charging is None else charging,
        home=home if located else before.home,
        charge_followed=_follow(before.charge_followed, charge, contact),
        home_followed=_follow(before.home_followed, located, contact),
    )


def events_between(
    before: ChargeSnapshot, after: ChargeSnapshot, state: VehicleState, now: float
) -> tuple[DetectedEvent, ...]:
    """Return what happened between two looks, in its order."""
    direct = after.charge_followed.continues(before.charge_followed)
    late = not direct and now - before.charge_followed.until > LATE
    found: list[tuple[ChargeEvent, Reason | None, bool]] = []
    if (before.plugged_in, after.plugged_in) == (False, True):
        found.append((ChargeEvent.PLUGGED_IN, None, late))
    if (before.charging, after.charging) == (False, True):
        found.append((ChargeEvent.CHARGING_STARTED, None, late))
    if (before.charging, after.charging) == (True, False):
        found.append((*_ending(state, uninterrupted=direct), late))
    if (before.plugged_in, after.plugged_in) == (True, False):
        found.append((ChargeEvent.UNPLUGGED, None, late))
    if (
        before.home is not None
        and after.home is not None
        and before.home.signal == after.home.signal
        and before.home.at_home is not after.home.at_home
    ):
        event = ChargeEvent.CAME_HOME if after.home.at_home else ChargeEvent.LEFT
        missed = not after.home_followed.continues(before.home_followed)
        found.append((event, None, missed and now - before.home_followed.until > LATE))
    return tuple(
        DetectedEvent(
            event,
            battery_level=state.number("BatteryLevel"),
            charge_limit=state.number("ChargeLimitSoc"),
            energy_added=state.number("DCChargingEnergyIn") if event in CHARGE_ENDINGS else None,
            reason=reason,
            late=late,
        )
        for event, reason, late in found
    )


CHARGE_ENDINGS: Final = frozenset(
    {
        ChargeEvent.CHARGING_COMPLETE,
        ChargeEvent.CHARGING_STOPPED,
        ChargeEvent.CHARGING_INTERRUPTED,
    }
)


def _ending(state: VehicleState, *, uninterrupted: bool) -> tuple[ChargeEvent, Reason | None]:
    """Return how charging ended; `direct` if nothing can have come in between."""
    word = state.value("DetailedChargeState")
    if word == "Complete":
        return ChargeEvent.CHARGING_COMPLETE, None
    if word == "Stopped":
        return ChargeEvent.CHARGING_STOPPED, None
    level, limit = state.number("BatteryLevel"), state.number("ChargeLimitSoc")
    if level is not None and limit is not None and level >= limit:
        return ChargeEvent.CHARGING_COMPLETE, None  # and the cable, or the power, has gone since
    if word == "NoPower":
        return ChargeEvent.CHARGING_INTERRUPTED, Reason.NO_POWER
    # who stops charging first, as one does to take the cable out, may have done so between two polls
    event = ChargeEvent.CHARGING_INTERRUPTED if uninterrupted else ChargeEvent.CHARGING_STOPPED
    return event, Reason.UNPLUGGED


def _reported(reading: Reading | None) -> Reading | None:
    """Return a reading unless it says nothing, or only what a command is expected to do."""
    return None if reading is None or reading.assumed or reading.value is None else reading


def _follow(before: Continuity, reading: Reading | None, contact: Contact) -> Continuity:
    """Return how well a fact has been followed, given its reading of now.

    Being in touch with a car goes on following it, but makes no gap good: what happened in it is noticed when the car
    tells the fact anew. A car that sleeps may do so the next day.
    """
    measured_at = min(reading.measured_at, contact.now) if reading else 0.0
    known_at = max(before.until, measured_at)
    goes_on = contact.in_touch and contact.now - known_at <= LATE
    told = before.connected_since == contact.connected_since or (
        reading is not None and reading != before.reading
    )
    return Continuity(
        contact.now if goes_on else known_at,
        contact.connected_since if told else None,
        reading or before.reading,
    )
