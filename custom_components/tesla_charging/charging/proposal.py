"""The sources of a home as they are proposed: from the Energy dashboard, without a question."""

from homeassistant.core import HomeAssistant

from .adapter import PriceSettings
from .adapters import recognise
from .energy_preferences import EnergyPreferences, Price, read_preferences
from .own_prices import fixed
from .settings import SourceSettings


async def propose(hass: HomeAssistant) -> SourceSettings | None:
    """Return the sources that the Energy dashboard leads to; None if it has no price."""
    return from_preferences(hass, await read_preferences(hass))


def from_preferences(hass: HomeAssistant, found: EnergyPreferences) -> SourceSettings | None:
    """Return the sources of a dashboard; None if it has no price."""
    imports = price_of(hass, found.imports, export=False)
    if imports is None:
        return None
    return SourceSettings(
        imports,
        price_of(hass, found.exports, export=True),
        found.grid,
        found.solar,
        found.forecasts,
        found.battery,
        found.battery_levels,
    )


def price_of(
    hass: HomeAssistant, prices: tuple[Price, ...], *, export: bool
) -> PriceSettings | None:
    """Return how the first price is read that can be read: entities first, they say more than a number."""
    for price in sorted(prices, key=lambda price: price.entity_id is None):
        if price.entity_id is not None:
            settings = recognise(hass, price.entity_id, export=export)
            if settings is not None:
                return settings
        elif price.number is not None:
            return fixed(price.number, export=export)
    return None
