"""Numbers as cars really report them: what is shown is what they mean, on both transports."""

from datetime import timedelta
from typing import Any

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.tesla_charging.fleet_telemetry import FIELDS
from custom_components.tesla_charging.vehicle.charge_flow import phases, polled_power
from custom_components.tesla_charging.vehicle.signals import SIGNALS
from custom_components.tesla_charging.vehicle.state import Reading, VehicleState
from devtools.docs.entity_docs import tables
from simulator import Quirk
from simulator.car.command_table import REST_COMMANDS
from tests.platforms.transports import World, about
from tests.support.entities import ask_again
from tests.support.home import CLIENT_ID, PEARL, Home
from tests.support.polling import live
from tests.support.waiting import until


def known(**values: float | bool) -> VehicleState:
    return VehicleState({name: Reading(value, 1_800_000_000.0) for name, value in values.items()})


# -- every field has a reader ------------------------------------------------------------------------------


def test_every_field_that_is_requested_is_shown_by_an_entity() -> None:
    """A field that nobody reads would be billed for nothing."""
    shown = {
        name
        for _, row in tables()
        for name in (*getattr(row, "signals", ()), *getattr(row, "needs", ()))
    }
    assert FIELDS.keys() <= SIGNALS.keys()
    # the energy sensors count by them
    assert FIELDS.keys() - shown == {"DCChargingEnergyIn", "LifetimeEnergyChargedKwh"}


async def test_the_time_to_the_end_is_known_without_the_newer_of_both_estimates(
    world: World,
) -> None:
    home = world.home
    lacks = ("EstimatedHoursToChargeTermination", "minutes_to_full_charge")
    car = home.add_car(PEARL, "Pearl", sleep_after=None, lacks=lacks)
    car.plug_in()
    await world.set_up()
    await world.shows("sensor", "full_charge_time", lambda state: state.endswith(":00+00:00"))
    end = dt_util.parse_datetime(home.state("sensor", "full_charge_time"))
    # 62 to 80 % of 60 kWh, 92 % of 11.04 kW
    hours = 60 * 0.18 / (11.04 * 0.92)
    assert end is not None
    assert abs(end - dt_util.utcnow() - timedelta(hours=hours)) < timedelta(minutes=10)
    if world.road == "push":
        config = home.tesla.telemetry(PEARL).config(CLIENT_ID)
        assert config is not None
        assert "TimeToFullCharge" in config.fields


# -- what flows --------------------------------------------------------------------------------------------


async def test_two_phases_are_three_if_power_voltage_and_current_say_so(world: World) -> None:
    home = world.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, quirks=[Quirk.TWO_PHASES])
    car.plug_in()
    await world.set_up(("sensor", "charger_phases"))
    await world.shows("sensor", "charger_phases", "3")
    await world.shows("sensor", "charge_power", about(11.04))
    car.unplug()
    car.plug_in(phases=1)
    await world.shows("sensor", "charger_phases", "1")
    await world.shows("sensor", "charge_power", about(3.68))


@pytest.mark.parametrize(
    ("reported", "power", "volts", "amperes", "then"),
    [
        (2, 11, 230, 16, 3),
        (2, 7, 230, 16, 2),
        (2, 7.36, 230, 16, 2),
        (2, 3, 230, 5, 3),
        (2, 2, 230, 5, 2),
        (2, 0, 2, 0, 2),
        (1, 4, 230, 16, 1),
        (3, 11, 230, 16, 3),
        (1, 11, 240, 48, 1),
    ],
)
def test_phases_by_what_flows(
    reported: int, power: float, volts: int, amperes: int, then: int
) -> None:
    state = known(
        ChargerPhases=reported, charger_power=power, ChargerVoltage=volts, ChargeAmps=amperes
    )
    assert phases(state) == then


@pytest.mark.parametrize(
    ("reported", "power", "volts", "amperes", "then"),
    [
        (1, 2, 230, 10, 2.3),
        (None, 2, 230, 10, 2.3),
        (2, 11, 230, 16, 11.04),
        (3, 10, 228, 15, 10.26),
        (1, 11, 240, 48, 11.52),
        (None, 0, 230, 2, 0.46),
        # what does not fit together tells nothing
        (3, 2, 230, 16, 2),
        (None, 11, 400, 16, 11),
        (1, 0, 2, 0, 0),
    ],
)
def test_ac_power_is_finer_than_whole_kilowatts(
    reported: int | None, power: float, volts: int, amperes: int, then: float
) -> None:
    state = known(charger_power=power, ChargerVoltage=volts, ChargeAmps=amperes)
    if reported is not None:
        state = state.merge(known(ChargerPhases=reported).readings, now=1_800_000_000.0)
    assert polled_power(state) == then
    fast = state.merge(known(FastChargerPresent=True).readings, now=1_800_000_000.0)
    assert polled_power(fast) == power


async def test_a_slow_charge_is_shown_to_a_tenth_of_a_kilowatt(world: World) -> None:
    home = world.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in(max_amps=10, phases=1)
    await world.set_up(("sensor", "ac_power"), ("sensor", "dc_power"))
    await world.shows("sensor", "charge_power", about(2.3, 0.005))
    await world.shows("sensor", "ac_power", about(2.3, 0.005))
    await world.shows("sensor", "dc_power", about(0))


async def test_at_a_fast_charger_the_ac_charger_says_nothing(world: World) -> None:
    home = world.home
    car = home.add_car(
        PEARL, "Pearl", sleep_after=None, charge_limit=90, quirks=[Quirk.FAST_CHARGER_READS_IDLE]
    )
    car.plug_in_fast(40)
    await world.set_up()
    await world.shows("sensor", "charge_power", about(40))
    assert home.state("sensor", "charge_voltage") == "unknown"
    assert home.state("sensor", "charge_current") == "unknown"
    car.unplug()
    car.plug_in()
    await world.shows("sensor", "charge_voltage", about(230))
    await world.shows("sensor", "charge_current", "16")


# -- what is none, and what never sinks --------------------------------------------------------------------


async def test_a_range_that_is_none_is_unknown(world: World) -> None:
    home = world.home
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await world.set_up(("sensor", "ideal_range"))
    await world.shows("sensor", "ideal_range", about(272 * 0.62 * 1.609344))
    home.car.quirks.add(Quirk.SENTINEL_RANGE)
    await world.shows("sensor", "ideal_range", "unknown")
    await world.shows("sensor", "range", about(272 * 0.62 * 1.609344))
    home.car.quirks.remove(Quirk.SENTINEL_RANGE)
    await world.shows("sensor", "ideal_range", about(272 * 0.62 * 1.609344))


@pytest.mark.parametrize("miles", [12345.678901, 12345.674999, 12345.685, 12345.0])
async def test_the_odometer_does_not_sink_from_a_push_to_a_poll(home: Home, miles: float) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(
        PEARL, "Pearl", sleep_after=None, odometer_miles=miles, quirks=[Quirk.ODOMETER_DIFFERS]
    )
    world = World(home, "push")
    await world.set_up()
    await until(lambda: home.state("sensor", "battery_level") == "62")
    shown = [float(home.state("sensor", "odometer"))]
    for _ in range(2):
        await ask_again(home)
        shown.append(float(home.state("sensor", "odometer")))
        car.quirks.add(Quirk.ODOMETER_DIFFERS)
    assert shown == sorted(shown)
    assert shown[-1] == pytest.approx(miles * 1.609344, abs=0.02)
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_a_departure_is_the_next_time_of_day_it_means(turned_clock: Home) -> None:
    home = turned_clock
    await home.hass.config.async_set_time_zone("UTC")  # in which the simulated car lives
    car = home.add_car(PEARL, "Pearl", sleep_after=None, quirks=[Quirk.DEPARTURE_KEEPS_ITS_DATE])
    now = dt_util.utc_from_timestamp(home.tesla.clock.now())
    leaves = (now + timedelta(hours=2)).replace(second=0, microsecond=0)
    body: dict[str, Any] = {
        "enable": True,
        "departure_time": leaves.hour * 60 + leaves.minute,
        "end_off_peak_time": 360,
        "preconditioning_enabled": True,
        "preconditioning_weekdays_only": False,
        "off_peak_charging_enabled": False,
        "off_peak_charging_weekdays_only": False,
    }
    assert car._run(REST_COMMANDS["set_scheduled_departure"], body, "rest").result
    world = World(home, "poll")
    await world.set_up(("sensor", "scheduled_departure"))
    assert home.state("sensor", "scheduled_departure") == leaves.isoformat()
    home.tesla.clock.advance(5 * 86_400)
    await ask_again(home)
    later = leaves + timedelta(days=5)
    assert home.state("sensor", "scheduled_departure") == later.isoformat()
    # also without another word from the car
    home.tesla.clock.advance(3 * 3600)
    async_fire_time_changed(home.hass, later + timedelta(seconds=1))
    await home.hass.async_block_till_done()
    later += timedelta(days=1)
    assert home.state("sensor", "scheduled_departure") == later.isoformat()
    await live(home, 60)
    assert home.state("sensor", "scheduled_departure") == later.isoformat()
