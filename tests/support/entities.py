"""Using a car's entities, and having its data requested now."""

from typing import Any

from homeassistant.const import ATTR_ENTITY_ID

from tests.support.home import Home


async def call(home: Home, platform: str, key: str, service: str, **data: Any) -> None:
    await home.hass.services.async_call(
        platform, service, {ATTR_ENTITY_ID: home.entity_id(platform, key), **data}, blocking=True
    )


async def ask_again(home: Home) -> None:
    """Have the cars' data asked for, whatever it costs."""
    assert home.entry is not None
    for coordinator in home.entry.runtime_data.cars.values():
        coordinator.confirmation.wanted = True
    await home.poll()
