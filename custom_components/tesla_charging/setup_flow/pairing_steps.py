"""The steps about pairing: each car in turn, watched through Tesla until it knows the key."""

from abc import ABCMeta, abstractmethod
import asyncio
from typing import Any, Final

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.helpers.selector import (
    BooleanSelector,
    QrCodeSelector,
    QrCodeSelectorConfig,
    QrErrorCorrectionLevel,
)
import voluptuous as vol

from ..client import active_endpoints
from ..fleet_api import FleetApiError, FleetStatus, VehicleSummary
from .registration import AccountCars

CONF_LATER: Final = "later"
CHECK_DELAYS: Final = (2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 10.0, 10.0, 10.0)
"""Seconds between the looks at whether a car was paired: a minute in all, for two cents."""


class PairingSteps(ConfigFlow, metaclass=ABCMeta):
    """The part of the flow that has the account's cars paired."""

    def __init__(self) -> None:
        """Begin with nothing known; whoever leads here fills in what is known."""
        super().__init__()
        self._domain = ""
        self._account: AccountCars | None = None
        self._cars: tuple[VehicleSummary, ...] = ()
        self._statuses: dict[str, FleetStatus] = {}
        """By VIN."""
        self._waiting: list[VehicleSummary] = []
        """The cars that have to be paired, the first of them now."""
        self._watch: asyncio.Task[None] | None = None
        self._pairing_error: tuple[str, str] | None = None
        """What the last watch ended in, if not in a paired car: the key of a message, and what it mentions."""

    @abstractmethod
    async def _cars_paired(self) -> ConfigFlowResult:
        """Go on when every car is paired, needs no key, or is left for later."""

    async def _begin_pairing(self) -> ConfigFlowResult:
        """Look which cars have to be paired, and begin with the first. Raises FleetApiError."""
        assert self._account is not None
        for car in self._cars:
            self._saw(car.vin, await self._account.status(car.vin))
        self._waiting = [car for car in self._cars if self._statuses[car.vin].needs_pairing]
        return await self._next_car()

    async def _next_car(self) -> ConfigFlowResult:
        self._pairing_error = None
        return await (self.async_step_pair() if self._waiting else self._cars_paired())

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the pairing link of one car."""
        car = self._waiting[0]
        if user_input is not None:
            if not user_input[CONF_LATER]:
                return await self.async_step_pairing()
            self._waiting.pop(0)
            return await self._next_car()
        error, detail = self._pairing_error or ("", "")
        link = active_endpoints().pairing_link(self._domain, car.vin)
        return self.async_show_form(
            step_id="pair",
            data_schema=vol.Schema(
                {
                    vol.Optional("qr_code"): QrCodeSelector(
                        QrCodeSelectorConfig(
                            data=link,
                            scale=5,
                            error_correction_level=QrErrorCorrectionLevel.QUARTILE,
                        )
                    ),
                    vol.Required(CONF_LATER, default=False): BooleanSelector(),
                }
            ),
            errors={"base": error} if error else {},
            description_placeholders={"car": car.name, "link": link, "detail": detail or "-"},
            last_step=False,
        )

    async def async_step_pairing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Watch until the car knows the key, for a minute."""
        car = self._waiting[0]
        if self._watch is None:
            self._watch = self.hass.async_create_task(
                self._until_paired(car.vin), f"pairing of {car.name}", eager_start=False
            )
        if not self._watch.done():
            return self.async_show_progress(
                step_id="pairing",
                progress_action="pairing",
                progress_task=self._watch,
                description_placeholders={
                    "car": car.name,
                    "link": active_endpoints().pairing_link(self._domain, car.vin),
                },
            )
        self._watch = None
        return self.async_show_progress_done(
            next_step_id="pair" if self._pairing_error else "paired"
        )

    async def async_step_paired(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on to the next car."""
        self._waiting.pop(0)
        return await self._next_car()

    async def _until_paired(self, vin: str) -> None:
        assert self._account is not None
        for delay in (0.0, *CHECK_DELAYS):
            await asyncio.sleep(delay)
            try:
                status = await self._account.status(vin)
            except FleetApiError as err:
                self._pairing_error = ("cannot_check", err.detail)
                return
            self._saw(vin, status)
            if not status.needs_pairing:
                self._pairing_error = None
                return
        self._pairing_error = ("not_paired", "")

    def _saw(self, vin: str, status: FleetStatus) -> None:
        """Take note of what Tesla says of a car."""
        self._statuses[vin] = status

    def _groups(self) -> dict[str, str]:
        """Return the names of the cars by how they stand, as the last page tells it."""
        groups: dict[str, list[str]] = {
            name: []
            for name in ("paired", "no_key", "open", "streaming", "not_streaming", "switch")
        }
        for car in self._cars:
            status = self._statuses[car.vin]
            key = "paired" if status.key_paired else "open" if status.needs_pairing else "no_key"
            groups[key].append(car.name)
            if status.streaming_allowed is False:
                groups["switch"].append(car.name)
            else:
                can = status.telemetry_version is not None
                groups["streaming" if can else "not_streaming"].append(car.name)
        return {name: ", ".join(cars) or "-" for name, cars in groups.items()}
