"""What a month of one car costs at most, as the pages tell it: one rounded amount for each way."""

from fractions import Fraction
import math
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..billing.meter_store import currency_of_home
from ..fleet_api import Category, price_list
from ..fleet_telemetry import expected_signals_per_month, fields_for
from ..vehicle.signals import SIGNALS

POLLS: Final = 1_250
"""Requests for data in a month of a car that is polled and charges a lot."""


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

    def amount(units: int, category: Category) -> str:
        return f"{rounded_up(units * prices.price(category))} {prices.currency}"

    return {
        "pushed_cost": amount(signals, Category.STREAMING),
        "polled_cost": amount(POLLS, Category.DATA),
        "credit": f"{prices.credit} {prices.currency}",
    }


def rounded_up(amount: Fraction) -> int:
    """Return the next whole amount with a single digit before its zeros: an estimate is worth no more."""
    step = int("1" + "0" * (len(str(math.ceil(amount))) - 1))
    return math.ceil(amount / step) * step
