"""The load of the house from the real recorder's statistics: gaps, resets, sleeping inverters, our cars taken out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.tesla_charging.charging import house_load
from custom_components.tesla_charging.charging.house_load import (
    HouseLoad,
    Meters,
    async_house_load,
    car_statistics,
    meters_of,
    without_cars,
)
from custom_components.tesla_charging.const import DOMAIN

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

GRID, EXPORT, SOLAR = "sensor.grid_in", "sensor.grid_out", "sensor.roof"
OUT, IN, CAR = "sensor.battery_out", "sensor.battery_in", "sensor.pearl_energy"


@pytest.fixture
async def recorder(recorder_mock: Any, hass: HomeAssistant) -> HomeAssistant:
    """Home Assistant with its recorder; the order of the fixtures matters."""
    return hass


async def meter(
    hass: HomeAssistant,
    statistic_id: str,
    energies: Sequence[float | None],
    *,
    unit: str = "kWh",
    start: datetime = START,
) -> None:
    """Put energies into the long-term statistics, one for each hour after a first row of 0; None is a row that is missing."""
    rows = [StatisticData(start=start - HOUR, state=0.0, sum=0.0)]
    total = 0.0
    for index, energy in enumerate(energies):
        if energy is None:
            continue
        total += energy
        rows.append(StatisticData(start=start + index * HOUR, state=total, sum=total))
    async_import_statistics(
        hass,
        StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source="recorder",
            statistic_id=statistic_id,
            unit_class="energy",
            unit_of_measurement=unit,
        ),
        rows,
    )
    await async_wait_recording_done(hass)


async def load(
    hass: HomeAssistant, hours: int, *, start: datetime = START, **ids: Sequence[str]
) -> HouseLoad:
    meters = Meters(**{"imported": (GRID,), **{k: tuple(v) for k, v in ids.items()}})
    return await async_house_load(hass, meters, start, START + hours * HOUR)


def by_hour(result: HouseLoad) -> dict[int, float]:
    return {int((r.start - START) / HOUR): r.kwh for r in result.readings}


async def test_all_meters_count_with_their_sign(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [1.0, 0.0, 0.2])
    await meter(recorder, EXPORT, [0.0, 2.0, 0.0])
    await meter(recorder, SOLAR, [0.0, 4.0, 0.1])
    await meter(recorder, OUT, [0.5, 0.0, 0.3])
    await meter(recorder, IN, [0.0, 1.5, 0.0])
    result = await load(
        recorder, 3, exported=[EXPORT], solar=[SOLAR], battery_out=[OUT], battery_in=[IN]
    )
    assert by_hour(result) == pytest.approx({0: 1.5, 1: 0.5, 2: 0.6})
    assert result.missing == ()


async def test_units_are_converted_and_several_meters_summed(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [0.3, 0.3])
    await meter(recorder, "sensor.grid_night", [200.0, 400.0], unit="Wh")
    await meter(recorder, SOLAR, [0.001, 0.002], unit="MWh")
    meters = Meters((GRID, "sensor.grid_night"), solar=(SOLAR,))
    result = await async_house_load(recorder, meters, START, START + 2 * HOUR)
    assert by_hour(result) == pytest.approx({0: 1.5, 1: 2.7})


async def test_hours_of_a_gap_and_the_one_after_it_are_left_out(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [0.4, 0.5, None, None, 2.0, 0.6])
    assert by_hour(await load(recorder, 6)) == pytest.approx({0: 0.4, 1: 0.5, 5: 0.6})


async def test_an_inverter_that_sleeps_at_night_had_no_sun(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [0.3] * 6)
    await meter(recorder, SOLAR, [0.2, None, None, None, 0.5, 1.0])
    result = await load(recorder, 6, solar=[SOLAR])
    assert by_hour(result) == pytest.approx({0: 0.5, 1: 0.3, 2: 0.3, 3: 0.3, 4: 0.8, 5: 1.3})


async def test_what_an_inverter_yielded_unseen_is_not_the_hour_after(
    recorder: HomeAssistant,
) -> None:
    await meter(recorder, GRID, [0.3] * 6)
    await meter(recorder, SOLAR, [2.0, None, None, None, 12.0, 1.0])
    assert by_hour(await load(recorder, 6, solar=[SOLAR])) == pytest.approx({0: 2.3, 5: 1.3})


async def test_resets_and_corrections_are_left_out(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [0.4, -900.0, 0.5, 1000.0, 0.6, 0.0])
    assert by_hour(await load(recorder, 6)) == pytest.approx({0: 0.4, 2: 0.5, 4: 0.6, 5: 0.0})


async def test_a_meter_without_statistics_is_said(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [0.4] * 3)
    result = await load(recorder, 3, solar=[SOLAR], cars=[CAR])
    assert result == HouseLoad(missing=(SOLAR, CAR))
    assert await async_house_load(recorder, Meters(()), START, START + HOUR) == HouseLoad()
    later = await load(recorder, 300, start=START + 200 * HOUR)
    assert later.missing == (GRID,)


async def test_the_first_statistics_of_a_meter_begin_in_the_middle_of_an_hour(
    recorder: HomeAssistant,
) -> None:
    """Its first row has no hour before it: what it counts is no whole hour."""
    await meter(recorder, GRID, [0.4] * 4)
    result = await load(recorder, 4, start=START - 5 * HOUR)
    assert by_hour(result) == pytest.approx(dict.fromkeys(range(4), 0.4))


async def test_our_cars_are_taken_out(recorder: HomeAssistant) -> None:
    house, car = [0.4] * 8, [0, 0, 0, 11.0, 11.0, 5.0, 0, 0]
    # the car tells its energy late
    told = [0, 0, 0, 9.2, 11.1, 6.1, 0.6, 0]
    await meter(recorder, GRID, [h + c for h, c in zip(house, car, strict=True)])
    await meter(recorder, CAR, told)
    result = await load(recorder, 8, cars=[CAR])
    assert by_hour(result) == pytest.approx(dict.fromkeys(range(8), 0.4), abs=1e-3)


async def test_a_car_whose_energy_is_not_known_hides_its_hours(recorder: HomeAssistant) -> None:
    await meter(recorder, GRID, [0.4, 0.4, 11.4, 11.4, 0.4, 0.4])
    await meter(recorder, CAR, [0, 0, None, None, 22.0, 0])
    assert by_hour(await load(recorder, 6, cars=[CAR])) == pytest.approx({0: 0.4, 1: 0.4, 5: 0.4})


async def test_only_whole_hours_of_the_last_days_are_read(
    recorder: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house_load, "MOST_DAYS", 1)
    hours = 30
    await meter(recorder, GRID, [0.5] * hours)
    result = await load(recorder, hours)
    assert len(result.readings) == 24
    assert result.readings[-1].start == START + (hours - 1) * HOUR
    part = await load(recorder, 2, start=START + timedelta(minutes=20))
    assert by_hour(part) == {1: 0.5}
    assert await load(recorder, -2) == HouseLoad(missing=(GRID,))


async def test_without_a_recorder_nothing_is_known(hass: HomeAssistant) -> None:
    assert (await load(hass, 2)).missing == (GRID,)


async def test_the_meters_are_those_of_the_energy_dashboard(hass: HomeAssistant) -> None:
    manager = await async_get_manager(hass)
    prices = ("stat_cost", "entity_energy_price", "number_energy_price", "stat_compensation")
    exports = ("entity_energy_price_export", "number_energy_price_export")
    grid: dict[str, Any] = {
        "type": "grid",
        "stat_energy_from": GRID,
        "stat_energy_to": EXPORT,
        "cost_adjustment_day": 0.0,
        **dict.fromkeys((*prices, *exports)),
    }
    night = {**grid, "stat_energy_from": "sensor.night", "stat_energy_to": None}
    solar = {"type": "solar", "stat_energy_from": SOLAR, "config_entry_solar_forecast": None}
    battery = {"type": "battery", "stat_energy_from": OUT, "stat_energy_to": IN}
    sources: Any = [grid, night, solar, battery]
    await manager.async_update({"energy_sources": sources, "device_consumption": []})
    assert meters_of(manager.data or {}, [CAR]) == Meters(
        imported=(GRID, "sensor.night"),
        exported=(EXPORT,),
        solar=(SOLAR,),
        battery_out=(OUT,),
        battery_in=(IN,),
        cars=(CAR,),
    )
    assert meters_of({}, ()) == Meters(())
    assert meters_of({"energy_sources": None}, ()) == Meters(())


async def test_the_energies_of_our_cars_are_found(hass: HomeAssistant) -> None:
    registry = er.async_get(hass)
    for vin in ("LRW3E7EK0PC000101", "5YJ3E1EA8NF000202"):
        registry.async_get_or_create("sensor", DOMAIN, f"{vin}_energy_charged_home")
        registry.async_get_or_create("sensor", DOMAIN, f"{vin}_energy_charged")
    registry.async_get_or_create("sensor", "other", "x_energy_charged_home")
    registry.async_get_or_create(
        *("sensor", DOMAIN, "off_energy_charged_home"),
        disabled_by=er.RegistryEntryDisabler.USER,
    )
    assert len(car_statistics(hass)) == 2
    assert all(i.startswith("sensor.tesla_charging_") for i in car_statistics(hass))


@pytest.mark.parametrize(
    ("house", "cars", "expected"),
    [
        ([0.5, 0.6], [0.0, 0.0], {0: 0.5, 1: 0.6}),
        # a car that keeps warm is no charge
        ([0.9, 0.6], [0.4, 0.0], {0: 0.5, 1: 0.6}),
        # two charges with two hours between them, and one that touches them all
        ([8.0, 0.5, 0.5, 8.0], [7.5, 0, 0, 7.5], dict.fromkeys(range(4), 0.5)),
        ([0.5, None, 0.5], [0.0, 0.0, 0.0], {0: 0.5, 2: 0.5}),
        # an hour that is not known spoils the charge that it belongs to
        ([0.5, None, 8.0, 0.5, 0.5], [0.0, 0.0, 7.5, 0.0, 0.0], {0: 0.5, 4: 0.5}),
        # a car that took more than came in: not behind this meter
        ([0.5, 0.5, 0.5], [0.0, 9.0, 0.0], {}),
        ([0.05, 0.1], [0.2, 0.1], {0: 0.0, 1: 0.0}),
    ],
)
def test_hours_with_cars(
    house: Sequence[float | None], cars: Sequence[float | None], expected: Mapping[int, float]
) -> None:
    load_ = {START + i * HOUR: value for i, value in enumerate(house)}
    taken = {START + i * HOUR: value for i, value in enumerate(cars)}
    readings = list(without_cars(load_, taken))
    assert {int((r.start - START) / HOUR): r.kwh for r in readings} == pytest.approx(expected)
