"""What is stored of a car's telemetry configuration, and when it has to be checked at Tesla again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..vehicle.telemetry_status import TelemetryDiagnosis, TelemetryProblem, TelemetryStage

HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
CHECK_INTERVAL: Final = DAY
"""Seconds between two checks of the configuration that Tesla has for a car, until the car follows it; each is billed."""
CONFIRMED_INTERVAL: Final = 7 * DAY
"""The same for a configuration that the car follows: the stream itself shows that it stands."""
RETRY_INTERVALS: Final[Mapping[TelemetryProblem, float]] = {
    TelemetryProblem.MISSING_KEY: HOUR,
    TelemetryProblem.MAX_CONFIGS: 6 * HOUR,
    TelemetryProblem.LIMIT_REACHED: 6 * HOUR,
    TelemetryProblem.UNSUPPORTED_HARDWARE: 7 * DAY,
}
"""Seconds until a refused configuration is sent again, which is billed: shorter where the user may have removed the cause.
For every other cause it is CHECK_INTERVAL."""
MAX_FIELDS: Final = 64


@dataclass(frozen=True, slots=True)
class ConfigRecord:
    """What is stored of one car's telemetry configuration."""

    fingerprint: str = ""
    """Of the configuration that Tesla accepted last, and of the key that signed it; empty for none."""
    checked_at: float = 0.0
    stage: TelemetryStage = TelemetryStage.WAITING
    problem: TelemetryProblem = TelemetryProblem.NONE
    """Why it was refused."""
    reason: str = ""
    """Tesla's own text of the refusal."""
    refused_fields: tuple[str, ...] = ()
    """The fields that Tesla refused by name."""
    refused_at: float = 0.0
    """When the first of them was refused, unix seconds."""
    complete: str = ""
    """Fingerprint of the configuration with the refused fields in it."""
    place: str = ""
    """Host and port to which the configuration makes the car connect; one with others is not from this entry."""
    firmware: str = ""
    """What Tesla told of the firmware of a car that slept, and had told nothing itself; empty if that was not requested."""

    @property
    def diagnosis(self) -> TelemetryDiagnosis:
        """The problem, as it is shown to the user."""
        return TelemetryDiagnosis(self.problem, self.reason, self.refused_fields)

    def validity_after(self, pushed_at: float) -> float:
        """Return the seconds after which the configuration is checked again, unless there is a reason to do it sooner.

        `pushed_at` is when the car pushed something last, unix seconds.
        """
        if self.stage is TelemetryStage.REFUSED:
            return RETRY_INTERVALS.get(self.problem, CHECK_INTERVAL)
        if self.stage is TelemetryStage.SYNCED or pushed_at > self.checked_at:
            return CONFIRMED_INTERVAL
        return CHECK_INTERVAL

    def is_due(self, wanted: str, now: float, validity: float) -> bool:
        """Return whether the configuration has to be checked, or the wanted one (by fingerprint) sent."""
        if wanted != self.fingerprint and self.stage is not TelemetryStage.REFUSED:
            return True
        return not 0 <= now - self.checked_at < validity

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values."""
        return {
            "fingerprint": self.fingerprint,
            "checked_at": self.checked_at,
            "stage": self.stage.value,
            "problem": self.problem.value,
            "reason": self.reason,
            "refused_fields": list(self.refused_fields),
            "refused_at": self.refused_at,
            "complete": self.complete,
            "place": self.place,
            # it came with version 0.2.0
            **({"firmware": self.firmware} if self.firmware else {}),
        }

    @classmethod
    def from_dict(cls, data: object) -> ConfigRecord:
        """Read back as_dict(); anything else gives an empty record, which costs two requests."""
        match {"firmware": "", **cls().as_dict(), **data} if isinstance(data, dict) else None:
            case {
                "fingerprint": str() as fingerprint,
                "checked_at": int() | float() as checked_at,
                "stage": str() as stage,
                "problem": str() as problem,
                "reason": str() as reason,
                "refused_fields": list() as refused,
                "refused_at": int() | float() as refused_at,
                "complete": str() as complete,
                "place": str() as place,
                "firmware": str() as firmware,
            } if stage in TelemetryStage and problem in TelemetryProblem:
                return cls(
                    fingerprint,
                    checked_at,
                    TelemetryStage(stage),
                    TelemetryProblem(problem),
                    reason,
                    tuple(str(name) for name in refused[:MAX_FIELDS]),
                    refused_at,
                    complete,
                    place,
                    firmware,
                )
        return cls()
