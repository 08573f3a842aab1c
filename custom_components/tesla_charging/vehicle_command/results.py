"""The result of a command."""

from dataclasses import dataclass
from enum import StrEnum

from .commands import Command

MAX_REASON_LENGTH = 200


class Outcome(StrEnum):
    """The ways a command can end."""

    EXECUTED = "executed"
    """The car accepted it."""
    ALREADY = "already"
    """The car was already in the wanted state."""
    REFUSED = "refused"
    """The car understood the command and refused it; the reason is Tesla's own text."""
    UNKNOWN = "unknown"
    """The answer was lost after sending: the command may have been executed."""
    SUPERSEDED = "superseded"
    """A later command for the same thing came before this one was sent, or before it was sent for the second time."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Outcome and Tesla's reason (empty when the car gave none)."""

    outcome: Outcome
    reason: str = ""

    @property
    def achieved(self) -> bool:
        """Whether the car is in the wanted state, or will be in a moment."""
        return self.outcome in {Outcome.EXECUTED, Outcome.ALREADY}


def read_result(command: Command, *, accepted: bool, reason: str) -> CommandResult:
    """Return the result for a car's answer and its reason.

    The reasons are the same in a signed answer's `plain_text` and in the REST form's `reason`.
    """
    reason = "".join(c for c in reason.strip()[:MAX_REASON_LENGTH] if c.isprintable())
    normalized = reason.lower()
    if normalized in command.already:
        return CommandResult(Outcome.ALREADY, reason)
    if accepted or normalized == "requested":
        return CommandResult(Outcome.EXECUTED, reason)
    return CommandResult(Outcome.REFUSED, reason)
