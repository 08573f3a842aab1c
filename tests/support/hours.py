"""Hours that pass for the reviews of telemetry configurations."""

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging import clock
from tests.support.home import Home


class Hours:
    """A clock of the reviews that a test turns on."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home = home
        self._ahead = 0.0
        monkeypatch.setattr(clock, "now", lambda: dt_util.utcnow().timestamp() + self._ahead)

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, and the review look once."""
        self._ahead += seconds
        async_fire_time_changed(self._home.hass, dt_util.utcnow(), fire_all=True)
        await self._home.settle()
