"""Fix flows of repair issues: a page says what to do, and submitting it checks whether that has helped.

The check sends a request to Tesla or to the domain. What can only be fixed in the config flow (signing in, another
domain) continues there, and its issue stays open until that has succeeded.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    FlowType,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .auth.key_store import async_get_key_store
from .billing.budget_manager import amount_of
from .billing.meter_store import currency_of
from .client import active_endpoints, region_of
from .const import CONF_BASE_URL, CONF_BUDGET, CONF_CURRENCY, CONF_DOMAIN, DOMAIN
from .data import TeslaChargingConfigEntry
from .fleet_api import AccountUnpaid, FleetApiError, Region, Vehicles, price_list
from .issues.kinds import (
    ACCOUNT_UNPAID,
    BUDGET_BY_USER,
    BUDGET_NO_REFRESH,
    BUDGET_SPENT,
    DOMAIN_MOVED,
    KEY_NOT_PAIRED,
    KEY_NOT_SERVED,
    LEFTOVERS,
    MOBILE_ACCESS_DISABLED,
    NO_CHARGING_PERMISSION,
    NO_DATA_PERMISSION,
    NO_LOCATION_PERMISSION,
    NOT_REGISTERED,
    WRONG_REGION,
    IssueType,
    Success,
    issue_type_of,
)
from .issues.registry import async_get_issues
from .monitors.domain import check_domain
from .monitors.pairing import check_pairing
from .removal import LeftoversFlow
from .request_origin import RequestOrigin, requested_by
from .setup_flow.budget_steps import (
    amount_field,
    budget_words,
    is_amount,
    is_used_up,
    meter_of,
    share_budget,
    store_budget,
)
from .setup_flow.domain import KeyCheck, RegistrationError
from .setup_flow.qr_code import qr_image
from .setup_flow.registration import registrar_of
from .vehicle_command import InvalidKey, VirtualKey


class PageFlow(RepairsFlow, ABC):
    """One page about an issue of an entry, or of one of its cars (else the VIN is empty)."""

    def __init__(self, entry: TeslaChargingConfigEntry, vin: str) -> None:
        self.entry = entry
        self.vin = vin

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    @abstractmethod
    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show the page, or handle its submission."""

    @property
    def issue(self) -> ir.IssueEntry | None:
        """The issue of the page, None if it was cleared."""
        return ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)

    def show(self, error: RegistrationError | None = None) -> RepairsFlowResult:
        """Show the page, with an error if the problem is not solved."""
        if (issue := self.issue) is None:  # it was cleared while the page was open
            return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="confirm",
            data_schema=self.schema(),
            errors={"base": error.key} if error else {},
            description_placeholders={
                **(issue.translation_placeholders or {}),
                **self.more_placeholders(),
                "problem": (error.detail if error else "") or "-",
                "url": active_endpoints().key_url(self.entry.data[CONF_DOMAIN]),
            },
        )

    def schema(self) -> vol.Schema:
        """Return the page's fields."""
        return vol.Schema({})

    def more_placeholders(self) -> Mapping[str, str]:
        """Return placeholders in addition to those of the issue."""
        return {}


class CheckFlow(PageFlow):
    """A page that says what to do; submitting it checks whether it is done."""

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show what to do, or check whether it has helped."""
        if user_input is None or self.issue is None:
            return self.show()
        try:
            with requested_by(RequestOrigin.USER):
                await self.check()
        except RegistrationError as err:
            return self.show(err)
        except FleetApiError as err:
            return self.show(RegistrationError("cannot_check", str(err)))
        return self.async_create_entry(data={})

    @abstractmethod
    async def check(self) -> None:
        """Return if the problem is solved. Raises RegistrationError with the key of the remaining one, or FleetApiError."""

    async def vehicles(self) -> Vehicles:
        """Return the account's cars; set the entry up first if that failed before.

        Raises RegistrationError.
        """
        if self.entry.state is not ConfigEntryState.LOADED and self.entry.state.recoverable:
            await self.hass.config_entries.async_reload(self.entry.entry_id)
        if self.entry.state is not ConfigEntryState.LOADED:
            raise RegistrationError("not_set_up", self.entry.reason or "")
        return Vehicles(self.entry.runtime_data.client)

    async def key(self) -> VirtualKey:
        """Return the virtual key. Raises RegistrationError."""
        try:
            key = await async_get_key_store(self.hass).load()
        except (InvalidKey, OSError) as err:
            raise RegistrationError("key_unreadable", str(err)) from err
        if key is None:
            raise RegistrationError("key_unreadable")
        return key

    def refresh_cars(self) -> None:
        """Refresh the cars' data now, rather than in a few minutes."""
        for car in self.entry.runtime_data.cars.values():
            self.entry.async_create_background_task(
                self.hass, car.async_refresh(), f"{DOMAIN} data of {car.name}"
            )


class PairFlow(CheckFlow):
    """The key is not on a car's keychain."""

    @property
    def _link(self) -> str:
        return active_endpoints().pairing_link(self.entry.data[CONF_DOMAIN], self.vin)

    def more_placeholders(self) -> Mapping[str, str]:
        """Return the link, also as a QR code for another device's camera."""
        return {"link": self._link, "qr_code": qr_image(self._link)}

    async def check(self) -> None:
        """Request from Tesla whether the car is paired."""
        issues = async_get_issues(self.hass, self.entry)
        status = await check_pairing(await self.vehicles(), issues, self.vin)
        if status.needs_pairing:
            raise RegistrationError("not_paired", dt_util.now().strftime("%H:%M:%S"))


class MobileAccessFlow(CheckFlow):
    """Mobile access was switched off in the car."""

    async def check(self) -> None:
        """Request from Tesla whether mobile access is enabled."""
        if not await (await self.vehicles()).mobile_enabled(self.vin):
            raise RegistrationError("still_off", dt_util.now().strftime("%H:%M:%S"))
        async_get_issues(self.hass, self.entry).record_success(Success.REACHABLE, self.vin)
        self.refresh_cars()


class UnpaidFlow(CheckFlow):
    """Tesla stopped serving the application because of its unpaid bill."""

    async def check(self) -> None:
        """Request the list of cars, which is free; if only billed requests were refused, also send a billed one."""
        vehicles = await self.vehicles()
        try:
            await vehicles.list()
            vin = next(iter(self.entry.runtime_data.cars), None)
            if vin and async_get_issues(self.hass, self.entry).suspension.is_doubtful:
                await vehicles.mobile_enabled(vin, insist=True)
        except AccountUnpaid as err:
            raise RegistrationError("still_unpaid", err.detail) from err
        self.refresh_cars()


class RegisterFlow(CheckFlow):
    """The application is not registered where the account lives."""

    async def check(self) -> None:
        """Register in every region, the account's own first, and check whether Tesla serves the account now."""
        key, domain = await self.key(), self.entry.data[CONF_DOMAIN]
        try:
            implementation = await async_get_config_entry_implementation(self.hass, self.entry)
        except (ImplementationUnavailableError, ValueError) as err:
            raise RegistrationError("no_credentials") from err
        registrar = registrar_of(self.hass, implementation)
        await registrar.register(self._region, domain, key)
        await registrar.register_elsewhere(self._region, domain, key)
        async_get_issues(self.hass, self.entry).record_success(Success.KEY_SEEN)
        vehicles = await self.vehicles()
        await self.entry.runtime_data.client.find_region()
        await vehicles.list()
        self.refresh_cars()

    @property
    def _region(self) -> Region:
        """The region to which Tesla last assigned the account."""
        regions, base_url = active_endpoints().regions, self.entry.data.get(CONF_BASE_URL)
        return next(
            (region for region, url in regions.items() if url == base_url),
            region_of(self.entry) or Region.NA,
        )


class KeyServedFlow(CheckFlow):
    """Tesla cannot fetch the key from the domain."""

    async def check(self) -> None:
        """Check the domain now."""
        result = await check_domain(self.hass, self.entry, await self.key(), via_tesla=True)
        if result is not KeyCheck.OURS:
            raise RegistrationError(result.value)


class BudgetFlow(PageFlow):
    """The month's budget is used up, or nearly: the user may raise it on this page."""

    _warned: float | None = None
    """The amount of which the page has told that it is used up too."""
    _shown: float | None = None
    """What the user entered last."""
    _words: Mapping[str, str] = {}

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask for the amount, or store it for all entries that share the application."""
        prices = price_list(currency_of(self.hass, self.entry))
        try:
            meter = await meter_of(self.hass, self.entry)
        except ImplementationUnavailableError, ValueError:
            return self.async_abort(reason="no_credentials")
        self._words = budget_words(self.hass, meter, prices)
        if user_input is None or self.issue is None:
            self._shown = float(amount_of(self.hass, self.entry, prices))
            return self.show()
        given = self._shown = user_input[CONF_BUDGET]
        if not is_amount(given, prices):
            return self.show(RegistrationError("budget_out_of_range"))
        if is_used_up(Fraction(str(given)), prices, meter) and given != self._warned:
            self._warned = given
            return self.show(RegistrationError("budget_used_up"))
        options = {CONF_CURRENCY: prices.currency, CONF_BUDGET: given}
        share_budget(self.hass, self.entry, options)
        store_budget(self.hass, self.entry, options)
        return self.async_create_entry(data={})

    def schema(self) -> vol.Schema:
        """Show the amount."""
        field = vol.Required(CONF_BUDGET, description={"suggested_value": self._shown})
        return vol.Schema({field: amount_field()})

    def more_placeholders(self) -> Mapping[str, str]:
        """Return what the month has cost, and what may be entered."""
        return self._words


class HandOverFlow(PageFlow):
    """A problem that can only be fixed in the config flow; submitting the page continues there."""

    source: str

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show why, or continue in the config flow. The issue stays open until it is fixed."""
        if user_input is None or self.issue is None:
            return self.show()
        return self.async_abort(
            reason="continued", next_flow=(FlowType.CONFIG_FLOW, await self._flow_id())
        )

    async def _flow_id(self) -> str:
        """Return the flow that is in progress already, or start one."""
        for flow in self.entry.async_get_active_flows(self.hass, {self.source}):
            return flow["flow_id"]
        context = ConfigFlowContext(
            source=self.source,
            entry_id=self.entry.entry_id,
            title_placeholders={"name": self.entry.title},
            unique_id=self.entry.unique_id,
        )
        # a new sign-in starts with the entry's data, a reconfiguration with an empty page
        data = dict(self.entry.data) if self.source == SOURCE_REAUTH else None
        flow = await self.hass.config_entries.flow.async_init(DOMAIN, context=context, data=data)
        return flow["flow_id"]


class SignInFlow(HandOverFlow):
    """A permission is missing: Tesla asks the user for it only while signing in."""

    source = SOURCE_REAUTH


class ReconfigureFlow(HandOverFlow):
    """The domain has to be changed."""

    source = SOURCE_RECONFIGURE


FLOWS: Final[Mapping[IssueType, type[PageFlow]]] = {
    KEY_NOT_PAIRED: PairFlow,
    MOBILE_ACCESS_DISABLED: MobileAccessFlow,
    NO_DATA_PERMISSION: SignInFlow,
    NO_CHARGING_PERMISSION: SignInFlow,
    NO_LOCATION_PERMISSION: SignInFlow,
    NOT_REGISTERED: RegisterFlow,
    WRONG_REGION: RegisterFlow,
    ACCOUNT_UNPAID: UnpaidFlow,
    KEY_NOT_SERVED: KeyServedFlow,
    DOMAIN_MOVED: ReconfigureFlow,
    BUDGET_NO_REFRESH: BudgetFlow,
    BUDGET_BY_USER: BudgetFlow,
    BUDGET_SPENT: BudgetFlow,
}
"""The flow of every fixable issue type but LEFTOVERS and LEFTOVERS_ACCOUNT."""


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow for an issue; one that is not in the table, or whose entry is gone, is only confirmed."""
    if issue_id.startswith(LEFTOVERS.prefix):
        return LeftoversFlow()
    stored = data or {}
    issue_type = issue_type_of(stored.get("kind"))
    entry = hass.config_entries.async_get_entry(str(stored.get("entry_id")))
    if issue_type is None or entry is None:
        return ConfirmRepairFlow()
    return FLOWS[issue_type](entry, str(stored.get("vin") or ""))
