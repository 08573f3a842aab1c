"""The table of telemetry fields that this project requests, with the expected number of signals.

Names are those of `vehicle_data.proto`; meaning, unit and type of a field are in Tesla's "Available Data". One value in
one message is one signal on Tesla's bill.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
import re
from typing import Final

DAYS_PER_MONTH: Final = 30.4

type Firmware = tuple[int, ...]
"""A version as numbers: (2026, 26, 6)."""
DELTAS_FROM: Final[Firmware] = (2024, 44, 32)
"""The first firmware that knows minimum deltas and resending."""
LOCATION_DELTA_FROM: Final[Firmware] = (2025, 2, 6)
INCLUDES_FROM: Final[Firmware] = (2026, 26, 6)
_FIRMWARE: Final = re.compile(r"\d{4}(?:\.\d{1,6}){1,5}")


def read_firmware(text: object) -> Firmware:
    """Return a version as numbers; () for anything else, which is older than every firmware."""
    if not isinstance(text, str) or _FIRMWARE.fullmatch(text) is None or not text.isascii():
        return ()
    return tuple(int(part) for part in text.split("."))


class FieldKind(Enum):
    """The type of a field's value, independent of the form in which the car's firmware sends it."""

    NUMBER = auto()
    BOOLEAN = auto()
    WORD = auto()
    """A name of an enumeration."""
    TEXT = auto()
    LOCATION = auto()


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """How often a car may send one field.

    It sends a value when it has changed by `minimum_delta` and `interval_seconds` have passed since the last one, and
    all values once when it connects.
    """

    interval_seconds: int
    """At least 1."""
    minimum_delta: float | None = None
    """In the field's unit (metres for Location); numbers only, from DELTAS_FROM."""
    resend_interval_seconds: int | None = None
    """Repeats unchanged values, each billed; from DELTAS_FROM."""
    include_fields: tuple[str, ...] = ()
    """Other fields that are sent together with this one, each billed; from INCLUDES_FROM."""

    def understood(self, name: str, firmware: Firmware) -> FieldRequest:
        """Return what a car with this firmware understands of the request for a field, and only that."""
        deltas, includes = firmware >= DELTAS_FROM, firmware >= INCLUDES_FROM
        delta = deltas and (name != "Location" or firmware >= LOCATION_DELTA_FROM)
        return FieldRequest(
            self.interval_seconds,
            self.minimum_delta if delta else None,
            self.resend_interval_seconds if deltas else None,
            self.include_fields if includes else (),
        )


@dataclass(frozen=True, slots=True)
class Field:
    """One row: a field, how often it may be sent, and how often it is expected to be."""

    name: str
    kind: FieldKind
    request: FieldRequest
    per_charging_hour: float = 0
    """Expected signals in an hour of charging at 11 kW (measured values jitter; the minimum deltas limit that)."""
    per_driving_hour: float = 0
    per_day: float = 0
    """Further expected signals per day: plugging in, a new limit, arrival at home."""
    needs_location: bool = False
    """Whether Tesla requires the scope vehicle_location for it."""
    arm: str | None = None
    """For a WORD: the arm of `Value` whose enumeration it is."""
    on_demand: bool = False
    """Whether few users need it: it is requested only if an enabled entity shows it, because every signal is billed.
    One that needs new firmware is also requested from each car that has it."""
    firmware: tuple[int, int] | None = None
    """The first firmware (year, week) that knows it, if older ones stream too: they are not asked for it."""

    @property
    def wavers(self) -> bool:
        """Whether it changes by itself while the car charges or drives."""
        return self.per_charging_hour > 0 or self.per_driving_hour > 0


@dataclass(frozen=True, slots=True)
class Day:
    """The use of a car on a day, to estimate the cost of its stream."""

    charging_hours: float = 2.0
    driving_hours: float = 1.0
    connections: float = 8.0
    """How often it wakes up and connects: every field is sent once then, and some become invalid before it sleeps."""


def _row(
    name: str,
    kind: FieldKind,
    interval: int,
    delta: float | None,
    estimate: tuple[float, float, float],
    *,
    arm: str | None = None,
    needs_location: bool = False,
    on_demand: bool = False,
    firmware: tuple[int, int] | None = None,
    includes: tuple[str, ...] = (),
) -> Field:
    request = FieldRequest(interval, delta, include_fields=includes)
    return Field(name, kind, request, *estimate, needs_location, arm, on_demand, firmware)


_NUMBER, _BOOLEAN, _WORD, _TEXT = (
    FieldKind.NUMBER,
    FieldKind.BOOLEAN,
    FieldKind.WORD,
    FieldKind.TEXT,
)

# Columns: name, kind, seconds, minimum delta, (signals per hour charging, per hour driving, per day).
# States that an automation may wait for have an interval of one second: they change rarely, so it costs nothing.
_ROWS: Final = (
    _row("DetailedChargeState", _WORD, 1, None, (2, 0, 6), arm="detailed_charge_state_value"),
    # shown by most users: for a few cents a month it is seconds old while it changes, instead of minutes
    _row("BatteryLevel", _NUMBER, 5, 0.1, (170, 210, 5)),
    _row("RatedRange", _NUMBER, 60, 1.0, (45, 55, 2)),
    _row("ChargeLimitSoc", _NUMBER, 1, None, (0, 0, 2)),
    _row("ChargeCurrentRequest", _NUMBER, 1, None, (12, 0, 2)),
    _row("ChargeCurrentRequestMax", _NUMBER, 1, None, (1, 0, 2)),
    _row("ChargeAmps", _NUMBER, 10, 1.0, (20, 0, 2)),
    _row("ChargerVoltage", _NUMBER, 30, 2.0, (60, 0, 2)),
    _row("ACChargingPower", _NUMBER, 10, 0.2, (30, 0, 2)),
    _row("DCChargingPower", _NUMBER, 10, 1.0, (5, 0, 1)),
    _row("DCChargingEnergyIn", _NUMBER, 60, 0.1, (60, 0, 1)),
    _row("EstimatedHoursToChargeTermination", _NUMBER, 60, 0.1, (15, 0, 2)),
    # read where a car does not report the one before, so it may be coarse
    _row("TimeToFullCharge", _NUMBER, 300, 0.5, (2, 0, 2)),
    _row("ChargePortDoorOpen", _BOOLEAN, 1, None, (0, 0, 4)),
    _row("ChargePortLatch", _WORD, 1, None, (0, 0, 4), arm="charge_port_latch_value"),
    _row("NotEnoughPowerToHeat", _BOOLEAN, 60, None, (0, 0, 0.2)),
    # a mode is nothing without its time, and both change so rarely that it costs nothing to send them together
    _row(
        "ScheduledChargingMode",
        _WORD,
        10,
        None,
        (0, 0, 1),
        arm="scheduled_charging_mode_value",
        includes=("ScheduledChargingPending", "ScheduledChargingStartTime"),
    ),
    _row("ScheduledChargingPending", _BOOLEAN, 10, None, (0, 0, 2)),
    _row("ScheduledChargingStartTime", _NUMBER, 10, None, (0, 0, 1)),
    _row("LocatedAtHome", _BOOLEAN, 1, None, (0, 2, 0)),
    _row("Odometer", _NUMBER, 300, 0.5, (0, 12, 1)),
    _row("Version", _TEXT, 60, None, (0, 0, 0.1)),
    _row("Location", FieldKind.LOCATION, 30, 100.0, (0, 60, 0), needs_location=True),
    # only for entities that are disabled by default
    _row("Soc", _NUMBER, 60, 0.5, (30, 40, 2), on_demand=True),
    _row("EnergyRemaining", _NUMBER, 60, 0.5, (22, 30, 1), on_demand=True),
    _row("EstBatteryRange", _NUMBER, 60, 1.0, (45, 60, 2), on_demand=True),
    _row("IdealBatteryRange", _NUMBER, 60, 1.0, (45, 55, 2), on_demand=True),
    _row("ACChargingEnergyIn", _NUMBER, 60, 0.1, (60, 0, 1), on_demand=True),
    _row("ChargeRateMilePerHour", _NUMBER, 30, 1.0, (30, 0, 2), on_demand=True),
    _row("ChargerPhases", _NUMBER, 10, None, (1, 0, 2), on_demand=True),
    _row("ChargingCableType", _WORD, 1, None, (0, 0, 4), arm="cable_type_value", on_demand=True),
    _row("FastChargerPresent", _BOOLEAN, 1, None, (0, 0, 2), on_demand=True),
    _row("FastChargerType", _WORD, 10, None, (0, 0, 4), arm="fast_charger_value", on_demand=True),
    _row("BatteryHeaterOn", _BOOLEAN, 10, None, (1, 1, 0), on_demand=True),
    _row("PreconditioningEnabled", _BOOLEAN, 60, None, (0, 0, 0.1), on_demand=True),
    _row("Gear", _WORD, 5, None, (0, 10, 4), arm="shift_state_value", on_demand=True),
    _row("LocatedAtWork", _BOOLEAN, 1, None, (0, 2, 0), on_demand=True),
    _row("LocatedAtFavorite", _BOOLEAN, 1, None, (0, 2, 0), on_demand=True),
    # for no entity, but for all cars whose firmware knows it: rarely, as it only corrects the counter of the session
    _row(
        "LifetimeEnergyChargedKwh",
        _NUMBER,
        1800,
        0.1,
        (2, 0, 1),
        on_demand=True,
        firmware=(2026, 32),
    ),
)

FIELDS: Final[Mapping[str, Field]] = {row.name: row for row in _ROWS}

_REDUCED: Final = 300
_LOWEST: Final = 600
"""Intervals in seconds."""
ESSENTIAL: Final[Mapping[str, FieldRequest]] = {
    name: FIELDS[name].request
    for name in (
        "DetailedChargeState",
        "ChargeLimitSoc",
        "ChargeCurrentRequest",
        "ChargePortDoorOpen",
        "ChargePortLatch",
        "LocatedAtHome",
    )
} | {
    "BatteryLevel": FieldRequest(_REDUCED, 2.0),
    "ACChargingPower": FieldRequest(_REDUCED, 1.0),
    "DCChargingEnergyIn": FieldRequest(_LOWEST, 1.0),
}
"""The fields for a budget that is nearly spent: those that automations wait for, and a few others less often."""


def fields_for(
    *, with_location: bool, shown: Collection[str] = (), essential: bool = False
) -> dict[str, FieldRequest]:
    """Return the fields to request from a car.

    `with_location` is true if the owner granted vehicle_location; `shown` are the names of fields that enabled entities
    show. With `essential`, both are ignored.
    """
    if essential:
        return {**ESSENTIAL}
    return {
        row.name: row.request
        for row in FIELDS.values()
        if (with_location or not row.needs_location) and (not row.on_demand or row.name in shown)
    }


def unknown_to(version: object) -> frozenset[str]:
    """Return the fields that a firmware ("2026.32.6") does not know; for an unknown version, all that not every one knows."""
    firmware = read_firmware(version)
    return frozenset(
        row.name for row in FIELDS.values() if row.firmware is not None and firmware < row.firmware
    )


def expected_signals_per_month(names: Iterable[str], day: Day = Day()) -> int:
    """Return how many signals a car is expected to send in a month of such days.

    A name without a row counts as one signal per connection.
    """
    signals = 0.0
    for name in names:
        signals += day.connections
        if row := FIELDS.get(name):
            signals += (
                row.per_charging_hour * day.charging_hours
                + row.per_driving_hour * day.driving_hours
                + row.per_day
            )
    return round(signals * DAYS_PER_MONTH)
