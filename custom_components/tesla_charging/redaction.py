"""Taking out of diagnostics whatever is secret or tells who or where somebody is.

What is known to be secret is not written in the first place; this is the second net, for texts that others wrote (Tesla's
reasons, errors) and for what somebody adds without thinking.
"""

from collections.abc import Iterable, Mapping
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    LocalOAuth2Implementation,
    async_get_config_entry_implementation,
)

from .account import devices_of
from .const import CONF_BASE_URL, CONF_DOMAIN, CONF_REGION, CONF_TOKEN, DOMAIN
from .telemetry.settings import DEFAULT_TOPIC_BASE, TelemetrySettings

MIN_LENGTH: Final = 5
"""What is shorter is a word in too many texts."""
LONG: Final = 12
"""What is at least so long is taken out also where it is part of a longer word."""
PUBLIC: Final = frozenset({CONF_REGION, CONF_BASE_URL})
"""Texts of the entry's data that say nothing about anybody: they are the same for all people of a region."""
_HARMLESS: Final = frozenset({"Bearer", DOMAIN, DEFAULT_TOPIC_BASE})


async def secrets_of(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    """Return every text of an entry that must not be seen: tokens, credentials, VINs, names of hosts and people."""
    found = {entry.title, entry.unique_id or "", str(entry.data.get(CONF_DOMAIN, ""))}
    token = entry.data.get(CONF_TOKEN)
    data = {key: value for key, value in entry.data.items() if key not in PUBLIC}
    for values in (data, token if isinstance(token, dict) else {}):
        found |= {value for value in values.values() if isinstance(value, str)}
    settings = TelemetrySettings.from_options(entry.options)
    found |= {settings.hostname, settings.listen_host, settings.topic_base}
    try:
        implementation = await async_get_config_entry_implementation(hass, entry)
    except ImplementationUnavailableError, ValueError, KeyError:
        implementation = None
    if isinstance(implementation, LocalOAuth2Implementation):
        found |= {implementation.client_id, implementation.client_secret}
    for vin, device in devices_of(hass, entry.entry_id).items():
        found |= {vin, vin[-6:], device.name or "", device.name_by_user or ""}
    return found - _HARMLESS


def scrubbed(value: Any, secrets: Iterable[str]) -> Any:
    """Return JSON-compatible data without any of these texts, also where they are part of longer ones."""
    words = sorted((s for s in secrets if len(s) >= MIN_LENGTH), key=len, reverse=True)
    if not words:
        return value
    alternatives = [
        re.escape(word) if len(word) >= LONG else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in words
    ]
    pattern = re.compile("|".join(alternatives), re.IGNORECASE)
    return _scrub(value, pattern)


def _scrub(value: Any, pattern: re.Pattern[str]) -> Any:
    match value:
        case str():
            return pattern.sub(REDACTED, value)
        case Mapping():
            return {_scrub(key, pattern): _scrub(item, pattern) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrub(item, pattern) for item in value]
        case _:
            return value
