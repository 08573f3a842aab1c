"""The user's own Tesla application: client id and secret."""

from typing import Final

from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    MY_AUTH_CALLBACK_PATH,
    AbstractOAuth2Implementation,
)
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .auth.oauth import TeslaImplementation
from .client import active_endpoints
from .const import PORTAL_URL

GUIDE_URL: Final = (
    "https://github.com/tesla-charging/tesla-charging/blob/main/docs/setup.md#tesla-credentials"
)
"""The guide to the creation of a Tesla application."""


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> AbstractOAuth2Implementation:
    """Return the OAuth implementation for one set of credentials."""
    return TeslaImplementation(hass, auth_domain, credential, active_endpoints())


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return the links of the credentials dialog."""
    return {
        "portal_url": PORTAL_URL,
        "guide_url": GUIDE_URL,
        "redirect_url": redirect_url(hass),
    }


def redirect_url(hass: HomeAssistant) -> str:
    """Return the redirect URI that Home Assistant's OAuth helper will use."""
    if "my" in hass.config.components:
        return MY_AUTH_CALLBACK_PATH
    try:
        return get_url(hass) + AUTH_CALLBACK_PATH
    except NoURLAvailableError:
        return MY_AUTH_CALLBACK_PATH
