"""Diagnostics: what helps a helper, with everything secret or personal removed."""

from dataclasses import asdict
import hashlib
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.core import HomeAssistant

from .coordinator import VehicleCoordinator
from .fleet_telemetry import CarStatus
from .models import TeslaChargingConfigEntry

TO_REDACT: Final = {
    "access_token",
    "refresh_token",
    "id_token",
    "token",
    "client_id",
    "client_secret",
    "domain",
    "auth_implementation",
    "unique_id",
    "title",
}
PERSONAL_SIGNALS: Final = frozenset({"Location"})


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry
) -> dict[str, Any]:
    """Return what is known of the entry and of its cars."""
    data = entry.runtime_data
    return {
        "entry": async_redact_data(dict(entry.data), TO_REDACT),
        "base_url": data.client.base_url,
        "key_fingerprint": data.key.fingerprint,
        "requests": {"counts": data.requests.counts, "cost": round(data.requests.cost, 4)},
        "telemetry": {
            "road": data.telemetry.settings.road,
            "port": data.telemetry.settings.port,
            "listening_on": data.telemetry.server.port,
            "refused_connections": data.telemetry.server.refusals,
        },
        "cars": [
            _car(car, data.telemetry.server.status(vin))
            | {
                "telemetry_trouble": _scrubbed(asdict(car.data.trouble), _names(entry, car)),
                "events": _scrubbed(_events(car), _names(entry, car)),
            }
            for vin, car in data.cars.items()
        ],
    }


def _events(car: VehicleCoordinator) -> dict[str, Any]:
    """Return what the car told beside its signals: bounded by CarEvents."""
    events = car.push.events
    return {
        "errors": [
            {"name": error.name, "body": error.body, "tags": error.tags, "at": error.created_at}
            for error in events.errors
        ],
        "charging_alerts": [asdict(alert) for alert in events.alerts],
        "other_alerts": events.other_alerts,
        "last_message_at": car.data.heard_at,
    }


def _names(entry: TeslaChargingConfigEntry, car: VehicleCoordinator) -> tuple[str, ...]:
    """Return what tells who or where this is, longest first: a host name contains the domain."""
    hostname = entry.runtime_data.telemetry.settings.hostname
    names = {car.vin, car.vin[-6:], car.vehicle_name, hostname, str(entry.data.get("domain", ""))}
    return tuple(sorted((name for name in names if len(name) > 2), key=len, reverse=True))


def _scrubbed(value: Any, names: tuple[str, ...]) -> Any:
    """Return what others wrote without these names."""
    match value:
        case str():
            for name in names:
                value = re.sub(re.escape(name), REDACTED, value, flags=re.IGNORECASE)
            return value
        case dict():
            return {_scrubbed(k, names): _scrubbed(v, names) for k, v in value.items()}
        case list() | tuple():
            return [_scrubbed(item, names) for item in value]
    return value


def _car(car: VehicleCoordinator, pushed: CarStatus | None) -> dict[str, Any]:
    state = car.data
    return {
        # enough to tell two cars apart, not enough to find one
        "car": hashlib.sha256(car.vin.encode()).hexdigest()[:8],
        "model": car.vin[3],
        "model_year": car.vin[9],
        "connection": state.connection,
        "telemetry": state.telemetry,
        "pushed": asdict(pushed.counters) | {"last_message_at": pushed.last_message_at}
        if pushed
        else None,
        "last_update_success": car.last_update_success,
        "last_error": type(car.last_exception).__name__ if car.last_exception else None,
        "signed_commands": car.commander.signed,
        "sessions": {
            domain.name: {"counter": session.counter, "clock_time": session.clock_time}
            for domain, session in car.commander.sender.sessions().items()
        },
        "signals": {
            name: {
                "value": "**REDACTED**" if name in PERSONAL_SIGNALS else reading.value,
                "measured_at": reading.measured_at,
            }
            for name, reading in sorted(state.readings.items())
        },
    }
