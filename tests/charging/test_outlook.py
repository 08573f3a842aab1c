"""What a plan is made on: the home's prices, and its sun, load and limits where there are any."""

from datetime import UTC, datetime, timedelta

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging.charging.car_view import Charger
from custom_components.tesla_charging.charging.outlook import HomeSources
from custom_components.tesla_charging.charging.own_prices import fixed
from custom_components.tesla_charging.charging.price_source import PriceSource
from custom_components.tesla_charging.charging.settings import SourceSettings
from custom_components.tesla_charging.smart_charging.model import Fuse

HOUR = timedelta(hours=1)


def now() -> datetime:
    """Return the whole second now."""
    return dt_util.utcnow().astimezone(UTC).replace(microsecond=0)


def prices(hass: HomeAssistant, **more: str) -> PriceSource:
    """Return a fixed price, and further sources."""
    settings = SourceSettings(fixed(0.3), **more)  # type: ignore[arg-type]
    return PriceSource(hass, settings, lambda _: None, lambda: None)


@pytest.mark.usefixtures("recorder_mock")
async def test_a_home_with_a_price_only_has_no_more(hass: HomeAssistant) -> None:
    """The load of the home matters only beside a fuse or the sun."""
    source = prices(hass)
    source.start()
    start = now()
    outlook = await HomeSources(hass, source, None).outlook(start, start + 30 * HOUR, Charger())
    assert outlook.prices.slots[0].start <= start
    assert outlook.prices.slots[-1].end >= start + 30 * HOUR
    assert (outlook.solar, outlook.base_load, outlook.fuse, outlook.co2) == (None,) * 4
    assert outlook.ceilings == ()
    source.stop()


@pytest.mark.usefixtures("recorder_mock")
async def test_beside_a_fuse_a_load_is_assumed_until_it_is_known(hass: HomeAssistant) -> None:
    """Of a home whose meters say nothing."""
    source = prices(hass)
    source.start()
    start = now()
    outlook = await HomeSources(hass, source, Fuse(25)).outlook(start, start + 24 * HOUR, Charger())
    assert outlook.base_load is not None
    assert all(50 < slot.median < 2000 for slot in outlook.base_load.slots)
    source.stop()


@pytest.mark.usefixtures("recorder_mock")
async def test_the_grid_operators_limit_is_a_ceiling(hass: HomeAssistant) -> None:
    """4.2 kW are 6 A on three phases; without the entity there is none."""
    hass.states.async_set("sensor.limit", "4200", {"unit_of_measurement": "W"})
    source = prices(hass, grid_limit="sensor.limit")
    source.start()
    start = now()
    sources = HomeSources(hass, source, None)
    outlook = await sources.outlook(start, start + 24 * HOUR, Charger())
    assert outlook.ceilings[0].amps == pytest.approx(4200 / 690, rel=1e-3)
    hass.states.async_remove("sensor.limit")
    assert (await sources.outlook(start, start + 24 * HOUR, Charger())).ceilings == ()
    source.stop()
