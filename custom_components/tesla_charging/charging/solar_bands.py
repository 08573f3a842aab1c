"""How sure a solar forecast is: the tenth and ninetieth percentile that Solcast's sensors have beside the forecast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
import math
from typing import Final

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er

from .solar_series import MAX_STAMPS, Energy

PLATFORM: Final = "solcast_solar"
ATTRIBUTE: Final = "detailedForecast"
"""Of its sensors, one for each day: means over half hours, kW."""
STEP: Final = timedelta(minutes=30)
MOST_SENSORS: Final = 16


@dataclass(frozen=True, slots=True)
class Band:
    """The energy that is expected in half an hour with a tenth and nine tenths of probability, watt hours."""

    low: float
    high: float


def _states(hass: HomeAssistant, entry_id: str) -> list[State]:
    """Return the states of the sensors that can have bands."""
    entries = er.async_entries_for_config_entry(er.async_get(hass), entry_id)
    sensors = [e.entity_id for e in entries if e.platform == PLATFORM and e.domain == "sensor"]
    states = [hass.states.get(entity_id) for entity_id in sensors]
    return [state for state in states if state and ATTRIBUTE in state.attributes][:MOST_SENSORS]


def age_of_bands(hass: HomeAssistant, entry_id: str) -> tuple[datetime, ...]:
    """Return what differs when the bands of a config entry may differ."""
    return tuple(state.last_updated for state in _states(hass, entry_id))


def bands_of(hass: HomeAssistant, entry_id: str, zone: tzinfo) -> dict[datetime, Band]:
    """Return the bands of a config entry by when they begin; empty if it has none."""
    bands: dict[datetime, Band] = {}
    for state in _states(hass, entry_id):
        rows = state.attributes[ATTRIBUTE]
        if isinstance(rows, list) and len(rows) <= MAX_STAMPS // MOST_SENSORS:
            bands |= _read(rows, zone)
    return bands


def _read(rows: Sequence[object], zone: tzinfo) -> dict[datetime, Band]:
    """Return the bands of a list; rows that are none are left out."""
    bands = {}
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        try:
            start = row["period_start"]
            moment = start if isinstance(start, datetime) else datetime.fromisoformat(start)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
            low, high = (
                float(row[key]) * 1000 * (STEP / timedelta(hours=1))
                for key in ("pv_estimate10", "pv_estimate90")
            )
        except LookupError, TypeError, ValueError, OverflowError:
            continue
        if math.isfinite(low) and math.isfinite(high) and 0 <= low <= high:
            bands[moment] = Band(low, high)
    return bands


def with_bands(energies: Iterable[Energy], bands: Mapping[datetime, Band]) -> list[Energy]:
    """Return energies with the bands that hold for the whole of their time."""
    return [_with_band(energy, bands) for energy in energies]


def _with_band(energy: Energy, bands: Mapping[datetime, Band]) -> Energy:
    count = (energy.end - energy.start) / STEP
    if count != int(count):
        return energy
    within = [bands.get(energy.start + i * STEP) for i in range(int(count))]
    known = [band for band in within if band is not None]
    if not known or len(known) < len(within):
        return energy
    low, high = sum(band.low for band in known), sum(band.high for band in known)
    # a home may have chosen one of the percentiles as its forecast
    return replace(energy, low=min(low, energy.wh), high=max(high, energy.wh))
