"""Fleet Telemetry: the push channel of Tesla's cars, from the signed configuration to the received records.

This library handles TLS, frames and signatures. It depends neither on Home Assistant nor on the Fleet API, through
which the configuration is sent to Tesla.
"""

from .answers import (
    ConfigResult,
    ConfigStatus,
    ReportedError,
    SkippedReason,
    read_config_result,
    read_config_status,
    read_reported_errors,
)
from .certificates.certificate import (
    AUTHORITY_FILE,
    SERVER_FILE,
    ServerCertificate,
    ensure_certificate,
)
from .certificates.jws import TELEMETRY_AUDIENCE, read_token, sign_token
from .certificates.tls import server_context
from .certificates.trust import PINNED, VehicleCA, fingerprints, missing, read_bundle
from .certificates.user_certificate import file_stamp, load_certificate
from .config import TelemetryConfig, is_hostname, unknown_field
from .errors import (
    CertificateError,
    ConfigAnswerError,
    EnvelopeError,
    IdentityError,
    RecordError,
    TelemetryError,
    TokenError,
    TrustError,
)
from .fields import (
    FIELDS,
    Day,
    FieldKind,
    FieldRequest,
    expected_signals_per_month,
    fields_for,
    read_firmware,
    unknown_to,
)
from .invalid import settle
from .limits import Limits
from .mqtt import is_topic_base, read_message, subscriptions
from .presence import ConnectionInfo
from .receiver import CarStatus, TelemetryListener, TelemetryReceiver
from .records import (
    MAX_CLOCK_AHEAD,
    Alert,
    AlertRecord,
    ConnectivityRecord,
    ErrorRecord,
    Record,
    SignalRecord,
    VehicleError,
    billed_signals,
)
from .values import INVALID, FieldReading, FieldValue, Invalid

__all__ = [
    "AUTHORITY_FILE",
    "FIELDS",
    "INVALID",
    "MAX_CLOCK_AHEAD",
    "PINNED",
    "SERVER_FILE",
    "TELEMETRY_AUDIENCE",
    "Alert",
    "AlertRecord",
    "CarStatus",
    "CertificateError",
    "ConfigAnswerError",
    "ConfigResult",
    "ConfigStatus",
    "ConnectionInfo",
    "ConnectivityRecord",
    "Day",
    "EnvelopeError",
    "ErrorRecord",
    "FieldKind",
    "FieldReading",
    "FieldRequest",
    "FieldValue",
    "IdentityError",
    "Invalid",
    "Limits",
    "Record",
    "RecordError",
    "ReportedError",
    "ServerCertificate",
    "SignalRecord",
    "SkippedReason",
    "TelemetryConfig",
    "TelemetryError",
    "TelemetryListener",
    "TelemetryReceiver",
    "TokenError",
    "TrustError",
    "VehicleCA",
    "VehicleError",
    "billed_signals",
    "ensure_certificate",
    "expected_signals_per_month",
    "fields_for",
    "file_stamp",
    "fingerprints",
    "is_hostname",
    "is_topic_base",
    "load_certificate",
    "missing",
    "read_bundle",
    "read_config_result",
    "read_config_status",
    "read_firmware",
    "read_message",
    "read_reported_errors",
    "read_token",
    "server_context",
    "settle",
    "sign_token",
    "subscriptions",
    "unknown_field",
    "unknown_to",
]
