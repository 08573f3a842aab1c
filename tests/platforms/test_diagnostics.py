"""Diagnostics help, and give nothing away."""

import json

from homeassistant.setup import async_setup_component

from custom_components.tesla_charging.diagnostics import async_get_config_entry_diagnostics
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings, Transport
from tests.support.home import CLIENT_ID, CLIENT_SECRET, HOME_DOMAIN, PEARL, Home
from tests.support.streaming import free_port


async def test_nothing_secret_or_personal_is_in_them(home: Home) -> None:
    assert await async_setup_component(home.hass, "diagnostics", {})
    home.add_car(PEARL, "Pearl", home=(52.123456, 4.654321)).plug_in()
    entry = await home.set_up(location=True)
    await home.act("stop_charging")
    text = json.dumps(await async_get_config_entry_diagnostics(home.hass, entry), default=str)
    token = entry.data["token"]
    secrets = {
        token["access_token"],
        token["refresh_token"],
        CLIENT_ID,
        CLIENT_SECRET,
        HOME_DOMAIN,
        PEARL,
        "Pearl",
        home.account.sub,
        home.account.email,
        "52.12345",
        "4.65432",
        home.car.domain("infotainment").public_key.hex(),
    }
    assert not [secret for secret in secrets if secret in text]
    assert '"signed_commands": true' in text
    assert '"DetailedChargeState"' in text
    assert "signed_command (command)" in text


async def test_the_push_channel_is_in_them_too(home: Home) -> None:
    home.add_car(PEARL, "Pearl")
    settings = TelemetrySettings(Transport.EMBEDDED, HOME_DOMAIN, 8443, free_port(), "127.0.0.1")
    entry = await home.set_up(telemetry=settings)
    diagnostics = await async_get_config_entry_diagnostics(home.hass, entry)
    assert diagnostics["telemetry"]["road"] == "embedded"
    assert diagnostics["telemetry"]["listening_on"] > 0
    text = json.dumps(diagnostics, default=str)
    assert not [secret for secret in (HOME_DOMAIN, PEARL, "PRIVATE KEY") if secret in text]
    assert await home.hass.config_entries.async_unload(entry.entry_id)
