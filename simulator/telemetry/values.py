"""Turns the car's readings into protobuf values, typed or as the texts of old firmware."""

from typing import Any, Literal

from tesla_protocol.telemetry import vehicle_data_pb2 as pb

from simulator.car.signals import NEW_WORD, Reading

type Style = Literal["typed", "strings", "quoted"]

#: Ids from here on were never sent as texts.
FIRST_ALWAYS_TYPED = 179

#: Field -> (arm of the Value oneof, its enum, the prefix of the enum's names).
ENUMS: dict[str, tuple[str, Any, str]] = {
    "BMSState": ("bms_state_value", pb.BMSStateValue, "BMSState"),
    "CarType": ("car_type_value", pb.CarTypeValue, "CarType"),
    "CenterDisplay": ("display_state_value", pb.DisplayState, "DisplayState"),
    "ChargePort": ("charge_port_value", pb.ChargePortValue, "ChargePort"),
    "ChargePortLatch": ("charge_port_latch_value", pb.ChargePortLatchValue, "ChargePortLatch"),
    "ChargingCableType": ("cable_type_value", pb.CableType, "CableType"),
    "DetailedChargeState": (
        "detailed_charge_state_value",
        pb.DetailedChargeStateValue,
        "DetailedChargeState",
    ),
    "FastChargerType": ("fast_charger_value", pb.FastCharger, "FastCharger"),
    "Gear": ("shift_state_value", pb.ShiftState, "ShiftState"),
    "ScheduledChargingMode": (
        "scheduled_charging_mode_value",
        pb.ScheduledChargingModeValue,
        "ScheduledChargingMode",
    ),
    "SentryMode": ("sentry_mode_state_value", pb.SentryModeState, "SentryModeState"),
    "SettingChargeUnit": ("charge_unit_preference_value", pb.ChargeUnitPreference, "ChargeUnit"),
    "SettingDistanceUnit": ("distance_unit_value", pb.DistanceUnit, "DistanceUnit"),
    "SettingTemperatureUnit": ("temperature_unit_value", pb.TemperatureUnit, "TemperatureUnit"),
}

_INT32 = 2**31


def datum(name: str, reading: Reading, style: Style = "typed") -> pb.Datum:
    """Return one field with its value; no reading is `invalid`."""
    key: Any = pb.Field.Value(name)  # the stubs promise an int where they want an enum
    if style != "typed" and key < FIRST_ALWAYS_TYPED and reading is not None:
        text = _text(reading)
        value = pb.Value(string_value=f'"{text}"' if style == "quoted" else text)
    else:
        value = _typed(name, reading)
    return pb.Datum(key=key, value=value)


def _typed(name: str, reading: Reading) -> pb.Value:
    match reading:
        case None:
            return pb.Value(invalid=True)
        case bool():
            return pb.Value(boolean_value=reading)
        case int():
            if -_INT32 <= reading < _INT32:
                return pb.Value(int_value=reading)
            return pb.Value(long_value=reading)
        case float():
            return pb.Value(double_value=reading)
        case (latitude, longitude):
            place = pb.LocationValue(latitude=latitude, longitude=longitude)
            return pb.Value(location_value=place)
        case frozenset():
            return pb.Value(door_value=pb.Doors(**dict.fromkeys(reading, True)))
    if name in ENUMS:
        arm, enum, prefix = ENUMS[name]
        number = max(enum.values()) + 1 if reading == NEW_WORD else enum.Value(prefix + reading)
        return pb.Value(**{arm: number})
    return pb.Value(string_value=reading)


def _text(reading: Reading) -> str:
    match reading:
        case bool():
            return str(reading).lower()
        case float():
            return f"{reading:.3f}"
        case (latitude, longitude):
            north = f"{abs(latitude):.6f} {'N' if latitude >= 0 else 'S'}"
            return f"({north}, {abs(longitude):.6f} {'E' if longitude >= 0 else 'W'})"
        case frozenset():
            return "|".join(sorted(reading))
    return str(reading)
