"""Whether a car is at home: the newer source decides, only as long as the car stands, and as its user wants it."""

from typing import Any

from homeassistant.config_entries import OptionsFlow
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.tesla_charging.config_flow import TeslaChargingFlow
from custom_components.tesla_charging.fleet_telemetry import FIELDS
from custom_components.tesla_charging.setup_flow.home_steps import HomeSteps
from simulator import Quirk
from tests.support.entities import ask_again
from tests.support.home import HOME_DOMAIN, PEARL, Home
from tests.support.streaming import cut, embedded, free_port
from tests.support.waiting import until

AWAY = 1.0
"""Degrees north of home: some 110 km."""
HOUR = 3600.0


def where(home: Home) -> tuple[float, float]:
    return home.hass.config.latitude, home.hass.config.longitude


def at_home(home: Home) -> str:
    return home.state("binary_sensor", "at_home")


def energy(home: Home, key: str) -> float:
    return float(home.state("sensor", key))


async def streaming(home: Home, *, location: bool, saved: tuple[float, float] | None = None) -> Any:
    """A car that pushes its data; `saved` is the home of its driver profile, if it is another one."""
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    car = home.add_car(PEARL, "Pearl", home=where(home), sleep_after=None, battery_level=30)
    if saved is not None:
        journey = car._systems.journey
        journey.home = journey.home.__class__(*saved)
    await home.set_up(telemetry=embedded(port), location=location)
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    await until(lambda: at_home(home) != "unknown")
    return car


async def drive(home: Home, degrees: float) -> None:
    """Drive north, and be there."""
    latitude, longitude = where(home)
    home.car.drive_away(latitude + degrees, longitude, speed_mph=70)
    home.tesla.clock.advance(2 * HOUR)
    assert home.car.snapshot().at_home is False


async def poll(home: Home) -> None:
    home.tesla.clock.advance(60)
    await ask_again(home)


# -- the newer source ----------------------------------------------------------------------------------


async def test_a_poll_that_places_the_car_elsewhere_is_newer_than_what_it_pushed(
    turned_clock: Home,
) -> None:
    home = turned_clock
    car = await streaming(home, location=True)
    assert at_home(home) == "on"
    await cut(home)
    await drive(home, AWAY)
    car.plug_in_fast(100)
    await poll(home)
    assert at_home(home) == "off"
    home.tesla.clock.advance(900)
    await poll(home)
    assert energy(home, "energy_charged_away") > 20
    assert energy(home, "energy_charged_home") == 0


async def test_it_is_newer_also_where_no_drive_was_seen(turned_clock: Home) -> None:
    """A car that was towed, or whose odometer is not known."""
    home = turned_clock
    car = await streaming(home, location=True)
    await cut(home)
    journey = car._systems.journey
    journey.place = journey.home.__class__(journey.home.latitude + AWAY, journey.home.longitude)
    await poll(home)
    assert at_home(home) == "off"
    await home.restart()
    assert at_home(home) == "off"


@pytest.mark.parametrize("drives", [True, False])
async def test_it_is_newer_also_if_the_stream_fell_silent_without_an_end(
    turned_clock: Home, drives: bool
) -> None:
    """Home again, or towed away from there, and nothing was pushed of it."""
    home = turned_clock
    car = await streaming(home, location=True)
    if drives:
        await drive(home, AWAY)
        await until(lambda: at_home(home) == "off")
    before = at_home(home)
    car.quirks.add(Quirk.NEVER_PUSHED, fields=frozenset(FIELDS))
    journey = car._systems.journey
    if drives:
        car.arrive_home()
    else:
        journey.place = journey.home.__class__(journey.home.latitude + AWAY, journey.home.longitude)
    home.tesla.clock.advance(HOUR)
    await poll(home)
    assert home.state("sensor", "telemetry") == "connected"
    assert at_home(home) != before
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_a_silent_stream_says_not_even_that_the_car_is_away(turned_clock: Home) -> None:
    home = turned_clock
    car = await streaming(home, location=False)
    await drive(home, AWAY)
    await until(lambda: at_home(home) == "off")
    car.quirks.add(Quirk.NEVER_PUSHED, fields=frozenset(FIELDS))
    car.arrive_home()
    home.tesla.clock.advance(HOUR)
    await poll(home)
    assert at_home(home) == "unknown"
    assert home.entry is not None
    await home.hass.config_entries.async_unload(home.entry.entry_id)


async def test_what_the_car_pushes_is_newer_than_an_earlier_poll(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = await streaming(home, location=True)
    hosts = dict(home.tesla.telemetry_hosts)
    await cut(home)
    await drive(home, AWAY)
    await poll(home)
    assert at_home(home) == "off"
    car.arrive_home()
    home.tesla.telemetry_hosts.update(hosts)
    await until(lambda: at_home(home) == "on")


async def test_leaving_is_an_event_also_where_another_source_tells_of_it(
    turned_clock: Home,
) -> None:
    home = turned_clock
    await streaming(home, location=True)
    await cut(home)
    await drive(home, AWAY)
    await poll(home)
    state = home.hass.states.get(home.entity_id("event", "home_and_away"))
    assert state is not None
    assert state.attributes["event_type"] == "left"


# -- only as long as it stands -------------------------------------------------------------------------


async def test_after_a_drive_without_news_it_is_unknown(home: Home) -> None:
    home.tesla.wake_with_charging_scope = True
    car = await streaming(home, location=False)
    assert at_home(home) == "on"
    hosts = dict(home.tesla.telemetry_hosts)
    await cut(home)
    await poll(home)
    assert at_home(home) == "on", "it has not moved"
    await drive(home, AWAY)
    car.plug_in_fast(100)
    await poll(home)
    assert at_home(home) == "unknown"
    home.tesla.clock.advance(900)
    await poll(home)
    await home.restart()
    assert at_home(home) == "unknown", "nor after a restart"
    assert energy(home, "energy_charged_home") == 0
    car.arrive_home()
    home.tesla.telemetry_hosts.update(hosts)
    await until(lambda: at_home(home) == "on")


async def test_a_car_under_way_is_not_at_home_any_more(turned_clock: Home) -> None:
    home = turned_clock
    await streaming(home, location=False)
    await cut(home)
    home.car.drive_away(where(home)[0] + AWAY, where(home)[1], speed_mph=1)
    await poll(home)
    assert at_home(home) == "unknown"


async def test_a_car_that_left_and_is_out_of_reach_is_not_known_to_be_at_home(
    turned_clock: Home,
) -> None:
    """It was put in gear in a garage without reception, and nothing is heard of it since."""
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", home=where(home), sleep_after=None)
    await home.set_up(location=True)
    car.drive_away(where(home)[0] + AWAY, where(home)[1], speed_mph=0.01)
    await poll(home)
    assert at_home(home) == "on"
    car.set_offline(True)
    home.tesla.clock.advance(HOUR)
    await home.poll()
    assert home.state("sensor", "status") == "not_reachable"
    assert at_home(home) == "unknown"
    car.set_offline(False)
    await poll(home)
    assert at_home(home) == "on"


async def test_a_position_without_news_does_not_hold_either(
    turned_clock: Home, hass: HomeAssistant
) -> None:
    """The location is not in the answer any more, while the odometer tells of a drive."""
    home = turned_clock
    home.add_car(PEARL, "Pearl", home=where(home), sleep_after=None)
    entry = await home.set_up(location=True)
    assert at_home(home) == "on"
    car = entry.runtime_data.cars[PEARL]
    car._sections.remove("location_data")
    await drive(home, AWAY)
    await poll(home)
    assert at_home(home) == "unknown"
    tracker = hass.states.get(home.entity_id("device_tracker", "location"))
    assert tracker is not None
    assert tracker.state == "unknown"


# -- no home in the car --------------------------------------------------------------------------------


async def test_a_car_without_a_home_is_at_home_in_the_home_zone(turned_clock: Home) -> None:
    home = turned_clock
    car = await streaming(home, location=True, saved=(-33.0, 151.0))
    await until(lambda: at_home(home) == "on")
    latitude, longitude = where(home)
    car.drive_away(latitude + AWAY, longitude, speed_mph=70)
    home.tesla.clock.advance(2 * HOUR)
    await until(lambda: at_home(home) == "off")


# -- as its user wants it ------------------------------------------------------------------------------


async def choose(home: Home, source: str) -> None:
    assert home.entry is not None
    options = {**home.entry.options, "home_source": source}
    home.hass.config_entries.async_update_entry(home.entry, options=options)
    await home.restart()


async def test_the_home_zone_alone_decides(turned_clock: Home) -> None:
    home = turned_clock
    latitude, longitude = where(home)
    await streaming(home, location=True, saved=(latitude + AWAY, longitude))
    await choose(home, "zone")
    await until(lambda: at_home(home) == "on")
    home.car.drive_away(latitude + AWAY, longitude, speed_mph=70)
    home.tesla.clock.advance(2 * HOUR)
    await until(lambda: at_home(home) == "off")


async def test_the_home_of_the_car_alone_decides(turned_clock: Home) -> None:
    home = turned_clock
    latitude, longitude = where(home)
    await streaming(home, location=True, saved=(latitude + AWAY, longitude))
    await choose(home, "car")
    await until(lambda: at_home(home) == "off")
    home.car.drive_away(latitude + AWAY, longitude, speed_mph=70)
    home.tesla.clock.advance(2 * HOUR)
    await until(lambda: at_home(home) == "on")


async def test_a_polled_car_is_at_home_when_plugged_in_to_ac(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", home=where(home), sleep_after=None, battery_level=20)
    await home.set_up()
    assert at_home(home) == "unknown"
    await choose(home, "plugged_in")
    await poll(home)
    assert at_home(home) == "off"
    car.plug_in()
    await poll(home)
    assert at_home(home) == "on"
    home.tesla.clock.advance(HOUR)
    await poll(home)
    assert energy(home, "energy_charged_home") == pytest.approx(10, abs=1)
    await drive(home, AWAY)
    car.plug_in_fast(100)
    await poll(home)
    assert at_home(home) == "off"
    home.tesla.clock.advance(900)
    await poll(home)
    assert energy(home, "energy_charged_away") > 20
    assert energy(home, "energy_charged_home") == pytest.approx(10, abs=1)


@pytest.mark.parametrize("damaged", ["elsewhere", None, 7, ["car"]])
async def test_an_option_that_makes_no_sense_is_the_default(
    turned_clock: Home, damaged: Any
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", home=where(home), sleep_after=None)
    await home.set_up(location=True)
    await choose(home, damaged)
    assert at_home(home) == "on"


async def test_the_page_offers_the_sources_and_keeps_the_other_options(
    turned_clock: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = turned_clock

    class Options(HomeSteps, OptionsFlow):
        async_step_init = HomeSteps.async_step_home

    monkeypatch.setattr(TeslaChargingFlow, "async_get_options_flow", lambda _: Options())
    home.add_car(PEARL, "Pearl", home=where(home), sleep_after=None)
    entry = await home.set_up(budget=5.0)
    flows = home.hass.config_entries.options
    page = await flows.async_init(entry.entry_id)
    assert (page["type"], page["step_id"]) == (FlowResultType.FORM, "home")
    assert page["data_schema"]({}) == {"home_source": "automatic"}  # type: ignore[misc]  # a form has one
    done = await flows.async_configure(page["flow_id"], {"home_source": "plugged_in"})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {"budget": 5.0, "home_source": "plugged_in"}
