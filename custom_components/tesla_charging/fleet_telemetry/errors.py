"""What can be wrong with what came over the push channel, by meaning."""


class TelemetryError(Exception):
    """Base of everything that this room raises on purpose."""


class EnvelopeError(TelemetryError):
    """A frame is no envelope that a car can have meant; `txid` is its transaction id if that could be read."""

    txid: bytes = b""


class RecordError(TelemetryError):
    """A payload is not what its topic announces."""


class IdentityError(TelemetryError):
    """A verified certificate does not speak for a car by Tesla's rules."""


class TrustError(TelemetryError):
    """A bundle of vehicle CAs cannot be used."""


class CertificateError(TelemetryError):
    """The server's certificate or key cannot be used; `reason` is a word for translations."""

    def __init__(self, reason: str, detail: str) -> None:
        """Remember why: `unreadable`, `too_large`, `expired`, `not_yet_valid`, `wrong_hostname` ..."""
        super().__init__(detail)
        self.reason = reason


class TokenError(TelemetryError):
    """A signed token is malformed, or its signature does not hold."""


class ConfigAnswerError(TelemetryError):
    """Tesla's answer about a telemetry configuration does not say what it should."""
