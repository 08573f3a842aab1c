"""How much of what a forecast of the sun promises comes, by the hour of the day."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from ..series import PowerForecast, PowerSlot, check_moment
from .dated import EARLIEST, read_days, recorded
from .robust import Estimate, Weighted, half, quantile
from .stored import items, row
from .told import Saying, Told

KEPT_DAYS: Final = 30
HALF_LIFE_DAYS: Final = 12.0
HOURS: Final = 24
LEAST_KWH: Final = 0.05
"""An hour for which less is promised tells nothing."""
MOST_KWH: Final = 200.0
MOST_RATIO: Final = 4.0
PRIOR: Final = (0.5, 1.0, 1.3)
"""Parts of the forecast that are assumed: low, median, high."""
PRIOR_WEIGHT: Final = 0.7
"""Of each of these, beside an hour like the best one of the days that are known."""
NEXT_HOUR: Final = 0.5
"""How much the hours beside count."""
OTHER_HOUR: Final = 0.1

type Hours = Mapping[int, tuple[float, float]]
"""By the hour UTC: what was promised and what came, kWh. The sun knows no summer time."""


@dataclass(frozen=True, slots=True)
class SolarBias:
    """The bias of the forecast of one roof; an hour makes a new one."""

    days: Mapping[date, Hours] = field(default_factory=dict)

    def with_hour(
        self, start: datetime, promised_kwh: float, came_kwh: float, *, now: datetime
    ) -> SolarBias:
        """Return what is known after a whole hour of the clock UTC; one that cannot be, or is not over, is left out."""
        check_moment("start", start)
        if start.minute or start.second:
            raise ValueError(f"Not a whole hour: {start}")
        over = start + timedelta(hours=1) <= now
        can_be = LEAST_KWH <= promised_kwh <= MOST_KWH and 0 <= came_kwh <= MOST_KWH
        if now < EARLIEST or not over or not can_be:
            return self
        utc = start.astimezone(UTC)
        hours = {**self.days.get(utc.date(), {}), utc.hour: (promised_kwh, came_kwh)}
        today = now.astimezone(UTC).date()
        days = recorded(self.days, utc.date(), hours, today=today, most=KEPT_DAYS)
        return replace(self, days=days)

    def share(self, hour: int, *, now: datetime) -> Estimate:
        """Return what comes of a promise for an hour UTC: the median, the tenth and the ninetieth percentile."""
        today = now.astimezone(UTC).date()
        known = [(day, hours) for day, hours in self.days.items() if day <= today]
        best = max((kwh for _, hours in known for kwh, _ in hours.values()), default=1.0)
        measured = [
            Weighted(
                min(MOST_RATIO, came / promised),
                promised / best * _near(hour, of) * half((today - day).days, HALF_LIFE_DAYS),
            )
            for day, hours in known
            for of, (promised, came) in hours.items()
        ]
        seen = [*measured, *(Weighted(value, PRIOR_WEIGHT) for value in PRIOR)]
        confidence = sum(v.weight for v in measured) / sum(v.weight for v in seen)
        low, middle, high = (quantile(seen, share) for share in (0.1, 0.5, 0.9))
        return Estimate(middle, low, high, confidence)

    def corrected(self, forecast: PowerForecast, *, now: datetime) -> PowerForecast:
        """Return a forecast as it should have been; one without low and high gets those that are usual."""
        shares = {hour: self.share(hour, now=now) for hour in range(HOURS)}
        slots = []
        for slot in forecast.slots:
            share = shares[slot.start.astimezone(UTC).hour]
            low, high = slot.median * share.low, slot.median * share.high
            if slot.low is not None and slot.high is not None:
                low, high = slot.low * share.value, slot.high * share.value
            slots.append(PowerSlot(slot.start, slot.end, slot.median * share.value, low, high))
        return PowerForecast(tuple(slots))

    def told(self, *, now: datetime) -> Told:
        """Return the sentence about it: of a whole day, at the hours that were promised most."""
        if not self.days:
            return Told(Saying.SOLAR_ASSUMED, {})
        promised = [0.0] * HOURS
        for hours in self.days.values():
            for hour, (kwh, _) in hours.items():
                promised[hour] += kwh
        comes = sum(
            kwh * self.share(hour, now=now).value for hour, kwh in enumerate(promised) if kwh
        )
        percent = round(comes / sum(promised) * 100)
        return Told(Saying.SOLAR_LEARNT, {"percent": percent, "days": len(self.days)})

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict(): for every hour its number, what was promised and what came."""
        return {
            day.isoformat(): [[hour, round(p, 3), round(c, 3)] for hour, (p, c) in hours.items()]
            for day, hours in self.days.items()
        }

    @classmethod
    def from_dict(cls, data: object) -> SolarBias:
        """Read back as_dict(); what is damaged is left out."""
        days: dict[date, Hours] = {}
        for day, stored in read_days(data, KEPT_DAYS).items():
            hours = {}
            for item in items(stored, HOURS):
                match row(item, 3, 0, MOST_KWH):
                    case (hour, promised, came) if hour < HOURS and promised >= LEAST_KWH:
                        hours[int(hour)] = (promised, came)
            if hours:
                days[day] = hours
        return cls(days)


def _near(hour: int, other: int) -> float:
    """Return how much an hour of the day counts for another one."""
    apart = abs(hour - other)
    return 1.0 if apart == 0 else NEXT_HOUR if apart == 1 else OTHER_HOUR
