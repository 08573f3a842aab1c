"""Cars that lack the virtual key: found out before the first command fails, and forgiven when they are paired.

A car that has taken a command needs no question. One that never has is asked about once, when it is online; one that
lacks the key is asked about again, soon at first, because somebody is probably about to pair it. No car is woken.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .. import clock
from ..const import DOMAIN, LOGGER
from ..coordinator import VehicleCoordinator
from ..fleet_api import Connectivity, FleetApiError, FleetStatus, Vehicles
from ..issues.kinds import KEY_NOT_PAIRED, Success
from ..issues.registry import EntryIssues, async_get_issues

SOON: Final = (timedelta(minutes=10), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
"""Between the first questions about a car that lacks the key; each is billed as data."""
LATER: Final = timedelta(days=1)
"""Between all others."""


class PairingMonitor:
    """Watches one car."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, car: VehicleCoordinator, vehicles: Vehicles
    ) -> None:
        """Nothing is asked yet."""
        self._hass = hass
        self._entry = entry
        self._car = car
        self._vehicles = vehicles
        self._issues = async_get_issues(hass, entry)
        self._asked = False
        self._pauses = _pauses()
        self._next_at: float | None = None

    @callback
    def start(self) -> None:
        """Look whenever something was heard of the car, until the entry is unloaded."""
        self._entry.async_on_unload(self._car.async_add_listener(self._check))

    @callback
    def _check(self) -> None:
        car = self._car
        if (
            car.last_update_success
            and car.data.connectivity is Connectivity.ONLINE
            and self._is_due()
        ):
            self._entry.async_create_background_task(
                self._hass, self._request(), f"{DOMAIN} pairing of {car.name}"
            )

    def _is_due(self) -> bool:
        """Whether it is time for a question, which then counts as asked."""
        if not self._issues.is_open(KEY_NOT_PAIRED, self._car.vin):
            self._pauses, self._next_at = _pauses(), None
            asked, self._asked = self._asked, True
            return not asked and self._car.commander.signed is None
        now = clock.now()
        due = self._next_at is not None and now >= self._next_at
        if due or self._next_at is None:
            self._next_at = now + next(self._pauses).total_seconds()
        return due

    async def _request(self) -> None:
        try:
            await check_pairing(self._vehicles, self._issues, self._car.vin)
        except FleetApiError as err:
            # what is not billed may be asked again
            self._asked = err.status is not None and err.status < 500
            LOGGER.debug("Tesla did not tell whether %s is paired: %s", self._car.name, err)


async def check_pairing(vehicles: Vehicles, issues: EntryIssues, vin: str) -> FleetStatus:
    """Ask Tesla whether a car is paired, and have its owner told. Billed as data; raises FleetApiError."""
    status = await vehicles.fleet_status(vin)
    if status.needs_pairing:
        issues.raise_issue(KEY_NOT_PAIRED, vin)
    else:
        issues.record_success(Success.PAIRED, vin)
    return status


def _pauses() -> Iterator[timedelta]:
    return chain(SOON, repeat(LATER))
