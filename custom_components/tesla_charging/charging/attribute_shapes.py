"""Tables of how integrations write lists of prices into the attributes of their entities: names, keys, units."""

from dataclasses import dataclass
from typing import Final

from ..smart_charging.units import PriceUnit

LISTS: Final = (
    ("raw_today", "raw_tomorrow"),
    ("prices_today", "prices_tomorrow"),
    ("today_interval_prices", "tomorrow_interval_prices"),
    ("today_hourly_prices", "tomorrow_hourly_prices"),
    ("today_prices", "tomorrow_prices"),
    ("today_hours", "tomorrow_hours"),
    ("today", "tomorrow"),
    ("rates",),
    ("prices",),
    ("data",),
    ("forecasts",),
    ("forecast",),
)
"""Names of attributes with prices; the first row of the table that has some counts. With two names: today, tomorrow."""
FORECASTS: Final = ("forecast", "forecasts", "predictions")
"""Names of attributes with what the provider expects, beside those with published prices."""
ONLY_EXPECTED: Final = ("forecasts",)
"""Alone, it has no published prices either: Amber's intervals to come. (A `forecast` alone has: Zonneplan's.)"""
NOT_PUBLISHED: Final = "tomorrow_valid"
"""False: what is in the list for tomorrow is none of tomorrow's prices."""
IN_CENTS: Final = ("price_in_cents", "use_cent")
"""True: all prices are in hundredths, whatever unit the entity names."""

STARTS: Final = (
    *("start", "start_time", "startsAt", "starts_at", "start_date", "start_timestamp"),
    *("valid_from", "from", "period_start", "time_start", "datetime", "date_time"),
    *("time", "timestamp", "hour", "date"),
)
"""Keys of the time at which a price begins, by rank."""
ENDS: Final = (
    *("end", "end_time", "endsAt", "ends_at", "end_date", "end_timestamp"),
    *("valid_to", "till", "to", "until", "period_end", "time_end"),
)
TEN_MILLIONTHS: Final = PriceUnit(1e-7, "EUR")
"""Zonneplan's whole numbers."""


@dataclass(frozen=True, slots=True)
class PriceKey:
    """A key under which rows have their price."""

    key: str
    unit: str | PriceUnit = ""
    """Its unit; "" is that of the entity."""
    within: str = ""
    """The key within it, where it holds an object."""
    whole: bool = False
    """Its unit holds only where all prices are whole numbers, and one of them is large; else that of the entity does."""


PRICES: Final = (
    PriceKey("value_inc_vat"),
    PriceKey("price_per_kwh"),
    PriceKey("price_ct_per_kwh", "ct/kWh"),
    PriceKey("price_eur_per_kwh", "EUR/kWh"),
    PriceKey("price_eur_per_mwh", "EUR/MWh"),
    PriceKey("price_gbp_per_mwh", "GBP/MWh"),
    PriceKey("per_kwh"),
    PriceKey("price_tax_included", TEN_MILLIONTHS, within="amount", whole=True),
    PriceKey("electricity_price", TEN_MILLIONTHS, whole=True),
    PriceKey("total"),
    PriceKey("price"),
    PriceKey("value"),
)
"""Keys of the price, by rank: of several in a row, what is paid comes before what the market says."""


@dataclass(frozen=True, slots=True)
class AttributeSource:
    """An integration from outside Home Assistant whose entities have lists of prices as attributes."""

    platform: str
    """Its domain, the entity registry's `platform`."""
    name: str
    entity_end: str = ""
    """How the unique id of the entity with the price ends, if the lists are with other entities."""
    list_ends: tuple[str, ...] = ()
    """How the unique ids of those end instead."""
    unit: str = ""
    """The unit, where the entities name none."""


SOURCES: Final = (
    AttributeSource("nordpool", "Nord Pool (HACS)"),
    AttributeSource("entsoe", "ENTSO-e", "current_price", ("avg_price",)),
    AttributeSource("epex_spot", "EPEX Spot"),
    AttributeSource(
        "octopus_energy",
        "Octopus Energy",
        "_current_rate",
        ("_current_day_rates", "_next_day_rates"),
        "GBP/kWh",
    ),
    AttributeSource("energidataservice", "Energi Data Service"),
    AttributeSource(
        "stromligning",
        "Strømligning",
        "current_price_vat",
        ("current_price_vat", "tomorrow_available_vat"),
        "DKK/kWh",
    ),
    AttributeSource("ge_spot", "GE-Spot"),
    AttributeSource("frank_energie", "Frank Energie"),
    AttributeSource("zonneplan_one", "Zonneplan ONE", unit="EUR/kWh"),
    AttributeSource("tge", "TGE"),
    AttributeSource("cz_energy_spot_prices", "Czech Energy Spot Prices"),
    AttributeSource("pvpc_hourly_pricing", "Spain electricity hourly pricing (PVPC)"),
    AttributeSource("omie", "OMIE (HACS)"),
    AttributeSource("template", "Template"),
)
"""One row each; what an integration's rows look like is recognised by the tables above."""


def source_of(platform: str) -> AttributeSource | None:
    """Return the row of an integration; None for one that is not known."""
    return next((row for row in SOURCES if row.platform == platform), None)


def list_ids(row: AttributeSource, unique_id: str) -> tuple[str, ...]:
    """Return the unique ids of the entities that have the lists, for the entity that has the price."""
    if not row.entity_end or not unique_id.endswith(row.entity_end):
        return (unique_id,)
    stem = unique_id.removesuffix(row.entity_end)
    return tuple(f"{stem}{end}" for end in row.list_ends)
