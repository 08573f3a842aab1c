"""The field for the Tesla application: whoever signs in sees whose client ID is used."""

from collections.abc import Mapping
from typing import Final, cast

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    async_get_implementations,
)
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..auth.oauth import TeslaImplementation
from ..const import DOMAIN, LOGGER

CONF_APPLICATION: Final = "application"
OTHER_APPLICATION: Final = "other"
"""The choice to enter another client ID; it has a translation."""


async def applications_of(hass: HomeAssistant) -> dict[str, AbstractOAuth2Implementation]:
    """Return the applications that were entered, the latest one last; none if they cannot be told now."""
    try:
        return await async_get_implementations(hass, DOMAIN)
    except ImplementationUnavailableError as err:
        LOGGER.warning("The Tesla applications cannot be told: %s", err)
        return {}


def application_field(
    applications: Mapping[str, AbstractOAuth2Implementation], *, may_add: bool
) -> SelectSelector:
    """Return the field with all applications, and with another one if that may be entered."""
    options = [
        SelectOptionDict(value=key, label=application_name(application))
        for key, application in applications.items()
    ]
    if may_add:
        options.append(SelectOptionDict(value=OTHER_APPLICATION, label=OTHER_APPLICATION))
    return SelectSelector(
        SelectSelectorConfig(
            options=options,
            translation_key=CONF_APPLICATION,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def application_name(application: AbstractOAuth2Implementation) -> str:
    """Return the client ID, with the name that the user gave: "Home: 4a1f..."."""
    client_id = cast(TeslaImplementation, application).client_id
    return client_id if application.name == client_id else f"{application.name}: {client_id}"
