"""Watches a car for what happens to it, and tells whoever wants to know: event entities and device triggers."""

from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.signal_type import SignalType

from .. import clock
from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
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

_IN_TOUCH: Final = frozenset({Connectivity.ONLINE, Connectivity.ASLEEP})


def signal_of(entry_id: str, vin: str) -> SignalType[DetectedEvent]:
    """Return the dispatcher's signal that tells what happens to a car of an entry."""
    return SignalType(f"{DOMAIN}_event_{entry_id}_{vin}")


class EventMonitor:
    """Watches one car."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        car: VehicleCoordinator,
        storage: VehicleStorage,
    ) -> None:
        """Begin with what was known before the restart."""
        self._hass = hass
        self._entry = entry
        self._car = car
        self._storage = storage
        self._connected_at: float | None = None
        charge, home = storage.continuity(car.vin)
        before = ChargeSnapshot(charge_followed=Continuity(charge), home_followed=Continuity(home))
        nobody = Contact(clock.now(), in_touch=False)
        self._situation = snapshot(before, car.data, self._home(), nobody)

    @callback
    def start(self) -> None:
        """Look whenever something was heard of the car, until the entry is unloaded."""
        self._storage.attach_continuity(self._car.vin, self._followed)
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
        told = car.last_update_success and car.data.connectivity in _IN_TOUCH
        contact = Contact(now, car.push.connected or told, self._connected_at)
        before = self._situation
        self._situation = after = snapshot(before, car.data, self._home(), contact)
        for happening in events_between(before, after, car.data, now):
            async_dispatcher_send(self._hass, signal_of(self._entry.entry_id, car.vin), happening)

    def _home(self) -> HomeSignal | None:
        return certain_home_signal(self._hass, self._car.data, self._car.home_source)

    def _followed(self) -> tuple[float, float]:
        return self._situation.charge_followed.until, self._situation.home_followed.until

    @callback
    def _on_stop(self, _: Event) -> None:
        # of a car that sleeps nothing else is to be saved, and it has been followed all the same
        self._storage.save_states()
