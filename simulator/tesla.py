"""The whole simulated Tesla as one Python object."""

import asyncio
from collections.abc import Iterable
import ipaddress
from types import TracebackType
from typing import Literal, Self

from aiohttp import web

from simulator.car import Car
from simulator.clock import SimulatedClock
from simulator.cloud.accounts import SCOPES, Account, Application, CarAccess, Region, Registration
from simulator.cloud.auth.grants import Refusal
from simulator.cloud.context import Cloud
from simulator.cloud.control.faults import Faults
from simulator.cloud.errors import exceeded_limit, payment_required
from simulator.cloud.fleet.billing import Billing
from simulator.cloud.fleet.rate_limits import RateLimits
from simulator.cloud.server import build
from simulator.drivers import Driver, live
from simulator.home import Home
from simulator.telemetry import CarTelemetry


class TeslaSimulator:
    """A Tesla cloud with cars on one loopback port.

    Everything lives below `base_url`: `/auth` is the sign-in service, `/na` and `/eu` are the
    regions' Fleet APIs, `/_ak/<domain>` plays the pairing link, `/_sim` controls the world.
    Use it as an async context manager, or call `start()` and `stop()`.
    """

    def __init__(
        self, *, clock: SimulatedClock | None = None, port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        """Prepare a world without accounts. Raises ValueError for a host that is not loopback."""
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError("the simulator listens on loopback only")
        self.clock = clock or SimulatedClock()
        self._cloud = Cloud(self.clock)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        #: people who drive the cars while it runs; they are there when it starts
        self.drivers: list[Driver] = []
        self._driving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. `base_url` is known from here on."""
        if self._runner is not None:
            raise RuntimeError("the simulator runs already")
        runner = web.AppRunner(build(self._cloud), shutdown_timeout=1.0, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        # Starting again keeps the port: clients and tokens hold the URL.
        self._port = runner.addresses[0][1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._cloud.grants.base_url = f"http://{host}:{self._port}"
        self._cloud.telemetry.start()
        if self.drivers:
            self._driving = asyncio.create_task(live(self.drivers, self._calendar, self._pace))

    async def stop(self) -> None:
        """Stop listening; accounts, cars and tokens stay as they are."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            if self._driving is not None:
                self._driving.cancel()
                await asyncio.gather(self._driving, return_exceptions=True)
                self._driving = None
            await self._cloud.telemetry.stop()
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def base_url(self) -> str:
        """URL below which everything is, without a slash at the end."""
        if not self._cloud.base_url:
            raise RuntimeError("the simulator has not been started")
        return self._cloud.base_url

    @property
    def auth_url(self) -> str:
        """Base URL of the sign-in service."""
        return f"{self.base_url}/auth"

    def region_url(self, region: Region) -> str:
        """Base URL of a region's Fleet API; it is the OAuth audience too."""
        return f"{self.base_url}/{region}"

    @property
    def dns(self) -> dict[str, str]:
        """Partner domain -> base URL that really serves it. Others do not resolve."""
        return self._cloud.dns

    @property
    def billing(self) -> Billing:
        """What every request cost."""
        return self._cloud.billing

    @property
    def faults(self) -> Faults:
        """Faults on demand."""
        return self._cloud.faults

    @property
    def refreshes(self) -> int:
        """How many refreshes the token service has carried out."""
        return self._cloud.grants.refreshes

    @property
    def limits(self) -> RateLimits:
        """The rate limits."""
        return self._cloud.limits

    @property
    def limits_enabled(self) -> bool:
        """Whether rate limits apply."""
        return self._cloud.limits.enabled

    @limits_enabled.setter
    def limits_enabled(self, enabled: bool) -> None:
        self._cloud.limits.enabled = enabled

    @property
    def wake_with_charging_scope(self) -> bool:
        """Whether vehicle_charging_cmds alone may wake a car: not known of the real Tesla."""
        return self._cloud.wake_with_charging_scope

    @wake_with_charging_scope.setter
    def wake_with_charging_scope(self, allowed: bool) -> None:
        self._cloud.wake_with_charging_scope = allowed

    @property
    def home(self) -> Home | None:
        """The home at which the cars charge, if there is one."""
        return self._cloud.home

    @home.setter
    def home(self, home: Home | None) -> None:
        self._cloud.home = home

    def _calendar(self) -> float:
        """Return the time by which people live: that of their home."""
        return self.clock.now() if self.home is None else self.home.now

    def _pace(self) -> float:
        own = self.home is not None and self.home.settings.follows == "physics"
        return self.clock.speed if own else 1.0

    @property
    def telemetry_hosts(self) -> dict[str, tuple[str, int]]:
        """Telemetry host name -> loopback address and port of its server. Others do not resolve."""
        return self._cloud.telemetry.world.hosts

    @property
    def telemetry_pace(self) -> float:
        """How much faster the cars' buckets, back-off and time-outs run; intervals stay real."""
        return self._cloud.telemetry.world.pace

    @telemetry_pace.setter
    def telemetry_pace(self, pace: float) -> None:
        if not pace > 0:
            raise ValueError("the pace must be positive")
        self._cloud.telemetry.world.pace = pace

    @property
    def telemetry_slots(self) -> int:
        """How many third-party telemetry configurations fit into one car."""
        return self._cloud.telemetry.world.slots

    @telemetry_slots.setter
    def telemetry_slots(self, slots: int) -> None:
        self._cloud.telemetry.world.slots = slots

    @property
    def any_telemetry_host(self) -> bool:
        """Whether a telemetry host need not share the registered root domain: not known for sure."""
        return self._cloud.any_telemetry_host

    @any_telemetry_host.setter
    def any_telemetry_host(self, allowed: bool) -> None:
        self._cloud.any_telemetry_host = allowed

    @property
    def vehicle_ca_pem(self) -> bytes:
        """The certificates that vouch for this world's cars; other simulators have others."""
        return self._cloud.telemetry.world.ca.bundle

    def telemetry(self, vin: str) -> CarTelemetry:
        """Return the handle of a car's streaming; KeyError for an unknown VIN."""
        return self._cloud.telemetry.of(self.cars[vin])

    @property
    def accounts(self) -> dict[str, Account]:
        """Accounts by e-mail address."""
        return self._cloud.directory.accounts

    @property
    def applications(self) -> dict[str, Application]:
        """Applications by client id."""
        return self._cloud.directory.applications

    @property
    def cars(self) -> dict[str, Car]:
        """Cars by VIN."""
        return self._cloud.directory.cars()

    def add_application(
        self,
        client_id: str,
        client_secret: str,
        *,
        allowed_origin: str = "https://example.com",
        redirect_uris: Iterable[str] = ("https://my.home-assistant.io/redirect/oauth",),
        name: str = "Home charging",
    ) -> Application:
        """Create an application as on developer.tesla.com."""
        return self._cloud.directory.add_application(
            Application(client_id, client_secret, allowed_origin, tuple(redirect_uris), name)
        )

    def add_account(
        self,
        email: str,
        *,
        region: Region = "na",
        password: str = "demo",  # noqa: S107 - for everybody to know
    ) -> Account:
        """Create a person's account in a region."""
        return self._cloud.directory.add_account(Account(email.lower(), password, region))

    def add_car(self, account: Account, car: Car, *, access_type: str = "OWNER") -> CarAccess:
        """Let an account see a car. The result holds what only the cloud knows about it."""
        return self._cloud.directory.add_car(account, car, access_type)

    def remove_car(self, account: Account, vin: str) -> None:
        """Take a car out of an account. Raises ValueError if it is not there."""
        self._cloud.remove_car(account, vin)

    def register(
        self,
        application: Application,
        public_key: bytes,
        *,
        domain: str = "home.example.com",
        regions: Iterable[Region] = ("na", "eu"),
    ) -> None:
        """Put a partner registration on file without HTTP. `public_key` is the 65-byte point."""
        now = self.clock.now()
        for region in regions:
            application.registrations[region] = Registration(domain, public_key, now, now)

    def pair(self, car: Car, public_key: bytes) -> None:
        """Put a key into a car as the pairing link does. `public_key` is the 65-byte point."""
        car.keychain.add(public_key)

    def sign_in(
        self, account: Account, application: Application, scopes: Iterable[str] = tuple(SCOPES)
    ) -> dict[str, object]:
        """Consent to the scopes and return a token answer, without a browser."""
        asked = frozenset(scopes)
        if unknown := asked - SCOPES.keys():
            raise ValueError(f"unknown scopes {sorted(unknown)}")
        before = account.consents.get(application.client_id, frozenset())
        account.consents[application.client_id] = before | asked
        return self._cloud.grants.issue(self._cloud.grants.open(application, account, asked), None)

    def revoke_consent(self, account: Account, application: Application) -> None:
        """Take the application's access back: tokens die and its key leaves the account's cars."""
        self._cloud.revoke_consent(account, application)

    def remove_scope(self, account: Account, application: Application, scope: str) -> None:
        """Take one scope back. The API refuses it at once, the next token does not carry it."""
        self._cloud.remove_scope(account, application, scope)

    def exceed_billing_limit(
        self, application: Application, *, status: Literal[402, 403] = 402
    ) -> None:
        """Refuse everything and take the application's telemetry out of all cars.

        Both refusals have been seen of Tesla: 402 (payment required) and 403 (EXCEEDED_LIMIT).
        """
        self._cloud.suspend(application, payment_required if status == 402 else exceeded_limit)

    def raise_billing_limit(self, application: Application) -> None:
        """Give access back; telemetry stays removed, as with the real Tesla."""
        self._cloud.suspended.pop(application.client_id, None)

    def move_account(self, account: Account, region: Region) -> None:
        """Let an account live in another region from now on: the former one answers 421.

        Tokens stay good, and name the former region until they are refreshed.
        """
        account.region = region

    def reset_password(self, account: Account, password: str) -> None:
        """Give the account another password, which ends every token of it."""
        account.password = password
        self._cloud.grants.end(account, why=Refusal.DEAD)
