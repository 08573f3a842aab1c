"""How long a car takes from a command until its current has changed, awake and asleep."""

from dataclasses import dataclass, replace
from typing import Any, Final

from .robust import Estimate, Weighted, by_rank, quantile
from .stored import entries, numbers
from .told import Saying, Told

KEPT: Final = 24
HALF_LIFE: Final = 12.0
"""Commands after which one counts half. The calendar does not count; the seconds are those of a clock that is never set."""
PRIOR_S: Final = (5.0, 10.0, 25.0)
"""What is assumed of a car that is awake."""
PRIOR_ASLEEP_S: Final = (25.0, 45.0, 90.0)
"""What is assumed of one that must be woken."""
PRIOR_WEIGHT: Final = 0.5
"""Of each of these, beside a command that was measured."""
MOST_S: Final = 600.0
"""After that, it was not this command that changed the current."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The delay of one car; a command makes a new one."""

    awake: tuple[float, ...] = ()
    """Seconds of the last commands, oldest first."""
    asleep: tuple[float, ...] = ()

    def with_command(self, seconds: float, *, asleep: bool = False) -> Delay:
        """Return what is known after a command whose effect was seen after some seconds."""
        if not 0 <= seconds <= MOST_S:
            return self
        if asleep:
            return replace(self, asleep=(*self.asleep, seconds)[-KEPT:])
        return replace(self, awake=(*self.awake, seconds)[-KEPT:])

    def seconds(self, *, asleep: bool = False) -> Estimate:
        """Return the usual delay; one delay in ten is shorter than `low`, one in ten longer than `high`."""
        known, assumed = (self.asleep, PRIOR_ASLEEP_S) if asleep else (self.awake, PRIOR_S)
        measured = [Weighted(value, weight) for value, weight in by_rank(known, HALF_LIFE)]
        seen = [*measured, *(Weighted(value, PRIOR_WEIGHT) for value in assumed)]
        total = sum(v.weight for v in seen)
        return Estimate(
            quantile(seen, 0.5),
            quantile(seen, 0.1),
            quantile(seen, 0.9),
            sum(v.weight for v in measured) / total,
        )

    def told(self) -> Told:
        """Return the sentence about it."""
        told = {
            "seconds": round(self.seconds().value),
            "asleep_seconds": round(self.seconds(asleep=True).value),
        }
        commands = len(self.awake) + len(self.asleep)
        if not commands:
            return Told(Saying.DELAY_ASSUMED, told)
        return Told(Saying.DELAY_LEARNT, {**told, "commands": commands})

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict()."""
        return {
            "awake": [round(value, 1) for value in self.awake],
            "asleep": [round(value, 1) for value in self.asleep],
        }

    @classmethod
    def from_dict(cls, data: object) -> Delay:
        """Read back as_dict(); what is damaged is left out."""
        read = entries(data)
        return cls(*(numbers(read.get(name), 0, MOST_S, KEPT) for name in ("awake", "asleep")))
