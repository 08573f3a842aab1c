"""Diagnostics of an entry and of its cars, with everything secret or personal removed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
import math
import re
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.config_entry_oauth2_flow import (
    LocalOAuth2Implementation,
    async_get_config_entry_implementation,
)
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.util import dt as dt_util

from . import clock
from .account import devices_of
from .const import CONF_BASE_URL, CONF_DOMAIN, CONF_REGION, CONF_TOKEN, DOMAIN
from .coordinator import VehicleCoordinator
from .data import TeslaChargingConfigEntry
from .device import vins_of
from .fleet_api import InvalidApiAnswer, read_claims
from .telemetry.settings import CONF_TELEMETRY, DEFAULT_TOPIC_BASE, TelemetrySettings

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
    "hostname",
    "listen_host",
    "topic_base",
}
PERSONAL_SIGNALS: Final = frozenset({"Location", "charge_schedules", "is_user_present"})


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of the entry and its cars; less for an entry that could not be set up."""
    result: dict[str, Any] = _entry(hass, entry)
    if entry.state is ConfigEntryState.LOADED:
        result |= _account(entry)
        result["cars"] = [_car(hass, entry, car) for car in entry.runtime_data.cars.values()]
    return _safe(result, await secrets_of(hass, entry))


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of one car and of the entry, without the other cars."""
    result: dict[str, Any] = _entry(hass, entry)
    if entry.state is ConfigEntryState.LOADED:
        cars = entry.runtime_data.cars
        vins = [vin for vin in vins_of(device) if vin in cars]
        result |= _account(entry)
        result["cars"] = [_car(hass, entry, cars[vin]) for vin in vins]
    return _safe(result, await secrets_of(hass, entry))


def _entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> dict[str, Any]:
    """Return what is available also while the entry is not loaded."""
    return {
        "entry": async_redact_data(dict(entry.data), TO_REDACT),
        "options": {
            **async_redact_data(dict(entry.options), TO_REDACT),
            CONF_TELEMETRY: async_redact_data(
                asdict(TelemetrySettings.from_options(entry.options)), TO_REDACT
            ),
        },
        "state": entry.state.value,
        "reason": entry.reason,
        "reason_key": entry.error_reason_translation_key,
        "granted_scopes": _scopes(entry),
        "devices": len(devices_of(hass, entry.entry_id)),
        "issues": [
            {
                "id": issue.issue_id,
                "kind": issue.translation_key,
                "severity": issue.severity,
                "ignored": issue.dismissed_version is not None,
            }
            for issue in ir.async_get(hass).issues.values()
            if issue.domain == DOMAIN and issue.active
        ],
    }


def _events(car: VehicleCoordinator) -> dict[str, Any]:
    """Return the errors and alerts that the car pushed; CarEvents bounds their number."""
    events = car.push.events
    return {
        "errors": [
            {"name": error.name, "body": error.body, "tags": error.tags, "at": error.created_at}
            for error in events.errors
        ],
        "charging_alerts": [asdict(alert) for alert in events.alerts],
        "other_alerts": events.other_alerts,
        "last_message_at": car.data.received_at,
    }


def _account(entry: TeslaChargingConfigEntry) -> dict[str, Any]:
    """Return the data of the account, which belong to no single car."""
    data = entry.runtime_data
    server, settings = data.telemetry.server, data.telemetry.settings
    meter = data.meter
    return {
        "base_url": data.client.base_url,
        "key_fingerprint": data.key.fingerprint,
        "listed_cars": sum(data.account.is_listed(vin) for vin in data.cars),
        "requests": {
            "counts": meter.operations,
            "today": meter.requests_today,
            "unanswered": meter.unanswered,
        },
        "meter": {
            "month": meter.ledger.month,
            "units": meter.ledger.units(meter.ledger.month),
            "currency": meter.currency,
            "cost": meter.cost,
            "cost_before": meter.cost_before,
            "projected": meter.projected(dt_util.now()),
            "budget": data.budget.amount,
            "budget_stage": data.budget.decision.stage,
            "stretch": str(data.budget.decision.stretch),
        },
        "telemetry": {
            "road": settings.transport,
            "port": settings.port,
            "listening_on": server.port,
            "certificate_ends": server.certificate.not_after if server.certificate else None,
            "refused_connections": server.refusals,
        },
    }


def _car(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, car: VehicleCoordinator
) -> dict[str, Any]:
    state, now = car.data, clock.now()
    data = entry.runtime_data
    config = data.storage.config_record(car.vin)
    pushed = data.telemetry.server.status(car.vin)
    device = devices_of(hass, entry.entry_id).get(car.vin)
    return {
        # Home Assistant's own id: it does not identify the car
        "device": device.id if device else None,
        "model": car.vin[3:4],
        "model_year": car.vin[9:10],
        "firmware": state.value("Version"),
        "connection": state.connectivity,
        "telemetry": {
            "stage": state.telemetry,
            "config_stage": config.stage,
            "config_fingerprint": config.fingerprint,
            "config_checked_ago": _ago(config.checked_at or None, now),
            "why_not": config.reason,
            "refused_fields": list(config.refused_fields),
            "pushed_ago": _ago(car.pushed_at, now),
        },
        "telemetry_trouble": asdict(state.diagnosis),
        "energy": asdict(state.energy),
        "events": _events(car),
        "receiver": asdict(pushed.counters)
        | {
            "connected": pushed.connected,
            "last_message_ago": _ago(pushed.last_message_at, now),
            "client_version": pushed.info.client_version if pushed.info else None,
            "network": pushed.info.network_interface if pushed.info else None,
        }
        if pushed
        else None,
        "next_question": _next_poll(car, now),
        "last_update_success": car.last_update_success,
        "last_error": _error(car.last_exception),
        "signed_commands": car.commander.signed,
        "sessions": {
            domain.name: {"counter": session.counter, "clock_time": session.clock_time}
            for domain, session in car.commander.sender.sessions().items()
        },
        "signals": {
            name: {
                "value": REDACTED if name in PERSONAL_SIGNALS else reading.value,
                "measured_ago": _ago(reading.measured_at, now),
                "assumed": reading.assumed,
            }
            for name, reading in sorted(state.readings.items())
        },
    }


def _next_poll(car: VehicleCoordinator, now: float) -> dict[str, Any] | None:
    """Return in how many seconds the next poll is due, and why; nothing of the usage pattern."""
    plan = car.observations.decision
    if plan is None:
        return None
    seconds = round(plan.at - now, 1) if math.isfinite(plan.at) else None
    return {"in": seconds, "why": plan.reason, "stretch": car.observations.stretch()}


def _ago(moment: float | None, now: float) -> float | None:
    """Return an age in seconds."""
    return None if moment is None else round(now - moment, 1)


def _error(error: BaseException | None) -> str | None:
    """Return the types of an error and of its cause; the message is left out because it may contain personal data."""
    if error is None:
        return None
    kinds = [type(err).__name__ for err in (error, error.__cause__) if err is not None]
    return " <- ".join(kinds)


def _scopes(entry: TeslaChargingConfigEntry) -> list[str] | None:
    token = entry.data.get(CONF_TOKEN)
    try:
        return sorted(read_claims(token["access_token"] if token else "").scopes)
    except InvalidApiAnswer, KeyError, TypeError:
        return None


def _safe(result: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    safe: dict[str, Any] = scrubbed(result, secrets)
    return safe


MIN_LENGTH: Final = 5
"""Characters: a shorter secret is not removed, because it would be a part of too many texts."""
LONG: Final = 12
"""Characters: a secret of this length is removed also inside a longer word."""
PUBLIC: Final = frozenset({CONF_REGION, CONF_BASE_URL})
"""Keys of the entry's data that are not personal: the values are the same for all users of a region."""
_NOT_SECRET: Final = frozenset({"Bearer", DOMAIN, DEFAULT_TOPIC_BASE})


async def secrets_of(hass: HomeAssistant, entry: TeslaChargingConfigEntry) -> set[str]:
    """Return every secret or personal text of an entry: tokens, credentials, VINs, names of hosts and users."""
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
    return found - _NOT_SECRET


def scrubbed(value: Any, secrets: Iterable[str]) -> Any:
    """Return JSON-compatible data without any of these texts, also where they are parts of longer texts."""
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
