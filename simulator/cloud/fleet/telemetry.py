"""The Fleet API's endpoints around Fleet Telemetry configurations."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from simulator.car import Car
from simulator.cloud.accounts import Application
from simulator.cloud.context import Call
from simulator.cloud.errors import ApiError, invalid_field, not_found
from simulator.cloud.fleet.partner import root_domain
from simulator.cloud.fleet.vehicles import read_vins
from simulator.telemetry import (
    CarTelemetry,
    ConfigRefused,
    ReportedError,
    SignedConfig,
    TelemetryConfig,
    TokenRefused,
    UnknownField,
    read_config,
    read_token,
)

SKIPPED_REASONS = ("missing_key", "unsupported_hardware", "unsupported_firmware", "max_configs")
_DEVICE_DATA, _LOCATION = "vehicle_device_data", "vehicle_location"


def _signed(call: Call) -> SignedConfig:
    token = call.body.get("token")
    if not isinstance(token, str) or not token:
        raise invalid_field("token", "is missing")
    try:
        return read_token(token)
    except TokenRefused as error:
        raise invalid_field("token", str(error)) from error


def _checked(call: Call, signed: SignedConfig) -> TelemetryConfig:
    try:
        config = read_config(signed.claims, call.cloud.clock.now())
    except UnknownField as error:
        raise ApiError(400, str(error)) from error
    except ConfigRefused as error:
        raise invalid_field(error.field, error.text) from error
    domain = call.application.registrations[call.region].domain
    if not call.cloud.any_telemetry_host and root_domain(config.hostname) != root_domain(domain):
        raise invalid_field("hostname", f"does not belong to {root_domain(domain)}")
    if config.needs_location and _LOCATION not in call.scopes:
        raise ApiError(403, f"Unauthorized missing scopes {_LOCATION}")
    return config


async def create(call: Call) -> dict[str, object]:
    """Give cars a signed configuration, or say which of them cannot take it and why."""
    vins = read_vins(call)
    by_vin = {access.car.vin: access.car for access in call.account.garage}
    if unknown := [vin for vin in vins if vin not in by_vin]:
        raise not_found(f"{unknown[0]} not_found")
    signed = _signed(call)
    config = _checked(call, signed)
    client_id = call.application.client_id
    skipped: dict[str, list[str]] = {reason: [] for reason in SKIPPED_REASONS}
    updated = 0
    registered = call.application.registrations[call.region].public_key
    for vin in vins:
        car = by_vin[vin]
        handle = call.cloud.telemetry.of(car)
        obstacle = handle.obstacle(client_id)
        may = signed.public_key == registered and _admits(handle, car, signed.public_key)
        if obstacle in {None, "max_configs"} and not may:
            obstacle = "missing_key"
        if obstacle is not None:
            skipped[obstacle].append(vin)
            continue
        authorised = _authorisation(call, car, signed, config)
        handle.install(client_id, config, authorised)
        updated += 1
    return {"response": {"updated_vehicles": updated, "skipped_vehicles": skipped}}


def _admits(handle: CarTelemetry, car: Car, public_key: bytes) -> bool:
    return not handle.needs_key or _holds(car, public_key)


def _holds(car: Car, public_key: bytes) -> bool:
    key = car.keychain.find(public_key)
    return key is not None and key.active


def _authorisation(
    call: Call, car: Car, signed: SignedConfig, config: TelemetryConfig
) -> Callable[[], bool]:
    """Return what tells, at any later time, whether the car may still follow a configuration."""
    account, application = call.account, call.application
    handle = call.cloud.telemetry.of(car)
    needed = {_DEVICE_DATA} | ({_LOCATION} if config.needs_location else set())

    def authorised() -> bool:
        return (
            needed <= account.consents.get(application.client_id, frozenset())
            and account.access(car.vin) is not None
            and _admits(handle, car, signed.public_key)
            and handle.safety_screen_switch is not False
        )

    return authorised


async def create_unsigned(_call: Call) -> dict[str, object]:
    """Refuse a configuration that nobody signed."""
    raise ApiError(
        412,
        "This endpoint must be called through the Vehicle Command HTTP Proxy. Refer to "
        "https://developer.tesla.com/docs/fleet-api/fleet-telemetry for instructions",
    )


async def read(call: Call) -> dict[str, object]:
    """Return what the car is to follow, and whether it has fetched it."""
    car = call.vehicle().car
    handle = call.cloud.telemetry.of(car)
    config = handle.config(call.application.client_id)
    return {
        "response": {
            "synced": handle.synced(call.application.client_id),
            "config": dict(config.claims) if config else None,
            "limit_reached": handle.limit_reached,
            "key_paired": _holds(car, call.application.registrations[call.region].public_key),
            "update_available": False,
        }
    }


async def delete(call: Call) -> dict[str, object]:
    """Take the application's configuration out of a car.

    A partner token reaches every car that has one, whether or not its owner still consents.
    """
    if call.caller is not None:
        handle = call.cloud.telemetry.of(call.vehicle().car)
    else:
        vin = call.cloud.directory.vin_of(call.tags["tag"])
        known = call.cloud.telemetry.cars.get(vin or "")
        if known is None or call.application.client_id not in known.streams:
            raise not_found()
        handle = known
    return {"response": {"updated_vehicles": int(handle.remove(call.application.client_id))}}


async def errors(call: Call) -> dict[str, object]:
    """Return what one car reported about the application's configuration."""
    return _listed(call.application, [call.cloud.telemetry.of(call.vehicle().car)])


async def partner_errors(call: Call) -> dict[str, object]:
    """Return what all cars reported about the application's configuration."""
    return _listed(call.application, call.cloud.telemetry.cars.values())


async def partner_error_vins(call: Call) -> dict[str, object]:
    """Return the VINs of the cars that reported something."""
    client_id = call.application.client_id
    vins = [
        vin
        for vin, handle in call.cloud.telemetry.cars.items()
        if any(line.client_id == client_id for line in handle.errors)
    ]
    return {"response": {"vins": vins}}


def _listed(application: Application, cars: Iterable[CarTelemetry]) -> dict[str, object]:
    lines = [
        _line(line)
        for handle in cars
        for line in handle.errors
        if line.client_id == application.client_id
    ]
    return {"response": {"fleet_telemetry_errors": lines}}


def _line(line: ReportedError) -> dict[str, object]:
    created_at = datetime.fromtimestamp(line.error.created_at, UTC)
    return {
        "created_at": created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "error": line.error.body,
        "error_name": line.error.name,
        "name": line.client_id,
        "txID": line.txid,
        "vin": line.vin,
    }
