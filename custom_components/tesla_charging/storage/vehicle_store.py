"""Stores what survives a restart: command sessions, states, telemetry configurations and silences, in one file each.

The file of the states is written rarely; changes in between are written to a journal (`journal.py`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN
from ..polling.usage_pattern import UsagePattern
from ..vehicle.state import VehicleState
from ..vehicle_command import Domain, InvalidSessionState, SessionState
from .config_record import ConfigRecord
from .journal import Journal, combined
from .loading import SafeStore, async_delete

VERSION: Final = 1
SESSION_DELAY: Final = 1.0
"""Seconds until used command counters are saved; an older one does no harm, because the car reports the current one."""
STATE_DELAY: Final = 300.0
"""Seconds for which changes are in the journal only: each save forces the whole file to the disk."""
LONG_DELAY: Final = 10.0
"""The same for a journal that has become long."""
SILENCE_DELAY: Final = 900.0
"""Seconds until the silences are saved; only a silence of a day has consequences."""
CONTINUITY: Final = "followed"
"""Key in a car's stored state: until when its charging and its home proximity were observed without a gap, unix seconds."""
USAGE_PATTERN: Final = "habits"
"""Key in a car's stored state: at which hours of the week the car is used."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What is stored of a car's command channel."""

    signed: bool | None = None
    sessions: dict[Domain, SessionState] = field(default_factory=dict)
    key: str = ""
    """Fingerprint of the virtual key for which the other values are valid."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values."""
        return {
            "key": self.key,
            "signed": self.signed,
            "sessions": {domain.name: state.as_dict() for domain, state in self.sessions.items()},
        }

    @classmethod
    def from_dict(cls, data: object, key: str) -> CommandRecord:
        """Read back as_dict(); a damaged session is left out, and a handshake replaces it.

        Values for another key are not used: the car may not know this key.
        """
        if not isinstance(data, dict) or data.get("key") != key:
            return cls(key=key)
        signed = data.get("signed")
        stored = data.get("sessions")
        sessions: dict[Domain, SessionState] = {}
        for name, item in stored.items() if isinstance(stored, dict) else ():
            if name not in Domain.__members__ or not isinstance(item, dict):
                continue
            try:
                sessions[Domain[name]] = SessionState.from_dict(item)
            except InvalidSessionState:
                continue
        return cls(signed if isinstance(signed, bool) else None, sessions, key)


@dataclass(frozen=True, slots=True)
class _Sources:
    """Functions that return a car's present records, to save them."""

    command_record: Callable[[], CommandRecord]
    state: Callable[[], VehicleState]
    usage_pattern: Callable[[], UsagePattern] | None = None
    continuity: Callable[[], tuple[float, float]] | None = None

    def state_record(self) -> dict[str, Any]:
        """Return what the file of the states holds of the car."""
        record = self.state().as_dict()
        if self.continuity is not None:
            record[CONTINUITY] = list(self.continuity())
        if self.usage_pattern is not None:
            record[USAGE_PATTERN] = self.usage_pattern().as_dict()
        return record


@dataclass(frozen=True, slots=True)
class CarRecords:
    """What another entry needs to go on with a car."""

    state: dict[str, Any]
    commands: dict[str, Any]


@dataclass(slots=True)
class _File:
    """A file and the records that were read from it: by VIN, except for the silences."""

    store: SafeStore
    records: dict[str, Any] = field(default_factory=dict)


class VehicleStorage:
    """The files of one config entry; in them, one record per car."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._sessions = _file(hass, entry_id, "sessions")
        self._states = _file(hass, entry_id, "states")
        self._configs = _file(hass, entry_id, "telemetry")
        self._silences = _file(hass, entry_id, "silences")
        self._files = (self._configs, self._sessions, self._states, self._silences)
        self._hass = hass
        self._silences_saved_at = 0.0
        self._journal = Journal(
            hass, Path(f"{self._states.store.path}.journal"), lambda: self._save_later(LONG_DELAY)
        )
        self._cancel_save: CALLBACK_TYPE | None = None
        self._saves_at = 0.0
        self._cancel_final_save: CALLBACK_TYPE | None = None
        self._closed = False
        self._sources: dict[str, _Sources] = {}
        """By VIN."""
        self._silence_source: Callable[[], dict[str, Any]] | None = None

    async def load(self) -> None:
        """Read all files; one that cannot be used counts as empty. Raises nothing."""
        for file in self._files:
            file.records = await file.store.async_load() or {}
        states = self._states.records
        for vin, journaled in (await self._journal.load()).items():
            saved = _as_dict(states.get(vin))
            states[vin] = saved | combined(self.state(vin), journaled).as_dict()

    def command_record(self, vin: str, key: str) -> CommandRecord:
        """Return what is stored of a car's command channel for this key (by fingerprint)."""
        return CommandRecord.from_dict(self._sessions.records.get(vin), key)

    def state(self, vin: str) -> VehicleState:
        """Return a car's last state."""
        return VehicleState.from_dict(self._states.records.get(vin))

    def continuity(self, vin: str) -> tuple[float, float]:
        """Return until when a car's charging and its home proximity were observed; 0.0 for never."""
        match self._states.records.get(vin):
            case {"followed": [int() | float() as charge, int() | float() as home]}:
                return charge, home
        return 0.0, 0.0

    def usage_pattern(self, vin: str) -> UsagePattern:
        """Return when a car is usually used."""
        return UsagePattern.from_dict(_as_dict(self._states.records.get(vin)).get(USAGE_PATTERN))

    def config_record(self, vin: str) -> ConfigRecord:
        """Return what is stored of a car's telemetry configuration."""
        return ConfigRecord.from_dict(self._configs.records.get(vin))

    @property
    def configured(self) -> tuple[str, ...]:
        """The VINs of the cars that have a telemetry configuration of this entry."""
        return tuple(vin for vin in self._configs.records if self.config_record(vin).fingerprint)

    @property
    def telemetry_vins(self) -> tuple[str, ...]:
        """The VINs of the cars with a stored telemetry record."""
        return tuple(self._configs.records)

    async def save_config_record(self, vin: str, record: ConfigRecord) -> None:
        """Save a car's telemetry record at once, because Tesla has the configuration already."""
        self._configs.records[vin] = record.as_dict()
        if not self._closed:
            await self._configs.store.async_save(self._configs.records)

    @callback
    def attach(
        self,
        vin: str,
        command_record: Callable[[], CommandRecord],
        state: Callable[[], VehicleState],
        usage_pattern: Callable[[], UsagePattern] | None = None,
    ) -> None:
        """Save what these functions return as the records of a car."""
        self._sources[vin] = _Sources(command_record, state, usage_pattern)

    @callback
    def attach_continuity(self, vin: str, source: Callable[[], tuple[float, float]]) -> None:
        """Save, with the state of a car that is attached, until when it was observed."""
        self._sources[vin] = replace(self._sources[vin], continuity=source)

    @callback
    def save_sessions(self) -> None:
        """Save the sessions in SESSION_DELAY, at the latest when Home Assistant stops."""
        if not self._closed:
            self._sessions.store.async_delay_save(self._session_data, SESSION_DELAY)

    @callback
    def keep(self, vin: str, part: VehicleState) -> asyncio.Future[bool]:
        """Store the part of a car's state that has just changed.

        The result of the future is whether it survives a restart. Other callers share the future: do not cancel it.
        """
        if self._closed:
            stored = self._hass.loop.create_future()
            stored.set_result(False)
            return stored
        self._save_later(STATE_DELAY)
        return self._journal.add(vin, part)

    @property
    def silences(self) -> dict[str, Any]:
        """What save_silences() saved before the restart; empty on the first run."""
        return self._silences.records

    @callback
    def save_silences(self, source: Callable[[], dict[str, Any]]) -> None:
        """Save for how long cars have been silent, within SILENCE_DELAY and when Home Assistant stops."""
        self._silence_source = source
        now = self._hass.loop.time()
        if not self._closed and now >= self._silences_saved_at:
            self._silences_saved_at = now + SILENCE_DELAY
            self._silences.store.async_delay_save(source, SILENCE_DELAY)

    def records_of(self, vin: str) -> CarRecords:
        """Return what is known of a car: its state, and its command channel."""
        if (sources := self._sources.get(vin)) is not None:
            return CarRecords(sources.state_record(), sources.command_record().as_dict())
        return CarRecords(
            _as_dict(self._states.records.get(vin)), _as_dict(self._sessions.records.get(vin))
        )

    @callback
    def take_over(self, vin: str, records: CarRecords) -> None:
        """Continue with the records that another entry has of a car; call it before the car is attached.

        They are saved at once: the files of the other entry may be deleted already.
        """
        if records.state:
            self._states.records[vin] = records.state
            self._save_later(0.0)
        if records.commands:
            self._sessions.records[vin] = records.commands
            self.save_sessions()

    async def remove_car(self, vin: str) -> None:
        """Delete the records of a car that left the account for good."""
        for file in (self._configs, self._sessions, self._states):
            file.records.pop(vin, None)
        self._sources.pop(vin, None)
        if not self._closed:
            await self._configs.store.async_save(self._configs.records)
            await self._sessions.store.async_save(self._session_data())
            self._journal.remove_car(vin)
            await self._journal.empty(self._save_states)

    async def close(self) -> None:
        """Save everything now, and never again: a task that still runs after the unload must not write the files again."""
        self._closed = True
        for cancel in (self._cancel_save, self._cancel_final_save):
            if cancel is not None:
                cancel()
        self._cancel_save = self._cancel_final_save = None
        await self._sessions.store.async_save(self._session_data())
        await self._journal.empty(self._save_states)
        if self._silence_source is not None:
            await self._silences.store.async_save(self._silence_source())

    async def remove(self) -> None:
        """Delete all files, and never write them again; what was read stays in memory. A failure is logged."""
        self._closed = True
        await async_delete(
            [*(file.store.async_remove for file in self._files), self._journal.remove]
        )

    @callback
    def save_states(self) -> None:
        """Save the states in STATE_DELAY, at the latest when Home Assistant stops."""
        self._save_later(STATE_DELAY)

    @callback
    def _save_later(self, delay: float) -> None:
        """Save the states in `delay` seconds, at the latest when Home Assistant stops."""
        at = self._hass.loop.time() + delay
        if self._closed or (self._cancel_save is not None and self._saves_at <= at):
            return
        if self._cancel_save is not None:
            self._cancel_save()
        self._saves_at = at
        job = HassJob(self._save_in_time, f"{DOMAIN} save states", cancel_on_shutdown=True)
        self._cancel_save = async_call_later(self._hass, delay, job)
        if self._cancel_final_save is None:
            self._cancel_final_save = self._hass.bus.async_listen_once(
                EVENT_HOMEASSISTANT_FINAL_WRITE, self._save_finally
            )

    async def _save_in_time(self, _: datetime) -> None:
        self._cancel_save = None
        await self._journal.empty(self._save_states)

    async def _save_finally(self, _: Event) -> None:
        self._cancel_final_save = None
        await self._journal.empty(self._save_states)

    async def _save_states(self) -> bool:
        """Save the present states; return whether they are saved.

        Store logs an error and does not raise it, so this checks that the file is a different one than before.
        """
        path = Path(self._states.store.path)
        before = await self._hass.async_add_executor_job(_file_id, path)
        await self._states.store.async_save(self._state_data())
        after = await self._hass.async_add_executor_job(_file_id, path)
        return after is not None and after != before

    def _session_data(self) -> dict[str, Any]:
        # a car that is not in the account for now keeps its record
        return self._sessions.records | {
            vin: sources.command_record().as_dict() for vin, sources in self._sources.items()
        }

    def _state_data(self) -> dict[str, Any]:
        return self._states.records | {
            vin: sources.state_record() for vin, sources in self._sources.items()
        }


def _as_dict(loaded: object) -> dict[str, Any]:
    return loaded if isinstance(loaded, dict) else {}


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns)


def _file(hass: HomeAssistant, entry_id: str, kind: str) -> _File:
    return _File(SafeStore(hass, VERSION, f"{DOMAIN}.{entry_id}.{kind}"))
