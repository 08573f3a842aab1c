"""What all entities of a car have in common."""

from dataclasses import dataclass
from typing import override

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import LOGGER
from .coordinator import VehicleCoordinator
from .device import car_device
from .exceptions import refusal
from .request_origin import RequestOrigin, origin_of, requested_by
from .vehicle.state import VehicleState, signals_of
from .vehicle_command import COMMANDS


@dataclass(frozen=True, kw_only=True)
class VehicleEntityDescription(EntityDescription):
    """One row of a platform's table."""

    signals: tuple[str, ...]
    """The signals that the entity shows: it looks at itself when one of them changes, and only then."""
    needs: tuple[str, ...] = ()
    """The entity is there from when one of these is known first; from the start if there is none."""


class VehicleEntity(CoordinatorEntity[VehicleCoordinator]):
    """An entity of one car; it reads the coordinator's state and calls the coordinator."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: VehicleCoordinator, description: VehicleEntityDescription
    ) -> None:
        """Name the entity by its row."""
        self.signals = signals_of(description.signals)
        super().__init__(coordinator, context=self.signals)
        self.entity_description = description
        self._attr_translation_key = description.translation_key or description.key
        self._attr_unique_id = f"{coordinator.vin}_{description.key}"
        self._attr_device_info = car_device(
            coordinator.vin, coordinator.vehicle_name, coordinator.data.value("Version")
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Listen; what the entity shows now is written when this returns."""
        await super().async_added_to_hass()
        self._written = self._shown()

    @override
    async def async_update(self) -> None:
        """Ask for the car's data, once for all entities that `homeassistant.update_entity` names at the same moment.

        A car that is asleep is left alone, and its entities keep what they show.
        """
        try:
            # who changed what woke an automation up does not count for what that asks for
            with requested_by(RequestOrigin.NOBODY):
                await self.coordinator.refresh()
        except HomeAssistantError as err:
            LOGGER.info("%s is not updated: %s", self.entity_id, err)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the entity if it shows something else now: a car that stops charging stays plugged in."""
        if (shown := self._shown()) != self._written:
            self._written = shown
            self.async_write_ha_state()

    def _shown(self) -> tuple[object, ...]:
        return (
            self.available,
            self.state,
            self.capability_attributes,
            self.state_attributes,
            self.extra_state_attributes,
        )

    @property
    def state_of_car(self) -> VehicleState:
        """What is known of the car."""
        return self.coordinator.data

    async def send(self, name: str, **parameters: int) -> None:
        """Send a command by its Tesla name. Raises a translated error unless the car is as wanted."""
        with requested_by(origin_of(self._context)):
            result = await self.coordinator.send(COMMANDS[name](**parameters))
        if (error := refusal(result)) is not None:
            raise error


class ControlEntity(VehicleEntity):
    """An entity that commands its car, and says so while a command is on its way.

    It shows what the car last said until the car has accepted the command; then what was commanded, until the car
    speaks; and after a refusal, still what the car said.
    """

    _unrecorded_attributes = frozenset({"pending"})
    _on_their_way = 0

    @override
    async def send(self, name: str, **parameters: int) -> None:
        """Send a command by its Tesla name. Raises a translated error unless the car is as wanted."""
        self._on_their_way += 1
        self._write()
        try:
            await super().send(name, **parameters)
        finally:
            self._on_their_way -= 1
            # also what did not change: whoever moved a slider sees where it really stands
            self._write()

    @property
    def is_pending(self) -> bool:
        """Whether a command of this entity's is on its way; waking the car up may take half a minute."""
        return self._on_their_way > 0

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool]:
        """Whether a command is on its way."""
        return {"pending": self.is_pending}

    @callback
    def _write(self) -> None:
        self._written = self._shown()
        self.async_write_ha_state()
