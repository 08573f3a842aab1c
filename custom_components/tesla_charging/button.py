"""The buttons that wake a car up and request its data, both with their price."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import VehicleCoordinator
from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_car_entities
from .entity import VehicleEntity, VehicleEntityDescription
from .fleet_api import PRICES, Category
from .request_origin import origin_of, requested_by

# the commander of each car sends one request at a time
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleButtonDescription(VehicleEntityDescription, ButtonEntityDescription):
    """One button."""

    signals: tuple[str, ...] = ()
    press: Callable[[VehicleCoordinator], Awaitable[object]]
    category: Category
    """The category in which Tesla bills it."""


BUTTONS = (
    VehicleButtonDescription(
        key="wake_up", press=VehicleCoordinator.wake_up, category=Category.WAKE
    ),
    VehicleButtonDescription(
        key="refresh", press=VehicleCoordinator.refresh, category=Category.DATA
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's buttons, also of those that join later."""
    async_add_car_entities(
        entry, async_add_entities, lambda car: [VehicleButton(car, row) for row in BUTTONS]
    )


class VehicleButton(VehicleEntity, ButtonEntity):
    """A button; waking costs nothing if the car is awake, and a refresh nothing if it is asleep.

    The attribute `pending` is true until the request that it sends has ended: a car may need a minute to wake up.
    """

    entity_description: VehicleButtonDescription
    _unrecorded_attributes = frozenset({"pending", "price"})
    _presses = 0

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Whether a request is under way, and the highest cost of a press, in dollars or euros."""
        price = PRICES[self.entity_description.category]
        return {"pending": self._presses > 0, "price": price}

    @override
    async def async_press(self) -> None:
        """Send the request and wait for its end."""
        self._presses += 1
        self._handle_coordinator_update()
        try:
            with requested_by(origin_of(self._context)):
                await self.entity_description.press(self.coordinator)
        finally:
            self._presses -= 1
            self._handle_coordinator_update()
