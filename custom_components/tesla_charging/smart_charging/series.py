"""What is known or expected over time: prices, powers and the carbon of the grid's power, in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, auto
from itertools import pairwise
import math


class Certainty(StrEnum):
    """How sure a price is."""

    KNOWN = auto()
    """Published."""
    FORECAST = auto()
    """The provider expects it."""
    ESTIMATED = auto()
    """We expect it, from past days."""


def check_moment(name: str, moment: datetime) -> None:
    """Refuse a moment that is not in UTC or not a whole second."""
    if moment.tzinfo is not UTC and (
        moment.tzinfo is None or moment.utcoffset() != UTC.utcoffset(None)
    ):
        raise ValueError(f"{name} is not in UTC: {moment}")
    if moment.microsecond:
        raise ValueError(f"{name} is not a whole second: {moment}")


def check_number(name: str, value: float, low: float = -math.inf, high: float = math.inf) -> None:
    """Refuse a number that is not finite or not within its bounds."""
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}, not {value}")


@dataclass(frozen=True, slots=True)
class Window:
    """A time from `start` to before `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse a window without time."""
        check_moment("start", self.start)
        check_moment("end", self.end)
        if self.end <= self.start:
            raise ValueError(f"A window ends after it starts: {self.start} to {self.end}")


def check_row(name: str, windows: Sequence[Window], *, gaps: bool) -> None:
    """Refuse windows that are not in order, overlap, or (without `gaps`) leave a gap."""
    for before, after in pairwise(windows):
        if after.start < before.end:
            raise ValueError(f"{name} overlap or are not in order at {after.start}")
        if after.start > before.end and not gaps:
            raise ValueError(f"{name} leave a gap from {before.end} to {after.start}")


@dataclass(frozen=True, slots=True)
class PriceSlot(Window):
    """The price of a kWh in a window, with all that is paid for it."""

    import_price: float
    """From the grid, currency per kWh; may be negative."""
    export_price: float | None = None
    """For what is fed in, currency per kWh; None is nothing."""
    certainty: Certainty = Certainty.KNOWN
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse prices that are no numbers."""
        Window.__post_init__(self)
        check_number("import_price", self.import_price)
        if self.export_price is not None:
            check_number("export_price", self.export_price)


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Prices over time, without gaps and in order; slots of any lengths."""

    slots: tuple[PriceSlot, ...]
    currency: str = ""

    def __post_init__(self) -> None:
        """Refuse a series that is empty or has gaps."""
        if not self.slots:
            raise ValueError("A price series has at least one slot")
        check_row("Prices", self.slots, gaps=False)


@dataclass(frozen=True, slots=True)
class PowerSlot(Window):
    """The mean power expected in a window, watts; `low` and `high` are the tenth and ninetieth percentile."""

    median: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Refuse powers that are negative or not in order."""
        Window.__post_init__(self)
        check_number("median", self.median, 0)
        if (self.low is None) != (self.high is None):
            raise ValueError("A forecast has both low and high, or neither")
        if self.low is not None and self.high is not None:
            check_number("low", self.low, 0, self.median)
            check_number("high", self.high, self.median)


@dataclass(frozen=True, slots=True)
class PowerForecast:
    """Powers over time, in order; where there is no slot, the power is 0."""

    slots: tuple[PowerSlot, ...]

    def __post_init__(self) -> None:
        """Refuse slots that overlap."""
        check_row("Forecasts", self.slots, gaps=True)


@dataclass(frozen=True, slots=True)
class Co2Slot(Window):
    """The carbon dioxide of a kWh from the grid in a window."""

    kg_per_kwh: float

    def __post_init__(self) -> None:
        """Refuse what is negative."""
        Window.__post_init__(self)
        check_number("kg_per_kwh", self.kg_per_kwh, 0)


@dataclass(frozen=True, slots=True)
class Co2Series:
    """Carbon dioxide over time, in order; where there is no slot, it is 0."""

    slots: tuple[Co2Slot, ...]

    def __post_init__(self) -> None:
        """Refuse slots that overlap."""
        check_row("Slots of carbon dioxide", self.slots, gaps=True)
