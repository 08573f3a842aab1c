"""Rows of the table of adapters that need no other integration: a fixed price, a table by time of day, and the price now."""

from datetime import date, datetime, time, tzinfo
import math
from typing import Any, Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.entity_registry import RegistryEntry
from homeassistant.util import dt as dt_util

from .. import clock
from ..smart_charging.normalise import RawPrice
from ..smart_charging.units import UnknownUnit, price_unit
from .adapter import DAY, Adapter, PriceSettings, RawSeries, SourceError

FIXED: Final = "fixed"
TIME_OF_USE: Final = "time_of_use"
PRICE_NOW: Final = "price_now"


def fixed(price: float, *, export: bool = False) -> PriceSettings:
    """Return the settings of a price that never changes, in the home's currency."""
    return PriceSettings(FIXED, params={"price": price}, export=export)


def _table(settings: PriceSettings, day: date, zone: tzinfo) -> RawSeries:
    """Return a day at one price; what the time of day adds is in the formula."""
    price = settings.params.get("price", 0.0)
    if isinstance(price, bool) or not isinstance(price, int | float) or not math.isfinite(price):
        raise SourceError(f"{price!r} is no price")
    start, end = (datetime.combine(d, time(), zone) for d in (day, day + DAY))
    return RawSeries((RawPrice(start, price, end),), settings.params.get("unit", ""), found="")


def present(state: State) -> tuple[float, str]:
    """Return the price now and its unit; raise SourceError if the state has none."""
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    try:
        price_unit(str(unit))
        value = float(state.state)
    except UnknownUnit as error:
        raise SourceError(f"{state.entity_id}: {error}") from error
    except ValueError as error:
        raise SourceError(f"{state.entity_id} is {state.state}") from error
    if not math.isfinite(value):
        raise SourceError(f"{state.entity_id} is {state.state}")
    return value, str(unit)


def look_now(state: State) -> RawSeries:
    """Return the price now, from when it was set to the end of this quarter hour at least."""
    value, unit = present(state)
    now = dt_util.utc_from_timestamp(clock.now())
    start = min(state.last_changed, now).replace(second=0, microsecond=0)
    end = dt_util.utc_from_timestamp((now.timestamp() // 900 + 1) * 900)
    # what was not seen to change for a week was not seen at all
    start = max(start, end - 7 * DAY)
    return RawSeries((RawPrice(start, value, end),), unit, found=state.entity_id)


def _recognise_now(
    hass: HomeAssistant, state: State, registered: RegistryEntry | None
) -> PriceSettings | None:
    try:
        price_unit(str(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)))
    except UnknownUnit:
        return None
    return PriceSettings(PRICE_NOW, state.entity_id)


def _never(*_: Any) -> None:
    return None


OWN_ADAPTERS: Final = (
    Adapter(FIXED, _never, table=_table, needs=("price",)),
    Adapter(TIME_OF_USE, _never, table=_table, needs=("price",)),
    Adapter(PRICE_NOW, _recognise_now, look=look_now, fleeting=True, needs=()),
)
