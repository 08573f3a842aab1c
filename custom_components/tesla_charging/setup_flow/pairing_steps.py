"""The steps about pairing: each car in turn, with requests to Tesla until the car has the key."""

from abc import ABCMeta, abstractmethod
import asyncio
from collections.abc import Callable
from typing import Any, Final

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from ..client import active_endpoints
from ..fleet_api import FleetApiError, FleetStatus, VehicleSummary
from .progress import PAIR, progress
from .qr_code import qr_image
from .registration import AccountCars

CONF_LATER: Final = "later"
CHECK_DELAYS: Final = (2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 10.0, 10.0, 10.0)
"""Seconds between the requests that check whether a car is paired: a minute in all, for two cents."""


class PairingSteps(ConfigFlow, metaclass=ABCMeta):
    """The steps of the flow that pair the account's cars."""

    def __init__(self) -> None:
        """Start with defaults; the step that leads here sets what is known."""
        super().__init__()
        self._domain = ""
        self._account: AccountCars | None = None
        self._cars: tuple[VehicleSummary, ...] = ()
        self._statuses: dict[str, FleetStatus] = {}
        """By VIN."""
        self._cars_to_pair: list[VehicleSummary] = []
        """The cars that have to be paired; the first one is being paired."""
        self._has_paired = False
        """Whether a car got the key while this flow waited for it."""
        self._pairing_task: asyncio.Task[None] | None = None
        self._pairing_error: tuple[str, str] | None = None
        """Why the last car was not found paired: the key of a message and its detail."""

    @abstractmethod
    async def _cars_paired(self) -> ConfigFlowResult:
        """Continue when every car is paired, needs no key, or is left for later."""

    async def _begin_pairing(self) -> ConfigFlowResult:
        """Check which cars have to be paired, and start with the first. Raises FleetApiError."""
        assert self._account is not None
        for car in self._cars:
            self._store_status(car.vin, await self._account.status(car.vin))
        self._cars_to_pair = [car for car in self._cars if self._statuses[car.vin].needs_pairing]
        return await self._next_car()

    async def _next_car(self) -> ConfigFlowResult:
        self._pairing_error = None
        return await (self.async_step_pair() if self._cars_to_pair else self._cars_paired())

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the pairing link of one car."""
        car = self._cars_to_pair[0]
        if user_input is not None:
            if user_input[CONF_LATER]:
                self._cars_to_pair.pop(0)
                return await self._next_car()
            # whoever has approved already needs no page on which to wait
            if await self._is_paired(car.vin):
                return await self.async_step_paired()
            if self._pairing_error is None:
                return await self.async_step_pairing()
        error, detail = self._pairing_error or ("", "")
        link = active_endpoints().pairing_link(self._domain, car.vin)
        return self.async_show_form(
            step_id="pair",
            data_schema=vol.Schema({vol.Required(CONF_LATER, default=False): BooleanSelector()}),
            errors={"base": error} if error else {},
            description_placeholders={
                "car": car.name,
                "link": link,
                "qr_code": qr_image(link),
                "detail": detail or "-",
                **(await progress(self.hass, self.source, PAIR)),
            },
            last_step=False,
        )

    async def async_step_pairing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Wait until the car has the key, at most for a minute."""
        car = self._cars_to_pair[0]
        if self._pairing_task is None:
            self._pairing_task = self.hass.async_create_task(
                self._wait_until_paired(car.vin), f"pairing of {car.name}", eager_start=False
            )
        link = active_endpoints().pairing_link(self._domain, car.vin)
        if not self._pairing_task.done():
            return self.async_show_progress(
                step_id="pairing",
                progress_action="pairing",
                progress_task=self._pairing_task,
                description_placeholders={"car": car.name, "link": link, "qr_code": qr_image(link)},
            )
        self._pairing_task = None
        return self.async_show_progress_done(
            next_step_id="pair" if self._pairing_error else "paired"
        )

    async def async_step_paired(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Continue with the next car."""
        self._has_paired = True
        self._cars_to_pair.pop(0)
        return await self._next_car()

    async def _wait_until_paired(self, vin: str) -> None:
        for delay in CHECK_DELAYS:
            await asyncio.sleep(delay)
            if await self._is_paired(vin) or self._pairing_error is not None:
                return
        self._pairing_error = ("not_paired", "")

    async def _is_paired(self, vin: str) -> bool:
        """Request whether a car has the key; a failure is the error of the page."""
        assert self._account is not None
        self._pairing_error = None
        try:
            status = await self._account.status(vin)
        except FleetApiError as err:
            self._pairing_error = ("cannot_check", err.detail)
            return False
        self._store_status(vin, status)
        return not status.needs_pairing

    def _store_status(self, vin: str, status: FleetStatus) -> None:
        """Store what Tesla knows of a car and the key."""
        self._statuses[vin] = status

    def _names(self, chosen: Callable[[FleetStatus], bool]) -> str:
        """Return the names of the cars that are chosen by their status, "" for none."""
        return ", ".join(car.name for car in self._cars if chosen(self._statuses[car.vin]))
