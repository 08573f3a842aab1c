"""Telemetry configurations through the Fleet API: hand a signed one over, ask what Tesla holds, take it back.

Source: developer.tesla.com, "Vehicle endpoints", fleet_telemetry_config create, get, delete and errors. What the
answers mean is `fleet_telemetry.answers`' business; here they are foreign JSON.
"""

from .client import FleetApiClient, check_vin
from .operations import (
    TELEMETRY_CONFIG,
    TELEMETRY_CONFIG_CREATE,
    TELEMETRY_CONFIG_DELETE,
    TELEMETRY_ERRORS,
)


class TelemetryConfigs:
    """The telemetry configurations of one account's cars. Every call is billed as data."""

    def __init__(self, client: FleetApiClient) -> None:
        """Use this client for everything."""
        self._client = client

    async def create(self, vin: str, token: str) -> object:
        """Offer a signed configuration for one car; return `response`.

        Raises InvalidRequest when Tesla refuses it as a whole, in words that may name the field at fault.
        """
        body = {"vins": [check_vin(vin)], "token": token}
        answer = await self._client.request(TELEMETRY_CONFIG_CREATE, body=body)
        return answer.get("response")

    async def get(self, vin: str) -> object:
        """Ask what Tesla holds for a car; return `response`."""
        answer = await self._client.request(TELEMETRY_CONFIG, vin=check_vin(vin))
        return answer.get("response")

    async def delete(self, vin: str) -> object:
        """Take a car's configuration back; return `response`."""
        answer = await self._client.request(TELEMETRY_CONFIG_DELETE, vin=check_vin(vin))
        return answer.get("response")

    async def errors(self, vin: str) -> object:
        """Ask what the car reported about the configuration lately; return `response`."""
        answer = await self._client.request(TELEMETRY_ERRORS, vin=check_vin(vin))
        return answer.get("response")
