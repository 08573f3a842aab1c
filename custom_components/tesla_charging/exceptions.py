"""Errors and their translations: what the library rooms raise becomes what Home Assistant shows."""

from enum import StrEnum
import re
from typing import Final

from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed
from homeassistant.util import dt as dt_util

from .commands.queue import CommandExpired
from .commands.rate_limit import HOUR, LimitReached, Use
from .commands.wake import WakeUpPaused
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
    Scope,
    ServerFailure,
    SigningRequired,
    SigningUnsupported,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    VehicleInService,
    VehicleTimeout,
    VehicleUnsupported,
    WrongRegion,
)
from .vehicle_command import (
    AnswerLost,
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

PERMISSIONS: Final[dict[str, str]] = {
    Scope.VEHICLE_DEVICE_DATA: "Vehicle Information",
    Scope.VEHICLE_CHARGING_CMDS: "Vehicle Charging Management",
    Scope.VEHICLE_CMDS: "Vehicle Commands",
    Scope.VEHICLE_LOCATION: "Vehicle Location",
}
"""What Tesla's pages call its scopes."""


class Message(StrEnum):
    """The keys of all translated errors, in the translations under `exceptions`."""

    ACCOUNT_UNPAID = "account_unpaid"
    ASLEEP_NOT_ASKED = "asleep_not_asked"
    ASLEEP_UNREAD = "asleep_unread"
    CARS_FAILED = "cars_failed"
    CHARGE_NOW_SEVERAL_ENDS = "charge_now_several_ends"
    COMMAND_EXPIRED = "command_expired"
    COMMAND_UNSUPPORTED = "command_unsupported"
    CONSENT_REVOKED = "consent_revoked"
    CURRENT_ABOVE_CABLE = "current_above_cable"
    DEPARTURE_PAST = "departure_past"
    FIRMWARE_WITH_SCHEDULES = "firmware_with_schedules"
    FIRMWARE_WITHOUT_SCHEDULES = "firmware_without_schedules"
    INVALID_ANSWER = "invalid_answer"
    INVALID_CLIENT = "invalid_client"
    KEY_MISSING = "key_missing"
    KEY_NOT_PAIRED = "key_not_paired"
    KEY_UNREADABLE = "key_unreadable"
    LOGIN_REQUIRED = "login_required"
    MISSING_SCOPE = "missing_scope"
    MOBILE_ACCESS_DISABLED = "mobile_access_disabled"
    NO_DEPARTURE = "no_departure"
    NO_HOME_LOCATION = "no_home_location"
    NO_SOURCES = "no_sources"
    NO_SUCH_CAR = "no_such_car"
    NO_SUCH_SCHEDULE = "no_such_schedule"
    NOT_A_CAR = "not_a_car"
    NOT_AUTHORIZED = "not_authorized"
    NOT_PLUGGED_IN_AT_HOME = "not_plugged_in_at_home"
    NOT_REGISTERED = "not_registered"
    OFF_PEAK_WITHOUT_END = "off_peak_without_end"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OVER_BUDGET = "over_budget"
    OVER_BUDGET_AUTOMATION = "over_budget_automation"
    OVER_BUDGET_REFRESH = "over_budget_refresh"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    REFUSED_CABLE_CONNECTED = "refused_cable_connected"
    REFUSED_CAR_WASH = "refused_car_wash"
    REFUSED_CHARGE_PORT_LOCKED = "refused_charge_port_locked"
    REFUSED_COULD_NOT_WAKE_BUSES = "refused_could_not_wake_buses"
    REFUSED_DISCONNECTED = "refused_disconnected"
    REFUSED_INVALID_VALUE = "refused_invalid_value"
    REFUSED_LOW_POWER_MODE_ENFORCED = "refused_low_power_mode_enforced"
    REFUSED_NO_POWER = "refused_no_power"
    REFUSED_NON_MOTORIZED = "refused_non_motorized"
    REFUSED_NOT_ALLOWED = "refused_not_allowed"
    REFUSED_NOT_SUPPORTED = "refused_not_supported"
    SCHEDULE_WITHOUT_DAY = "schedule_without_day"
    SCHEDULE_WITHOUT_DURATION = "schedule_without_duration"
    SCHEDULE_WITHOUT_TIME = "schedule_without_time"
    SCHEDULED_WITHOUT_TIME = "scheduled_without_time"
    SCHEDULES_NOT_GIVEN = "schedules_not_given"
    REGION_UNKNOWN = "region_unknown"
    SERVER_FAILURE = "server_failure"
    SESSION_FAILED = "session_failed"
    SMART_CHARGING_OFF = "smart_charging_off"
    SIGN_IN_UNUSABLE = "sign_in_unusable"
    TELEMETRY_UNKNOWN = "telemetry_unknown"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105  a translation key
    TOO_OFTEN_ASKED = "too_often_asked"
    TOO_OFTEN_REPEATED = "too_often_repeated"
    TOO_OFTEN_TOLD = "too_often_told"
    TOO_OFTEN_WOKEN = "too_often_woken"
    UNEXPECTED = "unexpected"
    UNREACHABLE = "unreachable"
    VEHICLE_ASLEEP = "vehicle_asleep"
    VEHICLE_ASLEEP_UNTIL = "vehicle_asleep_until"
    VEHICLE_BUSY = "vehicle_busy"
    VEHICLE_IN_SERVICE = "vehicle_in_service"
    VEHICLE_NOT_FOUND = "vehicle_not_found"
    VEHICLE_TIMEOUT = "vehicle_timeout"
    WRONG_REGION = "wrong_region"


# Rows of (error, translation key); the first that fits an error is its translation.
_TRANSLATIONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ConsentRevoked, Message.CONSENT_REVOKED),
    (LoginRequired, Message.LOGIN_REQUIRED),
    (InvalidClient, Message.INVALID_CLIENT),
    (MissingScope, Message.MISSING_SCOPE),
    (MobileAccessDisabled, Message.MOBILE_ACCESS_DISABLED),
    (RemoteAccessDisabled, Message.MOBILE_ACCESS_DISABLED),
    (AccountUnpaid, Message.ACCOUNT_UNPAID),
    (AutomationOverBudget, Message.OVER_BUDGET_AUTOMATION),
    (RefreshOverBudget, Message.OVER_BUDGET_REFRESH),
    (OverBudget, Message.OVER_BUDGET),
    (RateLimited, Message.RATE_LIMITED),
    (WakeUpPaused, Message.VEHICLE_ASLEEP_UNTIL),
    (VehicleAsleep, Message.VEHICLE_ASLEEP),
    (VehicleInService, Message.VEHICLE_IN_SERVICE),
    (CommandExpired, Message.COMMAND_EXPIRED),
    (VehicleTimeout, Message.VEHICLE_TIMEOUT),
    (CarUnreachable, Message.VEHICLE_TIMEOUT),
    (VehicleBusy, Message.VEHICLE_BUSY),
    (KeyNotPaired, Message.KEY_NOT_PAIRED),
    (KeyDisabled, Message.KEY_NOT_PAIRED),
    (SigningRequired, Message.KEY_NOT_PAIRED),
    (NotAuthorized, Message.NOT_AUTHORIZED),
    (SigningUnsupported, Message.COMMAND_UNSUPPORTED),
    (CommandUnsupported, Message.COMMAND_UNSUPPORTED),
    (VehicleUnsupported, Message.COMMAND_UNSUPPORTED),
    (SessionOutOfSync, Message.SESSION_FAILED),
    (HandshakeFailed, Message.SESSION_FAILED),
    (NotRegistered, Message.NOT_REGISTERED),
    (WrongRegion, Message.WRONG_REGION),
    (NotFound, Message.VEHICLE_NOT_FOUND),
    (TokenRejected, Message.TOKEN_REJECTED),
    (Unreachable, Message.UNREACHABLE),
    (ServerFailure, Message.SERVER_FAILURE),
    (InvalidApiAnswer, Message.INVALID_ANSWER),
)

_TOO_OFTEN: Final = {
    Use.COMMAND: Message.TOO_OFTEN_TOLD,
    Use.REPEAT: Message.TOO_OFTEN_REPEATED,
    Use.WAKE: Message.TOO_OFTEN_WOKEN,
    Use.DATA: Message.TOO_OFTEN_ASKED,
}
"""The translation of a limit that was reached here, before Tesla was asked."""

_REFUSALS: Final = {
    message.removeprefix("refused_"): message
    for message in Message
    if message.startswith("refused_")
}
"""Tesla's reasons that have a message of their own, in lower case and with underscores."""
_SAME_REFUSAL: Final = {
    "command_not_implemented": Message.REFUSED_NOT_SUPPORTED,
    "invalid_command": Message.REFUSED_NOT_SUPPORTED,
}
"""Other words for the same."""


def translated(err: FleetApiError | VehicleCommandError) -> HomeAssistantError:
    """Return the error that Home Assistant shows for a failure."""
    err = _unanswered(err)
    key = next((key for kind, key in _TRANSLATIONS if isinstance(err, kind)), Message.UNEXPECTED)
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders(err),
    )


def too_often(err: LimitReached, car: str) -> HomeAssistantError:
    """Return the error for what was refused here, because the car was told or asked so often (`until` in unix seconds)."""
    limit = err.limit
    hours, minutes = f"{limit.seconds / HOUR:.0f} h", f"{limit.seconds / 60:.0f} min"
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=_TOO_OFTEN[limit.use],
        translation_placeholders={
            "car": car,
            "command": err.what,
            "count": str(limit.count),
            "period": hours if limit.seconds >= HOUR else minutes,
            "until": _local_time(err.until),
        },
    )


def _local_time(at: float) -> str:
    """Return a time (unix seconds) for the user; with its date if that is not today."""
    local = dt_util.as_local(dt_util.utc_from_timestamp(at))
    return f"{local:%H:%M}" if local.date() == dt_util.now().date() else f"{local:%Y-%m-%d %H:%M}"


def above_cable(wanted: float, used: float) -> str:
    """Return what a person is told whose car accepts a higher current than it will use."""
    note = HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=Message.CURRENT_ABOVE_CABLE,
        translation_placeholders={"wanted": f"{wanted:.0f}", "used": f"{used:.0f}"},
    )
    return str(note)


def _unanswered(err: FleetApiError | VehicleCommandError) -> FleetApiError | VehicleCommandError:
    """Return why nothing answered when a session was to be opened: that is no matter of trust. Else the failure itself."""
    lost = err.__cause__ if isinstance(err, HandshakeFailed) else None
    if not isinstance(lost, AnswerLost):
        return err
    return lost.__cause__ if isinstance(lost.__cause__, FleetApiError) else Unreachable(str(lost))


def asleep(key: Message, car: str) -> HomeAssistantError:
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
    return translated(err).translation_key or Message.UNEXPECTED


def placeholders(err: FleetApiError | VehicleCommandError) -> dict[str, str]:
    """Return what the translations of failures may mention."""
    seconds = err.retry_after if isinstance(err, RateLimited) else 0
    scopes = err.scopes if isinstance(err, MissingScope) else ()
    return {
        "detail": str(err) or type(err).__name__,
        "seconds": str(round(seconds)),
        "scopes": _permissions(scopes),
        "amount": err.amount if isinstance(err, OverBudget) else "?",
        "until": _until(err),
    }


def _permissions(scopes: tuple[str, ...]) -> str:
    """Return what Tesla's pages call the permissions, of two that both suffice the one that this integration requests."""
    enough = Scope.VEHICLE_CHARGING_CMDS in scopes
    wanted = [scope for scope in scopes if not (enough and scope == Scope.VEHICLE_CMDS)]
    return ", ".join(PERMISSIONS.get(scope, scope) for scope in wanted) or "?"


def _until(err: FleetApiError | VehicleCommandError) -> str:
    match err:
        case OverBudget():
            return err.until
        case WakeUpPaused():
            return _local_time(err.until)
    return "?"


def refusal(result: CommandResult) -> HomeAssistantError | None:
    """Return the error for a command that the car refused or whose outcome is unknown, None for success.

    One that a later command made superfluous is no error: the later one reports what became of it.
    """
    if result.achieved or result.outcome is Outcome.SUPERSEDED:
        return None
    if result.outcome is Outcome.UNKNOWN:
        key = Message.OUTCOME_UNKNOWN
    else:
        word = re.sub(r"[^a-z0-9]+", "_", result.reason.lower())
        key = _REFUSALS.get(word) or _SAME_REFUSAL.get(word, Message.REFUSED)
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"reason": result.reason or "?"},
    )
