"""Converts a telemetry value in any of its forms to a number, boolean, word, text, location, or INVALID.

Cars send typed values; old firmware sent text, some of it in quotes, and Tesla's server writes JSON on MQTT. Words are
Tesla's enumeration names without the enumeration's own name: "Charging", not "DetailedChargeStateCharging". A member
that is not known stays what it was sent as, a word or a number: it states something, so it replaces what was known.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from math import isfinite
import re
from typing import Any, Final

from tesla_protocol.telemetry import vehicle_data_pb2 as vehicle_data

from .fields import FIELDS, FieldKind

MAX_TEXT_LENGTH: Final = 256


class Invalid(Enum):
    """The type of INVALID."""

    INVALID = "invalid"

    def __repr__(self) -> str:
        """Return the name under which it is exported."""
        return "INVALID"


INVALID: Final = Invalid.INVALID
"""The car reported that the field has no value now; `invalid.py` interprets it."""

type FieldValue = float | int | bool | str | tuple[float, float]
"""A location is (latitude, longitude) in degrees."""
type FieldReading = FieldValue | Invalid
type _Raw = FieldReading | None
"""None for a value that cannot be understood and has to be ignored."""

_NO_SIGNAL: Final = frozenset({"SNA", "Invalid"})
"""Members of enumerations that mean the same as `invalid` ("signal not available")."""
MAX_UNKNOWN_WORD: Final = 64
_LOCATION: Final = re.compile(
    r"\(?\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*°?\s*([NS]?)\s*,\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*°?\s*([EW]?)\s*\)?"
)
_NUMERIC: Final = re.compile(r"[-+]?\d{1,30}(?:\.\d{0,30})?(?:[eE][-+]?\d{1,3})?")
_BOOLEANS: Final = {"true": True, "false": False}


def _short_names(members: Mapping[int, str]) -> dict[int, str]:
    """Return the names of an enumeration's members without its own name; member zero is <own name>Unknown."""
    prefix = members[0].removesuffix("Unknown")
    return {number: name.removeprefix(prefix) for number, name in members.items()}


_MEMBERS: Final[Mapping[str, dict[int, str]]] = {
    field.name: {member.number: member.name for member in field.enum_type.values}
    for field in vehicle_data.Value.DESCRIPTOR.fields
    if field.enum_type is not None
}
_ENUMS: Final = {arm: _short_names(members) for arm, members in _MEMBERS.items()}
_FULL_NAMES: Final[Mapping[str, str]] = {
    name: _ENUMS[arm][number]
    for arm, members in _MEMBERS.items()
    for number, name in members.items()
}


def _number(value: float) -> _Raw:
    return value if isfinite(value) else None


def place(latitude: float, longitude: float) -> _Raw:
    """Return a location, None if the degrees are out of range."""
    if -90 <= latitude <= 90 and -180 <= longitude <= 180:
        return (latitude, longitude)
    return None


def _time(time: vehicle_data.Time) -> _Raw:
    return f"{time.hour:02}:{time.minute:02}:{time.second:02}"


def _same(value: Any) -> _Raw:
    return value  # type: ignore[no-any-return]  # the arm's own type


def _word(words: Mapping[int, str]) -> Callable[[int], _Raw]:
    known = {number: INVALID if word in _NO_SIGNAL else word for number, word in words.items()}
    # a member of newer firmware: its number, which is no known word
    return lambda number: known.get(number, str(number))


ARMS: Final[Mapping[str, Callable[[Any], _Raw]]] = {
    "string_value": _same,
    "int_value": _same,
    "long_value": _same,
    "boolean_value": _same,
    "float_value": _number,
    "double_value": _number,
    "location_value": lambda value: place(value.latitude, value.longitude),
    "time_value": _time,
    "invalid": lambda value: INVALID if value else None,
    **{arm: _word(words) for arm, words in _ENUMS.items()},
}
"""The read function for each arm of `Value`; without doors and tyres, which are not used."""


def unquoted(text: str) -> str:
    """Return a text without the quotes that firmware 2024.26 put around it."""
    text = text[: MAX_TEXT_LENGTH + 2].strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    return text[:MAX_TEXT_LENGTH]


def _as_number(value: _Raw) -> _Raw:
    if isinstance(value, str):
        text = unquoted(value)
        return _number(float(text)) if _NUMERIC.fullmatch(text) else None
    return None if isinstance(value, bool | tuple) else value


def _as_boolean(value: _Raw) -> _Raw:
    if isinstance(value, str):
        return _BOOLEANS.get(unquoted(value).lower())
    return value if isinstance(value, bool | Invalid) else None


def _as_word(arm: str) -> Callable[[_Raw], _Raw]:
    numbers = _ENUMS[arm]

    def read(value: _Raw) -> _Raw:
        if isinstance(value, str):
            text = unquoted(value)
            word = _FULL_NAMES.get(text, text)
            # Tesla's server writes a member that it does not know as its number
            if word.isdecimal() and len(word) < 4:
                word = numbers.get(int(word), word)
        elif isinstance(value, int) and not isinstance(value, bool):
            word = numbers.get(value, str(value))
        else:
            return value if isinstance(value, Invalid) else None
        return INVALID if word in _NO_SIGNAL else word[:MAX_UNKNOWN_WORD]

    return read


def _as_text(value: _Raw) -> _Raw:
    if isinstance(value, str):
        return unquoted(value)
    return value if isinstance(value, Invalid) else None


def _as_location(value: _Raw) -> _Raw:
    if isinstance(value, str):
        match = _LOCATION.fullmatch(unquoted(value))
        if match is None:
            return None
        latitude, north, longitude, east = match.groups()
        return place(
            float(latitude) * (-1 if north == "S" else 1),
            float(longitude) * (-1 if east == "W" else 1),
        )
    return value if isinstance(value, tuple | Invalid) else None


def _untyped(value: _Raw) -> _Raw:
    """Return the value of a field without a row: only quotes and full enumeration names are changed."""
    if isinstance(value, str):
        text = unquoted(value)
        word = _FULL_NAMES.get(text)
        if word is not None:
            return INVALID if word in _NO_SIGNAL else word
        return text
    return value


_BY_KIND: Final[Mapping[FieldKind, Callable[[_Raw], _Raw]]] = {
    FieldKind.NUMBER: _as_number,
    FieldKind.BOOLEAN: _as_boolean,
    FieldKind.TEXT: _as_text,
    FieldKind.LOCATION: _as_location,
}


def _conformer(name: str) -> Callable[[_Raw], _Raw]:
    row = FIELDS.get(name)
    if row is None:
        return _untyped
    return _as_word(row.arm) if row.arm is not None else _BY_KIND[row.kind]


FIELD_NAMES: Final[Mapping[int, str]] = {
    number: name for name, number in vehicle_data.Field.items() if number
}
CONFORMERS: Final[Mapping[str, Callable[[_Raw], _Raw]]] = {
    name: _conformer(name) for name in FIELD_NAMES.values()
}
"""By field name: the function that converts a raw value to a reading, or to None if it has to be ignored."""


def conform(name: str, value: FieldReading | None) -> FieldReading | None:
    """Return a field's reading for a raw value; None for an unknown field or an impossible value."""
    conformer = CONFORMERS.get(name)
    return conformer(value) if conformer is not None and value is not None else None


def reader(name: str, arm: str) -> Callable[[Any], FieldReading | None] | None:
    """Return the function that reads a field from one arm of `Value`; None for an unknown field or arm."""
    conformer, read = CONFORMERS.get(name), ARMS.get(arm)
    if conformer is None or read is None:
        return None
    row = FIELDS.get(name)
    if row is not None and (arm in _OWN_ARMS.get(row.kind, ()) or arm == row.arm):
        return read  # the arm has the field's own type
    return lambda value: conformer(read(value))


_OWN_ARMS: Final[Mapping[FieldKind, tuple[str, ...]]] = {
    FieldKind.NUMBER: ("double_value", "float_value", "int_value", "long_value", "invalid"),
    FieldKind.BOOLEAN: ("boolean_value", "invalid"),
    FieldKind.LOCATION: ("location_value", "invalid"),
    FieldKind.WORD: ("invalid",),
    FieldKind.TEXT: ("invalid",),
}
