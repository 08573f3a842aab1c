"""The charge port."""

from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.cover import (
    CoverDeviceClass,
    CoverEntity,
    CoverEntityDescription,
    CoverEntityFeature,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands.call_target import is_named
from .commands.commander import NotWoken
from .const import LOGGER
from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_car_entities
from .entity import ControlEntity, VehicleEntityDescription

# the commander of each car sends one command at a time
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleCoverDescription(VehicleEntityDescription, CoverEntityDescription):
    """One cover."""


CHARGE_PORT = VehicleCoverDescription(
    key="charge_port", signals=("ChargePortDoorOpen",), device_class=CoverDeviceClass.DOOR
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's charge port, also of those that join later."""
    async_add_car_entities(
        entry, async_add_entities, lambda car: [ChargePortCover(car, CHARGE_PORT)]
    )


class ChargePortCover(ControlEntity, CoverEntity):
    """The charge port door; opening it also unlocks the cable.

    A sleeping car is woken for opening only by a call that lists this entity or its device itself: whoever opens all
    covers, or those of an area, does not mean it.
    """

    _attr_supported_features = CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE

    @property
    @override
    def is_closed(self) -> bool | None:
        """Whether the door is closed; None if that is not known."""
        is_open = self.state_of_car.value("ChargePortDoorOpen")
        return None if is_open is None else not is_open

    @property
    @override
    def is_opening(self) -> bool:
        """Whether a command to open it is under way."""
        return self.coordinator.under_way.wanted("ChargePortDoorOpen") is True

    @property
    @override
    def is_closing(self) -> bool:
        """Whether a command to close it is under way."""
        return self.coordinator.under_way.wanted("ChargePortDoorOpen") is False

    @override
    async def async_open_cover(self, **kwargs: Any) -> None:
        """Open the door, or unlock a cable that is plugged in."""
        device_id = self.device_entry.id if self.device_entry else None
        named = is_named(self.hass, self._context, self.entity_id, device_id)
        try:
            # whether the car is awake is asked in the command's turn: it must not come after a later closing
            await self.send("charge_port_door_open", may_wake=named)
        except HomeAssistantError as err:
            if not isinstance(err.__cause__, NotWoken):
                raise
            LOGGER.info(
                "%s is not opened: its car is asleep, and the call does not list it", self.entity_id
            )

    @override
    async def async_close_cover(self, **kwargs: Any) -> None:
        """Close the door (only a motorised one can close)."""
        await self.send("charge_port_door_close")
