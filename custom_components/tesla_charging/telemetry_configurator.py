"""Telling the cars to stream: the signed configuration, compared with what Tesla holds, sent only when it differs."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from .const import LOGGER
from .fleet_api import FleetApiError, InvalidRequest, MissingScope, TelemetryConfigs
from .fleet_telemetry import (
    ConfigAnswerError,
    TelemetryConfig,
    fields_for,
    read_config_result,
    read_config_status,
    sign_token,
    unknown_field,
)
from .signals import SIGNALS
from .telemetry_settings import TelemetrySettings
from .vehicle_command import VirtualKey
from .vehicle_state import TelemetryStage

CHECK_INTERVAL: Final = 86_400.0
"""Seconds between two looks at what Tesla holds for a car; each is billed."""
RETRY_INTERVAL: Final = 3_600.0
"""Seconds until a configuration that was refused is offered again."""
MAX_REFUSED_FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class ConfigMemory:
    """What is remembered of one car's configuration."""

    fingerprint: str = ""
    """Of the configuration that Tesla took last; empty for none."""
    checked_at: float = 0.0
    stage: TelemetryStage = TelemetryStage.WAITING
    reason: str = ""
    """Why it was refused, in Tesla's word."""
    refused_fields: tuple[str, ...] = ()
    place: str = ""
    """Where it lets the car connect, host and port: another one is not ours."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-compatible values."""
        return {
            "fingerprint": self.fingerprint,
            "checked_at": self.checked_at,
            "stage": self.stage.value,
            "reason": self.reason,
            "refused_fields": list(self.refused_fields),
            "place": self.place,
        }

    @classmethod
    def from_dict(cls, data: object) -> ConfigMemory:
        """Read back as_dict(); anything else is a fresh start, which costs two requests."""
        match data:
            case {
                "fingerprint": str() as fingerprint,
                "checked_at": int() | float() as checked_at,
                "stage": str() as stage,
                "reason": str() as reason,
                "refused_fields": list() as refused,
            } if stage in TelemetryStage:
                names = tuple(str(name) for name in refused[:MAX_REFUSED_FIELDS])
                place = str(data.get("place", "")) if isinstance(data, dict) else ""
                return cls(fingerprint, checked_at, TelemetryStage(stage), reason, names, place)
        return cls()

    def is_due(self, wanted: str, now: float) -> bool:
        """Whether Tesla has to be asked, or offered the wanted configuration (by fingerprint)."""
        if wanted != self.fingerprint and self.stage is not TelemetryStage.REFUSED:
            return True
        interval = RETRY_INTERVAL if self.stage is TelemetryStage.REFUSED else CHECK_INTERVAL
        return not 0 <= now - self.checked_at < interval


class ConfiguredCar(Protocol):
    """A car to be configured."""

    vin: str


class TelemetryConfigurator:
    """Configures the cars of one entry."""

    def __init__(
        self,
        configs: TelemetryConfigs,
        key: VirtualKey,
        settings: TelemetrySettings,
        ca: str,
        *,
        with_location: bool,
    ) -> None:
        """Prepare; `ca` is what the cars have to trust."""
        self._configs = configs
        self._key = key
        # a field that no entity shows is money for nothing
        fields = {
            name: row
            for name, row in fields_for(with_location=with_location).items()
            if name in SIGNALS
        }
        self._config = TelemetryConfig(settings.hostname, settings.port, ca, fields)

    async def sync(self, vin: str, memory: ConfigMemory, now: float) -> ConfigMemory:
        """Have a car configured as wanted; return what is to be remembered. Raises FleetApiError."""
        wanted = self._wanted(memory.refused_fields)
        if not memory.is_due(wanted.fingerprint, now):
            return memory
        try:
            status = read_config_status(await self._configs.get(vin))
            if status.config is not None and (
                memory.fingerprint == wanted.fingerprint and wanted.matches(status.config)
            ):
                stage = TelemetryStage.SYNCED if status.synced else TelemetryStage.CONFIGURED
                return ConfigMemory(wanted.fingerprint, now, stage, "", memory.refused_fields)
            return await self._offer(vin, memory.refused_fields, now)
        except ConfigAnswerError as err:
            return ConfigMemory("", now, TelemetryStage.REFUSED, str(err), memory.refused_fields)

    async def _offer(self, vin: str, refused: tuple[str, ...], now: float) -> ConfigMemory:
        """Offer the configuration, leaving out one by one the fields that Tesla refuses by name."""
        while True:
            wanted = self._wanted(refused)
            try:
                answer = await self._configs.create(
                    vin, sign_token(wanted.claims(), self._key.private_key)
                )
            except (InvalidRequest, MissingScope) as err:
                field = self._field_at_fault(err, wanted)
                if field is None or len(refused) >= MAX_REFUSED_FIELDS:
                    return ConfigMemory("", now, TelemetryStage.REFUSED, err.detail, refused)
                LOGGER.warning("Tesla does not stream %s from this car; it is left out", field)
                refused = (*refused, field)
                continue
            result = read_config_result(answer)
            if (reason := result.skipped.get(vin)) is not None or not result.updated:
                word = reason.value if reason else "unknown"
                return ConfigMemory("", now, TelemetryStage.REFUSED, word, refused)
            return ConfigMemory(wanted.fingerprint, now, TelemetryStage.CONFIGURED, "", refused)

    async def remove(self, vin: str) -> None:
        """Take a car's configuration back. Raises FleetApiError."""
        await self._configs.delete(vin)

    def _wanted(self, refused: tuple[str, ...]) -> TelemetryConfig:
        config = self._config
        for name in refused:
            config = config.without_field(name)
        return config

    @staticmethod
    def _field_at_fault(err: FleetApiError, wanted: TelemetryConfig) -> str | None:
        if isinstance(err, MissingScope):
            return "Location" if "Location" in wanted.fields else None
        field = unknown_field(err.detail)
        return field if field in wanted.fields else None
