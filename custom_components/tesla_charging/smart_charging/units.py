"""The unit of a price as its source writes it: EUR/kWh, ct/kWh, €/MWh, öre/kWh."""

from dataclasses import dataclass
from typing import Final

CURRENCIES: Final = {
    "€": "EUR",
    "euro": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "kc": "CZK",
    "ft": "HUF",
    "₩": "KRW",
    "₹": "INR",
    "lei": "RON",
    "лв": "BGN",
    "₺": "TRY",
    "₴": "UAH",
    "a$": "AUD",
    "au$": "AUD",
    "nz$": "NZD",
    "us$": "USD",
    "c$": "CAD",
    "ca$": "CAD",
    "$": "",
    "kr": "",
    "kr.": "",
    "fr": "CHF",
    "fr.": "CHF",
}
"""Signs of currencies; those of several countries say no currency."""
HUNDREDTHS: Final = {
    "ct": "",
    "cts": "",
    "cent": "",
    "cents": "",
    "c": "",
    "¢": "",
    "c€": "EUR",
    "€c": "EUR",
    "€ct": "EUR",
    "eurocent": "EUR",
    "eurocents": "EUR",
    "snt": "EUR",
    "p": "GBP",
    "pence": "GBP",
    "öre": "SEK",
    "øre": "",
    "ore": "",
    "gr": "PLN",
    "grosz": "PLN",
    "groszy": "PLN",
    "rp": "CHF",
    "rp.": "CHF",
    "rappen": "CHF",
    "hal": "CZK",
    "haléř": "CZK",
    "stotinki": "BGN",
    "bani": "RON",
}
"""Words for a hundredth of a currency, and of which one if that is sure."""
PER: Final = {"wh": 0.001, "kwh": 1.0, "mwh": 1000.0, "gwh": 1_000_000.0}
"""Kilowatt hours in the energy that the price is for."""


class UnknownUnit(ValueError):
    """A unit that is no price of energy, or whose currency is not known."""


@dataclass(frozen=True, slots=True)
class PriceUnit:
    """What a number in this unit means."""

    factor: float
    """Currency per kWh for a number of 1."""
    currency: str
    """ISO 4217, "" where the unit does not say it."""


def price_unit(text: str) -> PriceUnit:
    """Read a unit such as "EUR/MWh" or "ct/kWh"; UnknownUnit for what is no price of energy."""
    money, slash, energy = text.strip().partition("/")
    # case matters nowhere but in "mWh", which nobody means
    per = PER.get(energy.strip().lower())
    if not slash or per is None:
        raise UnknownUnit(f"{text!r} is no price of energy, such as EUR/kWh")
    name = money.strip()
    low = name.lower()
    if low in HUNDREDTHS:
        return PriceUnit(0.01 / per, HUNDREDTHS[low])
    if low in CURRENCIES:
        return PriceUnit(1 / per, CURRENCIES[low])
    if len(name) == 3 and name.isascii() and name.isalpha():
        return PriceUnit(1 / per, name.upper())
    raise UnknownUnit(f"The currency of {text!r} is not known")
