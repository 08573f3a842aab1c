"""The button that wakes a car up."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import VehicleEntity, VehicleEntityDescription
from .models import TeslaChargingConfigEntry

# every car keeps its own commands in order
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleButtonDescription(VehicleEntityDescription, ButtonEntityDescription):
    """One button."""


WAKE_UP = VehicleButtonDescription(key="wake_up", signals=())


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's wake button, also of those that join later."""
    entry.runtime_data.account.for_each(
        lambda car: async_add_entities([WakeUpButton(car, WAKE_UP)])
    )


class WakeUpButton(VehicleEntity, ButtonEntity):
    """Wakes the car up; costs a wake-up if it sleeps, nothing if it does not."""

    @override
    async def async_press(self) -> None:
        """Wake the car up and wait until it is awake."""
        await self.coordinator.wake_up()
