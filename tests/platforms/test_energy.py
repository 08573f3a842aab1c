"""Energy for the Energy dashboard: what a simulated car charges arrives in the counters, on every road."""

from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import UnitOfEnergy
from homeassistant.core import State
import pytest

from tests.support.entities import ask_again

from ..support.home import PEARL, Home
from .transports import World, about

COUNTERS = ("energy_charged", "energy_charged_home", "energy_charged_away")


def counter(home: Home, key: str) -> State:
    state = home.hass.states.get(home.entity_id("sensor", key))
    assert state is not None
    return state


async def later(home: Home, hours: float) -> None:
    home.tesla.clock.advance(hours * 3600)
    await ask_again(home)


@pytest.fixture(autouse=True)
def one_clock(turned_clock: Home) -> None:
    """Home Assistant and the simulated world live at the same time, whatever it is."""


@pytest.fixture
async def moving(home: Home) -> Home:
    """A home whose car tells where it is, to who asks."""
    where = (home.hass.config.latitude, home.hass.config.longitude)
    home.tesla.wake_with_charging_scope = True
    home.add_car(PEARL, "Pearl", home=where, sleep_after=None, charge_limit=100, battery_level=20)
    await home.set_up(location=True)
    return home


async def test_the_energy_dashboard_takes_the_counters_as_they_are(moving: Home) -> None:
    for key in (*COUNTERS, "energy_added"):
        attributes = counter(moving, key).attributes
        assert attributes["device_class"] == "energy", key
        assert attributes["state_class"] == SensorStateClass.TOTAL_INCREASING, key
        assert attributes["unit_of_measurement"] == UnitOfEnergy.KILO_WATT_HOUR, key


async def test_charging_at_home_and_away_is_told_apart(world: World) -> None:
    home = world.home
    where = (home.hass.config.latitude, home.hass.config.longitude)
    car = home.add_car(PEARL, "Pearl", home=where, sleep_after=None, battery_level=20)
    await world.set_up(location=True)
    await world.shows("sensor", "energy_added", about(0))
    car.plug_in()
    await world.shows("sensor", "charging_state", "charging")
    home.tesla.clock.advance(3600)
    await world.shows("sensor", "energy_charged_home", lambda s: float(s) > 10)
    charged = car.snapshot().energy_added_kwh
    car.drive_away(where[0] + 0.2, where[1])
    home.tesla.clock.advance(3600)
    await world.shows("device_tracker", "location", "not_home")
    car.plug_in_fast(30)
    await world.shows("sensor", "charging_state", "charging")
    home.tesla.clock.advance(1200)
    await world.shows("sensor", "energy_charged_away", lambda s: float(s) > 9.5)
    at_home, away = (float(home.state("sensor", key)) for key in COUNTERS[1:])
    assert at_home == pytest.approx(charged, abs=0.2)
    assert away == pytest.approx(car.snapshot().energy_added_kwh, abs=0.2)
    assert float(home.state("sensor", "energy_charged")) == pytest.approx(at_home + away, abs=0.01)


async def test_the_counter_goes_on_after_a_restart_and_a_gap(moving: Home) -> None:
    home = moving
    home.car.plug_in()
    await later(home, 1)
    first = float(counter(home, "energy_charged").state)
    assert first == pytest.approx(10.2, abs=0.2)
    # it charges on while Home Assistant is off
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    home.tesla.clock.advance(3600)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    await ask_again(home)
    assert float(counter(home, "energy_charged").state) == pytest.approx(20.3, abs=0.3)
    assert float(counter(home, "energy_charged_home").state) == pytest.approx(20.3, abs=0.3)


async def test_a_session_away_while_nobody_looked_is_counted(moving: Home) -> None:
    home, car = moving, moving.car
    car.plug_in()
    await later(home, 0.5)
    await home.act("stop_charging")
    await later(home, 0.1)
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    latitude, longitude = home.hass.config.latitude, home.hass.config.longitude
    car.drive_away(latitude + 0.5, longitude)
    home.tesla.clock.advance(7200)
    car.plug_in_fast(100)
    home.tesla.clock.advance(1200)
    car.unplug()
    car.arrive_home()
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    await ask_again(home)
    # where it was, nobody knows any more
    assert float(counter(home, "energy_charged").state) == pytest.approx(5.1 + 33.3, abs=0.5)
    assert float(counter(home, "energy_charged_home").state) == pytest.approx(5.1, abs=0.2)
    assert float(counter(home, "energy_charged_away").state) == 0


async def test_without_any_place_there_is_one_counter(charging_home: Home) -> None:
    await later(charging_home, 0.5)
    assert float(counter(charging_home, "energy_charged").state) > 4
    with pytest.raises(AssertionError):
        charging_home.entity_id("sensor", "energy_charged_home")


async def test_a_new_session_begins_anew_and_the_counter_goes_on(charging_home: Home) -> None:
    home = charging_home
    await later(home, 0.5)
    before = float(counter(home, "energy_charged").state)
    home.car.unplug()
    await later(home, 0.1)
    home.car.plug_in()
    await later(home, 0)
    assert float(counter(home, "energy_added").state) < 0.1
    await later(home, 0.2)
    assert float(counter(home, "energy_charged").state) > before + 1.5


async def test_the_time_of_full_charge_does_not_waver(charging_home: Home) -> None:
    home = charging_home
    await later(home, 0)
    first = home.state("sensor", "full_charge_time")
    for _ in range(6):
        await later(home, 1 / 30)
        assert home.state("sensor", "full_charge_time") == first
    # another current is another end
    await home.act("set_charging_current", current=8)
    await later(home, 1 / 30)
    assert home.state("sensor", "full_charge_time") > first
