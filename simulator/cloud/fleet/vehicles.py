"""Vehicle list, summary, data, wake-up and key status."""

from typing import Any

from simulator.car import Car, Quirk
from simulator.car.firmware import is_at_least
from simulator.cloud.accounts import Account, CarAccess
from simulator.cloud.context import Call
from simulator.cloud.errors import (
    ApiError,
    asleep,
    failure,
    in_service,
    invalid_field,
    missing_scopes,
    not_found,
)

PER_PAGE = 100
MAX_VINS = 100

#: From this firmware on the location has to be asked for.
LOCATION_ASKED_FROM = (2023, 38)
#: Sections that come without being named.
DEFAULT_SECTIONS = frozenset(
    {
        "charge_state",
        "climate_state",
        "closures_state",
        "drive_state",
        "gui_settings",
        "vehicle_config",
        "vehicle_state",
    }
)
SECTIONS = DEFAULT_SECTIONS | {
    "location_data",
    "charge_schedule_data",
    "preconditioning_schedule_data",
}
COMBO = "vehicle_data_combo"


def summary(account: Account, access: CarAccess) -> dict[str, object]:
    """Return one car as the list and the summary endpoint show it."""
    return {
        "id": access.id,
        "id_s": str(access.id),
        "vehicle_id": access.vehicle_id,
        "user_id": account.user_id,
        "access_type": access.access_type,
        "granular_access": {"hide_private": access.hide_private},
        "color": None,
        "tokens": [f"{access.vehicle_id:016x}", f"{access.id:016x}"],
        "calendar_enabled": True,
        "backseat_token": None,
        "backseat_token_updated_at": None,
        "ble_autopair_enrolled": False,
        **access.car.summary(),
    }


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 9999):
        raise invalid_field(name, "must be a positive number", status=400)
    return int(text)


async def vehicles(call: Call) -> dict[str, object]:
    """Return a page of the account's cars; never touches a car."""
    page, per_page = _number(call, "page", 1), _number(call, "per_page", PER_PAGE)
    garage = call.account.garage
    pages = max(1, -(-len(garage) // per_page))
    shown = garage[(page - 1) * per_page : page * per_page]
    return {
        "response": [summary(call.account, access) for access in shown],
        "pagination": {
            "previous": page - 1 if page > 1 else None,
            "next": page + 1 if page < pages else None,
            "current": page,
            "per_page": per_page,
            "count": len(garage),
            "pages": pages,
        },
        "count": len(shown),
    }


async def products(call: Call) -> dict[str, object]:
    """Return cars (and energy sites, of which this world has none)."""
    cars: list[dict[str, object]] = [
        {**summary(call.account, access), "cached_data": None, "device_type": "vehicle"}
        for access in call.account.garage
    ]
    return {"response": cars, "count": len(cars)}


async def vehicle(call: Call) -> dict[str, object]:
    """Return one car's summary; never touches the car."""
    return {"response": summary(call.account, call.vehicle())}


async def mobile_enabled(call: Call) -> dict[str, object]:
    """Say whether the owner lets apps reach the car."""
    enabled = call.vehicle().car.mobile_access
    return {"response": {"result": enabled, "reason": "" if enabled else "mobile_access_disabled"}}


def reachable(call: Call, *, awake: bool = True) -> CarAccess:
    """Return the car of the path if apps may reach it (and it is awake); raises 401, 404, 405, 408."""
    access = call.vehicle()
    if Quirk.IN_SERVICE in access.car.quirks:
        raise in_service()
    if not access.car.mobile_access:
        raise ApiError(401, "mobile_access_disabled")
    if awake and access.car.state != "online":
        raise asleep()
    return access


def _sections(call: Call) -> frozenset[str]:
    names = frozenset(name for name in call.query.get("endpoints", "").split(";") if name)
    if unknown := names - SECTIONS - {COMBO}:
        raise invalid_field("endpoints", f"unknown: {', '.join(sorted(unknown))}", status=400)
    if COMBO in names:
        names = (names - {COMBO}) | (SECTIONS - {"location_data"})
    if "location_data" in names and "vehicle_location" not in call.scopes:
        raise missing_scopes({"vehicle_location"})
    if names:
        return names
    told = "vehicle_location" in call.scopes and not is_at_least(
        call.vehicle().car.firmware, LOCATION_ASKED_FROM
    )
    return DEFAULT_SECTIONS | ({"location_data"} if told else set())


async def vehicle_data(call: Call) -> dict[str, object]:
    """Return the live data of a car that is awake."""
    sections = _sections(call)
    access = reachable(call, awake=False)
    told_before = access.car.told_before(sections)
    if access.car.state != "online" and not told_before:
        raise asleep()
    if (broken := access.car.quirks.take(Quirk.DATA_FAILS)) is not None:
        raise failure(broken.code)
    if access.hide_private:
        sections -= {"location_data"}
    data: dict[str, dict[str, Any]] = dict(told_before or access.car.vehicle_data(sections))
    if (location := data.pop("location_data", None)) is not None:
        data["drive_state"] = {**data.get("drive_state", {}), **location}
    return {"response": {**summary(call.account, access), **data}}


async def wake_up(call: Call) -> dict[str, object]:
    """Start waking the car and answer at once, most often still asleep."""
    access = reachable(call, awake=False)
    access.car.wake()
    return {"response": summary(call.account, access)}


def read_vins(call: Call) -> list[str]:
    """Return the body's list of VINs, each once; raises 422."""
    vins = call.body.get("vins")
    if (
        not isinstance(vins, list)
        or not 1 <= len(vins) <= MAX_VINS
        or not all(isinstance(vin, str) for vin in vins)
    ):
        raise invalid_field("vins", f"must be a list of 1 to {MAX_VINS} VINs")
    return list(dict.fromkeys(vins))


def _needs_protocol(car: Car, *, is_paired: bool) -> bool:
    denied = not is_paired and Quirk.PROTOCOL_DENIED in car.quirks
    return car.protocol == "required" and not denied


async def fleet_status(call: Call) -> dict[str, object]:
    """Say which cars hold the application's key, and what each car can do."""
    vins = read_vins(call)
    by_vin = {access.car.vin: access.car for access in call.account.garage}
    if not by_vin.keys() >= set(vins):
        raise not_found()
    registration = call.application.registrations[call.region]
    cars = [by_vin[vin] for vin in vins]
    paired = [car.vin for car in cars if registration.public_key in car.keychain]
    info: dict[str, object] = {}
    for car in cars:
        streaming = call.cloud.telemetry.of(car)
        entry: dict[str, object] = {
            "firmware_version": car.firmware,
            "vehicle_command_protocol_required": _needs_protocol(car, is_paired=car.vin in paired),
            "fleet_telemetry_version": streaming.version,
            "total_number_of_keys": len(car.keychain),
            "safety_screen_streaming_toggle_enabled": streaming.safety_screen_switch,
        }
        if len(vins) == 1:
            entry["discounted_device_data"] = False
        info[car.vin] = entry
    return {
        "response": {
            "key_paired_vins": paired,
            "unpaired_vins": [vin for vin in vins if vin not in paired],
            "vehicle_info": info,
        }
    }
