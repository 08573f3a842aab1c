"""Calendars for tests of months: the day is what the test says; timeouts, certificates and tokens live in real time."""

from datetime import UTC, datetime, timedelta

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging import clock
from tests.support.home import Home


def march(day: int, hour: int = 12, *, month: int = 3) -> datetime:
    """Return a moment of a month to come, by the clock of the tests' home (in California)."""
    zone = dt_util.get_default_time_zone()
    return datetime(2030, month, day, hour, 0, 30, tzinfo=zone).astimezone(UTC)


class BillingCalendar:
    """What day it is on Tesla's bill, and nowhere else."""

    def __init__(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, moment: datetime | None = None
    ) -> None:
        """Have the meter and the budget of a home that has not been set up yet believe it."""
        self._home = home
        self._hours = 0
        self._ahead = (moment or march(10)) - dt_util.utcnow()
        monkeypatch.setattr(clock, "today", lambda: dt_util.as_local(self.now()))

    def now(self) -> datetime:
        """Return what time it is."""
        return dt_util.utcnow() + self._ahead

    async def go_to(self, moment: datetime) -> None:
        """Let it be another time, and everything happen that happens every hour."""
        self._ahead += moment - self.now()
        full_hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
        self._hours += 1
        async_fire_time_changed(
            self._home.hass, full_hour + timedelta(hours=self._hours + 1, seconds=1)
        )
        await self._home.hass.async_block_till_done()


class Calendar(BillingCalendar):
    """What day it is for the simulated Tesla, its cars and their coordinators as well; for cars that are polled."""

    def __init__(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, moment: datetime | None = None
    ) -> None:
        """Turn the clocks of a home that has not been set up yet."""
        super().__init__(home, monkeypatch, moment)
        home.tesla.clock.advance(self._ahead.total_seconds())
        monkeypatch.setattr(clock, "now", lambda: self.now().timestamp())

    async def go_to(self, moment: datetime) -> None:
        """Let it be a later time, and every car be looked at."""
        self._home.tesla.clock.advance(max(0.0, (moment - self.now()).total_seconds()))
        await super().go_to(moment)
        await self._home.poll()
