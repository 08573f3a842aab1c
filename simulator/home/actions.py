"""What a person can do at the home: POST /_sim/home/<name>, from a script (JSON) or from a button (form)."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from simulator.car import Car
from simulator.home.days import local_date
from simulator.home.home import Home
from simulator.home.outages import Outages

type Body = Mapping[str, Any]

MINUTE = 60.0


def _car(home: Home, body: Body) -> Car:
    return home.loads[str(body["vin"])].car


def _plug_in(home: Home, body: Body) -> None:
    """Take {"vin": "...", "max_amps": 16, "phases": 1}; the car comes home first. As many phases as the home has."""
    car = _car(home, body)
    if not car.at_home:
        car.arrive_home()
    car.plug_in(
        max_amps=int(body.get("max_amps", 16)), phases=int(body.get("phases", home.settings.phases))
    )


def _clouds(home: Home, body: Body) -> None:
    """Take {"minutes": 30, "share": 0.15}: what the clouds let through."""
    minutes = float(body.get("minutes", 30))
    home.sky.cover(home.now, minutes * MINUTE, float(body.get("share", 0.15)))


def _outage(outages: Outages, home: Home, body: Body) -> None:
    """Take {"minutes": 60}, or {"on": false} for the end of it."""
    if body.get("on", True) in {False, "false"}:
        outages.end(home.now)
    else:
        outages.make(home.now, home.now + float(body.get("minutes", 60)) * MINUTE)


def _publication(home: Home, body: Body) -> None:
    """Take {"kind": "late", "date": "2026-11-30"}; without a date it is tomorrow's prices."""
    tomorrow = local_date(home.now, home.market.zone) + timedelta(days=1)
    told = body.get("date")
    home.prices.force(tomorrow if told is None else date.fromisoformat(told), body["kind"])


def _battery(home: Home, body: Body) -> None:
    """Take {"reserve": 20} or {"resting": true}."""
    home.set_battery(
        reserve=float(body["reserve"]) if "reserve" in body else None,
        resting=body["resting"] in {True, "true"} if "resting" in body else None,
    )


ACTIONS: dict[str, Callable[[Home, Body], object]] = {
    "plug_in": _plug_in,
    "unplug": lambda home, body: _car(home, body).unplug(),
    "clouds": _clouds,
    "clear_sky": lambda home, _: home.sky.clear(home.now),
    "price_outage": lambda home, body: _outage(home.prices.outages, home, body),
    "forecast_outage": lambda home, body: _outage(home.forecast.outages, home, body),
    "publication": _publication,
    "battery": _battery,
}


def act(home: Home, name: str, body: Body) -> None:
    """Do it now. KeyError, TypeError, ValueError or RuntimeError for what cannot be done."""
    home.settle()
    ACTIONS[name](home, body)
