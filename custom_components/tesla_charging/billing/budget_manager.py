"""Keeps the costs of one application within its budget: permits each billed request before it is sent.

Tesla bills the application, so all entries that use one share its budget; of several amounts the smallest is used.
"""

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
import math
from typing import TYPE_CHECKING, Final

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
from ..request_origin import RequestOrigin, ends_charging, request_origin
from .budget import DEFAULT, BudgetDecision, BudgetInput, Stage, Streaming, ceiling, decide
from .meter import Meter

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


CHECKS: Final = 8
"""The budget is checked when pushed signals have used up this fraction (one in CHECKS) of what is left for them."""

MAX_DECIMALS: Final = 9
"""With which an amount is written at most."""
_WITH_COMMA: Final = frozenset({"da", "de", "es", "fr", "it", "nb", "nl", "pl", "sv"})
"""Of the languages that there are texts in, those that write a comma in a number."""

_REFUSALS: Final[dict[RequestOrigin, type[OverBudget]]] = {
    RequestOrigin.USER: OverBudget,
    RequestOrigin.SAVING: OverBudget,
    RequestOrigin.AUTOMATION: AutomationOverBudget,
    RequestOrigin.NOBODY: RefreshOverBudget,
}


class BudgetManager:
    """The budget of one application."""

    def __init__(self, hass: HomeAssistant, meter: Meter) -> None:
        """Without an amount, which join() sets, every request is permitted."""
        self._hass = hass
        self._meter = meter
        self._limits: dict[str, Fraction] = {}
        self._in_flight = Fraction(0)
        self._exceeded: tuple[datetime | None, set[tuple[str, str | None]]] = (None, set())
        """The end of a month, and the requests (operation, VIN) that were permitted beyond its amount."""
        self._listeners = Listeners[()]()
        self._cancels: list[CALLBACK_TYPE] = []
        self.decision: BudgetDecision = decide(self._input())
        """What may be sent now; updated whenever something was counted and every hour."""

    # -- amounts ------------------------------------------------------------------------------------

    @callback
    def join(self, entry_id: str, limit: Fraction) -> None:
        """Use an entry's amount from now on."""
        self._limits[entry_id] = limit
        if not self._cancels:
            self._cancels = [
                self._meter.subscribe(self._check),
                # spending is compared with the calendar, and a month ends on a full hour
                async_track_time_change(self._hass, self._check, minute=0, second=0),
            ]
        self._check()

    @callback
    def leave(self, entry_id: str) -> None:
        """Stop using an entry's amount."""
        self._limits.pop(entry_id, None)
        if self._limits:
            self._check()
            return
        for cancel in self._cancels:
            cancel()
        self._cancels = []

    @property
    def limit(self) -> Fraction | None:
        """What may be spent in a month; None if no entry has an amount."""
        return min(self._limits.values(), default=None)

    @property
    def left(self) -> Fraction | None:
        """The rest of it; never below 0."""
        limit = self.limit
        return None if limit is None else max(Fraction(0), limit - self._meter.exact_cost)

    @property
    def amount(self) -> str:
        """The amount and its currency, as text."""
        return money(self._hass, self.limit or Fraction(0), self._meter.prices)

    @property
    def until(self) -> datetime:
        """When a new month begins, local time."""
        return self._meter.month_end

    # -- permits ------------------------------------------------------------------------------------

    def permit(
        self, operation: Operation, vin: str | None, origin: RequestOrigin | None = None
    ) -> Callable[[], None]:
        """Permit a request, or raise OverBudget. Call the returned function when it is answered and counted.

        Until then its cost counts as spent, so that parallel requests cannot exceed the budget. Without an `origin`, it
        is a user's request if a user acts, an automation's if it is a command, and nobody's otherwise. A request that
        saves money may spend as much as a user, and exceed the amount once a month for each car. A command that ends
        charging is never refused.
        """
        price = self._meter.prices.price(operation.category)
        if not price:
            return _nothing
        if operation.category is Category.COMMAND and ends_charging():
            return _nothing
        if origin is None:
            origin = _origin(operation)
        current, cost = self._input(), self._meter.exact_cost + self._in_flight + price
        highest = ceiling(current, origin)
        if (
            highest is not None
            and cost > highest
            and not (origin is RequestOrigin.SAVING and self._may_exceed(operation, vin))
        ):
            # what is left is nobody's: then a user cannot do it either
            if current.limit is not None and cost > current.limit:
                origin = RequestOrigin.USER
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
        """The same for a request of a page of the user interface."""
        return self.permit(operation, vin, RequestOrigin.USER)

    def _may_exceed(self, operation: Operation, vin: str | None) -> bool:
        """Return True once a month for each operation and car."""
        if self._exceeded[0] != self.until:
            self._exceeded = (self.until, set())
        key = (operation.name, vin)
        if key in self._exceeded[1]:
            return False
        self._exceeded[1].add(key)
        return True

    # -- listeners ----------------------------------------------------------------------------------

    @callback
    def subscribe(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `listener` after each count and every hour. Return a function that ends it."""
        return self._listeners.subscribe(listener)

    @callback
    def _check(self, _: datetime | None = None) -> None:
        before = self.decision.stage
        self.decision = decide(self._input(), before)
        if self.decision.stage is not before:
            level = LOGGER.info if self.decision.stage is Stage.NORMAL else LOGGER.warning
            level("Budget of %s: %s, before that %s", self.amount, self.decision.stage, before)
        self._meter.notify_after(self._signals_until_check)
        self._listeners.notify()

    @property
    def _signals_until_check(self) -> float:
        """The number of signals until the next check; infinite without a limit, or if pushing is off already."""
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
    """Return the budget manager of the application with this meter."""
    budgets = hass.data.setdefault(DATA_BUDGETS, {})
    if meter not in budgets:
        budgets[meter] = BudgetManager(hass, meter)
    return budgets[meter]


def default_amount(prices: PriceList) -> Fraction:
    """Return the default amount: just under the free credit, rounded down to the smallest coin."""
    coin = 10**prices.decimals
    return Fraction(math.floor(prices.credit * DEFAULT * coin), coin)


@callback
def amount_of(hass: HomeAssistant, entry: TeslaChargingConfigEntry, prices: PriceList) -> Fraction:
    """Return the amount of an entry: the one that the user set, else the default."""
    match entry.options.get(CONF_BUDGET):
        case bool():
            pass
        case int() | float() as amount if amount >= 0 and math.isfinite(amount):
            return Fraction(str(amount))
    return default_amount(prices)


def money(hass: HomeAssistant, amount: Fraction, prices: PriceList) -> str:
    """Return an amount as text: "9.50 EUR", or with a comma."""
    return f"{decimal(hass, amount, prices.decimals)} {prices.currency}"


def decimal(hass: HomeAssistant, number: Fraction, decimals: int) -> str:
    """Return a number as it is written in the language of this Home Assistant.

    One that is not 0 does not read as 0: it gets as many decimals as that takes, up to MAX_DECIMALS.
    """
    while 0 < abs(number) < Fraction(1, 2 * 10**decimals) and decimals < MAX_DECIMALS:
        decimals += 1
    text = f"{float(number):.{decimals}f}"
    return text.replace(".", ",") if hass.config.language in _WITH_COMMA else text


def _origin(operation: Operation) -> RequestOrigin:
    origin = request_origin()
    if origin in {RequestOrigin.USER, RequestOrigin.SAVING}:
        return origin
    if operation.category in {Category.COMMAND, Category.WAKE}:
        return RequestOrigin.AUTOMATION
    return RequestOrigin.NOBODY


def _nothing() -> None:
    """Do nothing."""
