"""The endpoints of the Fleet API, a row each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from simulator.cloud.auth import users
from simulator.cloud.context import Call
from simulator.cloud.fleet import commands, partner, telemetry, vehicles
from simulator.cloud.fleet.billing import Category
from simulator.cloud.fleet.rate_limits import RateClass

type Handler = Callable[[Call], Awaitable[dict[str, object]]]

DEVICE_DATA = frozenset({"vehicle_device_data"})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path below /api/1/.

    `{tag}` and `{name}` stand for one path segment. `scopes`: one of them is needed (none: any
    token will do). `any_region`: answers users of another region too. `takes_null`: may have no
    parameters, and takes the JSON body `null` for none, as Tesla's own client sends it.
    """

    method: str
    path: str
    handler: Handler
    scopes: frozenset[str] = DEVICE_DATA
    category: Category = "free"
    rate_class: RateClass | None = None
    caller: Literal["user", "partner", "either"] = "user"
    needs_registration: bool = True
    any_region: bool = False
    takes_null: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return the variable parts if this is the path, else None."""
        pattern, parts = self.path.split("/"), path.split("/")
        if len(pattern) != len(parts):
            return None
        tags: dict[str, str] = {}
        for expected, part in zip(pattern, parts, strict=True):
            if expected.startswith("{"):
                tags[expected[1:-1]] = part
            elif expected != part:
                return None
        return tags


#: Prices: the free ones follow Home Assistant's and TeslaFi's experience; fleet_status as data is
#: one planner's reading, the dearer of the two. A handshake is a command like any other.
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST",
        "partner_accounts",
        partner.register,
        NOTHING,
        caller="partner",
        needs_registration=False,
    ),
    Endpoint(
        "GET",
        "partner_accounts/public_key",
        partner.public_key,
        NOTHING,
        caller="partner",
        needs_registration=False,
    ),
    Endpoint(
        "GET",
        "partner_accounts/fleet_telemetry_errors",
        telemetry.partner_errors,
        NOTHING,
        "data",
        caller="partner",
    ),
    Endpoint(
        "GET",
        "partner_accounts/fleet_telemetry_error_vins",
        telemetry.partner_error_vins,
        NOTHING,
        "data",
        caller="partner",
    ),
    Endpoint("GET", "users/me", users.me, frozenset({"user_data"})),
    Endpoint("GET", "users/region", users.region, NOTHING, any_region=True),
    Endpoint("GET", "users/feature_config", users.feature_config, NOTHING),
    Endpoint("GET", "products", vehicles.products),
    Endpoint("GET", "vehicles", vehicles.vehicles),
    Endpoint("POST", "vehicles/fleet_status", vehicles.fleet_status, category="data"),
    Endpoint(
        "POST",
        "vehicles/fleet_telemetry_config_jws",
        telemetry.create,
        category="data",
    ),
    Endpoint(
        "POST",
        "vehicles/fleet_telemetry_config",
        telemetry.create_unsigned,
        category="data",
    ),
    Endpoint(
        "GET",
        "vehicles/{tag}/fleet_telemetry_config",
        telemetry.read,
        category="data",
    ),
    Endpoint(
        "DELETE",
        "vehicles/{tag}/fleet_telemetry_config",
        telemetry.delete,
        category="data",
        caller="either",
    ),
    Endpoint(
        "GET",
        "vehicles/{tag}/fleet_telemetry_errors",
        telemetry.errors,
        category="data",
    ),
    Endpoint("GET", "vehicles/{tag}", vehicles.vehicle),
    Endpoint("GET", "vehicles/{tag}/mobile_enabled", vehicles.mobile_enabled, category="data"),
    Endpoint(
        "GET",
        "vehicles/{tag}/vehicle_data",
        vehicles.vehicle_data,
        category="data",
        rate_class="data",
    ),
    Endpoint(
        "POST",
        "vehicles/{tag}/wake_up",
        vehicles.wake_up,
        commands.ALL_COMMANDS,
        category="wake",
        rate_class="wakes",
        takes_null=True,
    ),
    Endpoint(
        "POST",
        "vehicles/{tag}/signed_command",
        commands.signed_command,
        commands.EITHER,
        category="command",
        rate_class="commands",
    ),
    Endpoint(
        "POST",
        "vehicles/{tag}/command/{name}",
        commands.plain_command,
        commands.EITHER,
        category="command",
        rate_class="commands",
        takes_null=True,
    ),
)

_NOT_CARS = {"fleet_status", "fleet_telemetry_config", "fleet_telemetry_config_jws"}


def find(method: str, path: str) -> tuple[Endpoint | None, dict[str, str], tuple[str, ...]]:
    """Return the endpoint, its variable parts, and the methods that this path knows."""
    methods: list[str] = []
    for endpoint in ENDPOINTS:
        tags = endpoint.match(path)
        # vehicles/fleet_status is no car of that name, whatever the method.
        if tags is None or tags.get("tag") in _NOT_CARS:
            continue
        if endpoint.method == method:
            return endpoint, tags, (method,)
        methods.append(endpoint.method)
    return None, {}, tuple(methods)
