"""The meter: what Tesla charges for, counted where it happens, and what that costs.

Tesla bills the owner of an application, so there is one meter for each application (client id), whichever and however
many entries work with it; it exists without any, because a set-up asks Tesla before there is an entry. Months are those
of Home Assistant's own time zone: Tesla does not document in which one it bills.

Counted are requests that Tesla answered below 500, requests that may have reached it though no answer came, and every
signal that arrives. What cannot be known from here: what a car sent and lost on its way, or while nobody listened
(`metered_car.py`), and what others do with the same application.

What was counted is on disk within half a minute (signals alone: five), and when Home Assistant stops. A kill or a power
cut loses at most that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .. import clock
from ..const import DOMAIN
from ..fleet_api import DEFAULT_CURRENCY, Category, PriceList, RequestRecord, price_list
from ..listeners import Listeners
from .ledger import NO_CAR, Ledger, after, before, start_of

DAY: Final = 24 * 3600.0
SHORTEST: Final = DAY
"""A rate is not taken from less than this: a set-up of ten minutes is not how the month goes on."""
MEMORY: Final = 3 * DAY
"""How much of the month before counts beside what this month has shown so far."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a month in which was counted; unix seconds."""

    start: float
    end: float
    """The month's end."""

    @property
    def length(self) -> float:
        """Seconds; 0 if nothing was counted in that month."""
        return max(0.0, self.end - self.start)


def forecast(spent: float, month: Span, now: float, spent_before: float, earlier: Span) -> float:
    """Return what will have been spent at the end of a month in which `spent` was spent until now.

    It goes on at the rate since it began to be counted. If there was a month before, MEMORY of that one's rate is mixed
    in, which tells nearly all on the first day and little in the last week.
    """
    measured = min(max(0.0, now - month.start), month.length)
    left = month.length - measured
    if earlier.length >= SHORTEST:
        rate = (spent + MEMORY * spent_before / earlier.length) / (measured + MEMORY)
    else:
        rate = spent / max(measured, SHORTEST)
    return spent + rate * left


REQUEST_DELAY: Final = 30.0
SIGNAL_DELAY: Final = 300.0
"""Seconds until what was counted is on disk."""
SIGNAL_NEWS: Final = 60.0
"""Seconds for which signals pour in before anybody is told."""


class Meter:
    """What one application used this month. Amounts are in `currency`, before the free credit is taken off."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger, save: Callable[[float], None]) -> None:
        """Go on with what was counted; `save` has it written in so many seconds at the latest."""
        self._hass = hass
        self._ledger = ledger
        self._save = save
        self._listeners = Listeners[()]()
        self._cancel_news: CALLBACK_TYPE | None = None
        self._hears: dict[str, str] = {}
        self._quiet_signals: float = float("inf")
        self._knows_cars = True
        self._prices = price_list(DEFAULT_CURRENCY)
        self.operations: dict[str, int] = {}
        """How many requests of each kind, free ones too, were sent since Home Assistant's start."""
        self.unanswered = 0
        """How many of those that are counted got no answer."""
        self._day = clock.today().date()
        self._today = 0

    # -- counting -----------------------------------------------------------------------------------

    @callback
    def add_request(self, record: RequestRecord) -> None:
        """Count a request that may have reached Tesla."""
        name = f"{record.operation.name} ({record.operation.category})"
        self.operations[name] = self.operations.get(name, 0) + 1
        self._today = self.requests_today + 1
        self._day = clock.today().date()
        if record.is_billed:
            self.unanswered += record.status is None
            self._add(record.vin or NO_CAR, record.operation.category, 1)
            self._save(REQUEST_DELAY)
            self._notify()

    @callback
    def add_signals(self, vin: str, count: int) -> None:
        """Count signals that a car has streamed."""
        if count <= 0:
            return
        self._add(vin, Category.STREAMING, count)
        self._save(SIGNAL_DELAY)
        self._quiet_signals -= count
        if self._quiet_signals < 0:
            self._notify()
        elif self._cancel_news is None:
            job = HassJob(self._notify, f"{DOMAIN} signals on the meter", cancel_on_shutdown=True)
            self._cancel_news = async_call_later(self._hass, SIGNAL_NEWS, job)

    def _add(self, vin: str, category: Category, count: int) -> None:
        self._turn()
        self._ledger.add(vin if self._knows_cars else NO_CAR, category, count)

    @callback
    def start_receiving(self, vin: str, listener: str) -> bool:
        """Return whether this listener (an entry's id) counts a car's signals: of several, the first one does."""
        return self._hears.setdefault(vin, listener) == listener

    @callback
    def stop_receiving(self, listener: str, vin: str | None = None) -> None:
        """Let another one count a car's signals, or those of all cars."""
        for heard in [v for v, by in self._hears.items() if by == listener and vin in {None, v}]:
            del self._hears[heard]

    @callback
    def forget_cars(self) -> None:
        """Keep what the application used, but not by which cars: no entry works with it any more."""
        self._knows_cars = False
        for vin in self._ledger.vins:
            self.forget_car(vin)

    @callback
    def forget_car(self, vin: str) -> None:
        """Keep what a car used that has left, but not that it was this one."""
        self._ledger.forget(vin)
        self._save(0)

    @callback
    def begin(self, currency: str) -> None:
        """Work for an entry, which is billed in this currency; in dollars where Tesla's prices in it are not known."""
        self._knows_cars = True
        self._prices = price_list(currency)
        self._notify()

    # -- telling ------------------------------------------------------------------------------------

    @callback
    def subscribe(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call when something was counted: requests at once, signals once a minute. Return how to end it."""
        return self._listeners.subscribe(listener)

    @callback
    def notify_after(self, signals: float) -> None:
        """Tell at once after more than so many signals from now on, if they come faster than the minute passes."""
        self._quiet_signals = signals

    @callback
    def _notify(self, _: datetime | None = None) -> None:
        if self._cancel_news is not None:
            self._cancel_news()
            self._cancel_news = None
        self._listeners.notify()

    # -- reading ------------------------------------------------------------------------------------

    def units(self, category: Category, vin: str | None = None) -> int:
        """Return how many units were used this month, by one car or by all (and by none in particular)."""
        return self._units(vin).get(category, 0)

    @property
    def requests_today(self) -> int:
        """How many requests were sent since midnight here, free ones too, as far as this run knows."""
        return self._today if self._day == clock.today().date() else 0

    @property
    def currency(self) -> str:
        """The currency in which Tesla bills, ISO 4217."""
        return self._prices.currency

    @property
    def prices(self) -> PriceList:
        """Tesla's prices in that currency."""
        return self._prices

    @property
    def cost(self) -> float:
        """What the bill of this month says by now: each category rounded as Tesla does."""
        return float(self._prices.total(self._units()))

    @property
    def exact_cost(self) -> Fraction:
        """The same before anything is rounded."""
        return self._prices.exact(self._units())

    @property
    def costs(self) -> dict[Category, float]:
        """The same by category, as on the bill."""
        return {name: float(cost) for name, cost in self._prices.bill(self._units()).items()}

    def cost_of(self, vin: str) -> float:
        """Return a car's part of it, to a hundredth of a cent: no bill rounds it."""
        return round(float(self._prices.exact(self._units(vin))), 4)

    @property
    def cost_before(self) -> float | None:
        """What the bill of the month before said; None if nothing is known of that month."""
        self._turn()
        month = before(self._ledger.month)
        if month not in self._ledger.months:
            return None
        return float(self._prices.total(self._ledger.units(month)))

    @property
    def credit(self) -> float:
        """What Tesla gives each month for free."""
        return float(self._prices.credit)

    @property
    def credit_left(self) -> float:
        """What is left of it; never below 0."""
        return float(max(Fraction(0), self._prices.credit - self._prices.total(self._units())))

    def projected(self, now: datetime) -> float:
        """Return what the bill will say at the month's end if it goes on as it did (`meter_forecast.py`)."""
        self._turn()
        month = self._ledger.month
        earlier = before(month)
        expected = forecast(
            self._exact(month),
            self._span(month),
            now.timestamp(),
            self._exact(earlier),
            self._span(earlier),
        )
        return max(float(self._prices.rounded(Fraction(expected))), self.cost)

    def _exact(self, month: str) -> float:
        return float(self._prices.exact(self._ledger.units(month)))

    def _span(self, month: str) -> Span:
        """Return the part of a month in which this meter counts."""
        start, end = _start(month).timestamp(), _start(after(month)).timestamp()
        return Span(min(max(start, self._ledger.began), end), end)

    @property
    def month_start(self) -> datetime:
        """The first moment of this month, in local time."""
        self._turn()
        return _start(self._ledger.month)

    @property
    def month_end(self) -> datetime:
        """The first moment of the next month."""
        self._turn()
        return _start(after(self._ledger.month))

    @property
    def ledger(self) -> Ledger:
        """The counts themselves, of other months too."""
        return self._ledger

    def _units(self, vin: str | None = None) -> dict[Category, int]:
        self._turn()
        return self._ledger.units(self._ledger.month, vin)

    def _turn(self) -> None:
        if self._ledger.turn(clock.today()):
            self._save(REQUEST_DELAY)


def _start(month: str) -> datetime:
    return start_of(month, dt_util.get_default_time_zone())
