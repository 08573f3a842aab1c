"""The energy that a session took from the wall, by a counter that sinks while the car is parked and sometimes reads 0.

The counter of the battery (`charge_energy`) decides what is a new session. Pure arithmetic.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from .energy_step import MAX_PARKED_KW, NOISE_KWH, RESET_BELOW

MAX_DOUBT: Final = 900.0
"""Seconds for which a lower counter may be that of a session whose beginning is told a moment later."""


@dataclass(frozen=True, slots=True)
class WallEnergy:
    """What is shown, and the counter that the next value is compared with.

    Rule: within a session it never decreases, and only what the counter rises is added. A 0 is no value, because the
    counter may come back; what the counter has lost was used meanwhile.
    """

    shown: float
    counter: float
    at: float
    """When the car measured the counter, unix seconds."""

    def with_counter(self, counter: float, at: float, began_at: float) -> Self:
        """Return it after another value; `began_at` is when the present session began."""
        if self.at < began_at <= at:
            return type(self)(counter, counter, at)
        if counter <= RESET_BELOW or at < self.at:
            return self
        most = MAX_PARKED_KW * (at - self.at) / 3600 + NOISE_KWH
        if counter > self.counter + most:
            return self  # no charger gives that
        if counter >= self.counter:
            return type(self)(self.shown + counter - self.counter, counter, at)
        if counter >= self.counter - NOISE_KWH or at - self.at <= MAX_DOUBT:
            return self
        return type(self)(self.shown, counter, at)

    def as_list(self) -> list[float]:
        """Return JSON-compatible values for from_list() after a restart."""
        return [self.shown, self.counter, self.at]

    @classmethod
    def from_list(cls, items: Any) -> Self | None:
        """Read back as_list(); None for anything else."""
        match items:
            case [int() | float(), int() | float(), int() | float()]:
                return cls(*items)
        return None
