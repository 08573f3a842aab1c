"""Binary sensors: plugged in, at home, awake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .at_home import is_at_home
from .entity import VehicleEntity, VehicleEntityDescription
from .fleet_api import VehicleState as Connection
from .models import TeslaChargingConfigEntry
from .vehicle_state import CONNECTION, VehicleState

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleBinarySensorDescription(VehicleEntityDescription, BinarySensorEntityDescription):
    """One binary sensor."""

    value_fn: Callable[[HomeAssistant, VehicleState], bool | None]


def _plugged_in(_: HomeAssistant, state: VehicleState) -> bool | None:
    """Return whether a cable is in: every charging state but one says so."""
    charging_state = state.value("DetailedChargeState")
    return None if charging_state is None else charging_state != "Disconnected"


def _awake(_: HomeAssistant, state: VehicleState) -> bool | None:
    if state.connection is Connection.UNKNOWN:
        return None
    return state.connection is Connection.ONLINE


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
        value_fn=is_at_home,
        device_class=BinarySensorDeviceClass.PRESENCE,
    ),
    VehicleBinarySensorDescription(
        key="awake",
        signals=(CONNECTION,),
        value_fn=_awake,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's binary sensors, also of those that join later."""
    entry.runtime_data.account.for_each(
        lambda car: async_add_entities([VehicleBinarySensor(car, row) for row in BINARY_SENSORS])
    )


class VehicleBinarySensor(VehicleEntity, BinarySensorEntity):
    """A binary sensor of a car."""

    entity_description: VehicleBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether it is so, None when that is not known."""
        return self.entity_description.value_fn(self.hass, self.state_of_car)
