"""The token file: the tokens of one sign-in to Tesla, on disk before they are used.

Needed because a refresh token works once, and neither a config entry nor a `Store` of Home Assistant is certainly saved.
"""

from collections.abc import Mapping
import hashlib
from pathlib import Path
from typing import Any, Final

from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR
import orjson

from ..const import DOMAIN
from ..fleet_api import InvalidApiAnswer, read_claims
from ..storage import durable_file
from ..storage.loading import UnusableFile, async_read

VERSION: Final = 1
MAX_LENGTH: Final = 262_144

CONF_REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  the name of a field
CONF_PREVIOUS: Final = "previous_refresh_token"
"""The refresh token by which this one was obtained: it works for another day (Tesla's announcement of 2024-02-01)."""
CONF_SIGN_IN: Final = "sign_in"
"""The id of a sign-in, the same in all tokens that were obtained by it; the first token does not have it yet."""

type Token = dict[str, Any]
"""A token response as Home Assistant's OAuth helper stores it, with `expires_at` (unix seconds by our own clock)."""


def sign_in_id(token: Mapping[str, Any]) -> str:
    """Return the id of the sign-in by which a token was obtained."""
    if isinstance(stored := token.get(CONF_SIGN_IN), str):
        return stored
    first = token.get(CONF_REFRESH_TOKEN) or token.get(CONF_ACCESS_TOKEN)
    return hashlib.sha256(str(first).encode()).hexdigest()[:16]


def is_usable(token: object) -> bool:
    """Return whether this has the shape of a token record."""
    match token:
        case {
            "access_token": str(),
            "refresh_token": str(),
            "expires_at": int() | float() as expires_at,
        }:
            return not isinstance(expires_at, bool)
    return False


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two records hold the same tokens."""
    return all(one.get(name) == other.get(name) for name in (CONF_ACCESS_TOKEN, CONF_REFRESH_TOKEN))


def supersedes(stored: Mapping[str, Any], current: Mapping[str, Any]) -> bool:
    """Return whether the stored token is to be used rather than the one that the config entry holds.

    The times of Tesla's clock are compared, because the clock of this machine may have been set. Within one second
    the file is newer than the entry, unless the user has just signed in again.
    """
    if is_same(stored, current):
        return False
    stored_at, current_at = _issued_at(stored), _issued_at(current)
    if stored_at == current_at:
        return sign_in_id(stored) == sign_in_id(current)
    return stored_at > current_at


def _issued_at(token: Mapping[str, Any]) -> int:
    try:
        return read_claims(str(token.get(CONF_ACCESS_TOKEN))).issued_at
    except InvalidApiAnswer:
        return -1


class TokenFile:
    """The token file of one config entry. Its user must not write twice at the same time."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._hass = hass
        self._path = Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry_id}.sign_in"))

    async def load(self) -> Token | None:
        """Return the token, or None if there is none that can be used."""
        return await async_read(self._hass, self._path, _read)

    async def save(self, token: Mapping[str, Any]) -> None:
        """Return when the token is on disk and survives a power cut. Raises OSError."""
        content = orjson.dumps({"version": VERSION, "token": dict(token)})
        await self._hass.async_add_executor_job(durable_file.write, self._path, content)

    async def remove(self) -> None:
        """Delete the file. Raises OSError."""
        await self._hass.async_add_executor_job(_remove, self._path)


def _read(path: Path) -> Token:
    """Return the token in a file. Raises OSError, UnusableFile."""
    with path.open("rb") as file:
        content = file.read(MAX_LENGTH)
    try:
        record = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise UnusableFile("it is not JSON") from None
    match record:
        case {"version": int() as version, "token": dict() as token} if (
            version == VERSION and is_usable(token)
        ):
            return token
        case {"version": int() as version} if version != VERSION:
            raise UnusableFile(f"it has version {version}, and {VERSION} is expected")
        case _:
            raise UnusableFile("it holds no token")


def _remove(path: Path) -> None:
    # an interrupted write of an earlier version left a file of the second name
    durable_file.remove(path, path.with_name(f"{path.name}.new"))
