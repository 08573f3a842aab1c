"""The virtual key of this Home Assistant, and the public half that Tesla fetches.

There is one key for the whole instance: it serves one domain, and a car is paired with a domain's key.
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
from ..vehicle_command import VirtualKey

KEY_FILE: Final = f"{DOMAIN}.key"
PREVIOUS_SUFFIX: Final = ".previous"
"""Of the file that keeps a key that was replaced."""
TESLA_FLEET_KEY_FILE: Final = "tesla_fleet.key"
"""Where Home Assistant's own `tesla_fleet` keeps its key: cars paired with it need no new pairing."""


class KeyStore:
    """Keeps the key file, and decides whether the public half is shown."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Nothing is read or shown yet."""
        self._hass = hass
        self._path = Path(hass.config.path(KEY_FILE))
        self._tesla_fleet_path = Path(hass.config.path(TESLA_FLEET_KEY_FILE))
        self._lock = asyncio.Lock()
        self._trial = asyncio.Lock()
        self._key: VirtualKey | None = None
        self._candidate: VirtualKey | None = None
        self._holders: set[str] = set()

    async def load(self) -> VirtualKey | None:
        """Return the key, or None where there is none yet. Raises InvalidKey for a damaged file."""
        async with self._lock:
            if self._key is None:
                self._key = await self._hass.async_add_executor_job(_load_if_there, self._path)
            return self._key

    async def tesla_fleet_key(self) -> VirtualKey | None:
        """Return the key of `tesla_fleet` if there is one to take over. Raises InvalidKey, OSError."""
        return await self._hass.async_add_executor_job(_load_if_there, self._tesla_fleet_path)

    async def save(self, key: VirtualKey) -> None:
        """Make a key this instance's key. Raises OSError.

        Cars may be paired with the key that it replaces: that one is kept beside it.
        """
        async with self._lock:
            await self._hass.async_add_executor_job(_replace, self._path, key)
            self._key = key

    @asynccontextmanager
    async def trying(self, key: VirtualKey) -> AsyncIterator[None]:
        """Show a key that may become this instance's, while Tesla is asked to take it."""
        async with self._trial:
            self._candidate = key
            try:
                yield
            finally:
                self._candidate = None

    @callback
    def show(self, holder: str) -> None:
        """Serve the public key as long as this config entry or config flow needs it."""
        self._holders.add(holder)

    @callback
    def hide(self, holder: str) -> None:
        """Take back show()."""
        self._holders.discard(holder)

    async def exists(self) -> bool:
        """Return whether there is a key file, whatever is in it."""
        return await self._hass.async_add_executor_job(self._path.exists)

    async def erase(self) -> bool:
        """Delete the key for good, unless somebody needs it; return whether nobody did. Raises OSError."""
        async with self._lock:
            if self._holders:
                return False
            await self._hass.async_add_executor_job(_erase, self._path)
            self._key = None
            return True

    @property
    def public_pem(self) -> str | None:
        """What the well-known path answers, or None for nothing."""
        key = self._candidate or self._key
        return key.public_pem if key is not None and self._holders else None


DATA_KEY_STORE: Final[HassKey[KeyStore]] = HassKey(f"{DOMAIN}_key_store")


class PublicKeyView(HomeAssistantView):
    """Answers Tesla's download of the public key.

    Without authentication, because Tesla has none to offer: GET and HEAD only, no input is read, and the one
    answer is a public key.
    """

    url = KEY_PATH
    name = f"api:{DOMAIN}:public_key"
    requires_auth = False

    def __init__(self, store: KeyStore) -> None:
        """Show what the store shows."""
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
    """Return the key store, which comes with its view on first use: a config flow runs before any set-up."""
    if DATA_KEY_STORE not in hass.data:
        store = hass.data[DATA_KEY_STORE] = KeyStore(hass)
        hass.http.register_view(PublicKeyView(store))
    return hass.data[DATA_KEY_STORE]


def _load_if_there(path: Path) -> VirtualKey | None:
    try:
        return VirtualKey.load(path)
    except FileNotFoundError:
        return None


def _replace(path: Path, key: VirtualKey) -> None:
    """Save a key; another one that is there is kept beside it, whatever moment this is cut off at."""
    if path.exists():
        before = path.read_bytes()
        if before == key.private_pem():
            return
        kept = path.with_name(path.name + PREVIOUS_SUFFIX)
        kept.unlink(missing_ok=True)
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(before)
    key.save(path)


def _erase(path: Path) -> None:
    """Delete a key, and one that it replaced."""
    for name in (path.name, path.name + PREVIOUS_SUFFIX):
        path.with_name(name).unlink(missing_ok=True)
