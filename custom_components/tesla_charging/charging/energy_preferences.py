"""What Home Assistant's Energy dashboard knows of a home: its meter, prices, solar forecasts and battery."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any, Final

from homeassistant.components.energy.data import async_get_manager
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfPower
from homeassistant.core import HomeAssistant, valid_entity_id
from homeassistant.util.unit_conversion import PowerConverter

MOST: Final = 16
"""Sensors of one kind; more are no home."""


@dataclass(frozen=True, slots=True)
class Power:
    """A power as a sum of sensors: those of `plus`, less those of `minus`."""

    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is a sensor."""
        return bool(self.plus or self.minus)

    def watts(self, hass: HomeAssistant) -> float | None:
        """Return the power now, watts; None if a sensor has none."""
        values = [
            (sign, _watts(hass, entity_id))
            for sign, entities in ((1, self.plus), (-1, self.minus))
            for entity_id in entities
        ]
        if not values or any(value is None for _, value in values):
            return None
        return sum(sign * value for sign, value in values if value is not None)


@dataclass(frozen=True, slots=True)
class Price:
    """A price in the Energy dashboard: an entity with the price now, or a number."""

    entity_id: str | None = None
    number: float | None = None


@dataclass(frozen=True, slots=True)
class EnergyPreferences:
    """What is in the Energy dashboard; empty where there is nothing."""

    grid: Power = Power()
    """Positive while the home takes from the grid."""
    imports: tuple[Price, ...] = ()
    """Of every connection or tariff, in the dashboard's order."""
    exports: tuple[Price, ...] = ()
    solar: Power = Power()
    forecasts: tuple[str, ...] = ()
    """The config entries that forecast the sun."""
    battery: Power = Power()
    """Positive while it gives power."""
    battery_levels: tuple[str, ...] = ()
    """Sensors, percent."""


async def read_preferences(hass: HomeAssistant) -> EnergyPreferences:
    """Return what the Energy dashboard holds."""
    manager = await async_get_manager(hass)
    return from_data(manager.data or {})


def from_data(data: Mapping[str, Any]) -> EnergyPreferences:
    """Return what the manager's data say; what is not as expected is left out."""
    sources = [s for s in data.get("energy_sources", ()) if isinstance(s, Mapping)]
    grids = [s for s in sources if s.get("type") == "grid"]
    suns = [s for s in sources if s.get("type") == "solar"]
    batteries = [s for s in sources if s.get("type") == "battery"]
    return EnergyPreferences(
        grid=_power(grids),
        imports=_prices(grids, "stat_energy_from", ""),
        exports=_prices(grids, "stat_energy_to", "_export"),
        solar=_power(suns),
        forecasts=_unique(
            entry_id
            for source in suns
            for entry_id in source.get("config_entry_solar_forecast") or ()
        ),
        battery=_power(batteries),
        battery_levels=_entities(source.get("stat_soc") for source in batteries),
    )


def _power(sources: Sequence[Mapping[str, Any]]) -> Power:
    """Return the sum of the sources' powers. A `power_config` counts before `stat_rate`, which is made from it."""
    plus: list[object] = []
    minus: list[object] = []
    for source in sources:
        config = source.get("power_config") or {"stat_rate": source.get("stat_rate")}
        plus += [config.get("stat_rate"), config.get("stat_rate_from")]
        minus += [config.get("stat_rate_inverted"), config.get("stat_rate_to")]
    return Power(_entities(plus), _entities(minus))


def _prices(grids: Sequence[Mapping[str, Any]], meter: str, suffix: str) -> tuple[Price, ...]:
    """Return the prices of the connections; a dashboard without a meter in that direction has none."""
    found = []
    for source in grids:
        entity_id = source.get(f"entity_energy_price{suffix}")
        number = source.get(f"number_energy_price{suffix}")
        if source.get(meter) is None:
            continue
        if isinstance(entity_id, str) and valid_entity_id(entity_id):
            found.append(Price(entity_id=entity_id))
        elif isinstance(number, int | float) and math.isfinite(number):
            found.append(Price(number=float(number)))
    return tuple(dict.fromkeys(found))


def _entities(found: Iterable[object]) -> tuple[str, ...]:
    """Return those that are entities; a dashboard may also name external statistics, which have no state."""
    return _unique(name for name in found if isinstance(name, str) and valid_entity_id(name))


def _unique(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:MOST]


def _watts(hass: HomeAssistant, entity_id: str) -> float | None:
    state = hass.states.get(entity_id)
    if state is None:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if not math.isfinite(value) or unit not in PowerConverter.VALID_UNITS:
        return None
    return PowerConverter.convert(value, unit, UnitOfPower.WATT)
