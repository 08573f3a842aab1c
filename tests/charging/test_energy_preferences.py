"""What the Energy dashboard says of meter, prices and battery, in every form that it has."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.tesla_charging.charging.energy_preferences import (
    EnergyPreferences,
    Power,
    Price,
    from_data,
    read_preferences,
)
from custom_components.tesla_charging.charging.proposal import from_preferences

GRID = {"type": "grid", "stat_energy_from": "sensor.taken", "cost_adjustment_day": 0.0}


def grid(**more: Any) -> dict[str, Any]:
    return {"energy_sources": [{**GRID, **more}]}


@pytest.mark.parametrize(
    ("given", "power"),
    [
        ({"stat_rate": "sensor.net"}, Power(("sensor.net",))),
        ({"power_config": {"stat_rate": "sensor.net"}}, Power(("sensor.net",))),
        (
            # the generated sensor of an inverted one is not needed
            {"stat_rate": "sensor.made", "power_config": {"stat_rate_inverted": "sensor.net"}},
            Power((), ("sensor.net",)),
        ),
        (
            {"power_config": {"stat_rate_from": "sensor.in", "stat_rate_to": "sensor.out"}},
            Power(("sensor.in",), ("sensor.out",)),
        ),
        ({"stat_rate": "tibber:power"}, Power()),
        ({}, Power()),
    ],
)
def test_the_sign_of_the_meter(given: dict[str, Any], power: Power) -> None:
    assert from_data(grid(**given)).grid == power


async def test_powers_are_added_up_in_watts(hass: HomeAssistant) -> None:
    power = Power(("sensor.a", "sensor.b"), ("sensor.c",))
    hass.states.async_set("sensor.a", "1.5", {"unit_of_measurement": "kW"})
    hass.states.async_set("sensor.b", "200", {"unit_of_measurement": "W"})
    assert power.watts(hass) is None
    hass.states.async_set("sensor.c", "300", {"unit_of_measurement": "W"})
    assert power.watts(hass) == 1400
    for state, unit in (("unavailable", "W"), ("nan", "W"), ("3", "A")):
        hass.states.async_set("sensor.c", state, {"unit_of_measurement": unit})
        assert power.watts(hass) is None
    assert Power().watts(hass) is None


@pytest.mark.parametrize(
    ("given", "imports", "exports"),
    [
        ({"entity_energy_price": "sensor.price"}, (Price("sensor.price"),), ()),
        ({"number_energy_price": 0.2}, (Price(number=0.2),), ()),
        ({"number_energy_price": 0}, (Price(number=0.0),), ()),
        # without a meter for what is fed in, its price means nothing
        ({"number_energy_price_export": 0.1}, (), ()),
        (
            {"stat_energy_to": "sensor.given", "entity_energy_price_export": "sensor.back"},
            (),
            (Price("sensor.back"),),
        ),
        ({"entity_energy_price": "no entity", "number_energy_price": float("nan")}, (), ()),
    ],
)
def test_prices(
    given: dict[str, Any], imports: tuple[Price, ...], exports: tuple[Price, ...]
) -> None:
    found = from_data(grid(**given))
    assert (found.imports, found.exports) == (imports, exports)


def test_sun_and_battery() -> None:
    found = from_data(
        {
            "energy_sources": [
                {"type": "solar", "config_entry_solar_forecast": ["one"], "stat_rate": "sensor.s"},
                {"type": "solar", "config_entry_solar_forecast": ["one", "two"]},
                {"type": "solar", "config_entry_solar_forecast": None},
                {"type": "battery", "stat_rate": "sensor.b", "stat_soc": "sensor.level"},
                {"type": "gas", "stat_energy_from": "sensor.gas"},
            ]
        }
    )
    assert found == EnergyPreferences(
        solar=Power(("sensor.s",)),
        forecasts=("one", "two"),
        battery=Power(("sensor.b",)),
        battery_levels=("sensor.level",),
    )


async def test_a_home_without_a_dashboard_has_nothing(hass: HomeAssistant) -> None:
    assert await read_preferences(hass) == EnergyPreferences()
    assert from_preferences(hass, EnergyPreferences()) is None


async def test_two_tariffs_lead_to_the_entity_rather_than_to_a_number(hass: HomeAssistant) -> None:
    hass.states.async_set("sensor.price", "0.2", {"unit_of_measurement": "EUR/kWh"})
    found = from_data(
        {
            "energy_sources": [
                {**GRID, "number_energy_price": 0.4},
                {**GRID, "entity_energy_price": "sensor.price"},
            ]
        }
    )
    settings = from_preferences(hass, found)
    assert settings is not None
    assert settings.imports.entity_id == "sensor.price"
