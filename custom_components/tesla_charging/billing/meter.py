"""The meter: counts what Tesla bills to one application (client id), and calculates its cost.

All entries of an application share its meter, which exists without an entry too. Months are those of Home Assistant's
time zone: Tesla does not document in which one it bills.
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
from .ledger import NO_CAR, Ledger, month_after, month_before, start_of

DAY: Final = 24 * 3600.0
MIN_MEASURED: Final = DAY
"""Seconds; over a shorter time no rate is calculated: the ten minutes of a set-up are not typical of the month."""
PREVIOUS_WEIGHT: Final = 3 * DAY
"""Seconds of the previous month's rate that are added to this month's measured time."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a month in which this meter counts; unix seconds."""

    start: float
    end: float
    """The end of the month."""

    @property
    def length(self) -> float:
        """Seconds; 0 if the meter did not count in that month."""
        return max(0.0, self.end - self.start)


def forecast(spent: float, month: Span, now: float, spent_before: float, earlier: Span) -> float:
    """Return the expected cost at the end of a month in which `spent` was spent until now.

    It assumes the rate since the count began. If there was a previous month, PREVIOUS_WEIGHT of its rate is added, which
    decides nearly all on the first day and little in the last week.
    """
    measured = min(max(0.0, now - month.start), month.length)
    left = month.length - measured
    if earlier.length >= MIN_MEASURED:
        rate = (spent + PREVIOUS_WEIGHT * spent_before / earlier.length) / (
            measured + PREVIOUS_WEIGHT
        )
    else:
        rate = spent / max(measured, MIN_MEASURED)
    return spent + rate * left


REQUEST_DELAY: Final = 30.0
SIGNAL_DELAY: Final = 300.0
"""Seconds until a count is saved: a kill or a power cut loses at most that."""
SIGNAL_INTERVAL: Final = 60.0
"""Seconds for which signals are collected before the listeners are notified."""


class Meter:
    """What one application used this month. Amounts are in `currency`, before the free credit is subtracted.

    Counted are requests that Tesla answered with a status below 500, requests that may have reached Tesla without an
    answer, and every signal that arrives.
    """

    def __init__(self, hass: HomeAssistant, ledger: Ledger, save: Callable[[float], None]) -> None:
        """Continue with the counts of `ledger`; `save` saves them within a number of seconds."""
        self._hass = hass
        self._ledger = ledger
        self._save = save
        self._listeners = Listeners[()]()
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._receivers: dict[str, str] = {}
        """By VIN: the receiver (entry id) that counts the car's signals."""
        self._signals_until_notify: float = float("inf")
        self._counts_by_car = True
        self._prices = price_list(DEFAULT_CURRENCY)
        self.operations: dict[str, int] = {}
        """The number of requests since Home Assistant's start by operation, including free ones."""
        self.unanswered = 0
        """How many of the billed requests got no answer."""
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
        self._signals_until_notify -= count
        if self._signals_until_notify < 0:
            self._notify()
        elif self._cancel_timer is None:
            job = HassJob(self._notify, f"{DOMAIN} signals on the meter", cancel_on_shutdown=True)
            self._cancel_timer = async_call_later(self._hass, SIGNAL_INTERVAL, job)

    def _add(self, vin: str, category: Category, count: int) -> None:
        self._turn()
        self._ledger.add(vin if self._counts_by_car else NO_CAR, category, count)

    @callback
    def start_receiving(self, vin: str, receiver: str) -> bool:
        """Return whether this receiver (an entry id) counts a car's signals: of several, the first one does."""
        return self._receivers.setdefault(vin, receiver) == receiver

    @callback
    def stop_receiving(self, receiver: str, vin: str | None = None) -> None:
        """Let another receiver count a car's signals, or (None) those of all its cars."""
        for counted, by in [*self._receivers.items()]:
            if by == receiver and vin in {None, counted}:
                del self._receivers[counted]

    @callback
    def anonymize_cars(self) -> None:
        """Keep the counts, but not by car: no entry uses the application any more."""
        self._counts_by_car = False
        for vin in self._ledger.vins:
            self.anonymize_car(vin)

    @callback
    def anonymize_car(self, vin: str) -> None:
        """Keep the counts of a car that has left, without its VIN."""
        self._ledger.anonymize(vin)
        self._save(0)

    @callback
    def begin(self, currency: str) -> None:
        """Count for an entry that is billed in this currency; in dollars if Tesla's prices in it are not known."""
        self._counts_by_car = True
        self._prices = price_list(currency)
        self._notify()

    # -- listeners ----------------------------------------------------------------------------------

    @callback
    def subscribe(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `listener` after a count: of requests at once, of signals once a minute. Return a function that ends it."""
        return self._listeners.subscribe(listener)

    @callback
    def notify_after(self, signals: float) -> None:
        """Notify at once after more than so many signals from now on, if that is before the minute has passed."""
        self._signals_until_notify = signals

    @callback
    def _notify(self, _: datetime | None = None) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
        self._listeners.notify()

    # -- reading ------------------------------------------------------------------------------------

    def units(self, category: Category, vin: str | None = None) -> int:
        """Return how many units were used this month, by one car or (None) in all, NO_CAR included."""
        return self._units(vin).get(category, 0)

    @property
    def requests_today(self) -> int:
        """The number of requests since local midnight or Home Assistant's start, including free ones."""
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
        """The bill of this month until now: each category rounded as Tesla does."""
        return float(self._prices.total(self._units()))

    @property
    def exact_cost(self) -> Fraction:
        """The same, not rounded."""
        return self._prices.exact(self._units())

    @property
    def costs(self) -> dict[Category, float]:
        """The same by category, as on the bill."""
        return {name: float(cost) for name, cost in self._prices.bill(self._units()).items()}

    def cost_of(self, vin: str) -> float:
        """Return a car's part of the cost, rounded to a hundredth of a cent; it is not on Tesla's bill."""
        return round(float(self._prices.exact(self._units(vin))), 4)

    @property
    def cost_before(self) -> float | None:
        """The bill of the previous month; None if there are no counts of it."""
        self._turn()
        month = month_before(self._ledger.month)
        if month not in self._ledger.months:
            return None
        return float(self._prices.total(self._ledger.units(month)))

    @property
    def credit(self) -> float:
        """Tesla's free monthly credit."""
        return float(self._prices.credit)

    @property
    def credit_left(self) -> float:
        """The rest of it; never below 0."""
        return float(max(Fraction(0), self._prices.credit - self._prices.total(self._units())))

    def projected(self, now: datetime) -> float:
        """Return the expected bill at the end of the month (see forecast())."""
        self._turn()
        month = self._ledger.month
        earlier = month_before(month)
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
        start, end = _start(month).timestamp(), _start(month_after(month)).timestamp()
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
        return _start(month_after(self._ledger.month))

    @property
    def ledger(self) -> Ledger:
        """The counts of all months."""
        return self._ledger

    def _units(self, vin: str | None = None) -> dict[Category, int]:
        self._turn()
        return self._ledger.units(self._ledger.month, vin)

    def _turn(self) -> None:
        if self._ledger.turn(clock.today()):
            self._save(REQUEST_DELAY)


def _start(month: str) -> datetime:
    return start_of(month, dt_util.get_default_time_zone())
