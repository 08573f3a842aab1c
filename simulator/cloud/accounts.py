"""Who exists: applications, accounts, their cars and what each account has consented to."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from simulator.car import Car

type Region = Literal["na", "eu"]

REGIONS: tuple[Region, ...] = ("na", "eu")

#: Scopes Tesla documents for third-party applications (authentication overview, 2026-08-15),
#: with the words that the consent page shows.
SCOPES: dict[str, str] = {
    "openid": "Sign in with Tesla",
    "offline_access": "Stay signed in",
    "user_data": "Profile information",
    "vehicle_device_data": "Vehicle information",
    "vehicle_location": "Vehicle location",
    "vehicle_cmds": "Vehicle commands",
    "vehicle_charging_cmds": "Vehicle charging management",
    "energy_device_data": "Energy product information",
    "energy_cmds": "Energy product settings",
    "enterprise_management": "Enterprise management",
}

#: Scopes that only a partner token can carry.
PARTNER_SCOPES = frozenset({"vehicle_specs", "vehicle_pricing_info"})

#: Scopes that the consent page shows but does not let a person untick.
FIXED_SCOPES = frozenset({"openid", "offline_access"})


@dataclass(frozen=True, slots=True)
class Registration:
    """A partner account in one region: the domain and the key that was found there."""

    domain: str
    public_key: bytes  # 65 bytes, uncompressed point on P-256
    created_at: float
    updated_at: float


@dataclass(slots=True, eq=False)
class Application:
    """A third-party application of developer.tesla.com."""

    client_id: str
    client_secret: str
    allowed_origin: str
    redirect_uris: tuple[str, ...]
    name: str = "Home charging"
    registrations: dict[Region, Registration] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class CarAccess:
    """One car as one account sees it."""

    car: Car
    access_type: str  # OWNER or DRIVER
    id: int
    vehicle_id: int
    hide_private: bool = False  # granular access: location is withheld


@dataclass(slots=True, eq=False)
class Account:
    """A person's Tesla account. It lives in exactly one region."""

    email: str
    password: str
    region: Region
    sub: str = field(default_factory=lambda: str(uuid4()))
    user_id: int = 0
    full_name: str = "Sam Driver"
    garage: list[CarAccess] = field(default_factory=list)
    #: client id -> scopes that the person allows that application, at this moment
    consents: dict[str, frozenset[str]] = field(default_factory=dict)
    #: what tokens tell instead, as they do for some accounts of the Middle East (vehicle-command issue 105)
    token_region: Region | None = None

    @property
    def cars(self) -> tuple[Car, ...]:
        """The cars this account can see."""
        return tuple(access.car for access in self.garage)

    def access(self, tag: str) -> CarAccess | None:
        """Find a car by VIN or by numeric id, as `{vehicle_tag}` allows."""
        for access in self.garage:
            if tag in {access.car.vin, str(access.id)}:
                return access
        return None


class Directory:
    """All applications and accounts of the simulated world."""

    def __init__(self) -> None:
        """Start with nobody."""
        self.applications: dict[str, Application] = {}
        self.accounts: dict[str, Account] = {}  # by e-mail
        self.unclaimed: dict[str, Car] = {}  # by VIN: cars that left their last account
        self._next_id = 1

    def add_application(self, application: Application) -> Application:
        """Add an application; its client id must be new."""
        if application.client_id in self.applications:
            raise ValueError(f"client id {application.client_id} is taken")
        self.applications[application.client_id] = application
        return application

    def add_account(self, account: Account) -> Account:
        """Add an account; its e-mail address must be new."""
        if account.email in self.accounts:
            raise ValueError(f"account {account.email} exists")
        account.user_id = 700000 + len(self.accounts)
        self.accounts[account.email] = account
        return account

    def add_car(self, account: Account, car: Car, access_type: str) -> CarAccess:
        """Let an account see a car."""
        if account.access(car.vin) is not None:
            raise ValueError(f"{car.vin} is already in this account")
        number = self._next_id
        self._next_id += 1
        access = CarAccess(
            car=car,
            access_type=access_type,
            id=1492930000000000 + number,
            vehicle_id=1300000000 + number,
        )
        account.garage.append(access)
        self.unclaimed.pop(car.vin, None)
        return access

    def remove_car(self, account: Account, vin: str) -> None:
        """Let an account see a car no longer: sold, or a driver whom the owner took off the list."""
        access = account.access(vin)
        if access is None:
            raise ValueError(f"{vin} is not in this account")
        account.garage.remove(access)
        if access.car.vin not in self.cars():
            self.unclaimed[access.car.vin] = access.car

    def account_of(self, sub: str) -> Account | None:
        """Find an account by the stable subject of its tokens."""
        return next((a for a in self.accounts.values() if a.sub == sub), None)

    def cars(self) -> dict[str, Car]:
        """Every car by VIN."""
        return {c.vin: c for account in self.accounts.values() for c in account.cars}

    def vin_of(self, tag: str) -> str | None:
        """Return the VIN behind a vehicle tag, whoever owns the car."""
        for account in self.accounts.values():
            if (access := account.access(tag)) is not None:
                return access.car.vin
        return None
