"""The page about the month's budget: the cost so far, and how much may be spent."""

from abc import ABCMeta, abstractmethod
from fractions import Fraction
import math
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryBaseFlow, ConfigFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..billing.budget_manager import amount_of, default_amount, money
from ..billing.meter import Meter
from ..billing.meter_store import async_get_meter, currency_of
from ..const import CONF_BUDGET, CONF_CURRENCY, CONF_IMPLEMENTATION, DOMAIN
from ..data import TeslaChargingConfigEntry
from ..fleet_api import PRICE_LISTS, PriceList, price_list
from .reloading import async_entries_in_use

MAX_CREDITS: Final = 1000
"""The largest budget, as a multiple of the monthly credit: more than that is a typing error."""


async def meter_of(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> Meter:
    """Return the meter of an entry's application."""
    return await async_get_meter(hass, await async_get_config_entry_implementation(hass, entry))


def amount_field() -> NumberSelector:
    """Return the field for an amount."""
    return NumberSelector(NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any"))


def is_amount(given: float, prices: PriceList) -> bool:
    """Return whether an amount is one that somebody may mean."""
    return math.isfinite(given) and 0 <= given <= prices.credit * MAX_CREDITS


def is_used_up(amount: Fraction, prices: PriceList, meter: Meter) -> bool:
    """Return whether the month has cost an amount already, so that nothing would be sent any more."""
    # the same credit in both currencies is the same worth
    return amount * meter.prices.credit <= Fraction(meter.cost) * prices.credit


def budget_words(hass: HomeAssistant, meter: Meter, prices: PriceList) -> dict[str, str]:
    """Return the placeholders about the month and about what may be entered."""
    return {
        "cost": money(hass, Fraction(meter.cost), meter.prices),
        "projected": money(hass, Fraction(meter.projected(dt_util.now())), meter.prices),
        "until": meter.month_end.date().isoformat(),
        "credit": money(hass, Fraction(prices.credit), prices),
        "default": money(hass, default_amount(prices), prices),
        "most": money(hass, Fraction(prices.credit * MAX_CREDITS), prices),
    }


@callback
def share_budget(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, options: dict[str, Any]
) -> None:
    """Store a budget in all other entries with the application of this one: Tesla sends them one bill."""
    for other in hass.config_entries.async_entries(DOMAIN):
        if other is not entry and other.data.get(CONF_IMPLEMENTATION) == entry.data.get(
            CONF_IMPLEMENTATION
        ):
            store_budget(hass, other, options)


@callback
def store_budget(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, options: dict[str, Any]
) -> None:
    """Store a budget in an entry, which is reloaded with it."""
    changed = hass.config_entries.async_update_entry(entry, options={**entry.options, **options})
    if changed and entry in async_entries_in_use(hass):
        hass.config_entries.async_schedule_reload(entry.entry_id)


class BudgetSteps(ConfigEntryBaseFlow, metaclass=ABCMeta):
    """The step of the flow that sets the budget."""

    @property
    @abstractmethod
    def _entry(self) -> TeslaChargingConfigEntry:
        """The entry that is changed."""

    _budget_shown: tuple[str, Fraction] | None = None
    """Currency and amount that the page showed last."""
    _budget_warned: tuple[str, Fraction] | None = None
    """Those of which it has told that the month has cost more; the user may submit them again."""

    async def async_step_budget(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose how much may be spent in a month; an empty amount means the default."""
        entry = self._entry
        if user_input is None or self._budget_shown is None:
            prices = price_list(currency_of(self.hass, entry))
            return await self._show_budget(prices, amount_of(self.hass, entry, prices))
        prices = price_list(user_input[CONF_CURRENCY])
        given = user_input.get(CONF_BUDGET)
        if given is not None and not is_amount(given, prices):
            shown = Fraction(str(given)) if math.isfinite(given) else default_amount(prices)
            return await self._show_budget(prices, shown, "budget_out_of_range")
        amount = default_amount(prices) if given is None else Fraction(str(given))
        currency, before = self._budget_shown
        if given is not None and currency != prices.currency and amount == before:
            # the unchanged amount was meant for another currency
            amount = amount * prices.credit / price_list(currency).credit
            scale = 10**prices.decimals
            rounded = Fraction(math.floor(amount * scale), scale)
            return await self._show_budget(prices, rounded, "currency_changed")
        meter = await meter_of(self.hass, entry)
        if is_used_up(amount, prices, meter) and self._budget_warned != (prices.currency, amount):
            self._budget_warned = (prices.currency, amount)
            return await self._show_budget(prices, amount, "budget_used_up")
        options = {CONF_CURRENCY: prices.currency, CONF_BUDGET: given}
        share_budget(self.hass, entry, options)
        return await self._set_options(options)

    async def _show_budget(
        self, prices: PriceList, amount: Fraction, error: str | None = None
    ) -> ConfigFlowResult:
        self._budget_shown = (prices.currency, amount)
        meter = await meter_of(self.hass, self._entry)
        return self.async_show_form(
            step_id="budget",
            data_schema=vol.Schema(
                {
                    vol.Required(CONF_CURRENCY, default=prices.currency): SelectSelector(
                        SelectSelectorConfig(
                            options=sorted(PRICE_LISTS), mode=SelectSelectorMode.DROPDOWN
                        )
                    ),
                    vol.Optional(
                        CONF_BUDGET, description={"suggested_value": float(amount)}
                    ): amount_field(),
                }
            ),
            errors={"base": error} if error else {},
            description_placeholders=budget_words(self.hass, meter, prices),
        )

    @abstractmethod
    async def _set_options(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Store options of the entry."""
