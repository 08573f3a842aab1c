"""A car that two accounts have, with telemetry: it streams for one application only, and stays configured for it."""

from collections.abc import AsyncIterator
import time

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.const import DOMAIN
from simulator import Application
from tests.lifecycle.reconfiguring import other_application
from tests.support.home import HOME_DOMAIN, PEARL, SCOPES, Home
from tests.support.sign_in import entry_of
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until


@pytest.fixture
async def owned(settled_home: Home) -> AsyncIterator[Home]:
    """A home whose owner's entry has told the car to stream."""
    home = settled_home
    home.hass.config_entries.async_update_entry(
        entry_of(home), options=embedded(free_port()).as_options()
    )
    await home.restart()
    await until(lambda: is_configured(home, home.application))
    await home.settle()
    yield home
    for entry in home.hass.config_entries.async_loaded_entries(DOMAIN):
        await home.hass.config_entries.async_unload(entry.entry_id)


async def add_driver(home: Home, application: Application) -> MockConfigEntry:
    """Set up the account of a driver, with this application."""
    driver = home.tesla.add_account("partner@example.com", region="eu")
    home.tesla.add_car(driver, home.cars[PEARL])
    token = home.tesla.sign_in(driver, application, {*SCOPES})
    owner = entry_of(home)
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=driver.sub,
        title="Driver",
        data={
            **owner.data,
            "auth_implementation": DOMAIN if application is home.application else "other",
            "token": {**token, "expires_at": time.time() + 28800},
        },
        options=dict(owner.options),
    )
    entry.add_to_hass(home.hass)
    assert await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()
    assert entry.runtime_data.cars == {}
    return entry


async def second_application(home: Home) -> Application:
    other = await other_application(home)
    home.tesla.register(other, home.key.public_key, domain=HOME_DOMAIN)
    return other


def is_configured(home: Home, application: Application) -> bool:
    return home.tesla.telemetry(PEARL).config(application.client_id) is not None


async def disable(home: Home, entry: MockConfigEntry, by: ConfigEntryDisabler | None) -> None:
    await home.hass.config_entries.async_set_disabled_by(entry.entry_id, by)
    await home.settle()


async def test_a_disabled_entry_leaves_no_second_stream(owned: Home) -> None:
    home = owned
    other = await second_application(home)
    driver = await add_driver(home, other)
    await disable(home, entry_of(home), ConfigEntryDisabler.USER)
    assert [*driver.runtime_data.cars] == [PEARL]
    await until(lambda: is_configured(home, other))
    assert not is_configured(home, home.application)
    # and there is none when the first one is back, without the car
    await disable(home, entry_of(home), None)
    assert [*driver.runtime_data.cars] == [PEARL]
    assert is_configured(home, other)
    assert not is_configured(home, home.application)


async def test_what_tesla_did_not_remove_is_removed_when_the_entry_is_back(owned: Home) -> None:
    home = owned
    other = await second_application(home)
    await add_driver(home, other)
    home.tesla.faults.status(503, "fleet_telemetry_config", method="DELETE", times=None)
    await disable(home, entry_of(home), ConfigEntryDisabler.USER)
    await until(lambda: is_configured(home, other))
    assert is_configured(home, home.application)
    home.tesla.faults.clear()
    await disable(home, entry_of(home), None)
    await until(lambda: not is_configured(home, home.application))
    assert is_configured(home, other)


@pytest.mark.parametrize("what", ["reload", "poll", "remove"])
async def test_an_entry_without_the_car_leaves_the_stream_of_the_other_alone(
    owned: Home, what: str
) -> None:
    home = owned
    owner = entry_of(home)
    driver = await add_driver(home, home.application)
    await disable(home, owner, ConfigEntryDisabler.USER)
    await until(lambda: is_configured(home, home.application))
    assert [*driver.runtime_data.cars] == [PEARL]
    if what == "remove":
        assert await home.hass.config_entries.async_remove(owner.entry_id)
    else:
        if what == "poll":
            home.hass.config_entries.async_update_entry(owner, options={})
        await disable(home, owner, None)
        assert owner.state is ConfigEntryState.LOADED
    await home.settle()
    assert is_configured(home, home.application)
    assert not [r for r in home.tesla.billing.requests if r.method == "DELETE"]
