"""What a plan is made on: prices, sun, load and limits of the home for the time ahead, read from its sources."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Final

from homeassistant.components.energy.data import async_get_manager
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..smart_charging.learning.base_load import BaseLoad
from ..smart_charging.model import AmpsWindow, Fuse
from ..smart_charging.series import Co2Series, PowerForecast, PriceSeries
from .car_view import Charger
from .house_load import HouseLoad, async_house_load, car_statistics, meters_of
from .limits import read_co2, read_grid_limit
from .price_source import PriceSource
from .solar_forecast import SolarForecasts

CONF_FUSE: Final = "fuse"
"""In the options of smart charging: the main fuse, amps per phase; 0 is none."""
CONF_FUSE_PHASES: Final = "fuse_phases"
LEARNT_FROM: Final = timedelta(days=56)
"""How much of the past teaches what the home uses."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of the home until a moment."""

    prices: PriceSeries
    solar: PowerForecast | None = None
    base_load: PowerForecast | None = None
    co2: Co2Series | None = None
    fuse: Fuse | None = None
    ceilings: tuple[AmpsWindow, ...] = ()
    """Of the grid operator."""


class HomeSources:
    """The sources of one home, as the planner needs them."""

    def __init__(self, hass: HomeAssistant, prices: PriceSource, fuse: Fuse | None) -> None:
        self.changed = prices.changed
        self._hass = hass
        self._prices = prices
        self._fuse = fuse
        self._solar = SolarForecasts(hass)
        self._load: BaseLoad | None = None
        self._load_day: date | None = None

    async def outlook(self, start: datetime, end: datetime, charger: Charger) -> Outlook:
        """Return what is expected from one moment (UTC) to another, for a car at a charger."""
        settings = self._prices.settings
        solar = await self._solar.read(settings.forecasts) if settings.forecasts else None
        co2 = grid_limit = None
        zone = dt_util.get_default_time_zone()
        if settings.co2:
            co2 = read_co2(self._hass.states.get(settings.co2), start, end, zone).series
        if settings.grid_limit:
            grid_limit = read_grid_limit(
                self._hass.states.get(settings.grid_limit),
                start,
                end,
                volts=charger.volts,
                phases=charger.phases,
            )
        sun = None if solar is None else solar.forecast
        with_load = sun is not None or self._fuse is not None
        return Outlook(
            await self._prices.series(start, end),
            sun,
            await self._base_load(start, end) if with_load else None,
            co2=co2,
            fuse=self._fuse,
            ceilings=() if grid_limit is None else grid_limit.ceilings,
        )

    async def _base_load(self, start: datetime, end: datetime) -> PowerForecast:
        """Return what the home will use without the cars, learnt once a day from the recorder's statistics."""
        zone = dt_util.get_default_time_zone()
        today = start.astimezone(zone).date()
        if self._load is None or self._load_day != today:
            preferences = (await async_get_manager(self._hass)).data
            meters = meters_of(preferences or {}, car_statistics(self._hass))
            load = await async_house_load(self._hass, meters, start - LEARNT_FROM, start)
            self._load = await self._hass.async_add_executor_job(_learnt, load, zone, start)
            self._load_day = today
        return await self._hass.async_add_executor_job(
            partial(self._load.forecast, start, end, now=start)
        )


def _learnt(load: HouseLoad, zone: tzinfo, now: datetime) -> BaseLoad:
    base = BaseLoad(zone)
    for reading in load.readings:
        base = base.with_reading(reading.start, reading.kwh, now=now, minutes=60)
    return base
