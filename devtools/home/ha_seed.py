"""Make a configuration directory whose Home Assistant is onboarded before its first start.

    python -m devtools.home.ha_seed DIRECTORY --port 8123

Home Assistant's own authentication code and stores write the files, so no format of theirs is
repeated here. What a script or a browser needs to get in is left in DIRECTORY/access.json, see
devtools.home.home.Access. Does nothing where that file is there already.
"""

import argparse
import asyncio
from datetime import timedelta
import json
from pathlib import Path
import time

from homeassistant import runner
from homeassistant.auth import auth_manager_from_config
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.auth.models import TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN, User
from homeassistant.auth.providers.homeassistant import HassAuthProvider
from homeassistant.components import onboarding, person
from homeassistant.components.http.config import async_get_and_load_store
from homeassistant.components.onboarding.const import STEPS
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.storage import Store

ACCESS_FILE = "access.json"
NAME, USERNAME, PASSWORD = "Demo", "demo", "demo"
ACCESS_TOKEN_SECONDS = 1800


async def seed(directory: Path, port: int) -> None:
    """Write users, onboarding state and listen address into the directory."""
    hass = await _bare_home_assistant(directory)
    try:
        user = await _add_owner(hass)
        access = await _access(hass, user, f"http://localhost:{port}")
        await _mark_onboarded(hass, user)
        await listen_on_loopback(hass, port)
    finally:
        await hass.async_stop(force=True)
    await asyncio.to_thread(
        (directory / ACCESS_FILE).write_text, json.dumps(access, indent=1), encoding="utf-8"
    )


async def _bare_home_assistant(directory: Path) -> HomeAssistant:
    """Return a Home Assistant with authentication and stores, and nothing else."""
    hass = HomeAssistant(str(directory))
    hass.config_entries = ConfigEntries(hass, {})
    await hass.config_entries.async_initialize()
    dr.async_setup(hass)
    await asyncio.gather(dr.async_load(hass), er.async_load(hass))
    hass.auth = await auth_manager_from_config(hass, [{"type": "homeassistant"}], [])
    return hass


async def _add_owner(hass: HomeAssistant) -> User:
    provider = hass.auth.auth_providers[0]
    assert isinstance(provider, HassAuthProvider)
    await provider.async_initialize()
    await provider.async_add_auth(USERNAME, PASSWORD)
    user = await hass.auth.async_create_user(NAME, group_ids=[GROUP_ID_ADMIN])
    credentials = await provider.async_get_or_create_credentials({"username": USERNAME})
    await hass.auth.async_link_user(user, credentials)
    return user


async def _access(hass: HomeAssistant, user: User, url: str) -> dict[str, object]:
    """Return a long-lived token for scripts, and a session as the frontend keeps it."""
    script = await hass.auth.async_create_refresh_token(
        user,
        client_name="scripts",
        token_type=TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
        access_token_expiration=timedelta(days=365),
    )
    client_id = url + "/"
    browser = await hass.auth.async_create_refresh_token(
        user, client_id, credential=user.credentials[0]
    )
    return {
        "url": url,
        "username": USERNAME,
        "password": PASSWORD,
        "token": hass.auth.async_create_access_token(script),
        "frontend_session": {
            "access_token": hass.auth.async_create_access_token(browser),
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_SECONDS,
            "expires": int((time.time() + ACCESS_TOKEN_SECONDS) * 1000),
            "refresh_token": browser.token,
            "hassUrl": url,
            "clientId": client_id,
            "ha_auth_provider": "homeassistant",
        },
    }


async def _mark_onboarded(hass: HomeAssistant, user: User) -> None:
    steps: Store[dict[str, list[str]]] = Store(
        hass, onboarding.STORAGE_VERSION, onboarding.STORAGE_KEY, private=True
    )
    await steps.async_save({"done": list(STEPS)})
    persons: Store[dict[str, list[dict[str, object]]]] = Store(
        hass, person.STORAGE_VERSION, person.STORAGE_KEY
    )
    row: dict[str, object] = {"id": USERNAME, "name": NAME, "user_id": user.id}
    row |= {"device_trackers": [], "picture": None}
    await persons.async_save({"items": [row]})


async def listen_on_loopback(hass: HomeAssistant, port: int) -> None:
    """Store the listen address of a Home Assistant as confirmed, before its http component is set up.

    In YAML it would be a trial only: Home Assistant restarts after five minutes unless a person
    confirms it in the frontend.
    """
    store = await async_get_and_load_store(hass)
    await store.async_set_pending(
        {**store.default, "server_host": ["127.0.0.1"], "server_port": port}
    )
    await store.async_promote_pending()
    await store.async_mark_yaml_migration_done()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=8123)
    chosen = parser.parse_args()
    target = chosen.directory.resolve()
    if not (target / ACCESS_FILE).exists():
        target.mkdir(parents=True, exist_ok=True)
        with asyncio.Runner(loop_factory=runner.create_event_loop) as loop:
            loop.run(seed(target, chosen.port))
