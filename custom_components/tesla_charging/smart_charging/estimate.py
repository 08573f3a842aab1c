"""Prices that are not published yet, from the same quarter hours of past days, with a margin for the risk."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum, auto
from statistics import fmean, median
from typing import Final

from .normalise import cut
from .series import Certainty, PriceSeries, PriceSlot

QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
DAYS: Final = 42
"""How far back days teach."""
LIKE_DAYS: Final = 10
"""How many days of the same type are looked at."""
NEEDED: Final = 3
"""With fewer days of the same type, days of all types count."""
RISK: Final = 0.5
"""How much of the usual deviation is added."""
PERSISTENCE: Final = 0.7
"""How much of the last known day's deviation from the usual level stays to the next day."""
WHOLE_DAY: Final = 48
"""Quarter hours from which on a day's mean is the day's."""
SOURCE: Final = "estimate"


class DayType(StrEnum):
    """Days that are alike."""

    WORKDAY = auto()
    SATURDAY = auto()
    SUNDAY = auto()
    """And holidays."""


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual in the quarter hours of a type of day."""

    price: dict[int, float]
    deviation: dict[int, float]


def estimate(
    slots: Sequence[PriceSlot],
    start: datetime,
    end: datetime,
    *,
    zone: tzinfo,
    currency: str = "",
    fallback: float | None = None,
    holidays: frozenset[date] = frozenset(),
) -> PriceSeries:
    """Return prices from `start` to `end` without gaps: those of `slots`, and estimates where there is none.

    `slots` are in order and hold the past days as well. The estimate of an import price is high, that of an export price
    low, by half the usual deviation. Where nothing is known at all the price is `fallback`; without one raise ValueError.
    """
    days = _by_day(slots, zone)
    imports = _Estimator({day: d[0] for day, d in days.items()}, zone, holidays, RISK)
    exports = _Estimator({day: d[1] for day, d in days.items() if d[1]}, zone, holidays, -RISK)
    known = [s for s in slots if start < s.end and s.start < end]
    filled = []
    at = start
    for slot in known:
        filled += [imports.slot(a, b, exports, fallback) for a, b in _quarters(at, slot.start)]
        # only the part from start to end
        filled += [
            part
            for part in cut(slot, sorted({max(start, slot.start), min(end, slot.end)}))
            if start <= part.start < end
        ]
        at = max(at, slot.end)
    filled += [imports.slot(a, b, exports, fallback) for a, b in _quarters(at, end)]
    return PriceSeries(tuple(filled), currency)


def day_type(day: date, holidays: frozenset[date] = frozenset()) -> DayType:
    """Return the type of a day."""
    if day in holidays or day.weekday() == 6:
        return DayType.SUNDAY
    return DayType.SATURDAY if day.weekday() == 5 else DayType.WORKDAY


class _Estimator:
    """Estimates one kind of price from what it was per day and quarter hour."""

    def __init__(
        self,
        days: dict[date, dict[int, float]],
        zone: tzinfo,
        holidays: frozenset[date],
        risk: float,
    ) -> None:
        self._days = days
        self._zone = zone
        self._holidays = holidays
        self._risk = risk
        self._usual: dict[tuple[date, DayType], _Usual] = {}

    def slot(
        self, start: datetime, end: datetime, exports: _Estimator, fallback: float | None
    ) -> PriceSlot:
        """Return the estimate for a quarter hour or less."""
        price = self.price(start)
        if price is None:
            price = fallback
        if price is None:
            raise ValueError("No price is known, so none can be estimated")
        return PriceSlot(start, end, price, exports.price(start), Certainty.ESTIMATED, SOURCE)

    def price(self, moment: datetime) -> float | None:
        """Return the price expected at a moment; None if none was ever known."""
        local = moment.astimezone(self._zone)
        day, quarter = local.date(), _quarter(local)
        usual = self._usual_of(day, day_type(day, self._holidays))
        if not usual.price:
            return None
        # a quarter hour that was never seen is as the mean of the others
        price = usual.price.get(quarter, fmean(usual.price.values()))
        deviation = usual.deviation.get(quarter, 0.0)
        return price + self._shift(day) + self._risk * deviation

    def _usual_of(self, before: date, kind: DayType) -> _Usual:
        """Return what is usual on the last days of a type that are known before, or on, a day."""
        if (before, kind) not in self._usual:
            recent = [d for d in sorted(self._days) if before - timedelta(days=DAYS) <= d <= before]
            alike = [d for d in recent if day_type(d, self._holidays) is kind][-LIKE_DAYS:]
            self._usual[before, kind] = self._of(alike if len(alike) >= NEEDED else recent)
        return self._usual[before, kind]

    def _of(self, days: Sequence[date]) -> _Usual:
        seen: dict[int, list[float]] = defaultdict(list)
        for day in days:
            for quarter, price in self._days[day].items():
                seen[quarter].append(price)
        prices = {quarter: median(values) for quarter, values in seen.items()}
        deviations = {
            quarter: median(abs(value - prices[quarter]) for value in values)
            for quarter, values in seen.items()
        }
        return _Usual(prices, deviations)

    def _shift(self, day: date) -> float:
        """Return by how much the days are dearer now than usual: less with each day since the last known one."""
        known = [d for d, prices in self._days.items() if d <= day and len(prices) >= WHOLE_DAY]
        if not known:
            return 0.0
        last = max(known)
        usual = self._usual_of(last - timedelta(days=1), day_type(last, self._holidays)).price
        both = self._days[last].keys() & usual.keys()
        if not both:
            return 0.0
        deviation = fmean(self._days[last][quarter] - usual[quarter] for quarter in both)
        return deviation * PERSISTENCE ** max(1, (day - last).days)


def _by_day(
    slots: Sequence[PriceSlot], zone: tzinfo
) -> dict[date, tuple[dict[int, float], dict[int, float]]]:
    """Return the import and export prices by local day and quarter hour; estimates teach nothing."""
    days: dict[date, tuple[dict[int, float], dict[int, float]]] = defaultdict(lambda: ({}, {}))
    for slot in slots:
        if slot.certainty is Certainty.ESTIMATED:
            continue
        for start, _ in _quarters(slot.start, slot.end):
            local = start.astimezone(zone)
            imports, exports = days[local.date()]
            imports[_quarter(local)] = slot.import_price
            if slot.export_price is not None:
                exports[_quarter(local)] = slot.export_price
    return days


def _quarter(local: datetime) -> int:
    return local.hour * 4 + local.minute // 15


def _quarters(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the quarter hours of the clock between two moments, the first and the last one cut."""
    while start < end:
        whole = datetime.fromtimestamp((start.timestamp() // 900 + 1) * 900, UTC)
        yield start, min(whole, end)
        start = min(whole, end)
