"""Reads Tesla's answers about telemetry configurations: `fleet_telemetry_config_jws`, `..._config`, `..._errors`.

All functions take the `response` of an answer, which is unchecked JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .errors import ConfigAnswerError

MAX_VINS: Final = 1000
MAX_ERRORS: Final = 256
MAX_TEXT_LENGTH: Final = 512


class SkippedReason(StrEnum):
    """Why Tesla did not configure a car."""

    MISSING_KEY = "missing_key"
    UNSUPPORTED_HARDWARE = "unsupported_hardware"
    UNSUPPORTED_FIRMWARE = "unsupported_firmware"
    MAX_CONFIGS = "max_configs"
    UNKNOWN = "unknown"
    """Any other reason."""


@dataclass(frozen=True, slots=True)
class ConfigResult:
    """The result of sending or deleting a configuration; Tesla answers 200 also when it skipped every car."""

    updated: int
    skipped: Mapping[str, SkippedReason]
    """By VIN."""


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """The configuration that Tesla has for a car."""

    synced: bool
    """Whether the car has fetched it; the value is delayed, and streaming may start before."""
    config: Mapping[str, Any] | None
    limit_reached: bool
    """Whether the car has as many third-party configurations as Tesla allows."""
    key_paired: bool | None
    """None if the answer does not contain it."""

    @property
    def rejected(self) -> bool:
        """Whether Tesla dropped the configuration without an error because of the limit (fleet-telemetry#294)."""
        return self.synced and self.config is None


@dataclass(frozen=True, slots=True)
class ReportedError:
    """An error that a car reported to Tesla about a configuration."""

    name: str
    """In a partner's own list this is the client id."""
    detail: str
    """The text; the kind of the error if there is no text."""
    vin: str | None
    error_name: str = ""
    """The kind of the error ("unsupported_field"); "" if the answer does not name it."""

    @property
    def text(self) -> str:
        """Kind and text, as far as they are known."""
        if not self.error_name or self.error_name == self.detail:
            return self.detail
        return f"{self.error_name}: {self.detail}"


def read_config_result(response: object) -> ConfigResult:
    """Return the content of the answer to a sent or deleted configuration. Raises ConfigAnswerError."""
    if not isinstance(response, dict):
        raise ConfigAnswerError("the answer says nothing about a configuration")
    updated = response.get("updated_vehicles")
    if not isinstance(updated, int) or isinstance(updated, bool) or updated < 0:
        raise ConfigAnswerError("the answer does not say how many cars were configured")
    skipped: dict[str, SkippedReason] = {}
    rows = response.get("skipped_vehicles")
    for name, vins in rows.items() if isinstance(rows, dict) else ():
        reason = SkippedReason(name) if name in SkippedReason else SkippedReason.UNKNOWN
        for vin in vins[:MAX_VINS] if isinstance(vins, list) else ():
            if isinstance(vin, str):
                skipped.setdefault(vin[:17], reason)
    return ConfigResult(updated, skipped)


def read_config_status(response: object) -> ConfigStatus:
    """Return the content of the answer to a GET. Raises ConfigAnswerError."""
    if not isinstance(response, dict) or not isinstance(response.get("synced"), bool):
        raise ConfigAnswerError("the answer does not say whether the car is configured")
    config = response.get("config")
    if config is not None and not isinstance(config, dict):
        raise ConfigAnswerError("the answer holds no configuration")
    key_paired = response.get("key_paired")
    return ConfigStatus(
        response["synced"],
        config or None,
        response.get("limit_reached") is True,
        key_paired if isinstance(key_paired, bool) else None,
    )


def read_reported_errors(response: object) -> tuple[ReportedError, ...]:
    """Return the errors that cars reported (`fleet_telemetry_errors`), without rows that name no error.

    Raises ConfigAnswerError.
    """
    rows = response.get("fleet_telemetry_errors") if isinstance(response, dict) else response
    if not isinstance(rows, list):
        raise ConfigAnswerError("the answer holds no list of errors")
    return tuple(
        ReportedError(
            _text(row.get("name")),
            _text(row.get("error")) or _text(row.get("error_name")),
            _text(row.get("vin")) or None,
            _text(row.get("error_name")),
        )
        for row in rows[:MAX_ERRORS]
        if isinstance(row, dict) and (_text(row.get("error")) or _text(row.get("error_name")))
    )


def _text(value: object) -> str:
    return value[:MAX_TEXT_LENGTH] if isinstance(value, str) else ""
