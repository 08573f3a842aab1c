"""The switch that starts and stops charging."""

from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_car_entities
from .entity import ControlEntity, VehicleEntityDescription
from .vehicle.signals import CHARGING

# the commander of each car sends one command at a time
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleSwitchDescription(VehicleEntityDescription, SwitchEntityDescription):
    """One switch."""


CHARGING_SWITCH = VehicleSwitchDescription(key="charging", signals=("DetailedChargeState",))


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's charging switch, also of those that join later."""
    async_add_car_entities(
        entry, async_add_entities, lambda car: [ChargingSwitch(car, CHARGING_SWITCH)]
    )


class ChargingSwitch(ControlEntity, SwitchEntity):
    """On while the car charges or starts to charge."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether the car charges; None if that is not known."""
        charging_state = self.shown_value("DetailedChargeState")
        return None if charging_state is None else charging_state in CHARGING

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Start charging."""
        await self.send("charge_start")

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop charging."""
        await self.send("charge_stop")
