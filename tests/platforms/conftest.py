"""One test for both transports."""

from collections.abc import AsyncIterator

import pytest

from tests.platforms.transports import World
from tests.support.home import Home


@pytest.fixture(params=["poll", "push"])
async def world(home: Home, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The same home twice."""
    home.tesla.wake_with_charging_scope = True
    yield World(home, request.param)
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
