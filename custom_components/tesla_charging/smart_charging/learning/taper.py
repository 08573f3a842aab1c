"""From which level on a car takes less than it may: its taper, learnt by whole percent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..model import MIN_AMPS, TaperStep
from .robust import Weighted, by_rank, median
from .stored import entries, numbers
from .told import Saying, Told

FIRST: Final = 50
"""Below this level a car takes all that an AC charger gives, percent."""
LAST: Final = 99
KEPT: Final = 5
HALF_LIFE: Final = 3.0
"""Charges after which one counts half. The calendar does not count, so no clock can spoil this."""
MOST_W: Final = 25_000.0
"""More than any AC charger gives: no limit."""
LESS: Final = 0.95
"""A car that takes less than this share of what it may is limited by its battery."""
USUAL_UNIT_W: Final = 690.0
"""Of three phases, for the sentence."""
USUAL_AMPS: Final = 16


@dataclass(frozen=True, slots=True)
class Taper:
    """The taper of one car; a reading makes a new one. Nothing is assumed: no taper until one is seen."""

    seen: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    """What the battery took at most at a level in the last charges, oldest first, watts."""

    def with_reading(self, level: float, watts: float, allowed_watts: float) -> Taper:
        """Return what is known after a charge has passed a level, percent: what was drawn there, and what might have been."""
        whole = int(level) if FIRST <= level < LAST + 1 else None
        if whole is None or not 0 < watts <= MOST_W or not 0 < allowed_watts <= MOST_W:
            return self
        known = self.seen.get(whole, ())
        if watts < LESS * allowed_watts:
            limit = watts
        elif known and watts < LESS * median([Weighted(value) for value in known]):
            # a weak charger does not show what the battery would have taken
            return self
        else:
            limit = MOST_W
        return replace(self, seen={**self.seen, whole: (*known, limit)[-KEPT:]})

    def limits(self) -> dict[int, float]:
        """Return what the battery takes at most, watts, by level: never more at a higher level."""
        pooled: list[tuple[float, list[int]]] = []
        for level in sorted(self.seen):
            limit, levels = self._at(level), [level]
            # a level at which more was taken than below shares its limit with those below
            while pooled and pooled[-1][0] < limit:
                below, more = pooled.pop()
                limit = (below * len(more) + limit * len(levels)) / (len(more) + len(levels))
                levels = [*more, *levels]
            pooled.append((limit, levels))
        return {level: limit for limit, levels in pooled for level in levels}

    def _at(self, level: int) -> float:
        """Return the median of what was taken at a level."""
        return median([Weighted(*item) for item in by_rank(self.seen[level], HALF_LIFE)])

    def steps(self, watts_per_amp: float, max_amps: int) -> tuple[TaperStep, ...]:
        """Return the steps for a plan at a place with so many watts per ampere and such a highest current."""
        found: list[TaperStep] = []
        amps = max_amps
        for level, limit in sorted(self.limits().items()):
            least = max(MIN_AMPS, round(limit / watts_per_amp))
            if least < amps:
                found.append(TaperStep(float(level), least))
                amps = least
        return tuple(found)

    def confidence(self) -> float:
        """Return at how much of the upper levels it was seen what the car takes."""
        return len(self.seen) / (LAST + 1 - FIRST)

    def told(self) -> Told:
        """Return the sentence about it, at three phases of 16 A."""
        steps = self.steps(USUAL_UNIT_W, USUAL_AMPS)
        if not steps:
            return Told(Saying.TAPER_NONE, {"level": max(self.seen, default=FIRST)})
        return Told(
            Saying.TAPER_LEARNT,
            {"level": steps[0].level, "amps": steps[-1].amps, "end_level": steps[-1].level},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict()."""
        return {
            str(level): [round(value) for value in values] for level, values in self.seen.items()
        }

    @classmethod
    def from_dict(cls, data: object) -> Taper:
        """Read back as_dict(); what is damaged is left out."""
        read = entries(data)
        seen = {
            level: values
            for level in range(FIRST, LAST + 1)
            if (values := numbers(read.get(str(level)), 1, MOST_W, KEPT))
        }
        return cls(seen)
