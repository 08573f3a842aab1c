"""A real Home Assistant and a simulated Tesla that talk over loopback."""

from collections.abc import AsyncIterator, Iterator
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
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

# Home Assistant's test plugin brings a package of the same name; ours must be imported first.
import custom_components.tesla_charging  # noqa: F401  isort: split
from custom_components.tesla_charging import clock
from custom_components.tesla_charging.client import ENVIRONMENT_VARIABLE, active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.telemetry.settings import TelemetrySettings
from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import Account, Application, Car, TeslaSimulator

from .support.witness import Witness

CLIENT_ID = "6f2c1c5e-0000-4000-8000-charging"
CLIENT_SECRET = "ta-secret.not-a-real-one"
HOME_DOMAIN = "home.example.com"
REDIRECT_URI = "https://example.com/auth/external/callback"
SCOPES = ("openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds")
PEARL, MIDNIGHT = "LRW3E7EK0PC000101", "5YJ3E1EA8NF000202"
KEY_FILE = "tesla_charging.key"


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
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

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


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Return an empty configuration directory of this test's own."""
    return str(tmp_path)


@pytest.fixture
async def simulated_tesla(socket_enabled: None) -> AsyncIterator[TeslaSimulator]:
    """A simulated Tesla to which the integration is pointed."""
    async with TeslaSimulator() as tesla:
        yield tesla


@pytest.fixture
def pointed_at_simulator(
    simulated_tesla: TeslaSimulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Set the one environment variable."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, simulated_tesla.base_url)
    active_endpoints.cache_clear()
    yield
    active_endpoints.cache_clear()


@pytest.fixture
async def home(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    pointed_at_simulator: None,
    simulated_tesla: TeslaSimulator,
) -> AsyncIterator[Home]:
    """A home with a Tesla account in Europe, and no car yet."""
    assert await async_setup_component(hass, "zone", {})
    application = simulated_tesla.add_application(
        CLIENT_ID,
        CLIENT_SECRET,
        allowed_origin="https://example.com",
        redirect_uris=(REDIRECT_URI, "https://my.home-assistant.io/redirect/oauth"),
    )
    account = simulated_tesla.add_account("driver@example.com", region="eu")
    key = VirtualKey.generate()
    simulated_tesla.register(application, key.public_key, domain=HOME_DOMAIN)
    witness = Witness(hass, simulated_tesla)
    yield Home(hass, simulated_tesla, application, account, key, witness)
    await witness.compare()


@pytest.fixture
def turned_clock(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The same home, which decides by the clock of the simulated Tesla: a test turns both at once."""
    monkeypatch.setattr(clock, "now", home.tesla.clock.now)
    monkeypatch.setattr(clock, "monotonic", home.tesla.clock.now)
    return home


@pytest.fixture
async def charging_home(home: Home) -> Home:
    """The same with a car that is awake at home, plugged in and charging, and the integration set up."""
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", home=(home.hass.config.latitude, home.hass.config.longitude))
    car.plug_in()
    await home.set_up()
    return home
