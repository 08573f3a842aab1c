"""Turns what a price source gives into price slots in UTC, currency per kWh; refuses what makes no sense, with a reason."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise
import math
from statistics import median
from typing import Final

from .series import Certainty, PriceSlot
from .units import PriceUnit, UnknownUnit, price_unit

MAX_ROWS: Final = 20_000
"""More than half a year of quarter hours is no list of prices."""
MOST_PER_KWH: Final = {
    # the European market stops at 5 euros, and no day's median was above 1
    "EUR": 4.0,
    "GBP": 4.0,
    "CHF": 4.0,
    "USD": 5.0,
    "JPY": 1_000.0,
    "HUF": 3_000.0,
    "KRW": 5_000.0,
    "INR": 1_000.0,
    "CLP": 5_000.0,
    "COP": 20_000.0,
    "IDR": 50_000.0,
    "ISK": 1_000.0,
    "PHP": 500.0,
    "THB": 500.0,
    "TWD": 500.0,
    "UAH": 500.0,
    "TRY": 500.0,
    "CZK": 200.0,
    "RSD": 1_000.0,
    "": 1_000.0,
}
"""A median price above it is in another unit; for other currencies it is OTHERS."""
OTHERS: Final = 20.0
MOST_EVER: Final = 100.0
"""By how much a single price may exceed that."""
SLIP: Final = 50.0
"""By how much list and present price differ at least if one is in another unit (cents: 100)."""
SLIP_AT_LEAST: Final = 10.0
"""By how much they differ at least if the present price, in another unit, is that of a row."""
SLIPS: Final = (100.0, 1000.0)
"""Between a currency and its hundredths, and between kWh and MWh."""
ROUNDING: Final = 0.05
"""By how much the present price may differ from the row that holds now: entities round."""
NEARLY: Final = timedelta(seconds=2)
"""By which a source writes its times beside the minute that it means: 12:00:01, 23:59:59."""
MINUTE: Final = timedelta(minutes=1)
"""Also by which an end may stand before the next start: 12:59."""
SHOWN: Final = 60
"""How much of a value a text shows."""
LONGEST: Final = timedelta(days=8)
"""No price holds for longer."""


class Refused(ValueError):
    """Prices that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class RawPrice:
    """One row of a source, as it is given."""

    start: object
    """A datetime, an ISO 8601 text, or unix seconds or milliseconds. Without a zone it is local time."""
    value: object
    """A number, or one as a text (also "31,60"); None is not published yet."""
    end: object = None
    """As the start; None: the next row's start."""


@dataclass(frozen=True, slots=True)
class Fee:
    """What is added at some times of the day, local time: a grid fee with day and night rates."""

    per_kwh: float
    start: time = time(0)
    end: time = time(0)
    """00:00 is the end of the day. An end before the start is on the next day, and the row counts for the day it starts on."""
    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Monday."""
    months: frozenset[int] = frozenset(range(1, 13))


@dataclass(frozen=True, slots=True)
class Formula:
    """From the price of the market to what is paid: (price x factor + addition + fees) x (1 + VAT)."""

    factor: float = 1.0
    addition: float = 0.0
    """Currency per kWh, before VAT."""
    vat_percent: float = 0.0
    fees: tuple[Fee, ...] = ()
    """All rows that hold at a moment are added, before VAT."""

    def __post_init__(self) -> None:
        """Refuse numbers that are none."""
        numbers = (self.factor, self.addition, self.vat_percent, *(f.per_kwh for f in self.fees))
        if not all(map(math.isfinite, numbers)):
            raise Refused("The formula has a number that is not finite")
        if not 0 <= self.vat_percent <= 100:
            raise Refused(f"A VAT of {self.vat_percent} % cannot be")


@dataclass(frozen=True, slots=True)
class _Row:
    start: datetime
    end: datetime | None
    value: float


def normalise(
    rows: Iterable[RawPrice],
    *,
    unit: str | PriceUnit,
    zone: tzinfo,
    source: str,
    currency: str = "",
    formula: Formula = Formula(),
    certainty: Certainty = Certainty.KNOWN,
    price_now: float | None = None,
) -> tuple[PriceSlot, ...]:
    """Return the slots in order, without overlaps; where the source has a gap, they have one.

    `zone` is that of times without one, and of the formula's fees. `currency` is the one wanted (ISO 4217), `price_now`
    what the source says is the price now, in the same unit. Of rows with the same start the last one counts. Raise
    Refused for what makes no sense.
    """
    unit = _unit(unit, currency)
    read = list(_read(rows, zone))
    if not read:
        raise Refused("There is no price in it")
    _check_size(read, unit, currency or unit.currency, price_now)
    slots = [
        PriceSlot(row.start, end, row.value * unit.factor, None, certainty, source)
        for row, end in _with_ends(read)
    ]
    return tuple(_apply(formula, slots, zone))


def combine(imports: Sequence[PriceSlot], exports: Sequence[PriceSlot]) -> tuple[PriceSlot, ...]:
    """Return the import slots with the export prices of the same times, cut where the export price changes."""
    borders = sorted({moment for slot in exports for moment in (slot.start, slot.end)})
    result = []
    for slot in imports:
        for part in cut(slot, borders):
            price = next((e for e in exports if e.start <= part.start < e.end), None)
            result.append(replace(part, export_price=price.import_price if price else None))
    return tuple(result)


def overlay(below: Sequence[PriceSlot], above: Sequence[PriceSlot]) -> tuple[PriceSlot, ...]:
    """Return the slots of `above`, and of `below` where `above` has none: a correction over what was known."""
    borders = sorted({moment for slot in above for moment in (slot.start, slot.end)})
    kept = [
        part
        for slot in below
        for part in cut(slot, borders)
        if not any(a.start <= part.start < a.end for a in above)
    ]
    return tuple(sorted([*kept, *above], key=lambda slot: slot.start))


def cut(slot: PriceSlot, borders: Iterable[datetime]) -> Iterator[PriceSlot]:
    """Cut a slot at the borders (in order) that lie within it."""
    start = slot.start
    for border in borders:
        if start < border < slot.end:
            yield replace(slot, start=start, end=border)
            start = border
    yield replace(slot, start=start)


def _unit(unit: str | PriceUnit, currency: str) -> PriceUnit:
    if isinstance(unit, str):
        try:
            unit = price_unit(unit)
        except UnknownUnit as error:
            raise Refused(str(error)) from error
    if currency and unit.currency and unit.currency != currency:
        raise Refused(f"The prices are in {unit.currency}, not in {currency}")
    return unit


def _read(rows: Iterable[RawPrice], zone: tzinfo) -> Iterator[_Row]:
    """Yield the rows that have a price, in UTC and in order; the last one of each start."""
    read: dict[datetime, _Row] = {}
    local: set[datetime] = set()
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise Refused(f"More than {MAX_ROWS} rows are no list of prices")
        start = _moment(row.start, zone, local, f"Row {number}")
        if start is None or row.value is None or row.value == "":
            continue
        end = None
        if row.end is not None:
            end = _moment(row.end, zone, None, f"Row {number}")
            if end is not None and end <= start:
                # the hour that a clock change repeats, written in local time
                end = end + timedelta(hours=1) if start - end < timedelta(hours=1) else end
                if end <= start:
                    times = f"{_shown(row.start)} to {_shown(row.end)}"
                    raise Refused(f"Row {number} ends before it starts: {times}")
        read[start] = _Row(start, end, _number(row.value, f"Row {number}"))
    yield from (read[start] for start in sorted(read))


def _number(value: object, where: str) -> float:
    number = math.nan
    if isinstance(value, str):
        text = value.strip()
        try:
            number = float(text.replace(",", ".") if "." not in text else text)
        except ValueError:
            raise Refused(f"{where} has no price but {_shown(value)}") from None
    elif not isinstance(value, bool):
        try:
            number = float(value)  # type: ignore[arg-type]  # a Decimal, or whatever can be a number
        except TypeError, ValueError, OverflowError:
            raise Refused(f"{where} has no price but {_shown(value)}") from None
    if not math.isfinite(number):
        raise Refused(f"{where} has no price but {_shown(value)}")
    return number


def _moment(value: object, zone: tzinfo, seen: set[datetime] | None, where: str) -> datetime | None:
    """Return a moment in UTC; None for a local time that a clock change leaves out.

    A local time that comes twice in a list (`seen`) is before the clock change, then after it.
    """
    moment = _parsed(value, where)
    try:
        if moment.tzinfo is None:
            first = moment.replace(tzinfo=zone, fold=0)
            second = moment.replace(tzinfo=zone, fold=1)
            if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
                return None
            twice = first.utcoffset() != second.utcoffset()
            repeated = twice and seen is not None and moment in seen
            if seen is not None:
                seen.add(moment)
            moment = second if repeated else first
        moment = moment.astimezone(UTC)
        minute = moment.replace(second=0, microsecond=0)
        for near in (minute, minute + MINUTE):
            if abs(moment - near) <= NEARLY:
                return near
    except OverflowError:
        raise Refused(f"{where} has an impossible time: {_shown(value)}") from None
    return moment.replace(microsecond=0)


def _parsed(value: object, where: str) -> datetime:
    if isinstance(value, datetime):
        return value
    # a small number is an hour of the day or an index, not a time; a large one is beyond the year 9999
    if isinstance(value, int | float) and not isinstance(value, bool) and 1e9 <= value < 2.5e14:
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            pass
    raise Refused(f"{where} has no time but {_shown(value)}")


def _shown(value: object) -> str:
    """Return a value as a text shows it, whatever it is."""
    try:
        text = repr(value)
    except ValueError:
        # a number with thousands of digits
        text = type(value).__name__
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _with_ends(rows: Sequence[_Row]) -> Iterator[tuple[_Row, datetime]]:
    """Yield each row with its end: its own, but not beyond the next start; without one, as long as the others."""
    lengths = Counter(after.start - before.start for before, after in pairwise(rows))
    usual, times = lengths.most_common(1)[0] if lengths else (timedelta(hours=1), 0)
    # a time-of-use table has rows of all lengths; in a regular list a longer one is a gap
    regular = times >= 2 and times >= 0.6 * lengths.total()
    for index, row in enumerate(rows):
        following = rows[index + 1].start if index + 1 < len(rows) else None
        end = row.end
        if end is None:
            end = row.start + usual if regular or following is None else following
        if following is not None:
            end = following if abs(following - end) <= MINUTE else min(end, following)
        if end - row.start > LONGEST:
            raise Refused(f"The price of {row.start:%Y-%m-%d %H:%M} would hold for over a week")
        yield row, end


def _check_size(
    rows: Sequence[_Row], unit: PriceUnit, currency: str, price_now: float | None
) -> None:
    """Refuse prices that are so large, or so unlike the present one, that they are in another unit."""
    values = [abs(row.value) for row in rows]
    usual = median(values)
    most = MOST_PER_KWH.get(currency, OTHERS)
    if usual * unit.factor > most or max(values) * unit.factor > most * MOST_EVER:
        price = usual if usual * unit.factor > most else max(values)
        raise Refused(
            f"Prices around {price * unit.factor:g} {currency} per kWh cannot be: the unit is another one"
        )
    if price_now and usual and _slipped(values, usual, abs(price_now)):
        raise Refused(
            f"Prices around {usual:g} and a present price of {price_now:g} are not in the same unit"
        )


def _slipped(values: Sequence[float], usual: float, price_now: float) -> bool:
    """Whether the present price is in another unit than the rows, one of which holds now."""

    def is_a_row(price: float) -> bool:
        return any(abs(value - price) <= ROUNDING * price for value in values)

    if is_a_row(price_now):
        return False
    ratio = max(price_now / usual, usual / price_now)
    if ratio > SLIP:
        return True
    return ratio > SLIP_AT_LEAST and any(
        is_a_row(price_now * slip) or is_a_row(price_now / slip) for slip in SLIPS
    )


def _apply(formula: Formula, slots: Sequence[PriceSlot], zone: tzinfo) -> Iterator[PriceSlot]:
    """Yield the slots at what is paid, cut where a fee begins or ends."""
    vat = 1 + formula.vat_percent / 100
    for slot in slots:
        parts = cut(slot, _fee_borders(formula, slot, zone)) if formula.fees else (slot,)
        for part in parts:
            fees = sum(fee.per_kwh for fee in formula.fees if _holds(fee, part.start, zone))
            price = (part.import_price * formula.factor + formula.addition + fees) * vat
            yield part if price == part.import_price else replace(part, import_price=price)


def _fee_borders(formula: Formula, slot: PriceSlot, zone: tzinfo) -> list[datetime]:
    borders = set()
    first, last = slot.start.astimezone(zone).date(), slot.end.astimezone(zone).date()
    for days in range((last - first).days + 1):
        day = first + timedelta(days=days)
        for fee in formula.fees:
            for moment in (fee.start, fee.end, time(0)):
                borders.add(datetime.combine(day, moment, zone).astimezone(UTC))
    return sorted(borders)


def _holds(fee: Fee, moment: datetime, zone: tzinfo) -> bool:
    local = moment.astimezone(zone)
    at, day = local.time(), local.date()
    if fee.start < fee.end or fee.end == time(0):
        within = fee.start <= at and (fee.end == time(0) or at < fee.end)
    elif at < fee.end:
        within, day = True, day - timedelta(days=1)
    else:
        within = at >= fee.start
    return within and day.weekday() in fee.weekdays and day.month in fee.months
