"""The receiver's certificate and the CAs by which it verifies cars: made and downloaded here, or the user's own files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import errno
from functools import partial
from pathlib import Path
import ssl
from typing import Final

import certifi
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..fleet_telemetry import (
    CertificateError,
    ServerCertificate,
    TrustError,
    VehicleCA,
    ensure_certificate,
    file_stamp,
    fingerprints,
    load_certificate,
    read_bundle,
    server_context,
)
from ..issues.kinds import TELEMETRY_FILES_EXPIRED, TELEMETRY_FILES_EXPIRING, Success
from ..issues.registry import async_clear_issues, async_raise_issue
from ..storage import durable_file
from ..storage.loading import set_aside
from .settings import TelemetrySettings

REVIEW_INTERVAL: Final = timedelta(minutes=5)
"""How often files are checked; when a certificate is renewed, the old one is still valid for days."""
MAX_BUNDLE_LENGTH: Final = 262_144

_KEY_ERRORS: Final[Mapping[str, str]] = {
    "encrypted": "certificate_key_encrypted",
    "key_mismatch": "certificate_key_mismatch",
    "key_too_large": "certificate_no_key",
    "key_unreadable": "certificate_no_key",
}
_CERTIFICATE_ERRORS: Final[Mapping[str, str]] = {
    "expired": "certificate_expired",
    "not_for_servers": "certificate_not_for_servers",
    "not_yet_valid": "certificate_not_yet_valid",
    "self_signed": "certificate_self_signed",
    "too_large": "certificate_not_pem",
    "unknown_ca": "certificate_incomplete",
    "unreadable": "certificate_not_pem",
    "wrong_ca": "certificate_incomplete",
    "wrong_hostname": "certificate_wrong_hostname",
}
"""The config flow's error for each reason why the key's or the certificate's file cannot be used."""


class CertificateFileError(Exception):
    """One of the user's files cannot be used: the config flow's error, the path, and why in plain words.

    None of them repeats what is in the file.
    """

    def __init__(self, key: str, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.key = key
        self.path = path


@dataclass(frozen=True, slots=True)
class Tls:
    """What a receiver needs for TLS."""

    certificate: ServerCertificate
    context: ssl.SSLContext
    stamp: object
    """Of the user's files when they were read."""


type OnRenewed = Callable[[ServerCertificate, Tls], None]


class CertificateManager:
    """Loads what a receiver needs for TLS, and loads it again when it is renewed."""

    def __init__(
        self,
        hass: HomeAssistant,
        directory: Path,
        settings: TelemetrySettings,
        vehicle_cas: tuple[VehicleCA, ...],
    ) -> None:
        """Prepare; `vehicle_cas` are those that Tesla publishes, ignored if the user has a file."""
        self._hass = hass
        self._directory = directory
        self._settings = settings
        self._vehicle_cas = vehicle_cas
        self._tls: Tls | None = None
        self._on_renewed: OnRenewed | None = None
        self._cancel: CALLBACK_TYPE | None = None
        self._logged_error = ""
        """The error that was logged last, so that it is logged once; empty after a success."""
        self._warned = False
        """Whether the issue about the date of the certificate was raised."""

    @property
    def certificate(self) -> ServerCertificate:
        """The certificate in use."""
        assert self._tls is not None
        return self._tls.certificate

    async def load(self) -> Tls:
        """Read or make everything. Raises CertificateFileError, CertificateError, TrustError, OSError."""
        self._tls = await self._hass.async_add_executor_job(self._load)
        return self._tls

    @callback
    def watch(self, on_renewed: OnRenewed) -> None:
        """Check regularly from now on; `on_renewed` gets the certificate of before, and what to use from now on."""
        self._on_renewed = on_renewed
        self._report_expiry(dt_util.utcnow())
        self._cancel = async_track_time_interval(
            self._hass, self._review, REVIEW_INTERVAL, cancel_on_shutdown=True
        )

    @callback
    def close(self) -> None:
        """Stop checking."""
        self._on_renewed = None
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        self._clear_expiry()

    # -- reading, in an executor --------------------------------------------------------------------

    def _load(self) -> Tls:
        settings, now = self._settings, dt_util.utcnow()
        for file in settings.files:
            if not file.is_absolute() or "\0" in str(file):
                raise CertificateFileError("file_missing", str(file), "not a whole path")
        try:
            # before reading: what changes meanwhile is noticed the next time
            stamp = file_stamp(*settings.files)
            vehicle_cas = self._vehicle_cas
            if settings.vehicle_ca_file:
                vehicle_cas = _own_vehicle_cas(settings.vehicle_ca_file)
            if settings.certificate_file:
                certificate = _own_certificate(settings, now)
            else:
                self._make_directory()
                certificate = ensure_certificate(
                    self._directory,
                    settings.hostname,
                    now,
                    durable_file.write,
                    partial(set_aside, self._hass),
                )
            context = server_context(certificate.chain, certificate.key, vehicle_cas)
        except OSError as err:
            if Path(str(err.filename)) in settings.files:
                key = "file_missing" if err.errno in _MISSING else "file_denied"
                raise CertificateFileError(key, str(err.filename), err.strerror or "") from err
            raise
        except TrustError as err:
            if settings.vehicle_ca_file:
                path = settings.vehicle_ca_file
                raise CertificateFileError("vehicle_ca_unusable", path, str(err)) from err
            raise
        except CertificateError as err:
            if settings.certificate_file:
                raise _file_error(settings, err) from err
            raise
        return Tls(certificate, context, stamp)

    def _make_directory(self) -> None:
        if self._directory.exists() and not self._directory.is_dir():
            set_aside(self._hass, self._directory, "it is not a folder")
        self._directory.mkdir(mode=0o700, exist_ok=True)

    def _is_stale(self, tls: Tls, now: datetime) -> bool:
        """Return whether there may be something newer than what is in use."""
        if tls.certificate.own and tls.certificate.renewal_due(now):
            return True
        try:
            return bool(self._settings.files) and file_stamp(*self._settings.files) != tls.stamp
        except OSError:
            return True

    # -- renewal ------------------------------------------------------------------------------------

    async def _review(self, now: datetime) -> None:
        """Use what was renewed, here or by another program; what is damaged leaves the old in use."""
        tls = self._tls
        assert tls is not None
        try:
            if await self._hass.async_add_executor_job(self._is_stale, tls, now):
                tls = await self._hass.async_add_executor_job(self._load)
        except (CertificateFileError, CertificateError, TrustError, OSError) as err:
            if str(err) != self._logged_error:
                self._logged_error = str(err)
                LOGGER.error("What cars are shown could not be renewed; the old is kept: %s", err)
        else:
            self._logged_error = ""
        if self._on_renewed is None:
            return
        if tls is not self._tls:
            before, self._tls = self.certificate, tls
            LOGGER.info("Cars are shown a renewed certificate from now on")
            self._on_renewed(before, tls)
        self._report_expiry(now)

    @callback
    def _report_expiry(self, now: datetime) -> None:
        """Raise an issue about a user's certificate that should have been renewed; ours is renewed automatically."""
        certificate = self.certificate
        if certificate.own or not certificate.renewal_due(now):
            self._clear_expiry()
            return
        self._warned, expired = True, now >= certificate.not_after
        async_raise_issue(
            self._hass,
            TELEMETRY_FILES_EXPIRED if expired else TELEMETRY_FILES_EXPIRING,
            {
                "file": self._settings.certificate_file,
                "date": dt_util.as_local(certificate.not_after).date().isoformat(),
                "trouble": self._logged_error or "-",
            },
        )

    @callback
    def _clear_expiry(self) -> None:
        if self._warned:
            self._warned = False
            async_clear_issues(self._hass, Success.CERTIFICATE_VALID)


_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


def _own_certificate(settings: TelemetrySettings, now: datetime) -> ServerCertificate:
    """Return the user's certificate; cars are configured with the roots of the same public authority (blocking)."""
    return load_certificate(
        Path(settings.certificate_file),
        Path(settings.key_file) if settings.key_file else None,
        settings.hostname,
        now,
        roots=Path(certifi.where()).read_bytes(),
    )


def _own_vehicle_cas(name: str) -> tuple[VehicleCA, ...]:
    """Return the CAs in the user's file; all of them are trusted (blocking)."""
    path = Path(name)
    if not path.is_file():
        path.stat()  # raises the reason if it does not exist
        raise FileNotFoundError(errno.ENOENT, "not a file", name)
    with path.open("rb") as file:
        bundle = file.read(MAX_BUNDLE_LENGTH + 1)
    return read_bundle(bundle, frozenset(fingerprints(bundle)))


def _file_error(settings: TelemetrySettings, err: CertificateError) -> CertificateFileError:
    if err.reason in _KEY_ERRORS:
        return CertificateFileError(
            _KEY_ERRORS[err.reason], settings.key_file or settings.certificate_file, str(err)
        )
    return CertificateFileError(
        _CERTIFICATE_ERRORS[err.reason], settings.certificate_file, str(err)
    )
