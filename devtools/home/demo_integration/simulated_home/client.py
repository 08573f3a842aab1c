"""Asks the simulated home over HTTP."""

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp

TIMEOUT_S = 10


class SimulatedHomeError(Exception):
    """The simulated home does not answer, or not as expected."""


class SimulatedHomeClient:
    """What the simulated home tells, as JSON."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Ask the simulator at this address."""
        self.url = url.rstrip("/")
        self._session = session

    async def state(self) -> dict[str, Any]:
        """Return the present: W, kWh, A, %."""
        return await self._needed("state")

    async def history(self) -> list[dict[str, Any]]:
        """Return the counters at every full hour of the past."""
        hours: list[dict[str, Any]] = (await self._needed("history"))["hours"]
        return hours

    async def prices(self) -> dict[str, Any] | None:
        """Return the published prices of today and tomorrow; None in an outage of the service."""
        return await self._get("prices")

    async def solar_forecast(self) -> dict[str, Any] | None:
        """Return the forecast; None in an outage of the service."""
        return await self._get("solar_forecast")

    async def _needed(self, name: str) -> dict[str, Any]:
        answer = await self._get(name)
        if answer is None:
            raise SimulatedHomeError(f"{name}: out of order")
        return answer

    async def _get(self, name: str) -> dict[str, Any] | None:
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._session.get(f"{self.url}/home/{name}") as answer,
            ):
                if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
                    return None
                answer.raise_for_status()
                told: dict[str, Any] = await answer.json()
                return told
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SimulatedHomeError(f"{name}: {error!r}") from error
