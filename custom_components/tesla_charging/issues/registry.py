"""Who is told of everything that happens to an entry, and tells its owner what is wrong.

Repair issues come by themselves when Tesla, a car or the network takes something away, and go by themselves when
something worked that could not have worked before.
"""

from datetime import timedelta
from typing import Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .. import clock
from ..const import CONF_DOMAIN, CONF_LOCATION, CONF_TOKEN, DOMAIN, PORTAL_URL
from ..fleet_api import (
    COMMAND_SCOPES,
    USERS_REGION,
    VEHICLE_DATA,
    FleetApiError,
    InvalidApiAnswer,
    Operation,
    Scope,
    Suspension,
    read_claims,
)
from ..listeners import Listeners
from .kinds import ISSUE_TYPES, RATE_LIMITED, IssueType, Success


@callback
def car_id(hass: HomeAssistant, vin: str) -> str:
    """Return what stands for a car in the id of an issue: stable, and not its VIN.

    Home Assistant writes the ids of all issues into every diagnostics download, which people publish. A hash of the VIN
    would not do: there are too few VINs.
    """
    devices = dr.async_get(hass).async_get_devices(identifiers={(DOMAIN, vin)})
    return min((device.id for device in devices), default="unknown")


@callback
def car_issue_id(hass: HomeAssistant, kind: str, vin: str) -> str:
    """Return the id of an issue about a car."""
    return f"{kind}_{car_id(hass, vin)}"


SHOWN_LENGTH: Final = 200


class EntryIssues:
    """The repair issues of one entry. It outlives set-ups that fail, so that it sees what lasts."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Nothing is wrong yet; what was wrong before a reload is in the issue registry."""
        self._hass = hass
        self._entry = entry
        self._names: dict[str, str] = {}
        self._since: dict[tuple[IssueType, str | None], float] = {}
        self._resting_until = float("-inf")
        self._grant: tuple[object, bool] | None = None
        self._telemetry_doubtful = False
        self.suspension = Suspension()
        """What is known of Tesla's bill; every client of the entry shares it."""
        self.telemetry_doubtful = Listeners[()]()
        """Notified when Tesla may have removed configurations while something was wrong that is over now."""
        self.stop: Final = async_dispatcher_connect(
            hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
        )
        """Follow the entry no more."""

    # -- what is told -------------------------------------------------------------------------------

    @callback
    def record_outcome(
        self, operation: Operation, vin: str | None, err: FleetApiError | None
    ) -> None:
        """Take note of what a request to Tesla came to."""
        if err is not None:
            self.record_failure(err, vin)
        elif operation is not USERS_REGION:  # which answers everybody
            self._review_grant()
            self.record_success(Success.ANSWERED)
            if not self.suspension.is_doubtful:
                self.record_success(Success.SERVED)
            if operation is VEHICLE_DATA:
                self.record_success(Success.DATA, vin)

    @callback
    def record_failure(self, err: Exception, vin: str | None = None) -> None:
        """Take note of a failure, of one car if a VIN is given."""
        for kind in ISSUE_TYPES:
            if kind.fits(err):
                self.raise_issue(kind, vin, str(err), getattr(err, "retry_after", 0.0))

    @callback
    def raise_issue(
        self,
        kind: IssueType,
        vin: str | None,
        detail: str = "",
        seconds: float = 0.0,
        *,
        count: int = 0,
    ) -> None:
        """Tell the owner of a kind of trouble, once it has lasted; `seconds` is how long it will.

        With a `count` of how often it happened, the owner is told anew of what is open already.
        """
        if self._is_silent or (kind.per_car and vin is None):
            return
        car = vin if kind.per_car else None
        now = clock.now()
        since = self._since.setdefault((kind, car), now)
        if kind is RATE_LIMITED:
            self._resting_until = max(self._resting_until, now + seconds)
        if not kind.shown or now - since < kind.lasting:
            return
        if self.is_open(kind, car) and not count:
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self.issue_id(kind, car),
            data={"kind": kind.key, "entry_id": self._entry.entry_id, "vin": car},
            is_fixable=kind.fixable,
            severity=kind.severity,
            translation_key=kind.key,
            translation_placeholders=self._placeholders(car, detail, seconds, count),
        )

    @callback
    def record_success(self, evidence: Success, vin: str | None = None) -> None:
        """Take note of something that worked, with one car if a VIN is given."""
        for kind in ISSUE_TYPES:
            if evidence in kind.cleared_by:
                self.clear(kind, vin)

    @callback
    def clear(self, kind: IssueType, vin: str | None = None) -> None:
        """Take back a kind of trouble that is over."""
        if kind is RATE_LIMITED and clock.now() < self._resting_until:
            return  # requests of another category go on meanwhile
        car = vin if kind.per_car else None
        issue_id = self.issue_id(kind, car)
        known = ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id)
        if known is not None:  # perhaps from before a restart, not shown again since
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        if self._since.pop((kind, car), None) is None and known is None:
            return
        if kind.takes_telemetry:
            self._telemetry_doubtful = True
            self.telemetry_doubtful.notify()

    @callback
    def set_car_name(self, vin: str, name: str) -> None:
        """Take note of what a car is called."""
        self._names[vin] = name

    # -- what is asked ------------------------------------------------------------------------------

    def is_open(self, kind: IssueType, vin: str | None = None) -> bool:
        """Whether the owner is being told of this."""
        issue_id = self.issue_id(kind, vin if kind.per_car else None)
        issue = ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id)
        return issue is not None and issue.active

    def issue_id(self, kind: IssueType, vin: str | None = None) -> str:
        """Return the id of an issue."""
        return "_".join(
            [kind.key, self._entry.entry_id, *([car_id(self._hass, vin)] if vin else [])]
        )

    def take_telemetry_doubt(self) -> bool:
        """Return, once, whether what Tesla holds for the cars may be gone."""
        doubtful, self._telemetry_doubtful = self._telemetry_doubtful, False
        return doubtful

    # -- how it works -------------------------------------------------------------------------------

    @property
    def _is_silent(self) -> bool:
        """Whether there is nobody to tell: a command may fail after its entry was removed or disabled."""
        known = self._hass.config_entries.async_get_entry(self._entry.entry_id)
        return known is None or known.disabled_by is not None

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        # an entry that could not be set up is never unloaded
        if entry is self._entry and entry.disabled_by is not None:
            self.forget()

    def _review_grant(self) -> None:
        """Compare what the sign-in grants with what is wanted, whenever there is a new token."""
        token = self._entry.data.get(CONF_TOKEN, {}).get("access_token")
        with_location = bool(self._entry.data.get(CONF_LOCATION, False))
        if self._grant == (token, with_location):
            return
        self._grant = (token, with_location)
        try:
            scopes = read_claims(str(token)).scopes
        except InvalidApiAnswer:
            return
        for kind in ISSUE_TYPES:
            if kind.scope is None:
                continue
            wanted = with_location or kind.scope is not Scope.VEHICLE_LOCATION
            enough = COMMAND_SCOPES if kind.scope in COMMAND_SCOPES else {kind.scope}
            if wanted and not enough & scopes:
                self.raise_issue(kind, None)
            else:
                self.clear(kind)

    def _placeholders(
        self, vin: str | None, detail: str, seconds: float, count: int
    ) -> dict[str, str]:
        # what others wrote is shown as it is, not as markup
        shown = detail.replace("`", "'").replace("\n", " ")[:SHOWN_LENGTH]
        now = dt_util.now()
        next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
        return {
            "account": self._entry.title,
            "count": str(count),
            "car": self._names.get(vin or "", f"Tesla {(vin or '')[-6:]}"),
            "detail": shown or "-",
            "domain": str(self._entry.data.get(CONF_DOMAIN, "")),
            "next_month": next_month.date().isoformat(),
            "portal_url": PORTAL_URL,
            "until": (now + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M"),
        }

    @callback
    def forget(self, vin: str | None = None) -> None:
        """Take everything back, or what concerns one car: it is gone, or the entry is disabled or removed."""
        for kind, car in [key for key in self._since if vin in {None, key[1]}]:
            del self._since[kind, car]
        ends = "_".join([self._entry.entry_id, *([car_id(self._hass, vin)] if vin else [])])
        for domain, issue_id in list(ir.async_get(self._hass).issues):
            if domain == DOMAIN and ends in issue_id:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)


DATA_ISSUES: Final[HassKey[dict[str, EntryIssues]]] = HassKey(f"{DOMAIN}_issues")


@callback
def async_get_issues(hass: HomeAssistant, entry: ConfigEntry) -> EntryIssues:
    """Return who is told of everything that happens to an entry; made on first use."""
    known = hass.data.setdefault(DATA_ISSUES, {})
    if entry.entry_id not in known:
        known[entry.entry_id] = EntryIssues(hass, entry)
    return known[entry.entry_id]


@callback
def async_remove_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget an entry that is removed."""
    issues = async_get_issues(hass, entry)
    issues.stop()
    issues.forget()
    del hass.data[DATA_ISSUES][entry.entry_id]
