"""What a loaded config entry holds."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry
from homeassistant.util import dt as dt_util

from .account import Account
from .coordinator import VehicleCoordinator
from .fleet_api import FleetApiClient, RequestRecord
from .storage import VehicleStorage
from .telemetry import EntryTelemetry
from .vehicle_command import VirtualKey


class RequestLog:
    """How many requests of each kind this run of Home Assistant sent, for diagnostics."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.counts: dict[str, int] = {}
        self.cost = 0.0
        self._day = dt_util.now().date()
        self._today = 0

    def add(self, record: RequestRecord) -> None:
        """Count one answered request."""
        name = f"{record.operation.name} ({record.operation.category})"
        self.counts[name] = self.counts.get(name, 0) + 1
        self.cost += record.price
        self._today = self.today + 1
        self._day = dt_util.now().date()

    @property
    def today(self) -> int:
        """How many of them were sent since midnight here; Tesla does not say in which time zone it bills."""
        return self._today if self._day == dt_util.now().date() else 0


@dataclass(frozen=True, slots=True)
class TeslaChargingData:
    """The runtime data of one account with one application."""

    client: FleetApiClient
    key: VirtualKey
    storage: VehicleStorage
    requests: RequestLog
    cars: dict[str, VehicleCoordinator]
    """By VIN; those of `account`."""
    account: Account
    telemetry: EntryTelemetry


type TeslaChargingConfigEntry = ConfigEntry[TeslaChargingData]
