"""Checks the JSON body of an unsigned command against the fields the command knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type Kind = Literal["bool", "int", "number", "str"]
type Params = dict[str, object]

_TYPES: Mapping[Kind, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "number": (int, float),
    "str": (str,),
}


class InvalidBody(ValueError):
    """The body does not fit the command; the message says how."""


@dataclass(frozen=True, slots=True)
class BodyField:
    """One field of a command's body."""

    name: str
    kind: Kind
    required: bool = True


def check_body(fields: tuple[BodyField, ...], body: Mapping[str, object]) -> Params:
    """Return the fields that were given. InvalidBody for a missing, mistyped or unknown one."""
    known = {field.name: field for field in fields}
    if unknown := sorted(set(body) - set(known)):
        raise InvalidBody(f"unknown field {unknown[0]}")
    params: Params = {}
    for field in fields:
        value = body.get(field.name)
        if value is None:
            if field.required:
                raise InvalidBody(f"missing field {field.name}")
            continue
        wrong_bool = isinstance(value, bool) and field.kind != "bool"
        if wrong_bool or not isinstance(value, _TYPES[field.kind]):
            raise InvalidBody(f"{field.name} must be of type {field.kind}")
        params[field.name] = value
    return params
