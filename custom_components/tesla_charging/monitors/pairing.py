"""Checks whether cars lack the virtual key: an issue is raised before the first command fails, and cleared after pairing.

No car is woken for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, repeat
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import DOMAIN, LOGGER
from ..coordinator import VehicleCoordinator
from ..data import TeslaChargingConfigEntry
from ..fleet_api import Connectivity, FleetApiError, FleetStatus, Vehicles
from ..issues.kinds import KEY_NOT_PAIRED, Success
from ..issues.registry import EntryIssues, async_get_issues

FIRST_INTERVALS: Final = (
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""Between the first requests about a car that lacks the key; each is billed as data."""
LATER_INTERVAL: Final = timedelta(days=1)
"""Between all others."""


@dataclass(slots=True)
class _Requests:
    """What was requested about the pairing of a car with one key."""

    requested: bool = False
    intervals: Iterator[timedelta] = field(default_factory=lambda: _intervals())  # noqa: PLW0108  defined below
    next_at: float | None = None


DATA_REQUESTS: Final[HassKey[dict[tuple[str, str, str], _Requests]]] = HassKey(
    f"{DOMAIN}_pairing_requests"
)
"""By entry id, VIN and fingerprint of the key, since Home Assistant's start."""


class PairingMonitor:
    """Monitors one car.

    A car that has accepted a command is not checked. One that never has is checked once, when it is online. One that
    lacks the key is checked again, at short intervals at first, because the user is probably about to pair it.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        car: VehicleCoordinator,
        vehicles: Vehicles,
    ) -> None:

        self._hass = hass
        self._entry = entry
        self._car = car
        self._vehicles = vehicles
        self._issues = async_get_issues(hass, entry)
        # a reload of the entry repeats no request
        known = hass.data.setdefault(DATA_REQUESTS, {})
        self._requests = known.setdefault(
            (entry.entry_id, car.vin, car.key_fingerprint), _Requests()
        )

    @callback
    def start(self) -> None:
        """Check whenever the car's coordinator is updated, until the entry is unloaded."""
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
        """Whether a request is due, which then counts as sent."""
        if not self._issues.is_open(KEY_NOT_PAIRED, self._car.vin):
            self._requests.intervals, self._requests.next_at = _intervals(), None
            requested, self._requests.requested = self._requests.requested, True
            known = self._car.commander.signed is not None or self._car.is_known_paired
            return not requested and not known
        now = clock.now()
        next_at = self._requests.next_at
        due = next_at is not None and now >= next_at
        if due or next_at is None:
            self._requests.next_at = now + next(self._requests.intervals).total_seconds()
        return due

    async def _request(self) -> None:
        try:
            await check_pairing(self._vehicles, self._issues, self._car.vin)
        except FleetApiError as err:
            # a request that is not billed may be sent again
            self._requests.requested = err.status is not None and err.status < 500
            LOGGER.debug("Tesla did not tell whether %s is paired: %s", self._car.name, err)


async def check_pairing(vehicles: Vehicles, issues: EntryIssues, vin: str) -> FleetStatus:
    """Request from Tesla whether a car is paired; raise or clear the issue. Billed as data; raises FleetApiError."""
    status = await vehicles.fleet_status(vin)
    if status.needs_pairing:
        issues.raise_issue(KEY_NOT_PAIRED, vin)
    else:
        issues.record_success(Success.PAIRED, vin)
    return status


def _intervals() -> Iterator[timedelta]:
    return chain(FIRST_INTERVALS, repeat(LATER_INTERVAL))
