"""What survives a restart: command sessions, last state, telemetry configurations, silences; one file per kind.

The states' file is written rarely, and what comes meanwhile goes into a journal (`journal.py`): together they hold all
that was applied.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..polling.usage_pattern import UsagePattern
from ..vehicle.state import VehicleState
from ..vehicle_command import Domain, InvalidSessionState, SessionState
from .config_record import ConfigRecord
from .journal import Journal, joined

VERSION: Final = 1
SESSION_DELAY: Final = 1.0
"""Seconds until used counters are on disk; they are a hint, the car has the last word."""
STATE_DELAY: Final = 300.0
"""Seconds for which the journal alone holds what changed: the whole file is forced to the disk each time."""
LONG_DELAY: Final = 10.0
"""The same when the journal has become long."""
SILENCE_DELAY: Final = 900.0
"""Seconds until it is on disk for how long cars have been silent, which only a day of counts for anything."""
CONTINUITY: Final = "followed"
"""Beside the signals in a car's state: until when its charging and its whereabouts were followed, unix seconds."""
USAGE_PATTERN: Final = "habits"
"""Beside them as well: at which hours of the week the car is used."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What is remembered of a car's command channel."""

    signed: bool | None = None
    sessions: dict[Domain, SessionState] = field(default_factory=dict)
    key: str = ""
    """Fingerprint of the virtual key with which all this was found out."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values."""
        return {
            "key": self.key,
            "signed": self.signed,
            "sessions": {domain.name: state.as_dict() for domain, state in self.sessions.items()},
        }

    @classmethod
    def from_dict(cls, data: object, key: str) -> CommandRecord:
        """Read back as_dict(); a session that is damaged is left out, a handshake replaces it.

        What was found out with another key than this one says nothing: the car may not know this one.
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


class VehicleStorage:
    """The files of one config entry; in them, one record per car."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the files; nothing is read yet."""
        self._sessions: Store[dict[str, Any]] = _store(hass, entry_id, "sessions")
        self._states: Store[dict[str, Any]] = _store(hass, entry_id, "states")
        self._configs: Store[dict[str, Any]] = _store(hass, entry_id, "telemetry")
        self._silences: Store[dict[str, Any]] = _store(hass, entry_id, "silences")
        self._hass = hass
        self._silences_saved_at = 0.0
        self._journal = Journal(
            hass, Path(f"{self._states.path}.journal"), lambda: self._save_later(LONG_DELAY)
        )
        self._cancel_save: CALLBACK_TYPE | None = None
        self._saves_at = 0.0
        self._cancel_final_save: CALLBACK_TYPE | None = None
        self._closed = False
        self._loaded_configs: dict[str, Any] = {}
        self._loaded_silences: dict[str, Any] = {}
        self._loaded_sessions: dict[str, Any] = {}
        self._loaded_states: dict[str, Any] = {}
        self._session_sources: dict[str, Callable[[], CommandRecord]] = {}
        self._state_sources: dict[str, Callable[[], VehicleState]] = {}
        self._followed_sources: dict[str, Callable[[], tuple[float, float]]] = {}
        self._habits_sources: dict[str, Callable[[], UsagePattern]] = {}
        self._silence_source: Callable[[], dict[str, Any]] | None = None

    async def load(self) -> None:
        """Read all files; one that holds something else is a fresh start."""
        self._loaded_configs = _records(await self._configs.async_load())
        self._loaded_sessions = _records(await self._sessions.async_load())
        self._loaded_states = _records(await self._states.async_load())
        self._loaded_silences = _records(await self._silences.async_load())
        for vin, told in (await self._journal.load()).items():
            saved = _records(self._loaded_states.get(vin))
            self._loaded_states[vin] = saved | joined(self.state(vin), told).as_dict()

    def command_record(self, vin: str, key: str) -> CommandRecord:
        """Return what was saved of a car's command channel, as far as it was with this key (by fingerprint)."""
        return CommandRecord.from_dict(self._loaded_sessions.get(vin), key)

    def state(self, vin: str) -> VehicleState:
        """Return what was last known of a car."""
        return VehicleState.from_dict(self._loaded_states.get(vin))

    def continuity(self, vin: str) -> tuple[float, float]:
        """Return until when a car's charging and its whereabouts were followed; 0.0 for never."""
        match self._loaded_states.get(vin):
            case {"followed": [int() | float() as charge, int() | float() as home]}:
                return charge, home
        return 0.0, 0.0

    def usage_pattern(self, vin: str) -> UsagePattern:
        """Return when a car is usually used."""
        return UsagePattern.from_dict(_records(self._loaded_states.get(vin)).get(USAGE_PATTERN))

    def config_record(self, vin: str) -> ConfigRecord:
        """Return what is remembered of a car's telemetry configuration."""
        return ConfigRecord.from_dict(self._loaded_configs.get(vin))

    @property
    def configured(self) -> tuple[str, ...]:
        """The VINs of the cars that hold a telemetry configuration of ours."""
        return tuple(vin for vin in self._loaded_configs if self.config_record(vin).fingerprint)

    @property
    def telemetry_vins(self) -> tuple[str, ...]:
        """The VINs of the cars of which something is remembered about telemetry."""
        return tuple(self._loaded_configs)

    async def save_config_record(self, vin: str, memory: ConfigRecord) -> None:
        """Save what is known of a car's telemetry configuration now: Tesla holds it from now on."""
        self._loaded_configs[vin] = memory.as_dict()
        if not self._closed:
            await self._configs.async_save(self._loaded_configs)

    @callback
    def attach(
        self, vin: str, memory: Callable[[], CommandRecord], state: Callable[[], VehicleState]
    ) -> None:
        """Say where a car's records come from when they are saved."""
        self._session_sources[vin] = memory
        self._state_sources[vin] = state

    @callback
    def attach_continuity(self, vin: str, source: Callable[[], tuple[float, float]]) -> None:
        """Say where it comes from until when a car was followed; saved whenever its state is."""
        self._followed_sources[vin] = source

    @callback
    def attach_usage_pattern(self, vin: str, source: Callable[[], UsagePattern]) -> None:
        """Say where a car's habits come from; saved whenever its state is."""
        self._habits_sources[vin] = source

    @callback
    def save_sessions(self) -> None:
        """Have the sessions saved soon, at the latest when Home Assistant stops."""
        if not self._closed:
            self._sessions.async_delay_save(self._session_data, SESSION_DELAY)

    @callback
    def keep(self, vin: str, part: VehicleState) -> asyncio.Future[bool]:
        """Keep that part of a car's state that has just changed.

        The future tells whether it survives from now on. It belongs to several: do not cancel it.
        """
        if self._closed:
            settled = self._hass.loop.create_future()
            settled.set_result(False)
            return settled
        self._save_later(STATE_DELAY)
        return self._journal.add(vin, part)

    @property
    def silences(self) -> dict[str, Any]:
        """What save_silences() had saved; nothing on the first run."""
        return self._loaded_silences

    @callback
    def save_silences(self, source: Callable[[], dict[str, Any]]) -> None:
        """Have it saved within SILENCE_DELAY for how long cars have been silent, and when Home Assistant stops."""
        self._silence_source = source
        now = self._hass.loop.time()
        if not self._closed and now >= self._silences_saved_at:
            self._silences_saved_at = now + SILENCE_DELAY
            self._silences.async_delay_save(source, SILENCE_DELAY)

    async def forget(self, vin: str) -> None:
        """Forget a car that left the account for good."""
        for records in (self._loaded_configs, self._loaded_sessions, self._loaded_states):
            records.pop(vin, None)
        self._session_sources.pop(vin, None)
        self._state_sources.pop(vin, None)
        self._followed_sources.pop(vin, None)
        self._habits_sources.pop(vin, None)
        if not self._closed:
            await self._configs.async_save(self._loaded_configs)
            await self._sessions.async_save(self._session_data())
            self._journal.forget(vin)
            await self._journal.empty(self._save_states)

    async def close(self) -> None:
        """Save everything now, and never again: what outlives its account must not bring them back."""
        self._closed = True
        for cancel in (self._cancel_save, self._cancel_final_save):
            if cancel is not None:
                cancel()
        self._cancel_save = self._cancel_final_save = None
        await self._sessions.async_save(self._session_data())
        await self._journal.empty(self._save_states)
        if self._silence_source is not None:
            await self._silences.async_save(self._silence_source())

    async def remove(self) -> None:
        """Delete all files."""
        await self._configs.async_remove()
        await self._sessions.async_remove()
        await self._states.async_remove()
        await self._silences.async_remove()
        await self._journal.remove()

    @callback
    def save_states(self) -> None:
        """Have the states saved in a while, at the latest when Home Assistant stops."""
        self._save_later(STATE_DELAY)

    @callback
    def _save_later(self, delay: float) -> None:
        """Have the states saved in so many seconds, at the latest when Home Assistant stops."""
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
        """Save the states as they are now; return whether they are saved.

        Store logs a failure and keeps it to itself: that the file is another one than before is the proof.
        """
        path = Path(self._states.path)
        before = await self._hass.async_add_executor_job(_file_id, path)
        await self._states.async_save(self._state_data())
        after = await self._hass.async_add_executor_job(_file_id, path)
        return after is not None and after != before

    def _session_data(self) -> dict[str, Any]:
        # a car that is not there today keeps its record
        return self._loaded_sessions | {
            vin: source().as_dict() for vin, source in self._session_sources.items()
        }

    def _state_data(self) -> dict[str, Any]:
        return self._loaded_states | {
            vin: source().as_dict() | self._followed_data(vin) | self._habits_data(vin)
            for vin, source in self._state_sources.items()
        }

    def _followed_data(self, vin: str) -> dict[str, Any]:
        source = self._followed_sources.get(vin)
        return {CONTINUITY: list(source())} if source else {}

    def _habits_data(self, vin: str) -> dict[str, Any]:
        source = self._habits_sources.get(vin)
        return {USAGE_PATTERN: source().as_dict()} if source else {}


def _records(loaded: object) -> dict[str, Any]:
    return loaded if isinstance(loaded, dict) else {}


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns)


def _store(hass: HomeAssistant, entry_id: str, kind: str) -> Store[dict[str, Any]]:
    return Store(hass, VERSION, f"{DOMAIN}.{entry_id}.{kind}", private=True, atomic_writes=True)
