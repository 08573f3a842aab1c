"""Constants of the whole integration."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "tesla_charging"
LOGGER: Final = logging.getLogger(__package__)

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.COVER,
    Platform.DEVICE_TRACKER,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SENSOR,
    Platform.SWITCH,
)

PORTAL_URL: Final = "https://developer.tesla.com/dashboard"
"""Where a Tesla application is made and changed."""

CONF_BUDGET: Final = "budget"
"""In an entry's options: what Tesla may charge in a month, if it is not the default."""
CONF_CURRENCY: Final = "currency"
"""In an entry's options: the currency in which Tesla bills, if it is not the home's own."""
CONF_DOMAIN: Final = "domain"
CONF_HOME_SOURCE: Final = "home_source"
"""In an entry's options: what decides whether a car is at home, if it is not decided automatically."""
CONF_IMPLEMENTATION: Final = "auth_implementation"
"""The application of an entry, under the name that Home Assistant's OAuth helper uses."""
CONF_LOCATION: Final = "location"
CONF_SHOWN_HERE: Final = "shown_here"
"""Whether this Home Assistant itself shows the key at the domain."""
CONF_REGION: Final = "region"
CONF_BASE_URL: Final = "base_url"
CONF_TOKEN: Final = "token"  # noqa: S105  the name that Home Assistant's OAuth helper uses

STATE_INTERVAL: Final = timedelta(minutes=2)
"""How often a free request checks whether a car is awake."""
CONFIRM_DELAY: Final = timedelta(seconds=10)
"""How long after a command the data of the car are polled, if it has not pushed them."""
