"""How much energy fits into the battery: learnt from what the level, in whole percent, does while energy flows in."""

from dataclasses import dataclass, replace
import math
from typing import Any, Final

from .robust import TENTH, Estimate, Weighted, by_rank, robust_mean
from .stored import entries, items, number, row
from .told import Saying, Told

KEPT: Final = 48
HALF_LIFE: Final = 24.0
"""Charges after which one counts half. The calendar does not count, so no clock can spoil this."""
PRIOR_KWH: Final = 75.0
PRIOR_SD: Final = 0.2
"""As a share."""
LEAST_KWH: Final = 5.0
MOST_KWH: Final = 300.0
"""Usable capacities outside of these are errors."""
LEAST_READINGS: Final = 3
LEAST_GAIN: Final = 5.0
"""Percent between the first reading that counts and the last one."""
ROUNDING: Final = 0.29
"""The standard deviation of a number that was made whole, percent."""
NOISE: Final = 0.02
"""Of a charge, as a share: heating of the battery, and a level that the car corrects."""
LEAST_DEVIATION: Final = 0.015


@dataclass(frozen=True, slots=True)
class LevelRise:
    """The line through the levels of one charge; sums, so that no reading is kept.

    A reading counts when the level is another than in the reading before it: then it has just become what it is.
    """

    level: float | None = None
    """Of the last reading, percent."""
    kwh: float = 0.0
    """Of the last reading."""
    readings: int = 0
    """Those that count."""
    gain: float = 0.0
    """Percent since the first of them."""
    mean_kwh: float = 0.0
    mean_level: float = 0.0
    spread: float = 0.0
    """The sum of the squares of the energies' distances from their mean."""
    both: float = 0.0

    def with_reading(self, level: float, kwh: float) -> LevelRise:
        """Return the line after a reading: the level, and the energy into the battery since the charge began, kWh.

        An energy or a level that sinks is of another charge: the line begins anew.
        """
        if not (0 <= level <= 100 and 0 <= kwh <= MOST_KWH):
            return self
        if self.level is None or kwh < self.kwh or level < self.level:
            return LevelRise(level, kwh)
        if level == self.level:
            return replace(self, kwh=kwh)
        count = self.readings + 1
        from_mean = kwh - self.mean_kwh
        mean_kwh = self.mean_kwh + from_mean / count
        mean_level = self.mean_level + (level - self.mean_level) / count
        return LevelRise(
            level,
            kwh,
            count,
            self.gain + (level - self.level) if self.readings else 0.0,
            mean_kwh,
            mean_level,
            self.spread + from_mean * (kwh - mean_kwh),
            self.both + from_mean * (level - mean_level),
        )

    @property
    def measured(self) -> tuple[float, float] | None:
        """The capacity that this charge shows, kWh, and its standard deviation as a share; None if it shows none."""
        if self.readings < LEAST_READINGS or self.gain < LEAST_GAIN:
            return None
        if self.spread <= 0 or self.both <= 0:
            return None
        percent_per_kwh = self.both / self.spread
        rounding = ROUNDING / (percent_per_kwh * math.sqrt(self.spread))
        return 100 / percent_per_kwh, math.hypot(rounding, NOISE)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The usable capacity; a charge makes a new one."""

    prior_kwh: float = PRIOR_KWH
    charges: tuple[tuple[float, float], ...] = ()
    """What the last ones showed, oldest first: capacity, kWh, and its standard deviation as a share."""

    def with_charge(self, rise: LevelRise) -> Capacity:
        """Return what is known after a charge; one that shows nothing is left out."""
        measured = rise.measured
        if measured is None or not LEAST_KWH <= measured[0] <= MOST_KWH:
            return self
        return replace(self, charges=(*self.charges, measured)[-KEPT:])

    @property
    def kwh(self) -> Estimate:
        """The capacity; before anything is measured, `prior_kwh` give or take 20 %."""
        assumed = PRIOR_SD**-2
        seen = [
            Weighted(kwh, weight / share**2)
            for (kwh, share), weight in by_rank(self.charges, HALF_LIFE)
        ]
        if not seen:
            wide = TENTH * PRIOR_SD * self.prior_kwh
            return Estimate(self.prior_kwh, self.prior_kwh - wide, self.prior_kwh + wide, 0.0)
        mean = robust_mean(seen, LEAST_DEVIATION * seen[-1].value)
        precision = sum(v.weight for v in seen)
        value = (mean * precision + self.prior_kwh * assumed) / (precision + assumed)
        wide = TENTH * value / math.sqrt(precision + assumed)
        return Estimate(value, value - wide, value + wide, precision / (precision + assumed))

    def told(self) -> Told:
        """Return the sentence about it."""
        kwh = self.kwh
        if not self.charges:
            return Told(Saying.CAPACITY_ASSUMED, {"kwh": round(kwh.value, 1)})
        return Told(
            Saying.CAPACITY_LEARNT,
            {
                "kwh": round(kwh.value, 1),
                "low_kwh": round(kwh.low, 1),
                "high_kwh": round(kwh.high, 1),
                "sessions": len(self.charges),
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict()."""
        return {
            "prior": round(self.prior_kwh, 2),
            "charges": [[round(kwh, 2), round(share, 4)] for kwh, share in self.charges],
        }

    @classmethod
    def from_dict(cls, data: object, *, prior_kwh: float = PRIOR_KWH) -> Capacity:
        """Read back as_dict(); what is damaged is left out."""
        stored = number(entries(data).get("prior"), LEAST_KWH, MOST_KWH)
        charges = []
        for item in items(entries(data).get("charges"), KEPT):
            match row(item, 2, 0, MOST_KWH):
                case (kwh, share) if kwh >= LEAST_KWH and NOISE <= share <= 1:
                    charges.append((kwh, share))
        return cls(stored if stored is not None else prior_kwh, tuple(charges))
