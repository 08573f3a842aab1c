"""One Home Assistant and one Tesla account, and the names and identifiers that tests give them."""

from dataclasses import dataclass, field
from pathlib import Path
import time
from typing import Any

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import Account, Application, Car, TeslaSimulator

from .witness import Witness

CLIENT_ID = "6f2c1c5e-0000-4000-8000-charging"
CLIENT_SECRET = "ta-secret.not-a-real-one"
HOME_DOMAIN = "home.example.com"
REDIRECT_URI = "https://example.com/auth/external/callback"
SCOPES = ("openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds")
PEARL, MIDNIGHT = "LRW3E7EK0PC000101", "5YJ3E1EA8NF000202"
KEY_FILE = "tesla_charging.key"
SMART_CHARGING: dict[str, Any] = {
    "smart_charging": {},
    "home_source": "plugged_in",
    "sources": {"import": {"kind": "fixed", "params": {"price": 0.3}}},
}
"""Options of a home with smart charging at a fixed price, and a car that is polled."""


@dataclass
class Home:
    """One Home Assistant, one Tesla account, and what they need to find each other."""

    hass: HomeAssistant
    tesla: TeslaSimulator
    application: Application
    account: Account
    key: VirtualKey
    witness: Witness
    """Compares meter and bill when the test has ended."""
    cars: dict[str, Car] = field(default_factory=dict)
    entry: MockConfigEntry | None = None

    @property
    def car(self) -> Car:
        """The first car."""
        return next(iter(self.cars.values()))

    def add_car(self, vin: str, name: str, **options: Any) -> Car:
        """Deliver a car to the account, paired with this home's key."""
        car = Car(vin, name=name, clock=self.tesla.clock, **{"wake_seconds": 0.2, **options})
        self.tesla.add_car(self.account, car)
        self.tesla.pair(car, self.key.public_key)
        self.cars[vin] = car
        return car

    def sign_in(self, *more: str) -> dict[str, Any]:
        """Return a token as Home Assistant stores it."""
        token = self.tesla.sign_in(self.account, self.application, {*SCOPES, *more})
        return {**token, "expires_at": time.time() + 28800}

    def save_key(self) -> None:
        """Put the key where an earlier run left it."""
        Path(self.hass.config.path(KEY_FILE)).write_bytes(self.key.private_pem())

    async def add_credentials(self) -> None:
        """Enter client id and secret, as the dialog does."""
        assert await async_setup_component(self.hass, "application_credentials", {})
        await async_import_client_credential(
            self.hass, DOMAIN, ClientCredential(CLIENT_ID, CLIENT_SECRET), DOMAIN
        )

    async def set_up(
        self,
        *scopes: str,
        location: bool = False,
        telemetry: TelemetrySettings | None = None,
        budget: float | None = None,
        options: dict[str, Any] | None = None,
    ) -> MockConfigEntry:
        """Set the integration up with an entry that exists already."""
        self.save_key()
        await self.add_credentials()
        extra = {"vehicle_location", *scopes} if location else set(scopes)
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            unique_id=self.account.sub,
            title="Pearl",
            data={
                "auth_implementation": DOMAIN,
                "token": self.sign_in(*extra),
                "region": self.account.region,
                "base_url": self.tesla.region_url(self.account.region),
                "domain": HOME_DOMAIN,
                "location": location,
            },
            options={
                **(telemetry.as_options() if telemetry else {}),
                **({} if budget is None else {"budget": budget}),
                **(options or {}),
            },
        )
        self.entry.add_to_hass(self.hass)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()
        return self.entry

    async def settle(self) -> None:
        """Let everything that is under way come to its end."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def restart(self) -> None:
        """Unload and load the entry, as a restart of Home Assistant does."""
        assert self.entry is not None
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        self.forget_run()
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    def forget_run(self) -> None:
        """Forget what is kept only while Home Assistant runs, whatever is reloaded."""
        for key in ("observations", "pairing_requests", "silence_requests", "offered_configs"):
            self.hass.data.pop(f"{DOMAIN}_{key}", None)

    def entity_id(self, platform: str, key: str, vin: str | None = None) -> str:
        """Return the entity id of a car's entity."""
        found = er.async_get(self.hass).async_get_entity_id(
            platform, DOMAIN, f"{vin or self.car.vin}_{key}"
        )
        assert found is not None, f"no {platform} {key}"
        return found

    def state(self, platform: str, key: str, vin: str | None = None) -> str:
        """Return the state of a car's entity."""
        state = self.hass.states.get(self.entity_id(platform, key, vin))
        assert state is not None
        return state.state

    def device(self, vin: str | None = None) -> dr.DeviceEntry:
        """Return the device of a car."""
        assert self.entry is not None
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, vin or self.car.vin), self.entry.entry_id
        )
        assert device is not None
        return device

    def device_id(self, vin: str | None = None) -> str:
        """Return the device id of a car."""
        return self.device(vin).id

    def account_state(self, key: str) -> State:
        """Return the state of an entity of the account."""
        assert self.entry is not None
        found = er.async_get(self.hass).async_get_entity_id(
            "sensor", DOMAIN, f"{self.entry.entry_id}_{key}"
        )
        state = self.hass.states.get(found or "")
        assert state is not None, f"no sensor {key}"
        return state

    async def act(self, action: str, **data: Any) -> Any:
        """Perform one of the integration's actions on the first car and return its response."""
        return await self.hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": self.device_id(), **data},
            blocking=True,
            return_response=True,
        )

    async def poll(self) -> None:
        """Have every car looked at now."""
        assert self.entry is not None
        for coordinator in self.entry.runtime_data.cars.values():
            await coordinator.async_refresh()
        await self.settle()
