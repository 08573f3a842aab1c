"""Why a car does not push its data, or not all of it: what the status of its push channel says beside the stage."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..fleet_api import AccountUnpaid, FleetApiError, MissingScope, OverBudget
from ..fleet_telemetry import SkippedReason


class TelemetryProblem(StrEnum):
    """What stands in the way; the values are keys of translations."""

    NONE = "none"
    MISSING_KEY = "missing_key"
    """The car does not know the virtual key."""
    UNSUPPORTED_HARDWARE = "unsupported_hardware"
    UNSUPPORTED_FIRMWARE = "unsupported_firmware"
    MAX_CONFIGS = "max_configs"
    """Other applications have taken all the places of the car, and Tesla says so at once."""
    LIMIT_REACHED = "limit_reached"
    """The same, but Tesla took the configuration and dropped it without a word (fleet-telemetry#294)."""
    MISSING_SCOPE = "missing_scope"
    CONFIG_REFUSED = "config_refused"
    """Tesla calls the configuration itself wrong."""
    ACCOUNT_UNPAID = "account_unpaid"
    BUDGET = "budget"
    """The month's budget does not pay for it."""
    CANNOT_LISTEN = "cannot_listen"
    """Cars find nobody here: the receiver could not be opened."""
    OTHER = "other"
    """A reason that has no name here."""
    FIELDS_LEFT_OUT = "fields_left_out"
    """The car streams, without the fields that Tesla refused by name."""
    REPORTED_BY_CAR = "reported_by_car"
    """The car itself complains about its stream."""


@dataclass(frozen=True, slots=True)
class TelemetryDiagnosis:
    """What is known of the problems of one car's push channel."""

    problem: TelemetryProblem = TelemetryProblem.NONE
    detail: str = ""
    """Tesla's own words."""
    left_out: tuple[str, ...] = ()
    """Fields that Tesla refused by name."""
    reported: str = ""
    """What the car itself complained about since it connected last."""

    @property
    def shown(self) -> TelemetryProblem:
        """The one to show when there are several: the greatest."""
        if self.problem is not TelemetryProblem.NONE:
            return self.problem
        if self.reported:
            return TelemetryProblem.REPORTED_BY_CAR
        return TelemetryProblem.FIELDS_LEFT_OUT if self.left_out else TelemetryProblem.NONE


NO_PROBLEM: Final = TelemetryDiagnosis()
LOCATION: Final = "Location"
"""The field that is refused for want of a permission, not because it is unknown."""

SKIPPED: Final[dict[SkippedReason, TelemetryProblem]] = {
    SkippedReason.MISSING_KEY: TelemetryProblem.MISSING_KEY,
    SkippedReason.UNSUPPORTED_HARDWARE: TelemetryProblem.UNSUPPORTED_HARDWARE,
    SkippedReason.UNSUPPORTED_FIRMWARE: TelemetryProblem.UNSUPPORTED_FIRMWARE,
    SkippedReason.MAX_CONFIGS: TelemetryProblem.MAX_CONFIGS,
    SkippedReason.UNKNOWN: TelemetryProblem.OTHER,
}
"""What Tesla's reasons for skipping a car are called here."""

_ERRORS: Final[tuple[tuple[type[FleetApiError], TelemetryProblem], ...]] = (
    (AccountUnpaid, TelemetryProblem.ACCOUNT_UNPAID),
    (OverBudget, TelemetryProblem.BUDGET),
    (MissingScope, TelemetryProblem.MISSING_SCOPE),
)


def problem_of(err: BaseException | None) -> TelemetryProblem:
    """Return what a failed request says about the push channel; NONE for what passes, an outage for instance."""
    return next(
        (problem for kind, problem in _ERRORS if isinstance(err, kind)), TelemetryProblem.NONE
    )


class TelemetryStage(StrEnum):
    """How far a car's push channel has come."""

    OFF = "off"
    """Not wanted: data come by polling."""
    WAITING = "waiting"
    """Wanted; Tesla has not taken the configuration yet."""
    REFUSED = "refused"
    """Tesla, or the car, did not take the configuration."""
    CONFIGURED = "configured"
    """Tesla took it, the car has not fetched it."""
    SYNCED = "synced"
    """The car has fetched it; it connects when it is awake."""
    CONNECTED = "connected"
    """The car is connected now."""
