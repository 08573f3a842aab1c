"""The telemetry configuration: to which server a car streams, and which fields (`fleet_telemetry_config`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
import hashlib
import json
import re
from typing import Any, Final

from .fields import FieldRequest, Firmware

LATEST: Final = "latest"
"""The delivery policy with which a car sends again what was not acknowledged."""
SERVICE_ALERTS: Final = ("service",)
DEFAULT_PORT: Final = 443

_HOSTNAME: Final = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_UNKNOWN_FIELD: Final = re.compile(r"unknown field:?\s+[\"'<]?(\w{1,64})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """A configuration as this project signs it."""

    hostname: str
    """Fully qualified; it should be under the application's registered domain (fleet-telemetry#86)."""
    port: int
    ca: str
    """PEM text of the CAs that the car trusts for the server's certificate."""
    fields: Mapping[str, FieldRequest] = field(hash=False)
    delivery_policy: str | None = LATEST
    alert_types: tuple[str, ...] = SERVICE_ALERTS
    exp: int | None = None
    """Unix seconds after which Tesla drops the configuration."""

    def __post_init__(self) -> None:
        """Check for values that Tesla refuses, or ignores without an error. Raises ValueError."""
        if not is_hostname(self.hostname):
            raise ValueError("not a fully qualified host name")
        # a port in quotes breaks the stream without an error (fleet-telemetry#119)
        if isinstance(self.port, bool) or not 0 < self.port < 65_536:
            raise ValueError("not a port")
        if any(request.interval_seconds < 1 for request in self.fields.values()):
            raise ValueError("a field's interval is below one second")

    def claims(self) -> dict[str, Any]:
        """Return the configuration in Tesla's form, without the claims that signing adds."""
        claims: dict[str, Any] = {
            "hostname": self.hostname,
            "port": self.port,
            "ca": self.ca,
            "fields": {name: _request(request) for name, request in sorted(self.fields.items())},
            "alert_types": list(self.alert_types),
        }
        if self.delivery_policy is not None:
            claims["delivery_policy"] = self.delivery_policy
        if self.exp is not None:
            claims["exp"] = self.exp
        return claims

    @property
    def fingerprint(self) -> str:
        """A hash of everything but `exp`: shows whether this configuration was sent before."""
        canonical = json.dumps(replace(self, exp=None).claims(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def without_field(self, name: str) -> TelemetryConfig:
        """Return the configuration without a field that Tesla, or the car, does not accept."""
        rows = {known: row for known, row in self.fields.items() if known != name}
        return replace(self, fields=_with_known_includes(rows))

    def for_firmware(self, firmware: Firmware) -> TelemetryConfig:
        """Return what a car with this firmware understands of the configuration, and only that."""
        rows = {name: row.understood(name, firmware) for name, row in self.fields.items()}
        return replace(self, fields=_with_known_includes(rows))

    def matches(self, answered: Mapping[str, Any]) -> bool:
        """Return whether Tesla's answer describes this configuration.

        A GET need not contain more than host, port, ca and fields: whether it repeats everything is not documented.
        What it leaves out counts as equal, because each sending of a configuration is billed. So compare `fingerprint`
        with that of the last sent one too. Expiry times are not compared.
        """
        requests = answered.get("fields")
        return (
            str(answered.get("hostname", "")).lower() == self.hostname
            and _number(answered.get("port", DEFAULT_PORT)) == self.port
            and _pem(answered.get("ca")) == _pem(self.ca)
            and isinstance(requests, dict)
            and set(requests) == set(self.fields)
            and all(_same(row, requests[name]) for name, row in self.fields.items())
            and answered.get("delivery_policy") in (None, self.delivery_policy)
            and _same_list(answered.get("alert_types"), self.alert_types)
        )


def _with_known_includes(rows: Mapping[str, FieldRequest]) -> dict[str, FieldRequest]:
    """Return the rows without includes of fields that are not requested: Tesla could refuse them too."""
    return {
        name: replace(row, include_fields=tuple(n for n in row.include_fields if n in rows))
        for name, row in rows.items()
    }


def is_hostname(text: str) -> bool:
    """Return whether a text is a fully qualified host name in lower case, not an IP address."""
    return _HOSTNAME.fullmatch(text) is not None


def unknown_field(detail: str) -> str | None:
    """Return the field that Tesla names in "Unknown field <X>", with which it refuses the whole request."""
    match = _UNKNOWN_FIELD.search(detail)
    return match[1] if match else None


def _request(request: FieldRequest) -> dict[str, Any]:
    row: dict[str, Any] = {"interval_seconds": request.interval_seconds}
    if request.minimum_delta is not None:
        row["minimum_delta"] = request.minimum_delta
    if request.resend_interval_seconds is not None:
        row["resend_interval_seconds"] = request.resend_interval_seconds
    if request.include_fields:
        row["include_fields"] = list(request.include_fields)
    return row


def _same(request: FieldRequest, answered: object) -> bool:
    """Return whether an answered row equals the requested one; 0 means "not set"."""
    if not isinstance(answered, dict):
        return False
    if not _same_list(answered.get("include_fields"), request.include_fields):
        return False
    return _number(answered.get("interval_seconds")) == request.interval_seconds and all(
        name not in answered or _number(answered[name] or 0) == (wanted or 0)
        for name, wanted in (
            ("minimum_delta", request.minimum_delta),
            ("resend_interval_seconds", request.resend_interval_seconds),
        )
    )


def _number(value: object) -> float | None:
    """Return a number that may come as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError, OverflowError:
        return None


def _pem(value: object) -> str:
    """Return PEM text without white space, which may have changed in the transfer."""
    return "".join(value.split()) if isinstance(value, str) else ""


def _same_list(answered: object, wanted: tuple[str, ...]) -> bool:
    return answered is None or (
        isinstance(answered, list) and sorted(map(str, answered)) == sorted(wanted)
    )
