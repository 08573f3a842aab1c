"""What became of a command."""

from dataclasses import dataclass
from enum import StrEnum

from .commands import Command

MAX_REASON_LENGTH = 200


class Outcome(StrEnum):
    """The four ways a command can end."""

    EXECUTED = "executed"
    """The car accepted it."""
    ALREADY = "already"
    """The car was already as wanted."""
    REFUSED = "refused"
    """The car understood and said no; the reason is Tesla's own word."""
    UNKNOWN = "unknown"
    """The answer was lost after sending: it may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Outcome and Tesla's reason (empty when the car gave none)."""

    outcome: Outcome
    reason: str = ""

    @property
    def achieved(self) -> bool:
        """Whether the car is, or will be in a moment, as wanted."""
        return self.outcome in {Outcome.EXECUTED, Outcome.ALREADY}


def read_result(command: Command, *, accepted: bool, reason: str) -> CommandResult:
    """Turn a car's yes or no and its reason into a result.

    The same words come in a signed answer's `plain_text` and in the REST form's `reason`.
    """
    reason = "".join(c for c in reason.strip()[:MAX_REASON_LENGTH] if c.isprintable())
    word = reason.lower()
    if word in command.already:
        return CommandResult(Outcome.ALREADY, reason)
    if accepted or word == "requested":
        return CommandResult(Outcome.EXECUTED, reason)
    return CommandResult(Outcome.REFUSED, reason)
