"""Loading, unloading and removing an account."""

from homeassistant.config_entries import ConfigEntryState

from tests.support.home import PEARL, Home


async def test_a_charging_car_is_shown(charging_home: Home) -> None:
    assert charging_home.entry is not None
    assert charging_home.entry.state is ConfigEntryState.LOADED
    assert charging_home.state("sensor", "charging_state") == "charging"
    assert charging_home.state("sensor", "battery_level") == "62"
    assert charging_home.state("binary_sensor", "plugged_in") == "on"
    assert charging_home.state("binary_sensor", "awake") == "on"
    assert charging_home.state("switch", "charging") == "on"
    assert charging_home.state("number", "charge_limit") == "80"


async def test_setting_up_waits_for_no_car_and_wakes_none(home: Home) -> None:
    car = home.add_car(PEARL, "Pearl")
    car.sleep()
    await home.set_up()
    assert home.state("binary_sensor", "awake") == "off"
    assert home.state("sensor", "battery_level") == "unknown"
    assert home.tesla.billing.cost() == 0
    assert car.state == "asleep"


async def test_unloading_and_loading_again_keeps_what_was_known(charging_home: Home) -> None:
    charging_home.car.unplug()
    charging_home.car.sleep()
    await charging_home.restart()
    assert charging_home.state("sensor", "battery_level") == "62"
    assert charging_home.state("binary_sensor", "awake") == "off"
