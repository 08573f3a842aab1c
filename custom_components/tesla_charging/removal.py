"""Removing an entry: what is taken back from Tesla, what is left, and what the person is told and asked about it.

Home Assistant has no dialog for a removal, so a repair issue tells. It outlives a restart, but the last entry's does so
only as a text: without an entry Home Assistant does not load this integration, and shows its own confirmation instead of
LeftoversFlow (step `confirm` of the translations, which says how to delete the files by hand).
"""

import asyncio
from collections.abc import Iterable
import hashlib
from pathlib import Path
from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
import voluptuous as vol

from .account import devices_of
from .auth.authorization import async_get_authorization
from .auth.key_store import KEY_FILE, async_get_key_store
from .billing.budget_manager import async_get_budget
from .billing.meter_store import async_get_meter, async_get_meters
from .client import active_endpoints
from .const import CONF_IMPLEMENTATION, DOMAIN, LOGGER
from .fleet_api import FleetApiClient, TelemetryConfigs
from .storage.vehicle_store import VehicleStorage
from .telemetry.config_sync import remove_config
from .telemetry.server import DIRECTORY, erase_files, files_exist

LEFTOVERS: Final = "leftovers"
"""Id of the issue when the last entry is gone; the prefix of it while others remain."""
TIME_LIMIT: Final = 30.0
"""Seconds in which Tesla has to have taken everything back; the person waits for the removal."""
ACCOUNT_URL: Final = "https://accounts.tesla.com"
NOTHING: Final = "-"


async def async_remove_configs(
    hass: HomeAssistant, entry: ConfigEntry, storage: VehicleStorage, base_url: str
) -> set[str]:
    """Take back the telemetry configurations of a removed entry; return the VINs of the cars that still have theirs."""
    waiting = set(storage.configured)
    if not waiting:
        return waiting
    try:
        authorization = await async_get_authorization(hass, entry)
    except ImplementationUnavailableError, ValueError:
        return waiting  # the client id was deleted before
    meter = await async_get_meter(hass, authorization.implementation)
    configs = TelemetryConfigs(
        FleetApiClient(
            async_get_clientsession(hass),
            authorization,
            active_endpoints(),
            base_url,
            now=hass.loop.time,
            on_request=meter.add_request,
            permit=async_get_budget(hass, meter).permit_user,
        )
    )

    async def take(vin: str) -> None:
        if await remove_config(configs, vin, storage.config_record(vin).place):
            waiting.discard(vin)

    try:
        async with asyncio.timeout(TIME_LIMIT):
            await asyncio.gather(*(take(vin) for vin in storage.configured))
    except TimeoutError:
        LOGGER.warning("Tesla took too long to take the telemetry configurations back")
    return waiting


async def async_leave_meter(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Keep what the application used this month, as Tesla does, but not by which cars, unless others work with it."""
    application = entry.data.get(CONF_IMPLEMENTATION)
    if any(other.data.get(CONF_IMPLEMENTATION) == application for other in _entries(hass)):
        return
    try:
        implementation = await async_get_config_entry_implementation(hass, entry)
    except ImplementationUnavailableError, ValueError:
        return
    (await async_get_meter(hass, implementation)).anonymize_cars()


@callback
def async_report(hass: HomeAssistant, entry: ConfigEntry, unreached: Iterable[str]) -> None:
    """Tell what a removed entry leaves behind at Tesla and in the cars; call it while its devices are still known."""
    names = {
        vin: _name(vin, device.name_by_user or device.name)
        for vin, device in devices_of(hass, entry.entry_id).items()
    }
    is_last = not _entries(hass)
    ir.async_create_issue(
        hass,
        DOMAIN,
        LEFTOVERS if is_last else _account_issue_id(entry),
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=LEFTOVERS if is_last else f"{LEFTOVERS}_account",
        translation_placeholders={
            "cars": ", ".join(sorted(names.values())) or NOTHING,
            "unreached": ", ".join(sorted(names.get(vin, "Tesla") for vin in unreached)) or NOTHING,
            "account_url": ACCOUNT_URL,
            "key_file": KEY_FILE,
            "folder": DIRECTORY,
        },
    )


@callback
def async_clear(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take back what was told: the integration, or this account, was added again."""
    for issue_id in (LEFTOVERS, _account_issue_id(entry)):
        ir.async_delete_issue(hass, DOMAIN, issue_id)


class LeftoversFlow(RepairsFlow):
    """Tells how to take the rest back, and asks about the files when nobody needs them any more."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_instructions()

    async def async_step_instructions(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Tell how the virtual key and the consent are removed."""
        if user_input is None:
            return self._page("instructions")
        if self._placeholders.get("unreached", NOTHING) != NOTHING:
            return await self.async_step_unreached()
        return await self.async_step_files()

    async def async_step_unreached(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Tell which cars go on trying to connect, and how that ends."""
        if user_input is None:
            return self._page("unreached")
        return await self.async_step_files()

    async def async_step_files(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask what is to become of the files, if there are any that nobody needs."""
        if _entries(self.hass) or not await _have_files(self.hass):
            return self.async_create_entry(data={})
        return self.async_show_menu(
            step_id="files",
            menu_options=["keep", "erase"],
            description_placeholders=self._placeholders,
        )

    async def async_step_keep(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Leave the files where they are."""
        return self.async_create_entry(data={})

    async def async_step_erase(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Delete the files once the person has said so twice."""
        if user_input is None:
            return self._page("erase")
        try:
            # somebody may be adding the integration again right now
            if _entries(self.hass) or not await async_get_key_store(self.hass).erase():
                return self.async_abort(reason="in_use")
            await self.hass.async_add_executor_job(erase_files, _directory(self.hass))
            await (await async_get_meters(self.hass)).erase()
        except OSError as err:
            return self.async_abort(
                reason="not_erased",
                description_placeholders={**self._placeholders, "detail": err.strerror or "?"},
            )
        return self.async_create_entry(data={})

    def _page(self, step_id: str) -> RepairsFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=vol.Schema({}),
            description_placeholders=self._placeholders,
        )

    @property
    def _placeholders(self) -> dict[str, str]:
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return (issue.translation_placeholders if issue else None) or {}


def _name(vin: str, name: str | None) -> str:
    # an issue is part of the diagnostics that people publish
    return name if name and vin[-6:] not in name else "Tesla"


def _account_issue_id(entry: ConfigEntry) -> str:
    account = hashlib.sha256((entry.unique_id or entry.entry_id).encode())
    return f"{LEFTOVERS}_{account.hexdigest()[:16]}"


def _entries(hass: HomeAssistant) -> list[ConfigEntry]:
    return hass.config_entries.async_entries(DOMAIN, include_ignore=False)


def _directory(hass: HomeAssistant) -> Path:
    return Path(hass.config.path(DIRECTORY))


async def _have_files(hass: HomeAssistant) -> bool:
    return await async_get_key_store(hass).exists() or await hass.async_add_executor_job(
        files_exist, _directory(hass)
    )
