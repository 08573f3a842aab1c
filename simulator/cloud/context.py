"""What the rooms of the cloud share, and what a handler knows about the call it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.clock import SimulatedClock
from simulator.cloud.accounts import Account, Application, CarAccess, Directory, Region
from simulator.cloud.auth.grants import Grants, Refusal
from simulator.cloud.control.faults import Faults
from simulator.cloud.errors import ApiError, not_found
from simulator.cloud.fleet.billing import Billing
from simulator.cloud.fleet.rate_limits import RateLimits
from simulator.home import Home
from simulator.telemetry import Telemetry

MAX_BODY = 64 * 1024


class Cloud:
    """State of the simulated cloud."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Start an empty cloud on this clock."""
        self.clock = clock
        self.directory = Directory()
        self.grants = Grants(clock)
        self.billing = Billing(clock)
        self.limits = RateLimits(clock)
        self.faults = Faults()
        self.telemetry = Telemetry(clock, self.billing.stream)
        #: whether telemetry hosts outside the application's root domain are accepted
        self.any_telemetry_host = False
        #: client id -> what an application hears that is switched off over its bill
        self.suspended: dict[str, Callable[[], ApiError]] = {}
        #: partner domain -> base URL from which it is really served
        self.dns: dict[str, str] = {}
        self.wake_with_charging_scope = False
        #: the home at which the cars charge, if there is one
        self.home: Home | None = None
        #: browser session cookie -> account
        self.sessions: dict[str, Account] = {}

    @property
    def base_url(self) -> str:
        """Base URL of everything; "" before the server has its port."""
        return self.grants.base_url

    def region_url(self, region: Region) -> str:
        """Base URL of one region's Fleet API."""
        return f"{self.base_url}/{region}"

    def revoke_consent(self, account: Account, application: Application) -> None:
        """Take everything back: consent, tokens, and the application's key in the cars."""
        account.consents.pop(application.client_id, None)
        self.grants.end(account, application, why=Refusal.REVOKED)
        if (registration := application.registrations.get(account.region)) is not None:
            for car in account.cars:
                if registration.public_key in car.keychain:
                    car.keychain.remove(registration.public_key)
        self.telemetry.review()

    def remove_car(self, account: Account, vin: str) -> None:
        """Take a car out of an account, and with it the telemetry that the account had asked for.

        The keys stay in the car: only a person in front of its screen, or a withdrawn consent, removes them.
        """
        self.directory.remove_car(account, vin)
        self.telemetry.review()

    def remove_scope(self, account: Account, application: Application, scope: str) -> None:
        """Take one scope back, and with it the telemetry configurations that need it."""
        account.consents[application.client_id] -= {scope}
        self.telemetry.review()

    def suspend(self, application: Application, refusal: Callable[[], ApiError]) -> None:
        """Switch an application off over its bill: its telemetry configurations go for good."""
        self.suspended[application.client_id] = refusal
        self.telemetry.remove_all(application.client_id)


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised Fleet API request."""

    cloud: Cloud
    region: Region
    application: Application
    scopes: frozenset[str]  # granted in the token and still consented to
    caller: Account | None  # None with a partner token
    tags: Mapping[str, str]  # the variable parts of the path
    query: Mapping[str, str]
    body: Mapping[str, Any] = field(default_factory=dict)
    web_request: web.Request | None = None

    @property
    def account(self) -> Account:
        """The person; only for endpoints that take a user token."""
        assert self.caller is not None
        return self.caller

    def vehicle(self) -> CarAccess:
        """Return the car of the path's vehicle tag; raises 404 if the account lacks it."""
        access = self.account.access(self.tags["tag"])
        if access is None:
            raise not_found()
        return access
