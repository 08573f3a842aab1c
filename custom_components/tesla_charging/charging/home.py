"""Smart charging of an entry's cars: a controller for each, on the sources of the home. Without the option nothing runs."""

from collections.abc import Coroutine
from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..coordinator import VehicleCoordinator
from ..smart_charging.model import Fuse
from ..smart_charging.series import PowerForecast, PriceSeries, PriceSlot
from .controller import ChargingController
from .problem import Sources
from .store import ChargingStore

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry

CONF_SMART_CHARGING: Final = "smart_charging"
"""In an entry's options: the settings of smart charging; without it, nothing runs."""
QUARTER: Final = timedelta(minutes=15)


class TariffSources:
    """A home with a tariff that is known for ever: a price, and cheaper or dearer times of the day."""

    solar: PowerForecast | None = None
    base_load: PowerForecast | None = None
    fuse: Fuse | None = None

    def __init__(self, settings: dict[str, Any], currency: str, zone: tzinfo) -> None:
        """`settings`: `price`, and `times`: a list of [from, to, price] with local times ("01:15")."""
        self._price = float(settings.get("price", 0.30))
        self._times = [
            (time.fromisoformat(start), time.fromisoformat(end), float(price))
            for start, end, price in settings.get("times", ())
        ]
        self._currency, self._zone = currency, zone

    def prices(self, start: datetime, end: datetime) -> PriceSeries | None:
        """Return the price of each quarter hour."""
        slots, at = [], start
        while at < end:
            quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + QUARTER
            until = min(quarter, end)
            slots.append(PriceSlot(at, until, self._at(at), source="tariff"))
            at = until
        return PriceSeries(tuple(slots), self._currency)

    def _at(self, moment: datetime) -> float:
        local = moment.astimezone(self._zone).time()
        for start, end, price in self._times:
            inside = start <= local < end if start <= end else not end <= local < start
            if inside:
                return price
        return self._price


class HomeCharging:
    """The controllers of one entry."""

    def __init__(self, hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._store = ChargingStore(hass, entry.entry_id)
        self.controllers: dict[str, ChargingController] = {}
        """By VIN; empty without smart charging."""
        self._running: dict[str, ChargingController] = {}
        """The same, and those that take back what cars still hold."""
        self._sources: Sources | None = None

    async def load(self) -> None:
        """Read what is stored: also without smart charging, cars may still hold schedules of it."""
        await self._store.load()
        settings = self._entry.options.get(CONF_SMART_CHARGING)
        if isinstance(settings, dict):
            self._sources = TariffSources(
                settings, self._hass.config.currency, dt_util.get_default_time_zone()
            )

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
