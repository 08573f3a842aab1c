"""Cars that should push and do not: noticed by the free look at whether they are online, explained after a day.

Such a car is polled like any other in the meantime; it is never woken. The day is counted over restarts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .. import clock
from ..const import DOMAIN, LOGGER, STATE_INTERVAL
from ..coordinator import VehicleCoordinator
from ..fleet_api import Connectivity, FleetApiError, TelemetryConfigs
from ..fleet_telemetry import ConfigAnswerError, ReportedError, read_reported_errors
from ..issues.registry import car_issue_id
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.telemetry_status import TelemetryStage
from .settings import TelemetrySettings, Transport

ONLINE_FOR: Final = timedelta(minutes=15)
"""How long in all a car has to be seen online before its silence means anything: a connection takes minutes."""
SILENT_FOR: Final = timedelta(hours=24)
"""How long after it was first seen online without a push its owner is told."""
ASK_INTERVAL: Final = timedelta(hours=24)
"""Between two questions for what the car reported; each is billed."""
LONGEST_STEP: Final = 2 * STATE_INTERVAL
"""Between two looks the car counts as online, but not over a gap in the looking."""
SHOWN_ERRORS: Final = 3
SHOWN_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of the cars on one road, and what is said of those that do otherwise."""

    stages: frozenset[TelemetryStage]
    """Of a car that should be connected when it is online."""
    translation_key: str
    reported: bool
    """Whether cars report to Tesla why they do not connect; of somebody else's server that is not ours to ask."""


EXPECTATIONS: Final = {
    Transport.EMBEDDED: Expectation(
        frozenset({TelemetryStage.CONFIGURED, TelemetryStage.SYNCED}), "telemetry_silent", True
    ),
    Transport.MQTT: Expectation(
        frozenset({TelemetryStage.WAITING, TelemetryStage.SYNCED}), "telemetry_silent_mqtt", False
    ),
}


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a car has been silent; times are unix seconds."""

    since: float = 0.0
    """When it was first seen online without a push; 0 for never."""
    online: float = 0.0
    """Seconds that it was seen online since."""
    seen_at: float = 0.0
    """When it was seen online last, 0 if it is not online."""

    def look(self, now: float, *, online: bool) -> Silence:
        """Return what is known after another look at a car that has pushed nothing."""
        if not online:
            return replace(self, seen_at=0.0)
        if not self.since:
            return Silence(now, 0.0, now)
        step = now - self.seen_at if self.seen_at else 0.0
        lasted = step if 0 <= step <= LONGEST_STEP.total_seconds() else 0.0
        return Silence(min(self.since, now), self.online + lasted, now)

    def as_list(self) -> list[float]:
        """Return JSON-compatible values."""
        return [self.since, self.online, self.seen_at]

    @classmethod
    def from_list(cls, item: object) -> Silence:
        """Read back as_list(); anything else is a car that was not silent."""
        match item:
            case [int() | float() as since, int() | float() as online, int() | float() as seen_at]:
                return cls(since, online, seen_at)
        return cls()

    def calls_for_help(self, now: float) -> bool:
        """Whether it is time to tell somebody."""
        return (
            self.online > ONLINE_FOR.total_seconds()
            and now - self.since >= SILENT_FOR.total_seconds()
        )


class SilenceMonitor:
    """Watches the cars of one entry."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        configs: TelemetryConfigs,
        cars: dict[str, VehicleCoordinator],
        settings: TelemetrySettings,
        storage: VehicleStorage,
        listening: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing is watched yet; without `listening` here a car's silence says nothing."""
        self._hass = hass
        self._entry = entry
        self._configs = configs
        self._cars = cars
        self._settings = settings
        self._expectation = EXPECTATIONS[settings.transport]
        self._storage = storage
        self._listening = listening
        stored = storage.silences
        # elsewhere they may be heard: the day begins anew
        known = stored.get("cars") if stored.get("place") == self._place else None
        known = known if isinstance(known, dict) else {}
        self._known = known
        self._silences: dict[str, Silence] = {}
        self._asked_at: dict[str, float] = {}

    @callback
    def start(self) -> None:
        """Look whenever something was heard of a car, until the entry is unloaded."""
        for vin in self._cars:
            self.watch(vin)

    @callback
    def watch(self, vin: str) -> None:
        """Look at one car as well that has joined the account."""
        self._silences[vin] = Silence.from_list(self._known.get(vin))
        self._entry.async_on_unload(self._cars[vin].async_add_listener(partial(self._look, vin)))

    @property
    def _place(self) -> str:
        """Where the cars are expected."""
        settings = self._settings
        return f"{settings.transport} {settings.public_place} {settings.topic_base}"

    def _as_dict(self) -> dict[str, Any]:
        cars = {vin: silence.as_list() for vin, silence in self._silences.items()}
        return {"place": self._place, "cars": cars}

    def _note(self, vin: str, silence: Silence) -> None:
        if silence != self._silences[vin]:
            self._silences[vin] = silence
            self._storage.save_silences(self._as_dict)

    @callback
    def _look(self, vin: str) -> None:
        if vin not in self._cars:
            return
        car, silence = self._cars[vin], self._silences[vin]
        pushed = silence.since and (car.pushed_at or 0.0) >= silence.since
        if pushed or car.data.telemetry not in self._expectation.stages:
            self._note(vin, Silence())
            clear_silence(self._hass, vin)
            return
        now = clock.now()
        online = (
            self._listening()
            and car.last_update_success
            and car.data.connectivity is Connectivity.ONLINE
        )
        silence = silence.look(now, online=online)
        self._note(vin, silence)
        if silence.calls_for_help(now) and self._may_ask(vin, now):
            self._asked_at[vin] = now
            self._entry.async_create_background_task(
                self._hass, self._explain(vin), f"{DOMAIN} silence of {car.name}"
            )

    def _may_ask(self, vin: str, now: float) -> bool:
        asked_at = self._asked_at.get(vin)
        return asked_at is None or not 0 <= now - asked_at < ASK_INTERVAL.total_seconds()

    async def _explain(self, vin: str) -> None:
        """Tell the owner, with what the car itself reported to Tesla."""
        reported = await self._reported(vin) if self._expectation.reported else ()
        if vin not in self._cars or not self._silences[vin].since:
            return  # it spoke meanwhile, or left the account
        # the newest are first; what others wrote is shown as it is, not as markup
        texts = dict.fromkeys(
            error.detail.replace("`", "'").replace("\n", " ")[:SHOWN_LENGTH]
            for error in reported
            if error.vin in {None, vin}
        )
        self._cars[vin].report_error("; ".join(texts))
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            silence_issue_id(self._hass, vin),
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=self._expectation.translation_key,
            translation_placeholders={
                "car": self._cars[vin].vehicle_name,
                "errors": ", ".join(f"`{text}`" for text in list(texts)[:SHOWN_ERRORS]) or "-",
                "base": self._settings.topic_base,
            },
        )

    async def _reported(self, vin: str) -> tuple[ReportedError, ...]:
        try:
            return read_reported_errors(await self._configs.errors(vin))
        except (FleetApiError, ConfigAnswerError) as err:
            LOGGER.debug("What a silent car reported could not be asked: %s", err)
            return ()


def silence_issue_id(hass: HomeAssistant, vin: str) -> str:
    """Return the id of the repair issue about a silent car."""
    return car_issue_id(hass, "telemetry_silent", vin)


@callback
def clear_silence(hass: HomeAssistant, vin: str) -> None:
    """Take back what was said of a car, if anything was."""
    ir.async_delete_issue(hass, DOMAIN, silence_issue_id(hass, vin))
