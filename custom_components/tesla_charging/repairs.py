"""What a person is led through to put something right: a page says what to do, submitting it checks whether it helped.

Nothing is closed on a promise: Tesla, the car or the domain is asked. What can only be put right in the integration's
own flow (signing in, another domain) leads there, and its issue stays until that has worked.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
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
from homeassistant.helpers.selector import (
    QrCodeSelector,
    QrCodeSelectorConfig,
    QrErrorCorrectionLevel,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .auth.key_store import async_get_key_store
from .client import active_endpoints
from .const import CONF_BASE_URL, CONF_DOMAIN, CONF_REGION, DOMAIN
from .data import TeslaChargingConfigEntry
from .fleet_api import AccountUnpaid, FleetApiError, Region, Vehicles
from .issues.kinds import (
    ACCOUNT_UNPAID,
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
from .setup_flow.domain import KeyCheck, RegistrationError
from .setup_flow.registration import registrar_of
from .vehicle_command import InvalidKey, VirtualKey


class PageFlow(RepairsFlow, ABC):
    """One page about something of an entry, perhaps of one of its cars (else the VIN is empty)."""

    def __init__(self, entry: TeslaChargingConfigEntry, vin: str) -> None:
        """Repair something of this."""
        self.entry = entry
        self.vin = vin

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    @abstractmethod
    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show the page, and do what submitting it means."""

    @property
    def issue(self) -> ir.IssueEntry | None:
        """What the page is about, None if that is over."""
        return ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)

    def show(self, error: RegistrationError | None = None) -> RepairsFlowResult:
        """Show the page, with what is still wrong."""
        if (issue := self.issue) is None:  # it went by itself while the page was open
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
        """Return what the page mentions beside the issue's own."""
        return {}


class CheckFlow(PageFlow):
    """A page that says what to do; submitting it checks."""

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Say what to do, and whether it has helped."""
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
        """Return if all is well. Raises OnboardingError with the key of what is not, or FleetApiError."""

    async def vehicles(self) -> Vehicles:
        """Return the account's cars, setting the entry up first if Tesla did not let it be before.

        Raises OnboardingError.
        """
        if self.entry.state is not ConfigEntryState.LOADED and self.entry.state.recoverable:
            await self.hass.config_entries.async_reload(self.entry.entry_id)
        if self.entry.state is not ConfigEntryState.LOADED:
            raise RegistrationError("not_set_up", self.entry.reason or "")
        return Vehicles(self.entry.runtime_data.client)

    async def key(self) -> VirtualKey:
        """Return the virtual key. Raises OnboardingError."""
        try:
            key = await async_get_key_store(self.hass).load()
        except (InvalidKey, OSError) as err:
            raise RegistrationError("key_unreadable", str(err)) from err
        if key is None:
            raise RegistrationError("key_unreadable")
        return key

    def look_at_cars(self) -> None:
        """Have the cars looked at now, rather than in a few minutes."""
        for car in self.entry.runtime_data.cars.values():
            self.entry.async_create_background_task(
                self.hass, car.async_refresh(), f"{DOMAIN} data of {car.name}"
            )


class PairFlow(CheckFlow):
    """The key is not on a car's keychain."""

    @property
    def _link(self) -> str:
        return active_endpoints().pairing_link(self.entry.data[CONF_DOMAIN], self.vin)

    def schema(self) -> vol.Schema:
        """Show the link for another device's camera."""
        code = QrCodeSelectorConfig(
            data=self._link, scale=5, error_correction_level=QrErrorCorrectionLevel.QUARTILE
        )
        return vol.Schema({vol.Optional("qr_code"): QrCodeSelector(code)})

    def more_placeholders(self) -> Mapping[str, str]:
        """Mention the link."""
        return {"link": self._link}

    async def check(self) -> None:
        """Ask Tesla."""
        issues = async_get_issues(self.hass, self.entry)
        status = await check_pairing(await self.vehicles(), issues, self.vin)
        if status.needs_pairing:
            raise RegistrationError("not_paired", dt_util.now().strftime("%H:%M:%S"))


class MobileAccessFlow(CheckFlow):
    """The owner switched mobile access off in the car."""

    async def check(self) -> None:
        """Ask Tesla."""
        if not await (await self.vehicles()).mobile_enabled(self.vin):
            raise RegistrationError("still_off", dt_util.now().strftime("%H:%M:%S"))
        async_get_issues(self.hass, self.entry).record_success(Success.REACHABLE, self.vin)
        self.look_at_cars()


class UnpaidFlow(CheckFlow):
    """Tesla stopped serving the application over its bill."""

    async def check(self) -> None:
        """Ask for the list of cars, which is free; if only what is billed was refused, for something that is."""
        vehicles = await self.vehicles()
        try:
            await vehicles.list()
            vin = next(iter(self.entry.runtime_data.cars), None)
            if vin and async_get_issues(self.hass, self.entry).suspension.is_doubtful:
                await vehicles.mobile_enabled(vin, insist=True)
        except AccountUnpaid as err:
            raise RegistrationError("still_unpaid", err.detail) from err
        self.look_at_cars()


class RegisterFlow(CheckFlow):
    """The application is not registered where the account lives."""

    async def check(self) -> None:
        """Register in every region, the account's own first, and see whether Tesla serves the account now."""
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
        self.look_at_cars()

    @property
    def _region(self) -> Region:
        """Where Tesla last said that the account lives."""
        regions, base_url = active_endpoints().regions, self.entry.data.get(CONF_BASE_URL)
        return next(
            (region for region, url in regions.items() if url == base_url),
            Region(self.entry.data[CONF_REGION]),
        )


class KeyServedFlow(CheckFlow):
    """Tesla cannot fetch the key from the domain."""

    async def check(self) -> None:
        """Look there now."""
        sighting = await check_domain(self.hass, self.entry, await self.key(), ask_tesla=True)
        if sighting is not KeyCheck.OURS:
            raise RegistrationError(sighting.value)


class HandOverFlow(PageFlow):
    """What can only be put right in the integration's own flow; submitting the page leads there."""

    source: str

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Say why, then lead there. The issue stays until it is put right."""
        if user_input is None or self.issue is None:
            return self.show()
        return self.async_abort(
            reason="continued", next_flow=(FlowType.CONFIG_FLOW, await self._flow_id())
        )

    async def _flow_id(self) -> str:
        """Return the flow that is under way already, or begin one."""
        for flow in self.entry.async_get_active_flows(self.hass, {self.source}):
            return flow["flow_id"]
        context = ConfigFlowContext(
            source=self.source,
            entry_id=self.entry.entry_id,
            title_placeholders={"name": self.entry.title},
            unique_id=self.entry.unique_id,
        )
        # a new sign-in begins with what the entry knows, a reconfiguration with an empty page
        data = dict(self.entry.data) if self.source == SOURCE_REAUTH else None
        flow = await self.hass.config_entries.flow.async_init(DOMAIN, context=context, data=data)
        return flow["flow_id"]


class SignInFlow(HandOverFlow):
    """A permission is missing: Tesla asks for it only while somebody signs in."""

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
}
"""The flow of every fixable kind of issue."""


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow for an issue; one that is not of our table is merely confirmed."""
    if issue_id.startswith(LEFTOVERS.prefix):
        return LeftoversFlow()
    known = data or {}
    kind = issue_type_of(known.get("kind"))
    entry = hass.config_entries.async_get_entry(str(known.get("entry_id")))
    if kind is None or entry is None:
        return ConfirmRepairFlow()
    return FLOWS[kind](entry, str(known.get("vin") or ""))
