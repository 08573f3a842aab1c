"""Texts that Home Assistant does not translate by itself, in the language that it is set to."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN


async def words(hass: HomeAssistant, category: str, key: str, **placeholders: object) -> str:
    """Return a text of the translation files, filled in; in English where the language has none."""
    texts = await async_get_translations(hass, hass.config.language, category, {DOMAIN})
    return texts[f"component.{DOMAIN}.{category}.{key}"].format(**placeholders)
