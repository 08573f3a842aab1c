"""The page about what decides whether a car is at home."""

from typing import Any

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, SelectSelectorMode
import voluptuous as vol

from ..const import CONF_HOME_SOURCE
from ..vehicle.location import HomeSource, home_source_of


class HomeSteps(OptionsFlow):
    """The step of the options flow that chooses what decides."""

    async def async_step_home(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose; the other options stay."""
        options = self.config_entry.options
        if user_input is not None:
            return self.async_create_entry(data={**options, **user_input})
        return self.async_show_form(
            step_id="home",
            data_schema=vol.Schema(
                {
                    vol.Required(
                        CONF_HOME_SOURCE, default=home_source_of(options).value
                    ): SelectSelector(
                        SelectSelectorConfig(
                            options=[source.value for source in HomeSource],
                            mode=SelectSelectorMode.LIST,
                            translation_key=CONF_HOME_SOURCE,
                        )
                    )
                }
            ),
        )
