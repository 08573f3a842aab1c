"""Energy for the Energy dashboard: what a simulated car charges arrives in the counters, on every road."""

from collections.abc import Callable

from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import UnitOfEnergy
from homeassistant.core import State
import pytest

from simulator import Quirk
from tests.support.entities import ask_again
from tests.support.waiting import until

from ..support.home import CLIENT_ID, PEARL, Home
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


# -- counters that are not what they seem ----------------------------------------------------------------


def charged(home: Home) -> float:
    return float(counter(home, "energy_charged").state)


async def test_a_counter_that_sinks_while_the_car_is_full_adds_nothing(home: Home) -> None:
    """The case of fleet-telemetry issue 357: 36.6 kWh, and 34.4 four days later."""
    car = home.add_car(PEARL, "Pearl", sleep_after=None, protocol="not_supported")
    car.plug_in()
    await home.set_up()
    await later(home, 0)
    already = car.charged_kwh
    car.quirks.add(Quirk.COUNTER_IS_NET)
    for _ in range(4):
        await later(home, 2)
    assert home.state("sensor", "charging_state") == "complete"
    full, told, session = (
        charged(home),
        car.snapshot().energy_added_kwh,
        float(counter(home, "energy_added").state),
    )
    assert full == pytest.approx(car.charged_kwh - already, abs=0.05)
    for _ in range(16):
        await later(home, 6)
    assert car.snapshot().energy_added_kwh < told - 2
    assert home.state("sensor", "charging_state") == "complete"
    assert charged(home) == full
    assert float(counter(home, "energy_added").state) == session
    # what the car charges then is counted, although its counter is lower than it was
    car.rest_command("set_charge_limit", {"percent": 100})
    before = car.charged_kwh
    for _ in range(4):
        await later(home, 0.5)
    assert car.charged_kwh > before + 2
    assert charged(home) == pytest.approx(car.charged_kwh - already, abs=0.4)


async def test_a_counter_that_reads_zero_and_comes_back_counts_once(charging_home: Home) -> None:
    home, car = charging_home, charging_home.car
    await later(home, 0)
    already = car.charged_kwh
    await later(home, 0.5)
    car.quirks.add(Quirk.COUNTER_READS_ZERO, lasts=1800)
    shown = charged(home)
    for _ in range(5):
        await later(home, 0.1)
        assert shown <= charged(home) <= car.charged_kwh - already + 0.01
        shown = charged(home)
    # meanwhile the battery tells
    assert shown > 6
    await later(home, 0.1)
    assert charged(home) == pytest.approx(car.charged_kwh - already, abs=0.05)


async def test_what_the_heater_takes_is_not_charged_twice(charging_home: Home) -> None:
    home, car = charging_home, charging_home.car
    car.unplug()
    car.plug_in(max_amps=8, phases=1)
    await later(home, 0)
    already = car.charged_kwh
    for _ in range(4):
        await later(home, 0.5)
    car.quirks.add(Quirk.HEATER_OUTDRAWS_CHARGER, lasts=3600)
    for _ in range(6):
        await later(home, 0.25)
    assert charged(home) == pytest.approx(car.charged_kwh - already, abs=0.3)


async def test_a_session_that_nobody_saw_begin_is_known_by_the_battery(charging_home: Home) -> None:
    home, car = charging_home, charging_home.car
    await later(home, 0)
    already = car.charged_kwh
    await later(home, 0.5)
    # pulled and put in again between two looks: the counter is higher than it was
    car.unplug()
    car.plug_in()
    await later(home, 0.8)
    assert charged(home) == pytest.approx(car.charged_kwh - already, abs=0.05)


async def test_energy_from_the_wall_counts_a_session_once(home: Home) -> None:
    """Its counter reads 0 for a while and comes back, and sinks while the car is parked."""
    home.tesla.wake_with_charging_scope = True
    world = World(home, "push")
    car = home.add_car(
        PEARL,
        "Pearl",
        sleep_after=None,
        battery_level=20,
        charge_limit=70,
    )
    car.plug_in()
    await world.set_up(("sensor", "energy_from_wall"))
    shown: list[float] = []

    async def shows(kwh: Callable[[], float], hours: float) -> None:
        home.tesla.clock.advance(hours * 3600)
        expected = kwh()
        await until(
            lambda: about(expected, 0.02)(home.state("sensor", "energy_from_wall")),
            15,
        )
        shown.append(float(home.state("sensor", "energy_from_wall")))

    def told() -> float:
        return float(car.snapshot().energy_added_kwh) / 0.92

    await shows(told, 1)
    car.quirks.add(Quirk.COUNTER_READS_ZERO, lasts=1200)
    home.tesla.clock.advance(300)
    assert home.entry is not None
    coordinator = home.entry.runtime_data.cars[PEARL]
    await until(lambda: coordinator.data.value("ACChargingEnergyIn") == 0)
    assert float(home.state("sensor", "energy_from_wall")) == shown[-1]
    await shows(told, 0.4)
    # while it is parked the counter sinks, and what is charged then is added
    await shows(told, 4)
    full = shown[-1]
    car.quirks.add(Quirk.COUNTER_IS_NET)
    for _ in range(4):
        await shows(lambda: full, 24)
    await until(lambda: coordinator.data.value("ACChargingEnergyIn") < full - 1)
    car.quirks.remove(Quirk.COUNTER_IS_NET)
    charged = car.charged_kwh
    await home.act("set_charge_limit", percent=100)
    await shows(lambda: full + (car.charged_kwh - charged) / 0.92, 0.5)
    assert shown == sorted(shown)
    # a new session begins anew
    car.unplug()
    await world.shows("sensor", "charging_state", "disconnected")
    car.plug_in()
    await shows(told, 0.3)
    assert shown[-1] < 6
    await home.restart()
    await world.connected()
    assert float(home.state("sensor", "energy_from_wall")) == shown[-1]
    await shows(told, 0.3)


def requested(home: Home) -> set[str]:
    config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
    assert config is not None
    return set(config.fields)


@pytest.mark.parametrize(("firmware", "knows"), [("2026.26.9", False), ("2026.32.6", True)])
async def test_the_lifetime_counter_is_requested_from_cars_that_have_it(
    home: Home, firmware: str, knows: bool
) -> None:
    world = World(home, "push")
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20, firmware=firmware)
    await world.set_up()
    await until(lambda: home.state("sensor", "energy_added") == "0.0")
    await home.restart()
    await world.connected()
    assert home.entry is not None
    if knows:
        coordinator = home.entry.runtime_data.cars[PEARL]
        await until(lambda: coordinator.data.number("LifetimeEnergyChargedKwh") is not None)
    assert ("LifetimeEnergyChargedKwh" in requested(home)) is knows
    # a session and a half while Home Assistant was off: only the lifetime counter knows of the first
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    latitude, longitude = home.hass.config.latitude, home.hass.config.longitude
    car.plug_in()
    home.tesla.clock.advance(3600)
    car.drive_away(latitude + 0.5, longitude)
    home.tesla.clock.advance(7200)
    car.plug_in_fast(50)
    home.tesla.clock.advance(600)
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    true = car.charged_kwh
    await world.shows("sensor", "energy_charged", lambda s: float(s) > 8)
    if knows:
        await world.shows("sensor", "energy_charged", lambda s: float(s) >= true - 0.1)
    else:
        assert charged(home) < true
    assert charged(home) <= car.charged_kwh + 0.1
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_what_a_lost_push_told_is_counted_with_the_next(home: Home) -> None:
    world = World(home, "push")
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20, firmware="2026.26.9")
    await world.set_up()
    await world.shows("sensor", "energy_added", about(0))
    car.quirks.add(
        Quirk.LOST_PUSH, times=3, fields=frozenset({"DCChargingEnergyIn", "DetailedChargeState"})
    )
    car.plug_in()
    for _ in range(6):
        home.tesla.clock.advance(600)
        least = car.snapshot().battery_level - 2
        await until(lambda: float(home.state("sensor", "battery_level")) > least)  # noqa: B023
    await world.shows("sensor", "energy_charged", lambda s: float(s) > car.charged_kwh - 0.3)
    assert charged(home) <= car.charged_kwh + 0.01
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
