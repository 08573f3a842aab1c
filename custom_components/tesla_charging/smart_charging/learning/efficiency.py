"""How much of what the car draws at a place reaches its battery: P_batt = efficiency * (P_ac - standing loss)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
import math
from typing import Any, Final

from .robust import TENTH, Estimate, Weighted, by_rank, median, trust
from .stored import entries, items, row
from .told import Saying, Told

KEPT: Final = 48
HALF_LIFE: Final = 24.0
"""Charges after which one counts half. The calendar does not count, so no clock can spoil this."""
PRIOR_EFFICIENCY: Final = 0.92
PRIOR_EFFICIENCY_SD: Final = 0.03
PRIOR_STANDING_KW: Final = 0.25
PRIOR_STANDING_SD: Final = 0.1
LEAST_KWH: Final = 1.0
LEAST_HOURS: Final = 0.2
MOST_HOURS: Final = 72.0
MOST_KW: Final = 25.0
"""Of an AC charger."""
LEAST_RATIO: Final = 0.4
MOST_RATIO: Final = 1.02
"""Energy in the battery beside the energy drawn: outside of these, one of them is wrong."""
NOISE: Final = 0.015
"""Of a charge, as a share of its power: the heating of the battery and the meters."""
NOISE_KWH: Final = 0.05
"""Of the counters, whatever the charge."""
FIRST_SPREAD: Final = 0.03
"""By which shares may differ at first: currents differ."""
ROUNDS: Final = 8
USUAL_KW: Final = 11.0
MOST_STANDING_W: Final = 500.0


@dataclass(frozen=True, slots=True)
class Charge:
    """What was measured of a charge: energy drawn, energy into the battery, and how long it took."""

    ac_kwh: float
    dc_kwh: float
    hours: float

    @property
    def can_be(self) -> bool:
        """Whether it is long enough to tell something, and possible."""
        return (
            self.ac_kwh >= LEAST_KWH
            and LEAST_HOURS <= self.hours <= MOST_HOURS
            and self.ac_kwh <= MOST_KW * self.hours
            and LEAST_RATIO <= self.dc_kwh / self.ac_kwh <= MOST_RATIO
        )


@dataclass(frozen=True, slots=True)
class Line:
    """The line through the charges: battery power over drawn power, kW, with what is not sure of it."""

    slope: float
    offset: float
    variances: tuple[float, float, float]
    """Of the slope, of both together, and of the offset."""
    weight: float
    """How much of the power's precision was measured."""

    def at(self, kw: float) -> tuple[float, float]:
        """Return the battery's power and its standard deviation, kW."""
        slope, both, offset = self.variances
        variance = kw * kw * slope - 2 * kw * both + offset
        return self.slope * kw - self.offset, math.sqrt(max(0.0, variance))


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The efficiency at one place; a charge makes a new one."""

    charges: tuple[Charge, ...] = ()
    """The last ones, oldest first."""

    def with_charge(self, charge: Charge) -> Efficiency:
        """Return what is known after a charge; one that cannot be is left out."""
        if not charge.can_be:
            return self
        return replace(self, charges=(*self.charges, charge)[-KEPT:])

    @property
    def line(self) -> Line:
        """The line that fits the charges best; what is assumed counts like one charge that is not sure."""
        prior = (PRIOR_EFFICIENCY, PRIOR_EFFICIENCY * PRIOR_STANDING_KW)
        line = _fitted(prior, ())
        points = [
            (c.ac_kwh / c.hours, c.dc_kwh / c.hours, _noise(c), weight)
            for c, weight in by_rank(self.charges, HALF_LIFE)
        ]
        if not points:
            return line
        # at first what is far from the usual share is not trusted, so that it cannot bend the line
        usual = median([Weighted(y / line.at(x)[0], w) for x, y, _, w in points])
        trusted = [
            trust(y - usual * line.at(x)[0], math.hypot(n, FIRST_SPREAD * y))
            for x, y, n, _ in points
        ]
        for _ in range(ROUNDS):
            weighted = zip(points, trusted, strict=True)
            line = _fitted(prior, [(x, y, t * w / n**2) for (x, y, n, w), t in weighted])
            # what only the assumption contradicts is not far
            spread = [math.hypot(n, line.at(x)[1]) for x, _, n, _ in points]
            trusted = [
                trust(y - line.at(x)[0], s) for (x, y, _, _), s in zip(points, spread, strict=True)
            ]
        return line

    def at(self, kw: float) -> Estimate:
        """Return the share of a drawn power, kW, that reaches the battery."""
        line = self.line
        power, deviation = line.at(kw)
        share, wide = power / kw, TENTH * deviation / kw
        return Estimate(share, share - wide, share + wide, line.weight)

    def terms(self, most_standing_w: float = MOST_STANDING_W) -> tuple[float, float]:
        """Return efficiency and standing loss, watts, for a plan: right at the power that is usual, whatever their bounds."""
        line, usual = self.line, self._usual_kw
        power, _ = line.at(usual)
        standing = max(0.0, min(most_standing_w / 1000, line.offset / line.slope))
        efficiency = power / (usual - standing)
        if efficiency > 1:
            return 1.0, max(0.0, usual - power) * 1000
        return efficiency, standing * 1000

    def told(self) -> Told:
        """Return the sentence about it."""
        _, standing = self.terms()
        told = {
            "percent": round(self.at(self._usual_kw).value * 100, 1),
            "standing_watts": round(standing),
        }
        if not self.charges:
            return Told(Saying.EFFICIENCY_ASSUMED, told)
        return Told(Saying.EFFICIENCY_LEARNT, {**told, "sessions": len(self.charges)})

    @property
    def _usual_kw(self) -> float:
        if not self.charges:
            return USUAL_KW
        return sum(c.ac_kwh for c in self.charges) / sum(c.hours for c in self.charges)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict()."""
        return {
            "charges": [
                [round(c.ac_kwh, 3), round(c.dc_kwh, 3), round(c.hours, 4)] for c in self.charges
            ]
        }

    @classmethod
    def from_dict(cls, data: object) -> Efficiency:
        """Read back as_dict(); what is damaged is left out."""
        read = cls()
        for item in items(entries(data).get("charges"), KEPT):
            values = row(item, 3, 0, MOST_KW * MOST_HOURS)
            if values is not None:
                read = read.with_charge(Charge(*values))
        return read


def _noise(charge: Charge) -> float:
    """Return the standard deviation of a charge's battery power, kW."""
    return math.hypot(NOISE * charge.ac_kwh, NOISE_KWH) / charge.hours


def _fitted(prior: tuple[float, float], points: Iterable[tuple[float, float, float]]) -> Line:
    """Return the line through points (drawn power, battery power, precision), with what is assumed: y = slope * x - offset.

    The assumptions have the precisions of their deviations, and are not bound to each other.
    """
    slope_sd, offset_sd = PRIOR_EFFICIENCY_SD, PRIOR_STANDING_SD
    a, b, c = slope_sd**-2, 0.0, offset_sd**-2
    assumed = (USUAL_KW**2 * slope_sd**2 + offset_sd**2) ** -1
    right, down, measured = prior[0] * a, prior[1] * c, 0.0
    for x, y, precision in points:
        a += precision * x * x
        b -= precision * x
        c += precision
        right += precision * x * y
        down -= precision * y
        measured += precision
    whole = a * c - b * b
    return Line(
        (c * right - b * down) / whole,
        (a * down - b * right) / whole,
        (c / whole, -b / whole, a / whole),
        measured / (measured + assumed),
    )
