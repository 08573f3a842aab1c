"""The action that returns the prices of the home: known ones and estimates, and where each comes from."""

from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..charging.price_source import PriceSource
from ..const import DOMAIN
from ..data import TeslaChargingConfigEntry
from ..exceptions import Message
from ..smart_charging.series import PriceSlot
from .action import invalid

GET_PRICES: Final = "get_prices"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
USUAL: Final = timedelta(days=2)
LONGEST: Final = timedelta(days=14)
FIELDS: Final = {
    vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
    vol.Optional(ATTR_START): cv.datetime,
    vol.Optional(ATTR_END): cv.datetime,
}


@callback
def async_setup_price_action(hass: HomeAssistant) -> None:
    """Register the action."""

    async def handle(call: ServiceCall) -> ServiceResponse:
        source = _source_of(hass, call.data.get(ATTR_CONFIG_ENTRY_ID))
        start, end = _bounds(call.data)
        await source.ready()
        series = await source.series(start, end)
        return {
            "currency": series.currency,
            "prices": [_as_response(slot) for slot in series.slots],
            "sources": source.report(),
        }

    hass.services.async_register(
        DOMAIN,
        GET_PRICES,
        handle,
        schema=vol.Schema(FIELDS),
        supports_response=SupportsResponse.ONLY,
    )


def _source_of(hass: HomeAssistant, entry_id: str | None) -> PriceSource:
    """Return the prices of an account, or of the first that has some."""
    entries: list[TeslaChargingConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        if entry_id in {None, entry.entry_id} and entry.runtime_data.prices is not None:
            return entry.runtime_data.prices
    raise invalid(Message.NO_SOURCES)


def _bounds(data: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return from when to when, in UTC: as given, or from today's beginning for two days."""
    start = _moment(data.get(ATTR_START)) or dt_util.as_utc(dt_util.start_of_local_day())
    end = _moment(data.get(ATTR_END)) or start + USUAL
    return start, min(max(end, start + timedelta(minutes=15)), start + LONGEST)


def _moment(given: datetime | None) -> datetime | None:
    return None if given is None else dt_util.as_utc(given).replace(microsecond=0)


def _as_response(slot: PriceSlot) -> dict[str, Any]:
    """Return a slot; its times in the home's own zone."""
    return {
        "start": dt_util.as_local(slot.start).isoformat(),
        "end": dt_util.as_local(slot.end).isoformat(),
        "import_price": round(slot.import_price, 6),
        "export_price": None if slot.export_price is None else round(slot.export_price, 6),
        "certainty": slot.certainty.value,
        "source": slot.source,
    }
