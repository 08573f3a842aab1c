"""The errors of the push channel, by meaning."""


class TelemetryError(Exception):
    """Base class of the errors that this library raises."""


class EnvelopeError(TelemetryError):
    """A frame is not a valid envelope; `txid` is its transaction id if that could be read."""

    txid: bytes = b""


class RecordError(TelemetryError):
    """A payload is not valid for its topic."""


class IdentityError(TelemetryError):
    """A verified certificate does not identify a car by Tesla's rules."""


class TrustError(TelemetryError):
    """A bundle of vehicle CAs cannot be used."""


class CertificateError(TelemetryError):
    """The server's certificate or key cannot be used; `reason` is a key for translations."""

    def __init__(self, reason: str, detail: str) -> None:
        """Create the error; `reason` is `unreadable`, `too_large`, `expired`, `not_yet_valid`, `wrong_hostname` ..."""
        super().__init__(detail)
        self.reason = reason


class TokenError(TelemetryError):
    """A signed token is malformed, or its signature is not valid."""


class ConfigAnswerError(TelemetryError):
    """Tesla's answer about a telemetry configuration lacks the expected content."""
