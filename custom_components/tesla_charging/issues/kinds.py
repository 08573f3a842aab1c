"""Table of all repair issues: scope, severity, the error that shows the problem and what proves that it is over.

A sign-in that Tesla ended (password changed, consent revoked) is a row that is not shown: Home Assistant itself then
asks the user to sign in again, and the page of that flow explains why.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from homeassistant.helpers import issue_registry as ir

from ..fleet_api import (
    AccountUnpaid,
    LoginRequired,
    MissingScope,
    MobileAccessDisabled,
    NotRegistered,
    Scope,
    WrongRegion,
)
from ..vehicle_command import KeyDisabled, KeyNotPaired, RemoteAccessDisabled

LASTING: Final = 60.0
"""Seconds after which an error that Tesla still answers with is not temporary; cars are checked every two minutes."""


class IssueScope(Enum):
    """What an issue is about; its id contains this, and no VIN."""

    HOME_ASSISTANT = auto()
    """Home Assistant as a whole; there is one such issue at most."""
    ENTRY = auto()
    """A config entry."""
    ACCOUNT = auto()
    """A Tesla account, whose entry may have been removed."""
    ENTRY_CAR = auto()
    """A car of a config entry; another entry with the same car has its own issue."""
    CAR = auto()
    """A car, in whichever entries it is."""


class Success(StrEnum):
    """What proves that a problem is over."""

    ANSWERED = "answered"
    """Tesla served the account."""
    SERVED = "served"
    """The same, and it was a billed request, or a free one after free ones were refused over the bill."""
    DATA = "data"
    """Tesla sent a car's data."""
    REACHABLE = "reachable"
    """Tesla says that the owner lets applications reach the car."""
    PAIRED = "paired"
    """Tesla says that the car has the key, or needs none."""
    COMMANDED = "commanded"
    """A car understood a command: it may have refused it, but it knows the key."""
    KEY_SEEN = "key_seen"
    """The key is where Tesla looks for it."""
    LISTENING = "listening"
    """The telemetry receiver is open, or MQTT is subscribed to, or the entry needs neither."""
    CONFIG_ACCEPTED = "config_accepted"
    """Tesla accepted a car's telemetry configuration."""
    LOCATION_ACCEPTED = "location_accepted"
    """Tesla accepted the location in a car's telemetry configuration."""
    STREAM_UNWANTED = "stream_unwanted"
    """The car shall not stream to this Home Assistant any more."""
    PUSHED = "pushed"
    """The car pushed data, or is not expected to."""
    CERTIFICATE_VALID = "certificate_valid"
    """The user's certificate need not be renewed yet, or is not in use."""
    ADDED = "added"
    """The account was added, perhaps again."""


type ErrorFilter = Callable[[Exception], bool]


def _is(*errors: type[Exception]) -> ErrorFilter:
    return lambda err: isinstance(err, errors)


def _lacks(scope: Scope) -> ErrorFilter:
    # a refused command names both scopes; one of them is needed
    return lambda err: isinstance(err, MissingScope) and scope in err.scopes


def _refused_over_bill(err: Exception) -> bool:
    # without a status it is our own error after an earlier refusal, and proves nothing new
    return isinstance(err, AccountUnpaid) and err.status is not None


def _never(_: Exception) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class IssueType:
    """One row: what is wrong, by which error it shows, and what proves that it is over."""

    key: str
    """Of the translation."""
    cleared_by: frozenset[Success]
    """Empty if only the code that raised it knows that it is over, and clears it by its row."""
    _: KW_ONLY
    matches: ErrorFilter = _never
    """Whether an error of a request or command shows this; rows without it are raised by name."""
    scope: IssueScope = IssueScope.ENTRY
    id_prefix: str = ""
    """The beginning of the issue's id, the key if empty. Of rows with the same one, the last that was raised is open."""
    severity: ir.IssueSeverity = ir.IssueSeverity.ERROR
    fixable: bool = True
    persistent: bool = False
    """Whether Home Assistant shows it after a restart without its being raised again."""
    shown: bool = True
    lasting: float = 0.0
    """Seconds between the first and a later such error, with no success in between, until the issue is raised."""
    permission: Scope | None = None
    """The permission that is missing."""
    removes_telemetry: bool = False
    """Whether Tesla removes the cars' telemetry configurations meanwhile, and does not restore them."""

    @property
    def per_car(self) -> bool:
        """Whether there is one such issue per car."""
        return self.scope in {IssueScope.ENTRY_CAR, IssueScope.CAR}

    @property
    def prefix(self) -> str:
        """The beginning of the issue's id."""
        return self.id_prefix or self.key


KEY_NOT_PAIRED: Final = IssueType(
    "key_not_paired",
    frozenset({Success.PAIRED, Success.COMMANDED}),
    matches=_is(KeyNotPaired, KeyDisabled),
    scope=IssueScope.ENTRY_CAR,
    removes_telemetry=True,
)
MOBILE_ACCESS_DISABLED: Final = IssueType(
    "mobile_access_disabled",
    frozenset({Success.DATA, Success.COMMANDED, Success.REACHABLE}),
    matches=_is(MobileAccessDisabled, RemoteAccessDisabled),
    scope=IssueScope.ENTRY_CAR,
)
NO_DATA_PERMISSION: Final = IssueType(
    "permission_data",
    frozenset({Success.DATA}),
    matches=_lacks(Scope.VEHICLE_DEVICE_DATA),
    permission=Scope.VEHICLE_DEVICE_DATA,
    removes_telemetry=True,
)
NO_CHARGING_PERMISSION: Final = IssueType(
    "permission_charging",
    frozenset({Success.COMMANDED}),
    matches=_lacks(Scope.VEHICLE_CHARGING_CMDS),
    permission=Scope.VEHICLE_CHARGING_CMDS,
)
NO_LOCATION_PERMISSION: Final = IssueType(
    "permission_location",
    frozenset(),
    matches=_lacks(Scope.VEHICLE_LOCATION),
    severity=ir.IssueSeverity.WARNING,
    permission=Scope.VEHICLE_LOCATION,
    removes_telemetry=True,
)
NOT_REGISTERED: Final = IssueType(
    "not_registered",
    frozenset({Success.ANSWERED}),
    matches=_is(NotRegistered),
    lasting=LASTING,
)
WRONG_REGION: Final = IssueType(
    "wrong_region",
    frozenset({Success.ANSWERED}),
    matches=_is(WrongRegion),
    lasting=LASTING,
)
ACCOUNT_UNPAID: Final = IssueType(
    "account_unpaid",
    frozenset({Success.SERVED}),
    matches=_refused_over_bill,
    lasting=LASTING,
    removes_telemetry=True,
)
RUNAWAY_COMMANDS: Final = IssueType(
    "runaway_commands",
    frozenset(),
    scope=IssueScope.ENTRY_CAR,
    severity=ir.IssueSeverity.WARNING,
    fixable=False,
)


def _budget(key: str) -> IssueType:
    return IssueType(key, frozenset(), severity=ir.IssueSeverity.WARNING)


BUDGET_NO_REFRESH: Final = _budget("budget_no_refresh")
BUDGET_BY_USER: Final = _budget("budget_by_hand")
BUDGET_SPENT: Final = _budget("budget_spent")
KEY_NOT_SERVED: Final = IssueType(
    "key_not_served",
    frozenset({Success.KEY_SEEN}),
    severity=ir.IssueSeverity.WARNING,
)
DOMAIN_MOVED: Final = IssueType(
    "domain_moved",
    frozenset({Success.KEY_SEEN}),
    severity=ir.IssueSeverity.WARNING,
)
SIGNED_OUT: Final = IssueType(
    "signed_out",
    frozenset({Success.ANSWERED}),
    matches=_is(LoginRequired),
    shown=False,
    removes_telemetry=True,
)


def _receiver(key: str) -> IssueType:
    """Return a reason why nothing that cars push can be received."""
    return IssueType(key, frozenset({Success.LISTENING}), id_prefix="telemetry", fixable=False)


TELEMETRY_NO_MQTT: Final = _receiver("telemetry_no_mqtt")
RECEIVER_ISSUES: Final[Mapping[str, IssueType]] = {
    key: _receiver(key)
    for key in (
        "telemetry_port",
        "telemetry_certificate",
        "telemetry_no_vehicle_ca",
        "telemetry_other_place",
        "telemetry_files",
    )
}
"""By the key of the TelemetryServerError."""


def _refused(key: str, severity: ir.IssueSeverity) -> IssueType:
    """Return a reason why Tesla does not let a car stream; the translation says what helps."""
    return IssueType(
        key,
        frozenset({Success.CONFIG_ACCEPTED, Success.STREAM_UNWANTED}),
        scope=IssueScope.CAR,
        id_prefix="telemetry_refused",
        severity=severity,
        fixable=False,
    )


TELEMETRY_UNSUPPORTED_HARDWARE: Final = _refused(
    "telemetry_unsupported_hardware", ir.IssueSeverity.WARNING
)
TELEMETRY_UNSUPPORTED_FIRMWARE: Final = _refused(
    "telemetry_unsupported_firmware", ir.IssueSeverity.WARNING
)
TELEMETRY_MAX_CONFIGS: Final = _refused("telemetry_max_configs", ir.IssueSeverity.ERROR)
TELEMETRY_CONFIG_REFUSED: Final = _refused("telemetry_config_refused", ir.IssueSeverity.ERROR)
TELEMETRY_NO_LOCATION: Final = IssueType(
    "telemetry_no_location",
    frozenset({Success.LOCATION_ACCEPTED, Success.STREAM_UNWANTED}),
    scope=IssueScope.CAR,
    id_prefix="telemetry_location",
    severity=ir.IssueSeverity.WARNING,
    fixable=False,
    persistent=True,
)


def _silent(key: str) -> IssueType:
    return IssueType(
        key,
        frozenset({Success.PUSHED}),
        scope=IssueScope.CAR,
        id_prefix="telemetry_silent",
        severity=ir.IssueSeverity.WARNING,
        fixable=False,
    )


TELEMETRY_SILENT: Final = _silent("telemetry_silent")
TELEMETRY_SILENT_MQTT: Final = _silent("telemetry_silent_mqtt")


def _expiry(key: str, severity: ir.IssueSeverity) -> IssueType:
    """Return what is wrong with the date of the user's certificate."""
    return IssueType(
        key,
        frozenset({Success.CERTIFICATE_VALID}),
        scope=IssueScope.HOME_ASSISTANT,
        id_prefix="telemetry_certificate_expiry",
        severity=severity,
        fixable=False,
    )


TELEMETRY_FILES_EXPIRING: Final = _expiry("telemetry_files_expiring", ir.IssueSeverity.WARNING)
TELEMETRY_FILES_EXPIRED: Final = _expiry("telemetry_files_expired", ir.IssueSeverity.ERROR)
LEFTOVERS: Final = IssueType(
    "leftovers",
    frozenset({Success.ADDED}),
    scope=IssueScope.HOME_ASSISTANT,
    severity=ir.IssueSeverity.WARNING,
    persistent=True,
)
"""After the last entry was removed."""
LEFTOVERS_ACCOUNT: Final = IssueType(
    "leftovers_account",
    frozenset({Success.ADDED}),
    scope=IssueScope.ACCOUNT,
    id_prefix=LEFTOVERS.prefix,
    severity=ir.IssueSeverity.WARNING,
    persistent=True,
)
"""After an entry was removed while others remain."""
FILES_SET_ASIDE: Final = IssueType(
    "files_set_aside",
    frozenset(),
    scope=IssueScope.HOME_ASSISTANT,
    severity=ir.IssueSeverity.WARNING,
    fixable=False,
)
"""Stored files that could not be used; shown until Home Assistant restarts, because then new files are in use."""

PRICES_MISSING: Final = IssueType(
    "prices_missing", frozenset(), severity=ir.IssueSeverity.WARNING, fixable=False
)
"""Charging is planned with estimates meanwhile."""


def _simulator(key: str) -> IssueType:
    """Return what is to be known about the environment variable of the simulated Tesla."""
    return IssueType(
        key,
        frozenset(),
        scope=IssueScope.HOME_ASSISTANT,
        id_prefix="simulator",
        severity=ir.IssueSeverity.WARNING,
        fixable=False,
    )


SIMULATED_TESLA: Final = _simulator("simulated_tesla")
SIMULATOR_IGNORED: Final = _simulator("simulator_ignored")

ISSUE_TYPES: Final = (
    KEY_NOT_PAIRED,
    MOBILE_ACCESS_DISABLED,
    NO_DATA_PERMISSION,
    NO_CHARGING_PERMISSION,
    NO_LOCATION_PERMISSION,
    NOT_REGISTERED,
    WRONG_REGION,
    ACCOUNT_UNPAID,
    RUNAWAY_COMMANDS,
    BUDGET_NO_REFRESH,
    BUDGET_BY_USER,
    BUDGET_SPENT,
    KEY_NOT_SERVED,
    DOMAIN_MOVED,
    SIGNED_OUT,
    TELEMETRY_NO_MQTT,
    *RECEIVER_ISSUES.values(),
    TELEMETRY_UNSUPPORTED_HARDWARE,
    TELEMETRY_UNSUPPORTED_FIRMWARE,
    TELEMETRY_MAX_CONFIGS,
    TELEMETRY_CONFIG_REFUSED,
    TELEMETRY_NO_LOCATION,
    TELEMETRY_SILENT,
    TELEMETRY_SILENT_MQTT,
    TELEMETRY_FILES_EXPIRING,
    TELEMETRY_FILES_EXPIRED,
    LEFTOVERS,
    LEFTOVERS_ACCOUNT,
    FILES_SET_ASIDE,
    PRICES_MISSING,
    SIMULATED_TESLA,
    SIMULATOR_IGNORED,
)


def issue_type_of(key: object) -> IssueType | None:
    """Return the row of a translation key."""
    return next((row for row in ISSUE_TYPES if row.key == key), None)


RETIRED_PREFIXES: Final = (
    "budget_slower_",
    "budget_fewer_fields_",
    "rate_limited_",
    "telemetry_fields_",
)
"""The ids of issues that earlier versions raised begin so. They told of what no user can act on: now the sensors of the
budget and of the telemetry problem show it, and the log."""
