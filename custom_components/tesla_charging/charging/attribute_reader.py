"""Reads the prices in an entity's attributes, in every shape that integrations use; says what it found where it cannot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
import json
import math
import re
from typing import Final

from ..smart_charging.normalise import RawPrice
from ..smart_charging.units import HUNDREDTHS, PriceUnit, UnknownUnit, price_unit
from .attribute_shapes import (
    ENDS,
    FORECASTS,
    IN_CENTS,
    LISTS,
    NOT_PUBLISHED,
    ONLY_EXPECTED,
    PRICES,
    STARTS,
    PriceKey,
)

MAX_ROWS: Final = 3_000
"""More than a week of five minutes is no list of prices."""
MAX_ATTRIBUTES: Final = 1_000
MAX_TEXT: Final = 500_000
"""Characters of a list that is written as JSON text."""
WHOLE: Final = 1_000
"""A price in ten millionths of a euro is far above it, one in euros or cents is below."""
SAME: Final = 12
"""From so many different prices on, two days never have the same ones: it is a copy."""
HOUR_NAME: Final = re.compile(r"price_(next_day_|last_day_)?([0-2]\d)h(_d)?")
DAYS: Final = {"": 0, "next_day_": 1, "last_day_": -1}
SHOWN: Final = 12
"""How many names a message lists at most."""


class Reason(StrEnum):
    """Why the attributes were not understood; the values are their texts."""

    NO_LIST = "No attribute has a list of prices. There are: {found}"
    EMPTY = "{where} has no prices"
    NOT_ROWS = "Row {row} of {where} is no set of values but {found}"
    NO_TIME = "The rows of {where} have no time that is understood, but {found}"
    NO_PRICE = "The rows of {where} have no price that is understood, but {found}"
    TOO_MANY = "{where} has {found} rows; more than {most} are no list of prices"
    DAY_LENGTH = "{where} has {found} prices, and the day {hours} hours"
    NO_UNIT = "The prices have no unit, such as EUR/kWh"
    UNKNOWN_UNIT = "{found}"


class NotUnderstood(ValueError):
    """Attributes with no prices that can be read; the text says what was found."""

    def __init__(self, reason: Reason, **placeholders: str) -> None:
        """Say why, with what was found."""
        self.reason = reason
        self.placeholders = placeholders
        super().__init__(reason.format(**placeholders))


@dataclass(frozen=True, slots=True)
class AttributePrices:
    """The prices in an entity's attributes, as they are written."""

    rows: tuple[RawPrice, ...]
    """Published."""
    forecast: tuple[RawPrice, ...]
    """Expected by the provider; holds where the published ones have no price."""
    unit: PriceUnit
    price_now: float | None
    """The entity's state in the unit of the rows; None where it says no price."""
    where: tuple[str, ...]
    """The attributes in which they were found."""
    copied: bool = False
    """What stood for tomorrow was today's list again, and is left out."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of some attributes."""

    rows: tuple[RawPrice, ...]
    where: tuple[str, ...]
    unit: str | PriceUnit = ""
    copied: bool = False


def read_attributes(
    state: str,
    attributes: Mapping[str, object],
    *,
    unit: str,
    zone: tzinfo,
    written: datetime,
    names: Sequence[str] = (),
) -> AttributePrices:
    """Return the prices of an entity.

    `unit` is the entity's, or what is to be taken where it names none. `written` is when the entity's state was last
    updated: prices without a date are of that day in `zone`. `names` are the attributes to look in, if they are known.
    Raise NotUnderstood.
    """
    if len(attributes) > MAX_ATTRIBUTES and not names:
        raise NotUnderstood(
            Reason.TOO_MANY, where="-", found=str(len(attributes)), most=str(MAX_ATTRIBUTES)
        )
    day = written.astimezone(zone).date()
    part = _find(attributes, (tuple(names),) if names else LISTS, zone, day)
    own = _unit_of(attributes, unit)
    row_unit = _unit(part.unit or own)
    forecast: tuple[RawPrice, ...] = ()
    where = part.where
    if not set(FORECASTS) & set(where):
        for name in FORECASTS:
            found = _rows(name, attributes.get(name))
            if found and _unit(found.unit or own) == row_unit:
                forecast, where = found.rows, (*where, name)
                break
    rows = part.rows
    if part.where == ONLY_EXPECTED:
        rows, forecast = (), part.rows
    price_now = price_in(state, own, row_unit)
    return AttributePrices(rows, forecast, row_unit, price_now, where, part.copied)


def _find(
    attributes: Mapping[str, object], lists: Sequence[Sequence[str]], zone: tzinfo, day: date
) -> _Part:
    """Return the prices of the first shape that fits."""
    problems: list[NotUnderstood] = []
    for names in lists:
        try:
            if part := _day_by_day(attributes, names, zone, day):
                return part
        except NotUnderstood as problem:
            problems.append(problem)
    for part in (_named_hours(attributes, zone, day), _times_as_names(attributes)):
        if part:
            return part
    empty = [name for names in lists for name in names if attributes.get(name) in ([], {}, None)]
    if problems:
        raise problems[0]
    if present := [name for name in empty if name in attributes]:
        raise NotUnderstood(Reason.EMPTY, where=", ".join(present[:SHOWN]))
    raise NotUnderstood(Reason.NO_LIST, found=_kinds(attributes))


def _day_by_day(
    attributes: Mapping[str, object], names: Sequence[str], zone: tzinfo, day: date
) -> _Part | None:
    """Return the prices in one attribute, or in one for today and one for tomorrow."""
    parts = []
    for offset, name in enumerate(names):
        if offset and attributes.get(NOT_PUBLISHED) is False:
            continue
        value = attributes.get(name)
        if part := _bare(name, value, day + timedelta(days=offset), zone) or _rows(name, value):
            parts.append(part)
    if not parts:
        return None
    units = {part.unit for part in parts}
    # whole numbers tell their unit only together with others
    copied = len(parts) == 2 and len(units) == 1 and _same_prices(parts[0].rows, parts[1].rows)
    if copied:
        parts = parts[:1]
    rows = tuple(row for part in parts for row in part.rows)
    return _Part(rows, tuple(part.where[0] for part in parts), parts[0].unit, copied)


def _same_prices(today: Sequence[RawPrice], tomorrow: Sequence[RawPrice]) -> bool:
    before = [str(row.value) for row in today]
    return before == [str(row.value) for row in tomorrow] and len(set(before)) >= SAME


def _rows(name: str, value: object) -> _Part | None:
    """Return the prices of a list of rows, or of an object from times to prices; None for anything else."""
    value = _unpacked(value)
    if isinstance(value, Mapping) and value:
        _check_count(name, value)
        if not all(_is_time(key) for key in value):
            return None
        return _Part(tuple(RawPrice(key, price) for key, price in value.items()), (name,))
    if not isinstance(value, list | tuple) or not value:
        return None
    _check_count(name, value)
    first = value[0]
    if not isinstance(first, Mapping):
        raise NotUnderstood(Reason.NOT_ROWS, where=name, row="1", found=_kind(first))
    start = next((key for key in STARTS if _is_time(first.get(key))), None)
    if start is None:
        raise NotUnderstood(Reason.NO_TIME, where=name, found=_sample(first))
    price = next((key for key in PRICES if _has(first, key)), None)
    if price is None:
        raise NotUnderstood(Reason.NO_PRICE, where=name, found=_sample(first))
    end = next((key for key in ENDS if _is_time(first.get(key))), None)
    rows = tuple(_each(name, value, start, end, price))
    return _Part(rows, (name,), _key_unit(price, rows))


def _each(
    name: str, rows: Sequence[object], start: str, end: str | None, price: PriceKey
) -> Iterator[RawPrice]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping) or start not in row:
            raise NotUnderstood(Reason.NOT_ROWS, where=name, row=str(number), found=_kind(row))
        value = row.get(price.key)
        if price.within and isinstance(value, Mapping):
            value = value.get(price.within)
        yield RawPrice(row[start], value, row.get(end) if end else None)


def _has(row: Mapping[str, object], price: PriceKey) -> bool:
    value = row.get(price.key, row)
    # a price that is not published yet is there, as nothing
    if price.within:
        return isinstance(value, Mapping) and price.within in value
    return price.key in row and not isinstance(value, Mapping | list | bool)


def _key_unit(price: PriceKey, rows: Sequence[RawPrice]) -> str | PriceUnit:
    if not price.whole:
        return price.unit
    values = [row.value for row in rows if row.value is not None]
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
    large = any(isinstance(v, int) and abs(v) >= WHOLE for v in values)
    return price.unit if whole and large else ""


def _bare(name: str, value: object, day: date, zone: tzinfo) -> _Part | None:
    """Return the prices of a list of numbers, from midnight on; None for anything else."""
    value = _unpacked(value)
    if not isinstance(value, list | tuple) or not value or isinstance(value[0], Mapping | str):
        return None
    _check_count(name, value)
    if not all(
        v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in value
    ):
        return None
    midnight = datetime.combine(day, time(0), zone).astimezone(UTC)
    ends = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    hours = (ends - midnight) / timedelta(hours=1)
    per_hour = len(value) / hours
    if per_hour not in {1, 2, 4, 12}:
        raise NotUnderstood(
            Reason.DAY_LENGTH, where=name, found=str(len(value)), hours=f"{hours:g}"
        )
    step = (ends - midnight) / len(value)
    return _Part(tuple(RawPrice(midnight + i * step, v) for i, v in enumerate(value)), (name,))


def _named_hours(attributes: Mapping[str, object], zone: tzinfo, day: date) -> _Part | None:
    """Return the prices of attributes such as `price_02h`; `price_02h_d` is the hour that comes twice."""
    rows, where = [], []
    for name, value in attributes.items():
        match = HOUR_NAME.fullmatch(name) if isinstance(name, str) else None
        if match is None or int(match[2]) > 23:
            continue
        local = datetime.combine(
            day + timedelta(days=DAYS[match[1] or ""]),
            time(int(match[2]), fold=1 if match[3] else 0),
            zone,
        )
        utc = local.astimezone(UTC)
        # an hour that the clock change leaves out, or that does not come twice
        if utc.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            continue
        if match[3] and local.utcoffset() == local.replace(fold=0).utcoffset():
            continue
        rows.append(RawPrice(utc, value))
        where.append(name)
    return _Part(tuple(rows), (where[0], where[-1])) if len(rows) >= 2 else None


def _times_as_names(attributes: Mapping[str, object]) -> _Part | None:
    """Return the prices of attributes that have times as their names."""
    rows = tuple(
        RawPrice(name, value) for name, value in attributes.items() if _is_time(name, text=True)
    )
    if len(rows) < 2:
        return None
    return _Part(rows, (str(rows[0].start), str(rows[-1].start)))


def _unit_of(attributes: Mapping[str, object], unit: str) -> str:
    """Return the unit of the entity's price, as far as it says one."""
    if not unit:
        own = attributes.get("unit_of_measurement")
        energy, currency = attributes.get("unit"), attributes.get("currency")
        if isinstance(own, str) and own:
            unit = own
        elif isinstance(energy, str) and isinstance(currency, str):
            unit = energy if "/" in energy else f"{currency}/{energy}"
    money, slash, energy = unit.partition("/")
    in_cents = any(attributes.get(name) is True for name in IN_CENTS)
    if in_cents and slash and money.strip().lower() not in HUNDREDTHS:
        return f"ct/{energy}"
    return unit


def _unit(unit: str | PriceUnit) -> PriceUnit:
    if isinstance(unit, PriceUnit):
        return unit
    if not unit:
        raise NotUnderstood(Reason.NO_UNIT)
    try:
        return price_unit(unit)
    except UnknownUnit as error:
        raise NotUnderstood(Reason.UNKNOWN_UNIT, found=str(error)) from error


def price_in(state: str, own: str, unit: PriceUnit) -> float | None:
    """Return a state that has a unit of its own in another one; None if it is no price."""
    try:
        number, from_unit = float(state), price_unit(own)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return number * from_unit.factor / unit.factor


def _unpacked(value: object) -> object:
    """Return what a JSON text holds; templates often write their lists so."""
    if not isinstance(value, str) or value[:1] not in {"[", "{"} or len(value) > MAX_TEXT:
        return value
    try:
        unpacked: object = json.loads(value)
    except ValueError, RecursionError:
        return value
    return unpacked


def _check_count(name: str, value: Sequence[object] | Mapping[object, object]) -> None:
    if len(value) > MAX_ROWS:
        raise NotUnderstood(Reason.TOO_MANY, where=name, found=str(len(value)), most=str(MAX_ROWS))


def _is_time(value: object, *, text: bool = False) -> bool:
    """Whether it is a date with a time; with `text`, only if it is written."""
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value.strip())
        except ValueError:
            return False
        return ":" in value
    if text or isinstance(value, bool):
        return False
    return isinstance(value, datetime) or (isinstance(value, int | float) and value >= 1e9)


def _kinds(attributes: Mapping[str, object]) -> str:
    """Return names of attributes and what they hold, those with lists first."""
    ranked = sorted(attributes.items(), key=lambda item: not isinstance(item[1], list | Mapping))
    shown = [f"{_short(name)} ({_kind(value)})" for name, value in ranked[:SHOWN]]
    return ", ".join(shown) or "-"


def _kind(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"list of {len(value)}" + (f", first {_kind(value[0])}" if value else "")
    if isinstance(value, Mapping):
        return "{" + ", ".join(_short(key) for key in list(value)[:SHOWN]) + "}"
    return type(value).__name__ if value is None or isinstance(value, bool) else _short(value)


def _sample(row: Mapping[str, object]) -> str:
    """Return a row as far as a message can show it."""
    return ", ".join(f"{_short(k)}: {_short(v)}" for k, v in list(row.items())[:SHOWN])


def _short(value: object) -> str:
    if isinstance(value, list | tuple | Mapping):
        return "list" if not isinstance(value, Mapping) else "object"
    try:
        text = str(value)[:200]
    except ValueError:
        # a number with thousands of digits
        text = type(value).__name__
    return text if len(text) <= 40 else f"{text[:39]}…"
