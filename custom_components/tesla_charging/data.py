"""The runtime data of a loaded config entry."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry

from .account import Account
from .billing.budget_manager import BudgetManager
from .billing.meter import Meter
from .charging.home import HomeCharging
from .charging.price_source import PriceSource
from .coordinator import VehicleCoordinator
from .fleet_api import FleetApiClient
from .storage.vehicle_store import VehicleStorage
from .telemetry.manager import EntryTelemetry
from .vehicle_command import VirtualKey


@dataclass(frozen=True, slots=True)
class TeslaChargingData:
    """What belongs to one Tesla account with one application."""

    client: FleetApiClient
    key: VirtualKey
    storage: VehicleStorage
    meter: Meter
    """Of the application; other entries may use the same one."""
    budget: BudgetManager
    """Of the same application."""
    cars: dict[str, VehicleCoordinator]
    """By VIN; those of `account`."""
    account: Account
    telemetry: EntryTelemetry
    prices: PriceSource | None
    """None while no sources are set up: then nothing is read."""
    charging: HomeCharging
    """Without a controller where smart charging is not set up."""


type TeslaChargingConfigEntry = ConfigEntry[TeslaChargingData]
