"""A file of changes since the states were saved: written before a car is acknowledged, so that nothing is lost.

It survives the end of the process; a power cut may take the last thirty seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
import errno
import os
from pathlib import Path
from typing import Final
import zlib

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.json import json_bytes
from homeassistant.util.json import json_loads

from ..const import DOMAIN, LOGGER
from ..vehicle.state import UNKNOWN_TIME, VehicleState
from . import durable_file
from .loading import UnusableFile, async_read

SAVE_LENGTH: Final = 1 << 20
"""Bytes from which on the states have to be saved and the journal emptied."""
MAX_LENGTH: Final = 1 << 22
"""Bytes that are never exceeded: if the states cannot be saved, no further change is acknowledged to any car."""


class Journal:
    """The journal of one config entry. All methods are called in the event loop, and none blocks it."""

    def __init__(self, hass: HomeAssistant, path: Path, on_save_due: Callable[[], object]) -> None:
        """`on_save_due` is called when the journal is so long that the states have to be saved."""
        self._hass = hass
        self._path = path
        self._on_save_due = on_save_due
        self._lock = asyncio.Lock()
        """Held while the file is changed."""
        self._pending: dict[str, VehicleState] = {}
        """By VIN."""
        self._stored: asyncio.Future[bool] | None = None
        """Whether the pending changes are stored; None if there are none."""
        self._writing: asyncio.Task[None] | None = None
        self._failing = False
        self._length = 0
        self._may_be_incomplete = True
        """Whether the last line of the file may be incomplete."""

    async def load(self) -> dict[str, VehicleState]:
        """Return the journal's changes of each car, by VIN; damaged lines are left out."""
        states, damaged = await async_read(self._hass, self._path, _read) or ({}, 0)
        if damaged:
            LOGGER.info("%s damaged lines of what the cars told last were left out", damaged)
        return states

    @callback
    def add(self, vin: str, part: VehicleState) -> asyncio.Future[bool]:
        """Write the part of a car's state that has changed.

        The result of the future is whether it survives the end of the process. Other callers share the future: do not
        cancel it. A change that could not be written is written again with the next one.
        """
        self._pending[vin] = combined(self._pending.get(vin), part)
        if self._stored is None:
            self._stored = self._hass.loop.create_future()
        stored = self._stored
        if self._writing is None or self._writing.done():
            self._writing = self._hass.async_create_background_task(
                self._write_all(), f"{DOMAIN} journal", eager_start=False
            )
        return stored

    @callback
    def remove_car(self, vin: str) -> None:
        """Drop the pending changes of a car; the caller has to save the states without it, too."""
        self._pending.pop(vin, None)

    async def empty(self, save: Callable[[], Awaitable[bool]]) -> None:
        """Save the states and delete the journal if that succeeded. Changes that are added meanwhile are written later.

        `save` must read the states no earlier than when it is called.
        """
        async with self._lock:
            pending, stored = self._take_pending()
            saved = await save()
            if saved:
                await self._delete()
            elif pending:
                saved = await self._append(pending)
            _set_result(stored, saved)

    async def remove(self) -> None:
        """Delete the file. Raises OSError."""
        async with self._lock:
            await self._hass.async_add_executor_job(durable_file.remove, self._path)

    async def _write_all(self) -> None:
        """Write until there are no pending changes."""
        while self._stored is not None:
            async with self._lock:
                pending, stored = self._take_pending()
                if pending:
                    _set_result(stored, await self._append(pending))
            if self._length >= SAVE_LENGTH:
                self._on_save_due()

    def _take_pending(self) -> tuple[dict[str, VehicleState], asyncio.Future[bool] | None]:
        pending, self._pending = self._pending, {}
        stored, self._stored = self._stored, None
        return pending, stored

    async def _append(self, pending: dict[str, VehicleState]) -> bool:
        """Write changes, or make them pending again; return whether they are written."""
        try:
            await self._hass.async_add_executor_job(self._write, pending)
        except OSError as err:
            if not self._failing:
                LOGGER.error(
                    "What the cars tell cannot be kept, so they will send it again: %s",
                    err.strerror,
                )
            self._failing = True
            for vin, part in pending.items():
                self._pending[vin] = combined(part, self._pending.get(vin, part))
            return False
        if self._failing:
            LOGGER.info("What the cars tell is kept again")
        self._failing = False
        return True

    async def _delete(self) -> None:
        try:
            await self._hass.async_add_executor_job(self._unlink)
        except OSError as err:
            # reading these changes again later changes nothing
            LOGGER.debug("The journal could not be deleted: %s", err.strerror)

    # -- in the executor ----------------------------------------------------------------------------

    def _write(self, pending: dict[str, VehicleState]) -> None:
        lines = b"".join(_line(vin, part) for vin, part in pending.items())
        self._path.parent.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            if file.tell() + len(lines) >= MAX_LENGTH:
                raise OSError(errno.EFBIG, "the states could not be saved for too long")
            # the last line may be incomplete after a failed write or a power cut
            incomplete, self._may_be_incomplete = self._may_be_incomplete, True
            file.write(b"\n" + lines if incomplete else lines)
            self._length = file.tell()
        self._may_be_incomplete = False

    def _unlink(self) -> None:
        self._path.unlink(missing_ok=True)
        self._length = 0


def _read(path: Path) -> tuple[dict[str, VehicleState], int]:
    """Return each car's state after all lines, and how many lines were damaged. Raises OSError, UnusableFile."""
    with path.open("rb") as file:
        content = file.read(MAX_LENGTH)
    states: dict[str, VehicleState] = {}
    damaged = 0
    for line in content.split(b"\n"):
        if not line:
            continue
        match _content(line):
            case {
                "vin": str(vin),
                "readings": dict(readings),
                "brokered_at": int() | float() as brokered_at,
            }:
                changes = VehicleState.from_dict(readings).with_broker_time(brokered_at)
                states[vin] = combined(states.get(vin), changes)
            case _:
                damaged += 1
    if damaged and not states:
        raise UnusableFile("all its lines are damaged")
    return states, damaged


def combined(earlier: VehicleState | None, later: VehicleState) -> VehicleState:
    """Return the later state, with the earlier readings of the signals that it does not have."""
    if earlier is None:
        return later
    return replace(
        later,
        readings={**earlier.readings, **later.readings},
        broker_received_at=max(earlier.broker_received_at, later.broker_received_at),
        energy=later.energy if later.energy.session is not None else earlier.energy,
        home_saved=earlier.home_saved or later.home_saved,
        received_at=max(
            (earlier.received_at, later.received_at), key=lambda at: at or UNKNOWN_TIME
        ),
    )


def _line(vin: str, part: VehicleState) -> bytes:
    content = json_bytes(
        {"vin": vin, "readings": part.as_dict(), "brokered_at": part.broker_received_at}
    )
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _content(line: bytes) -> object:
    """Return the content of a line, None if it is damaged."""
    checksum, _, content = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(content):
        return None
    try:
        return json_loads(content)
    except ValueError:
        return None


def _set_result(stored: asyncio.Future[bool] | None, result: bool) -> None:
    if stored is not None and not stored.done():
        stored.set_result(result)
