"""The status of a car's push channel: its stage, and why the car does not push its data or not all of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..fleet_api import AccountUnpaid, FleetApiError, MissingScope, OverBudget
from ..fleet_telemetry import SkippedReason


class TelemetryProblem(StrEnum):
    """Why a car does not push, or not all; the values are keys of translations."""

    NONE = "none"
    MISSING_KEY = "missing_key"
    """The car does not know the virtual key."""
    UNSUPPORTED_HARDWARE = "unsupported_hardware"
    UNSUPPORTED_FIRMWARE = "unsupported_firmware"
    MAX_CONFIGS = "max_configs"
    """Other applications use all the configurations that a car can have, and Tesla reports it at once."""
    LIMIT_REACHED = "limit_reached"
    """The same, but Tesla accepted the configuration and removed it without an error (fleet-telemetry#294)."""
    MISSING_SCOPE = "missing_scope"
    CONFIG_REFUSED = "config_refused"
    """Tesla says that the configuration is wrong."""
    ACCOUNT_UNPAID = "account_unpaid"
    BUDGET = "budget"
    """The month's budget does not suffice for it."""
    CANNOT_LISTEN = "cannot_listen"
    """The receiver could not be opened, so cars cannot connect."""
    OTHER = "other"
    """A reason of Tesla's that has no value here."""
    FIELDS_LEFT_OUT = "fields_left_out"
    """The car streams, without the fields that Tesla refused by name."""
    REPORTED_BY_CAR = "reported_by_car"
    """The car reports an error of its stream."""


@dataclass(frozen=True, slots=True)
class TelemetryDiagnosis:
    """The known problems of one car's push channel."""

    problem: TelemetryProblem = TelemetryProblem.NONE
    detail: str = ""
    """Tesla's error text."""
    left_out: tuple[str, ...] = ()
    """Fields that Tesla refused by name."""
    reported: str = ""
    """The last error that the car reported since it connected."""

    @property
    def shown(self) -> TelemetryProblem:
        """The problem to show if there are several: the most serious one."""
        if self.problem is not TelemetryProblem.NONE:
            return self.problem
        if self.reported:
            return TelemetryProblem.REPORTED_BY_CAR
        return TelemetryProblem.FIELDS_LEFT_OUT if self.left_out else TelemetryProblem.NONE


NO_PROBLEM: Final = TelemetryDiagnosis()
LOCATION: Final = "Location"
"""The field that Tesla refuses because a permission is missing, not because the car does not have it."""

SKIPPED: Final[dict[SkippedReason, TelemetryProblem]] = {
    SkippedReason.MISSING_KEY: TelemetryProblem.MISSING_KEY,
    SkippedReason.UNSUPPORTED_HARDWARE: TelemetryProblem.UNSUPPORTED_HARDWARE,
    SkippedReason.UNSUPPORTED_FIRMWARE: TelemetryProblem.UNSUPPORTED_FIRMWARE,
    SkippedReason.MAX_CONFIGS: TelemetryProblem.MAX_CONFIGS,
    SkippedReason.UNKNOWN: TelemetryProblem.OTHER,
}
"""The problem for each of Tesla's reasons to skip a car."""

_ERRORS: Final[tuple[tuple[type[FleetApiError], TelemetryProblem], ...]] = (
    (AccountUnpaid, TelemetryProblem.ACCOUNT_UNPAID),
    (OverBudget, TelemetryProblem.BUDGET),
    (MissingScope, TelemetryProblem.MISSING_SCOPE),
)


def problem_of(err: BaseException | None) -> TelemetryProblem:
    """Return the problem that a failed request shows; NONE for a temporary failure, an outage for instance."""
    return next(
        (problem for kind, problem in _ERRORS if isinstance(err, kind)), TelemetryProblem.NONE
    )


class TelemetryStage(StrEnum):
    """The stage that a car's push channel has reached."""

    OFF = "off"
    """Not wanted: data come by polling."""
    WAITING = "waiting"
    """Wanted; Tesla has not accepted the configuration yet."""
    REFUSED = "refused"
    """Tesla, or the car, refused the configuration."""
    CONFIGURED = "configured"
    """Tesla accepted it; the car has not fetched it yet."""
    SYNCED = "synced"
    """The car has fetched it; it connects when it is awake."""
    CONNECTED = "connected"
    """The car is connected now."""
