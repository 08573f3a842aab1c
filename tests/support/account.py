"""The account's list of cars, and a second account."""

from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.const import DOMAIN
from tests.support.home import PEARL, SCOPES, Home
from tests.support.waiting import until

MINUTE = 60.0


async def list_now(home: Home) -> None:
    """Have the list read while every connection lives on its own clock: as if a car was not found."""
    assert home.entry is not None
    home.tesla.clock.advance(16 * MINUTE)
    before = lists(home)
    home.entry.runtime_data.account.check_soon()
    await until(lambda: lists(home) > before)
    await home.settle()


def lists(home: Home) -> int:
    """Return how often the list was read; an expired token is refused first."""
    return sum(
        line.status == 200 for line in home.tesla.billing.requests if "/products" in line.path
    )


async def add_driver(home: Home) -> MockConfigEntry:
    """Set up the account of a driver."""
    driver = home.tesla.add_account("partner@example.com", region="eu")
    home.tesla.add_car(driver, home.cars[PEARL])
    token: dict[str, Any] = home.tesla.sign_in(driver, home.application, {*SCOPES})
    assert home.entry is not None
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=driver.sub,
        title="Driver",
        data={**home.entry.data, "token": {**token, "expires_at": 2e9}},
    )
    entry.add_to_hass(home.hass)
    assert await home.hass.config_entries.async_setup(entry.entry_id)
    await home.settle()
    return entry
