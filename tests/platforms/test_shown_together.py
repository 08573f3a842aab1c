"""What is shown at the same time agrees, and nothing that comes to an end is shown for ever."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.vehicle.charge_flow import charge_power
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState
from simulator import Car, Quirk
from simulator.car.command_table import REST_COMMANDS
from tests.platforms.transports import World
from tests.support.entities import ask_again, call
from tests.support.home import PEARL, Home
from tests.support.polling import HOUR, MINUTE, coordinator, data_requests, live, pass_time
from tests.support.streaming import cut
from tests.support.waiting import until

DATA = "vehicle_data"
NOTHING = {"", "0", "0.0", "unknown"}
NO_FLOW = dict.fromkeys(
    ("charger_power", "charger_actual_current", "charger_voltage", "charger_phases", "charge_rate")
)


@pytest.fixture
async def pushing(turned_clock: Home) -> AsyncIterator[Home]:
    """A home with a car that pushes its data; a test turns all clocks at once."""
    car = turned_clock.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    world = World(turned_clock, "push")
    await world.set_up()
    await pass_time(turned_clock, 3 * MINUTE)
    yield turned_clock
    assert turned_clock.entry is not None
    assert await turned_clock.hass.config_entries.async_unload(turned_clock.entry.entry_id)


def answer(home: Home, **charge_state: Any) -> None:
    """Have the next poll answered like this."""
    fields = {"timestamp": int(home.tesla.clock.now() * 1000) + 60_000, **charge_state}
    home.tesla.faults.wrong_type(DATA, body={"response": {"charge_state": fields}})


def at_the_car(car: Car, command: str, **body: Any) -> None:
    """Do something at the car, or in Tesla's own app."""
    assert car._run(REST_COMMANDS[command], body, "rest").result


def set_departure(home: Home, car: Car, hours: int = 2) -> datetime:
    """Set a departure in so many hours, in the car's time zone (UTC), and return it."""
    now = dt_util.utc_from_timestamp(home.tesla.clock.now())
    leaves = (now + timedelta(hours=hours)).replace(second=0, microsecond=0)
    at_the_car(
        car,
        "set_scheduled_departure",
        enable=True,
        departure_time=leaves.hour * 60 + leaves.minute,
        end_off_peak_time=360,
        preconditioning_enabled=True,
        preconditioning_weekdays_only=False,
        off_peak_charging_enabled=False,
        off_peak_charging_weekdays_only=False,
    )
    return leaves


# -- what flows into a car that does not charge --------------------------------------------------------


@pytest.mark.parametrize("word", ["Disconnected", "Complete", "Stopped", "NoPower"])
async def test_null_is_a_statement_of_a_car_that_does_not_charge(
    turned_clock: Home, word: str
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20).plug_in()
    await home.set_up()
    assert float(home.state("sensor", "charge_power")) > 10
    home.tesla.clock.advance(60)
    answer(home, charging_state=word, **NO_FLOW)
    await ask_again(home)
    assert home.state("switch", "charging") == "off"
    assert home.state("sensor", "charge_power") in NOTHING
    assert home.state("sensor", "charge_current") in NOTHING
    assert home.state("sensor", "charge_voltage") in NOTHING


async def test_null_outdates_what_was_pushed(pushing: Home) -> None:
    assert float(pushing.state("sensor", "charge_power")) > 10
    await cut(pushing)
    pushing.tesla.clock.advance(60)
    answer(pushing, charging_state="Disconnected", **NO_FLOW)
    await ask_again(pushing)
    assert pushing.state("sensor", "charging_state") == "disconnected"
    assert pushing.state("sensor", "charge_power") in NOTHING
    assert pushing.state("sensor", "charge_current") in NOTHING


@pytest.mark.parametrize(("amperes", "kilowatts"), [(0, 0), (16, 11.04)])
async def test_power_is_not_older_than_the_current(
    turned_clock: Home, amperes: int, kilowatts: float
) -> None:
    """One answer without state and power, and none after it: no 0 A and 11 kW, nor 16 A and 0 kW."""
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    if amperes:
        at_the_car(car, "charge_stop")
    await home.set_up()
    before = float(home.state("sensor", "charge_power"))
    assert before == pytest.approx(0 if amperes else 11.04, abs=0.1)
    home.tesla.clock.advance(60)
    answer(
        home,
        charging_state=None,
        charger_power=None,
        charger_actual_current=amperes,
        charger_voltage=230,
        charger_phases=3,
    )
    await ask_again(home)
    assert home.state("sensor", "charge_current") == str(amperes)
    assert float(home.state("sensor", "charge_power")) == pytest.approx(kilowatts)


def test_no_ac_power_does_not_outdate_the_power_of_a_fast_charger() -> None:
    state = VehicleState(
        {
            "charger_power": Reading(100, 50),
            "FastChargerPresent": Reading(True, 50),
            "DCChargingPower": Reading(98, 40),
            "ACChargingPower": Reading(0, 60),
        }
    )
    assert charge_power(state) == 100


@pytest.mark.parametrize("asleep", [True, False])
async def test_nothing_flows_into_a_car_that_is_gone_whatever_its_state_was(
    turned_clock: Home, asleep: bool
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    car.quirks.add(Quirk.UNKNOWN_WORD)
    await home.set_up()
    assert home.state("sensor", "charging_state") == "unknown"
    assert float(home.state("sensor", "charge_power")) > 10
    if asleep:
        car.sleep()
    else:
        car.set_offline(True)
    await live(home, 5 * MINUTE)
    assert home.state("sensor", "status") == ("asleep" if asleep else "not_reachable")
    assert home.state("sensor", "charge_power") == "unknown"
    assert home.state("sensor", "charge_current") == "unknown"


async def test_what_a_sleeping_car_did_is_over_also_when_it_wakes_up_without_an_answer(
    turned_clock: Home,
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    await home.set_up()
    car.sleep()
    await live(home, HOUR)
    assert home.state("sensor", "charging_state") == "unknown"
    level = home.state("sensor", "battery_level")
    car.quirks.add(Quirk.DATA_FAILS, code=500)
    car.wake()
    await live(home, HOUR)
    assert home.state("sensor", "status") == "online"
    for key in ("charging_state", "charge_power", "full_charge_time"):
        assert home.state("sensor", key) == "unknown"
    assert home.state("sensor", "battery_level") == level


# -- what a car that pushes does not push ---------------------------------------------------------------


@pytest.mark.parametrize("reported", [True, False])
async def test_a_car_that_pushes_is_not_in_service_for_ever(pushing: Home, reported: bool) -> None:
    if reported:
        pushing.car.quirks.add(Quirk.IN_SERVICE)
    else:
        pushing.tesla.faults.status(405, DATA, body={"error": "vehicle is currently in service"})
    pushing.tesla.clock.advance(60)
    await ask_again(pushing)
    assert pushing.state("sensor", "status") == "in_service"
    pushing.car.quirks.remove(Quirk.IN_SERVICE)
    pushing.tesla.billing.reset()
    await pass_time(pushing, 150 * MINUTE, 10 * MINUTE)
    assert pushing.state("sensor", "status") == "online"
    assert data_requests(pushing) <= 1


async def test_a_car_that_pushes_is_not_updating_for_ever(pushing: Home) -> None:
    pushing.car.begin_update()
    pushing.tesla.clock.advance(60)
    await ask_again(pushing)
    assert pushing.state("sensor", "status") == "updating"
    await pass_time(pushing, 20 * MINUTE, 10 * MINUTE)
    pushing.car.install_firmware("2026.44.1")
    pushing.tesla.billing.reset()
    await pass_time(pushing, 60 * MINUTE, 10 * MINUTE)
    assert pushing.state("sensor", "status") == "online"
    assert data_requests(pushing) == 1


async def test_a_car_that_was_polled_on_its_way_is_not_driven_in_its_sleep(pushing: Home) -> None:
    pushing.car.drive_away(53.0, 5.0)
    pushing.tesla.clock.advance(60)
    await ask_again(pushing)
    assert coordinator(pushing).data.value("Gear") == "D"
    pushing.car.arrive_home()
    await pass_time(pushing, 3 * MINUTE)
    pushing.car.sleep()
    await until(lambda: pushing.state("sensor", "telemetry") == "synced")
    await pass_time(pushing, 3 * MINUTE)
    assert pushing.state("sensor", "status") == "asleep"
    assert pushing.state("sensor", "charging_state") == "disconnected"


async def test_what_a_command_has_set_is_confirmed_though_a_poll_failed(pushing: Home) -> None:
    car = pushing.car
    car.unplug()
    await until(lambda: pushing.state("sensor", "charging_state") == "disconnected")
    await pass_time(pushing, 12 * MINUTE)
    car.quirks.add(Quirk.NEVER_PUSHED, fields=frozenset({"ChargePortDoorOpen"}))
    await call(pushing, "cover", "charge_port", "open_cover")
    assert pushing.state("cover", "charge_port") == "open"
    at_the_car(car, "charge_port_door_close")
    pushing.tesla.faults.status(500, DATA)
    await ask_again(pushing)
    assert pushing.tesla.faults.rules == []
    await pass_time(pushing, 6 * MINUTE)
    assert pushing.state("cover", "charge_port") == "closed"


# -- a clock that stood still ---------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [2 * MINUTE, 4 * MINUTE, HOUR])
async def test_the_first_answer_counts_though_our_clock_stood_still(
    turned_clock: Home, monkeypatch: pytest.MonkeyPatch, behind: float
) -> None:
    """After a power cut a machine without a clock chip goes on from a time that it saved before its last data."""
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    await home.set_up()
    assert home.state("sensor", "charging_state") == "charging"
    car.unplug()
    home.tesla.clock.advance(6 * HOUR)
    true_time = home.tesla.clock.now
    monkeypatch.setattr(clock, "now", lambda: true_time() - 6 * HOUR - behind)
    await home.restart()
    assert home.state("sensor", "charging_state") == "disconnected"
    assert home.state("sensor", "charge_power") in NOTHING
    # and what is told after the clock was set right
    car.plug_in()
    monkeypatch.setattr(clock, "now", true_time)
    home.tesla.clock.advance(MINUTE)
    await ask_again(home)
    assert home.state("sensor", "charging_state") == "charging"


# -- departures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
async def test_a_departure_of_a_car_in_another_time_zone(turned_clock: Home, zone: str) -> None:
    home = turned_clock
    await home.hass.config.async_set_time_zone(zone)
    car = home.add_car(PEARL, "Pearl", sleep_after=None, quirks=[Quirk.DEPARTURE_KEEPS_ITS_DATE])
    leaves = set_departure(home, car)
    await World(home, "poll").set_up(("sensor", "scheduled_departure"))
    assert home.state("sensor", "scheduled_departure") == leaves.isoformat()
    home.tesla.clock.advance(5 * 24 * HOUR + 3 * HOUR)
    await ask_again(home)
    later = leaves + timedelta(days=6)
    assert home.state("sensor", "scheduled_departure") == later.isoformat()


async def test_a_departure_of_before_the_mode_changed_is_asked_for(pushing: Home) -> None:
    car = pushing.car
    set_departure(pushing, car)
    await ask_again(pushing)
    await World(pushing, "push").switch_on(("sensor", "scheduled_departure"))
    await pass_time(pushing, 3 * MINUTE)
    pushing.tesla.billing.reset()
    at_the_car(car, "set_scheduled_departure", enable=False)
    await until(lambda: pushing.state("sensor", "scheduled_departure") == "unknown")
    await pass_time(pushing, MINUTE)
    leaves = set_departure(pushing, car, hours=5)
    await pass_time(pushing, 15 * MINUTE)
    assert pushing.state("sensor", "scheduled_departure") == leaves.isoformat()
    assert data_requests(pushing) <= 2
    await pass_time(pushing, HOUR, 10 * MINUTE)
    assert data_requests(pushing) <= 2
