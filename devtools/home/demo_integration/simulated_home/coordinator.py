"""Polls the simulated home every few seconds, and its price service."""

from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .client import SimulatedHomeClient, SimulatedHomeError

LOGGER = logging.getLogger(__name__)
STATE_EVERY = timedelta(seconds=5)
PRICES_EVERY = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Slot:
    """What a kWh costs or earns in a time."""

    start: datetime
    end: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Prices:
    """Published prices per kWh, in order of time; slots may be missing."""

    unit: str
    imported: tuple[Slot, ...]
    exported: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class SimulatedHomeData:
    """What a loaded entry has."""

    client: SimulatedHomeClient
    home: HomeCoordinator
    prices: PriceCoordinator


type SimulatedHomeConfigEntry = ConfigEntry[SimulatedHomeData]


class HomeCoordinator(DataUpdateCoordinator[dict[str, Any]]):
    """The present of the home, as `/home/state` tells it."""

    config_entry: SimulatedHomeConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: SimulatedHomeConfigEntry, client: SimulatedHomeClient
    ) -> None:
        """Poll it."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name="simulated home", update_interval=STATE_EVERY
        )
        self._client = client
        #: the counters at the last full hour before the simulator was started, from which on the entities count
        self.base: dict[str, float] = {}

    @override
    async def _async_setup(self) -> None:
        try:
            hours = await self._client.history()
        except SimulatedHomeError as error:
            raise UpdateFailed(str(error)) from error
        self.base = hours[-1] if hours else {}

    @override
    async def _async_update_data(self) -> dict[str, Any]:
        try:
            return await self._client.state()
        except SimulatedHomeError as error:
            raise UpdateFailed(str(error)) from error


class PriceCoordinator(DataUpdateCoordinator[Prices | None]):
    """The published prices; None while the service is out of order, which is nothing to complain about here."""

    config_entry: SimulatedHomeConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: SimulatedHomeConfigEntry, client: SimulatedHomeClient
    ) -> None:
        """Poll them."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name="simulated prices", update_interval=PRICES_EVERY
        )
        self._client = client

    @override
    async def _async_update_data(self) -> Prices | None:
        try:
            told = await self._client.prices()
        except SimulatedHomeError as error:
            raise UpdateFailed(str(error)) from error
        if told is None:
            return None
        return Prices(told["unit"], _slots(told["import"]), _slots(told["export"]))


def _slots(rows: list[dict[str, Any]]) -> tuple[Slot, ...]:
    return tuple(
        Slot(_local(row["start"]), _local(row["end"]), float(row["price"])) for row in rows
    )


def _local(text: str) -> datetime:
    return dt_util.as_local(datetime.fromisoformat(text))
