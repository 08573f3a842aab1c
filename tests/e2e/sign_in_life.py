"""Lives of a Home Assistant that does nothing but refresh its sign-in, each a process of its own.

python -m tests.e2e.sign_in_life CONFIG_DIRECTORY CLIENT_ID CLIENT_SECRET

Everything is imported once; then every line on standard input begins a life, which is a fork of this process, made
before there is any thread or event loop. On standard output: `pid N`, what happens in that life, `end STATUS`.

A life is a real `hass` with the config entries of a real configuration directory, and the integration's own client,
authorization and file. Home Assistant's web server, its other components and its look for devices on the network
are not there: they take seconds to start.
"""

import asyncio
import logging
import os
import random
import sys
import threading
import time

from aiohttp.resolver import ThreadedResolver
from homeassistant import config_entries, loader
from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import aiohttp_client
from homeassistant.helpers.config_entry_oauth2_flow import async_register_implementation

from custom_components.tesla_charging.auth.authorization import async_get_authorization
from custom_components.tesla_charging.auth.oauth import TeslaImplementation
from custom_components.tesla_charging.billing.budget_manager import async_get_budget
from custom_components.tesla_charging.billing.meter_store import async_get_meter
from custom_components.tesla_charging.client import (
    active_endpoints,
    base_url_of,
    make_client,
    store_base_url,
)
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.fleet_api import (
    FleetApiError,
    LoginRequired,
    TokenRejected,
    Vehicles,
)

LONGEST = 30.0
MOST_REJECTIONS = 2
SAVE_DELAYS = (0.01, 0.05, 0.2, config_entries.SAVE_DELAY)
"""When Home Assistant saves its entries: as it does, or earlier, so that both come first at times."""


def tell(word: str) -> None:
    """Say what has happened; it is out before anything else does."""
    os.write(sys.stdout.fileno(), f"{word}\n".encode())


async def live(directory: str, client_id: str, client_secret: str) -> None:
    """Start, and refresh the sign-in over and over until somebody puts an end to it."""
    hass = HomeAssistant(directory)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    await hass.config_entries.async_initialize()
    hass.set_state(CoreState.running)
    credential = ClientCredential(client_id, client_secret)
    async_register_implementation(
        hass, DOMAIN, TeslaImplementation(hass, DOMAIN, credential, active_endpoints())
    )
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    authorization = await async_get_authorization(hass, entry)
    meter = await async_get_meter(hass, authorization.implementation)
    budget = async_get_budget(hass, meter)
    client = make_client(
        hass,
        authorization,
        base_url_of(entry),
        on_request=meter.add_request,
        permit=budget.permit,
        on_base_url=lambda url: store_base_url(hass, entry, url),
    )
    vehicles = Vehicles(client)
    ends = time.monotonic() + LONGEST
    word, rejected = "verified", 0
    while time.monotonic() < ends:
        try:
            await vehicles.list()
        except LoginRequired as err:
            tell(f"lost: {err!r}")
            return
        except TokenRejected:
            # what the life before was waiting for has come between refresh and use: the next poll is right
            tell("rejected")
            if (rejected := rejected + 1) > MOST_REJECTIONS:
                return
            continue
        except FleetApiError as err:
            tell(f"trouble: {err!r}")
            return
        tell(word)
        word, rejected = "used", 0
        await asyncio.sleep(random.uniform(0, 0.02))
        await authorization.renew(await authorization.access_token())
        tell("expired")
        await asyncio.sleep(random.uniform(0, 0.02))
    tell("bored")


def main() -> None:
    """Begin a life for every line."""
    directory, client_id, client_secret = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG)
    aiohttp_client._async_make_resolver = lambda _: ThreadedResolver()  # type: ignore[assignment,return-value]  # no multicast
    assert threading.active_count() == 1
    tell("ready")
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            random.seed(int(line))
            config_entries.SAVE_DELAY = random.choice(SAVE_DELAYS)  # type: ignore[assignment]
            try:
                asyncio.run(live(directory, client_id, client_secret))
            finally:
                os._exit(1)  # whoever is not killed has failed
        tell(f"pid {pid}")
        _, status = os.waitpid(pid, 0)
        tell(f"end {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
