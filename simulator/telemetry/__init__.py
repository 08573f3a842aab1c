"""Fleet Telemetry as the cars speak it: configurations, certificates, streams, and mischief."""

from simulator.telemetry.car_telemetry import CarTelemetry, ReportedError
from simulator.telemetry.config import ConfigRefused, TelemetryConfig, UnknownField, read_config
from simulator.telemetry.hub import Telemetry
from simulator.telemetry.signed_config import SignedConfig, TokenRefused, read_token

__all__ = [
    "CarTelemetry",
    "ConfigRefused",
    "ReportedError",
    "SignedConfig",
    "Telemetry",
    "TelemetryConfig",
    "TokenRefused",
    "UnknownField",
    "read_config",
    "read_token",
]
