"""What a plan is made on: prices, sun, load and limits of the home for the time ahead, read from its sources."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..smart_charging.model import AmpsWindow, Fuse
from ..smart_charging.series import Co2Series, PowerForecast, PriceSeries
from .car_view import Charger
from .limits import read_co2, read_grid_limit
from .price_source import PriceSource
from .solar_forecast import SolarForecasts

CONF_FUSE: Final = "fuse"
"""In the options of smart charging: the main fuse, amps per phase; 0 is none."""
CONF_FUSE_PHASES: Final = "fuse_phases"


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
        return Outlook(
            await self._prices.series(start, end),
            None if solar is None else solar.forecast,
            co2=co2,
            fuse=self._fuse,
            ceilings=() if grid_limit is None else grid_limit.ceilings,
        )
