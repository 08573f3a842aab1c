"""The one place where failures become words that a person reads.

The library rooms raise Tesla's meanings; here each gets its translation. Nothing else interprets them.
"""

from typing import Final

from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed
from homeassistant.util import dt as dt_util

from .commands.rate_limit import HOUR, LimitReached, Use
from .const import DOMAIN, STATE_INTERVAL
from .fleet_api import (
    PRICES,
    AccountUnpaid,
    AutomationOverBudget,
    Category,
    ConsentRevoked,
    FleetApiError,
    InvalidApiAnswer,
    InvalidClient,
    LoginRequired,
    MissingScope,
    MobileAccessDisabled,
    NotFound,
    NotRegistered,
    OverBudget,
    RateLimited,
    RefreshOverBudget,
    ServerFailure,
    SigningRequired,
    SigningUnsupported,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    VehicleTimeout,
    VehicleUnsupported,
    WrongRegion,
)
from .vehicle_command import (
    CarUnreachable,
    CommandResult,
    CommandUnsupported,
    HandshakeFailed,
    KeyDisabled,
    KeyNotPaired,
    NotAuthorized,
    Outcome,
    RemoteAccessDisabled,
    SessionOutOfSync,
    VehicleBusy,
    VehicleCommandError,
)

# Rows of (error, translation key); the first that fits an error is its translation.
_TRANSLATIONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ConsentRevoked, "consent_revoked"),
    (LoginRequired, "login_required"),
    (InvalidClient, "invalid_client"),
    (MissingScope, "missing_scope"),
    (MobileAccessDisabled, "mobile_access_disabled"),
    (RemoteAccessDisabled, "mobile_access_disabled"),
    (AccountUnpaid, "account_unpaid"),
    (AutomationOverBudget, "over_budget_automation"),
    (RefreshOverBudget, "over_budget_refresh"),
    (OverBudget, "over_budget"),
    (RateLimited, "rate_limited"),
    (VehicleAsleep, "vehicle_asleep"),
    (VehicleTimeout, "vehicle_timeout"),
    (CarUnreachable, "vehicle_timeout"),
    (VehicleBusy, "vehicle_busy"),
    (KeyNotPaired, "key_not_paired"),
    (KeyDisabled, "key_not_paired"),
    (SigningRequired, "key_not_paired"),
    (NotAuthorized, "not_authorized"),
    (SigningUnsupported, "command_unsupported"),
    (CommandUnsupported, "command_unsupported"),
    (VehicleUnsupported, "command_unsupported"),
    (SessionOutOfSync, "session_failed"),
    (HandshakeFailed, "session_failed"),
    (NotRegistered, "not_registered"),
    (WrongRegion, "wrong_region"),
    (NotFound, "vehicle_not_found"),
    (TokenRejected, "token_rejected"),
    (Unreachable, "unreachable"),
    (ServerFailure, "server_failure"),
    (InvalidApiAnswer, "invalid_answer"),
)

_TOO_OFTEN: Final = {
    Use.COMMAND: "too_often_told",
    Use.REPEAT: "too_often_repeated",
    Use.WAKE: "too_often_woken",
    Use.DATA: "too_often_asked",
}
"""The translation of a limit that was reached here, before Tesla was asked."""

_REFUSALS: Final = frozenset(
    {
        "disconnected",
        "no_power",
        "could_not_wake_buses",
        "low_power_mode_enforced",
        "charge_port_locked",
        "car_wash",
        "invalid_value",
        "not_supported",
    }
)
"""Tesla's reasons that have words of their own."""


def translated(err: FleetApiError | VehicleCommandError) -> HomeAssistantError:
    """Return the error that Home Assistant shows for a failure."""
    key = next((key for kind, key in _TRANSLATIONS if isinstance(err, kind)), "unexpected")
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders(err),
    )


def too_often(err: LimitReached, car: str) -> HomeAssistantError:
    """Return the error for what was refused here, because the car was told or asked so often (`until` in unix seconds)."""
    limit = err.limit
    hours, minutes = f"{limit.seconds / HOUR:.0f} h", f"{limit.seconds / 60:.0f} min"
    until = dt_util.as_local(dt_util.utc_from_timestamp(err.until))
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=_TOO_OFTEN[limit.use],
        translation_placeholders={
            "car": car,
            "command": err.what,
            "count": str(limit.count),
            "period": hours if limit.seconds >= HOUR else minutes,
            "until": f"{until:%H:%M}"
            if until.date() == dt_util.now().date()
            else f"{until:%Y-%m-%d %H:%M}",
        },
    )


def asleep(key: str, car: str) -> HomeAssistantError:
    """Return the error for what only a car that is awake can tell: it is not woken for it unasked."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"car": car, "price": f"{PRICES[Category.WAKE]:.2f}"},
    )


def update_failure(err: FleetApiError) -> ConfigEntryAuthFailed | UpdateFailed:
    """Return what a coordinator raises for a failure; only a new sign-in helps against some."""
    if isinstance(err, LoginRequired | MissingScope):
        return ConfigEntryAuthFailed(
            translation_domain=DOMAIN,
            translation_key=translation_key(err),
            translation_placeholders=placeholders(err),
        )
    # Home Assistant asks again after exactly that, at once after 0 seconds: never sooner than it does anyway
    wait = err.retry_after if isinstance(err, RateLimited) else 0.0
    return UpdateFailed(
        translation_domain=DOMAIN,
        translation_key=translation_key(err),
        translation_placeholders=placeholders(err),
        retry_after=wait if wait > STATE_INTERVAL.total_seconds() else None,
    )


def translation_key(err: FleetApiError | VehicleCommandError) -> str:
    """Return the translation key of a failure."""
    return translated(err).translation_key or "unexpected"


def placeholders(err: FleetApiError | VehicleCommandError) -> dict[str, str]:
    """Return what the translations of failures may mention."""
    seconds = err.retry_after if isinstance(err, RateLimited) else 0
    scopes = err.scopes if isinstance(err, MissingScope) else ()
    return {
        "detail": str(err) or type(err).__name__,
        "seconds": str(round(seconds)),
        "scopes": ", ".join(scopes) or "?",
        "amount": err.amount if isinstance(err, OverBudget) else "?",
        "until": err.until if isinstance(err, OverBudget) else "?",
    }


def refusal(result: CommandResult) -> HomeAssistantError | None:
    """Return the error for a command that the car refused or whose outcome is unknown, None for success."""
    if result.achieved:
        return None
    if result.outcome is Outcome.UNKNOWN:
        key = "outcome_unknown"
    else:
        word = result.reason.lower()
        key = f"refused_{word}" if word in _REFUSALS else "refused"
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"reason": result.reason or "?"},
    )
