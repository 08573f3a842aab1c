"""The table of price adapters: adding a provider is one row here and one row in the tests."""

from dataclasses import replace
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .adapter import Adapter, PriceSettings
from .own_prices import OWN_ADAPTERS
from .price_actions import ACTION_ADAPTERS
from .price_attributes import ATTRIBUTE_ADAPTERS

ADAPTERS: Final[tuple[Adapter, ...]] = (
    *ACTION_ADAPTERS,
    *ATTRIBUTE_ADAPTERS,
    *OWN_ADAPTERS,
)
"""In order: the first row that recognises an entity is the one."""
BY_KIND: Final = {adapter.kind: adapter for adapter in ADAPTERS}


def recognise(hass: HomeAssistant, entity_id: str, *, export: bool = False) -> PriceSettings | None:
    """Return how the prices behind an entity with the price now are read; None if no row knows it."""
    state = hass.states.get(entity_id)
    if state is None:
        return None
    registered = er.async_get(hass).async_get(entity_id)
    for adapter in ADAPTERS:
        settings = adapter.recognise(hass, state, registered)
        if settings is not None:
            return replace(settings, export=export)
    return None
