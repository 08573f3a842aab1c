"""A telemetry configuration, and the endpoints that give it to a car and read it."""

from typing import Any

from .telemetry import token
from .world import Answer, World

PATH = "vehicles/fleet_telemetry_config_jws"
CONFIG: dict[str, Any] = {
    "hostname": "telemetry.example.com",
    "port": 443,
    "ca": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "fields": {
        "DetailedChargeState": {"interval_seconds": 1},
        "Soc": {"interval_seconds": 60, "minimum_delta": 0.5, "resend_interval_seconds": 3600},
    },
    "delivery_policy": "latest",
    "alert_types": ["service"],
}


async def create(world: World, config: dict[str, Any] | None = None, **changes: Any) -> Answer:
    claims = CONFIG | changes if config is None else config
    body = {"vins": [world.car.vin], "token": token(world.key, claims)}
    return await world.api("POST", PATH, json=body)


async def read(world: World) -> dict[str, Any]:
    answer = await world.car_api("GET", "fleet_telemetry_config")
    assert answer.status == 200, answer.text
    return dict(answer.response)
