"""How platforms add the entities of cars: at once, or when a car first has what an entity shows."""

from collections.abc import Callable, Iterable

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from ..const import DOMAIN
from ..coordinator import VehicleCoordinator
from ..data import TeslaChargingConfigEntry
from ..entity import VehicleEntityDescription


@callback
def async_add_car_entities(
    entry: TeslaChargingConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[VehicleCoordinator], Iterable[Entity]],
) -> None:
    """Add the entities of every car, also of those that join later."""
    entry.runtime_data.account.for_each(lambda car: async_add_entities(make(car)))


@callback
def async_add_when_known[Row: VehicleEntityDescription](
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    rows: Iterable[Row],
    make: Callable[[VehicleCoordinator, Row], Entity],
) -> None:
    """Add the entities of every car, also of those that join later, each as soon as the car is known to need it.

    One that was there before is added at once: its car has what it shows, though it may say nothing of it now.
    """
    rows = tuple(rows)
    registry = er.async_get(hass)

    @callback
    def join(car: VehicleCoordinator) -> None:
        waiting = {row.key: row for row in rows}

        @callback
        def add(*, at_start: bool) -> None:
            here = [
                row
                for row in waiting.values()
                if not row.needs
                or any(map(car.data.knows, row.needs))
                or (at_start and _was_there(car, row))
            ]
            for row in here:
                del waiting[row.key]
            if here:
                async_add_entities([make(car, row) for row in here])

        def _was_there(car: VehicleCoordinator, row: Row) -> bool:
            return bool(registry.async_get_entity_id(platform, DOMAIN, f"{car.vin}_{row.key}"))

        @callback
        def look() -> None:
            if waiting:
                add(at_start=False)

        add(at_start=True)
        if waiting:
            # without a context: a row that waits shows nothing yet, so its signals are not shown either
            entry.async_on_unload(car.async_add_listener(look))

    entry.runtime_data.account.for_each(join)
