"""What tests of the sign-in need: the token in the entry and in the file, and time that passes."""

import json
from pathlib import Path
import time
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.auth.authorization import DATA_AUTHORIZATIONS
from custom_components.tesla_charging.const import DOMAIN
from tests.support.home import Home


def entry_of(home: Home) -> MockConfigEntry:
    assert home.entry is not None
    return home.entry


def token(home: Home) -> dict[str, Any]:
    return dict(entry_of(home).data["token"])


def change(home: Home, **changes: Any) -> None:
    """Change the token in the entry, as Home Assistant finds it when it starts."""
    data = entry_of(home).data
    home.hass.config_entries.async_update_entry(
        entry_of(home), data={**data, "token": {**data["token"], **changes}}
    )


def power_cut(home: Home, before: dict[str, Any]) -> None:
    """Leave the entry as it was, like a power cut does before Home Assistant has saved it; nothing is remembered."""
    put_back(home, before)
    home.hass.data[DATA_AUTHORIZATIONS].clear()


def put_back(home: Home, before: dict[str, Any]) -> None:
    """Put another token into the entry."""
    data = entry_of(home).data
    home.hass.config_entries.async_update_entry(entry_of(home), data={**data, "token": before})


def file(home: Home) -> Path:
    return Path(home.hass.config.path(".storage", f"{DOMAIN}.{entry_of(home).entry_id}.sign_in"))


def stored(home: Home) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(file(home).read_text())["token"]
    return record


def asked_to_sign_in(home: Home) -> bool:
    return any(entry_of(home).async_get_active_flows(home.hass, {SOURCE_REAUTH}))


def expire(home: Home) -> None:
    """Let eight hours pass at Tesla, and here."""
    home.tesla.clock.advance(8 * 3600 + 1)
    change(home, expires_at=time.time() - 1)


async def works(home: Home) -> bool:
    await home.poll()
    return home.state("sensor", "battery_level") == "62"
