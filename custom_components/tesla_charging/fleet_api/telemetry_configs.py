"""Telemetry configurations through the Fleet API: create, get, delete, and the errors that cars reported.

Source: developer.tesla.com, "Vehicle endpoints", fleet_telemetry_config create, get, delete and errors. The answers
are returned unchecked; `fleet_telemetry.answers` reads them.
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

        self._client = client

    async def create(self, vin: str, token: str) -> object:
        """Send a signed configuration for one car; return `response`.

        Raises InvalidRequest when Tesla refuses it as a whole; the detail may name the field at fault.
        """
        body = {"vins": [check_vin(vin)], "token": token}
        answer = await self._client.request(TELEMETRY_CONFIG_CREATE, body=body)
        return answer.get("response")

    async def get(self, vin: str) -> object:
        """Request the configuration that Tesla has for a car; return `response`."""
        answer = await self._client.request(TELEMETRY_CONFIG, vin=check_vin(vin))
        return answer.get("response")

    async def delete(self, vin: str) -> object:
        """Remove a car's configuration; return `response`."""
        answer = await self._client.request(TELEMETRY_CONFIG_DELETE, vin=check_vin(vin))
        return answer.get("response")

    async def errors(self, vin: str) -> object:
        """Request the errors that the car recently reported about the configuration; return `response`."""
        answer = await self._client.request(TELEMETRY_ERRORS, vin=check_vin(vin))
        return answer.get("response")
