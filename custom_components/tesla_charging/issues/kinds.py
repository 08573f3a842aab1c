"""What can be wrong in a way that a person has to know of: one table.

A sign-in that Tesla ended (password changed, consent revoked) is a row that is not shown: Home Assistant itself then
asks to sign in again, and the page of that flow explains why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from homeassistant.helpers import issue_registry as ir

from ..fleet_api import (
    AccountUnpaid,
    LoginRequired,
    MissingScope,
    MobileAccessDisabled,
    NotRegistered,
    RateLimited,
    Scope,
    WrongRegion,
)
from ..vehicle_command import KeyDisabled, KeyNotPaired, RemoteAccessDisabled

A_WHILE: Final = 60.0
"""Seconds after which something that is answered still is no passing glitch; cars are looked at every two minutes."""
LONG_REST: Final = 3600.0
"""Seconds of a rate limit from which on a person is told; lesser ones pass unnoticed."""


class Success(StrEnum):
    """What worked."""

    ANSWERED = "answered"
    """Tesla served the account."""
    SERVED = "served"
    """The same, and it was a billed request, or a free one after free ones were refused over the bill."""
    DATA = "data"
    """Tesla gave a car's data."""
    REACHABLE = "reachable"
    """Tesla says that the owner lets applications reach the car."""
    PAIRED = "paired"
    """Tesla says that the car has the key, or needs none."""
    COMMANDED = "commanded"
    """A car understood a command: it may have refused it, but it knows the key."""
    KEY_SEEN = "key_seen"
    """The key is where Tesla looks for it."""


type Fits = Callable[[Exception], bool]


def _is(*errors: type[Exception]) -> Fits:
    return lambda err: isinstance(err, errors)


def _lacks(scope: Scope) -> Fits:
    # a command's refusal names both scopes of which one is needed
    return lambda err: isinstance(err, MissingScope) and scope in err.scopes


def _rests_long(err: Exception) -> bool:
    return isinstance(err, RateLimited) and err.retry_after >= LONG_REST


def _refused_over_bill(err: Exception) -> bool:
    # without a status it is our own reminder of an earlier refusal, and proves nothing new
    return isinstance(err, AccountUnpaid) and err.status is not None


def _never(_: Exception) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class IssueType:
    """One row: what is wrong, by which error it shows, and what proves that it is over."""

    key: str
    """Of the translation, and the beginning of the issue's id."""
    fits: Fits
    cleared_by: frozenset[Success]
    per_car: bool = False
    severity: ir.IssueSeverity = ir.IssueSeverity.ERROR
    fixable: bool = True
    shown: bool = True
    lasting: float = 0.0
    """Seconds between the first and another such error, with nothing that worked in between, until it is told."""
    scope: Scope | None = None
    """The permission that is missing."""
    takes_telemetry: bool = False
    """Whether Tesla takes the cars' telemetry configurations away meanwhile, and does not put them back."""


KEY_NOT_PAIRED: Final = IssueType(
    "key_not_paired",
    _is(KeyNotPaired, KeyDisabled),
    frozenset({Success.PAIRED, Success.COMMANDED}),
    per_car=True,
    takes_telemetry=True,
)
MOBILE_ACCESS_DISABLED: Final = IssueType(
    "mobile_access_disabled",
    _is(MobileAccessDisabled, RemoteAccessDisabled),
    frozenset({Success.DATA, Success.COMMANDED, Success.REACHABLE}),
    per_car=True,
)
NO_DATA_PERMISSION: Final = IssueType(
    "permission_data",
    _lacks(Scope.VEHICLE_DEVICE_DATA),
    frozenset({Success.DATA}),
    scope=Scope.VEHICLE_DEVICE_DATA,
    takes_telemetry=True,
)
NO_CHARGING_PERMISSION: Final = IssueType(
    "permission_charging",
    _lacks(Scope.VEHICLE_CHARGING_CMDS),
    frozenset({Success.COMMANDED}),
    scope=Scope.VEHICLE_CHARGING_CMDS,
)
NO_LOCATION_PERMISSION: Final = IssueType(
    "permission_location",
    _lacks(Scope.VEHICLE_LOCATION),
    frozenset(),
    severity=ir.IssueSeverity.WARNING,
    scope=Scope.VEHICLE_LOCATION,
    takes_telemetry=True,
)
NOT_REGISTERED: Final = IssueType(
    "not_registered", _is(NotRegistered), frozenset({Success.ANSWERED}), lasting=A_WHILE
)
WRONG_REGION: Final = IssueType(
    "wrong_region", _is(WrongRegion), frozenset({Success.ANSWERED}), lasting=A_WHILE
)
ACCOUNT_UNPAID: Final = IssueType(
    "account_unpaid",
    _refused_over_bill,
    frozenset({Success.SERVED}),
    lasting=A_WHILE,
    takes_telemetry=True,
)
RATE_LIMITED: Final = IssueType(
    "rate_limited",
    _rests_long,
    frozenset({Success.ANSWERED}),
    severity=ir.IssueSeverity.WARNING,
    fixable=False,
)
RUNAWAY_COMMANDS: Final = IssueType(
    "runaway_commands",
    _never,
    frozenset(),
    per_car=True,
    severity=ir.IssueSeverity.WARNING,
    fixable=False,
)


def _budget(key: str) -> IssueType:
    return IssueType(key, _never, frozenset(), severity=ir.IssueSeverity.WARNING, fixable=False)


BUDGET_SLOWER: Final = _budget("budget_slower")
BUDGET_FEWER_FIELDS: Final = _budget("budget_fewer_fields")
BUDGET_NO_REFRESH: Final = _budget("budget_no_refresh")
BUDGET_BY_USER: Final = _budget("budget_by_hand")
BUDGET_SPENT: Final = _budget("budget_spent")
KEY_NOT_SERVED: Final = IssueType(
    "key_not_served",
    _never,
    frozenset({Success.KEY_SEEN}),
    severity=ir.IssueSeverity.WARNING,
)
DOMAIN_MOVED: Final = IssueType(
    "domain_moved",
    _never,
    frozenset({Success.KEY_SEEN}),
    severity=ir.IssueSeverity.WARNING,
)
SIGNED_OUT: Final = IssueType(
    "signed_out",
    _is(LoginRequired),
    frozenset({Success.ANSWERED}),
    shown=False,
    takes_telemetry=True,
)

ISSUE_TYPES: Final = (
    KEY_NOT_PAIRED,
    MOBILE_ACCESS_DISABLED,
    NO_DATA_PERMISSION,
    NO_CHARGING_PERMISSION,
    NO_LOCATION_PERMISSION,
    NOT_REGISTERED,
    WRONG_REGION,
    ACCOUNT_UNPAID,
    RATE_LIMITED,
    RUNAWAY_COMMANDS,
    BUDGET_SLOWER,
    BUDGET_FEWER_FIELDS,
    BUDGET_NO_REFRESH,
    BUDGET_BY_USER,
    BUDGET_SPENT,
    KEY_NOT_SERVED,
    DOMAIN_MOVED,
    SIGNED_OUT,
)


def issue_type_of(key: object) -> IssueType | None:
    """Return the row of a key."""
    return next((kind for kind in ISSUE_TYPES if kind.key == key), None)
