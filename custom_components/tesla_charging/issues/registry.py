"""The only module that raises and clears repair issues: by name, or from the outcome of requests and commands.

An issue appears when Tesla, a car or the network refuses something, and disappears when something succeeds that could
not have succeeded before.
"""

from collections.abc import Mapping
from datetime import timedelta
import hashlib
from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import CONF_DOMAIN, CONF_LOCATION, CONF_TOKEN, DOMAIN, LOGGER, PORTAL_URL
from ..fleet_api import (
    COMMAND_SCOPES,
    USERS_REGION,
    VEHICLE_DATA,
    FleetApiError,
    InvalidApiAnswer,
    Operation,
    RateLimited,
    Scope,
    Suspension,
    read_claims,
)
from ..listeners import Listeners
from .kinds import ISSUE_TYPES, RETIRED_PREFIXES, IssueScope, IssueType, Success

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


SHOWN_LENGTH: Final = 200
LONG_RATE_LIMIT: Final = 3600.0
"""Seconds of a rate limit from which it is logged; a shorter one is over before anybody reads it."""


def plain_text(text: str) -> str:
    """Return what others wrote without what Markdown would interpret inside of backquotes, and not too long."""
    return text.replace("`", "'").replace("\n", " ")[:SHOWN_LENGTH]


@callback
def car_id(hass: HomeAssistant, vin: str) -> str:
    """Return what stands for a car in the id of an issue: stable, and not its VIN.

    Home Assistant writes the ids of all issues into every diagnostics download, which users publish. A hash of the VIN
    would not do: there are too few VINs.
    """
    devices = dr.async_get(hass).async_get_devices(identifiers={(DOMAIN, vin)})
    return min((device.id for device in devices), default="unknown")


def _account_id(entry: TeslaChargingConfigEntry) -> str:
    account = hashlib.sha256((entry.unique_id or entry.entry_id).encode())
    return account.hexdigest()[:16]


@callback
def async_issue_id(
    hass: HomeAssistant,
    issue_type: IssueType,
    *,
    entry: TeslaChargingConfigEntry | None = None,
    vin: str | None = None,
) -> str:
    """Return the id of an issue. Raises ValueError if the entry or the VIN is missing that its scope needs."""
    match issue_type.scope, entry, vin:
        case IssueScope.HOME_ASSISTANT, _, _:
            subject = []
        case IssueScope.ACCOUNT, ConfigEntry(), _:
            subject = [_account_id(entry)]
        case IssueScope.ENTRY, ConfigEntry(), _:
            subject = [entry.entry_id]
        case IssueScope.ENTRY_CAR, ConfigEntry(), str():
            subject = [entry.entry_id, car_id(hass, vin)]
        case IssueScope.CAR, _, str():
            subject = [car_id(hass, vin)]
        case _:
            raise ValueError(f"{issue_type.key} needs an entry or a car: {issue_type.scope.name}")
    return "_".join([issue_type.prefix, *subject])


@callback
def async_raise_issue(
    hass: HomeAssistant,
    issue_type: IssueType,
    placeholders: dict[str, str],
    *,
    entry: TeslaChargingConfigEntry | None = None,
    vin: str | None = None,
    data: dict[str, str | int | float | None] | None = None,
) -> None:
    """Raise an issue, or update the open one; an issue that the user ignores stays ignored."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        async_issue_id(hass, issue_type, entry=entry, vin=vin),
        data=data,
        is_fixable=issue_type.fixable,
        is_persistent=issue_type.persistent,
        severity=issue_type.severity,
        translation_key=issue_type.key,
        translation_placeholders=placeholders,
    )


@callback
def async_clear_issue(
    hass: HomeAssistant,
    issue_type: IssueType,
    *,
    entry: TeslaChargingConfigEntry | None = None,
    vin: str | None = None,
) -> None:
    """Clear an issue; the user's choice to ignore it is forgotten."""
    ir.async_delete_issue(hass, DOMAIN, async_issue_id(hass, issue_type, entry=entry, vin=vin))


@callback
def async_clear_issues(
    hass: HomeAssistant,
    success: Success,
    *,
    entry: TeslaChargingConfigEntry | None = None,
    vin: str | None = None,
) -> None:
    """Clear all issues of an entry or a car which this proves to be over."""
    for issue_type in ISSUE_TYPES:
        if success in issue_type.cleared_by:
            async_clear_issue(hass, issue_type, entry=entry, vin=vin)


@callback
def async_clear_retired(hass: HomeAssistant) -> None:
    """Clear the issues that only earlier versions raised; some of them outlive a restart."""
    for domain, issue_id in [*ir.async_get(hass).issues]:
        if domain == DOMAIN and issue_id.startswith(RETIRED_PREFIXES):
            ir.async_delete_issue(hass, DOMAIN, issue_id)


class EntryIssues:
    """The repair issues of one entry that follow from outcomes.

    It is kept when a set-up fails, so that it knows how long a problem has lasted.
    """

    def __init__(self, hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
        """Issues from before a reload are in Home Assistant's issue registry."""
        self._hass = hass
        self._entry = entry
        self._names: dict[str, str] = {}
        self._since: dict[tuple[IssueType, str | None], float] = {}
        self._rate_limited_until = float("-inf")
        self._grant: tuple[object, bool] | None = None
        self._telemetry_doubtful = False
        self.suspension = Suspension()
        """What is known of the account's unpaid bill; every client of the entry shares it."""
        self.telemetry_doubtful = Listeners[()]()
        """Notified when Tesla may have removed telemetry configurations because of a problem that is over now."""
        self.stop: Final = async_dispatcher_connect(
            hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
        )
        """Stop following the entry."""

    # -- raise and clear ----------------------------------------------------------------------------

    @callback
    def record_outcome(
        self, operation: Operation, vin: str | None, err: FleetApiError | None
    ) -> None:
        """Record the outcome of a request to Tesla."""
        if err is not None:
            self.record_failure(err, vin)
        elif operation is not USERS_REGION:  # Tesla answers it to every account
            self._review_grant()
            self.record_success(Success.ANSWERED)
            if not self.suspension.is_doubtful:
                self.record_success(Success.SERVED)
            if operation is VEHICLE_DATA:
                self.record_success(Success.DATA, vin)

    @callback
    def record_failure(self, err: Exception, vin: str | None = None) -> None:
        """Record a failure, of one car if a VIN is given."""
        if isinstance(err, RateLimited) and err.retry_after >= LONG_RATE_LIMIT:
            self._log_rate_limit(err.retry_after)
        for issue_type in ISSUE_TYPES:
            if issue_type.matches(err):
                self.raise_issue(issue_type, vin, str(err))

    def _log_rate_limit(self, seconds: float) -> None:
        """Log a long rate limit, once until it is over."""
        now = clock.now()
        if now >= self._rate_limited_until:
            until = dt_util.as_local(dt_util.utc_from_timestamp(now + seconds))
            LOGGER.warning(
                "Tesla limits the requests of %s until %s",
                self._entry.title,
                f"{until:%Y-%m-%d %H:%M}",
            )
        self._rate_limited_until = max(self._rate_limited_until, now + seconds)

    @callback
    def raise_issue(
        self,
        issue_type: IssueType,
        vin: str | None,
        detail: str = "",
        *,
        count: int = 0,
    ) -> None:
        """Raise an issue if the problem has lasted long enough.

        With a `count` of how often it happened, an issue that is open already is updated.
        """
        if self._is_inactive or (issue_type.per_car and vin is None):
            return
        car = vin if issue_type.per_car else None
        now = clock.now()
        since = self._since.setdefault((issue_type, car), now)
        if not issue_type.shown or now - since < issue_type.lasting:
            return
        if self.is_open(issue_type, car) and not count:
            return
        async_raise_issue(
            self._hass,
            issue_type,
            self._placeholders(car, detail, count),
            entry=self._entry,
            vin=car,
            data={"kind": issue_type.key, "entry_id": self._entry.entry_id, "vin": car},
        )

    @callback
    def record_success(self, success: Success, vin: str | None = None) -> None:
        """Record something that succeeded, with one car if a VIN is given."""
        for issue_type in ISSUE_TYPES:
            if success in issue_type.cleared_by:
                self.clear(issue_type, vin)

    @callback
    def clear(self, issue_type: IssueType, vin: str | None = None) -> None:
        """Clear an issue whose problem is over."""
        if issue_type.per_car and vin is None:
            return
        car = vin if issue_type.per_car else None
        known = self._issue(issue_type, car)
        if known is not None:  # perhaps from before a restart, and not raised again since
            async_clear_issue(self._hass, issue_type, entry=self._entry, vin=car)
        if self._since.pop((issue_type, car), None) is None and known is None:
            return
        if issue_type.removes_telemetry:
            self._telemetry_doubtful = True
            self.telemetry_doubtful.notify()

    @callback
    def set_car_name(self, vin: str, name: str) -> None:
        """Set the name by which issues call a car."""
        self._names[vin] = name

    # -- read ---------------------------------------------------------------------------------------

    def is_open(self, issue_type: IssueType, vin: str | None = None) -> bool:
        """Whether the issue is open."""
        issue = self._issue(issue_type, vin)
        return issue is not None and issue.active

    def take_telemetry_doubt(self) -> bool:
        """Return, once, whether Tesla may have removed the cars' telemetry configurations."""
        doubtful, self._telemetry_doubtful = self._telemetry_doubtful, False
        return doubtful

    # -- private ------------------------------------------------------------------------------------

    def _issue(self, issue_type: IssueType, vin: str | None) -> ir.IssueEntry | None:
        """Return the entry of Home Assistant's registry; one that is ignored may be inactive."""
        issue_id = async_issue_id(self._hass, issue_type, entry=self._entry, vin=vin)
        return ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id)

    @property
    def _is_inactive(self) -> bool:
        """Whether no issue may be raised: a command may fail after its entry was removed or disabled."""
        known = self._hass.config_entries.async_get_entry(self._entry.entry_id)
        return known is None or known.disabled_by is not None

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: TeslaChargingConfigEntry) -> None:
        # an entry that could not be set up is never unloaded
        if entry is self._entry and entry.disabled_by is not None:
            self.forget()

    def _review_grant(self) -> None:
        """Compare the permissions that the sign-in grants with the wanted ones, whenever there is a new token."""
        stored = self._entry.data.get(CONF_TOKEN)
        token = stored.get("access_token") if isinstance(stored, Mapping) else None
        with_location = bool(self._entry.data.get(CONF_LOCATION, False))
        if self._grant == (token, with_location):
            return
        self._grant = (token, with_location)
        try:
            scopes = read_claims(str(token)).scopes
        except InvalidApiAnswer:
            return
        for issue_type in ISSUE_TYPES:
            if issue_type.permission is None:
                continue
            wanted = with_location or issue_type.permission is not Scope.VEHICLE_LOCATION
            enough = (
                COMMAND_SCOPES
                if issue_type.permission in COMMAND_SCOPES
                else {issue_type.permission}
            )
            if wanted and not enough & scopes:
                self.raise_issue(issue_type, None)
            else:
                self.clear(issue_type)

    def _placeholders(self, vin: str | None, detail: str, count: int) -> dict[str, str]:
        now = dt_util.now()
        next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
        return {
            "account": self._entry.title,
            "count": str(count),
            "car": self._names.get(vin or "", f"Tesla {(vin or '')[-6:]}"),
            "detail": plain_text(detail) or "-",
            "domain": str(self._entry.data.get(CONF_DOMAIN, "")),
            "next_month": next_month.date().isoformat(),
            "portal_url": PORTAL_URL,
        }

    @callback
    def forget(self, vin: str | None = None) -> None:
        """Clear all issues of the entry, or those of one car: it left, or the entry is disabled or removed."""
        for issue_type, car in [key for key in self._since if vin in {None, key[1]}]:
            del self._since[issue_type, car]
        ends = "_".join([self._entry.entry_id, *([car_id(self._hass, vin)] if vin else [])])
        for domain, issue_id in list(ir.async_get(self._hass).issues):
            if domain == DOMAIN and ends in issue_id:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)


DATA_ISSUES: Final[HassKey[dict[str, EntryIssues]]] = HassKey(f"{DOMAIN}_issues")


@callback
def async_get_issues(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> EntryIssues:
    """Return the issues of an entry; made on first use."""
    known = hass.data.setdefault(DATA_ISSUES, {})
    if entry.entry_id not in known:
        known[entry.entry_id] = EntryIssues(hass, entry)
    return known[entry.entry_id]


@callback
def async_remove_issues(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
    """Clear the issues of an entry that is removed."""
    issues = async_get_issues(hass, entry)
    issues.stop()
    issues.forget()
    del hass.data[DATA_ISSUES][entry.entry_id]
