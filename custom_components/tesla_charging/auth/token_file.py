"""The sign-in on disk, in a file of its own: what a refresh gave is there before anybody uses it.

A refresh token of Tesla works once, and Home Assistant saves a config entry a second after it changed, without
waiting for the disk. Its `Store` keeps back a write while Home Assistant stops, and tells nobody that one failed.
"""

from collections.abc import Mapping
import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any, Final

from homeassistant.const import CONF_ACCESS_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR
import orjson

from ..const import DOMAIN
from ..fleet_api import InvalidApiAnswer, read_claims

VERSION: Final = 1
MAX_LENGTH: Final = 262_144

CONF_REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  the name of a field
CONF_PREVIOUS: Final = "previous_refresh_token"
"""The refresh token that gave this one: Tesla lets it work for another day (announcement of 2024-02-01)."""
CONF_SIGN_IN: Final = "sign_in"
"""What all tokens that go back to one sign-in have in common; a fresh sign-in does not have it yet."""

type Token = dict[str, Any]
"""A token answer as Home Assistant's OAuth helper keeps it, with `expires_at` (Unix time by our own clock)."""


def token_record_of(token: Mapping[str, Any]) -> str:
    """Return the name of the sign-in to which a token goes back."""
    if isinstance(known := token.get(CONF_SIGN_IN), str):
        return known
    first = token.get(CONF_REFRESH_TOKEN) or token[CONF_ACCESS_TOKEN]
    return hashlib.sha256(str(first).encode()).hexdigest()[:16]


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two records hold the same tokens."""
    return all(one.get(name) == other.get(name) for name in (CONF_ACCESS_TOKEN, CONF_REFRESH_TOKEN))


def supersedes(stored: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Return whether the stored token is to be used rather than the one that the config entry holds.

    Tesla's own clock decides, because a home's may have jumped. Within one second the file is later than the
    entry, unless the owner has just signed in anew.
    """
    if is_same(stored, held):
        return False
    stored_at, held_at = _issued_at(stored), _issued_at(held)
    if stored_at == held_at:
        return token_record_of(stored) == token_record_of(held)
    return stored_at > held_at


def _issued_at(token: Mapping[str, Any]) -> int:
    try:
        return read_claims(str(token.get(CONF_ACCESS_TOKEN))).issued_at
    except InvalidApiAnswer:
        return -1


class TokenFile:
    """The file of one config entry. Who uses it takes care that there is one write at a time."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file; nothing is read yet."""
        self._hass = hass
        self._path = Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry_id}.sign_in"))

    async def load(self) -> Token | None:
        """Return the token, or None if there is none that can be used. Raises OSError."""
        return await self._hass.async_add_executor_job(_read, self._path)

    async def save(self, token: Mapping[str, Any]) -> None:
        """Return when the token is on disk, whatever happens next. Raises OSError."""
        content = orjson.dumps({"version": VERSION, "token": dict(token)})
        await self._hass.async_add_executor_job(_write, self._path, content)

    async def remove(self) -> None:
        """Delete the file. Raises OSError."""
        await self._hass.async_add_executor_job(_remove, self._path)


def _temporary(path: Path) -> Path:
    # always the same name: what a power cut leaves behind is overwritten next time
    return path.with_name(f"{path.name}.new")


def _read(path: Path) -> Token | None:
    try:
        with path.open("rb") as file:
            record = orjson.loads(file.read(MAX_LENGTH))
    except FileNotFoundError, orjson.JSONDecodeError:
        return None
    token = record.get("token") if isinstance(record, dict) else None
    if not isinstance(token, dict) or record.get("version") != VERSION:
        return None
    usable = isinstance(token.get(CONF_ACCESS_TOKEN), str)
    return token if usable and isinstance(token.get("expires_at"), int | float) else None


def _write(path: Path, content: bytes) -> None:
    """Have the file complete or not at all, readable by its owner only."""
    path.parent.mkdir(exist_ok=True)
    temporary = _temporary(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # a file that was there keeps its rights otherwise
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the new name, too, has to survive a power cut
    finally:
        os.close(directory)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _temporary(path).unlink(missing_ok=True)
