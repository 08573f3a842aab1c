"""What the home uses without the car, by quarter hour and weekday: learnt from readings of its meters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from string import ascii_letters, digits
from typing import Any, Final

from ..estimate import day_type
from ..series import PowerForecast, PowerSlot, check_moment
from .dated import EARLIEST, read_days, recorded
from .robust import Weighted, half, quantile
from .stored import entries
from .told import Saying, Told

QUARTER: Final = timedelta(minutes=15)
QUARTERS: Final = 96
KEPT_DAYS: Final = 56
HALF_LIFE_DAYS: Final = 10.0
UNIT_W: Final = 10
"""In which powers are kept, watts."""
MOST_W: Final = 40_000
"""A higher power is an error of the meter."""
NOISE_W: Final = 200
"""A power so much below 0 is 0: two meters do not measure at the same moment."""
PRIOR_W: Final = (150.0, 300.0, 900.0)
"""What is assumed of every quarter hour."""
PRIOR_WEIGHT: Final = 0.1
"""Of each of these, beside a quarter hour that was measured on this weekday."""
LIKE_DAY: Final = 0.1
"""How much a day of the same type (workday, Saturday, Sunday and holidays) counts beside one of the same weekday."""
OTHER_DAY: Final = 0.05
NEAR: Final = ((0, 1.0), (-1, 0.5), (1, 0.5), (-2, 0.2), (2, 0.2))
"""How much the quarter hours beside count."""
LOW: Final = 0.1
HIGH: Final = 0.9

SIGNS: Final = digits + ascii_letters + "+/"
MISSING: Final = "--"

type Quarters = tuple[int | None, ...]
"""The power of each quarter hour of a local day, in units of `UNIT_W`; None where nothing was measured."""
NOTHING: Final[Quarters] = (None,) * QUARTERS


@dataclass(frozen=True, slots=True)
class BaseLoad:
    """What is known of the base load; a reading makes a new one."""

    zone: tzinfo
    """Of the home: its weekdays and quarter hours count."""
    days: Mapping[date, Quarters] = field(default_factory=dict)

    def with_reading(
        self, start: datetime, kwh: float, *, now: datetime, minutes: int = 15
    ) -> BaseLoad:
        """Return what is known after a reading: the energy without the car in 15, 30 or 60 minutes from `start` on.

        A reading that cannot be, or that is not over, is left out.
        """
        check_moment("start", start)
        if minutes not in {15, 30, 60} or start.minute % 15 or start.second:
            raise ValueError(f"A reading is of whole quarter hours: {minutes} minutes from {start}")
        watts = kwh * 60_000 / minutes
        over = start + timedelta(minutes=minutes) <= now
        if now < EARLIEST or not over or not -NOISE_W <= watts <= MOST_W:
            return self
        days, today = self.days, self._local(now).date()
        for step in range(minutes // 15):
            local = self._local(start + step * QUARTER)
            row = list(days.get(local.date(), NOTHING))
            row[_quarter(local)] = round(max(0.0, watts) / UNIT_W)
            days = recorded(days, local.date(), tuple(row), today=today, most=KEPT_DAYS)
        return replace(self, days=days)

    def forecast(
        self,
        start: datetime,
        end: datetime,
        *,
        now: datetime,
        holidays: frozenset[date] = frozenset(),
    ) -> PowerForecast:
        """Return what the home will use, by quarter hours: the median, the tenth and the ninetieth percentile."""
        check_moment("start", start)
        check_moment("end", end)
        today = self._local(now).date()
        days: dict[date, list[tuple[Quarters, float]]] = {}
        slots = []
        while start < end:
            border = datetime.fromtimestamp((start.timestamp() // 900 + 1) * 900, UTC)
            local = self._local(start)
            if local.date() not in days:
                days[local.date()] = list(self._like(local.date(), today, holidays))
            seen = _measured(days[local.date()], _quarter(local))
            low, middle, high = (quantile(seen, share) for share in (LOW, 0.5, HIGH))
            slots.append(PowerSlot(start, min(border, end), middle, low, high))
            start = border
        return PowerForecast(tuple(slots))

    def _like(
        self, day: date, today: date, holidays: frozenset[date]
    ) -> Iterator[tuple[Quarters, float]]:
        """Yield the days with what each counts for a day."""
        kind = day_type(day, holidays)
        for past, row in self.days.items():
            if past > today:
                continue
            alike = day_type(past, holidays) is kind
            same = alike and past.weekday() == day.weekday()
            share = 1.0 if same else LIKE_DAY if alike else OTHER_DAY
            yield row, share * half((today - past).days, HALF_LIFE_DAYS)

    def confidence(self, now: datetime) -> float:
        """Return how much of a usual quarter hour's forecast was measured, from 0 to 1."""
        today = self._local(now).date()
        total = sum(
            half((today - day).days, HALF_LIFE_DAYS) * sum(u is not None for u in row)
            for day, row in self.days.items()
            if day <= today
        )
        # a seventh of the days are of a weekday
        weeks = total / QUARTERS / 7
        return weeks / (weeks + PRIOR_WEIGHT * len(PRIOR_W))

    def told(self) -> Told:
        """Return the sentence about it."""
        measured = [units for row in self.days.values() for units in row if units is not None]
        if not measured:
            return Told(Saying.BASE_LOAD_ASSUMED, {"watts": PRIOR_W[1]})
        mean = sum(measured) / len(measured) * UNIT_W
        return Told(
            Saying.BASE_LOAD_LEARNT,
            {"kwh_a_day": round(mean * 24 / 1000, 1), "days": len(self.days)},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values for from_dict(): two characters for every quarter hour."""
        return {"days": {day.isoformat(): _written(row) for day, row in self.days.items()}}

    @classmethod
    def from_dict(cls, data: object, zone: tzinfo) -> BaseLoad:
        """Read back as_dict(); what is damaged is left out."""
        days = read_days(entries(data).get("days"), KEPT_DAYS)
        rows = {day: _read(written) for day, written in days.items()}
        return cls(zone, {day: row for day, row in rows.items() if row is not None})

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


def _measured(days: Sequence[tuple[Quarters, float]], quarter: int) -> list[Weighted]:
    """Return what was measured at about a time of day, with what is assumed."""
    seen = [Weighted(watts, PRIOR_WEIGHT) for watts in PRIOR_W]
    # the quarter hours before midnight and after it are on other days
    near = [(quarter + step, share) for step, share in NEAR if 0 <= quarter + step < QUARTERS]
    for row, weight in days:
        for place, share in near:
            if (units := row[place]) is not None:
                seen.append(Weighted(units * UNIT_W, weight * share))
    return seen


def _quarter(local: datetime) -> int:
    return local.hour * 4 + local.minute // 15


def _written(row: Quarters) -> str:
    return "".join(
        MISSING if units is None else SIGNS[units // 64] + SIGNS[units % 64] for units in row
    )


def _read(written: object) -> Quarters | None:
    if not isinstance(written, str) or len(written) != 2 * QUARTERS:
        return None
    row: list[int | None] = []
    for place in range(0, 2 * QUARTERS, 2):
        high, low = (SIGNS.find(sign) for sign in written[place : place + 2])
        units = high * 64 + low
        right = high >= 0 and low >= 0 and units * UNIT_W <= MOST_W
        row.append(units if right else None)
    return tuple(row)
