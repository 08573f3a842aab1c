"""Values that cannot be right any more: noticed by others that are newer, requested once, else not known."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from custom_components.tesla_charging import clock
from simulator import Quirk
from tests.platforms.transports import World, about
from tests.support.home import PEARL, Home
from tests.support.polling import HOUR, MINUTE, coordinator, data_requests, live, pass_time
from tests.support.waiting import until


@pytest.fixture
async def pushing(turned_clock: Home) -> AsyncIterator[World]:
    """A home whose car pushes; a test turns all clocks at once."""
    world = World(turned_clock, "push")
    yield world
    entry = turned_clock.entry
    assert entry is not None
    assert await turned_clock.hass.config_entries.async_unload(entry.entry_id)


async def quiet(home: Home) -> None:
    """Wait for what is due anyway at the start."""
    await pass_time(home, 6 * MINUTE)
    home.tesla.billing.reset()


# -- a contradiction ---------------------------------------------------------------------------------------


async def test_a_lost_push_of_the_charging_state_is_noticed_by_what_flows(pushing: World) -> None:
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=70, charge_limit=70)
    car.plug_in(max_amps=10, phases=1)
    await pushing.set_up()
    await until(lambda: home.state("sensor", "charging_state") == "complete")
    await quiet(home)
    car.quirks.add(Quirk.LOST_PUSH)
    car.set_battery_level(40)
    await until(lambda: home.state("sensor", "charge_current") == "10")
    assert home.state("sensor", "charging_state") == "complete"
    await pass_time(home, 5 * MINUTE)
    assert home.state("sensor", "charging_state") == "charging"
    assert home.state("switch", "charging") == "on"
    assert float(home.state("sensor", "charge_power")) == pytest.approx(2.3, abs=0.1)
    await pass_time(home, 35 * MINUTE)
    assert home.state("sensor", "charging_state") == "charging"
    assert data_requests(home) == 1


async def test_a_car_that_says_so_itself_is_believed_and_not_asked_again(pushing: World) -> None:
    """A car that heats its cabin by the cable draws power though its charge is complete."""
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=70, charge_limit=70)
    car.plug_in(max_amps=10, phases=1)
    await pushing.set_up()
    await until(lambda: home.state("sensor", "charging_state") == "complete")
    await quiet(home)
    car.quirks.add(Quirk.LOST_PUSH, times=100)
    # Tesla's own answer says complete as well, whatever flows
    home.tesla.faults.wrong_type(
        "vehicle_data",
        body={
            "response": {
                "charge_state": {
                    "charging_state": "Complete",
                    "charger_actual_current": 10,
                    "charger_voltage": 230,
                    "charger_power": 2,
                    "timestamp": home.tesla.clock.now() * 1000 + 300_000,
                }
            }
        },
    )
    car.set_battery_level(40)
    await until(lambda: home.state("sensor", "charge_current") == "10")
    await pass_time(home, 30 * MINUTE)
    assert home.state("sensor", "charging_state") == "complete"
    assert data_requests(home) == 1


async def test_what_cannot_be_asked_is_not_known(pushing: World) -> None:
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=70, charge_limit=70)
    car.plug_in(max_amps=10, phases=1)
    await pushing.set_up()
    await until(lambda: home.state("sensor", "charging_state") == "complete")
    await quiet(home)
    coordinator(home).observations.stretch = lambda: float("inf")
    car.quirks.add(Quirk.LOST_PUSH)
    car.set_battery_level(40)
    await until(lambda: home.state("sensor", "charge_current") == "10")
    before = data_requests(home)
    await pass_time(home, 25 * MINUTE)
    assert data_requests(home) == before
    assert home.state("sensor", "charging_state") == "unknown"
    assert home.state("binary_sensor", "plugged_in") == "unknown"
    assert home.state("switch", "charging") == "unknown"


async def test_a_firmware_that_never_pushes_the_charging_state(pushing: World) -> None:
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=40)
    car.quirks.add(Quirk.NEVER_PUSHED)
    await pushing.set_up()
    await pass_time(home, 8 * MINUTE)
    assert home.state("sensor", "charging_state") == "disconnected"
    home.tesla.billing.reset()
    car.plug_in()
    await pass_time(home, 6 * MINUTE)
    assert home.state("sensor", "charging_state") == "charging"
    await pass_time(home, 12 * MINUTE)
    car.unplug()
    await pass_time(home, 6 * MINUTE)
    assert home.state("binary_sensor", "plugged_in") == "off"
    assert data_requests(home) <= 3
    before = data_requests(home)
    await pass_time(home, 2 * HOUR)
    assert data_requests(home) == before, "nothing is in doubt"


async def test_a_field_that_stops_after_an_update_is_asked_once_and_then_unknown(
    pushing: World,
) -> None:
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20, charge_limit=90)
    car.plug_in()
    await pushing.set_up()
    await quiet(home)
    car.quirks.add(Quirk.STOPS_AFTER_UPDATE)
    car.install_firmware("2026.38.1")
    stale = home.state("sensor", "range")
    await pass_time(home, 24 * MINUTE)
    assert data_requests(home) == 1
    assert home.state("sensor", "range") != stale
    wrong = 0
    for _ in range(12):
        await pass_time(home, 5 * MINUTE)
        shown = home.state("sensor", "range")
        true = float(home.state("sensor", "battery_level")) / 100 * 272 * 1.609344
        wrong += shown != "unknown" and not about(true, 0.2)(shown)
    assert not wrong
    assert home.state("sensor", "range") == "unknown"
    assert data_requests(home) == 1


async def test_a_stuck_starting_is_seen_through(pushing: World) -> None:
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=40)
    car.quirks.add(Quirk.STUCK_ON_STARTING)
    await pushing.set_up()
    await quiet(home)
    car.plug_in()
    await until(lambda: home.state("sensor", "charging_state") == "starting")
    await pass_time(home, 6 * MINUTE)
    assert home.state("sensor", "charging_state") == "charging"
    assert data_requests(home) == 1


async def test_a_healthy_car_that_pushes_is_never_in_doubt(pushing: World) -> None:
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=55, charge_limit=60)
    await pushing.set_up()
    await quiet(home)
    for _ in range(2):
        car.plug_in()
        await pass_time(home, 40 * MINUTE)
        car.unplug()
        car.drive_away(53.0, 5.0)
        await pass_time(home, 30 * MINUTE)
        car.arrive_home()
        await pass_time(home, 10 * MINUTE)
    assert data_requests(home) == 0


@pytest.mark.parametrize("ceased", ["ACChargingPower", "ChargeAmps"])
async def test_power_and_current_that_do_not_fit_are_noticed(pushing: World, ceased: str) -> None:
    """One of them is not pushed any more: requested once, and then known by the other one, or not at all."""
    home = pushing.home
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in(max_amps=16, phases=3)
    await pushing.set_up()
    await until(lambda: home.state("sensor", "charge_power") == "11.04")
    await quiet(home)
    car.quirks.add(Quirk.NEVER_PUSHED, fields=frozenset({ceased}))
    car._systems.charging.set_amps(6)
    await pass_time(home, 5 * MINUTE)
    assert home.state("sensor", "charge_power") == "4.14"
    assert home.state("sensor", "charge_current") == "6"
    assert data_requests(home) == 1
    car._systems.charging.set_amps(13)
    await pass_time(home, 20 * MINUTE)
    assert home.state("sensor", "charge_power") == "8.97"
    known = "13" if ceased == "ACChargingPower" else "unknown"
    assert home.state("sensor", "charge_current") == known
    assert data_requests(home) == 1


async def test_a_doubt_ends_also_if_our_clock_is_set_back(
    pushing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, real, ahead = pushing.home, clock.now, [0.0]
    monkeypatch.setattr(clock, "now", lambda: real() + ahead[0])
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=70, charge_limit=70)
    car.plug_in(max_amps=10, phases=1)
    await pushing.set_up()
    await until(lambda: home.state("sensor", "charging_state") == "complete")
    await quiet(home)
    ahead[0] = 24 * HOUR
    car.quirks.add(Quirk.LOST_PUSH)
    car.set_battery_level(40)
    await until(lambda: home.state("sensor", "charge_current") == "10")
    await home.poll()
    ahead[0] = 0.0
    await pass_time(home, 10 * MINUTE)
    assert home.state("sensor", "charging_state") == "charging"


# -- a car that is out of reach ----------------------------------------------------------------------------


@pytest.mark.parametrize("road", ["poll", "push"])
async def test_a_car_that_loses_reception_while_charging_is_not_reachable(
    turned_clock: Home, road: str
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=900, battery_level=20)
    world = World(home, road)
    car.plug_in()
    await world.set_up()
    await until(lambda: home.state("sensor", "charging_state") == "charging")
    assert home.state("sensor", "status") == "online"
    assert home.state("sensor", "full_charge_time") != "unknown"
    level = home.state("sensor", "battery_level")
    car.set_offline(True)
    if road == "push":
        await until(lambda: home.state("sensor", "telemetry") == "synced")
    await pass_time(home, 14 * MINUTE)
    assert home.state("sensor", "status") == "not_reachable"
    assert home.state("binary_sensor", "awake") == "unknown"
    for platform, key in (
        ("sensor", "charging_state"),
        ("sensor", "charge_power"),
        ("sensor", "charge_current"),
        ("sensor", "charge_voltage"),
        ("sensor", "full_charge_time"),
        ("sensor", "why_not_charging"),
        ("switch", "charging"),
    ):
        assert home.state(platform, key) == "unknown", key
    assert float(home.state("sensor", "battery_level")) >= float(level)
    car.set_offline(False)
    await pass_time(home, 6 * MINUTE)
    if road == "push":
        await until(lambda: home.state("sensor", "telemetry") == "connected")
    assert home.state("sensor", "status") == "online"
    assert home.state("sensor", "charging_state") == "charging"
    assert float(home.state("sensor", "charge_power")) == pytest.approx(11.04, abs=0.2)
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)  # type: ignore[union-attr]  # it is set up


async def test_a_parked_car_out_of_reach_keeps_what_was_known(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=900, battery_level=80)
    car.plug_in()
    await home.set_up()
    assert home.state("sensor", "charging_state") == "complete"
    car.set_offline(True)
    await live(home, 5 * MINUTE)
    assert home.state("sensor", "status") == "not_reachable"
    assert home.state("sensor", "charging_state") == "complete"
    assert home.state("binary_sensor", "plugged_in") == "on"
    car.set_offline(False)
    car.sleep()
    await live(home, 5 * MINUTE)
    assert (home.state("sensor", "status"), home.state("binary_sensor", "awake")) == (
        "asleep",
        "off",
    )


async def test_what_a_car_did_before_it_slept_is_over_also_if_a_command_found_it_asleep(
    turned_clock: Home,
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None, battery_level=20)
    car.plug_in()
    await home.set_up()
    assert home.state("sensor", "charging_state") == "charging"
    car.unplug()
    car.sleep()
    # it costs nothing, because of a free request
    await home.act("stop_charging")
    car.wake()
    home.tesla.clock.advance(MINUTE)
    car.quirks.add(Quirk.DATA_FAILS, code=500)
    await live(home, 10 * MINUTE)
    assert home.state("sensor", "status") == "online"
    assert home.state("sensor", "charging_state") == "unknown"
    assert home.state("sensor", "charge_power") == "unknown"


# -- what says nothing, and what nobody understands --------------------------------------------------------


async def test_a_null_keeps_what_was_known(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in()
    await home.set_up()
    shown = {
        key: home.state(platform, key)
        for platform, key in (
            ("sensor", "charging_state"),
            ("sensor", "charge_power"),
            ("cover", "charge_port"),
            ("binary_sensor", "plugged_in"),
            ("switch", "charging"),
        )
    }
    changes: list[Any] = []
    home.hass.bus.async_listen(
        "state_changed",
        lambda event: changes.append(event.data) if "plugged" in event.data["entity_id"] else None,
    )
    car.quirks.add(Quirk.NULL_POLL)
    home.tesla.clock.advance(MINUTE)
    coordinator(home).confirmation.wanted = True
    await home.poll()
    assert Quirk.NULL_POLL not in car.quirks, "it was polled"
    assert {
        key: home.state(platform, key)
        for platform, key in (
            ("sensor", "charging_state"),
            ("sensor", "charge_power"),
            ("cover", "charge_port"),
            ("binary_sensor", "plugged_in"),
            ("switch", "charging"),
        )
    } == shown
    assert changes == []


@pytest.mark.parametrize("road", ["poll", "push"])
async def test_an_unknown_word_is_unknown_on_every_road(home: Home, road: str) -> None:
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in()
    world = World(home, road)
    await world.set_up(
        ("sensor", "cable_type"), ("sensor", "charge_port_latch"), ("sensor", "fast_charger_type")
    )
    await world.shows("sensor", "charging_state", "charging")
    await world.shows("sensor", "cable_type", "iec")
    fields = {"DetailedChargeState", "ChargePortLatch", "ChargingCableType", "FastChargerType"}
    car.quirks.add(Quirk.UNKNOWN_WORD, fields=frozenset(fields))
    for platform, key in (
        ("sensor", "charging_state"),
        ("binary_sensor", "plugged_in"),
        ("switch", "charging"),
        ("sensor", "why_not_charging"),
        ("sensor", "cable_type"),
        ("sensor", "charge_port_latch"),
        ("sensor", "fast_charger_type"),
    ):
        await world.shows(platform, key, "unknown")
    await home.restart()
    await world.connected()
    assert home.state("sensor", "charging_state") == "unknown"
    assert home.state("sensor", "cable_type") == "unknown"
    car.quirks.remove(Quirk.UNKNOWN_WORD)
    await world.shows("sensor", "charging_state", "charging")
    await world.shows("sensor", "cable_type", "iec")
    assert home.entry is not None
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
