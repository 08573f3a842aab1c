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
    """Add the entities of every car, also of those that join later, each when a signal in `needs` is first known.

    An entity that is in the registry is added at once: its car has the signal, even if there is no value now.
    """
    rows = tuple(rows)
    registry = er.async_get(hass)

    @callback
    def add_car(car: VehicleCoordinator) -> None:
        waiting = {row.key: row for row in rows}

        @callback
        def add(*, at_start: bool) -> None:
            ready = [
                row
                for row in waiting.values()
                if not row.needs
                or any(map(car.data.knows, row.needs))
                or (at_start and is_registered(row))
            ]
            for row in ready:
                del waiting[row.key]
            if ready:
                async_add_entities([make(car, row) for row in ready])

        def is_registered(row: Row) -> bool:
            return bool(registry.async_get_entity_id(platform, DOMAIN, f"{car.vin}_{row.key}"))

        @callback
        def on_update() -> None:
            if waiting:
                add(at_start=False)

        add(at_start=True)
        if waiting:
            # without a context: nobody sees a row that waits, so its signals must not count as shown
            entry.async_on_unload(car.async_add_listener(on_update))

    entry.runtime_data.account.for_each(add_car)
