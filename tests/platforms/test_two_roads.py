"""The same car, asked or heard: every entity shows the same, is there for the same reasons, and costs what it must."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from freezegun import freeze_time
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.fleet_telemetry import FIELDS, fields_for
from custom_components.tesla_charging.vehicle.signals import SIGNALS
from simulator import Car
from simulator.car.command_table import REST_COMMANDS
from tests.platforms.transports import World, about, keys_of
from tests.support.entities import ask_again

from ..support.home import CLIENT_ID, PEARL, Home
from ..support.waiting import until

SPECIALISTS = (
    ("sensor", "usable_battery_level"),
    ("sensor", "energy_remaining"),
    ("sensor", "estimated_range"),
    ("sensor", "ideal_range"),
    ("sensor", "ac_power"),
    ("sensor", "dc_power"),
    ("sensor", "charge_rate"),
    ("sensor", "charge_current_max"),
    ("sensor", "charger_phases"),
    ("sensor", "cable_type"),
    ("sensor", "charge_port_latch"),
    ("sensor", "fast_charger_type"),
    ("sensor", "scheduled_charging_mode"),
    ("sensor", "scheduled_departure"),
    ("sensor", "shift_state"),
    ("sensor", "firmware"),
    ("binary_sensor", "fast_charger"),
    ("binary_sensor", "battery_heater"),
    ("binary_sensor", "preconditioning"),
)
ONLY_PUSHED = (
    ("sensor", "energy_from_wall"),
    ("binary_sensor", "at_work"),
    ("binary_sensor", "at_favorite"),
    ("binary_sensor", "connected"),
)


async def test_a_charging_car_is_the_same_on_both_roads(world: World) -> None:
    home = world.home
    await home.hass.config.async_set_time_zone("UTC")  # in which the simulated car lives
    car = home.add_car(PEARL, "Pearl", sleep_after=None, charge_limit=90)
    car.plug_in()
    await world.set_up(*SPECIALISTS)
    miles = 272 * 1.609344
    for platform, key, expected in (
        ("sensor", "charging_state", "charging"),
        ("sensor", "why_not_charging", "none"),
        ("sensor", "charge_power", about(11.04)),
        ("sensor", "ac_power", about(11.04)),
        ("sensor", "dc_power", about(0)),
        ("sensor", "charge_current", "16"),
        ("sensor", "charge_current_max", "16"),
        ("sensor", "charger_phases", "3"),
        ("sensor", "charge_voltage", about(230)),
        # 16 A at 230 V on three phases, 92 % of it into the battery
        ("sensor", "charge_rate", about(11.04 * 0.92 / 60 * miles)),
        ("sensor", "cable_type", "iec"),
        ("sensor", "charge_port_latch", "engaged"),
        ("sensor", "fast_charger_type", "ac_single_wire_can"),
        ("binary_sensor", "fast_charger", "off"),
        ("binary_sensor", "battery_heater", "off"),
        ("binary_sensor", "preconditioning", "off"),
        ("binary_sensor", "scheduled_charging_pending", "off"),
        ("sensor", "scheduled_charging_mode", "off"),
        ("sensor", "shift_state", "p"),
        ("sensor", "firmware", "2026.32.6"),
        ("sensor", "odometer", about(12345.678901 * 1.609344, 0.001)),
        ("number", "charge_limit", "90"),
        ("number", "charging_current", "16"),
        ("cover", "charge_port", "open"),
        ("switch", "charging", "on"),
    ):
        await world.shows(platform, key, expected)
    battery = float(home.state("sensor", "battery_level")) / 100
    for key, expected in (
        ("energy_remaining", about(60 * battery, 0.05)),
        ("range", about(miles * battery, 0.05)),
        ("ideal_range", about(miles * battery, 0.05)),
        ("estimated_range", about(miles * battery * 0.93, 0.05)),
        ("usable_battery_level", about(100 * battery, 0.05)),
    ):
        await world.shows("sensor", key, expected)


async def test_a_fast_charger_is_the_same_on_both_roads(world: World) -> None:
    home = world.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, charge_limit=90)
    car.plug_in_fast(20)
    await world.set_up(
        ("sensor", "ac_power"),
        ("sensor", "dc_power"),
        ("sensor", "cable_type"),
        ("sensor", "fast_charger_type"),
        ("sensor", "fast_charger_brand"),
        ("binary_sensor", "fast_charger"),
    )
    for platform, key, expected in (
        ("sensor", "charge_power", about(20)),
        ("sensor", "dc_power", about(20)),
        ("sensor", "ac_power", about(0)),
        ("binary_sensor", "fast_charger", "on"),
        ("sensor", "fast_charger_type", "supercharger"),
        ("sensor", "charging_state", "charging"),
    ):
        await world.shows(platform, key, expected)
    # only a poll tells it; a car that is heard is asked once in its life
    assert home.state("sensor", "fast_charger_brand") == "Tesla"
    car.unplug()
    await world.shows("sensor", "fast_charger_type", "none")
    await world.shows("sensor", "cable_type", "none")
    await world.shows("sensor", "why_not_charging", "unplugged")


async def test_the_reason_why_a_car_does_not_charge_is_the_same_on_both_roads(
    world: World,
) -> None:
    home = world.home
    await home.hass.config.async_set_time_zone("UTC")
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    await world.set_up(("binary_sensor", "battery_heater"))
    await world.shows("sensor", "why_not_charging", "unplugged")
    car.plug_in(powered=False)
    await world.shows("sensor", "why_not_charging", "no_power")
    car.set_power(True)
    await world.shows("sensor", "why_not_charging", "none")
    car.set_battery_temperature(-10)
    await world.shows("binary_sensor", "battery_heater", "on")
    await home.act("stop_charging")
    assert home.state("sensor", "why_not_charging") == "stopped"
    if world.road == "poll":  # a car that pushes never says who
        await world.shows("sensor", "why_not_charging", "stopped_by_person")
    await home.act("open_charge_port")
    await world.shows("sensor", "why_not_charging", "cable_not_locked")
    await home.act("start_charging")
    await world.shows("sensor", "why_not_charging", "none")
    car.set_battery_level(80)
    await world.shows("sensor", "why_not_charging", "limit_reached")


def tell(car: Car, command: str, params: dict[str, Any]) -> None:
    """Have the car's driver do what a command does."""
    assert car._run(REST_COMMANDS[command], params, "rest").result


async def test_a_schedule_is_the_same_on_both_roads(world: World) -> None:
    home = world.home
    await home.hass.config.async_set_time_zone("UTC")
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in()
    await world.set_up()
    await world.shows("binary_sensor", "scheduled_charging_pending", "off")
    told = dt_util.utc_from_timestamp(home.tesla.clock.now() + 7 * 3600)
    minutes = told.hour * 60 + told.minute
    tell(car, "set_scheduled_charging", {"enable": True, "time": minutes})
    await world.shows("binary_sensor", "scheduled_charging_pending", "on")
    await world.shows("sensor", "why_not_charging", "scheduled")
    await world.shows(
        "sensor",
        "scheduled_charging_start",
        told.replace(second=0, microsecond=0).isoformat(),
    )
    tell(car, "set_scheduled_charging", {"enable": False, "time": minutes})
    await world.shows("binary_sensor", "scheduled_charging_pending", "off")
    await world.shows("sensor", "scheduled_charging_start", "unknown")


async def test_the_place_is_on_the_map_with_the_permission_only(world: World) -> None:
    home = world.home
    where = (home.hass.config.latitude, home.hass.config.longitude)
    car = home.add_car(PEARL, "Pearl", home=where, sleep_after=None)
    await world.set_up(location=True)
    await world.shows("device_tracker", "location", "home")
    car.drive_away(where[0] + 0.5, where[1])
    home.tesla.clock.advance(3600)
    await world.shows("device_tracker", "location", "not_home")
    state = home.hass.states.get(home.entity_id("device_tracker", "location"))
    assert state is not None
    assert state.attributes["latitude"] == pytest.approx(where[0] + 0.5, abs=0.01)


# -- who is there ------------------------------------------------------------------------------------------


async def test_what_a_car_never_tells_has_no_entity(world: World) -> None:
    home = world.home
    lacks = ("EstBatteryRange", "est_battery_range", "Odometer", "odometer")
    car = home.add_car(PEARL, "Pearl", sleep_after=None, lacks=lacks)
    car.plug_in()
    await world.set_up()
    await world.shows("sensor", "charging_state", "charging")
    keys = keys_of(home)
    assert "ideal_range" in keys
    assert not keys & {"estimated_range", "odometer", "fast_charger_brand", "location"}
    # told at last
    car.unplug()
    car.plug_in_fast()
    await ask_again(home)
    assert "fast_charger_brand" in keys_of(home)


async def test_entities_stay_when_a_car_says_nothing_after_a_restart(home: Home) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.plug_in()
    entry = await home.set_up()
    assert float(home.state("sensor", "odometer")) == pytest.approx(12345.678901 * 1.609344)
    keys = keys_of(home)
    # its memory is lost, and it sleeps
    storage = entry.runtime_data.storage
    await home.hass.config_entries.async_unload(entry.entry_id)
    await storage.remove()
    car.unplug()
    car.sleep()
    assert await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()
    assert home.state("sensor", "odometer") == "unknown"
    assert keys_of(home) == keys


# -- what is streamed --------------------------------------------------------------------------------------


def streamed(home: Home) -> set[str]:
    config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    assert config is not None
    return set(config.fields)


@pytest.fixture
async def streaming(home: Home) -> AsyncIterator[World]:
    """A home that hears its cars."""
    home.tesla.wake_with_charging_scope = True
    yield World(home, "push")
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_what_only_specialists_see_is_streamed_once_somebody_wants_to_see_it(
    streaming: World,
) -> None:
    home = streaming.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.save_place("work", (52.0, 4.4))
    await streaming.set_up()
    # and what the firmware of this car knows
    everybody = {name for name in fields_for(with_location=False) if name in SIGNALS}
    assert streamed(home) == everybody | {"LifetimeEnergyChargedKwh"}
    assert not streamed(home) & {"LocatedAtWork", "EnergyRemaining"}
    await streaming.switch_on(("binary_sensor", "at_work"))
    await until(lambda: "LocatedAtWork" in streamed(home))
    assert "EnergyRemaining" not in streamed(home)
    await streaming.shows("binary_sensor", "at_work", "on")


async def test_what_only_the_car_itself_tells(turned_clock: Home, streaming: World) -> None:
    home = streaming.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.save_place("favorite", (52.0, 4.4))
    car.plug_in()
    await streaming.set_up(*ONLY_PUSHED)
    await streaming.shows("binary_sensor", "connected", "on")
    await streaming.shows("binary_sensor", "at_favorite", "on")
    await streaming.shows("binary_sensor", "at_work", "off")
    home.tesla.clock.advance(1800)
    taken = home.car.snapshot().energy_added_kwh / 0.92
    assert taken > 5
    await streaming.shows("sensor", "energy_from_wall", about(taken, 0.3))


def test_every_field_on_demand_is_a_signal_and_everything_else_is_asked_for_anyway() -> None:
    on_demand = {name for name, row in FIELDS.items() if row.on_demand}
    assert on_demand <= SIGNALS.keys()
    assert fields_for(with_location=True, shown=on_demand).keys() == FIELDS.keys()
    assert fields_for(with_location=True).keys() == FIELDS.keys() - on_demand


async def test_signals_of_a_day_are_counted_as_tesla_bills_them(streaming: World) -> None:
    home = streaming.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    await streaming.set_up()

    def sent() -> int:
        return home.tesla.telemetry(PEARL).counts.signals

    def is_right() -> bool:
        state: Any = home.hass.states.get(home.entity_id("sensor", "signals_today"))
        return state is not None and state.state == str(sent())

    await until(lambda: "signals_today" in keys_of(home))
    # with the configuration for its firmware, which comes once that is known
    await until(lambda: "LifetimeEnergyChargedKwh" in streamed(home) and sent() > 20)
    # noted at the end of a connection, else once a minute
    car.sleep()
    await until(is_right)
    of_the_day = sent()
    await home.restart()
    assert home.state("sensor", "signals_today") == str(of_the_day)
    # also a car that sleeps has said nothing yet on a new day
    tomorrow = dt_util.start_of_local_day() + timedelta(days=1, seconds=1)
    with freeze_time(tomorrow):
        async_fire_time_changed(home.hass, tomorrow)
        await home.hass.async_block_till_done()
        assert home.state("sensor", "signals_today") == "0"
