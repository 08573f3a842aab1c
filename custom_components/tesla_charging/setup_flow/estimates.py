"""What a month of one car costs, as the pages tell it: one rounded figure for each way."""

from fractions import Fraction
import math
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..billing.budget_manager import decimal
from ..billing.meter_store import currency_of_home
from ..fleet_api import Category, price_list
from ..fleet_telemetry import expected_signals_per_month, fields_for
from ..vehicle.signals import SIGNALS

POLLS: Final = 1_000
"""Requests for data in a month of a car that is polled: what a car that never sleeps comes to."""


@callback
def estimates(
    hass: HomeAssistant,
    *,
    currency: str | None = None,
    with_location: bool = False,
    shown: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Return the placeholders: Tesla's bill for a car that pushes, for one that is polled, and what is free."""
    prices = price_list(currency or currency_of_home(hass))
    signals = expected_signals_per_month(
        name for name in fields_for(with_location=with_location, shown=shown) if name in SIGNALS
    )

    def rough(amount: Fraction) -> str:
        """One digit is all that an estimate is worth."""
        scale = Fraction(10) ** math.floor(math.log10(amount))
        rounded = round(amount / scale) * scale
        decimals = 0 if rounded >= 1 else prices.decimals
        return f"{decimal(hass, rounded, decimals)} {prices.currency}"

    return {
        "pushed_cost": rough(signals * prices.price(Category.STREAMING)),
        "polled_cost": rough(POLLS * prices.price(Category.DATA)),
        "credit": f"{prices.credit} {prices.currency}",
    }
