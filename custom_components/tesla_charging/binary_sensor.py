"""Binary sensors: cable, location, connectivity, schedule and battery."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import VehicleCoordinator
from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_when_known
from .entity import VehicleEntity, VehicleEntityDescription
from .fleet_api import Connectivity
from .vehicle.location import HOME_SIGNALS, is_at_home
from .vehicle.state import CONNECTIVITY, RECEIVED_AT, TELEMETRY, VehicleState
from .vehicle.telemetry_status import TelemetryStage

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleBinarySensorDescription(VehicleEntityDescription, BinarySensorEntityDescription):
    """One binary sensor."""

    value_fn: Callable[[VehicleCoordinator, VehicleState], bool | None]


def _flag(key: str, signal: str, *needs: str, **more: object) -> VehicleBinarySensorDescription:
    """Return the row of a binary sensor that shows a boolean signal as it is, disabled by default."""
    return VehicleBinarySensorDescription(
        key=key,
        signals=(signal,),
        needs=(signal, *needs),
        value_fn=lambda _, state: None if (value := state.value(signal)) is None else bool(value),
        **{"entity_registry_enabled_default": False, **more},  # type: ignore[arg-type]  # fields of the row
    )


def _plugged_in(_: VehicleCoordinator, state: VehicleState) -> bool | None:
    """Return whether a cable is plugged in: true for every charging state but Disconnected."""
    charging_state = state.value("DetailedChargeState")
    return None if charging_state is None else charging_state != "Disconnected"


def _awake(_: VehicleCoordinator, state: VehicleState) -> bool | None:
    """Return whether the car is awake: not known of one that cannot be reached, which is no sleep."""
    return {Connectivity.ONLINE: True, Connectivity.ASLEEP: False}.get(state.connectivity)


def _connected(_: VehicleCoordinator, state: VehicleState) -> bool:
    return state.telemetry is TelemetryStage.CONNECTED


def _at_home(car: VehicleCoordinator, state: VehicleState) -> bool | None:
    return is_at_home(car.hass, state, car.home_source)


BINARY_SENSORS = (
    VehicleBinarySensorDescription(
        key="plugged_in",
        signals=("DetailedChargeState",),
        value_fn=_plugged_in,
        device_class=BinarySensorDeviceClass.PLUG,
    ),
    VehicleBinarySensorDescription(
        key="at_home",
        signals=("LocatedAtHome", "Location"),
        value_fn=_at_home,
        device_class=BinarySensorDeviceClass.PRESENCE,
    ),
    VehicleBinarySensorDescription(
        key="awake",
        signals=(CONNECTIVITY,),
        value_fn=_awake,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    VehicleBinarySensorDescription(
        key="connected",
        signals=(TELEMETRY,),
        needs=(RECEIVED_AT,),
        value_fn=_connected,
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    _flag("scheduled_charging_pending", "ScheduledChargingPending"),
    _flag("fast_charger", "FastChargerPresent"),
    _flag("battery_heater", "BatteryHeaterOn", device_class=BinarySensorDeviceClass.HEAT),
    _flag("preconditioning", "PreconditioningEnabled"),
    # only pushed, and only if the entity is enabled: so it has to exist before the signal is known
    _flag("at_work", "LocatedAtWork", RECEIVED_AT, device_class=BinarySensorDeviceClass.PRESENCE),
    _flag(
        "at_favorite",
        "LocatedAtFavorite",
        RECEIVED_AT,
        device_class=BinarySensorDeviceClass.PRESENCE,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's binary sensors, also of those that join later."""
    async_add_when_known(
        hass,
        entry,
        Platform.BINARY_SENSOR,
        async_add_entities,
        BINARY_SENSORS,
        _entity_of,
    )


class VehicleBinarySensor(VehicleEntity, BinarySensorEntity):
    """A binary sensor of a car."""

    entity_description: VehicleBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """The current value, None if it is not known."""
        return self.entity_description.value_fn(self.coordinator, self.state_of_car)


class AtHomeSensor(VehicleBinarySensor):
    """Whether the car is at home, by what the user has chosen to decide it."""

    def __init__(
        self, coordinator: VehicleCoordinator, row: VehicleBinarySensorDescription
    ) -> None:
        """Create the entity; it shows the signals of the chosen source."""
        super().__init__(coordinator, row)
        self.signals = self.coordinator_context = HOME_SIGNALS[coordinator.home_source]


def _entity_of(car: VehicleCoordinator, row: VehicleBinarySensorDescription) -> VehicleBinarySensor:
    return (AtHomeSensor if row.value_fn is _at_home else VehicleBinarySensor)(car, row)
