"""The virtual key of this Home Assistant, and the public half that Tesla fetches.

There is one key for the whole instance: it serves one domain, and a car is paired with a domain's key.
"""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .fleet_api import KEY_PATH
from .vehicle_command import VirtualKey

KEY_FILE: Final = f"{DOMAIN}.key"
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
        self._key: VirtualKey | None = None
        self._holders: set[str] = set()

    async def load(self) -> VirtualKey | None:
        """Return the key, or None where there is none yet. Raises InvalidKey for a damaged file."""
        async with self._lock:
            if self._key is None:
                self._key = await self._hass.async_add_executor_job(_load_if_there, self._path)
            return self._key

    async def create(self) -> VirtualKey:
        """Return the key, generating and saving it first where there is none. Raises InvalidKey, OSError."""
        if (key := await self.load()) is not None:
            return key
        return await self._save(VirtualKey.generate())

    async def tesla_fleet_key(self) -> VirtualKey | None:
        """Return the key of `tesla_fleet` if there is one to take over."""
        return await self._hass.async_add_executor_job(_load_if_there, self._tesla_fleet_path)

    async def adopt(self, key: VirtualKey) -> VirtualKey:
        """Make an existing key this instance's key. Raises OSError."""
        return await self._save(key)

    async def _save(self, key: VirtualKey) -> VirtualKey:
        async with self._lock:
            await self._hass.async_add_executor_job(key.save, self._path)
            self._key = key
            return key

    @callback
    def show(self, holder: str) -> None:
        """Serve the public key as long as this config entry or config flow needs it."""
        self._holders.add(holder)

    @callback
    def hide(self, holder: str) -> None:
        """Take back show()."""
        self._holders.discard(holder)

    @property
    def public_pem(self) -> str | None:
        """What the well-known path answers, or None for nothing."""
        return self._key.public_pem if self._key is not None and self._holders else None


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
