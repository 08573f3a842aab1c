"""Detects events of a car from its updates, and dispatches them to event entities and device triggers."""

from typing import Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.signal_type import SignalType

from .. import clock
from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
from ..data import TeslaChargingConfigEntry
from ..fleet_api import Connectivity
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.charge_events import (
    ChargeSnapshot,
    Contact,
    Continuity,
    DetectedEvent,
    HomeSignal,
    events_between,
    snapshot,
)
from ..vehicle.location import certain_home_signal

_REACHABLE: Final = frozenset({Connectivity.ONLINE, Connectivity.ASLEEP})


def signal_of(entry_id: str, vin: str) -> SignalType[DetectedEvent]:
    """Return the dispatcher's signal for the events of a car of an entry."""
    return SignalType(f"{DOMAIN}_event_{entry_id}_{vin}")


class EventMonitor:
    """Monitors one car."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        car: VehicleCoordinator,
        storage: VehicleStorage,
    ) -> None:
        """Start with the stored times until when the car was followed before the restart."""
        self._hass = hass
        self._entry = entry
        self._car = car
        self._storage = storage
        self._connected_at: float | None = None
        charge, home = storage.continuity(car.vin)
        before = ChargeSnapshot(charge_followed=Continuity(charge), home_followed=Continuity(home))
        no_contact = Contact(clock.now(), in_touch=False)
        self._snapshot = snapshot(before, car.data, self._home(), no_contact)

    @callback
    def start(self) -> None:
        """Check whenever the car's coordinator is updated, until the entry is unloaded."""
        self._storage.attach_continuity(self._car.vin, self._continuity)
        self._entry.async_on_unload(self._car.async_add_listener(self._check))
        self._entry.async_on_unload(
            self._hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._on_stop)
        )

    @callback
    def _check(self) -> None:
        car = self._car
        # our clock may have stood still while there was no power; the car's did not
        now = max(clock.now(), car.data.dated_at)
        if not car.push.connected:
            self._connected_at = None
        elif self._connected_at is None:
            self._connected_at = now
        reachable = car.last_update_success and car.data.connectivity in _REACHABLE
        contact = Contact(now, car.push.connected or reachable, self._connected_at)
        before = self._snapshot
        self._snapshot = after = snapshot(before, car.data, self._home(), contact)
        for event in events_between(before, after, car.data, now):
            async_dispatcher_send(self._hass, signal_of(self._entry.entry_id, car.vin), event)

    def _home(self) -> HomeSignal | None:
        return certain_home_signal(self._hass, self._car.data, self._car.home_source)

    def _continuity(self) -> tuple[float, float]:
        return self._snapshot.charge_followed.until, self._snapshot.home_followed.until

    @callback
    def _on_stop(self, _: Event) -> None:
        # nothing else changes while a car sleeps, so these times would not be saved, although it has been followed
        self._storage.save_states()
