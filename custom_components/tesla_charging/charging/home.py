"""Smart charging of an entry's cars: a controller for each, on the sources of the home. Without the option nothing runs."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import HomeAssistant, callback

from ..coordinator import VehicleCoordinator
from ..smart_charging.model import Fuse
from .controller import ChargingController
from .outlook import CONF_FUSE, CONF_FUSE_PHASES, HomeSources
from .price_source import PriceSource
from .store import ChargingStore

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry

CONF_SMART_CHARGING: Final = "smart_charging"
"""In an entry's options: the settings of smart charging; without it, nothing runs."""
MAX_FUSE: Final = 500.0
"""Amps."""


class HomeCharging:
    """The controllers of one entry."""

    def __init__(
        self, hass: HomeAssistant, entry: TeslaChargingConfigEntry, prices: PriceSource | None
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._store = ChargingStore(hass, entry.entry_id)
        self.controllers: dict[str, ChargingController] = {}
        """By VIN; empty without smart charging."""
        self._running: dict[str, ChargingController] = {}
        """The same, and those that take back what cars still hold."""
        self._prices = prices
        self._sources: HomeSources | None = None

    async def load(self) -> None:
        """Read what is stored: also without smart charging, cars may still hold schedules of it."""
        await self._store.load()
        settings = self._entry.options.get(CONF_SMART_CHARGING)
        if isinstance(settings, dict) and self._prices is not None:
            self._sources = HomeSources(self._hass, self._prices, _fuse(settings))

    @callback
    def join(self, car: VehicleCoordinator) -> None:
        """Begin with a car. Without smart charging only what it still holds of ours is taken back."""
        if self._sources is None and not self._store.record(car.vin).held:
            return
        controller = ChargingController(
            self._hass, car, self._store, self._sources, create_task=self._create_task
        )
        if self._sources is not None:
            self.controllers[car.vin] = controller
        self._running[car.vin] = controller
        controller.start()

    @callback
    def leave(self, vin: str) -> None:
        """End with a car that has left the account."""
        self.controllers.pop(vin, None)
        if (controller := self._running.pop(vin, None)) is not None:
            controller.stop()

    @callback
    def stop(self) -> None:
        """End with every car; what they hold stays."""
        for vin in [*self._running]:
            self.leave(vin)

    def _create_task(self, work: Coroutine[Any, Any, None], name: str) -> object:
        return self._entry.async_create_background_task(self._hass, work, name)


def _fuse(settings: dict[str, Any]) -> Fuse | None:
    amps, phases = settings.get(CONF_FUSE), settings.get(CONF_FUSE_PHASES, 3)
    if not isinstance(amps, int | float) or not 0 < amps <= MAX_FUSE or phases not in {1, 3}:
        return None
    return Fuse(float(amps), int(phases))
