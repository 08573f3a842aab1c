"""What a car draws at a place when it charges at full current: power, current, phases, and what can be relied on."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any, Final

from .robust import Estimate, Weighted, by_rank, deviation, median, quantile, robust_mean
from .stored import entries, items, row
from .told import Saying, Told

KEPT: Final = 48
HALF_LIFE: Final = 24.0
"""Charges after which one counts half. The calendar does not count, so no clock can spoil this."""
LEAST_HOURS: Final = 0.2
MOST_HOURS: Final = 72.0
LEAST_SHARE: Final = 0.88
MOST_SHARE: Final = 1.12
"""Of the nominal voltage: a power without such a voltage is not of this current."""
LEAST_A: Final = 5
MOST_A: Final = 80
NOMINAL_V: Final = 230.0
"""Between a phase and neutral; the voltage that is assumed."""
PRIOR_SHARE: Final = 0.95
"""Of full power: what can be relied on before anything was measured."""
PRIOR_WIDE: Final = 0.05
"""What is assumed of the voltage is right within this share."""
PRIOR_WEIGHT: Final = 1.0
"""Charges that an assumption counts for, where confidence is told."""
LEAST_DEVIATION: Final = 0.01
"""Of the voltage, as a share."""
CHANGED: Final = 3
"""So many charges in a row with another current or other phases: the place is another than before."""


@dataclass(frozen=True, slots=True)
class Full:
    """A time in which the car was free to draw its full current, and did not taper."""

    ac_kwh: float
    hours: float
    amps: int
    """Per phase."""
    phases: int

    @property
    def volts(self) -> float:
        """The voltage that explains the energy."""
        return self.ac_kwh * 1000 / (self.hours * self.amps * self.phases)

    def can_be(self, nominal_v: float) -> bool:
        """Return whether it is long enough to tell something, and possible."""
        return (
            LEAST_HOURS <= self.hours <= MOST_HOURS
            and LEAST_A <= self.amps <= MOST_A
            and self.phases in {1, 2, 3}
            and LEAST_SHARE <= self.volts / nominal_v <= MOST_SHARE
        )


@dataclass(frozen=True, slots=True)
class Power:
    """The power at one place; a charge makes a new one."""

    amps: int = 16
    """Assumed until something is measured: what the charger or the car says."""
    phases: int = 3
    nominal_v: float = NOMINAL_V
    charges: tuple[Full, ...] = ()
    """The last ones, oldest first."""

    def with_charge(self, full: Full) -> Power:
        """Return what is known after a charge; one that cannot be is left out."""
        if not full.can_be(self.nominal_v):
            return self
        charges = (*self.charges, full)[-KEPT:]
        last = charges[-CHANGED:]
        if len(last) == CHANGED and len({(c.amps, c.phases) for c in last}) == 1:
            # a new cable or charger: what was before tells nothing of it
            charges = tuple(c for c in charges if (c.amps, c.phases) == (full.amps, full.phases))
        return replace(self, charges=charges)

    @property
    def usual(self) -> tuple[int, int]:
        """The current that is usual, and its phases."""
        weights: defaultdict[tuple[int, int], float] = defaultdict(float)
        for charge, weight in by_rank(self.charges, HALF_LIFE):
            weights[charge.amps, charge.phases] += weight
        return max(weights, key=lambda key: weights[key], default=(self.amps, self.phases))

    @property
    def volts(self) -> Estimate:
        """The voltage under load, at the usual current."""
        seen = self._volts
        if not seen:
            wide = PRIOR_WIDE * self.nominal_v
            return Estimate(self.nominal_v, self.nominal_v - wide, self.nominal_v + wide, 0.0)
        mean = robust_mean(seen, LEAST_DEVIATION * self.nominal_v)
        known = sum(v.weight for v in seen)
        wide = max(LEAST_DEVIATION * self.nominal_v, deviation(seen, median(seen))) / known**0.5
        return Estimate(mean, mean - wide, mean + wide, known / (known + PRIOR_WEIGHT))

    @property
    def watts(self) -> Estimate:
        """The power at the usual current."""
        amps, phases = self.usual
        unit, volts = amps * phases, self.volts
        return Estimate(volts.value * unit, volts.low * unit, volts.high * unit, volts.confidence)

    @property
    def reliable_share(self) -> float:
        """The share of this power that can be relied on: the tenth percentile of what was measured."""
        usual = self.volts.value
        seen = [Weighted(PRIOR_SHARE, PRIOR_WEIGHT)]
        seen += [Weighted(v.value / usual, v.weight) for v in self._volts]
        return max(0.1, min(1.0, quantile(seen, 0.1)))

    @property
    def _volts(self) -> list[Weighted]:
        usual = self.usual
        return [
            Weighted(charge.volts, weight)
            for charge, weight in by_rank(self.charges, HALF_LIFE)
            if (charge.amps, charge.phases) == usual
        ]

    def told(self) -> Told:
        """Return the sentence about it."""
        amps, phases = self.usual
        watts = self.watts
        told = {"watts": round(watts.value), "amps": amps, "phases": phases}
        if not self.charges:
            return Told(Saying.POWER_ASSUMED, told)
        low = round(watts.value * self.reliable_share)
        return Told(Saying.POWER_LEARNT, {**told, "low_watts": low, "sessions": len(self.charges)})

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict()."""
        return {
            "charges": [
                [round(c.ac_kwh, 3), round(c.hours, 4), c.amps, c.phases] for c in self.charges
            ]
        }

    @classmethod
    def from_dict(
        cls, data: object, *, amps: int = 16, phases: int = 3, nominal_v: float = NOMINAL_V
    ) -> Power:
        """Read back as_dict(); what is damaged is left out."""
        read = cls(amps, phases, nominal_v)
        for item in items(entries(data).get("charges"), KEPT):
            match row(item, 4, 0, MOST_HOURS * MOST_A):
                case (ac_kwh, hours, current, of_phases):
                    read = read.with_charge(Full(ac_kwh, hours, int(current), int(of_phases)))
        return read
