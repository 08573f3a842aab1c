"""The parameters of commands: one class for each type of value, with names and values as in Tesla's REST form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

type Value = bool | int | float | str
type Parameters = Mapping[str, Value]

DAYS: Final[Mapping[str, int]] = {
    "Sunday": 1,
    "Monday": 2,
    "Tuesday": 4,
    "Wednesday": 8,
    "Thursday": 16,
    "Friday": 32,
    "Saturday": 64,
}
"""Tesla's names of the days, and their bits in a mask (`pkg/proxy/command.go` of vehicle-command)."""


class InvalidParameter(ValueError):
    """A command's parameter is missing, of the wrong type, or out of range."""

    def __init__(self, command: str, parameter: str, problem: str) -> None:

        super().__init__(f"{command}: {parameter} {problem}")
        self.command = command
        self.parameter = parameter


class AnyParameter(Protocol):
    """One parameter of a command."""

    @property
    def name(self) -> str:
        """Its name in Tesla's REST form."""

    @property
    def required(self) -> bool:
        """Whether it must be given."""

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value, None if it is valid."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number within a range that cars accept."""

    name: str
    minimum: int
    maximum: int
    required: bool = True

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value."""
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be a whole number"
        if not self.minimum <= value <= self.maximum:
            return f"must be from {self.minimum} to {self.maximum}"
        return None


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    name: str
    required: bool = True

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value."""
        return None if isinstance(value, bool) else "must be true or false"


@dataclass(frozen=True, slots=True)
class Degrees:
    """A latitude (`bound` 90) or longitude (180)."""

    name: str
    bound: float
    required: bool = True

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "must be a number"
        return None if -self.bound <= value <= self.bound else f"must be within {self.bound}"


@dataclass(frozen=True, slots=True)
class Text:
    """A short text."""

    name: str
    maximum: int
    required: bool = True

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value."""
        if not isinstance(value, str):
            return "must be a text"
        return (
            None if len(value) <= self.maximum else f"must have at most {self.maximum} characters"
        )


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the week: Tesla's names, joined by commas."""

    name: str
    required: bool = True

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value."""
        if isinstance(value, str) and all(day in DAYS for day in value.split(",")):
            return None
        return "must be names of days, joined by commas"


def days_mask(names: str) -> int:
    """Return the bit mask of a value that Days accepts."""
    return sum(DAYS[day] for day in set(names.split(",")))
