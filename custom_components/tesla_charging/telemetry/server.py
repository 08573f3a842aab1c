"""The one telemetry receiver of this Home Assistant: opened by the first entry that wants it, closed by the last."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
import os
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

from aiohttp import ClientError, ClientTimeout
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalType

from .. import clock
from ..const import DOMAIN, LOGGER
from ..fleet_api import Endpoints
from ..fleet_telemetry import (
    AUTHORITY_FILE,
    SERVER_FILE,
    CarStatus,
    CertificateError,
    ConnectionInfo,
    Record,
    ServerCertificate,
    TelemetryReceiver,
    TrustError,
    VehicleCA,
    fingerprints,
    missing,
    read_bundle,
)
from ..listeners import Isolation
from ..storage import durable_file
from ..storage.loading import UnusableFile, async_read
from .certificate import MAX_BUNDLE_LENGTH, CertificateFileError, CertificateManager, Tls
from .settings import TelemetrySettings

DIRECTORY: Final = f"{DOMAIN}_telemetry"
"""In the configuration directory, so that backups contain it: cars are configured with the CA in it."""
VEHICLE_CA_FILE: Final = "vehicle_ca.pem"
OWN_FILES: Final = (AUTHORITY_FILE, SERVER_FILE, VEHICLE_CA_FILE)
DOWNLOAD_TIMEOUT: Final = ClientTimeout(total=30)
SIGNAL_NEW_CA: Final[SignalType[str]] = SignalType(f"{DOMAIN}_telemetry_new_ca")
"""The CA (PEM) with which the cars have to be configured from now on."""


class TelemetryServerError(Exception):
    """The receiver cannot be opened: the key of the message, and what it mentions."""

    def __init__(
        self, key: str, detail: str = "", file: CertificateFileError | None = None
    ) -> None:
        """Keep all; `file` is set if one of the user's files is the cause."""
        super().__init__(f"{key}: {detail}")
        self.key = key
        self.detail = detail
        self.file = file


class CarListener(Protocol):
    """Receives what one car pushes."""

    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Apply a record; the result is whether it is stored on disk, None if it need not be."""

    def on_connection(self, connected: bool) -> None:
        """Handle that the car connected or disconnected."""


class TelemetryServer:
    """Owns the receiver, its certificate and the CAs that it trusts; passes records to the listeners of their cars."""

    def __init__(self, hass: HomeAssistant, endpoints: Endpoints) -> None:
        self._hass = hass
        self._endpoints = endpoints
        self._directory = Path(hass.config.path(DIRECTORY))
        self._lock = asyncio.Lock()
        self._settings: TelemetrySettings | None = None
        self._cars: dict[str, dict[str, CarListener]] = {}
        """By entry id, then by VIN."""
        self._isolation = Isolation()
        self._receiver: TelemetryReceiver | None = None
        self._certificates: CertificateManager | None = None

    async def open(
        self, entry_id: str, settings: TelemetrySettings, cars: dict[str, CarListener]
    ) -> str:
        """Accept an entry's cars, by VIN; return the CA (PEM) with which they have to be configured.

        Raises TelemetryServerError.
        """
        async with self._lock:
            if self._receiver is None:
                await self._start(settings)
            elif not self._is_same(settings):
                raise TelemetryServerError("telemetry_other_place")
            self._cars[entry_id] = cars
            assert self._certificates is not None
            return self._certificates.certificate.ca

    async def close(self, entry_id: str) -> None:
        """Stop accepting an entry's cars; close the receiver if it was the last entry."""
        async with self._lock:
            for vin in self._cars.pop(entry_id, {}):
                if self._receiver is not None and not self.accepts(vin):
                    self._receiver.drop(vin)
            if self._cars or self._receiver is None:
                return
            if self._certificates is not None:
                self._certificates.close()
                self._certificates = None
            receiver, self._receiver = self._receiver, None
            await receiver.stop()

    @callback
    def join(self, entry_id: str, vin: str, car: CarListener) -> None:
        """Accept one more car of an entry that has opened the receiver."""
        if entry_id in self._cars:
            self._cars[entry_id][vin] = car

    @callback
    def leave(self, entry_id: str, vin: str) -> None:
        """Stop accepting one car of an entry."""
        self._cars.get(entry_id, {}).pop(vin, None)
        if self._receiver is not None and not self.accepts(vin):
            self._receiver.drop(vin)

    @asynccontextmanager
    async def trial(
        self, settings: TelemetrySettings, entry_id: str | None = None
    ) -> AsyncIterator[ServerCertificate]:
        """Open the receiver without cars, to check whether it is reachable; yield the certificate that it shows.

        `entry_id` is the entry that these settings are for, if there is one already. Raises TelemetryServerError.
        """
        if self._receiver is None or self._is_same(settings):
            name = f"trial {uuid4()}"
            await self.open(name, settings, {})
            assert self._certificates is not None
            try:
                yield self._certificates.certificate
            finally:
                await self.close(name)
        elif self._cars.keys() - {entry_id}:
            raise TelemetryServerError("telemetry_other_place")
        elif settings.listen_port == self.port:
            # the receiver has opened this port already, with the previous certificate
            if settings.files:
                await self._load(settings)
            assert self._certificates is not None
            yield self._certificates.certificate
        else:
            async with TelemetryServer(self._hass, self._endpoints).trial(settings) as certificate:
                yield certificate

    @property
    def certificate(self) -> ServerCertificate | None:
        """The certificate that is shown to cars, None while the receiver is closed."""
        return self._certificates.certificate if self._certificates else None

    @property
    def port(self) -> int:
        """The port that it listens on, 0 while it is closed."""
        return self._receiver.port if self._receiver else 0

    @property
    def refusals(self) -> dict[str, int]:
        """How many clients were refused, by reason."""
        return dict(self._receiver.refusals) if self._receiver else {}

    def status(self, vin: str) -> CarStatus | None:
        """Return the receiver's status of a car, None if it never connected."""
        return self._receiver.status(vin) if self._receiver else None

    # -- called by the receiver ---------------------------------------------------------------------

    def accepts(self, vin: str) -> bool:
        """Return whether an entry has this car."""
        return any(vin in cars for cars in self._cars.values())

    @callback
    def on_record(self, record: Record) -> asyncio.Future[bool] | None:
        """Pass a record to all entries that have this car; it is stored when all of them have stored it.

        An entry that raises has nothing to store.
        """
        results = [
            self._isolation.call(car.on_record, record) for car in self._listeners(record.vin)
        ]
        pending = [future for future in results if future is not None]
        if len(pending) < 2:
            return pending[0] if pending else None
        return self._hass.async_create_background_task(
            self._all_stored(pending), f"{DOMAIN} settle"
        )

    async def _all_stored(self, pending: list[asyncio.Future[bool]]) -> bool:
        """Return whether all entries have stored a record; one that raises has nothing to store."""
        # they may be shared, and must not be cancelled with this task
        shields = map(asyncio.shield, pending)
        results = await asyncio.gather(*shields, return_exceptions=True)
        for future, result in zip(pending, results, strict=True):
            if isinstance(result, Exception):
                self._isolation.call(future.result)
        return all(result is True for result in results if not isinstance(result, Exception))

    @callback
    def on_connection(self, vin: str, connected: bool, info: ConnectionInfo) -> None:
        """Notify all entries that have this car."""
        for car in self._listeners(vin):
            self._isolation.call(car.on_connection, connected)

    def _listeners(self, vin: str) -> Iterable[CarListener]:
        return [cars[vin] for cars in self._cars.values() if vin in cars]

    # -- opening ------------------------------------------------------------------------------------

    def _is_same(self, settings: TelemetrySettings) -> bool:
        return self._settings is not None and settings.shared == self._settings.shared

    async def _start(self, settings: TelemetrySettings) -> None:
        certificates, tls = await self._load(settings)
        receiver = TelemetryReceiver(self, now=clock.now)
        try:
            await receiver.start(settings.listen_host or None, settings.listen_port, tls.context)
        except OSError as err:
            # without the address and the number, which Python adds for programmers
            reason = os.strerror(err.errno) if err.errno and err.errno > 0 else str(err)
            raise TelemetryServerError("telemetry_port", reason) from err
        self._receiver, self._certificates, self._settings = receiver, certificates, settings
        certificates.watch(self._on_renewed)

    async def _load(self, settings: TelemetrySettings) -> tuple[CertificateManager, Tls]:
        """Return what a receiver needs for TLS. Raises TelemetryServerError."""
        try:
            trusted = () if settings.vehicle_ca_file else await self._vehicle_cas()
            certificates = CertificateManager(self._hass, self._directory, settings, trusted)
            return certificates, await certificates.load()
        except CertificateFileError as err:
            raise TelemetryServerError("telemetry_files", str(err), err) from err
        except TrustError as err:
            raise TelemetryServerError("telemetry_no_vehicle_ca", str(err)) from err
        except (CertificateError, OSError) as err:
            raise TelemetryServerError("telemetry_certificate", str(err)) from err

    @callback
    def _on_renewed(self, before: ServerCertificate, tls: Tls) -> None:
        """Show a renewed certificate to cars that connect from now on; connected cars stay connected."""
        if self._receiver is not None:
            self._receiver.update_tls(tls.context)
        if tls.certificate.ca != before.ca:
            async_dispatcher_send(self._hass, SIGNAL_NEW_CA, tls.certificate.ca)

    async def _vehicle_cas(self) -> tuple[VehicleCA, ...]:
        """Return the CAs of Tesla's cars. Raises TelemetryServerError, TrustError, OSError."""
        bundle = await self._vehicle_ca_bundle()
        pinned = self._endpoints.vehicle_ca_pinned
        return read_bundle(bundle, frozenset() if pinned else frozenset(fingerprints(bundle)))

    async def _vehicle_ca_bundle(self) -> bytes:
        """Return the bundle of the cars' CAs: the stored one if nothing is missing in it, else the one that Tesla publishes.

        A stored one that lacks a CA of this version is used when there is no better one.
        """
        if not self._endpoints.vehicle_ca_pinned:
            return await self._download_bundle()
        path = self._directory / VEHICLE_CA_FILE
        stored = await async_read(self._hass, path, _read_pinned)
        if stored is not None and not _missing(stored):
            return stored
        try:
            bundle = await self._download_bundle()
            lacking = _missing(bundle)
        except (TelemetryServerError, TrustError) as err:
            if stored is None:
                raise
            LOGGER.info("A newer list of the cars' authorities could not be downloaded: %s", err)
            return stored
        if stored is not None and lacking >= _missing(stored):
            return stored
        try:
            await self._hass.async_add_executor_job(_store_bundle, path, bundle)
        except OSError as err:
            LOGGER.warning("The list of the cars' authorities could not be saved: %s", err.strerror)
        return bundle

    async def _download_bundle(self) -> bytes:
        """Return the bundle that Tesla publishes. Raises TelemetryServerError."""
        session = async_get_clientsession(self._hass)
        try:
            async with session.get(
                self._endpoints.vehicle_ca_url, timeout=DOWNLOAD_TIMEOUT, allow_redirects=False
            ) as response:
                response.raise_for_status()
                bundle = b""
                async for chunk in response.content.iter_chunked(MAX_BUNDLE_LENGTH):
                    bundle += chunk
                    if len(bundle) > MAX_BUNDLE_LENGTH:
                        raise TelemetryServerError("telemetry_no_vehicle_ca", "too long")
        except (ClientError, TimeoutError) as err:
            raise TelemetryServerError("telemetry_no_vehicle_ca", type(err).__name__) from err
        return bundle


DATA_TELEMETRY_SERVER: Final[HassKey[TelemetryServer]] = HassKey(f"{DOMAIN}_telemetry_server")


@callback
def async_get_telemetry_server(hass: HomeAssistant, endpoints: Endpoints) -> TelemetryServer:
    """Return the server of this Home Assistant."""
    if DATA_TELEMETRY_SERVER not in hass.data:
        hass.data[DATA_TELEMETRY_SERVER] = TelemetryServer(hass, endpoints)
    return hass.data[DATA_TELEMETRY_SERVER]


def files_exist(directory: Path) -> bool:
    """Return whether the receiver has files of its own (blocking)."""
    files = [directory / name for name in OWN_FILES]
    return any(file.exists() or durable_file.leftovers(file) for file in files)


def erase_files(directory: Path) -> None:
    """Delete the receiver's own files, and their directory if nothing else is in it (blocking). Raises OSError."""
    durable_file.remove(*(directory / name for name in OWN_FILES))
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()


def _read_pinned(path: Path) -> bytes:
    """Return a stored bundle that contains pinned CAs. Raises OSError, UnusableFile."""
    with path.open("rb") as file:
        bundle = file.read(MAX_BUNDLE_LENGTH + 1)
    try:
        read_bundle(bundle)
    except TrustError as err:
        raise UnusableFile(str(err)) from err
    return bundle


def _missing(bundle: bytes) -> frozenset[str]:
    """Return the names of the pinned CAs that a bundle lacks. Raises TrustError if it contains none."""
    return frozenset(missing(read_bundle(bundle)))


def _store_bundle(path: Path, bundle: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    durable_file.write(path, bundle)
