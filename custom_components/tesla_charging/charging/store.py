"""The file of smart charging: one record per car, saved before anything is told to a car."""

import asyncio
from typing import Any, Final

from homeassistant.core import HomeAssistant

from ..const import DOMAIN
from ..storage.loading import SafeStore, async_delete
from .car_record import CarRecord

VERSION: Final = 1
CARS: Final = "cars"


class ChargingStore:
    """The records of an entry's cars."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._file = SafeStore(hass, VERSION, f"{DOMAIN}.{entry_id}.charging")
        self._cars: dict[str, Any] = {}
        """By VIN, as they are in the file."""
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Read the file; one that cannot be used is set aside. Raises nothing."""
        stored = await self._file.async_load()
        cars = (stored or {}).get(CARS)
        self._cars = dict(cars) if isinstance(cars, dict) else {}

    @property
    def vins(self) -> tuple[str, ...]:
        """The VINs of the cars that have a record."""
        return tuple(self._cars)

    def record(self, vin: str) -> CarRecord:
        """Return the record of a car; one that was never saved has the defaults."""
        return CarRecord.restored(self._cars.get(vin))

    async def save(self, vin: str, record: CarRecord) -> None:
        """Save the record of a car; it is on disk when this returns."""
        self._cars[vin] = record.as_dict()
        async with self._lock:
            await self._file.async_save({CARS: self._cars})

    async def remove(self) -> None:
        """Delete the file. A failure is logged."""
        await async_delete([self._file.async_remove])
