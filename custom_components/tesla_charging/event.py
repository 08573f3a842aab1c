"""Events: charging sessions, the cable, and arrival at home and departure."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.automation import automations_with_entity
from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .data import TeslaChargingConfigEntry
from .entities.dynamic import async_add_car_entities
from .entity import VehicleEntity, VehicleEntityDescription
from .monitors.events import signal_of
from .vehicle.charge_events import ChargeEvent, DetectedEvent

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class VehicleEventDescription(VehicleEntityDescription, EventEntityDescription):
    """One event entity."""

    signals: tuple[str, ...] = ()
    """Empty: it receives events from the dispatcher and shows no signal."""
    entity_registry_enabled_default: bool = False
    """Off: the device triggers do not need these entities, and the sensors show the same in the Activity."""


EVENTS = (
    VehicleEventDescription(
        key="charging_session",
        event_types=[
            ChargeEvent.CHARGING_STARTED.value,
            ChargeEvent.CHARGING_COMPLETE.value,
            ChargeEvent.CHARGING_STOPPED.value,
            ChargeEvent.CHARGING_INTERRUPTED.value,
        ],
    ),
    VehicleEventDescription(
        key="cable",
        event_types=[ChargeEvent.PLUGGED_IN.value, ChargeEvent.UNPLUGGED.value],
    ),
    VehicleEventDescription(
        key="home_and_away",
        event_types=[ChargeEvent.CAME_HOME.value, ChargeEvent.LEFT.value],
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add every car's event entities, also of those that join later."""
    async_add_car_entities(
        entry, async_add_entities, lambda car: [VehicleEvent(car, row) for row in EVENTS]
    )


class VehicleEvent(VehicleEntity, EventEntity):
    """The last event of one kind."""

    entity_description: VehicleEventDescription

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the car's events."""
        await super().async_added_to_hass()
        self._take_back_unavailable()
        car = self.coordinator
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass, signal_of(car.config_entry.entry_id, car.vin), self._on_event
            )
        )

    @property
    @override
    def available(self) -> bool:
        """Always true: a past event does not depend on the connection to Tesla."""
        return True

    @callback
    def _take_back_unavailable(self) -> None:
        """Remove the state in which a reload left the entity.

        Otherwise the Activity shows the last event once more, at the time of the reload, as a change from "unavailable".
        An automation that names the entity, though, may know only by that change that nothing has happened.
        """
        state = self.hass.states.get(self.entity_id)
        if state is None or state.state != STATE_UNAVAILABLE:
            return
        if not automations_with_entity(self.hass, self.entity_id):
            self.hass.states.async_remove(self.entity_id)

    @callback
    def _on_event(self, detected: DetectedEvent) -> None:
        if detected.event.value in self.event_types:
            self._trigger_event(detected.event.value, detected.as_data())
            self.async_write_ha_state()
