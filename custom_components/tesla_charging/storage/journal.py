"""What came since the states were saved: on its way to the disk before a car is told that it may forget it.

A file of lines, each a checksum and one car's readings as they were after a record had been applied. They are gathered
while the line before is being written, so that a slow disk makes lines longer and not more; what is gathered has at
most one reading of each signal. They are read in their order, each over those before and all over the saved states:
which reading is the newest was decided when it came. Lines that are in the states already change nothing.

A line is handed to the kernel, and not forced to the disk: it survives the end of the process, however sudden. A power
cut may take what the kernel had not written yet, some thirty seconds with Linux's usual settings. To force each line
would wear an SD card out, as a charging car sends one every few seconds; and what a power cut takes is not missed for
long, because a car that connects sends everything anew.
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

SAVE_LENGTH: Final = 1 << 20
"""Bytes from which on it is time to save the states and begin anew."""
MAX_LENGTH: Final = 1 << 22
"""Bytes that are never exceeded: when the states cannot be saved, nothing more is promised to any car."""


class Journal:
    """The journal of one config entry. All methods are called in the event loop, and none blocks it."""

    def __init__(self, hass: HomeAssistant, path: Path, on_long: Callable[[], object]) -> None:
        """Name the file; nothing is read yet. `on_long` hears that it is time to save the states."""
        self._hass = hass
        self._path = path
        self._on_long = on_long
        self._lock = asyncio.Lock()
        """Held by who changes the file."""
        self._gathered: dict[str, VehicleState] = {}
        """By VIN."""
        self._settled: asyncio.Future[bool] | None = None
        """Tells about what is gathered now; None if nobody waits for that."""
        self._writing: asyncio.Task[None] | None = None
        self._failing = False
        self._length = 0
        self._torn = True
        """Whether the file may end within a line."""

    async def load(self) -> dict[str, VehicleState]:
        """Return what the journal holds of each car, by VIN; whatever is damaged is left out."""
        try:
            states, damaged = await self._hass.async_add_executor_job(self._read)
        except FileNotFoundError:
            return {}
        except OSError as err:
            LOGGER.warning("What the cars told last could not be read: %s", err.strerror)
            return {}
        if damaged:
            LOGGER.info("%s damaged lines of what the cars told last were left out", damaged)
        return states

    @callback
    def add(self, vin: str, part: VehicleState) -> asyncio.Future[bool]:
        """Have that part of a car's state written that has changed.

        The future tells whether it survives from now on; others wait for it too, so do not cancel it. What could not be
        written is tried again with the next part.
        """
        self._gathered[vin] = joined(self._gathered.get(vin), part)
        if self._settled is None:
            self._settled = self._hass.loop.create_future()
        settled = self._settled
        if self._writing is None or self._writing.done():
            self._writing = self._hass.async_create_background_task(
                self._write_all(), f"{DOMAIN} journal", eager_start=False
            )
        return settled

    @callback
    def forget(self, vin: str) -> None:
        """Write nothing more of a car; whoever calls this saves the states without it, too."""
        self._gathered.pop(vin, None)

    async def empty(self, save: Callable[[], Awaitable[bool]]) -> None:
        """Have the states saved and begin anew if that succeeded; until it is known, what comes waits.

        `save` has to look at the states only when it is called.
        """
        async with self._lock:
            gathered, settled = self._take()
            saved = await save()
            if saved:
                await self._forget()
            elif gathered:
                saved = await self._append(gathered)
            _settle(settled, saved)

    async def remove(self) -> None:
        """Delete the file."""
        async with self._lock:
            await self._forget()

    async def _write_all(self) -> None:
        """Write until nobody waits any more."""
        while self._settled is not None:
            async with self._lock:
                gathered, settled = self._take()
                if gathered:
                    _settle(settled, await self._append(gathered))
            if self._length >= SAVE_LENGTH:
                self._on_long()

    def _take(self) -> tuple[dict[str, VehicleState], asyncio.Future[bool] | None]:
        gathered, self._gathered = self._gathered, {}
        settled, self._settled = self._settled, None
        return gathered, settled

    async def _append(self, gathered: dict[str, VehicleState]) -> bool:
        """Write what was gathered, or gather it again; return whether it is written."""
        try:
            await self._hass.async_add_executor_job(self._write, gathered)
        except OSError as err:
            if not self._failing:
                LOGGER.error(
                    "What the cars tell cannot be kept, so they will send it again: %s",
                    err.strerror,
                )
            self._failing = True
            for vin, part in gathered.items():
                self._gathered[vin] = joined(part, self._gathered.get(vin, part))
            return False
        if self._failing:
            LOGGER.info("What the cars tell is kept again")
        self._failing = False
        return True

    async def _forget(self) -> None:
        try:
            await self._hass.async_add_executor_job(self._unlink)
        except OSError as err:
            # what is read again later changes nothing
            LOGGER.debug("The journal could not be deleted: %s", err.strerror)

    # -- in the executor ----------------------------------------------------------------------------

    def _write(self, gathered: dict[str, VehicleState]) -> None:
        lines = b"".join(_line(vin, part) for vin, part in gathered.items())
        self._path.parent.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            if file.tell() + len(lines) >= MAX_LENGTH:
                raise OSError(errno.EFBIG, "the states could not be saved for too long")
            # of what was written before it failed, or before a power cut, the end may be missing
            torn, self._torn = self._torn, True
            file.write(b"\n" + lines if torn else lines)
            self._length = file.tell()
        self._torn = False

    def _unlink(self) -> None:
        self._path.unlink(missing_ok=True)
        self._length = 0

    def _read(self) -> tuple[dict[str, VehicleState], int]:
        """Return each car's state after all lines, and how many lines were damaged."""
        with self._path.open("rb") as file:
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
                    told = VehicleState.from_dict(readings).with_broker_time(brokered_at)
                    states[vin] = joined(states.get(vin), told)
                case _:
                    damaged += 1
        return states, damaged


def joined(earlier: VehicleState | None, later: VehicleState) -> VehicleState:
    """Return a state with what was known earlier and not told anew later."""
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
    """Return what a line holds, None if it is damaged."""
    checksum, _, content = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(content):
        return None
    try:
        return json_loads(content)
    except ValueError:
        return None


def _settle(settled: asyncio.Future[bool] | None, kept: bool) -> None:
    if settled is not None and not settled.done():
        settled.set_result(kept)
