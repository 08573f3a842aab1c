"""The location of a car: only with the permission to read it."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.device_tracker import TrackerEntity, TrackerEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_when_known
from .entity import VehicleEntity, VehicleEntityDescription

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleTrackerDescription(VehicleEntityDescription, TrackerEntityDescription):
    """One tracker."""


LOCATION = VehicleTrackerDescription(key="location", signals=("Location",), needs=("Location",))


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the tracker of every car that reports its location, also of those that join later."""
    async_add_when_known(
        hass, entry, Platform.DEVICE_TRACKER, async_add_entities, (LOCATION,), VehicleTracker
    )


class VehicleTracker(VehicleEntity, TrackerEntity):
    """The location of a car; Home Assistant finds the zone."""

    @property
    @override
    def force_update(self) -> bool:
        """Do not write a location that has not changed."""
        return False

    @property
    @override
    def latitude(self) -> float | None:
        """Degrees north."""
        return self._position[0] if self._position else None

    @property
    @override
    def longitude(self) -> float | None:
        """Degrees east."""
        return self._position[1] if self._position else None

    @property
    def _position(self) -> tuple[float, float] | None:
        return self.state_of_car.position
