"""A home whose providers are reached over loopback, and whose clock a test turns."""

from collections.abc import AsyncIterator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from .priced_home import PricedHome
from .provider_net import ProviderNet, provider_net


@pytest.fixture
async def net(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProviderNet]:
    """The providers' internet."""
    async with provider_net(monkeypatch) as made:
        yield made


@pytest.fixture
async def priced_home(
    recorder_mock: Any,
    hass: HomeAssistant,
    net: ProviderNet,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[PricedHome]:
    """A home without a provider yet."""
    home = PricedHome(hass, net, freezer, monkeypatch)
    yield home
    if home.source is not None:
        home.source.stop()
