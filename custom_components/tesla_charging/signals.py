"""Every fact about a car that the integration uses: one row each, whatever road it comes by.

A signal is named as in Fleet Telemetry (`vehicle_data.proto` of teslamotors/fleet-telemetry); facts that Tesla
does not stream carry their `vehicle_data` name. Units are Tesla's own: miles, kW, V, A, hours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .fleet_api import Section

type Value = float | int | bool | str | tuple[float, float]
type Fields = Mapping[str, Any]

MAX_TEXT: Final = 64


class NotGiven(Exception):
    """The section says nothing about this signal."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One row: the signal's name and how `vehicle_data` carries the same fact."""

    name: str
    section: Section | None = None
    """None for what only the car's push channel tells."""
    read: Callable[[Fields], Value | None] | None = None
    """Returns the value, or None where the car says that there is none; raises NotGiven."""
    counts_from_measurement: bool = False
    """Whether the value means something else when it was measured at another time."""


def _field(fields: Fields, name: str) -> Any:
    try:
        return fields[name]
    except KeyError:
        raise NotGiven(name) from None


def _number(
    name: str, minimum: float, maximum: float, scale: float = 1.0
) -> Callable[[Fields], Value | None]:
    """Read a number within what a car can mean; outside of it (infinity, say) it means nothing."""

    def read(fields: Fields) -> Value | None:
        value = _field(fields, name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotGiven(name)
        if not minimum <= value <= maximum:
            raise NotGiven(name)
        return value * scale if scale != 1.0 else value

    return read


def _boolean(name: str) -> Callable[[Fields], Value | None]:
    def read(fields: Fields) -> Value | None:
        value = _field(fields, name)
        if value is not None and not isinstance(value, bool):
            raise NotGiven(name)
        return value

    return read


_NO_WORD: Final = frozenset({"", "<invalid>", "Unknown"})


def _word(name: str) -> Callable[[Fields], Value | None]:
    """Read a word; Tesla has several for "none"."""

    def read(fields: Fields) -> Value | None:
        value = _field(fields, name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise NotGiven(name)
        return None if value in _NO_WORD else value[:MAX_TEXT]

    return read


def _version(fields: Fields) -> Value | None:
    """Read the firmware version; a build hash follows it after a space."""
    version = _word("car_version")(fields)
    return version.split(" ")[0] if isinstance(version, str) else None


def _location(fields: Fields) -> Value | None:
    latitude = _number("latitude", -90, 90)(fields)
    longitude = _number("longitude", -180, 180)(fields)
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    return (latitude, longitude)


_CHARGE = Section.CHARGE_STATE

_ROWS = (
    Signal("BatteryLevel", _CHARGE, _number("battery_level", 0, 100)),
    Signal("Soc", _CHARGE, _number("usable_battery_level", 0, 100)),
    Signal("RatedRange", _CHARGE, _number("battery_range", 0, 5_000)),
    Signal("DetailedChargeState", _CHARGE, _word("charging_state")),
    Signal("charger_power", _CHARGE, _number("charger_power", -5_000, 5_000)),
    Signal("ChargeAmps", _CHARGE, _number("charger_actual_current", -5_000, 5_000)),
    Signal("ChargerVoltage", _CHARGE, _number("charger_voltage", -5_000, 5_000)),
    Signal("ChargerPhases", _CHARGE, _number("charger_phases", 0, 3)),
    Signal("DCChargingEnergyIn", _CHARGE, _number("charge_energy_added", -10, 5_000)),
    Signal(
        "EstimatedHoursToChargeTermination",
        _CHARGE,
        _number("minutes_to_full_charge", 0, 100_000, 1 / 60),
        counts_from_measurement=True,
    ),
    Signal("ChargeLimitSoc", _CHARGE, _number("charge_limit_soc", 0, 100)),
    # bounds of settings: no wider than what the commands accept
    Signal("charge_limit_soc_min", _CHARGE, _number("charge_limit_soc_min", 50, 100)),
    Signal("charge_limit_soc_max", _CHARGE, _number("charge_limit_soc_max", 50, 100)),
    Signal("ChargeCurrentRequest", _CHARGE, _number("charge_current_request", 0, 5_000)),
    Signal("ChargeCurrentRequestMax", _CHARGE, _number("charge_current_request_max", 0, 80)),
    Signal("ChargePortDoorOpen", _CHARGE, _boolean("charge_port_door_open")),
    Signal("ChargePortLatch", _CHARGE, _word("charge_port_latch")),
    Signal("ChargingCableType", _CHARGE, _word("conn_charge_cable")),
    Signal("Gear", Section.DRIVE_STATE, _word("shift_state")),
    # with the location scope, Tesla merges location_data into drive_state
    Signal("Location", Section.DRIVE_STATE, _location),
    Signal("LocatedAtHome"),
    Signal("Version", Section.VEHICLE_STATE, _version),
)

SIGNALS: Final[dict[str, Signal]] = {row.name: row for row in _ROWS}
