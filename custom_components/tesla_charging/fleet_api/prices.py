"""The table of Tesla's prices.

Source: developer.tesla.com, "Billing and limits", as of 2026-01-10, and the portal's home page in several languages;
nothing newer was found until 2026-08. Prices in other currencies than dollar and euro are inferred from the monthly
credit, which is published for all of them: £8 buy what $10 buy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
import math
from typing import Final


class Category(StrEnum):
    """Tesla's pricing categories."""

    FREE = "free"
    DATA = "data"
    COMMAND = "command"
    WAKE = "wake"
    STREAMING = "streaming"
    """One value of one field in one message of a car."""


UNITS_PER_DOLLAR: Final[Mapping[Category, int]] = {
    Category.DATA: 500,
    Category.COMMAND: 1_000,
    Category.WAKE: 50,
    Category.STREAMING: 150_000,
}
"""How many units a dollar, or a euro, buys; the same numbers are published for both. Other categories are free."""

DOLLARS_FREE: Final = 10


@dataclass(frozen=True, slots=True)
class PriceList:
    """Tesla's prices in one currency. Amounts are exact until they are rounded as on the bill."""

    currency: str
    """ISO 4217."""
    credit: int
    """The free credit of every application each month."""
    decimals: int = 2
    """The number of decimals that Tesla rounds to; 0 for the yen is inferred, because it has no smaller unit."""

    def price(self, category: Category) -> Fraction:
        """Return the price of one unit."""
        if category not in UNITS_PER_DOLLAR:
            return Fraction(0)
        return Fraction(self.credit, DOLLARS_FREE * UNITS_PER_DOLLAR[category])

    def exact(self, units: Mapping[Category, int]) -> Fraction:
        """Return the cost of these units without rounding."""
        return sum((count * self.price(name) for name, count in units.items()), Fraction(0))

    def bill(self, units: Mapping[Category, int]) -> dict[Category, Fraction]:
        """Return the billed amounts by category, each rounded by itself (half a cent up, which is inferred)."""
        return {name: self.rounded(count * self.price(name)) for name, count in units.items()}

    def total(self, units: Mapping[Category, int]) -> Fraction:
        """Return the total of the bill, before the credit is deducted."""
        return sum(self.bill(units).values(), Fraction(0))

    def rounded(self, amount: Fraction) -> Fraction:
        """Return a non-negative amount, rounded to the currency's smallest unit."""
        scale = 10**self.decimals
        return Fraction(math.floor(amount * scale + Fraction(1, 2)), scale)


DEFAULT_CURRENCY: Final = "USD"
PRICE_LISTS: Final[Mapping[str, PriceList]] = {
    prices.currency: prices
    for prices in (
        PriceList("USD", 10),
        PriceList("EUR", 10),
        PriceList("GBP", 8),
        PriceList("JPY", 1_448, decimals=0),
        PriceList("DKK", 70),
        PriceList("MOP", 80),
    )
}
"""The currencies whose credit is published. For other billing currencies no price is known: use the dollar's."""


PRICES: Final[Mapping[Category, float]] = {
    category: float(PRICE_LISTS[DEFAULT_CURRENCY].price(category)) for category in Category
}
"""The price of one unit in dollars, or euros."""


def price_list(currency: str) -> PriceList:
    """Return the prices in a currency; those in dollars if none are known."""
    return PRICE_LISTS.get(currency, PRICE_LISTS[DEFAULT_CURRENCY])
