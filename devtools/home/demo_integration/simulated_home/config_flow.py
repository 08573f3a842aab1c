"""The config flow: the address of the simulator."""

from typing import Any, override

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_URL
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import voluptuous as vol

from .client import SimulatedHomeClient, SimulatedHomeError

DOMAIN = "simulated_home"


class SimulatedHomeConfigFlow(ConfigFlow, domain=DOMAIN):
    """Asks for the address, and tries it."""

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add the one simulated home."""
        await self.async_set_unique_id(DOMAIN)
        self._abort_if_unique_id_configured()
        errors: dict[str, str] = {}
        if user_input is not None:
            client = SimulatedHomeClient(async_get_clientsession(self.hass), user_input[CONF_URL])
            try:
                await client.state()
            except SimulatedHomeError:
                errors["base"] = "cannot_connect"
            else:
                return self.async_create_entry(title="Simulated home", data=user_input)
        schema = vol.Schema({vol.Required(CONF_URL, default="http://127.0.0.1:8790"): str})
        return self.async_show_form(step_id="user", data_schema=schema, errors=errors)
