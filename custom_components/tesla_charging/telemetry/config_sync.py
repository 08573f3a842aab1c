"""Telling the cars to stream: the signed configuration, compared with what Tesla holds, sent only when it differs."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from ..const import LOGGER
from ..fleet_api import FleetApiError, InvalidRequest, MissingScope, NotFound, TelemetryConfigs
from ..fleet_telemetry import (
    FIELDS,
    ConfigAnswerError,
    ConfigStatus,
    TelemetryConfig,
    fields_for,
    read_config_result,
    read_config_status,
    sign_token,
    unknown_field,
)
from ..request_origin import RequestOrigin, requested_by
from ..storage.config_record import ConfigRecord
from ..vehicle.signals import SIGNALS
from ..vehicle.telemetry_status import LOCATION, SKIPPED, TelemetryProblem, TelemetryStage
from ..vehicle_command import VirtualKey
from .settings import TelemetrySettings

MAX_REFUSED_FIELDS: Final = 20
RECONSIDER_INTERVAL: Final = 7 * 86_400.0
"""Seconds until a field that was refused is offered again: Tesla adds fields, and owners give permissions."""


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
        """Prepare; `ca` is what the cars have to trust, `shown` names the signals that entities show.

        With `essential` cars are asked only for what is worth its price when money is short.
        """
        self._configs = configs
        self._key = key
        # a field that no entity shows is money for nothing
        fields = {
            name: row
            for name, row in fields_for(
                with_location=with_location, shown=shown, essential=essential
            ).items()
            if name in SIGNALS
        }
        self._config = TelemetryConfig(settings.hostname, settings.port, ca, fields)
        self.given_up = frozenset(
            name
            for name in fields_for(with_location=with_location, shown=shown)
            if name not in fields and name in SIGNALS and FIELDS[name].wavers
        )
        """What the cars do not push only because money is short, and was true for the moment."""

    async def sync(
        self, vin: str, memory: ConfigRecord, now: float, patience: float
    ) -> ConfigRecord:
        """Have a car configured as wanted; return what is to be remembered. Raises FleetApiError.

        Tesla is not asked if it was less than `patience` seconds ago, unless something else is wanted now.
        """
        left_out = self._still_left_out(memory, now)
        wanted = self._wanted(left_out)
        if not memory.is_due(self._named(wanted), now, patience):
            return memory
        try:
            if memory.fingerprint == self._named(wanted):
                status = read_config_status(await self._configs.get(vin))
                if status.config is not None and wanted.matches(status.config):
                    return _held(memory, status, now)
                LOGGER.info(
                    "A car's telemetry configuration was removed or replaced; it is put back"
                )
            return await self._offer(vin, memory, left_out, now)
        except ConfigAnswerError as err:
            return _refused(memory, TelemetryProblem.OTHER, str(err), now)

    async def _offer(
        self, vin: str, memory: ConfigRecord, left_out: tuple[str, ...], now: float
    ) -> ConfigRecord:
        """Offer the configuration, leaving out one by one the fields that Tesla refuses by name."""
        memory = replace(
            memory,
            refused_fields=left_out,
            refused_at=memory.refused_at if left_out else now,
            complete=self._config.fingerprint,
        )
        while True:
            wanted = self._wanted(memory.refused_fields)
            try:
                answer = await self._configs.create(
                    vin, sign_token(wanted.claims(), self._key.private_key)
                )
            except (InvalidRequest, MissingScope) as err:
                field = self._field_at_fault(err, wanted)
                if field is None or len(memory.refused_fields) >= MAX_REFUSED_FIELDS:
                    problem = (
                        TelemetryProblem.MISSING_SCOPE
                        if isinstance(err, MissingScope)
                        else TelemetryProblem.CONFIG_REFUSED
                    )
                    return _refused(memory, problem, err.detail, now)
                LOGGER.info("Tesla does not stream %s from this car; it is left out", field)
                memory = replace(memory, refused_fields=(*memory.refused_fields, field))
                continue
            result = read_config_result(answer)
            if (reason := result.skipped.get(vin)) is not None:
                return _refused(memory, SKIPPED[reason], reason.value, now)
            if not result.updated:
                return _refused(memory, TelemetryProblem.OTHER, "", now)
            return await self._read_back(vin, replace(memory, fingerprint=self._named(wanted)), now)

    async def _read_back(self, vin: str, memory: ConfigRecord, now: float) -> ConfigRecord:
        """See whether Tesla holds what it took: a car without a free place swallows a configuration."""
        try:
            status = read_config_status(await self._configs.get(vin))
        except (FleetApiError, ConfigAnswerError) as err:
            LOGGER.debug("A telemetry configuration could not be read back: %s", err)
            status = ConfigStatus(False, {}, False, None)
        return _held(memory, status, now)

    async def remove(self, vin: str) -> None:
        """Take a car's configuration back. Raises FleetApiError."""
        await self._configs.delete(vin)

    def _named(self, wanted: TelemetryConfig) -> str:
        """Return a configuration's fingerprint with its signer's: a car follows it as long as it knows the key."""
        return f"{self._key.fingerprint}:{wanted.fingerprint}"

    def _wanted(self, refused: tuple[str, ...]) -> TelemetryConfig:
        config = self._config
        for name in refused:
            config = config.without_field(name)
        return config

    def _still_left_out(self, memory: ConfigRecord, now: float) -> tuple[str, ...]:
        """Return the fields that need not be offered again yet."""
        if memory.complete != self._config.fingerprint:
            return ()
        if not 0 <= now - memory.refused_at < RECONSIDER_INTERVAL:
            return ()
        return memory.refused_fields

    @staticmethod
    def _field_at_fault(err: FleetApiError, wanted: TelemetryConfig) -> str | None:
        if isinstance(err, MissingScope):
            return LOCATION if LOCATION in wanted.fields else None
        field = unknown_field(err.detail)
        return field if field in wanted.fields else None


def _held(memory: ConfigRecord, status: ConfigStatus, now: float) -> ConfigRecord:
    """Return what to remember of a configuration that Tesla holds, or has swallowed."""
    if status.rejected and status.limit_reached:
        return _refused(memory, TelemetryProblem.LIMIT_REACHED, "limit_reached", now)
    stage = TelemetryStage.SYNCED if status.synced else TelemetryStage.CONFIGURED
    return replace(memory, checked_at=now, stage=stage, problem=TelemetryProblem.NONE, reason="")


def _refused(
    memory: ConfigRecord, problem: TelemetryProblem, reason: str, now: float
) -> ConfigRecord:
    return replace(
        memory,
        fingerprint="",
        checked_at=now,
        stage=TelemetryStage.REFUSED,
        problem=problem,
        reason=reason,
    )


async def remove_config(configs: TelemetryConfigs, vin: str, place: str) -> bool:
    """Take a car's configuration back; return whether it is gone.

    Tesla holds one per application: if it leads to another place than ours did, somebody put a configuration of
    their own there since, and it stays.
    """
    try:
        with requested_by(RequestOrigin.SAVING):
            held = read_config_status(await configs.get(vin)).config
            if held is None or (place and _public_place(held) != place):
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


def _public_place(config: Mapping[str, Any]) -> str:
    return f"{str(config.get('hostname')).lower()}:{config.get('port', 443)}"
