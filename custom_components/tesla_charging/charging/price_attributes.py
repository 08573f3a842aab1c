"""The row of the table of adapters that reads attributes: of the entity with the price, or of others beside it."""

from collections.abc import Sequence
from typing import Any, Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_registry import RegistryEntry
from homeassistant.util import dt as dt_util

from ..smart_charging.series import Certainty
from .adapter import Adapter, NotPublished, NotReady, PriceSettings, RawSeries, SourceError
from .attribute_reader import AttributePrices, NotUnderstood, Reason, price_in, read_attributes
from .attribute_shapes import list_ids, source_of

KIND: Final = "attributes"
LISTS: Final = "lists"
"""In the params: the entities whose attributes have the prices; without it the one with the price."""
NAMES: Final = "attributes"
"""In the params: names of attributes that a person has given."""
UNIT: Final = "unit"
"""In the params: the unit, where the entities name none."""
DOMAINS: Final = ("sensor", "event", "binary_sensor")
"""Of entities with prices."""
ALSO_CORE: Final = frozenset({"nordpool", "omie"})
"""Domains of integrations from outside that core has too, without lists in attributes."""
NO_LISTS: Final = frozenset({Reason.NO_LIST, Reason.EMPTY})
"""Reasons of entities that have no prices but the present one."""
AWAY: Final = frozenset({"unavailable"})


def watched(settings: PriceSettings) -> tuple[str, ...]:
    """Return the entities whose states have to be watched."""
    lists = settings.params.get(LISTS)
    return tuple(map(str, lists)) if lists else (settings.entity_id,)


def look_at(hass: HomeAssistant, settings: PriceSettings) -> RawSeries:
    """Return the prices of all entities that have some, in one; raise SourceError if none has."""
    found: list[AttributePrices] = []
    problems: list[SourceError] = []
    for entity_id in watched(settings):
        state = hass.states.get(entity_id)
        try:
            if state is None or state.state in AWAY:
                raise NotReady(f"{entity_id} is not available")
            found.append(_read(state, settings.params))
        except SourceError as problem:
            problems.append(problem)
    if not found:
        raise problems[0]
    unit = found[0].unit
    alike = [prices for prices in found if prices.unit == unit]
    now = hass.states.get(settings.entity_id)
    return _series(alike, _price_now(now, settings, alike[0]))


def _series(found: Sequence[AttributePrices], price_now: float | None) -> RawSeries:
    rows = tuple(row for prices in found for row in prices.rows)
    forecast = tuple(row for prices in found for row in prices.forecast)
    where = ", ".join(dict.fromkeys(name for prices in found for name in prices.where))
    if any(prices.copied for prices in found):
        where = f"{where} (what stands for tomorrow is today's list again)"
    if not rows:
        return RawSeries(forecast, found[0].unit, Certainty.FORECAST, where, (), price_now)
    return RawSeries(rows, found[0].unit, Certainty.KNOWN, where, forecast, price_now)


def _read(state: State, params: Any) -> AttributePrices:
    names = params.get(NAMES) or ()
    try:
        return read_attributes(
            state.state,
            state.attributes,
            unit=str(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) or params.get(UNIT) or ""),
            zone=dt_util.get_default_time_zone(),
            # an entity that is written anew with the same prices means those of the new day
            written=state.last_reported,
            names=tuple(map(str, names)),
        )
    except NotUnderstood as error:
        text = f"{state.entity_id}: {error}"
        raise (NotPublished if error.reason is Reason.EMPTY else SourceError)(text) from error


def _price_now(
    state: State | None, settings: PriceSettings, prices: AttributePrices
) -> float | None:
    """Return what the entity with the price says, in the unit of the rows."""
    if prices.price_now is not None and watched(settings) == (settings.entity_id,):
        return prices.price_now
    if state is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) or settings.params.get(UNIT) or ""
    return price_in(state.state, str(unit), prices.unit)


def not_understood(hass: HomeAssistant, entity_id: str) -> str:
    """Return why the lists in an entity's attributes are not read, with what was found; "" if it has none."""
    state = hass.states.get(entity_id)
    if state is None:
        return ""
    try:
        _read(state, {})
    except SourceError as error:
        cause = error.__cause__
        known = isinstance(cause, NotUnderstood) and cause.reason in NO_LISTS
        return "" if known else str(error)
    return ""


def recognise(
    hass: HomeAssistant, state: State, registered: RegistryEntry | None
) -> PriceSettings | None:
    """Return the settings of an entity that has prices in its attributes, or beside which others have."""
    row = source_of(registered.platform) if registered else None
    params: dict[str, Any] = {}
    if row and registered:
        lists = _entities(hass, registered.platform, list_ids(row, registered.unique_id))
        if lists and lists != (state.entity_id,):
            params[LISTS] = list(lists)
        if row.unit:
            params[UNIT] = row.unit
    entry_id = registered.config_entry_id if registered else None
    settings = PriceSettings(KIND, state.entity_id, entry_id or "", params)
    try:
        look_at(hass, settings)
    except NotPublished:
        return settings if row else None
    except NotReady:
        # an entity that is not available may as well be core's
        return settings if row and row.platform not in ALSO_CORE else None
    except SourceError:
        return None
    return settings


def _entities(hass: HomeAssistant, platform: str, unique_ids: Sequence[str]) -> tuple[str, ...]:
    registry = er.async_get(hass)
    found = (
        registry.async_get_entity_id(domain, platform, unique_id)
        for unique_id in unique_ids
        for domain in DOMAINS
    )
    return tuple(entity_id for entity_id in found if entity_id)


ATTRIBUTE_ADAPTERS: Final[tuple[Adapter, ...]] = (
    Adapter(KIND, recognise, look_at=look_at, watched=watched),
)
