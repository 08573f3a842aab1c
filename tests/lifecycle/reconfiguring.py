"""Changing an account while it runs: the pages of reconfiguring, a second application and a second account."""

from pathlib import Path
import time

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import Application
from tests.support.flows import Step, is_changed, options, pick
from tests.support.home import HOME_DOMAIN, KEY_FILE, MIDNIGHT, REDIRECT_URI, SCOPES, Home
from tests.support.sign_in import entry_of

OTHER_ID, OTHER_SECRET = "6f2c1c5e-0000-4000-8000-00000other", "ta-secret.of-another-one"


async def change(home: Home, what: str) -> Step:
    if what in {"telemetry", "budget"}:
        return await pick(home, await options(home, entry_of(home)), what)
    return await pick(home, await entry_of(home).start_reconfigure_flow(home.hass), what)


async def changed(home: Home, result: Step) -> None:
    assert is_changed(result)
    await home.settle()
    assert entry_of(home).state is ConfigEntryState.LOADED


def key_on_disk(home: Home) -> bytes:
    return VirtualKey.load(Path(home.hass.config.path(KEY_FILE))).public_key


async def other_application(home: Home) -> Application:
    """Return a second application, whose credentials are entered."""
    other = home.tesla.add_application(
        OTHER_ID, OTHER_SECRET, allowed_origin="https://example.com", redirect_uris=(REDIRECT_URI,)
    )
    await async_import_client_credential(
        home.hass, DOMAIN, ClientCredential(OTHER_ID, OTHER_SECRET), "other"
    )
    return other


async def second_account(home: Home) -> MockConfigEntry:
    """Set up a second account with a car and an application of its own."""
    first, account = entry_of(home), home.account
    home.account = home.tesla.add_account("second@example.com", region="eu")
    home.add_car(MIDNIGHT, "Midnight", sleep_after=None)
    other = await other_application(home)
    home.tesla.register(other, home.key.public_key, domain=HOME_DOMAIN)
    given = home.tesla.sign_in(home.account, other, set(SCOPES))
    second = MockConfigEntry(
        domain=DOMAIN,
        unique_id=home.account.sub,
        title="Midnight",
        data={
            **first.data,
            "auth_implementation": "other",
            "token": {**given, "expires_at": time.time() + 28800},
        },
    )
    second.add_to_hass(home.hass)
    assert await home.hass.config_entries.async_setup(second.entry_id)
    await home.settle()
    home.account = account
    return second


async def send_limit(home: Home, vin: str) -> None:
    (device,) = dr.async_get(home.hass).async_get_devices(identifiers={(DOMAIN, vin)})
    await home.hass.services.async_call(
        DOMAIN, "set_charge_limit", {"device_id": device.id, "percent": 70}, blocking=True
    )
