"""Rows of the table of adapters that call actions of other integrations, and any action that a person names."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError, ServiceNotFound
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity_registry import RegistryEntry
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..smart_charging.normalise import RawPrice
from ..smart_charging.series import Certainty
from .adapter import (
    DAY,
    HOUR,
    QUARTER,
    Adapter,
    NotPublished,
    NotReady,
    PriceSettings,
    RawSeries,
    Recognise,
    Scope,
    SourceError,
    Timetable,
)
from .schedule import bounds

PATIENCE: Final = 60
"""Seconds after which an action counts as failed."""
type Data = Callable[[HomeAssistant, PriceSettings, date], dict[str, Any]]
type Pick = Callable[[HomeAssistant, PriceSettings, Mapping[str, Any]], object]
type Unit = Callable[[HomeAssistant, PriceSettings], str]
type Params = Callable[[HomeAssistant, State, RegistryEntry], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class PriceAction:
    """How an action is called, and where the rows are in its answer."""

    service: str
    """As domain.name."""
    data: Data
    pick: Pick
    """Returns the list of rows."""
    unit: Unit
    value: str = "price"
    start: str = "start"
    end: str | None = "end"
    certainty: Certainty = Certainty.KNOWN
    absent: frozenset[str] = frozenset()
    """Translation keys of the errors that mean: not published yet."""
    mend: Callable[[tuple[RawPrice, ...], date], tuple[RawPrice, ...]] = lambda rows, _: rows
    """Puts right what the integration is known to get wrong."""
    held: bool = False
    """Whether it answers from what its integration holds: that is old while the entity is unavailable."""

    async def ask(self, hass: HomeAssistant, settings: PriceSettings, day: date) -> RawSeries:
        """Call the action for a day; raise SourceError for what is no list of prices."""
        entry_of(hass, settings, self.service.partition(".")[0])
        state = hass.states.get(settings.entity_id)
        if self.held and (state is None or state.state == STATE_UNAVAILABLE):
            raise NotReady(f"{settings.entity_id} is unavailable, what {self.service} has is old")
        answer = await call(hass, self.service, self.data(hass, settings, day), absent=self.absent)
        found = self.pick(hass, settings, answer)
        return RawSeries(
            self.mend(rows_of(found, self.service, self.start, self.end, self.value), day),
            self.unit(hass, settings),
            self.certainty,
            self.service,
        )


def entry_of(hass: HomeAssistant, settings: PriceSettings, domain: str) -> ConfigEntry:
    """Return the config entry of a source; raise NotReady if it is not loaded."""
    entry = hass.config_entries.async_get_entry(settings.entry_id)
    if entry is None or entry.domain != domain:
        raise NotReady(f"The integration {domain} that gives the prices is not set up any more")
    if entry.state is not ConfigEntryState.LOADED:
        raise NotReady(f"The integration {domain} is not loaded ({entry.state.value})")
    return entry


async def call(
    hass: HomeAssistant, service: str, data: dict[str, Any], *, absent: frozenset[str] = frozenset()
) -> Mapping[str, Any]:
    """Call an action, and return its response; raise SourceError."""
    domain, _, name = service.partition(".")
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await hass.services.async_call(
                domain, name, data, blocking=True, return_response=True
            )
    except ServiceNotFound as error:
        raise NotReady(f"The action {service} does not exist (any more)") from error
    except Exception as error:
        if isinstance(error, HomeAssistantError) and error.translation_key in absent:
            raise NotPublished(f"{service}: {error}") from error
        LOGGER.debug("The action %s failed", service, exc_info=True)
        raise SourceError(f"{service}: {error or type(error).__name__}") from error
    if not isinstance(answer, Mapping):
        raise SourceError(f"{service} answered with {type(answer).__name__}, not with prices")
    return answer


def rows_of(
    found: object, service: str, start: str, end: str | None, value: str
) -> tuple[RawPrice, ...]:
    """Return the rows of an answer; raise SourceError if they are none, NotPublished if there are none."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise SourceError(f"{service} answered with {_shape(found)} where a list of prices is")
    if not found:
        raise NotPublished(f"{service} has no prices for this day yet")
    rows = []
    for row in found:
        if not isinstance(row, Mapping) or start not in row or value not in row:
            raise SourceError(f"{service}: a row has no {start} and {value}, it is {_shape(row)}")
        rows.append(RawPrice(row[start], row[value], row.get(end) if end else None))
    return tuple(rows)


def _shape(found: object) -> str:
    """Return what was found, in a few words."""
    if isinstance(found, Mapping):
        return "{" + ", ".join(sorted(map(str, found))[:12]) + "}"
    return f"{type(found).__name__} {str(found)[:60]!r}" if found is not None else "nothing"


# -- what the rows have in common ---------------------------------------------------------------------------


def _euro_per_kwh(hass: HomeAssistant, settings: PriceSettings) -> str:
    return "EUR/kWh"


def _as_the_entity(hass: HomeAssistant, settings: PriceSettings) -> str:
    """Return the unit of the entity with the price now, or else the home's currency."""
    state = hass.states.get(settings.entity_id)
    unit = state.attributes.get("unit_of_measurement") if state else None
    return unit if isinstance(unit, str) else f"{hass.config.currency}/kWh"


def _prices(hass: HomeAssistant, settings: PriceSettings, answer: Mapping[str, Any]) -> object:
    return answer.get("prices")


def _of_platform(kind: str, service: str, params: Params) -> Recognise:
    """Return what recognises an entity by the platform of its registry entry, if the action is there."""
    domain, _, name = service.partition(".")

    def recognise(
        hass: HomeAssistant, state: State, registered: RegistryEntry | None
    ) -> PriceSettings | None:
        if (
            registered is None
            or registered.platform != domain
            or registered.config_entry_id is None
            or not hass.services.has_service(domain, name)
        ):
            return None
        found = params(hass, state, registered)
        if found is None:
            return None
        return PriceSettings(kind, state.entity_id, registered.config_entry_id, found)

    return recognise


def _is_per_kwh(state: State) -> bool:
    return str(state.attributes.get("unit_of_measurement", "")).lower().endswith("wh")


# -- Nord Pool ----------------------------------------------------------------------------------------------


def _nordpool_params(
    hass: HomeAssistant, state: State, registered: RegistryEntry
) -> dict[str, Any] | None:
    area, _, key = registered.unique_id.partition("-")
    return {"area": area} if _is_per_kwh(state) and key else None


def _nordpool_unit(hass: HomeAssistant, settings: PriceSettings) -> str:
    entry = entry_of(hass, settings, "nordpool")
    return f"{entry.data.get('currency', hass.config.currency)}/MWh"


NORDPOOL: Final = PriceAction(
    "nordpool.get_prices_for_date",
    lambda _, settings, day: {
        "config_entry": settings.entry_id,
        "date": day.isoformat(),
        "areas": [settings.params["area"]],
    },
    lambda _, settings, answer: answer.get(settings.params["area"]),
    _nordpool_unit,
)

# -- Tibber -------------------------------------------------------------------------------------------------


def _tibber_params(
    hass: HomeAssistant, state: State, registered: RegistryEntry
) -> dict[str, Any] | None:
    device = dr.async_get(hass).async_get(registered.device_id) if registered.device_id else None
    return {"home": device.name if device else None} if _is_per_kwh(state) else None


def _tibber_data(hass: HomeAssistant, settings: PriceSettings, day: date) -> dict[str, Any]:
    start = dt_util.start_of_local_day(day)
    end = dt_util.start_of_local_day(day + 2 * DAY)
    return {"start": start.isoformat(), "end": end.isoformat()}


def _tibber_rows(hass: HomeAssistant, settings: PriceSettings, answer: Mapping[str, Any]) -> object:
    homes = answer.get("prices")
    if not isinstance(homes, Mapping):
        return homes
    home = settings.params.get("home")
    if home not in homes and len(homes) == 1:
        return next(iter(homes.values()))
    if home not in homes:
        raise SourceError(f"Tibber has no home {home!r}; it has {', '.join(map(str, homes))}")
    return homes[home]


TIBBER: Final = PriceAction(
    "tibber.get_prices",
    _tibber_data,
    _tibber_rows,
    _as_the_entity,
    start="start_time",
    end=None,
)

# -- EnergyZero and easyEnergy ------------------------------------------------------------------------------


def _energyzero_params(
    hass: HomeAssistant, state: State, registered: RegistryEntry
) -> dict[str, Any] | None:
    if not _is_per_kwh(state):
        return None  # gas
    whole = "_all_in_" in registered.unique_id
    entry = hass.config_entries.async_get_entry(registered.config_entry_id or "")
    quarterly = entry is not None and entry.options.get(_INTERVAL) == "quarter_hourly"
    return {
        "price_type": "all_in" if whole else "market",
        "interval": "quarter" if quarterly else "hour",
        "incl_vat": True,
    }


_INTERVAL: Final = "electricity_price_interval"
"""EnergyZero's option about the contract."""
ENERGYZERO: Final = PriceAction(
    "energyzero.get_energy_prices",
    lambda _, settings, day: {
        "config_entry": settings.entry_id,
        "incl_vat": settings.params.get("incl_vat", True),
        "price_type": settings.params.get("price_type", "market"),
        "interval": settings.params.get("interval", "hour"),
        "start": day.isoformat(),
        "end": day.isoformat(),
    },
    _prices,
    _euro_per_kwh,
    absent=frozenset({"no_data"}),
)


def _easyenergy_params(returned: bool) -> Params:
    def params(
        hass: HomeAssistant, state: State, registered: RegistryEntry
    ) -> dict[str, Any] | None:
        if not _is_per_kwh(state) or ("energy_return" in registered.unique_id) is not returned:
            return None
        given = {"granularity": "hour"}
        return given if returned else {**given, "price_type": "market", "incl_vat": True}

    return params


def _easyenergy_data(hass: HomeAssistant, settings: PriceSettings, day: date) -> dict[str, Any]:
    return {
        "config_entry": settings.entry_id,
        "start": day.isoformat(),
        "end": day.isoformat(),
        **settings.params,
    }


EASYENERGY: Final = PriceAction(
    "easyenergy.get_energy_usage_prices",
    _easyenergy_data,
    _prices,
    _euro_per_kwh,
    start="timestamp",
    end=None,
)
EASYENERGY_RETURN: Final = PriceAction(
    "easyenergy.get_energy_return_prices",
    _easyenergy_data,
    _prices,
    _euro_per_kwh,
    start="timestamp",
    end=None,
)

# -- OMIE, Amber, Green Planet Energy -----------------------------------------------------------------------


def _omie_params(
    hass: HomeAssistant, state: State, registered: RegistryEntry
) -> dict[str, Any] | None:
    country = registered.unique_id.partition("_")[0]
    return {"country": country} if country in {"es", "pt"} else None


_MADRID: Final = ZoneInfo("Europe/Madrid")


def _omie_mend(rows: tuple[RawPrice, ...], day: date) -> tuple[RawPrice, ...]:
    """Return the rows of a day with a clock change at their times, which core counts by the clock on the wall.

    In spring that gives the four quarters after the change the times of the four behind, and they are lost.
    """
    start, end = bounds(day, _MADRID)
    quarters = (end - start) // QUARTER
    if quarters == 96:
        return rows
    lost = quarters - len(rows)
    if lost not in {0, 4}:
        raise SourceError(f"{len(rows)} prices for a day of {quarters} quarter hours")
    places = [index if index < 8 else index + lost for index in range(len(rows))]
    return tuple(
        RawPrice(start + QUARTER * place, row.value, start + QUARTER * (place + 1))
        for place, row in zip(places, rows, strict=True)
    )


OMIE: Final = PriceAction(
    "omie.get_prices_for_date",
    lambda _, settings, day: {"date": day.isoformat(), "countries": [settings.params["country"]]},
    lambda _, settings, answer: answer.get(settings.params["country"]),
    _euro_per_kwh,
    absent=frozenset({"data_not_available"}),
    mend=_omie_mend,
)


def _amber_params(
    hass: HomeAssistant, state: State, registered: RegistryEntry
) -> dict[str, Any] | None:
    channel = registered.unique_id.rpartition("-")[2]
    known = channel in {"general", "controlled_load", "feed_in"}
    return {"channel": channel} if known and _is_per_kwh(state) else None


def _amber_rows(hass: HomeAssistant, settings: PriceSettings, answer: Mapping[str, Any]) -> object:
    """Return the forecasts, which begin with the next interval, after the present one, which the entity tells."""
    forecasts = answer.get("forecasts")
    state = hass.states.get(settings.entity_id)
    present = dict(state.attributes) if state else {}
    if isinstance(forecasts, list) and present.keys() >= {"start_time", "end_time", "per_kwh"}:
        return [present, *forecasts]
    return forecasts


AMBER: Final = PriceAction(
    "amberelectric.get_forecasts",
    lambda _, settings, day: {
        "config_entry_id": settings.entry_id,
        "channel_type": settings.params["channel"],
    },
    _amber_rows,
    lambda _, settings: "AUD/kWh",
    start="start_time",
    end="end_time",
    value="per_kwh",
    certainty=Certainty.FORECAST,
    held=True,
)
GREEN_PLANET: Final = PriceAction(
    "green_planet_energy.get_prices",
    lambda _, settings, day: {"config_entry_id": settings.entry_id, "hours": 24},
    _prices,
    _euro_per_kwh,
    held=True,
)

# -- any action ---------------------------------------------------------------------------------------------


def _any_data(hass: HomeAssistant, settings: PriceSettings, day: date) -> dict[str, Any]:
    """Return what the person has written, with the day put in where it says so."""
    start = datetime.combine(day, time(), dt_util.get_default_time_zone())
    words = {
        "{date}": day.isoformat(),
        "{start}": start.isoformat(),
        "{end}": (start + timedelta(days=1)).isoformat(),
    }

    def filled(value: object) -> object:
        if isinstance(value, str):
            for word, text in words.items():
                value = value.replace(word, text)
            return value
        if isinstance(value, Mapping):
            return {key: filled(inner) for key, inner in value.items()}
        return [filled(inner) for inner in value] if isinstance(value, list) else value

    return {key: filled(value) for key, value in settings.params.get("data", {}).items()}


def at_path(answer: object, path: str, service: str) -> object:
    """Return what is at a path such as "prices.0.rows"; raise SourceError where it ends."""
    at = answer
    for part in filter(None, path.split(".")):
        if isinstance(at, Mapping) and part in at:
            at = at[part]
        elif isinstance(at, list) and part.isdecimal() and int(part) < len(at):
            at = at[int(part)]
        else:
            raise SourceError(f"{service} has no {part!r} of {path!r}; there is {_shape(at)}")
    return at


async def ask_any(hass: HomeAssistant, settings: PriceSettings, day: date) -> RawSeries:
    """Call the action that a person has named, and take the rows at the path that was given."""
    params = settings.params
    service = str(params["action"])
    answer = await call(hass, service, _any_data(hass, settings, day))
    found = at_path(answer, str(params.get("path", "")), service)
    start, value = str(params.get("start_key", "start")), str(params.get("value_key", "price"))
    rows = rows_of(found, service, start, params.get("end_key") or None, value)
    return RawSeries(rows, str(params["unit"]), Certainty.KNOWN, service)


# -- the rows -----------------------------------------------------------------------------------------------

_EUROPE: Final = "Europe/Berlin"
"""The zone of the market's day, and of the clock by which it publishes: results come from 12:45 on."""
FIVE: Final = timedelta(minutes=5)


def _market(zone: str = _EUROPE, scope: Scope = Scope.DAY, every: timedelta = FIVE) -> Timetable:
    return Timetable(time(12, 45), time(23, 30), every, zone, scope)


def _row(
    kind: str, action: PriceAction, params: Params, timetable: Timetable, **more: Any
) -> Adapter:
    return Adapter(
        kind,
        _of_platform(kind, action.service, params),
        action.ask,
        timetable=timetable,
        service=action.service,
        **more,
    )


ACTION_ADAPTERS: Final[tuple[Adapter, ...]] = (
    _row("nordpool", NORDPOOL, _nordpool_params, _market(), market=True, needs=("area",)),
    _row(
        "tibber",
        TIBBER,
        _tibber_params,
        # every request after 13:00 goes to Tibber while tomorrow is missing
        Timetable(time(13), time(23, 30), timedelta(minutes=30), "", Scope.KNOWN),
    ),
    _row(
        "energyzero",
        ENERGYZERO,
        _energyzero_params,
        _market(""),
        resolution=HOUR,
        needs=("price_type", "interval", "incl_vat"),
    ),
    _row(
        "easyenergy",
        EASYENERGY,
        _easyenergy_params(returned=False),
        _market("Europe/Amsterdam"),
        resolution=HOUR,
        needs=("price_type", "granularity", "incl_vat"),
    ),
    _row(
        "easyenergy_return",
        EASYENERGY_RETURN,
        _easyenergy_params(returned=True),
        _market("Europe/Amsterdam"),
        resolution=HOUR,
        needs=("granularity",),
    ),
    _row("omie", OMIE, _omie_params, _market(), market=True, needs=("country",)),
    # these two answer from what their integration holds, without a request
    _row(
        "amberelectric",
        AMBER,
        _amber_params,
        Timetable(time(12, 45), time(23, 59), FIVE, "", Scope.KNOWN, again=QUARTER),
        needs=("channel",),
    ),
    _row(
        "green_planet_energy",
        GREEN_PLANET,
        lambda _, state, registered: {} if registered.unique_id == "gpe_current_price" else None,
        Timetable(time(12, 45), time(23, 59), FIVE, "", Scope.KNOWN, again=HOUR),
    ),
    Adapter(
        "action",
        lambda *_: None,
        ask_any,
        timetable=_market("", every=timedelta(minutes=15)),
        needs=("action", "unit"),
    ),
)
