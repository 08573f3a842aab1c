"""A real Home Assistant and a simulated Tesla that talk over loopback."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
import logging
from pathlib import Path
import re
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.setup import async_setup_component
import pytest

# Home Assistant's test plugin brings a package of the same name; ours must be imported first.
import custom_components.tesla_charging  # noqa: F401  isort: split
from custom_components.tesla_charging import clock
from custom_components.tesla_charging.client import ENVIRONMENT_VARIABLE, active_endpoints
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.setup_flow import pairing_steps
from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import TeslaSimulator
from tests.support.home import CLIENT_ID, CLIENT_SECRET, HOME_DOMAIN, PEARL, REDIRECT_URI, Home
from tests.support.streaming import embedded, free_port
from tests.support.waiting import until
from tests.support.witness import Witness

# cryptography keeps the class `datetime` that its first certificate sees: not one of a frozen clock
_KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([])
x509.CertificateBuilder(
    _NAME,
    _NAME,
    _KEY.public_key(),
    1,
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
).sign(_KEY, hashes.SHA256())


OUTDATED = re.compile(r"deprecated|will stop working|will be removed in|Detected that custom")


@pytest.fixture(autouse=True)
def nothing_outdated(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where Home Assistant says in its log that this integration uses what will go."""
    yield
    said = [
        message
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno >= logging.WARNING
        and DOMAIN in (message := record.getMessage())
        and OUTDATED.search(message)
    ]
    assert not said


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Leave the event loop's debug mode to PYTHONASYNCIODEBUG: it takes half of the time of all tests.

    .ci/run sets it for one of its runs. How long something took says how busy the machine is, and is not logged.
    """
    asyncio.get_running_loop().slow_callback_duration = 3600


SWITCHED_ON = frozenset(
    {
        "awake",
        "cable",
        "car_cost_this_month",
        "charge_current",
        "charge_voltage",
        "charging_session",
        "energy_charged",
        "energy_charged_away",
        "home_and_away",
        "last_message",
        "odometer",
        "scheduled_charging_pending",
        "scheduled_charging_start",
        "signals_today",
        "telemetry_problem",
    }
)
"""Keys of entities that are off in a new home, and on in the home of most tests."""


@pytest.fixture(autouse=True)
def switched_on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have some more entities on than a new home has, as the owner may; not in a test marked `new_home`."""
    if request.node.get_closest_marker("new_home"):
        return
    as_described = Entity.entity_registry_enabled_default.__get__

    def enabled(entity: Entity) -> bool:
        key = (entity.unique_id or "").partition("_")[2]
        return key in SWITCHED_ON or bool(as_described(entity))

    monkeypatch.setattr(Entity, "entity_registry_enabled_default", property(enabled))


SLOW = (
    "tests/billing/test_billing_answers.py",
    "tests/billing/test_budget.py",
    "tests/charging/test_controller.py",
    "tests/charging/test_core_providers.py",
    "tests/commands/test_queue.py",
    "tests/commands/test_rate_limit.py",
    "tests/commands/test_redundancy.py",
    "tests/fleet_telemetry/test_bounds.py",
    "tests/fleet_telemetry/test_mutations.py",
    "tests/fleet_telemetry/test_strangers.py",
    "tests/lifecycle/test_account.py",
    "tests/lifecycle/test_coordinator.py",
    "tests/lifecycle/test_month_of_quirks.py",
    "tests/mqtt/",
    "tests/platforms/test_entity_writes.py",
    "tests/platforms/test_events.py",
    "tests/platforms/test_group_actions.py",
    "tests/platforms/test_schedule_actions.py",
    "tests/platforms/test_shown_together.py",
    "tests/polling/test_doubts.py",
    "tests/polling/test_month.py",
    "tests/polling/test_observations.py",
    "tests/polling/test_outages.py",
    "tests/repository/test_bench_cost.py",
    "tests/smart_charging/test_against_",
    "tests/smart_charging/test_brute",
    "tests/storage/test_broken_files.py",
    "tests/storage/test_journal.py",
    "tests/telemetry/",
    "tests/vehicle/test_energy_lives.py",
    "tests/vehicle/test_restless_cars.py",
)
"""Tests that wait for real time, for brokers or for streams, or go through thousands of cases: not for every day."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests, which scripts/test --fast leaves out."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)


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
    """The same home, which decides by the clock of the simulated Tesla: a test turns both at once.

    The charging permission is enough to wake its cars.
    """
    home.tesla.wake_with_charging_scope = True
    monkeypatch.setattr(clock, "now", home.tesla.clock.now)
    monkeypatch.setattr(clock, "monotonic", home.tesla.clock.now)
    monkeypatch.setattr(clock, "boottime", home.tesla.clock.now)
    return home


@pytest.fixture
async def charging_home(home: Home) -> Home:
    """The same with a car that is awake at home, plugged in and charging, and the integration set up."""
    home.tesla.wake_with_charging_scope = True
    car = home.add_car(PEARL, "Pearl", home=(home.hass.config.latitude, home.hass.config.longitude))
    car.plug_in()
    await home.set_up()
    return home


@pytest.fixture
async def streaming_home(home: Home) -> AsyncIterator[Home]:
    """A home whose car is awake, plugged in, charging, and connected."""
    home.tesla.wake_with_charging_scope = True
    home.tesla.telemetry_pace = 20
    port = free_port()
    home.tesla.telemetry_hosts[HOME_DOMAIN] = ("127.0.0.1", port)
    car = home.add_car(PEARL, "Pearl", sleep_after=None)
    car.plug_in()
    await home.set_up(telemetry=embedded(port))
    await until(lambda: home.state("sensor", "telemetry") == "connected")
    # known without any location permission: only the car itself says it
    await until(lambda: home.state("binary_sensor", "at_home") == "on")
    yield home
    assert home.entry is not None
    if home.hass.config_entries.async_get_entry(home.entry.entry_id):
        await home.hass.config_entries.async_unload(home.entry.entry_id)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairing is given up sooner than a person would."""
    monkeypatch.setattr(pairing_steps, "CHECK_DELAYS", (0.05, 0.05))


@pytest.fixture
async def front_door(home: Home, hass_client_no_auth: Any) -> None:
    """Let the home's domain lead to this Home Assistant's own web server."""
    assert await async_setup_component(home.hass, "http", {})
    # Home Assistant does the same to its own server: integrations come at any time
    home.hass.http.app._router.freeze = lambda: None  # type: ignore[method-assign]
    client = await hass_client_no_auth()
    home.tesla.dns[HOME_DOMAIN] = str(client.make_url("")).rstrip("/")
    home.application.registrations.clear()
    await home.add_credentials()


@pytest.fixture
def turned_account(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the account, and nobody else, live on the simulated Tesla's clock."""
    monkeypatch.setattr(clock, "monotonic", home.tesla.clock.now)
