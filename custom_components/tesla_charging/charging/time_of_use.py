"""Prices by the time of day, as a person writes them: "22:00-06:00 0.18" or "17:00-21:00 0.42 mon-fri oct-mar"."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final

from ..smart_charging.normalise import Fee

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
MOST: Final = 60
"""Lines of a table."""
DEAREST: Final = 100_000.0


class BadLine(ValueError):
    """A line that cannot be read; the text is the line."""


@dataclass(frozen=True, slots=True)
class _Span:
    first: int
    last: int

    def members(self, size: int) -> frozenset[int]:
        length = (self.last - self.first) % size
        return frozenset((self.first + step) % size for step in range(length + 1))


def read_fees(text: str) -> tuple[Fee, ...]:
    """Return the rows of a text, one a line; raise BadLine for the first that cannot be read."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise BadLine(lines[MOST])
    return tuple(_fee(line) for line in lines)


def write_fees(fees: Sequence[Fee]) -> str:
    """Return the text of which `read_fees` makes the same rows."""
    return "\n".join(
        " ".join(
            [
                f"{fee.start:%H:%M}-{'24:00' if fee.end == time(0) else f'{fee.end:%H:%M}'}",
                f"{fee.per_kwh:g}",
                *_names(fee.weekdays, DAYS, 0),
                *_names(fee.months, MONTHS, 1),
            ]
        )
        for fee in fees
    )


def as_dicts(fees: Sequence[Fee]) -> list[dict[str, object]]:
    """Return the rows as the options hold them."""
    return [
        {
            "per_kwh": fee.per_kwh,
            "start": f"{fee.start:%H:%M}",
            "end": f"{fee.end:%H:%M}",
            "weekdays": sorted(fee.weekdays),
            "months": sorted(fee.months),
        }
        for fee in fees
    ]


def from_dicts(rows: Sequence[Mapping[str, object]]) -> tuple[Fee, ...]:
    """Return the rows of the options; raise ValueError or LookupError for what is none."""
    return tuple(
        Fee(
            float(str(row["per_kwh"])),
            time.fromisoformat(str(row["start"])),
            time.fromisoformat(str(row["end"])),
            frozenset(row["weekdays"]),  # type: ignore[call-overload]
            frozenset(row["months"]),  # type: ignore[call-overload]
        )
        for row in rows
    )


def overlap(fees: Sequence[Fee]) -> bool:
    """Return whether two rows hold at the same moment of a week."""
    for index, fee in enumerate(fees):
        for other in fees[index + 1 :]:
            if fee.months & other.months and set(_minutes(fee)) & set(_minutes(other)):
                return True
    return False


def _minutes(fee: Fee) -> Iterator[int]:
    """Yield the quarter hours of the week in which a row holds."""
    first = fee.start.hour * 60 + fee.start.minute
    last = fee.end.hour * 60 + fee.end.minute
    length = last - first if last > first else last + 24 * 60 - first
    for day in fee.weekdays:
        for minute in range(first, first + length):
            yield (day * 24 * 60 + minute) % (7 * 24 * 60)


def _fee(line: str) -> Fee:
    parts = line.replace("\N{EN DASH}", "-").lower().split()
    try:
        times, price, *spans = parts
        start, end = (_time(part) for part in times.split("-"))
        per_kwh = float(price.replace(",", "."))
        fee = Fee(
            per_kwh, start, end, _members(spans, DAYS, 0, line), _members(spans, MONTHS, 1, line)
        )
    except ValueError as error:
        raise BadLine(line.strip()) from error
    known = [s for s in spans if s.partition("-")[0] in {*DAYS, *MONTHS}]
    if len(known) != len(spans) or not abs(per_kwh) < DEAREST:
        raise BadLine(line.strip())
    return fee


def _time(text: str) -> time:
    hours, _, minutes = text.partition(":")
    if (int(hours), int(minutes or 0)) == (24, 0):
        return time(0)
    return time(int(hours), int(minutes or 0))


def _members(spans: Sequence[str], names: Sequence[str], base: int, line: str) -> frozenset[int]:
    """Return the days or months that the spans name; all if they name none."""
    found: set[int] = set()
    for span in spans:
        first, _, last = span.partition("-")
        if first in names:
            if (last or first) not in names:
                raise BadLine(line.strip())
            ends = _Span(names.index(first), names.index(last or first))
            found |= ends.members(len(names))
    return frozenset(index + base for index in (found or range(len(names))))


def _names(members: frozenset[int], names: Sequence[str], base: int) -> Iterator[str]:
    """Yield the names; nothing if they are all."""
    if len(members) < len(names):
        yield from (names[member - base] for member in sorted(members))
