"""What the receiver shows to cars and by what it knows them: made and downloaded here, or the person's own files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import errno
from pathlib import Path
import ssl
from typing import Final

import certifi
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
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
from ..storage import durable_file
from .settings import TelemetrySettings

REVIEW_INTERVAL: Final = timedelta(minutes=5)
"""How often files are looked at; a renewed certificate has days of the old one left."""
MAX_BUNDLE_LENGTH: Final = 262_144
EXPIRY_ISSUE: Final = "telemetry_certificate_expiry"

_OF_KEY: Final[Mapping[str, str]] = {
    "encrypted": "certificate_key_encrypted",
    "key_mismatch": "certificate_key_mismatch",
    "key_too_large": "certificate_no_key",
    "key_unreadable": "certificate_no_key",
}
_OF_CERTIFICATE: Final[Mapping[str, str]] = {
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
"""The flow's error for each reason why a file cannot be used, and which file it is about."""


class CertificateFileError(Exception):
    """One of the person's files cannot be used: the flow's error, the path, and why in plain words."""

    def __init__(self, key: str, path: str, why: str) -> None:
        """Remember all three; none repeats what is in a file."""
        super().__init__(f"{path}: {why}")
        self.key = key
        self.path = path


@dataclass(frozen=True, slots=True)
class Tls:
    """What a receiver works with."""

    certificate: ServerCertificate
    context: ssl.SSLContext
    stamp: object
    """Of the person's files when they were read."""


type OnRenewed = Callable[[ServerCertificate, Tls], None]


class CertificateManager:
    """Loads what a receiver works with, and loads it again when it is renewed."""

    def __init__(
        self,
        hass: HomeAssistant,
        directory: Path,
        settings: TelemetrySettings,
        vehicle_cas: tuple[VehicleCA, ...],
    ) -> None:
        """Prepare; `vehicle_cas` are those that Tesla publishes, of no account if the person has a file."""
        self._hass = hass
        self._directory = directory
        self._settings = settings
        self._vehicle_cas = vehicle_cas
        self._tls: Tls | None = None
        self._on_renewed: OnRenewed | None = None
        self._cancel: CALLBACK_TYPE | None = None
        self._trouble = ""
        """What was logged last, so that it is logged once."""
        self._warned = False

    @property
    def certificate(self) -> ServerCertificate:
        """The certificate in use."""
        assert self._tls is not None
        return self._tls.certificate

    async def load(self) -> Tls:
        """Read or make everything. Raises FileTrouble, CertificateError, TrustError, OSError."""
        self._tls = await self._hass.async_add_executor_job(self._load)
        return self._tls

    @callback
    def watch(self, on_renewed: OnRenewed) -> None:
        """Look regularly from now on; `on_renewed` hears which certificate there was, and what is to be used now."""
        self._on_renewed = on_renewed
        self._tell_expiry(dt_util.utcnow())
        self._cancel = async_track_time_interval(
            self._hass, self._review, REVIEW_INTERVAL, cancel_on_shutdown=True
        )

    @callback
    def close(self) -> None:
        """Look no more."""
        self._on_renewed = None
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        self._warn_no_more()

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
                self._directory.mkdir(mode=0o700, exist_ok=True)
                certificate = ensure_certificate(
                    self._directory, settings.hostname, now, durable_file.write
                )
            context = server_context(certificate.chain, certificate.key, vehicle_cas)
        except OSError as err:
            if Path(str(err.filename)) in settings.files:
                key = "file_missing" if err.errno in _NOT_THERE else "file_denied"
                raise CertificateFileError(key, str(err.filename), err.strerror or "") from err
            raise
        except TrustError as err:
            if settings.vehicle_ca_file:
                path = settings.vehicle_ca_file
                raise CertificateFileError("vehicle_ca_unusable", path, str(err)) from err
            raise
        except CertificateError as err:
            if settings.certificate_file:
                raise _trouble(settings, err) from err
            raise
        return Tls(certificate, context, stamp)

    def _is_stale(self, tls: Tls, now: datetime) -> bool:
        """Return whether there may be something better than what is in use."""
        if tls.certificate.own and tls.certificate.renewal_due(now):
            return True
        try:
            return bool(self._settings.files) and file_stamp(*self._settings.files) != tls.stamp
        except OSError:
            return True

    # -- watching -----------------------------------------------------------------------------------

    async def _review(self, now: datetime) -> None:
        """Use what was renewed, by whomever; what is damaged leaves the old in use."""
        tls = self._tls
        assert tls is not None
        try:
            if await self._hass.async_add_executor_job(self._is_stale, tls, now):
                tls = await self._hass.async_add_executor_job(self._load)
        except (CertificateFileError, CertificateError, TrustError, OSError) as err:
            if str(err) != self._trouble:
                self._trouble = str(err)
                LOGGER.error("What cars are shown could not be renewed; the old is kept: %s", err)
        else:
            self._trouble = ""
        if self._on_renewed is None:
            return
        if tls is not self._tls:
            before, self._tls = self.certificate, tls
            LOGGER.info("Cars are shown a renewed certificate from now on")
            self._on_renewed(before, tls)
        self._tell_expiry(now)

    @callback
    def _tell_expiry(self, now: datetime) -> None:
        """Warn of a person's certificate that should have been renewed; ours is renewed by itself."""
        certificate = self.certificate
        if certificate.own or not certificate.renewal_due(now):
            self._warn_no_more()
            return
        self._warned, expired = True, now >= certificate.not_after
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            EXPIRY_ISSUE,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR if expired else ir.IssueSeverity.WARNING,
            translation_key="telemetry_files_expired" if expired else "telemetry_files_expiring",
            translation_placeholders={
                "file": self._settings.certificate_file,
                "date": dt_util.as_local(certificate.not_after).date().isoformat(),
                "trouble": self._trouble or "-",
            },
        )

    @callback
    def _warn_no_more(self) -> None:
        if self._warned:
            self._warned = False
            ir.async_delete_issue(self._hass, DOMAIN, EXPIRY_ISSUE)


_NOT_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


def _own_certificate(settings: TelemetrySettings, now: datetime) -> ServerCertificate:
    """Return the person's certificate; cars are told the roots of the same public authority (blocking)."""
    return load_certificate(
        Path(settings.certificate_file),
        Path(settings.key_file) if settings.key_file else None,
        settings.hostname,
        now,
        roots=Path(certifi.where()).read_bytes(),
    )


def _own_vehicle_cas(name: str) -> tuple[VehicleCA, ...]:
    """Return what a person's file says vouches for cars, taken as given (blocking)."""
    path = Path(name)
    if not path.is_file():
        path.stat()  # says why, if it is not there
        raise FileNotFoundError(errno.ENOENT, "not a file", name)
    with path.open("rb") as file:
        bundle = file.read(MAX_BUNDLE_LENGTH + 1)
    return read_bundle(bundle, frozenset(fingerprints(bundle)))


def _trouble(settings: TelemetrySettings, err: CertificateError) -> CertificateFileError:
    if err.reason in _OF_KEY:
        return CertificateFileError(
            _OF_KEY[err.reason], settings.key_file or settings.certificate_file, str(err)
        )
    return CertificateFileError(_OF_CERTIFICATE[err.reason], settings.certificate_file, str(err))
