"""What can be switched on in a car by its name: the shape of such a thing, and how it shows itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypedDict


@dataclass(frozen=True, slots=True)
class Setting:
    """How a quirk shows itself. The table holds what each quirk does unless told otherwise."""

    times: int | None = None
    """After how many occurrences it is over; None: never."""
    lasts: float | None = None
    """After how many seconds of physics it is over; None: never."""
    seconds: float = 0.0
    """How far ahead, how long after the beginning, or for how many real seconds an answer hangs: as the quirk says."""
    code: int = 0
    """An HTTP status; or a number of occurrences."""
    miles: float = 0.0
    """What is told instead of a range; or a distance."""
    amps: int = 0
    """A current."""
    fields: frozenset[str] = frozenset()
    """The telemetry fields concerned."""


class Told(TypedDict, total=False):
    """What `Quirks.add` can be told about a quirk; see Setting."""

    times: int | None
    lasts: float | None
    seconds: float
    code: int
    miles: float
    amps: int
    fields: frozenset[str]


class Habit(StrEnum):
    """A name, what is seen, and where it was reported. FT and VC are Tesla's fleet-telemetry and vehicle-command."""

    about: str
    source: str
    usual: Setting

    def __new__(
        cls, name: str, about: str = "", source: str = "", usual: Setting | None = None
    ) -> Self:
        """Take a line of the table."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.about, member.source, member.usual = about, source, usual or Setting()
        return member
