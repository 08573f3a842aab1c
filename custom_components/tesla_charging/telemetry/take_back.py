"""Taking a car's telemetry configuration back, if it is ours."""

from collections.abc import Mapping
from typing import Any

from ..const import LOGGER
from ..fleet_api import FleetApiError, NotFound, TelemetryConfigs
from ..fleet_telemetry import ConfigAnswerError, read_config_status
from ..saving import saving


async def remove_config(configs: TelemetryConfigs, vin: str, place: str) -> bool:
    """Take a car's configuration back; return whether it is gone.

    Tesla holds one per application: if it leads to another place than ours did, somebody put a configuration of
    their own there since, and it stays.
    """
    try:
        with saving():
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
