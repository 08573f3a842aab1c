"""What a month will have cost at its end: pure arithmetic."""

from dataclasses import dataclass
from typing import Final

DAY: Final = 24 * 3600.0
SHORTEST: Final = DAY
"""A rate is not taken from less than this: a set-up of ten minutes is not how the month goes on."""
MEMORY: Final = 3 * DAY
"""How much of the month before counts beside what this month has shown so far."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a month in which was counted; unix seconds."""

    start: float
    end: float
    """The month's end."""

    @property
    def length(self) -> float:
        """Seconds; 0 if nothing was counted in that month."""
        return max(0.0, self.end - self.start)


def forecast(spent: float, month: Span, now: float, spent_before: float, earlier: Span) -> float:
    """Return what will have been spent at the end of a month in which `spent` was spent until now.

    It goes on at the rate since it began to be counted. If there was a month before, MEMORY of that one's rate is mixed
    in, which tells nearly all on the first day and little in the last week.
    """
    measured = min(max(0.0, now - month.start), month.length)
    left = month.length - measured
    if earlier.length >= SHORTEST:
        rate = (spent + MEMORY * spent_before / earlier.length) / (measured + MEMORY)
    else:
        rate = spent / max(measured, SHORTEST)
    return spent + rate * left
