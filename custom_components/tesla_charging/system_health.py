"""The integration's part of the system information page: the connections to Tesla and to the cars, without secrets."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from .client import active_endpoints
from .const import CONF_DOMAIN, CONF_REGION, DOMAIN
from .data import TeslaChargingConfigEntry
from .setup_flow.domain import KeyCheck, check_key
from .telemetry.server import async_get_telemetry_server
from .vehicle.telemetry_status import TelemetryStage


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register the function that returns the information."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the rows of the page; Home Assistant awaits a coroutine and shows its result."""
    entries: list[TeslaChargingConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    accounts = [entry.runtime_data for entry in entries]
    cars = {vin: car for account in accounts for vin, car in account.cars.items()}
    server = async_get_telemetry_server(hass, active_endpoints())
    ends = server.certificate.not_after if server.certificate else None
    base_urls = {entry.data[CONF_REGION]: entry.runtime_data.client.base_url for entry in entries}
    keys = {entry.data[CONF_DOMAIN]: entry.runtime_data.key.public_key for entry in entries}
    return {
        **{
            f"can_reach_{region}": system_health.async_check_can_reach_url(hass, url)
            for region, url in base_urls.items()
        },
        "accounts": len(accounts),
        "cars": len(cars),
        "cars_connected": sum(
            car.data.telemetry is TelemetryStage.CONNECTED for car in cars.values()
        ),
        "roads": ", ".join(sorted({account.telemetry.settings.transport for account in accounts})),
        "receiver_port": server.port or "closed",
        "certificate_days": (ends - dt_util.utcnow()).days if ends else "-",
        "requests_today": sum(
            meter.requests_today for meter in {id(a.meter): a.meter for a in accounts}.values()
        ),
        "key_served": _keys_served(hass, keys) if keys else "-",
    }


async def _keys_served(hass: HomeAssistant, keys: dict[str, bytes]) -> str | dict[str, str]:
    """Return whether every domain serves its key (the point), as far as a request from here can tell."""
    session, endpoints = async_get_clientsession(hass), active_endpoints()
    for domain, key in keys.items():
        check = await check_key(session, endpoints.key_url(domain), key)
        if check is not KeyCheck.OURS:
            return {"type": "failed", "error": check.value.removeprefix("seen_")}
    return "ok"
