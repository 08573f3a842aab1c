"""Every fact about a car that the integration uses: one row each, for every transport.

A signal is named as in Fleet Telemetry (`vehicle_data.proto` of teslamotors/fleet-telemetry); facts that Tesla
does not stream have their `vehicle_data` name. Units are Tesla's own: miles, kW, V, A, hours. Every transport
reads a value by the same rules: null is no statement, a word or number without a meaning is "not known".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeIs
from zoneinfo import ZoneInfo

from homeassistant.util import dt as dt_util

from ..fleet_api import Section
from .charge_starts import ChargeStart, charge_starts, restored_starts

type SignalValue = float | int | bool | str | tuple[float, float] | tuple[ChargeStart, ...]
type Fields = Mapping[str, Any]
type Check = Callable[[Any], SignalValue | None]
"""Returns the meaning of a foreign value, None if it says that there is no value. Raises NotGiven for invalid ones, and
Unknown for those that say that the car does not know it, or that have no meaning here."""

MAX_TEXT: Final = 64
EARLIEST: Final = 1_577_836_800.0
"""The year 2020: an earlier time is from a clock that was never set, or in another unit."""
LATEST: Final = 32_503_680_000.0
"""The year 3000: a later number is no time."""
NO_RANGE: Final = 999.0
"""Miles from which a range is none: cars report 999 or about 5,000 instead (TeslaLogger#1730, teslamate#4957)."""
_PACIFIC: Final = ZoneInfo("America/Los_Angeles")


class NotGiven(Exception):
    """The signal is missing, its value is invalid, or null: no statement, so what was known stays known."""


class Unknown(Exception):
    """The car states something that has no meaning here: the value is not known, whatever was known before."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One row: the signal's name, its valid values, and the field of `vehicle_data` with the same fact."""

    name: str
    check: Check
    section: Section | None = None
    """None for what only the push channel delivers."""
    field: str | None = None
    scale: float = 1.0
    """Factor from the field to the signal's unit."""
    counts_from_measurement: bool = False
    """Whether the value is relative to the time of its measurement."""
    push_check: Check | None = None
    """Instead of `check`, where a push encodes the fact in another way than a poll."""
    restore_check: Check | None = None
    """Instead of `check`, where a file holds the fact in another way than a poll."""
    none_counts: bool = False
    """Whether null, or a word for "none", states that there is no value. For other signals it is no statement: an
    online car answers null when its computers have not reported yet (alandtse/tesla#478)."""
    resets_below: float | None = None
    """For a total, which never sinks: a lower value is kept out unless it is below this share of the last one. Then it
    is another count (a new session, another computer in the car)."""

    def pushed(self, value: object) -> SignalValue | None:
        """Return the meaning of a value that the car pushed; None states that it has none. Raises NotGiven, Unknown."""
        return None if value is None else self._meaning((self.push_check or self.check)(value))

    def restored(self, value: object) -> SignalValue | None:
        """Return the meaning of a value that was read from a file, which has to be as valid as one that has just come.

        Raises NotGiven.
        """
        if value is None:
            return None
        try:
            meaning = (self.restore_check or self.check)(value)
        except Unknown:
            raise NotGiven(self.name) from None
        # a number stays as it was stored: rounded again, a total might sink
        return value if isinstance(value, int | float) else meaning

    def polled(self, fields: Fields) -> SignalValue | None:
        """Return the meaning of the section's field. Raises NotGiven, also when the field is missing, and Unknown."""
        if self.field is None or self.field not in fields:
            raise NotGiven(self.name)
        given = fields[self.field]
        value = self._meaning(None if given is None else self.check(given))
        if self.scale != 1.0 and isinstance(value, int | float):
            return value * self.scale
        return value

    def _meaning(self, value: SignalValue | None) -> SignalValue | None:
        if value is None and not self.none_counts:
            raise NotGiven(self.name)
        return value


def _within(value: Any, minimum: float, maximum: float) -> float | int:
    # most numbers are floats; a car that connects sends dozens at once
    if not isinstance(value, float) and (isinstance(value, bool) or not isinstance(value, int)):
        raise NotGiven
    if not minimum <= value <= maximum:
        raise NotGiven
    # one transport writes 62, the other 62.0
    return int(value) if value.is_integer() else value


def _number(minimum: float, maximum: float) -> Check:
    """Accept a number within plausible bounds; others (infinity, for instance) are invalid."""

    def check(value: Any) -> SignalValue | None:
        return _within(value, minimum, maximum)

    return check


def _range(value: Any) -> SignalValue | None:
    """Accept a range in miles; cars have numbers that mean that there is none."""
    miles = _within(value, 0, 1_000_000)
    if miles >= NO_RANGE:
        raise Unknown
    return miles


def _odometer(value: Any) -> SignalValue | None:
    """Round to a hundredth of a mile: a push and a poll at the same moment differ by less (core#159988)."""
    miles = round(float(_within(value, 0, 1_000_000)), 2)
    return int(miles) if miles.is_integer() else miles


def _boolean(value: Any) -> SignalValue | None:
    if not isinstance(value, bool):
        raise NotGiven
    return value


_EMPTY_WORDS: Final = frozenset({"", "<invalid>", "SNA", "Invalid"})
_UNKNOWN_WORD: Final = "Unknown"
WORDS: Final[Mapping[str, frozenset[str]]] = {
    "DetailedChargeState": frozenset(
        {"Disconnected", "NoPower", "Starting", "Charging", "Complete", "Stopped", "Calibrating"}
    ),
    "ChargePortLatch": frozenset({"Engaged", "Disengaged", "Blocking"}),
    "ChargingCableType": frozenset({"IEC", "SAE", "GB_AC", "GB_DC"}),
    "FastChargerType": frozenset(
        {
            "Supercharger",
            "CHAdeMO",
            "Combo",
            "GB",
            "ACSingleWireCAN",
            "MCSingleWireCAN",
            "Other",
        }
    ),
    "ScheduledChargingMode": frozenset({"Off", "StartAt", "DepartBy"}),
    "Gear": frozenset({"P", "R", "N", "D"}),
}
"""The words that have a meaning here, by signal. Any other word, also one of newer firmware, is "not known"."""
CHARGING: Final = frozenset({"Charging", "Starting"})
"""Of `DetailedChargeState`."""
NOT_CHARGING: Final = frozenset({"Disconnected", "NoPower", "Complete", "Stopped"})
"""Of `DetailedChargeState`; a car that calibrates is in neither."""
IN_GEAR: Final = frozenset({"D", "R", "N"})
"""Of `Gear`."""


def _text(value: Any) -> SignalValue | None:
    """Accept a text; Tesla uses several words for "none"."""
    if not isinstance(value, str):
        raise NotGiven
    if value == _UNKNOWN_WORD:
        raise Unknown
    return None if value in _EMPTY_WORDS else value[:MAX_TEXT]


def _word(name: str, field: str, section: Section, *, none_counts: bool = False) -> Signal:
    """Return the row of a signal that is one of WORDS."""
    words = WORDS[name]

    def check(value: Any) -> SignalValue | None:
        word = _text(value)
        if word is not None and word not in words:
            raise Unknown
        return word

    return Signal(name, check, section, field, none_counts=none_counts)


def _version(value: Any) -> SignalValue | None:
    """Accept a firmware version; in `vehicle_data` a build hash follows it after a space."""
    version = _text(value)
    return version.split(" ")[0] if isinstance(version, str) else None


def _update_status(value: Any) -> SignalValue | None:
    """Accept `software_update` of `vehicle_data`; its status is empty when there is no update."""
    if not isinstance(value, dict):
        raise NotGiven
    return _text(value.get("status"))


_moment = _number(EARLIEST, LATEST)


def _pacific_moment(value: Any) -> SignalValue | None:
    """Accept the car's local time, which a push encodes as if it were US Pacific time.

    Source: the note at ScheduledChargingStartTime in Available Data. The car is assumed to be in this home's time zone.
    """
    moment = _within(value, EARLIEST, LATEST)
    local = datetime.fromtimestamp(moment, _PACIFIC)
    return int(local.replace(tzinfo=dt_util.get_default_time_zone()).timestamp())


def _position(value: Any) -> SignalValue | None:
    if not isinstance(value, tuple) or len(value) != 2:
        raise NotGiven
    position = (_within(value[0], -90, 90), _within(value[1], -180, 180))
    if position == (0, 0):
        raise NotGiven  # what a receiver without a fix reports, as no car stands in the Gulf of Guinea
    return position


def is_position(value: SignalValue | None) -> TypeIs[tuple[float, float]]:
    """Return whether a signal's value is a latitude and a longitude."""
    return isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], ChargeStart)


def _charge_starts(value: Any) -> SignalValue | None:
    if not isinstance(value, list):
        raise NotGiven
    return charge_starts(value)


def _stored_position(value: Any) -> SignalValue | None:
    return _position(tuple(value) if isinstance(value, list) else None)


def _stored_charge_starts(value: Any) -> SignalValue | None:
    if (starts := restored_starts(value)) is None:
        raise NotGiven
    return starts


POSITION_FIELD: Final = "position"
"""Made of `latitude` and `longitude`, which Tesla sends as two fields."""


def with_position(fields: Fields) -> Fields:
    """Return a section with its latitude and longitude, if it has both, joined into a position."""
    if "latitude" not in fields or "longitude" not in fields:
        return fields
    both = (fields["latitude"], fields["longitude"])
    return {**fields, POSITION_FIELD: None if None in both else both}


_CHARGE, _DRIVE = Section.CHARGE_STATE, Section.DRIVE_STATE
_PERCENT, _AMPERES, _KILOWATTS = _number(0, 100), _number(-5_000, 5_000), _number(-5_000, 5_000)
_KILOWATT_HOURS = _number(-10, 5_000)

_ROWS = (
    Signal("BatteryLevel", _PERCENT, _CHARGE, "battery_level"),
    Signal("Soc", _PERCENT, _CHARGE, "usable_battery_level"),
    Signal("EnergyRemaining", _number(0, 1_000), _CHARGE, "energy_remaining"),
    Signal("RatedRange", _range, _CHARGE, "battery_range"),
    Signal("EstBatteryRange", _range, _CHARGE, "est_battery_range"),
    Signal("IdealBatteryRange", _range, _CHARGE, "ideal_battery_range"),
    _word("DetailedChargeState", "charging_state", _CHARGE),
    Signal("charger_power", _KILOWATTS, _CHARGE, "charger_power"),
    Signal("ACChargingPower", _KILOWATTS),
    Signal("DCChargingPower", _KILOWATTS),
    Signal("ChargeAmps", _AMPERES, _CHARGE, "charger_actual_current"),
    Signal("ChargerVoltage", _number(-5_000, 5_000), _CHARGE, "charger_voltage"),
    Signal("ChargerPhases", _number(0, 3), _CHARGE, "charger_phases", none_counts=True),
    # the energy that reaches the battery, also from AC
    Signal("DCChargingEnergyIn", _KILOWATT_HOURS, _CHARGE, "charge_energy_added"),
    Signal("ACChargingEnergyIn", _KILOWATT_HOURS),
    # the energy that was ever charged: it does not start anew with a session
    Signal("LifetimeEnergyChargedKwh", _number(0, 10_000_000)),
    Signal("ChargeRateMilePerHour", _number(-100, 5_000), _CHARGE, "charge_rate"),
    Signal(
        "EstimatedHoursToChargeTermination",
        _number(0, 100_000),
        _CHARGE,
        "minutes_to_full_charge",
        scale=1 / 60,
        counts_from_measurement=True,
    ),
    # to the end of what a trip needs, if there is one
    Signal(
        "TimeToFullCharge",
        _number(0, 100_000),
        _CHARGE,
        "time_to_full_charge",
        counts_from_measurement=True,
    ),
    Signal("ChargeLimitSoc", _PERCENT, _CHARGE, "charge_limit_soc"),
    # bounds of settings: no wider than what the commands accept
    Signal("charge_limit_soc_min", _number(50, 100), _CHARGE, "charge_limit_soc_min"),
    Signal("charge_limit_soc_max", _number(50, 100), _CHARGE, "charge_limit_soc_max"),
    Signal("ChargeCurrentRequest", _number(0, 5_000), _CHARGE, "charge_current_request"),
    Signal("ChargeCurrentRequestMax", _number(0, 80), _CHARGE, "charge_current_request_max"),
    Signal("ChargePortDoorOpen", _boolean, _CHARGE, "charge_port_door_open"),
    _word("ChargePortLatch", "charge_port_latch", _CHARGE),
    _word("ChargingCableType", "conn_charge_cable", _CHARGE, none_counts=True),
    Signal("FastChargerPresent", _boolean, _CHARGE, "fast_charger_present"),
    _word("FastChargerType", "fast_charger_type", _CHARGE, none_counts=True),
    Signal("fast_charger_brand", _text, _CHARGE, "fast_charger_brand", none_counts=True),
    Signal("BatteryHeaterOn", _boolean, _CHARGE, "battery_heater_on"),
    # null without a cable
    Signal("NotEnoughPowerToHeat", _boolean, _CHARGE, "not_enough_power_to_heat", none_counts=True),
    # null until a user has started or stopped it
    Signal(
        "user_charge_enable_request",
        _boolean,
        _CHARGE,
        "user_charge_enable_request",
        none_counts=True,
    ),
    Signal("managed_charging_active", _boolean, _CHARGE, "managed_charging_active"),
    _word("ScheduledChargingMode", "scheduled_charging_mode", _CHARGE),
    Signal("ScheduledChargingPending", _boolean, _CHARGE, "scheduled_charging_pending"),
    Signal(
        "ScheduledChargingStartTime",
        _moment,
        _CHARGE,
        "scheduled_charging_start_time",
        push_check=_pacific_moment,
        none_counts=True,
    ),
    # reports say that cars refuse to stream ScheduledDepartureTime
    Signal(
        "scheduled_departure_time",
        _moment,
        _CHARGE,
        "scheduled_departure_time",
        none_counts=True,
    ),
    Signal(
        "scheduled_departure_time_minutes",
        _number(0, 1439),
        _CHARGE,
        "scheduled_departure_time_minutes",
        none_counts=True,
    ),
    Signal("PreconditioningEnabled", _boolean, _CHARGE, "preconditioning_enabled"),
    Signal(
        "charge_schedules",
        _charge_starts,
        Section.CHARGE_SCHEDULES,
        "charge_schedules",
        restore_check=_stored_charge_starts,
    ),
    # null in a parked car
    _word("Gear", "shift_state", _DRIVE, none_counts=True),
    Signal("Odometer", _odometer, Section.VEHICLE_STATE, "odometer", resets_below=0.9),
    # only used to decide when to poll again; pushing them would cost without use
    Signal("sentry_mode", _boolean, Section.VEHICLE_STATE, "sentry_mode"),
    Signal("is_user_present", _boolean, Section.VEHICLE_STATE, "is_user_present"),
    # with the location scope, Tesla merges location_data into drive_state
    Signal("Location", _position, _DRIVE, POSITION_FIELD, restore_check=_stored_position),
    Signal("LocatedAtHome", _boolean),
    Signal("LocatedAtWork", _boolean),
    Signal("LocatedAtFavorite", _boolean),
    Signal("Version", _version, Section.VEHICLE_STATE, "car_version"),
    Signal(
        "software_update",
        _update_status,
        Section.VEHICLE_STATE,
        "software_update",
        restore_check=_text,
        none_counts=True,
    ),
)

SIGNALS: Final[dict[str, Signal]] = {row.name: row for row in _ROWS}
