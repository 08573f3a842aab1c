"""Who is told what of a car: its entities what changed, people what failed, the entry's issues both."""

from asyncio import TimerHandle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .commands.rate_guard import CommandRateGuard
from .commands.rate_limit import LimitReached
from .device import show_firmware
from .exceptions import translated
from .fleet_api import Connectivity, FleetApiError, LoginRequired, NotFound
from .issues.registry import EntryIssues
from .vehicle.state import VehicleState
from .vehicle_command import VehicleCommandError


class TellingCoordinator(DataUpdateCoordinator[VehicleState]):
    """The half of a car's coordinator that tells; what it tells of is made by the other half (coordinator.py)."""

    config_entry: ConfigEntry
    vin: str
    vehicle_name: str
    on_not_found: Callable[[], None]
    _issues: EntryIssues
    _rate_guard: CommandRateGuard
    _published: VehicleState
    _published_success: bool
    _burst_timer: TimerHandle | None

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what fails into HomeAssistantError with a translation, and tell whom it concerns."""
        try:
            yield
        except LimitReached as err:
            raise self._rate_guard.refused(err, self.vehicle_name) from None
        except (FleetApiError, VehicleCommandError) as err:
            if isinstance(err, LoginRequired):
                self.config_entry.async_start_reauth_if_available(self.hass)
            if isinstance(err, NotFound):
                self.on_not_found()
            if isinstance(err, VehicleCommandError):
                self._issues.record_failure(err, self.vin)
            raise translated(err) from err

    @callback
    def _set_connectivity(self, connection: Connectivity) -> None:
        self._publish(self.data.with_connectivity(connection))

    @callback
    def forget_signals(self, names: Iterable[str]) -> None:
        """Show these signals as unknown: nobody tells them any more."""
        state = self.data
        for name in names:
            if name in state.readings:
                state = state.without(name)
        if state is not self.data:
            self._publish(state)

    @callback
    def _publish(self, state: VehicleState) -> None:
        """Take over a state that did not come from polling, leaving the polling as it is."""
        self.data = state
        self.async_update_listeners()

    @callback
    def _publish_burst(self) -> None:
        """Tell what a burst of pushes changed, once."""
        self._burst_timer = None
        self.async_update_listeners()

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell those whose signals changed; all of them when the connection to Tesla was lost or is back."""
        changed = self.data.changes(self._published)
        everyone = self.last_update_success != self._published_success
        self._published, self._published_success = self.data, self.last_update_success
        if "Version" in changed:
            show_firmware(self.hass, self.config_entry, self.vin, self.data.value("Version"))
        for update, context in list(self._listeners.values()):
            if everyone or not isinstance(context, frozenset) or context & changed:
                update()
