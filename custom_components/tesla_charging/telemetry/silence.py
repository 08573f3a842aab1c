"""Detects cars that are online and should push, but do not; a repair issue reports them after a day.

Whether a car is online is checked free of charge. A silent car is polled like any other meanwhile, and never woken. The
day is counted over restarts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import DOMAIN, LOGGER, STATE_INTERVAL
from ..coordinator import VehicleCoordinator
from ..fleet_api import Connectivity, FleetApiError, TelemetryConfigs
from ..fleet_telemetry import ConfigAnswerError, ReportedError, read_reported_errors
from ..issues.kinds import TELEMETRY_SILENT, TELEMETRY_SILENT_MQTT, IssueType, Success
from ..issues.registry import async_clear_issues, async_raise_issue, plain_text
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.telemetry_status import TelemetryStage
from .settings import TelemetrySettings, Transport

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


ONLINE_FOR: Final = timedelta(minutes=15)
"""How long in all a car has to be online before its silence means anything: connecting takes minutes."""
SILENT_FOR: Final = timedelta(hours=24)
"""How long after a car was first seen online without a push the issue is raised."""
REQUEST_INTERVAL: Final = timedelta(hours=24)
"""Between two requests for the errors that the car reported; each is billed."""
LONGEST_STEP: Final = 2 * STATE_INTERVAL
"""Between two checks the car counts as online, but not if they are further apart than this."""
SHOWN_ERRORS: Final = 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """When a car is expected to push over one transport, and the issue if it does not."""

    stages: frozenset[TelemetryStage]
    """Of a car that should be connected when it is online."""
    issue_type: IssueType
    reported: bool
    """Whether to request from Tesla which errors the cars report; not if another operator runs the server."""


EXPECTATIONS: Final = {
    Transport.EMBEDDED: Expectation(
        frozenset({TelemetryStage.CONFIGURED, TelemetryStage.SYNCED}), TELEMETRY_SILENT, True
    ),
    Transport.MQTT: Expectation(
        frozenset({TelemetryStage.WAITING, TelemetryStage.SYNCED}), TELEMETRY_SILENT_MQTT, False
    ),
}


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a car has been silent; times are unix seconds."""

    since: float = 0.0
    """When it was first seen online without a push; 0 for never."""
    online: float = 0.0
    """Seconds that it was online since."""
    seen_at: float = 0.0
    """When it was seen online last, 0 if it is not online."""

    def check(self, now: float, *, online: bool) -> Silence:
        """Return the silence after another check of a car that has pushed nothing."""
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

    def is_reportable(self, now: float) -> bool:
        """Whether the silence has lasted long enough to raise the issue."""
        return (
            self.online > ONLINE_FOR.total_seconds()
            and now - self.since >= SILENT_FOR.total_seconds()
        )


DATA_REQUESTS: Final[HassKey[dict[str, tuple[float, tuple[ReportedError, ...]]]]] = HassKey(
    f"{DOMAIN}_silence_requests"
)
"""By VIN: when the errors of a silent car were last requested (unix seconds, since Home Assistant's start), and their texts."""


class SilenceMonitor:
    """Monitors the cars of one entry."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: TeslaChargingConfigEntry,
        configs: TelemetryConfigs,
        cars: dict[str, VehicleCoordinator],
        settings: TelemetrySettings,
        storage: VehicleStorage,
        listening: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare; while `listening` returns False, nothing can be received, and a car's silence does not count."""
        self._hass = hass
        self._entry = entry
        self._configs = configs
        self._cars = cars
        self._settings = settings
        self._expectation = EXPECTATIONS[settings.transport]
        self._storage = storage
        self._listening = listening
        stored = storage.silences
        # cars may be able to reach another host, port or topic: the day begins again
        known = stored.get("cars") if stored.get("place") == self._place else None
        self._stored = known if isinstance(known, dict) else {}
        self._silences: dict[str, Silence] = {}
        # a reload of the entry repeats no request
        self._requests = hass.data.setdefault(DATA_REQUESTS, {})
        self._reported_vins: set[str] = set()

    @callback
    def start(self) -> None:
        """Check a car whenever its coordinator is updated, until the entry is unloaded."""
        for vin in self._cars:
            self.watch(vin)

    @callback
    def watch(self, vin: str) -> None:
        """Check one car; it may have joined the account later."""
        self._silences[vin] = Silence.from_list(self._stored.get(vin))
        self._entry.async_on_unload(self._cars[vin].async_add_listener(partial(self._check, vin)))

    @property
    def _place(self) -> str:
        """The transport, host, port and topic over which the cars are expected to push."""
        settings = self._settings
        return f"{settings.transport} {settings.public_place} {settings.topic_base}"

    def _as_dict(self) -> dict[str, Any]:
        cars = {vin: silence.as_list() for vin, silence in self._silences.items()}
        return {"place": self._place, "cars": cars}

    def _record(self, vin: str, silence: Silence) -> None:
        if silence != self._silences[vin]:
            self._silences[vin] = silence
            self._storage.save_silences(self._as_dict)

    @callback
    def _check(self, vin: str) -> None:
        if vin not in self._cars:
            return
        car, silence = self._cars[vin], self._silences[vin]
        pushed = silence.since and (car.pushed_at or 0.0) >= silence.since
        if pushed or car.data.telemetry not in self._expectation.stages:
            self._record(vin, Silence())
            async_clear_silence(self._hass, vin)
            return
        now = clock.now()
        online = (
            self._listening()
            and car.last_update_success
            and car.data.connectivity is Connectivity.ONLINE
        )
        silence = silence.check(now, online=online)
        self._record(vin, silence)
        if silence.is_reportable(now) and self._may_request(vin, now):
            self._requests[vin] = (now, ())
            self._reported_vins.add(vin)
            self._entry.async_create_background_task(
                self._hass, self._report(vin), f"{DOMAIN} silence of {car.name}"
            )
        elif silence.is_reportable(now) and vin not in self._reported_vins:
            # after a reload, with what was requested before it
            self._reported_vins.add(vin)
            self._show(vin, self._requests[vin][1])

    def _may_request(self, vin: str, now: float) -> bool:
        requested_at = self._requests[vin][0] if vin in self._requests else None
        return (
            requested_at is None or not 0 <= now - requested_at < REQUEST_INTERVAL.total_seconds()
        )

    async def _report(self, vin: str) -> None:
        """Raise the issue, with the errors that the car itself reported to Tesla."""
        reported = await self._reported(vin) if self._expectation.reported else ()
        if vin not in self._cars or not self._silences[vin].since:
            return  # it pushed meanwhile, or left the account
        # the newest are first
        own = (*(error for error in reported if error.vin in {None, vin}),)
        self._requests[vin] = (self._requests[vin][0], own)
        self._show(vin, own)

    @callback
    def _show(self, vin: str, errors: tuple[ReportedError, ...]) -> None:
        """Raise the issue with the errors that the car reported."""
        self._cars[vin].report_error(
            "; ".join(dict.fromkeys(plain_text(error.text) for error in errors))
        )
        quoted = [*dict.fromkeys(map(_quoted, errors))]
        async_raise_issue(
            self._hass,
            self._expectation.issue_type,
            {
                "car": self._cars[vin].vehicle_name,
                "errors": ", ".join(quoted[:SHOWN_ERRORS]) or "-",
                "base": self._settings.topic_base,
            },
            vin=vin,
        )

    async def _reported(self, vin: str) -> tuple[ReportedError, ...]:
        try:
            return read_reported_errors(await self._configs.errors(vin))
        except (FleetApiError, ConfigAnswerError) as err:
            LOGGER.debug("What a silent car reported could not be asked: %s", err)
            return ()


def _quoted(error: ReportedError) -> str:
    """Return an error's text, quoted as code in Markdown, with its kind if that is known too."""
    kind = f" (`{plain_text(error.error_name)}`)" if error.text != error.detail else ""
    return f"`{plain_text(error.detail)}`{kind}"


@callback
def async_clear_silence(hass: HomeAssistant, vin: str) -> None:
    """Clear the issue about a silent car."""
    async_clear_issues(hass, Success.PUSHED, vin=vin)
