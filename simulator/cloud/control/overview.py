"""The simulated world as one JSON object, for scripts and for the status page."""

from dataclasses import asdict
from typing import Any

from simulator.car import Car
from simulator.cloud.context import Cloud
from simulator.cloud.fleet.billing import Category

_CATEGORIES: tuple[Category, ...] = ("data", "command", "wake", "streaming", "free")


def car_overview(car: Car) -> dict[str, Any]:
    """Return what a person standing beside the car could see; the car does not notice."""
    return {
        "vin": car.vin,
        "name": car.name,
        "state": car.state,
        "mobile_access": car.mobile_access,
        "keys": [key.hex() for key in car.keychain],
        "quirks": [str(quirk) for quirk in car.quirks],
        "charged_home_kwh": car.charged_home_kwh,
        "charged_away_kwh": car.charged_away_kwh,
        **asdict(car.snapshot()),
        "commands": [
            {
                "name": done.name,
                "params": dict(done.params),
                "via": done.via,
                "result": done.reply.result,
                "reason": done.reply.reason,
            }
            for done in car.commands[-50:]
        ],
    }


def overview(cloud: Cloud) -> dict[str, Any]:
    """Return everything."""
    directory = cloud.directory
    return {
        "base_url": cloud.base_url,
        "clock": {"now": cloud.clock.now(), "speed": cloud.clock.speed},
        "applications": [
            {
                "client_id": application.client_id,
                "redirect_uris": list(application.redirect_uris),
                "registrations": {
                    region: {"domain": entry.domain, "public_key": entry.public_key.hex()}
                    for region, entry in application.registrations.items()
                },
            }
            for application in directory.applications.values()
        ],
        "accounts": [
            {
                "email": account.email,
                "region": account.region,
                "cars": [car.vin for car in account.cars],
                "consents": {who: sorted(what) for who, what in account.consents.items()},
            }
            for account in directory.accounts.values()
        ],
        "cars": [
            {**car_overview(car), "telemetry": cloud.telemetry.of(car).overview()}
            for car in directory.cars().values()
        ],
        "billing": {
            "cost": cloud.billing.cost(),
            "requests": len(cloud.billing.requests),
            "counts": {name: cloud.billing.count(name) for name in _CATEGORIES},
        },
        "faults": len(cloud.faults.rules),
    }
