"""An application, telemetry or a permission that is changed while something else is half way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
import socket
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.tesla_charging import clock
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.lifecycle.reconfiguring import (
    change,
    changed,
    key_on_disk,
    other_application,
    second_account,
)
from tests.support.account import add_driver
from tests.support.flows import check, is_changed, pick, sign_in, submit
from tests.support.home import HOME_DOMAIN, MIDNIGHT, PEARL, SCOPES, Home
from tests.support.repairs import told
from tests.support.sign_in import entry_of, expire, stored, token
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("current_request_with_host", "impatient")


# -- a sign-in that ends while another one is renewed -----------------------------------------------------------


async def test_a_new_application_is_not_undone_by_a_refresh_of_the_old_sign_in(
    settled_home: Home,
) -> None:
    home = settled_home
    await other_application(home)
    result = await change(home, "application")
    result = await sign_in(home, await submit(home, result, application="other"))
    assert result["step_id"] == "domain"
    # while its owner reads the page, eight hours of the old one are over
    expire(home)
    await home.poll()
    refreshed = stored(home)
    await changed(home, await submit(home, result, domain=HOME_DOMAIN))
    assert token(home)["access_token"] != refreshed["access_token"]
    assert stored(home)["access_token"] == token(home)["access_token"]
    # and the new one's tokens are refreshed with the new one's secret
    expire(home)
    await home.poll()
    await home.act("stop_charging")
    assert told(home) == set()


async def test_a_permission_that_was_just_given_is_not_lost_to_a_refresh(
    settled_home: Home,
) -> None:
    home = settled_home
    result = await submit(home, await change(home, "location"), location=True)
    result = await sign_in(
        home, result, grant={*SCOPES, "vehicle_location"} - {"vehicle_charging_cmds"}
    )
    assert result["step_id"] == "permission_charging"
    expire(home)
    await home.poll()
    await changed(home, await pick(home, result, "go_on"))
    await home.poll()
    assert told(home) == {"permission_charging"}
    assert entry_of(home).data["location"] is True


# -- telemetry under another application ------------------------------------------------------------------------


@pytest.fixture
async def streaming_home(settled_home: Home) -> AsyncIterator[Home]:
    """The same with a car that was told to stream."""
    home = settled_home
    home.hass.config_entries.async_update_entry(
        entry_of(home), options=embedded(free_port()).as_options()
    )
    await home.restart()
    await until(lambda: home.tesla.telemetry(PEARL).config(home.application.client_id) is not None)
    await home.settle()
    yield home
    await home.hass.config_entries.async_unload(entry_of(home).entry_id)


@pytest.mark.parametrize("trouble", ["none", "tesla is away", "not loaded"])
async def test_another_application_tells_the_cars_itself(
    streaming_home: Home, trouble: str
) -> None:
    home = streaming_home
    other = await other_application(home)
    handle = home.tesla.telemetry(PEARL)
    result = await change(home, "application")
    result = await sign_in(home, await submit(home, result, application="other"))
    if trouble == "tesla is away":
        home.tesla.faults.status(503, "fleet_telemetry_config", times=4)
    if trouble == "not loaded":
        await home.hass.config_entries.async_unload(entry_of(home).entry_id)
    await changed(home, await submit(home, result, domain=HOME_DOMAIN))
    home.tesla.faults.clear()
    await home.restart()
    assert handle.config(other.client_id) is not None
    if trouble == "none":
        assert handle.config(home.application.client_id) is None


async def test_what_cars_were_told_outlives_the_key_that_signed_it(streaming_home: Home) -> None:
    home = streaming_home
    handle = home.tesla.telemetry(PEARL)
    result = await submit(home, await change(home, "replace_key"), key="new")
    assert result["step_id"] == "pair"
    home.tesla.pair(home.car, key_on_disk(home))
    await changed(home, await check(home, result))
    # its owner tidies up in the car
    home.car.keychain.remove(home.key.public_key)
    assert handle.config(home.application.client_id) is not None


async def test_a_car_that_joins_while_nobody_listens_says_why(
    settled_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settled_home
    monkeypatch.setattr(clock, "monotonic", home.tesla.clock.now)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = embedded(taken.getsockname()[1]).as_options()
        home.hass.config_entries.async_update_entry(entry_of(home), options=options)
        await home.restart()
        home.add_car(MIDNIGHT, "Midnight")
        home.tesla.clock.advance(7 * 3600)
        async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(hours=7))
        await home.settle()
        for vin in (PEARL, MIDNIGHT):
            assert home.state("sensor", "telemetry", vin) == "waiting"
            assert home.state("sensor", "telemetry_problem", vin) == "cannot_listen"
        await home.hass.config_entries.async_unload(entry_of(home).entry_id)


async def test_a_refused_car_of_a_disabled_entry_is_no_trouble(streaming_home: Home) -> None:
    home = streaming_home
    home.car.keychain.remove(home.key.public_key)
    home.tesla.faults.status(
        400, "fleet_telemetry_config_jws", body={"error": "hostname is not allowed"}, times=None
    )
    options = embedded(free_port())
    home.hass.config_entries.async_update_entry(
        entry_of(home), options=replace(options, port=8444).as_options()
    )
    await home.restart()
    assert "telemetry_config_refused" in told(home)
    await home.hass.config_entries.async_set_disabled_by(
        entry_of(home).entry_id, ConfigEntryDisabler.USER
    )
    await home.settle()
    assert told(home) == set()


async def test_a_choice_of_telemetry_outlives_a_flow_that_began_before_it(
    settled_home: Home,
) -> None:
    home = settled_home
    entry = entry_of(home)
    home.hass.config_entries.async_update_entry(entry, data={**entry.data, "location": True})
    slow = await change(home, "location")
    chosen = TelemetrySettings(Transport.MQTT, topic_base="cars")
    home.hass.config_entries.async_update_entry(
        entry_of(home), options={**chosen.as_options(), "more": 1}
    )
    await changed(home, await submit(home, slow, location=False))
    assert TelemetrySettings.from_options(entry_of(home).options) == chosen
    assert entry_of(home).options["more"] == 1


async def test_the_choice_of_telemetry_that_was_made_last_counts(settled_home: Home) -> None:
    home = settled_home
    slow = await change(home, "telemetry")
    chosen = TelemetrySettings(Transport.MQTT, topic_base="cars")
    home.hass.config_entries.async_update_entry(entry_of(home), options=chosen.as_options())
    await changed(home, await pick(home, slow, "telemetry_polling"))
    assert TelemetrySettings.from_options(entry_of(home).options).transport is Transport.POLLING


# -- location ---------------------------------------------------------------------------------------------------


async def test_a_location_that_may_not_be_read_any_more_is_forgotten(
    home: Home, front_door: None, hass_storage: dict[str, Any]
) -> None:
    home.tesla.register(home.application, home.key.public_key, domain=HOME_DOMAIN)
    config = home.hass.config
    home.add_car(PEARL, "Pearl", home=(config.latitude, config.longitude), sleep_after=None)
    entry = await home.set_up(location=True)
    await home.poll()
    assert home.state("binary_sensor", "at_home") == "on"
    await changed(home, await submit(home, await change(home, "location"), location=False))
    await home.poll()
    assert home.state("binary_sensor", "at_home") == "unknown"
    await home.hass.config_entries.async_unload(entry.entry_id)
    states = hass_storage[f"{DOMAIN}.{entry.entry_id}.states"]["data"][PEARL]
    assert "Soc" in states or "BatteryLevel" in states
    assert "Location" not in states


async def test_a_location_that_is_withdrawn_while_it_is_read_is_forgotten(home: Home) -> None:
    config = home.hass.config
    home.add_car(PEARL, "Pearl", home=(config.latitude, config.longitude), sleep_after=None)
    await home.set_up(location=True)
    await home.poll()
    assert home.state("binary_sensor", "at_home") == "on"
    home.tesla.remove_scope(home.account, home.application, "vehicle_location")
    entry_of(home).runtime_data.cars[PEARL].observations.polled_at = None
    await home.poll()
    assert home.state("sensor", "battery_level") == "62"
    assert home.state("binary_sensor", "at_home") == "unknown"


# -- what several accounts share, changed while one of them starts ----------------------------------------------


@asynccontextmanager
async def starting(home: Home, entry: MockConfigEntry) -> AsyncIterator[None]:
    """Let an entry start, with Tesla's answer about its cars on the way; afterwards it has started."""
    assert await home.hass.config_entries.async_unload(entry.entry_id)
    home.tesla.faults.delay_answer(1.0, "products")
    started = home.hass.async_create_task(home.hass.config_entries.async_setup(entry.entry_id))
    await until(lambda: not home.tesla.faults.rules)
    assert entry.state is ConfigEntryState.SETUP_IN_PROGRESS
    yield
    await started
    await home.settle()
    assert entry in home.hass.config_entries.async_loaded_entries(DOMAIN)


async def test_a_budget_counts_also_for_an_account_that_is_starting(settled_home: Home) -> None:
    home = settled_home
    driver = await add_driver(home)
    async with starting(home, driver):
        result = await change(home, "budget")
        assert is_changed(await submit(home, result, currency="EUR", budget=50))
    assert driver.runtime_data.budget.limit == 50


async def test_a_new_key_is_used_also_by_an_account_that_is_starting(settled_home: Home) -> None:
    home = settled_home
    second = await second_account(home)
    async with starting(home, second):
        result = await submit(home, await change(home, "replace_key"), key="new")
        assert result["step_id"] == "pair"
        assert is_changed(await submit(home, result, later=True))
    assert second.runtime_data.key.public_key == key_on_disk(home)
