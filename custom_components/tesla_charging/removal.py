"""The repair issue about what a removed entry leaves behind: at Tesla, in the cars, and as files.

After the last entry's removal and a restart it is only a text, because Home Assistant does not load this integration: it
shows step `confirm` of the translations instead of LeftoversFlow.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
import voluptuous as vol

from .account import devices_of
from .auth.authorization import NO_AUTHORIZATION
from .auth.key_store import KEY_FILE, async_get_key_store
from .billing.meter_store import async_get_meter, async_get_meters
from .const import CONF_IMPLEMENTATION, DOMAIN
from .data import TeslaChargingConfigEntry
from .issues.kinds import LEFTOVERS, LEFTOVERS_ACCOUNT, Success
from .issues.registry import async_clear_issues, async_raise_issue
from .storage.loading import async_forget_deleted
from .telemetry.server import DIRECTORY, erase_files, files_exist

ACCOUNT_URL: Final = "https://accounts.tesla.com"
NOTHING: Final = "-"


async def async_leave_meter(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
    """Keep the application's usage of this month, as Tesla does, but not by car, unless other entries use it."""
    application = entry.data.get(CONF_IMPLEMENTATION)
    if any(other.data.get(CONF_IMPLEMENTATION) == application for other in _entries(hass)):
        return
    try:
        implementation = await async_get_config_entry_implementation(hass, entry)
    except NO_AUTHORIZATION:
        return
    (await async_get_meter(hass, implementation)).anonymize_cars()


@callback
def names_of(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> dict[str, str]:
    """Return the names of an entry's cars by VIN, without VINs in them; call it while its devices still exist."""
    return {
        vin: _name(vin, device.name_by_user or device.name)
        for vin, device in devices_of(hass, entry.entry_id).items()
    }


@callback
def async_report(
    hass: HomeAssistant,
    entry: TeslaChargingConfigEntry,
    unreached: Iterable[str],
    names: Mapping[str, str] | None = None,
) -> None:
    """Report what a removed entry leaves behind at Tesla and in its cars (their names by VIN, else those of its devices)."""
    if names is None:
        names = names_of(hass, entry)
    async_raise_issue(
        hass,
        LEFTOVERS_ACCOUNT if _entries(hass) else LEFTOVERS,
        {
            "cars": ", ".join(sorted(names.values())) or NOTHING,
            "unreached": ", ".join(sorted(names.get(vin, "Tesla") for vin in unreached)) or NOTHING,
            "account_url": ACCOUNT_URL,
            "key_file": KEY_FILE,
            "folder": DIRECTORY,
        },
        entry=entry,
    )


@callback
def async_clear(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> None:
    """Clear the issue: the integration, or this account, was added again."""
    async_clear_issues(hass, Success.ADDED, entry=entry)


class LeftoversFlow(RepairsFlow):
    """Explains how to remove the rest, and asks about the files when no entry needs them any more."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_instructions()

    async def async_step_instructions(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Explain how the virtual key and the consent are removed."""
        if user_input is None:
            return self._page("instructions")
        if self._placeholders.get("unreached", NOTHING) != NOTHING:
            return await self.async_step_unreached()
        return await self.async_step_files()

    async def async_step_unreached(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show which cars still try to connect, and how that ends."""
        if user_input is None:
            return self._page("unreached")
        return await self.async_step_files()

    async def async_step_files(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask whether to delete the files, if there are any that no entry needs."""
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
        """Delete the files once the user has confirmed it."""
        if user_input is None:
            return self._page("erase")
        erase_key = async_get_key_store(self.hass).erase
        erase_folder = partial(self.hass.async_add_executor_job, erase_files, _directory(self.hass))
        erase_meters = (await async_get_meters(self.hass)).erase
        failure: OSError | None = None
        for erase in (erase_key, erase_folder, erase_meters):
            # a config flow may be adding the integration again at the same time
            if _entries(self.hass):
                return self.async_abort(reason="in_use")
            try:
                if await erase() is False:
                    return self.async_abort(reason="in_use")
            except OSError as err:  # the others hold secrets, too
                failure = failure or err
        await async_forget_deleted(self.hass)
        if failure is not None:
            return self.async_abort(
                reason="not_erased",
                description_placeholders={**self._placeholders, "detail": failure.strerror or "?"},
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
    # an issue is part of the diagnostics that users publish
    return name if name and vin[-6:] not in name else "Tesla"


def _entries(hass: HomeAssistant) -> list[TeslaChargingConfigEntry]:
    return hass.config_entries.async_entries(DOMAIN, include_ignore=False)


def _directory(hass: HomeAssistant) -> Path:
    return Path(hass.config.path(DIRECTORY))


async def _have_files(hass: HomeAssistant) -> bool:
    return await async_get_key_store(hass).exists() or await hass.async_add_executor_job(
        files_exist, _directory(hass)
    )
