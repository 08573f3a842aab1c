"""Who is compared: two ways to use this project, Home Assistant's own component, and plain timers.

All but the timers are real integrations in a real Home Assistant, set up through a config entry; what they show is
read from its states.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import time
from typing import Any

import aiohttp
from aiohttp import web
from homeassistant import loader
from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, frame
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_test_home_assistant

# Home Assistant's test plugin brings a package of the same name; ours must be imported first.
import custom_components.tesla_charging  # isort: split

from custom_components.tesla_charging.client import ENVIRONMENT_VARIABLE, active_endpoints
from custom_components.tesla_charging.const import DOMAIN as OURS
from custom_components.tesla_charging.fleet_api.endpoints import KEY_PATH
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from custom_components.tesla_charging.vehicle_command import VirtualKey
from devtools.bench.cost_world import CLIENT_ID, CLIENT_SECRET, DOMAIN, SCOPES, VIN, Shown, World
from devtools.home.ha_seed import listen_on_loopback
from devtools.home.process import free_port
from simulator.drivers.moments import HOME, MINUTE

CORES = "tesla_fleet"
CORES_SCOPES = (
    *SCOPES,
    "vehicle_location",
    "vehicle_cmds",
    "energy_device_data",
    "energy_cmds",
)
TOKEN_SECONDS = 28800
NOTHING = Shown(None, None)

type Watch = Callable[[], Shown]
type Contender = Callable[[World, Path], AbstractAsyncContextManager[Watch]]


@asynccontextmanager
async def _home_assistant(directory: Path) -> AsyncIterator[HomeAssistant]:
    """A running Home Assistant of the bench's own, in a directory of its own."""
    async with async_test_home_assistant(config_dir=str(directory)) as hass:
        frame.async_setup(hass)  # which a real one does while it starts
        # Home Assistant's test helper forbids custom integrations unless this is taken away.
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        hass.config.latitude, hass.config.longitude = HOME
        await hass.config.async_set_time_zone("UTC")
        await listen_on_loopback(hass, free_port(0))
        for component in ("homeassistant", "zone"):
            if not await async_setup_component(hass, component, {}):
                raise RuntimeError(f"{component} is not set up")
        try:
            yield hass
        finally:
            for entry in hass.config_entries.async_entries():
                await hass.config_entries.async_unload(entry.entry_id)
            await hass.async_block_till_done(wait_background_tasks=True)
            await hass.async_stop(force=True)


async def _entry(
    hass: HomeAssistant,
    world: World,
    domain: str,
    scopes: tuple[str, ...],
    data: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """Set an integration up with an entry, as its dialogs leave one. Raises RuntimeError."""
    if not await async_setup_component(hass, "application_credentials", {}):
        raise RuntimeError("no application credentials")
    credential = ClientCredential(CLIENT_ID, CLIENT_SECRET)
    await async_import_client_credential(hass, domain, credential, domain)
    token = world.tesla.sign_in(world.account, world.application, scopes)
    entry = MockConfigEntry(
        domain=domain,
        unique_id=world.account.sub,
        title="Pearl",
        data={
            "auth_implementation": domain,
            "token": {**token, "expires_at": time.time() + TOKEN_SECONDS},
            **data,
        },
        options=options,
    )
    entry.add_to_hass(hass)
    if not await hass.config_entries.async_setup(entry.entry_id):
        raise RuntimeError(f"{domain} is not set up: {entry.reason}")


def _watch(hass: HomeAssistant, domain: str, level: str, charging: str) -> Watch:
    """Return what looks at two sensors, named by the ends of their unique ids."""
    registry = er.async_get(hass)
    found = [registry.async_get_entity_id("sensor", domain, name) for name in (level, charging)]
    level_id, charging_id = (name or "" for name in found)
    if not all(found):
        raise RuntimeError(f"{domain} has no such sensors")
    last = NOTHING

    def watch() -> Shown:
        nonlocal last
        states = [hass.states.get(name) for name in (level_id, charging_id)]
        words = [state.state if state is not None else "unavailable" for state in states]
        last = Shown(
            last.level if words[0] in {"unavailable", "unknown"} else float(words[0]),
            last.charging if words[1] in {"unavailable", "unknown"} else words[1],
        )
        return last

    return watch


@asynccontextmanager
async def _web_site(world: World, key: VirtualKey) -> AsyncIterator[None]:
    """The registered domain, which shows the public key for as long as it is registered."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=key.public_pem)

    app = web.Application()
    app.router.add_get(KEY_PATH, show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.tesla.dns[DOMAIN] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _ours(
    world: World, directory: Path, telemetry: TelemetrySettings, **options: float
) -> AsyncIterator[Watch]:
    os.environ[ENVIRONMENT_VARIABLE] = world.tesla.base_url
    active_endpoints.cache_clear()
    links = directory / "custom_components"
    links.mkdir()
    (links / OURS).symlink_to(Path(custom_components.tesla_charging.__file__).parent)
    key = VirtualKey.generate()
    (directory / "tesla_charging.key").write_bytes(key.private_pem())
    world.tesla.register(world.application, key.public_key, domain=DOMAIN)
    world.tesla.pair(world.car, key.public_key)
    async with _home_assistant(directory) as hass, _web_site(world, key):
        data = {
            "region": world.account.region,
            "base_url": world.tesla.region_url(world.account.region),
            "domain": DOMAIN,
            "location": False,
        }
        await _entry(hass, world, OURS, SCOPES, data, {**telemetry.as_options(), **options})
        yield _watch(hass, OURS, f"{VIN}_battery_level", f"{VIN}_charging_state")


@asynccontextmanager
async def ours_with_telemetry(world: World, directory: Path) -> AsyncIterator[Watch]:
    """This project, with cars that connect to Home Assistant."""
    port = free_port(0)
    world.tesla.telemetry_hosts[DOMAIN] = ("127.0.0.1", port)
    settings = TelemetrySettings(Transport.EMBEDDED, DOMAIN, 8443, port, "127.0.0.1")
    async with _ours(world, directory, settings) as watch:
        yield watch


def ours_polling(**options: float) -> Contender:
    """Return this project without telemetry; `options` are those of its entry, the monthly budget for instance."""

    @asynccontextmanager
    async def contend(world: World, directory: Path) -> AsyncIterator[Watch]:
        async with _ours(world, directory, TelemetrySettings(), **options) as watch:
            yield watch

    return contend


@asynccontextmanager
async def core(world: World, directory: Path) -> AsyncIterator[Watch]:
    """Home Assistant's own component; nothing of it is changed but the addresses it talks to."""
    from homeassistant.components.tesla_fleet import oauth
    from tesla_fleet_api import const

    for region in ("na", "eu"):
        const.SERVERS[region] = world.tesla.region_url(region)
    oauth.TOKEN_URL = f"{world.tesla.auth_url}/oauth2/v3/token"
    world.tesla.register(world.application, VirtualKey.generate().public_key, domain=DOMAIN)
    async with _home_assistant(directory) as hass:
        await _entry(hass, world, CORES, CORES_SCOPES, {}, {})
        level, charging = "charge_state_battery_level", "charge_state_charging_state"
        yield _watch(hass, CORES, f"{VIN}-{level}", f"{VIN}-{charging}")


@dataclass
class _Timer:
    """Asks every so many minutes: whether the car is online, which is free, and if so for its data."""

    world: World
    minutes: float
    shown: Shown = NOTHING

    async def run(self) -> None:
        """Ask until cancelled."""
        world = self.world
        api = f"{world.tesla.region_url(world.account.region)}/api/1/vehicles/{VIN}"
        renew, headers = 0.0, {}
        async with aiohttp.ClientSession() as session:
            while True:
                if time.time() >= renew:
                    renew = time.time() + TOKEN_SECONDS - 600
                    token = world.tesla.sign_in(world.account, world.application, SCOPES)
                    headers = {"Authorization": f"Bearer {token['access_token']}"}
                async with session.get(api, headers=headers) as answer:
                    online = (await answer.json())["response"]["state"] == "online"
                if online:
                    async with session.get(f"{api}/vehicle_data", headers=headers) as answer:
                        if answer.status == 200:
                            self._take((await answer.json())["response"]["charge_state"])
                await asyncio.sleep(self.minutes * MINUTE)

    def _take(self, told: dict[str, Any]) -> None:
        state = str(told["charging_state"])
        word = "no_power" if state == "NoPower" else state.lower()
        self.shown = Shown(float(told["battery_level"]), word)


def timer(minutes: float) -> Contender:
    """Return somebody who asks by the clock alone."""

    @asynccontextmanager
    async def contend(world: World, _: Path) -> AsyncIterator[Watch]:
        world.tesla.register(world.application, VirtualKey.generate().public_key, domain=DOMAIN)
        asks = _Timer(world, minutes)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(asks.run())
            yield lambda: asks.shown
            task.cancel()

    return contend


CONTENDERS: dict[str, Contender] = {
    "telemetry": ours_with_telemetry,
    "polling": ours_polling(),
    "polling-50-cents": ours_polling(budget=0.5),
    "polling-20-cents": ours_polling(budget=0.2),
    "core": core,
    "every-10-min": timer(10),
    "every-minute": timer(1),
}
