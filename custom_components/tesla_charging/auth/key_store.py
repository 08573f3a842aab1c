"""Stores the virtual key of this Home Assistant, and serves its public key to Tesla.

There is one key for the whole instance: the instance has one domain, and a car is paired with a domain's key.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
import os
from pathlib import Path
from typing import Final

from aiohttp import web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..fleet_api import KEY_PATH
from ..storage import durable_file
from ..vehicle_command import VirtualKey

KEY_FILE: Final = f"{DOMAIN}.key"
PREVIOUS_SUFFIX: Final = ".previous"
"""Suffix of the file that holds the replaced key."""
TESLA_FLEET_KEY_FILE: Final = "tesla_fleet.key"
"""The key file of Home Assistant's own `tesla_fleet`: cars paired with this key need no new pairing."""


class KeyStore:
    """Reads and writes the key file, and decides whether the public key is served."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._path = Path(hass.config.path(KEY_FILE))
        self._tesla_fleet_path = Path(hass.config.path(TESLA_FLEET_KEY_FILE))
        self._lock = asyncio.Lock()
        self._candidate_lock = asyncio.Lock()
        self._key: VirtualKey | None = None
        self._candidate: VirtualKey | None = None
        self._holders: set[str] = set()
        """The config entries and config flows that need the public key served, by id."""

    async def load(self) -> VirtualKey | None:
        """Return the key, or None if there is none yet. Raises InvalidKey for a damaged file, OSError."""
        async with self._lock:
            if self._key is None:
                self._key = await self._hass.async_add_executor_job(_load_if_exists, self._path)
            return self._key

    async def tesla_fleet_key(self) -> VirtualKey | None:
        """Return the key of `tesla_fleet`, or None if there is none. Raises InvalidKey, OSError."""
        return await self._hass.async_add_executor_job(_load_if_exists, self._tesla_fleet_path)

    async def save(self, key: VirtualKey) -> None:
        """Make a key this instance's key. Raises OSError.

        Cars may be paired with the key that it replaces: that one is kept in another file.
        """
        async with self._lock:
            await self._hass.async_add_executor_job(_replace, self._path, key)
            self._key = key

    @asynccontextmanager
    async def trying(self, key: VirtualKey) -> AsyncIterator[None]:
        """Serve a key that may become this instance's key, while the application is registered with it at Tesla."""
        async with self._candidate_lock:
            self._candidate = key
            try:
                yield
            finally:
                self._candidate = None

    @callback
    def show(self, holder: str) -> None:
        """Serve the public key from now on for a config entry or a config flow (`holder`: its id)."""
        self._holders.add(holder)

    @callback
    def hide(self, holder: str) -> None:
        """End show() for a config entry or a config flow."""
        self._holders.discard(holder)

    async def exists(self) -> bool:
        """Return whether there is a key file, usable or not, or what an interrupted write left of one."""
        return await self._hass.async_add_executor_job(_exists, self._path)

    async def erase(self) -> bool:
        """Delete the key files unless an entry or flow needs the key; return whether they are deleted. Raises OSError."""
        async with self._lock:
            if self._holders:
                return False
            # also if not all of it can be deleted: nobody may go on with a key whose file is gone
            self._key = None
            await self._hass.async_add_executor_job(_erase, self._path)
            return True

    @property
    def public_pem(self) -> str | None:
        """The public key to serve at the well-known path, None for no key."""
        key = self._candidate or self._key
        return key.public_pem if key is not None and self._holders else None


DATA_KEY_STORE: Final[HassKey[KeyStore]] = HassKey(f"{DOMAIN}_key_store")


class PublicKeyView(HomeAssistantView):
    """Serves the public key to Tesla.

    Without authentication, because Tesla downloads it without: GET and HEAD only, no input is read, and the only
    response is a public key.
    """

    url = KEY_PATH
    name = f"api:{DOMAIN}:public_key"
    requires_auth = False

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def get(self, request: web.Request) -> web.Response:
        """Return the PEM file, or 404 while nothing is set up."""
        pem = self._store.public_pem
        if pem is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(text=pem, content_type="application/x-pem-file")

    head = get


@callback
def async_get_key_store(hass: HomeAssistant) -> KeyStore:
    """Return the key store. The view is registered on first use, because a config flow runs before any entry is set up."""
    if DATA_KEY_STORE not in hass.data:
        store = hass.data[DATA_KEY_STORE] = KeyStore(hass)
        hass.http.register_view(PublicKeyView(store))
    return hass.data[DATA_KEY_STORE]


def _load_if_exists(path: Path) -> VirtualKey | None:
    try:
        return VirtualKey.load(path)
    except FileNotFoundError:
        return None


def _replace(path: Path, key: VirtualKey) -> None:
    """Save a key; a different one that is replaced is first saved in another file, so that none is ever lost."""
    if path.exists():
        previous = path.read_bytes()
        if previous == key.private_pem():
            return
        durable_file.write(path.with_name(path.name + PREVIOUS_SUFFIX), previous)
    durable_file.write(path, key.private_pem())


def _files(path: Path) -> tuple[Path, ...]:
    """Return the file of the key, and that of the key that it replaced."""
    return (path, path.with_name(path.name + PREVIOUS_SUFFIX))


def _exists(path: Path) -> bool:
    return any(os.path.lexists(file) or durable_file.leftovers(file) for file in _files(path))


def _erase(path: Path) -> None:
    """Delete the key, the one that it replaced, and what interrupted writes left of them."""
    durable_file.remove(*_files(path))
