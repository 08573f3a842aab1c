"""The user's own Tesla application: client id and secret."""

from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2Implementation

from .endpoints import active_endpoints
from .oauth import TeslaImplementation


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> AbstractOAuth2Implementation:
    """Return the OAuth implementation for one set of credentials."""
    return TeslaImplementation(hass, auth_domain, credential, active_endpoints())


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return what the credentials dialog links to."""
    return {
        "portal_url": "https://developer.tesla.com/dashboard",
        "guide_url": "https://github.com/tesla-charging/tesla-charging#tesla-credentials",
        "redirect_url": "https://my.home-assistant.io/redirect/oauth",
    }
