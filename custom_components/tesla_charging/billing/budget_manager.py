"""Keeps what one application spends inside its budget: asked before each request, and told what was spent.

Tesla bills the application, so the entries that work with one share its budget; of several amounts the smallest counts.
"""

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
import math
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_change
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import CONF_BUDGET, DOMAIN, LOGGER
from ..fleet_api import (
    AutomationOverBudget,
    Category,
    Operation,
    OverBudget,
    PriceList,
    RefreshOverBudget,
)
from ..listeners import Listeners
from ..request_origin import RequestOrigin, request_origin
from .budget import DEFAULT, BudgetDecision, BudgetInput, Stage, Streaming, ceiling, decide
from .meter import Meter

CHECKS: Final = 8
"""A flood of signals is looked at whenever it has used up one of so many parts of what is left for it."""

_REFUSALS: Final[dict[RequestOrigin, type[OverBudget]]] = {
    RequestOrigin.USER: OverBudget,
    RequestOrigin.SAVING: OverBudget,
    RequestOrigin.AUTOMATION: AutomationOverBudget,
    RequestOrigin.NOBODY: RefreshOverBudget,
}


class BudgetManager:
    """The budget of one application."""

    def __init__(self, hass: HomeAssistant, meter: Meter) -> None:
        """Nobody has set an amount yet: everything is let through."""
        self._hass = hass
        self._meter = meter
        self._limits: dict[str, Fraction] = {}
        self._in_flight = Fraction(0)
        self._exceeded: tuple[datetime | None, set[tuple[str, str | None]]] = (None, set())
        """What exceeded the amount in the month that ends then."""
        self._listeners = Listeners[()]()
        self._cancels: list[CALLBACK_TYPE] = []
        self.decision: BudgetDecision = decide(self._input())
        """What follows from what was spent; kept up to date."""

    # -- amounts ------------------------------------------------------------------------------------

    @callback
    def join(self, entry_id: str, limit: Fraction) -> None:
        """Keep an entry's amount from now on."""
        self._limits[entry_id] = limit
        if not self._cancels:
            self._cancels = [
                self._meter.subscribe(self._check),
                # the pace is held against the calendar, and a month ends on a full hour
                async_track_time_change(self._hass, self._check, minute=0, second=0),
            ]
        self._check()

    @callback
    def leave(self, entry_id: str) -> None:
        """Keep an entry's amount no more."""
        self._limits.pop(entry_id, None)
        if self._limits:
            self._check()
            return
        for cancel in self._cancels:
            cancel()
        self._cancels = []

    @property
    def limit(self) -> Fraction | None:
        """What may be spent in a month; None if no entry says so."""
        return min(self._limits.values(), default=None)

    @property
    def left(self) -> Fraction | None:
        """What of it is left; never below 0."""
        limit = self.limit
        return None if limit is None else max(Fraction(0), limit - self._meter.exact_cost)

    @property
    def amount(self) -> str:
        """The amount and its currency, for people."""
        return money(self.limit or Fraction(0), self._meter.prices)

    @property
    def until(self) -> datetime:
        """When a new month begins, local time."""
        return self._meter.month_end

    # -- the wall -----------------------------------------------------------------------------------

    def permit(
        self, operation: Operation, vin: str | None, origin: RequestOrigin | None = None
    ) -> Callable[[], None]:
        """Let a request be sent, or raise OverBudget; call what is returned when it is answered and counted.

        Until then it counts as spent, so that many at once are no way around. Without an `origin` it is a person's if
        one acts, an automation's if it is a command, and nobody's else. What saves money may spend as a person does,
        and exceed the amount once a month for each car.
        """
        price = self._meter.prices.price(operation.category)
        if not price:
            return _nothing
        if origin is None:
            origin = _origin(operation)
        top = ceiling(self._input(), origin)
        if (
            top is not None
            and self._meter.exact_cost + self._in_flight + price > top
            and not (origin is RequestOrigin.SAVING and self._may_exceed(operation, vin))
        ):
            raise _REFUSALS[origin](
                f"not sent: the monthly budget of {self.amount} does not pay for {operation.name}",
                amount=self.amount,
                until=self.until.date().isoformat(),
            )
        self._in_flight += price
        answered = False

        def release() -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._in_flight -= price

        return release

    def permit_user(self, operation: Operation, vin: str | None) -> Callable[[], None]:
        """The same for what is asked for at a page that a person looks at."""
        return self.permit(operation, vin, RequestOrigin.USER)

    def _may_exceed(self, operation: Operation, vin: str | None) -> bool:
        """Return, once a month for each request of a car, whether it is worth more than the amount."""
        if self._exceeded[0] != self.until:
            self._exceeded = (self.until, set())
        key = (operation.name, vin)
        if key in self._exceeded[1]:
            return False
        self._exceeded[1].add(key)
        return True

    # -- watching -----------------------------------------------------------------------------------

    @callback
    def subscribe(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call whenever something was spent or time has passed. Return how to end it."""
        return self._listeners.subscribe(listener)

    @callback
    def _check(self, _: datetime | None = None) -> None:
        before = self.decision.stage
        self.decision = decide(self._input(), before)
        if self.decision.stage is not before:
            level = LOGGER.info if self.decision.stage is Stage.NORMAL else LOGGER.warning
            level("Budget of %s: %s, before that %s", self.amount, self.decision.stage, before)
        self._meter.notify_after(self._signals_to_come)
        self._listeners.notify()

    @property
    def _signals_to_come(self) -> float:
        """After how many signals to look again; endless if they do not matter, or do not stop all the same."""
        left = self.decision.automatic_left
        if left is None or self.decision.streaming is Streaming.OFF:
            return math.inf
        return math.floor(left / self._meter.prices.price(Category.STREAMING)) // CHECKS

    def _input(self) -> BudgetInput:
        prices, units = self._meter.prices, self._meter.units
        return BudgetInput(
            limit=self.limit,
            spent=self._meter.exact_cost,
            on_commands=sum(
                (units(name) * prices.price(name) for name in (Category.COMMAND, Category.WAKE)),
                Fraction(0),
            ),
            now=clock.today().timestamp(),
            start=self._meter.month_start.timestamp(),
            end=self._meter.month_end.timestamp(),
            least=prices.price(Category.COMMAND),
        )


DATA_BUDGETS: Final[HassKey[dict[Meter, BudgetManager]]] = HassKey(f"{DOMAIN}_budgets")


@callback
def async_get_budget(hass: HomeAssistant, meter: Meter) -> BudgetManager:
    """Return the budget of the application that has this meter."""
    known = hass.data.setdefault(DATA_BUDGETS, {})
    if meter not in known:
        known[meter] = BudgetManager(hass, meter)
    return known[meter]


def default_amount(prices: PriceList) -> Fraction:
    """Return the amount unless somebody sets another one: just under the free credit, in whole coins."""
    coin = 10**prices.decimals
    return Fraction(math.floor(prices.credit * DEFAULT * coin), coin)


@callback
def amount_of(hass: HomeAssistant, entry: ConfigEntry, prices: PriceList) -> Fraction:
    """Return the amount that an entry wants: as the person says, else the default."""
    match entry.options.get(CONF_BUDGET):
        case bool():
            pass
        case int() | float() as amount if amount >= 0 and math.isfinite(amount):
            return Fraction(str(amount))
    return default_amount(prices)


def money(amount: Fraction, prices: PriceList) -> str:
    """Return an amount for people: "9.50 EUR"."""
    return f"{float(amount):.{prices.decimals}f} {prices.currency}"


def _origin(operation: Operation) -> RequestOrigin:
    origin = request_origin()
    if origin in {RequestOrigin.USER, RequestOrigin.SAVING}:
        return origin
    if operation.category in {Category.COMMAND, Category.WAKE}:
        return RequestOrigin.AUTOMATION
    return RequestOrigin.NOBODY


def _nothing() -> None:
    """Do nothing."""
