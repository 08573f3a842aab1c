"""Loads and deletes the files of the integration.

Rule: a stored file is never in the way. One that cannot be used is set aside under another name, the user is informed
once, and the integration begins again without it. The only exception is the virtual key (`auth/key_store.py`): cars are
paired with it, so it is never replaced without the user.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
import os
from pathlib import Path
from typing import Any, Final, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..issues.kinds import FILES_SET_ASIDE
from ..issues.registry import async_clear_issue, async_raise_issue, plain_text
from . import durable_file

MAX_REPORTED: Final = 20
STORE_ERRORS: Final = (
    HomeAssistantError,
    LookupError,
    NotImplementedError,
    OSError,
    TypeError,
    AttributeError,
    ValueError,
)
"""What Home Assistant's Store raises for a file of another version or of another shape, and for one that cannot be read."""
DATA_SET_ASIDE: Final[HassKey[dict[Path, tuple[Path, str]]]] = HassKey(f"{DOMAIN}_set_aside")
"""What the user was informed of since the start: by the name under which a file is kept, its own name and the reason."""


class UnusableFile(Exception):
    """A file holds nothing that can be used; the text says why, and repeats nothing of it."""


class SafeStore(Store[dict[str, Any]]):
    """A Store of Home Assistant whose content is a dict. Loading never raises: a file that cannot be used is set aside."""

    def __init__(
        self,
        hass: HomeAssistant,
        version: int,
        key: str,
        is_usable: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> None:
        """Prepare; `is_usable` checks the content."""
        super().__init__(hass, version, key, private=True, atomic_writes=True)
        self._is_usable = is_usable

    @override
    async def async_load(self) -> dict[str, Any] | None:
        """Return the content, None if there is none that can be used."""
        reason = "it holds other data than expected"
        try:
            stored: object = await super().async_load()
        except STORE_ERRORS as err:
            stored, reason = None, _words(err)
        if isinstance(stored, dict) and self._is_usable(stored):
            return stored
        await self.hass.async_add_executor_job(set_aside, self.hass, Path(self.path), reason)
        return None

    @override
    async def async_remove(self) -> None:
        """Delete the file, and what was set aside of it. Raises OSError."""
        try:
            await super().async_remove()
        finally:
            await self.hass.async_add_executor_job(durable_file.remove, Path(self.path))


async def async_read[T](hass: HomeAssistant, path: Path, read: Callable[[Path], T]) -> T | None:
    """Return what `read` returns for a file (in an executor), None if there is none that can be used.

    `read` raises UnusableFile or OSError for a file that cannot be used.
    """

    def read_or_set_aside() -> T | None:
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except (OSError, UnusableFile) as err:
            set_aside(hass, path, _words(err))
            return None

    return await hass.async_add_executor_job(read_or_set_aside)


def set_aside(hass: HomeAssistant, path: Path, reason: str) -> None:
    """Give a file that cannot be used another name, and inform the user (blocking). Without a file nothing happens.

    If even that fails, the file stays, and the user is informed all the same.
    """
    if not os.path.lexists(path):
        return
    aside = durable_file.name_aside(path, dt_util.utcnow())
    try:
        path.rename(aside)
    except OSError as err:
        reason, aside = f"{reason}; it could not be renamed: {_words(err)}", path
    hass.loop.call_soon_threadsafe(_report, hass, path, aside, reason)


async def async_delete(deletions: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Call functions that delete a file each: all of them, whichever fails. A failure is logged."""
    for delete in deletions:
        try:
            await delete()
        except OSError as err:
            LOGGER.error(
                "A file of a removed account could not be deleted; please delete it: %s", err
            )


async def async_forget_deleted(hass: HomeAssistant) -> None:
    """Tell the user nothing more of files that were set aside and do not exist any more."""
    reported = hass.data.get(DATA_SET_ASIDE, {})
    kept = await hass.async_add_executor_job(lambda: [*filter(os.path.lexists, [*reported])])
    if gone := reported.keys() - {*kept}:
        for aside in gone:
            del reported[aside]
        _show(hass, reported)


@callback
def _report(hass: HomeAssistant, path: Path, aside: Path, reason: str) -> None:
    reported = hass.data.setdefault(DATA_SET_ASIDE, {})
    if aside in reported:
        return  # it could not be renamed, so it is found again at every set-up
    LOGGER.warning(
        "%s cannot be used (%s). It is kept as %s, and a new one is begun",
        path.name,
        reason,
        aside.name,
    )
    reported[aside] = (path, reason)
    _show(hass, reported)


@callback
def _show(hass: HomeAssistant, reported: Mapping[Path, tuple[Path, str]]) -> None:
    """Update the issue, or clear it when there is nothing to tell."""
    if not reported:
        async_clear_issue(hass, FILES_SET_ASIDE)
        return
    lines = [
        f"- `{plain_text(path.name)}` → `{plain_text(aside.name)}`"
        for aside, (path, _) in reported.items()
    ]
    *_, (_, reason) = reported.values()
    async_raise_issue(
        hass,
        FILES_SET_ASIDE,
        {"files": "\n".join(lines[-MAX_REPORTED:]), "detail": plain_text(reason)},
    )


def _words(err: Exception) -> str:
    """Return why a file cannot be used, without its path and content."""
    match err:
        case OSError(strerror=str() as reason):
            return reason
        case HomeAssistantError(__cause__=OSError(strerror=str() as reason)):
            return reason
        case UnusableFile() | HomeAssistantError():
            return str(err) or type(err).__name__
        case _:
            return "it holds other data than expected"
