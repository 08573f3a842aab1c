"""The options flow: how data come from the cars, the monthly budget, what decides whether a car is at home, and sources."""

from typing import Any, override

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation

from ..const import CONF_DOMAIN, CONF_LOCATION, LOGGER
from ..data import TeslaChargingConfigEntry
from ..telemetry.settings import TelemetrySettings
from .budget_steps import BudgetSteps
from .home_steps import HomeSteps
from .source_steps import SourceSteps
from .telemetry_steps import TelemetrySteps


class TeslaChargingOptionsFlow(
    TelemetrySteps, BudgetSteps, HomeSteps, SourceSteps, OptionsFlowWithReload
):
    """Changes the options of an entry, which is reloaded with them."""

    @property
    @override
    def _entry(self) -> TeslaChargingConfigEntry:
        """The entry that is changed."""
        return self.config_entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose what to change; everything else stays."""
        entry = self._entry
        self._domain = entry.data[CONF_DOMAIN]
        self._with_location = entry.data.get(CONF_LOCATION, False)
        self._telemetry = TelemetrySettings.from_options(entry.options)
        options = ["telemetry", "budget", "home", "sources"]
        try:
            await async_get_config_entry_implementation(self.hass, entry)
        except (ImplementationUnavailableError, ValueError) as err:
            # the bill is that of the application
            LOGGER.warning("The application of this account is not there any more: %s", err)
            options.remove("budget")
        return self.async_show_menu(step_id="init", menu_options=options)

    @override
    async def _telemetry_chosen(self) -> ConfigFlowResult:
        return await self._set_options(self._telemetry.as_options())

    @override
    async def _set_options(self, options: dict[str, Any]) -> ConfigFlowResult:
        """Store the options that were changed; what was not may have been changed elsewhere meanwhile."""
        return self.async_create_entry(data={**self._entry.options, **options})
