"""The control API below /_sim: JSON for scripts, form posts for the status page's buttons."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
import json
from typing import Any, Literal

from aiohttp import web

from simulator.car import Car, KeychainFull, OtherReading, Quirk
from simulator.car.habits import Habit
from simulator.cloud.accounts import Account, Application
from simulator.cloud.auth import pages
from simulator.cloud.context import Cloud
from simulator.cloud.control.faults import FaultRule
from simulator.cloud.control.overview import overview
from simulator.cloud.control.telemetry_control import TelemetryControl
from simulator.home.service import HomeService

type Body = Mapping[str, Any]


def _domain(car: Car, body: Body) -> Any:
    name: Literal["infotainment", "vehicle_security"] = body.get("domain", "infotainment")
    return car.domain(name)


def _drive_away(car: Car, body: Body) -> None:
    car.drive_away(float(body.get("lat", 52.1)), float(body.get("lon", 4.9)))


def _plug_in(car: Car, body: Body) -> None:
    car.plug_in(max_amps=int(body.get("max_amps", 16)), phases=int(body.get("phases", 3)))


def _mobile_access(car: Car, body: Body) -> None:
    car.mobile_access = bool(body.get("allowed", True))


def _out_of_reach(car: Car, body: Body) -> None:
    """Take {"domain": "infotainment", "on": true}: what is for it does not arrive, what is for the other does."""
    _domain(car, body).out_of_reach = bool(body.get("on", True))


def _quirk(car: Car, body: Body) -> None:
    """Take {"name": "null_poll", "on": true} and what the quirk can be told (quirks.Told)."""
    told = dict(body)
    name = told.pop("name")
    quirk = OtherReading(name) if name in set(OtherReading) else Quirk(name)
    if "fields" in told:
        told["fields"] = frozenset(told["fields"])
    if told.pop("on", True):
        car.quirks.add(quirk, **told)
    else:
        car.quirks.remove(quirk)


#: What can be done to a car: POST /_sim/cars/{vin}/<name>
CAR_ACTIONS: dict[str, Callable[[Car, Body], object]] = {
    "plug_in": _plug_in,
    "unplug": lambda car, _: car.unplug(),
    "arrive_home": lambda car, _: car.arrive_home(),
    "drive_away": _drive_away,
    "wake": lambda car, _: car.wake(),
    "sleep": lambda car, _: car.sleep(),
    "rename": lambda car, body: car.rename(str(body["name"])),
    "offline": lambda car, body: car.set_offline(bool(body.get("offline", True))),
    "online": lambda car, _: car.set_offline(False),
    "add_key": lambda car, body: car.keychain.add(bytes.fromhex(body["public_key"])),
    "remove_key": lambda car, body: car.keychain.remove(bytes.fromhex(body["public_key"])),
    "battery_level": lambda car, body: car.set_battery_level(float(body["percent"])),
    "power": lambda car, body: car.set_power(bool(body.get("powered", True))),
    "mobile_access": _mobile_access,
    "quirk": _quirk,
    "in_app": lambda car, body: car.in_app(str(body["name"]), **body.get("body", {})),
    "solar_surplus": lambda car, body: car.set_solar_surplus(body.get("kw")),
    "time_zone": lambda car, body: setattr(car, "time_zone", str(body["name"])),
    "refuse": lambda car, body: car.refuse_next(str(body["reason"]), int(body.get("times", 1))),
    "out_of_reach": _out_of_reach,
    "reboot": lambda car, body: _domain(car, body).reboot(),
    "rekey": lambda car, body: _domain(car, body).rekey(),
    "jump_clock": lambda car, body: _domain(car, body).jump_clock(float(body["seconds"])),
    "message_fault": lambda car, body: _domain(car, body).message_fault_next(
        int(body["fault"]), int(body.get("times", 1))
    ),
}

_RULE_FIELDS = frozenset(field.name for field in fields(FaultRule))


class Control:
    """Turns the simulated world from outside."""

    def __init__(self, cloud: Cloud, home: HomeService) -> None:
        """Control this cloud, and the home beside it."""
        self._cloud = cloud
        self._home = home

    def routes(self) -> list[web.RouteDef]:
        """Return every route below /_sim."""
        return [
            web.get("/_sim/state", self._state),
            *TelemetryControl(self._cloud).routes(),
            web.post("/_sim/cars/{vin}/{action}", self._car),
            web.post("/_sim/home/{action}", self._act_at_home),
            web.get("/_sim/quirks", self._list_quirks),
            web.get("/_sim/readings", self._list_readings),
            web.get("/_sim/billing", self._billing),
            web.post("/_sim/billing/reset", self._reset_billing),
            web.get("/_sim/faults", self._list_faults),
            web.post("/_sim/faults", self._add_fault),
            web.delete("/_sim/faults", self._clear_faults),
            web.post("/_sim/clock", self._turn_clock),
            web.post("/_sim/limits", self._set_limits),
            web.post("/_sim/dns", self._set_dns),
            web.post("/_sim/accounts/{email}/revoke_consent", self._revoke_consent),
            web.post("/_sim/accounts/{email}/remove_scope", self._remove_scope),
            web.post("/_sim/accounts/{email}/add_car", self._add_car),
            web.post("/_sim/accounts/{email}/remove_car", self._remove_car),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(overview(self._cloud))

    async def _car(self, request: web.Request) -> web.Response:
        car = self._cloud.directory.cars().get(request.match_info["vin"])
        action = CAR_ACTIONS.get(request.match_info["action"])
        if car is None or action is None:
            raise web.HTTPNotFound
        body = await _body(request)
        try:
            action(car, body)
        except (KeyError, TypeError, ValueError, RuntimeError, KeychainFull) as error:
            raise web.HTTPUnprocessableEntity(text=repr(error)) from error
        if request.content_type != "application/json":
            return pages.redirect("/", status=303)  # a button of the status page
        return web.json_response({"vin": car.vin, "state": car.state})

    async def _act_at_home(self, request: web.Request) -> web.Response:
        state = self._home.act(request.match_info["action"], await _body(request))
        if request.content_type != "application/json":
            return pages.redirect("/home", status=303)  # a button of the home's page
        return web.json_response(state)

    async def _list_quirks(self, _request: web.Request) -> web.Response:
        return web.json_response(_told_of(Quirk))

    async def _list_readings(self, _request: web.Request) -> web.Response:
        return web.json_response(_told_of(OtherReading))

    async def _billing(self, _request: web.Request) -> web.Response:
        billing = self._cloud.billing
        lines = [asdict(line) for line in billing.requests]
        signals = dict(billing.signals)
        return web.json_response({"cost": billing.cost(), "requests": lines, "signals": signals})

    async def _reset_billing(self, _request: web.Request) -> web.Response:
        self._cloud.billing.reset()
        return web.json_response({"cost": 0.0})

    async def _list_faults(self, _request: web.Request) -> web.Response:
        rules = [
            asdict(rule) | {"headers": dict(rule.headers)} for rule in self._cloud.faults.rules
        ]
        return web.json_response({"rules": rules})

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if unknown := body.keys() - _RULE_FIELDS:
            raise web.HTTPUnprocessableEntity(text=f"unknown: {', '.join(sorted(unknown))}")
        try:
            self._cloud.faults.add(FaultRule(**body))
        except (TypeError, ValueError) as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from error
        return await self._list_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._cloud.faults.clear()
        return await self._list_faults(request)

    async def _turn_clock(self, request: web.Request) -> web.Response:
        body, clock = await _body(request), self._cloud.clock
        try:
            if "speed" in body:
                clock.speed = float(body["speed"])
            clock.advance(float(body.get("advance", 0)))
        except (TypeError, ValueError) as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from error
        return web.json_response({"now": clock.now(), "speed": clock.speed})

    async def _set_limits(self, request: web.Request) -> web.Response:
        self._cloud.limits.enabled = (await _body(request)).get("enabled") is True
        return web.json_response({"enabled": self._cloud.limits.enabled})

    async def _set_dns(self, request: web.Request) -> web.Response:
        body = await _body(request)
        domain, url = body.get("domain"), body.get("url")
        if not isinstance(domain, str) or not isinstance(url, str | None):
            raise web.HTTPUnprocessableEntity(text="domain and url are texts")
        if url is None:
            self._cloud.dns.pop(domain, None)
        else:
            self._cloud.dns[domain] = url.rstrip("/")
        return web.json_response(self._cloud.dns)

    async def _revoke_consent(self, request: web.Request) -> web.Response:
        account, application, _ = await self._consent(request)
        self._cloud.revoke_consent(account, application)
        return web.json_response({"scopes": None})

    async def _remove_scope(self, request: web.Request) -> web.Response:
        account, application, body = await self._consent(request)
        if application.client_id not in account.consents:
            raise web.HTTPNotFound(text="there is no consent")
        self._cloud.remove_scope(account, application, str(body.get("scope")))
        return web.json_response({"scopes": sorted(account.consents[application.client_id])})

    async def _add_car(self, request: web.Request) -> web.Response:
        """Let an account see a car that another account has, or that left its last one."""
        account, body = await self._account(request)
        directory, vin = self._cloud.directory, str(body.get("vin"))
        car = directory.cars().get(vin) or directory.unclaimed.get(vin)
        access_type = body.get("access_type", "OWNER")
        if car is None:
            raise web.HTTPNotFound
        if access_type not in {"OWNER", "DRIVER"} or account.access(vin) is not None:
            raise web.HTTPUnprocessableEntity(text="unknown access type, or there already")
        directory.add_car(account, car, access_type)
        return web.json_response({"cars": [known.vin for known in account.cars]})

    async def _remove_car(self, request: web.Request) -> web.Response:
        account, body = await self._account(request)
        try:
            self._cloud.remove_car(account, str(body.get("vin")))
        except ValueError as error:
            raise web.HTTPNotFound from error
        return web.json_response({"cars": [known.vin for known in account.cars]})

    async def _account(self, request: web.Request) -> tuple[Account, Body]:
        account = self._cloud.directory.accounts.get(request.match_info["email"])
        if account is None:
            raise web.HTTPNotFound
        return account, await _body(request)

    async def _consent(self, request: web.Request) -> tuple[Account, Application, Body]:
        body = await _body(request)
        directory = self._cloud.directory
        account = directory.accounts.get(request.match_info["email"])
        application = directory.applications.get(str(body.get("client_id")))
        if account is None or application is None:
            raise web.HTTPNotFound
        return account, application, body


def _told_of(habits: Iterable[Habit]) -> dict[str, dict[str, object]]:
    """Return what there is to know about things that can be switched on."""
    return {
        habit: {
            "about": habit.about,
            "source": habit.source,
            **asdict(habit.usual),
            "fields": sorted(habit.usual.fields),
        }
        for habit in habits
    }


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        form = await request.post()
        return {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return body
