"""Data that cannot be polled while the free request works: last values stay, the log is quiet, polls get rarer."""

import logging

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.tesla_charging.const import DOMAIN
from simulator import Quirk
from tests.support.home import PEARL, Home
from tests.support.polling import HOUR, STEP, coordinator, live

DATA = "vehicle_data"


def polls(home: Home) -> int:
    return home.tesla.billing.count(path_contains=DATA)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines about the car's data, of those that an ordinary log holds."""
    return [
        f"{r.levelname} {r.getMessage()}"
        for r in caplog.records
        if DOMAIN in r.name and r.levelno >= logging.INFO and "SIMULATOR" not in r.getMessage()
    ]


@pytest.mark.parametrize(
    ("code", "charges"), [(500, True), (504, False), (540, True), (408, True), (408, False)]
)
@pytest.mark.soak
@pytest.mark.ci
async def test_a_day_of_failures_does_not_flap(
    turned_clock: Home,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    code: int,
    charges: bool,
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", battery_level=20, sleep_after=None)
    if charges:
        car.plug_in()
    await home.set_up()
    level = home.state("sensor", "battery_level")
    car.quirks.add(Quirk.DATA_FAILS, code=code)
    home.tesla.billing.reset()
    caplog.clear()
    events = async_capture_events(hass, "state_changed")
    await live(home, 24 * HOUR)
    assert home.state("sensor", "battery_level") == level
    shown = {event.data["new_state"].state for event in events}
    assert "unavailable" not in shown
    assert len(logged(caplog)) == 1
    assert polls(home) <= 20
    # a car that falls asleep at that very moment answers like that once
    awake = [e for e in events if e.data["entity_id"] == home.entity_id("binary_sensor", "awake")]
    assert len(awake) == (2 if code == 408 else 0)
    car.quirks.remove(Quirk.DATA_FAILS)
    await live(home, 3 * HOUR)
    first, last = logged(caplog)
    assert (first.split()[0], last.split()[0]) == ("WARNING", "INFO")
    await live(home, 3 * HOUR)
    assert len(logged(caplog)) == 2


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, "login_required"), (403, "missing scopes vehicle_device_data"), (404, "not_found")],
)
async def test_a_refusal_of_the_data_alone_does_not_flap_either(
    turned_clock: Home,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    code: int,
    error: str,
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", battery_level=20, sleep_after=None)
    await home.set_up()
    home.tesla.faults.status(code, DATA, body={"error": error}, times=None)
    home.tesla.billing.reset()
    caplog.clear()
    events = async_capture_events(hass, "state_changed")
    await live(home, 6 * HOUR)
    level = home.entity_id("sensor", "battery_level")
    assert [e for e in events if e.data["entity_id"] == level] == []
    assert len([line for line in logged(caplog) if line.startswith("WARNING")]) == 1
    assert polls(home) <= 12
    home.tesla.faults.clear()
    await live(home, 3 * HOUR)
    assert logged(caplog)[-1].startswith("INFO")


async def test_failures_come_back_soon_at_first_and_then_less_and_less(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", battery_level=20, sleep_after=None).plug_in()
    await home.set_up()
    home.car.quirks.add(Quirk.DATA_FAILS, code=500)
    counts = []
    for _ in range(4):
        home.tesla.billing.reset()
        await live(home, 3 * HOUR)
        counts.append(polls(home))
    assert counts[0] >= 5
    assert max(counts[1:]) <= 2


async def test_a_car_without_any_value_is_unavailable_until_it_has_one(
    turned_clock: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.quirks.add(Quirk.DATA_FAILS, code=500)
    await home.set_up()
    for _ in range(60):
        await live(home, STEP)
        assert home.state("sensor", "battery_level") == "unavailable"
    assert len(logged(caplog)) == 1
    car.quirks.remove(Quirk.DATA_FAILS)
    await live(home, 3 * HOUR)
    assert home.state("sensor", "battery_level") == "62"


async def test_a_car_in_service_keeps_its_values_and_says_so(
    turned_clock: Home, hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", battery_level=20, sleep_after=None)
    await home.set_up()
    assert home.state("sensor", "status") == "online"
    car.quirks.add(Quirk.IN_SERVICE)
    home.tesla.billing.reset()
    caplog.clear()
    events = async_capture_events(hass, "state_changed")
    await live(home, 72 * HOUR)
    assert home.state("sensor", "status") == "in_service"
    assert home.state("sensor", "battery_level") == "20"
    assert "unavailable" not in {event.data["new_state"].state for event in events}
    (line,) = logged(caplog)
    assert "in service" in line
    # these refusals are billed
    assert polls(home) <= 37
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("set_charge_limit", percent=70)
    assert caught.value.translation_key == "vehicle_in_service"
    with pytest.raises(HomeAssistantError) as caught:
        await home.act("refresh")
    assert caught.value.translation_key == "vehicle_in_service"
    car.quirks.remove(Quirk.IN_SERVICE)
    await live(home, 3 * STEP)
    assert home.state("sensor", "status") == "online"
    await live(home, 6 * 60.0)
    assert len(logged(caplog)) == 2


async def test_a_car_that_is_in_service_at_the_first_start(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None).quirks.add(Quirk.IN_SERVICE)
    await home.set_up()
    assert home.state("sensor", "status") == "in_service"
    assert home.state("sensor", "battery_level") == "unknown"


async def test_only_the_refusal_tells_that_a_car_is_in_service(turned_clock: Home) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    error = {"error": "vehicle is currently in service"}
    home.tesla.faults.status(405, DATA, body=error, times=3)
    await live(home, HOUR)
    assert home.state("sensor", "status") == "in_service"
    await live(home, 8 * HOUR)
    assert home.state("sensor", "status") == "online"


async def test_another_failure_does_not_tell_that_a_car_is_back_from_service(
    turned_clock: Home, hass: HomeAssistant
) -> None:
    home = turned_clock
    home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    for _ in range(3):
        home.tesla.faults.status(405, DATA, body={"error": "vehicle is currently in service"})
        home.tesla.faults.status(504, DATA)
    events = async_capture_events(hass, "state_changed")
    await live(home, 24 * HOUR)
    status = home.entity_id("sensor", "status")
    shown = [e.data["new_state"].state for e in events if e.data["entity_id"] == status]
    assert shown == ["in_service", "online"]


async def test_a_running_update_is_shown_also_while_the_car_is_offline_for_it(
    turned_clock: Home,
) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    car.begin_update()
    await live(home, HOUR)
    assert home.state("sensor", "status") == "updating"
    car.set_offline(True)
    await live(home, HOUR)
    assert home.state("sensor", "status") == "updating"
    car.install_firmware("2026.44.1")
    car.set_offline(False)
    await live(home, HOUR)
    assert home.state("sensor", "status") == "online"
    assert coordinator(home).data.value("Version") == "2026.44.1"


async def test_the_status_follows_the_free_request(turned_clock: Home) -> None:
    home = turned_clock
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    await home.set_up()
    car.sleep()
    await live(home, 3 * STEP)
    assert home.state("sensor", "status") == "asleep"
    car.set_offline(True)
    await live(home, 3 * STEP)
    assert home.state("sensor", "status") == "not_reachable"
