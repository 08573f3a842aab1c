"""The part of the control API that is about streaming."""

from collections.abc import Callable, Mapping
import ipaddress
import json
from typing import Any

from aiohttp import web

from simulator.cloud.context import Cloud
from simulator.telemetry import CarTelemetry

type Body = Mapping[str, Any]


def _set(name: str) -> Callable[[CarTelemetry, Body], object]:
    return lambda car, body: setattr(car, name, body[name])


#: What can be done to a car's streaming: POST /_sim/cars/{vin}/telemetry {"action": name, ...}
TELEMETRY_ACTIONS: dict[str, Callable[[CarTelemetry, Body], object]] = {
    "alert": lambda car, body: car.raise_alert(
        str(body["name"]), tuple(body.get("audiences", ("service",)))
    ),
    "certificate": lambda car, body: car.present(body.get("kind", "good"), vin=body.get("vin")),
    "claim": lambda car, body: car.claim(body.get("vin")),
    "disconnect": lambda car, _: car.disconnect(),
    "end_alert": lambda car, body: car.end_alert(str(body["name"])),
    "error": lambda car, body: car.report_error(
        str(body["name"]), str(body.get("body", "")), dict(body.get("tags", {}))
    ),
    "flood": lambda car, body: car.flood(int(body["times"])),
    "garbage": lambda car, body: car.send_garbage(
        str(body.get("kind", "random")), int(body.get("times", 1))
    ),
    "hardware_supported": _set("hardware_supported"),
    "hold": lambda car, body: car.hold(bool(body.get("held", True))),
    "other_configs": _set("other_configs"),
    "read": lambda car, body: car.read(bool(body.get("reads", True))),
    "safety_screen_switch": _set("safety_screen_switch"),
    "speak": lambda car, body: car.speak(body["style"]),
    "storm": lambda car, body: car.storm(int(body["times"]), float(body.get("pause", 0))),
    "swallows_configs": _set("swallows_configs"),
    "synced_late": _set("synced_late"),
}


class TelemetryControl:
    """Plays with the cars' streaming from outside."""

    def __init__(self, cloud: Cloud) -> None:
        """Control this cloud's cars."""
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; they come before the one for everything else about a car."""
        return [
            web.get("/_sim/vehicle_ca.pem", self._vehicle_ca),
            web.post("/_sim/telemetry", self._settings),
            web.get("/_sim/cars/{vin}/telemetry", self._show),
            web.post("/_sim/cars/{vin}/telemetry", self._act),
        ]

    async def _vehicle_ca(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._cloud.telemetry.world.ca.bundle, content_type="application/x-pem-file"
        )

    def _car(self, request: web.Request) -> CarTelemetry:
        car = self._cloud.directory.cars().get(request.match_info["vin"])
        if car is None:
            raise web.HTTPNotFound
        return self._cloud.telemetry.of(car)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._car(request).overview())

    async def _act(self, request: web.Request) -> web.Response:
        car, body = self._car(request), await _body(request)
        action = TELEMETRY_ACTIONS.get(str(body.get("action")))
        if action is None:
            known = ", ".join(TELEMETRY_ACTIONS)
            raise web.HTTPUnprocessableEntity(text=f"action is one of {known}")
        try:
            action(car, body)
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPUnprocessableEntity(text=repr(error)) from error
        return web.json_response(car.overview())

    async def _settings(self, request: web.Request) -> web.Response:
        """Take {"hosts": {name: "127.0.0.1:PORT" or null}, "pace": n, "slots": n, "any_host": b}."""
        body, world = await _body(request), self._cloud.telemetry.world
        try:
            for name, where in body.get("hosts", {}).items():
                if where is None:
                    world.hosts.pop(name, None)
                else:
                    world.hosts[name] = _address(where)
            world.slots = int(body.get("slots", world.slots))
            pace = float(body.get("pace", world.pace))
        except (AttributeError, TypeError, ValueError) as error:
            raise web.HTTPUnprocessableEntity(text=repr(error)) from error
        if not pace > 0:
            raise web.HTTPUnprocessableEntity(text="the pace must be positive")
        world.pace = pace
        if "any_host" in body:
            self._cloud.any_telemetry_host = body["any_host"] is True
        return web.json_response(
            {
                "hosts": {name: f"{host}:{port}" for name, (host, port) in world.hosts.items()},
                "slots": world.slots,
                "pace": world.pace,
                "any_host": self._cloud.any_telemetry_host,
            }
        )


def _address(where: str) -> tuple[str, int]:
    address, _, port = where.rpartition(":")
    address = address.strip("[]")
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError("the simulator stays on loopback")
    return address, int(port)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return body
