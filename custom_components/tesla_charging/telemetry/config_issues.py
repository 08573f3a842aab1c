"""Refusals of a car's telemetry that its owner is told of: a repair issue per car, gone when the reason is gone."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_platform, issue_registry as ir

from ..client import active_endpoints
from ..const import CONF_DOMAIN, DOMAIN
from ..coordinator import VehicleCoordinator
from ..entity import VehicleEntity
from ..issues.registry import car_issue_id
from ..storage.config_record import ConfigRecord
from ..vehicle.telemetry_status import LOCATION, TelemetryProblem

SHOWN_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one problem is told; the text under the key holds the remedy."""

    translation_key: str
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING


REFUSALS: Final[dict[TelemetryProblem, Refusal]] = {
    TelemetryProblem.UNSUPPORTED_HARDWARE: Refusal("telemetry_unsupported_hardware"),
    TelemetryProblem.UNSUPPORTED_FIRMWARE: Refusal("telemetry_unsupported_firmware"),
    TelemetryProblem.MAX_CONFIGS: Refusal("telemetry_max_configs", ir.IssueSeverity.ERROR),
    TelemetryProblem.LIMIT_REACHED: Refusal("telemetry_max_configs", ir.IssueSeverity.ERROR),
    TelemetryProblem.CONFIG_REFUSED: Refusal("telemetry_config_refused", ir.IssueSeverity.ERROR),
    TelemetryProblem.OTHER: Refusal("telemetry_config_refused", ir.IssueSeverity.ERROR),
}
"""What is a matter of the entry as a whole (an unpaid account, a permission, a port) is not told once per car."""


def refused_issue_id(hass: HomeAssistant, vin: str) -> str:
    """Return the id of the repair issue about a car that Tesla does not let stream."""
    return car_issue_id(hass, "telemetry_refused", vin)


def fields_issue_id(hass: HomeAssistant, vin: str) -> str:
    """Return the id of the repair issue about fields that Tesla does not stream."""
    return car_issue_id(hass, "telemetry_fields", vin)


def location_issue_id(hass: HomeAssistant, vin: str) -> str:
    """Return the id of the repair issue about a missing permission to stream the location."""
    return car_issue_id(hass, "telemetry_location", vin)


@callback
def show_refusal(hass: HomeAssistant, car: VehicleCoordinator, memory: ConfigRecord) -> None:
    """Tell the owner why Tesla does not let a car stream; take back what was told before.

    An issue that stands is only updated: who has ignored it is left in peace, also over restarts.
    """
    if (refusal := REFUSALS.get(memory.problem)) is None:
        ir.async_delete_issue(hass, DOMAIN, refused_issue_id(hass, car.vin))
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        refused_issue_id(hass, car.vin),
        is_fixable=False,
        severity=refusal.severity,
        translation_key=refusal.translation_key,
        translation_placeholders={
            "car": car.vehicle_name,
            "detail": _quoted(memory.reason),
            "link": active_endpoints().pairing_link(car.config_entry.data[CONF_DOMAIN], car.vin),
        },
    )


@callback
def show_left_out(
    hass: HomeAssistant, car: VehicleCoordinator, before: Collection[str], now: Collection[str]
) -> None:
    """Tell the owner once of fields that Tesla has refused by name, and take it back when it takes them.

    `before` are the fields that were left out already, `now` those that are. The issues outlive a restart, so that
    they need not be told again; a new field is told also to who has ignored the issue about an earlier one.
    """
    told: tuple[tuple[str, str, set[str]], ...] = (
        (location_issue_id(hass, car.vin), "telemetry_no_location", {LOCATION}),
        (fields_issue_id(hass, car.vin), "telemetry_fields_left_out", {*before, *now} - {LOCATION}),
    )
    for issue_id, translation_key, about in told:
        fields = about & {*now}
        if fields == about & {*before}:
            continue
        if not fields or not fields <= {*before}:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
        if fields:
            ir.async_create_issue(
                hass,
                DOMAIN,
                issue_id,
                is_fixable=False,
                is_persistent=True,
                severity=ir.IssueSeverity.WARNING,
                translation_key=translation_key,
                translation_placeholders={
                    # this one outlives a restart, so it is part of the diagnostics that people publish
                    "car": "Tesla" if car.vin[-6:] in car.vehicle_name else car.vehicle_name,
                    "values": ", ".join(_names(hass, car.vin, fields)),
                },
            )


@callback
def clear_refusals(hass: HomeAssistant, vin: str) -> None:
    """Take back everything: the car is not to stream any more."""
    for issue_id in (
        refused_issue_id(hass, vin),
        fields_issue_id(hass, vin),
        location_issue_id(hass, vin),
    ):
        ir.async_delete_issue(hass, DOMAIN, issue_id)


def _names(hass: HomeAssistant, vin: str, fields: Collection[str]) -> list[str]:
    """Return what the user calls the entities that show these fields; a field that none shows by Tesla's name."""
    names: set[str] = set()
    unshown = {*fields}
    for platform in entity_platform.async_get_platforms(hass, DOMAIN):
        for entity in platform.entities.values():
            if not isinstance(entity, VehicleEntity) or entity.coordinator.vin != vin:
                continue
            shown = entity.signals & {*fields}
            entry = entity.registry_entry
            if shown and entry is not None and (name := entry.name or entry.original_name):
                names.add(name)
                unshown -= shown
    return sorted(names) + [_quoted(field) for field in sorted(unshown)]


def _quoted(text: str) -> str:
    """Return what others wrote, to be shown as it is and not as markup."""
    return f"`{text.replace('`', "'").replace('\n', ' ')[:SHOWN_LENGTH]}`" if text else "-"
