"""Detects that a person has taken over a charge: in the car, in Tesla's app, or with our entities.

What a person does wins over the plan until the car is unplugged, the target is reached, or the person resumes the plan.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

START_SLACK: Final = 180.0
"""Seconds around the planned start and end of a block in which the car may begin and end by itself: its clock is not ours,
and its schedules are whole steps of minutes (the caller adds the step)."""
COMMAND_SLACK: Final = 120.0
"""Seconds after a command of ours in which what it asks for may happen."""
SETTLING: Final = 20.0
"""Seconds after a command of ours in which also the opposite may be shown: late, from before it."""
PLUG_IN_SLACK: Final = 120.0
"""Seconds after the cable was plugged in in which a car begins by itself."""
LEVEL_SLACK: Final = 1.0
"""Percent below which a charge that ends is not at its end: cars stop up to one percent early."""


class OverrideKind(StrEnum):
    """What the person wants."""

    CHARGE = "charge"
    """The car was started by hand: it charges on, to its limit."""
    STOP = "stop"
    """It was stopped by hand: it is left alone."""


@dataclass(frozen=True, slots=True)
class Override:
    """A person's wish that beats the plan."""

    kind: OverrideKind
    since: float
    """Unix seconds."""

    def as_dict(self) -> dict[str, str | float]:
        """Return JSON-compatible values."""
        return {"kind": self.kind.value, "since": self.since}

    @classmethod
    def restored(cls, stored: object) -> Self | None:
        """Return what as_dict() gave, None if it is not that."""
        match stored:
            case {"kind": str(kind), "since": float() | int() as since} if (
                kind in OverrideKind and not isinstance(since, bool)
            ):
                return cls(OverrideKind(kind), float(since))
        return None


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """A start or a stop that smart charging sent."""

    starts: bool
    at: float
    """Unix seconds."""

    def explains(self, *, start: bool, now: float) -> bool:
        """Return whether a start, or a stop, that is seen now may be due to it."""
        return self.at <= now <= self.at + (COMMAND_SLACK if self.starts is start else SETTLING)


@dataclass(frozen=True, slots=True)
class ChargeView:
    """What a car does, as far as this decision needs it."""

    charging: bool
    stopped: bool
    """Its state is `Stopped`: not complete, without power or unplugged."""
    plugged_in: bool
    level: float
    """Percent."""
    plugged_at: float | None = None
    """Unix seconds since when the cable is in, None if not known."""
    complete: bool = False
    """It has reached its limit."""
    waits_for_power: bool = False
    """It has no power, or measures the cable: what comes after that, it does by itself."""
    has_charged: bool = False
    """Whether it has charged since the cable is in: what comes later, it does not begin by itself."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the plan and our own commands let the car do now."""

    may_charge: bool
    """A block of the plan is on, or one of our schedules; with its slack at both ends."""
    must_charge: bool
    """It is well inside a block, and no schedule that it holds ends now."""
    command: OwnCommand | None = None
    """The last start or stop of ours."""
    target: float = 100.0
    """Percent: what the plan aims at, at most the car's limit."""


def detected(
    before: ChargeView, after: ChargeView, expected: Expected, now: float
) -> OverrideKind | None:
    """Return what a person has done between two views of a car, None if nothing."""
    if not (before.plugged_in and after.plugged_in):
        return None
    started = after.charging and not before.charging and not before.waits_for_power
    command = expected.command
    if command is not None and command.explains(start=started, now=now):
        return None
    if started:
        plugged_at = after.plugged_at
        fresh = plugged_at is not None and now - plugged_at <= PLUG_IN_SLACK
        by_itself = fresh and not before.has_charged
        return None if expected.may_charge or by_itself else OverrideKind.CHARGE
    if (
        before.charging
        and after.stopped
        and expected.must_charge
        and after.level < expected.target - LEVEL_SLACK
    ):
        return OverrideKind.STOP
    return None


def is_over(override: Override, after: ChargeView, target: float) -> bool:
    """Return whether a person's wish has ended by itself.

    A start by hand ends with the charge (also when the car is full); a stop ends when the car is unplugged.
    """
    if not after.plugged_in:
        return True
    reached = after.complete or after.level >= target - LEVEL_SLACK
    return override.kind is OverrideKind.CHARGE and reached and not after.charging
