"""Creates and removes the cars' telemetry configurations at Tesla.

A configuration is signed, compared with the one that Tesla holds, and sent only if they differ.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from ..auth.authorization import NO_AUTHORIZATION, async_get_authorization
from ..billing.budget_manager import async_get_budget
from ..billing.meter_store import async_get_meter
from ..client import active_endpoints
from ..const import CONF_IMPLEMENTATION, LOGGER
from ..fleet_api import (
    FleetApiClient,
    FleetApiError,
    InvalidRequest,
    MissingScope,
    NotFound,
    TelemetryConfigs,
)
from ..fleet_telemetry import (
    FIELDS,
    ConfigAnswerError,
    ConfigStatus,
    TelemetryConfig,
    fields_for,
    read_config_result,
    read_config_status,
    read_firmware,
    sign_token,
    unknown_field,
    unknown_to,
)
from ..request_origin import RequestOrigin, requested_by
from ..shared_cars import async_get_shared_cars
from ..storage.config_record import ConfigRecord
from ..storage.vehicle_store import VehicleStorage
from ..vehicle.signals import SIGNALS
from ..vehicle.telemetry_status import LOCATION, SKIPPED, TelemetryProblem, TelemetryStage
from ..vehicle_command import VirtualKey
from .settings import TelemetrySettings

if TYPE_CHECKING:
    from ..data import TeslaChargingConfigEntry


MAX_REFUSED_FIELDS: Final = 20
BEFORE_INCLUDES: Final = (2026, 26)
"""A firmware that knows everything but included fields, as earlier versions of this integration assumed of every car."""
RECONSIDER_INTERVAL: Final = 7 * 86_400.0
"""Seconds until a field that was refused is offered again: Tesla adds fields, and users grant permissions."""
REMOVAL_TIMEOUT: Final = 30.0
"""Seconds in which Tesla has to have removed all configurations; the user waits for the removal of the entry."""


class ConfigSync:
    """Configures the cars of one entry."""

    def __init__(
        self,
        configs: TelemetryConfigs,
        key: VirtualKey,
        settings: TelemetrySettings,
        ca: str,
        *,
        with_location: bool,
        shown: Collection[str] = (),
        essential: bool = False,
    ) -> None:
        """Prepare; `ca` is the CA (PEM) that the cars have to trust, `shown` names the signals that entities show.

        With `essential` cars push only the signals that are worth their cost when the budget is short.
        """
        self._configs = configs
        self._key = key
        # a field that no entity shows would cost money without a use
        fields = {
            name: row
            for name, row in fields_for(
                with_location=with_location,
                shown={*shown, *unknown_to(None)},
                essential=essential,
            ).items()
            if name in SIGNALS
        }
        self._config = TelemetryConfig(settings.hostname, settings.port, ca, fields)
        self.dropped_signals = frozenset(
            name
            for name in fields_for(with_location=with_location, shown=shown)
            if name not in fields and name in SIGNALS and FIELDS[name].wavers
        )
        """Signals that cars do not push only because the budget is short, and whose last values are soon outdated."""

    async def update(
        self, vin: str, record: ConfigRecord, now: float, max_age: float, firmware: object = None
    ) -> ConfigRecord:
        """Configure a car as wanted; return what is to be stored. Raises FleetApiError.

        No request is sent if the last was less than `max_age` seconds ago, unless another configuration is wanted. The
        configuration has only what the car's `firmware` understands: if that is not known, what every firmware does.
        """
        unknown = (*unknown_to(firmware),)
        config = _without(self._config.for_firmware(read_firmware(firmware)), unknown)
        left_out = self._still_left_out(config, record, now)
        wanted = _without(config, left_out)
        # what the car follows already need not be replaced at once only because it lacks includes: that is billed
        plain = _without(self._config.for_firmware(BEFORE_INCLUDES), unknown)
        plain = _without(plain, self._still_left_out(plain, record, now))
        kept = wanted if record.fingerprint != self._signed_fingerprint(plain) else plain
        if not record.is_due(self._signed_fingerprint(kept), now, max_age):
            return record
        try:
            if record.fingerprint == self._signed_fingerprint(wanted):
                status = read_config_status(await self._configs.get(vin))
                if status.config is not None and wanted.matches(status.config):
                    return _accepted(record, status, now)
                LOGGER.info(
                    "A car's telemetry configuration was removed or replaced; it is put back"
                )
            return await self._create(vin, config, record, left_out, now)
        except ConfigAnswerError as err:
            return _refused(record, TelemetryProblem.OTHER, str(err), now)

    async def _create(
        self,
        vin: str,
        config: TelemetryConfig,
        record: ConfigRecord,
        left_out: tuple[str, ...],
        now: float,
    ) -> ConfigRecord:
        """Create the configuration, leaving out one by one the fields that Tesla refuses by name."""
        record = replace(
            record,
            refused_fields=left_out,
            refused_at=record.refused_at if left_out else now,
            complete=config.fingerprint,
        )
        while True:
            wanted = _without(config, record.refused_fields)
            try:
                answer = await self._configs.create(
                    vin, sign_token(wanted.claims(), self._key.private_key)
                )
            except (InvalidRequest, MissingScope) as err:
                field = self._field_at_fault(err, wanted)
                if field is None or len(record.refused_fields) >= MAX_REFUSED_FIELDS:
                    problem = (
                        TelemetryProblem.MISSING_SCOPE
                        if isinstance(err, MissingScope)
                        else TelemetryProblem.CONFIG_REFUSED
                    )
                    return _refused(record, problem, err.detail, now)
                LOGGER.warning("Tesla does not stream %s from this car; it is left out", field)
                record = replace(record, refused_fields=(*record.refused_fields, field))
                continue
            result = read_config_result(answer)
            if (reason := result.skipped.get(vin)) is not None:
                return _refused(record, SKIPPED[reason], reason.value, now)
            if not result.updated:
                return _refused(record, TelemetryProblem.OTHER, "", now)
            return await self._read_back(
                vin, replace(record, fingerprint=self._signed_fingerprint(wanted)), now
            )

    async def _read_back(self, vin: str, record: ConfigRecord, now: float) -> ConfigRecord:
        """Check whether Tesla holds what it accepted: it drops a configuration for which the car has no free place."""
        try:
            status = read_config_status(await self._configs.get(vin))
        except (FleetApiError, ConfigAnswerError) as err:
            LOGGER.debug("A telemetry configuration could not be read back: %s", err)
            status = ConfigStatus(False, {}, False, None)
        return _accepted(record, status, now)

    def _signed_fingerprint(self, wanted: TelemetryConfig) -> str:
        """Return a configuration's fingerprint with its signer's: a car obeys it as long as it knows the key."""
        return f"{self._key.fingerprint}:{wanted.fingerprint}"

    @staticmethod
    def _still_left_out(
        config: TelemetryConfig, record: ConfigRecord, now: float
    ) -> tuple[str, ...]:
        """Return the fields that need not be offered again yet."""
        if record.complete != config.fingerprint:
            return ()
        if not 0 <= now - record.refused_at < RECONSIDER_INTERVAL:
            return ()
        return record.refused_fields

    @staticmethod
    def _field_at_fault(err: FleetApiError, wanted: TelemetryConfig) -> str | None:
        if isinstance(err, MissingScope):
            return LOCATION if LOCATION in wanted.fields else None
        field = unknown_field(err.detail)
        return field if field in wanted.fields else None


def _without(config: TelemetryConfig, refused: tuple[str, ...]) -> TelemetryConfig:
    for name in refused:
        config = config.without_field(name)
    return config


def _accepted(record: ConfigRecord, status: ConfigStatus, now: float) -> ConfigRecord:
    """Return what to store of a configuration that Tesla holds, or has accepted and dropped."""
    if status.rejected and status.limit_reached:
        return _refused(record, TelemetryProblem.LIMIT_REACHED, "limit_reached", now)
    stage = TelemetryStage.SYNCED if status.synced else TelemetryStage.CONFIGURED
    return replace(record, checked_at=now, stage=stage, problem=TelemetryProblem.NONE, reason="")


def _refused(
    record: ConfigRecord, problem: TelemetryProblem, reason: str, now: float
) -> ConfigRecord:
    return replace(
        record,
        fingerprint="",
        checked_at=now,
        stage=TelemetryStage.REFUSED,
        problem=problem,
        reason=reason,
    )


async def remove_config(configs: TelemetryConfigs, vin: str, place: str) -> bool:
    """Delete a car's configuration; return whether it is gone.

    Tesla holds one per application. If it names another host or port than ours did (`place`), another program has
    replaced it since, and it stays.
    """
    try:
        with requested_by(RequestOrigin.SAVING):
            config = read_config_status(await configs.get(vin)).config
            if config is None or (place and _public_place(config) != place):
                return True
            await configs.delete(vin)
    except ConfigAnswerError as err:
        LOGGER.warning("What Tesla holds for a car could not be read: %s", err)
        return False
    except NotFound:
        return True
    except FleetApiError as err:
        LOGGER.warning("A telemetry configuration could not be taken back: %s", err)
        return False
    return True


def is_of_another_entry(hass: HomeAssistant, entry: TeslaChargingConfigEntry, vin: str) -> bool:
    """Return whether what Tesla holds for a car belongs to another entry.

    Tesla holds one configuration per application, so that of an entry that had the car before was replaced.
    """
    other = async_get_shared_cars(hass).other_entry(vin, entry.entry_id)
    return other is not None and (
        other.data.get(CONF_IMPLEMENTATION) == entry.data.get(CONF_IMPLEMENTATION)
    )


async def async_remove_configs(
    hass: HomeAssistant, entry: TeslaChargingConfigEntry, storage: VehicleStorage, base_url: str
) -> set[str]:
    """Delete the configurations of an entry that is not loaded; return the VINs of the cars that still have theirs."""
    configured = [vin for vin in storage.configured if not is_of_another_entry(hass, entry, vin)]
    remaining = set(configured)
    if not remaining:
        return remaining
    try:
        authorization = await async_get_authorization(hass, entry)
    except NO_AUTHORIZATION:
        return remaining  # the client id was deleted before
    meter = await async_get_meter(hass, authorization.implementation)
    configs = TelemetryConfigs(
        FleetApiClient(
            async_get_clientsession(hass),
            authorization,
            active_endpoints(),
            base_url,
            now=hass.loop.time,
            on_request=meter.add_request,
            permit=async_get_budget(hass, meter).permit_user,
        )
    )

    async def remove(vin: str) -> None:
        if await remove_config(configs, vin, storage.config_record(vin).place):
            remaining.discard(vin)

    try:
        async with asyncio.timeout(REMOVAL_TIMEOUT):
            await asyncio.gather(*map(remove, configured))
    except TimeoutError:
        LOGGER.warning("Tesla took too long to take the telemetry configurations back")
    return remaining


def _public_place(config: Mapping[str, Any]) -> str:
    return f"{str(config.get('hostname')).lower()}:{config.get('port', 443)}"
