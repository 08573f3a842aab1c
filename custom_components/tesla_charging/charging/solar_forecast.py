"""The solar forecast of the home: all providers that the Energy dashboard names, by the Energy platform's own call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
import logging
from typing import Final

from homeassistant.components.energy.websocket_api import async_get_energy_platforms
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .. import clock
from ..smart_charging.series import PowerForecast
from .solar_bands import age_of_bands, bands_of, with_bands
from .solar_series import Energy, NoForecast, energies, total

LOGGER = logging.getLogger(__name__)
KEEP: Final = timedelta(hours=24)
"""For how long the last known forecast of a provider stands in for it. Tomorrow's sun is not today's."""
PATIENCE: Final = 20
"""Seconds for a provider to answer; those known answer from memory."""
STAMPED_AT_END: Final = frozenset({"forecast_solar"})
"""Providers whose energy is that of the time before its stamp: Forecast.Solar's is the trapezoid of the powers at the
stamp and at the one before it, though core's action describes it the other way round."""


class SolarState(StrEnum):
    """What is known of a provider."""

    CURRENT = auto()
    """It has answered."""
    LAST_KNOWN = auto()
    """It does not answer; its last forecast counts."""
    NONE = auto()
    """It does not answer, and has not for long or ever."""


@dataclass(frozen=True, slots=True)
class SolarProvider:
    """A config entry with a solar forecast."""

    entry_id: str
    title: str
    state: SolarState
    answered: datetime | None = None
    """When it answered last."""
    reason: str = ""
    """Why it does not."""


@dataclass(frozen=True, slots=True)
class SolarReading:
    """The forecast of the home."""

    forecast: PowerForecast | None
    """The sum of all providers that are known; None if none is."""
    providers: tuple[SolarProvider, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    answered: datetime
    energies: tuple[Energy, ...]
    answer: object
    """From what they were read, with the next."""
    bands: tuple[datetime, ...]


class SolarForecasts:
    """Reads the forecasts, and remembers the last one of each provider."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Remember nothing yet."""
        self._hass = hass
        self._known: dict[str, _Known] = {}
        self._reasons: dict[str, str] = {}
        self._summed: list[tuple[Energy, ...]] = []
        self._total: PowerForecast | None = None

    async def read(self, entry_ids: Sequence[str]) -> SolarReading:
        """Return the sum of the forecasts of some config entries; none is asked twice, and none may fail the others."""
        wanted = tuple(dict.fromkeys(entry_ids))
        self._known = {key: known for key, known in self._known.items() if key in wanted}
        for entry_id in wanted:
            self._say(entry_id, await self._ask(entry_id))
        providers = tuple(self._provider(entry_id) for entry_id in wanted)
        known = [
            self._known[p.entry_id].energies for p in providers if p.state is not SolarState.NONE
        ]
        return SolarReading(self._sum(known), providers)

    def _sum(self, known: list[tuple[Energy, ...]]) -> PowerForecast | None:
        """Return the sum, the same one while no provider has anything new."""
        if [id(energies_) for energies_ in known] != [id(summed) for summed in self._summed]:
            self._summed, self._total = known, total(known) if known else None
        return self._total

    async def _ask(self, entry_id: str) -> str:
        """Ask a provider and remember its answer; return why there is none, "" if there is one."""
        entry = self._hass.config_entries.async_get_entry(entry_id)
        if entry is None:
            return "The config entry is gone"
        if entry.state is not ConfigEntryState.LOADED:
            return f"The config entry is not loaded ({entry.state.value})"
        ask = (await async_get_energy_platforms(self._hass)).get(entry.domain)
        if ask is None:
            return f"{entry.domain} has no solar forecast"
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await ask(self._hass, entry_id)
            if answer is None:
                return "It has no forecast now"
            zone = dt_util.get_default_time_zone()
            age = age_of_bands(self._hass, entry_id)
            known = self._known.get(entry_id)
            if known and known.answer == answer["wh_hours"] and known.bands == age:
                _check_end(known.energies)
                self._known[entry_id] = replace(known, answered=_now())
                return ""
            read = with_bands(
                energies(
                    answer["wh_hours"],
                    zone=zone,
                    stamped_at_end=entry.domain in STAMPED_AT_END,
                ),
                bands_of(self._hass, entry_id, zone),
            )
            _check_end(read)
        except NoForecast as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  the code of any other integration, which may raise anything
            return f"{type(error).__name__}: {str(error)[:100]}"
        given = dict(answer["wh_hours"])
        self._known[entry_id] = _Known(_now(), tuple(read), given, age)
        return ""

    def _say(self, entry_id: str, reason: str) -> None:
        """Log once when a provider stops answering, and once when it answers again."""
        before = self._reasons.get(entry_id, "")
        self._reasons[entry_id] = reason
        if reason and not before:
            LOGGER.info("No solar forecast from %s: %s", self._title(entry_id), reason)
        elif before and not reason:
            LOGGER.info("The solar forecast from %s is back", self._title(entry_id))

    def _provider(self, entry_id: str) -> SolarProvider:
        reason, known = self._reasons[entry_id], self._known.get(entry_id)
        if known is None:
            state = SolarState.NONE
        elif not reason:
            state = SolarState.CURRENT
        else:
            state = SolarState.LAST_KNOWN if _now() - known.answered < KEEP else SolarState.NONE
        answered = known.answered if known else None
        return SolarProvider(entry_id, self._title(entry_id), state, answered, reason)

    def _title(self, entry_id: str) -> str:
        entry = self._hass.config_entries.async_get_entry(entry_id)
        return entry.title if entry else entry_id


def _check_end(read: Sequence[Energy]) -> None:
    """Raise NoForecast for what ended a day ago: a provider may answer with its last one for ever."""
    if read and read[-1].end <= _now() - KEEP:
        raise NoForecast(f"Its forecast ended at {read[-1].end:%Y-%m-%d %H:%M} UTC")


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)
