"""The base classes of all entities of a car."""

from dataclasses import dataclass
from typing import Any, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_platform
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, LOGGER
from .coordinator import VehicleCoordinator
from .device import car_device
from .exceptions import refusal
from .request_origin import RequestOrigin, origin_of, requested_by
from .vehicle.signals import SignalValue
from .vehicle.state import VehicleState, signals_of
from .vehicle_command import COMMANDS


@dataclass(frozen=True, kw_only=True)
class VehicleEntityDescription(EntityDescription):
    """One row of a platform's table."""

    signals: tuple[str, ...]
    """The signals that the entity shows: it is updated only when one of them changes."""
    needs: tuple[str, ...] = ()
    """The entity is added when one of these signals is first known; at once if it is empty."""


class VehicleEntity(CoordinatorEntity[VehicleCoordinator]):
    """An entity of one car; it reads the coordinator's state and calls the coordinator."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: VehicleCoordinator, description: VehicleEntityDescription
    ) -> None:
        """Create the entity of a row."""
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
        """Subscribe; Home Assistant writes the current state when this returns."""
        await super().async_added_to_hass()
        self._written = self._shown()

    @override
    async def async_update(self) -> None:
        """Request the car's data, once for all entities that `homeassistant.update_entity` names together.

        A car that is asleep is not woken up, and its entities keep their states.
        """
        try:
            # the context may be that of the user whose change triggered an automation: it must not count as the
            # user's own request
            with requested_by(RequestOrigin.NOBODY):
                await self.coordinator.refresh()
        except HomeAssistantError as err:
            LOGGER.info("%s is not updated: %s", self.entity_id, err)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if it has changed: a change of a signal need not change every entity that shows it."""
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
        """The state of the car as far as it is known."""
        return self.coordinator.data

    async def send(self, name: str, *, may_wake: bool = True, **parameters: int) -> None:
        """Send a command by its Tesla name. Raises a translated error unless it succeeded or was not necessary."""
        with requested_by(origin_of(self._context)):
            result = await self.coordinator.send(COMMANDS[name](**parameters), may_wake=may_wake)
        if (error := refusal(result)) is not None:
            raise error


@callback
def signals_by_entity_name(hass: HomeAssistant, vin: str) -> dict[str, frozenset[str]]:
    """Return the signals that each entity of a car shows, by the name that the user sees."""
    signals: dict[str, frozenset[str]] = {}
    for platform in entity_platform.async_get_platforms(hass, DOMAIN):
        for entity in platform.entities.values():
            if not isinstance(entity, VehicleEntity) or entity.coordinator.vin != vin:
                continue
            entry = entity.registry_entry
            if entry is not None and (name := entry.name or entry.original_name):
                signals[name] = signals.get(name, frozenset()) | entity.signals
    return signals


class ControlEntity(VehicleEntity):
    """An entity that sends commands to its car; the attribute `pending` is true while one is under way.

    While a command for it is under way, its own or one of an action, it shows what that wants. From then on it shows the
    commanded value if the car has accepted it, until the car reports one; otherwise again the last reported value.
    """

    _unrecorded_attributes = frozenset({"pending"})

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe also to the commands that begin and end."""
        await super().async_added_to_hass()
        commands = self.coordinator.under_way
        self.async_on_remove(commands.subscribe(self._handle_coordinator_update))

    def shown_value(self, name: str) -> SignalValue | None:
        """Return the value of a signal as a command under way wants it, else as it is known."""
        wanted = self.coordinator.under_way.wanted(name)
        return self.state_of_car.value(name) if wanted is None else wanted

    @property
    def is_pending(self) -> bool:
        """Whether a command for it is under way; waking the car up may take half a minute."""
        return self.coordinator.under_way.concerns(self.signals)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Whether a command is under way."""
        return {"pending": self.is_pending}
