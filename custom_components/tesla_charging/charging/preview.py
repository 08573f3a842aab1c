"""The sources as the options page shows them: one line each, with the values of today."""

from collections.abc import Iterable

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .adapter import PriceSettings
from .energy_preferences import Power
from .own_prices import FIXED, PRICE_NOW, TIME_OF_USE
from .price_attributes import not_understood
from .price_feed import PriceFeed, now_utc
from .schedule import bounds
from .settings import SourceSettings
from .time_of_use import write_fees

NOTHING = "–"  # noqa: RUF001  as in a printed table


async def preview(hass: HomeAssistant, settings: SourceSettings) -> dict[str, str]:
    """Return the placeholders of the page: for each source its name, and what it says now."""
    currency = hass.config.currency
    lines = {
        "import": await _price(hass, settings.imports, currency),
        "export": await _price(hass, settings.exports, currency),
        "grid": _power(hass, settings.grid),
        "solar": (_entries(hass, settings.forecasts), _power(hass, settings.solar)[1]),
        "battery": _battery(hass, settings),
    }
    found = {}
    for name, (source, now) in lines.items():
        found[f"{name}_source"] = _cell(source)
        found[f"{name}_now"] = _cell(now)
    return found


async def _price(
    hass: HomeAssistant, settings: PriceSettings | None, currency: str
) -> tuple[str, str]:
    """Return what a price is read from, and the price now with the lowest and highest one of today."""
    if settings is None:
        return NOTHING, NOTHING
    feed = PriceFeed(hass, settings, currency, lambda: None)
    await feed.read_once()
    source = _name(hass, settings)
    if settings.kind == PRICE_NOW and (why := not_understood(hass, settings.entity_id)):
        source = f"{source} ⚠ {why}"
    now, zone = now_utc(), dt_util.get_default_time_zone()
    start, end = bounds(now.astimezone(zone).date(), zone)
    today = [slot.import_price for slot in feed.slots if slot.start < end and slot.end > start]
    present = [slot.import_price for slot in feed.slots if slot.start <= now < slot.end]
    if not today:
        return source, f"⚠ {feed.error}"
    words = f"{present[0]:.4f}" if present else NOTHING
    lowest, highest = min(today), max(today)
    span = f" ({lowest:.4f} … {highest:.4f})" if lowest < highest else ""
    return source, f"{words} {currency}/kWh{span}"


def _name(hass: HomeAssistant, settings: PriceSettings) -> str:
    """Return where a price comes from: the name of its entity and of the integration, or the action."""
    if settings.kind in {FIXED, TIME_OF_USE}:
        others = write_fees(settings.formula.fees).splitlines()
        return ", ".join([f"{settings.params['price']:g}", *(line.split()[0] for line in others)])
    state = hass.states.get(settings.entity_id)
    name = state.name if state else settings.entity_id or str(settings.params.get("action", ""))
    return f"{name} ({settings.kind})"


def _power(hass: HomeAssistant, power: Power) -> tuple[str, str]:
    if not power:
        return NOTHING, NOTHING
    names = [*_names(hass, power.plus), *(f"− {name}" for name in _names(hass, power.minus))]  # noqa: RUF001
    watts = power.watts(hass)
    return ", ".join(names), NOTHING if watts is None else f"{watts:.0f} W"


def _battery(hass: HomeAssistant, settings: SourceSettings) -> tuple[str, str]:
    source, now = _power(hass, settings.battery)
    levels = [
        f"{state.state} %"
        for entity_id in settings.battery_levels
        if (state := hass.states.get(entity_id)) is not None
    ]
    names = [*([source] if settings.battery else []), *_names(hass, settings.battery_levels)]
    if not names:
        return NOTHING, NOTHING
    return ", ".join(names), ", ".join([*([now] if settings.battery else []), *levels])


def _entries(hass: HomeAssistant, entry_ids: Iterable[str]) -> str:
    found = [hass.config_entries.async_get_entry(entry_id) for entry_id in entry_ids]
    return ", ".join(entry.title for entry in found if entry is not None) or NOTHING


def _names(hass: HomeAssistant, entity_ids: Iterable[str]) -> list[str]:
    return [
        state.name if (state := hass.states.get(entity_id)) else entity_id
        for entity_id in entity_ids
    ]


def _cell(text: str) -> str:
    """Return a text that stays within its cell of the table."""
    return text.replace("|", "¦").replace("\n", " ").replace("<", "‹").replace(">", "›")[:200]  # noqa: RUF001
