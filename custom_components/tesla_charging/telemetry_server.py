"""The one telemetry receiver of this Home Assistant: opened by the first entry that wants it, closed by the last."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
import ssl
from typing import Final, Protocol
from uuid import uuid4

from aiohttp import ClientError, ClientTimeout
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER
from .fleet_api import Endpoints
from .fleet_telemetry import (
    CarStatus,
    CertificateError,
    ConnectionInfo,
    Record,
    ServerCertificate,
    TelemetryReceiver,
    TrustError,
    VehicleCA,
    ensure_certificate,
    fingerprints,
    read_bundle,
    server_context,
)
from .telemetry_settings import TelemetrySettings

DIRECTORY: Final = f"{DOMAIN}_telemetry"
"""In the configuration directory, so that backups contain it: cars are told the CA that is in it."""
VEHICLE_CA_FILE: Final = "vehicle_ca.pem"
MAX_BUNDLE_LENGTH: Final = 262_144
DOWNLOAD_TIMEOUT: Final = ClientTimeout(total=30)
RENEWAL_INTERVAL: Final = timedelta(hours=12)


class TelemetryServerError(Exception):
    """The receiver cannot be opened: the key of the message, and what it mentions."""

    def __init__(self, key: str, detail: str = "") -> None:
        """Remember both."""
        super().__init__(f"{key}: {detail}")
        self.key = key
        self.detail = detail


class StreamingCar(Protocol):
    """Who hears one car."""

    def on_record(self, record: Record) -> None:
        """Apply what the car sent."""

    def on_connection(self, connected: bool) -> None:
        """Hear that the car came or went."""


class TelemetryServer:
    """Owns the receiver, its certificate and the CAs that it trusts; leads records to their cars."""

    def __init__(self, hass: HomeAssistant, endpoints: Endpoints) -> None:
        """Nothing is opened yet."""
        self._hass = hass
        self._endpoints = endpoints
        self._directory = Path(hass.config.path(DIRECTORY))
        self._lock = asyncio.Lock()
        self._settings: TelemetrySettings | None = None
        self._cars: dict[str, dict[str, StreamingCar]] = {}
        """By entry id, then by VIN."""
        self._receiver: TelemetryReceiver | None = None
        self._certificate: ServerCertificate | None = None
        self._vehicle_cas: tuple[VehicleCA, ...] = ()
        self._cancel_renewal: CALLBACK_TYPE | None = None

    async def open(
        self, entry_id: str, settings: TelemetrySettings, cars: dict[str, StreamingCar]
    ) -> str:
        """Listen for an entry's cars, by VIN; return the CA (PEM) that they have to be told.

        Raises TelemetryServerError.
        """
        async with self._lock:
            if self._receiver is None:
                await self._start(settings)
            elif _place(settings) != _place(self._settings):
                raise TelemetryServerError("telemetry_other_place")
            self._cars[entry_id] = cars
            assert self._certificate is not None
            return self._certificate.ca

    async def close(self, entry_id: str) -> None:
        """Listen no more for an entry's cars, and for nobody when it was the last."""
        async with self._lock:
            for vin in self._cars.pop(entry_id, {}):
                if self._receiver is not None and not self.accepts(vin):
                    self._receiver.drop(vin)
            if self._cars or self._receiver is None:
                return
            if self._cancel_renewal is not None:
                self._cancel_renewal()
                self._cancel_renewal = None
            receiver, self._receiver = self._receiver, None
            await receiver.stop()

    @asynccontextmanager
    async def trial(
        self, settings: TelemetrySettings, entry_id: str | None = None
    ) -> AsyncIterator[str]:
        """Listen for nobody, only to see whether it can be reached; give the CA (PEM) of who answers.

        `entry_id` is the entry that these settings are for, if there is one already. Raises TelemetryServerError.
        """
        if self._receiver is None or _place(settings) == _place(self._settings):
            name = f"trial {uuid4()}"
            ca = await self.open(name, settings, {})
            try:
                yield ca
            finally:
                await self.close(name)
        elif self._cars.keys() - {entry_id}:
            raise TelemetryServerError("telemetry_other_place")
        elif settings.listen_port == self.port:
            # the port is ours already, with a certificate for another name from the same CA
            assert self._certificate is not None
            yield self._certificate.ca
        else:
            async with TelemetryServer(self._hass, self._endpoints).trial(settings) as ca:
                yield ca

    @property
    def port(self) -> int:
        """The port that it listens on, 0 when it does not."""
        return self._receiver.port if self._receiver else 0

    @property
    def refusals(self) -> dict[str, int]:
        """How many clients were turned away, by reason."""
        return dict(self._receiver.refusals) if self._receiver else {}

    def status(self, vin: str) -> CarStatus | None:
        """Return what the receiver knows of a car, None if it never came."""
        return self._receiver.status(vin) if self._receiver else None

    # -- what the receiver asks and tells -----------------------------------------------------------

    def accepts(self, vin: str) -> bool:
        """Return whether a car is one of ours."""
        return any(vin in cars for cars in self._cars.values())

    @callback
    def on_record(self, record: Record) -> None:
        """Lead a record to everybody who has this car."""
        for car in self._listeners(record.vin):
            car.on_record(record)

    @callback
    def on_connection(self, vin: str, connected: bool, info: ConnectionInfo) -> None:
        """Tell everybody who has this car."""
        for car in self._listeners(vin):
            car.on_connection(connected)

    def _listeners(self, vin: str) -> Iterable[StreamingCar]:
        return [cars[vin] for cars in self._cars.values() if vin in cars]

    # -- opening ------------------------------------------------------------------------------------

    async def _start(self, settings: TelemetrySettings) -> None:
        bundle = await self._vehicle_ca_bundle()
        receiver = TelemetryReceiver(self)
        try:
            self._vehicle_cas = read_bundle(
                bundle,
                frozenset()
                if self._endpoints.vehicle_ca_pinned
                else frozenset(fingerprints(bundle)),
            )
            context = await self._hass.async_add_executor_job(self._make_context, settings)
            await receiver.start(settings.listen_host or None, settings.listen_port, context)
        except TrustError as err:
            raise TelemetryServerError("telemetry_no_vehicle_ca", str(err)) from err
        except CertificateError as err:
            raise TelemetryServerError("telemetry_certificate", str(err)) from err
        except OSError as err:
            raise TelemetryServerError("telemetry_port", str(err)) from err
        self._receiver, self._settings = receiver, settings
        self._cancel_renewal = async_track_time_interval(
            self._hass, self._renew, RENEWAL_INTERVAL, cancel_on_shutdown=True
        )

    def _make_context(self, settings: TelemetrySettings) -> ssl.SSLContext:
        """Make or renew the certificate and load it (blocking)."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._certificate = ensure_certificate(self._directory, settings.hostname, dt_util.utcnow())
        return server_context(self._certificate.chain, self._certificate.key, self._vehicle_cas)

    async def _renew(self, now: datetime) -> None:
        """Use a renewed certificate in time; the cars' configuration names only the CA."""
        if self._certificate is None or not self._certificate.renewal_due(now):
            return
        assert self._settings is not None
        try:
            context = await self._hass.async_add_executor_job(self._make_context, self._settings)
        except (CertificateError, TrustError, OSError) as err:
            LOGGER.error("The telemetry certificate could not be renewed: %s", err)
            return
        if self._receiver is not None:
            self._receiver.update_tls(context)

    async def _vehicle_ca_bundle(self) -> bytes:
        """Return the bundle of the cars' CAs: as kept, else as Tesla publishes it, which is then kept."""
        path = self._directory / VEHICLE_CA_FILE
        pinned = self._endpoints.vehicle_ca_pinned
        if pinned and (kept := await self._hass.async_add_executor_job(_read_if_there, path)):
            return kept
        session = async_get_clientsession(self._hass)
        try:
            async with session.get(
                self._endpoints.vehicle_ca_url, timeout=DOWNLOAD_TIMEOUT, allow_redirects=False
            ) as response:
                response.raise_for_status()
                bundle = await response.content.read(MAX_BUNDLE_LENGTH)
        except (ClientError, TimeoutError) as err:
            raise TelemetryServerError("telemetry_no_vehicle_ca", type(err).__name__) from err
        if pinned:
            await self._hass.async_add_executor_job(_keep, path, bundle)
        return bundle


DATA_TELEMETRY_SERVER: Final[HassKey[TelemetryServer]] = HassKey(f"{DOMAIN}_telemetry_server")


@callback
def async_get_telemetry_server(hass: HomeAssistant, endpoints: Endpoints) -> TelemetryServer:
    """Return the server of this Home Assistant."""
    if DATA_TELEMETRY_SERVER not in hass.data:
        hass.data[DATA_TELEMETRY_SERVER] = TelemetryServer(hass, endpoints)
    return hass.data[DATA_TELEMETRY_SERVER]


def _place(settings: TelemetrySettings | None) -> tuple[str, int, str] | None:
    if settings is None:
        return None
    return (settings.hostname, settings.listen_port, settings.listen_host)


def _read_if_there(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BUNDLE_LENGTH)
    except FileNotFoundError:
        return None


def _keep(path: Path, bundle: bytes) -> None:
    """Keep a bundle that holds what is pinned; another one would be asked for again for ever."""
    read_bundle(bundle)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(bundle)
