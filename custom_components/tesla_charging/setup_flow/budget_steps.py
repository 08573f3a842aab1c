"""The page about the month's budget: the cost so far, and how much may be spent."""

from abc import ABCMeta, abstractmethod
from fractions import Fraction
import math
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryBaseFlow, ConfigFlowResult
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
from ..billing.meter_store import async_get_meter, currency_of
from ..const import CONF_BUDGET, CONF_CURRENCY, CONF_IMPLEMENTATION, DOMAIN
from ..data import TeslaChargingConfigEntry
from ..fleet_api import PRICE_LISTS, PriceList, price_list
from .reloading import async_entries_in_use

MAX_CREDITS: Final = 1000
"""The largest budget, as a multiple of the monthly credit: more than that is a typing error."""


class BudgetSteps(ConfigEntryBaseFlow, metaclass=ABCMeta):
    """The step of the flow that sets the budget."""

    @property
    @abstractmethod
    def _entry(self) -> TeslaChargingConfigEntry:
        """The entry that is changed."""

    _budget_shown: tuple[str, Fraction] | None = None
    """Currency and amount that the page showed last."""

    async def async_step_budget(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose how much may be spent in a month; an empty amount means the default."""
        entry = self._entry
        if user_input is None or self._budget_shown is None:
            prices = price_list(currency_of(self.hass, entry))
            return await self._show_budget(prices, amount_of(self.hass, entry, prices))
        prices = price_list(user_input[CONF_CURRENCY])
        given = user_input.get(CONF_BUDGET)
        if given is None:
            return await self._budget_chosen({CONF_CURRENCY: prices.currency, CONF_BUDGET: None})
        if not (math.isfinite(given) and 0 <= given <= prices.credit * MAX_CREDITS):
            return await self._show_budget(prices, self._budget_shown[1], "budget_out_of_range")
        amount = Fraction(str(given))
        currency, before = self._budget_shown
        if currency != prices.currency and amount == before:
            # the unchanged amount was meant for another currency
            amount = amount * prices.credit / price_list(currency).credit
            scale = 10**prices.decimals
            rounded = Fraction(math.floor(amount * scale), scale)
            return await self._show_budget(prices, rounded, "currency_changed")
        return await self._budget_chosen({CONF_CURRENCY: prices.currency, CONF_BUDGET: given})

    async def _show_budget(
        self, prices: PriceList, amount: Fraction, error: str | None = None
    ) -> ConfigFlowResult:
        self._budget_shown = (prices.currency, amount)
        implementation = await async_get_config_entry_implementation(self.hass, self._entry)
        meter = await async_get_meter(self.hass, implementation)
        billed = meter.prices
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
                    ): NumberSelector(
                        NumberSelectorConfig(mode=NumberSelectorMode.BOX, step="any")
                    ),
                }
            ),
            errors={"base": error} if error else {},
            description_placeholders={
                "cost": money(Fraction(meter.cost), billed),
                "projected": money(Fraction(meter.projected(dt_util.now())), billed),
                "until": meter.month_end.date().isoformat(),
                "credit": money(Fraction(prices.credit), prices),
                "default": money(default_amount(prices), prices),
                "most": money(Fraction(prices.credit * MAX_CREDITS), prices),
            },
        )

    async def _budget_chosen(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Store the budget in all entries that share the application: Tesla sends them one bill."""
        entry = self._entry
        for other in self.hass.config_entries.async_entries(DOMAIN):
            if other is entry or other.data.get(CONF_IMPLEMENTATION) != entry.data.get(
                CONF_IMPLEMENTATION
            ):
                continue
            changed = self.hass.config_entries.async_update_entry(
                other, options={**other.options, **options}
            )
            if changed and other in async_entries_in_use(self.hass):
                self.hass.config_entries.async_schedule_reload(other.entry_id)
        return await self._set_options(options)

    @abstractmethod
    async def _set_options(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Store options of the entry."""
