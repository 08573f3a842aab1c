"""Repair issues about a car's telemetry configuration: refused by Tesla, or accepted without some fields."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..client import active_endpoints
from ..const import CONF_DOMAIN
from ..coordinator import VehicleCoordinator
from ..fleet_telemetry import unknown_to
from ..issues.kinds import (
    TELEMETRY_CONFIG_REFUSED,
    TELEMETRY_FIELDS_LEFT_OUT,
    TELEMETRY_MAX_CONFIGS,
    TELEMETRY_NO_LOCATION,
    TELEMETRY_UNSUPPORTED_FIRMWARE,
    TELEMETRY_UNSUPPORTED_HARDWARE,
    IssueType,
    Success,
)
from ..issues.registry import async_clear_issue, async_clear_issues, async_raise_issue, plain_text
from ..storage.config_record import ConfigRecord
from ..vehicle.telemetry_status import LOCATION, TelemetryProblem

REFUSALS: Final[Mapping[TelemetryProblem, IssueType]] = {
    TelemetryProblem.UNSUPPORTED_HARDWARE: TELEMETRY_UNSUPPORTED_HARDWARE,
    TelemetryProblem.UNSUPPORTED_FIRMWARE: TELEMETRY_UNSUPPORTED_FIRMWARE,
    TelemetryProblem.MAX_CONFIGS: TELEMETRY_MAX_CONFIGS,
    TelemetryProblem.LIMIT_REACHED: TELEMETRY_MAX_CONFIGS,
    TelemetryProblem.CONFIG_REFUSED: TELEMETRY_CONFIG_REFUSED,
    TelemetryProblem.OTHER: TELEMETRY_CONFIG_REFUSED,
}
"""Problems of the entry as a whole (an unpaid account, a permission, a port) are not reported once per car."""

type EntitySignals = Callable[[str], Mapping[str, frozenset[str]]]
"""Takes a VIN; returns the signals that each entity of the car shows, by the entity's name."""


@callback
def async_update_refusal(
    hass: HomeAssistant, car: VehicleCoordinator, record: ConfigRecord
) -> None:
    """Raise an issue if Tesla does not let a car stream, else clear it.

    An open issue is only updated: one that the user ignores stays ignored, also over restarts.
    """
    if (issue_type := REFUSALS.get(record.problem)) is None:
        async_clear_issues(hass, Success.CONFIG_ACCEPTED, vin=car.vin)
        return
    async_raise_issue(
        hass,
        issue_type,
        {
            "car": car.vehicle_name,
            "detail": _quoted(record.reason),
            "link": active_endpoints().pairing_link(car.config_entry.data[CONF_DOMAIN], car.vin),
        },
        vin=car.vin,
    )


@callback
def async_update_left_out(
    hass: HomeAssistant,
    car: VehicleCoordinator,
    before: Collection[str],
    now: Collection[str],
    entity_signals: EntitySignals,
) -> None:
    """Raise an issue once about fields that Tesla has refused by name; clear it when Tesla accepts them.

    `before` are the fields that were left out already, `now` those that are. The issues are persistent, so that they
    need not be raised again after a restart; a new field is reported also to a user who ignores the issue about an
    earlier one.
    """
    for issue_type, fields in (
        (TELEMETRY_NO_LOCATION, {LOCATION}),
        # a field that only new firmware knows makes a value better, and no entity depends on it
        (TELEMETRY_FIELDS_LEFT_OUT, {*before, *now} - {LOCATION} - unknown_to(None)),
    ):
        left_out = fields & {*now}
        if left_out == fields & {*before}:
            continue
        if not left_out or not left_out <= {*before}:
            async_clear_issue(hass, issue_type, vin=car.vin)
        if left_out:
            async_raise_issue(
                hass,
                issue_type,
                {
                    # a persistent issue is part of the diagnostics that users publish
                    "car": "Tesla" if car.vin[-6:] in car.vehicle_name else car.vehicle_name,
                    "values": ", ".join(_names(entity_signals(car.vin), left_out)),
                },
                vin=car.vin,
            )


@callback
def async_clear_config_issues(hass: HomeAssistant, vin: str) -> None:
    """Clear all issues about a car's configuration: the car shall not stream any more."""
    async_clear_issues(hass, Success.STREAM_UNWANTED, vin=vin)


def _names(entity_signals: Mapping[str, frozenset[str]], fields: Collection[str]) -> list[str]:
    """Return the names of the entities that show these fields; a field that none shows by Tesla's name."""
    names = sorted(name for name, signals in entity_signals.items() if signals & {*fields})
    shown = frozenset[str]().union(*entity_signals.values())
    return names + [_quoted(field) for field in sorted({*fields} - shown)]


def _quoted(text: str) -> str:
    """Return what others wrote, quoted as code in Markdown."""
    return f"`{plain_text(text)}`" if text else "-"
