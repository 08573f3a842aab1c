"""The table of all requests to the Fleet API: their billing category, and whether they may have an effect.

Endpoints: developer.tesla.com, "Vehicle endpoints", "User endpoints", "Partner endpoints"; prices are in `prices.py`.
The vehicle list and the vehicle's summary are free and never wake a car.
"""

from dataclasses import dataclass

from .prices import PRICES, Category

MAX_ANSWER_LENGTH = 1_000_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: method, path, billing category and effect of a request."""

    name: str
    method: str
    path: str
    category: Category
    changes_something: bool = False
    """Whether the request has an effect: after a lost answer it is not known whether it was executed."""
    reaches_car: bool = False
    """Whether the car itself has to answer, so that a failure may be caused by the car."""
    max_answer_length: int = MAX_ANSWER_LENGTH


USERS_REGION = Operation("region", "GET", "/api/1/users/region", Category.FREE)
PRODUCTS = Operation("products", "GET", "/api/1/products", Category.FREE)
VEHICLE = Operation("vehicle", "GET", "/api/1/vehicles/{vin}", Category.FREE)
VEHICLE_DATA = Operation(
    "vehicle_data", "GET", "/api/1/vehicles/{vin}/vehicle_data", Category.DATA, reaches_car=True
)
MOBILE_ENABLED = Operation(
    "mobile_enabled", "GET", "/api/1/vehicles/{vin}/mobile_enabled", Category.DATA
)
FLEET_STATUS = Operation("fleet_status", "POST", "/api/1/vehicles/fleet_status", Category.DATA)
WAKE_UP = Operation(
    "wake_up",
    "POST",
    "/api/1/vehicles/{vin}/wake_up",
    Category.WAKE,
    changes_something=True,
    reaches_car=True,
)
SIGNED_COMMAND = Operation(
    "signed_command",
    "POST",
    "/api/1/vehicles/{vin}/signed_command",
    Category.COMMAND,
    changes_something=True,
    reaches_car=True,
    max_answer_length=150_000,
)
COMMAND = Operation(
    "command",
    "POST",
    "/api/1/vehicles/{vin}/command/{command}",
    Category.COMMAND,
    changes_something=True,
    reaches_car=True,
)
PARTNER_ACCOUNTS = Operation("register", "POST", "/api/1/partner_accounts", Category.FREE)
PARTNER_PUBLIC_KEY = Operation(
    "public_key", "GET", "/api/1/partner_accounts/public_key", Category.FREE
)
TELEMETRY_CONFIG_CREATE = Operation(
    "fleet_telemetry_config_create",
    "POST",
    "/api/1/vehicles/fleet_telemetry_config_jws",
    Category.DATA,
)
TELEMETRY_CONFIG = Operation(
    "fleet_telemetry_config",
    "GET",
    "/api/1/vehicles/{vin}/fleet_telemetry_config",
    Category.DATA,
)
TELEMETRY_CONFIG_DELETE = Operation(
    "fleet_telemetry_config_delete",
    "DELETE",
    "/api/1/vehicles/{vin}/fleet_telemetry_config",
    Category.DATA,
)
TELEMETRY_ERRORS = Operation(
    "fleet_telemetry_errors",
    "GET",
    "/api/1/vehicles/{vin}/fleet_telemetry_errors",
    Category.DATA,
)


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request that may have reached Tesla, for the meter."""

    operation: Operation
    vin: str | None
    status: int | None
    """None if there was no answer: Tesla may have executed it, or never have received it."""

    @property
    def is_billed(self) -> bool:
        """Whether Tesla bills it: every request answered with a status below 500, refusals included.

        Without an answer it is not known; then the request counts as billed.
        """
        return self.operation.category is not Category.FREE and (
            self.status is None or self.status < 500
        )

    @property
    def price(self) -> float:
        """The price in dollars, or euros."""
        return PRICES[self.operation.category] if self.is_billed else 0.0
