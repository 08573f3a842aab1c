"""The configuration a car follows, and how Tesla's cloud checks one before handing it on."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any

from simulator.telemetry.fields import KNOWN_FIELDS, LOCATION_FIELDS, NOT_NUMERIC

_KEYS = frozenset(
    {
        "hostname",
        "port",
        "ca",
        "fields",
        "alert_types",
        "exp",
        "prefer_typed",
        "delivery_policy",
    }
)
_FIELD_KEYS = frozenset(
    {"interval_seconds", "minimum_delta", "resend_interval_seconds", "include_fields"}
)
ALERT_TYPES = frozenset({"customer", "service"})

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# The last label begins with a letter, which keeps addresses out.
_HOSTNAME = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


class ConfigRefused(Exception):
    """The whole request is refused; `field` is the key to blame."""

    def __init__(self, field: str, text: str) -> None:
        """Keep the key and what is wrong with it."""
        super().__init__(f"{field}: {text}")
        self.field = field
        self.text = text


class UnknownField(Exception):
    """The configuration names a telemetry field that does not exist."""

    def __init__(self, name: str) -> None:
        """Keep the name."""
        super().__init__(f"Unknown field {name}")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How often one field is sent; seconds, and the field's own unit for the delta."""

    interval_seconds: int
    minimum_delta: float | None = None
    resend_interval_seconds: int | None = None
    include_fields: tuple[str, ...] = ()  # sent along with it


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """What a car is told: where to stream, what, and until when."""

    hostname: str
    port: int
    ca: str
    fields: Mapping[str, FieldRule]
    resends: bool  # delivery_policy "latest"
    alert_types: frozenset[str]
    prefer_typed: bool
    exp: int | None  # unix seconds
    claims: Mapping[str, Any]  # as it was signed, for the GET endpoint

    @property
    def needs_location(self) -> bool:
        """Whether the scope vehicle_location is needed."""
        included = {name for rule in self.fields.values() for name in rule.include_fields}
        return bool(LOCATION_FIELDS & (self.fields.keys() | included))


def read_config(claims: Mapping[str, Any], now: float) -> TelemetryConfig:
    """Check a configuration. Raises ConfigRefused or UnknownField.

    Whether the scopes suffice and whether `ca` is right are not checked here: a wrong `ca` is
    something only the car notices.
    """
    if strange := claims.keys() - _KEYS:
        raise ConfigRefused(min(strange), "is not part of a configuration")
    hostname, ca = claims.get("hostname"), claims.get("ca")
    if not isinstance(hostname, str) or len(hostname) > 253 or not _HOSTNAME.fullmatch(hostname):
        raise ConfigRefused("hostname", "must be a fully qualified domain name")
    if not isinstance(ca, str) or not ca.strip():
        raise ConfigRefused("ca", "must be PEM text")
    if claims.get("delivery_policy", "latest") != "latest":
        raise ConfigRefused("delivery_policy", 'must be "latest"')
    if not isinstance(claims.get("prefer_typed", True), bool):
        raise ConfigRefused("prefer_typed", "must be true or false")
    exp = claims.get("exp")
    if exp is not None and _integer("exp", exp) <= now:
        raise ConfigRefused("exp", "is in the past")
    return TelemetryConfig(
        hostname=hostname.lower(),
        port=_integer("port", claims.get("port", 443), most=65535),
        ca=ca,
        fields=_fields(claims.get("fields")),
        resends=claims.get("delivery_policy") == "latest",
        alert_types=_alert_types(claims.get("alert_types", [])),
        prefer_typed=claims.get("prefer_typed", False),
        exp=exp,
        claims=dict(claims),
    )


def _integer(field: str, value: object, *, most: int | None = None) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigRefused(field, "must be an integer")
    if value < 1 or (most is not None and value > most):
        raise ConfigRefused(field, f"must be 1 to {most}" if most else "must be at least 1")
    return value


def _alert_types(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(
        isinstance(item, str) and item in ALERT_TYPES for item in value
    ):
        raise ConfigRefused("alert_types", f"must be a list of {', '.join(sorted(ALERT_TYPES))}")
    return frozenset(value)


def _fields(value: object) -> dict[str, FieldRule]:
    if not isinstance(value, dict):
        raise ConfigRefused("fields", "must be an object")
    for name in value:
        if name not in KNOWN_FIELDS:
            raise UnknownField(name)
    return {name: _rule(name, told) for name, told in value.items()}


def _rule(name: str, told: object) -> FieldRule:
    where = f"fields.{name}"
    if not isinstance(told, dict):
        raise ConfigRefused(where, "must be an object")
    if strange := told.keys() - _FIELD_KEYS:
        raise ConfigRefused(f"{where}.{min(strange)}", "is not known")
    interval = _integer(f"{where}.interval_seconds", told.get("interval_seconds"))
    delta, resend = told.get("minimum_delta"), told.get("resend_interval_seconds")
    if delta is not None:
        if name in NOT_NUMERIC:
            raise ConfigRefused(f"{where}.minimum_delta", "is for numeric fields only")
        if not isinstance(delta, int | float) or isinstance(delta, bool) or not 0 <= delta < 1e9:
            raise ConfigRefused(f"{where}.minimum_delta", "must be a number")
    if resend is not None:
        _integer(f"{where}.resend_interval_seconds", resend)
    included = _names(told.get("include_fields", []), where)
    for other in included:
        if other not in KNOWN_FIELDS:
            raise UnknownField(other)
    return FieldRule(interval, delta, resend, tuple(included))


def _names(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigRefused(f"{where}.include_fields", "must be a list of field names")
    return value
