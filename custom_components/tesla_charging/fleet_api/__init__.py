"""Tesla's Fleet API: OAuth facts, regions, the partner account, cars, prices, errors.

This room knows HTTP and JSON. It knows neither Home Assistant nor how a command is signed.
"""

from .client import Authorization, FleetApiClient
from .endpoints import KEY_PATH, TESLA, Endpoints, Region, all_under
from .errors import (
    AccountUnpaid,
    ConsentRevoked,
    FleetApiError,
    Forbidden,
    InvalidApiAnswer,
    InvalidClient,
    InvalidRequest,
    LoginRequired,
    MissingScope,
    MobileAccessDisabled,
    NotFound,
    NotRegistered,
    RateLimited,
    RegistrationFailed,
    ServerFailure,
    SigningRequired,
    SigningUnsupported,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    VehicleTimeout,
    VehicleUnsupported,
    WrongRegion,
)
from .operations import PRICES, USERS_REGION, VEHICLE_DATA, Category, Operation, RequestRecord
from .partner import PartnerAccount
from .suspension import Suspension
from .telemetry_configs import TelemetryConfigs
from .token_service import request_token
from .tokens import COMMAND_SCOPES, REQUIRED_SCOPES, Scope, TokenClaims, read_claims, read_sign_in
from .vehicles import (
    FleetStatus,
    Section,
    VehicleData,
    VehicleList,
    Vehicles,
    VehicleState,
    VehicleSummary,
)

__all__ = [
    "COMMAND_SCOPES",
    "KEY_PATH",
    "PRICES",
    "REQUIRED_SCOPES",
    "TESLA",
    "USERS_REGION",
    "VEHICLE_DATA",
    "AccountUnpaid",
    "Authorization",
    "Category",
    "ConsentRevoked",
    "Endpoints",
    "FleetApiClient",
    "FleetApiError",
    "FleetStatus",
    "Forbidden",
    "InvalidApiAnswer",
    "InvalidClient",
    "InvalidRequest",
    "LoginRequired",
    "MissingScope",
    "MobileAccessDisabled",
    "NotFound",
    "NotRegistered",
    "Operation",
    "PartnerAccount",
    "RateLimited",
    "Region",
    "RegistrationFailed",
    "RequestRecord",
    "Scope",
    "Section",
    "ServerFailure",
    "SigningRequired",
    "SigningUnsupported",
    "Suspension",
    "TelemetryConfigs",
    "TokenClaims",
    "TokenRejected",
    "Unreachable",
    "VehicleAsleep",
    "VehicleData",
    "VehicleList",
    "VehicleState",
    "VehicleSummary",
    "VehicleTimeout",
    "VehicleUnsupported",
    "Vehicles",
    "WrongRegion",
    "all_under",
    "read_claims",
    "read_sign_in",
    "request_token",
]
