"""Verifies that a planned block began: first by what the car tells, then by one question, one repair, and a word to the person.

A state machine without clock or I/O: each step says what to do next.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

FIRST_LOOK: Final = 180.0
"""Seconds after the planned start: a car needs a minute or two to begin."""
SECOND_LOOK: Final = 180.0
"""Seconds after the repair."""
WAKE_PAUSE: Final = 23 * 3600.0
"""A car is woken at most once in so many seconds for a start that failed."""
WORTH_IT: Final = 300.0
"""Seconds: a block that ends so soon is not repaired."""

SAME_BLOCK: Final = 900.0
"""Seconds by which the start of a block may differ from plan to plan."""
NIGHT: Final = 12 * 3600.0
"""Seconds in which a failed start is repaired once."""


class Step(StrEnum):
    """Where the verification of a block is."""

    WAITING = "waiting"
    ASKED = "asked"
    REPAIRED = "repaired"
    VERIFIED = "verified"
    FAILED = "failed"
    """The person was told."""


class Do(StrEnum):
    """What to do next."""

    NOTHING = "nothing"
    ASK = "ask"
    """Request the car's data once; a sleeping car is not woken for it."""
    REPAIR = "repair"
    """Send a start to a car that is awake."""
    WAKE_AND_REPAIR = "wake_and_repair"
    TELL = "tell"
    """Tell the person that the car did not begin."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The verification of one block's start. Times are unix seconds."""

    start: float
    """The planned start."""
    step: Step = Step.WAITING
    step_at: float = 0.0
    """When the step was taken; of the first: when the car was given the block, which may be after its start."""

    def as_dict(self) -> dict[str, str | float]:
        """Return JSON-compatible values."""
        return {"start": self.start, "step": self.step.value, "step_at": self.step_at}

    @classmethod
    def restored(cls, stored: object) -> Self | None:
        """Return what as_dict() gave, None if it is not that."""
        match stored:
            case {
                "start": float() | int() as start,
                "step": str(step),
                "step_at": float() | int() as step_at,
            } if step in Step and not isinstance(start, bool) and not isinstance(step_at, bool):
                return cls(float(start), Step(step), float(step_at))
        return None


def of_block(known: Verification | None, start: float, now: float) -> Verification:
    """Return the verification of the block that is on, after that of an earlier one.

    A block may move on while the car does not begin: what was repaired in vain is not repaired again that night.
    """
    if known is not None:
        if abs(known.start - start) < SAME_BLOCK:
            return known
        if known.step in {Step.REPAIRED, Step.FAILED} and 0 <= now - known.step_at < NIGHT:
            return replace(known, start=start)
    return Verification(start, step_at=now)


def next_step(
    known: Verification,
    *,
    now: float,
    end: float,
    charging: bool,
    known_at: float | None,
    asleep: bool,
    woken_at: float | None,
) -> tuple[Verification, Do]:
    """Return the next step and what to do.

    `end` is the block's end; `charging` is what the car last told, and `known_at` when it was true (None: never told);
    `woken_at` is when the car was last woken for a repair, None if never.
    """
    if known.step is Step.VERIFIED or now < known.start:
        return known, Do.NOTHING
    begun = max(known.start, known.step_at if known.step is Step.WAITING else 0.0)
    if charging and known_at is not None and known_at >= known.start:
        return replace(known, step=Step.VERIFIED, step_at=now), Do.NOTHING
    if known.step is Step.FAILED:
        return known, Do.NOTHING
    if now >= end - WORTH_IT:
        return known, Do.NOTHING
    match known.step:
        case Step.WAITING if now >= begun + FIRST_LOOK:
            if known_at is not None and known_at >= begun + FIRST_LOOK / 2:
                return _repair(known, now, asleep=asleep, woken_at=woken_at)
            return replace(known, step=Step.ASKED, step_at=now), Do.ASK
        case Step.ASKED:
            return _repair(known, now, asleep=asleep, woken_at=woken_at)
        case Step.REPAIRED if now >= known.step_at + SECOND_LOOK:
            return replace(known, step=Step.FAILED, step_at=now), Do.TELL
    return known, Do.NOTHING


def due_at(known: Verification) -> float | None:
    """Return when the next step is due, unix seconds; None if there is none."""
    match known.step:
        case Step.WAITING:
            return max(known.start, known.step_at) + FIRST_LOOK
        case Step.ASKED:
            return known.step_at
        case Step.REPAIRED:
            return known.step_at + SECOND_LOOK
    return None


def _repair(
    known: Verification, now: float, *, asleep: bool, woken_at: float | None
) -> tuple[Verification, Do]:
    if not asleep:
        return replace(known, step=Step.REPAIRED, step_at=now), Do.REPAIR
    if woken_at is None or now - woken_at >= WAKE_PAUSE or now < woken_at:
        return replace(known, step=Step.REPAIRED, step_at=now), Do.WAKE_AND_REPAIR
    return replace(known, step=Step.FAILED, step_at=now), Do.TELL
