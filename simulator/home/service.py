"""The home's HTTP: its devices, a price service, a forecast service, and a page for a person."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from aiohttp import web

from simulator.home import overview
from simulator.home.actions import ACTIONS, act
from simulator.home.home import Home
from simulator.home.page import show


class HomeService:
    """Serves `/home` and what is below it, and `/_sim/home/<action>`; 404 while there is no home."""

    def __init__(self, home: Callable[[], Home | None]) -> None:
        """Serve the home that this function returns."""
        self._home_or_none = home

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/home", self._page),
            web.get("/home/state", self._state),
            web.get("/home/history", self._history),
            web.get("/home/prices", self._prices),
            web.get("/home/solar_forecast", self._forecast),
        ]

    @property
    def home(self) -> Home:
        """The home; a web error without one."""
        home = self._home_or_none()
        if home is None:
            raise web.HTTPNotFound(text="there is no home")
        return home

    def act(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person asks for, and return the state after it."""
        home = self.home
        if name not in ACTIONS:
            raise web.HTTPNotFound(text=f"actions are {', '.join(ACTIONS)}")
        try:
            act(home, name, body)
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise web.HTTPUnprocessableEntity(text=repr(error)) from error
        return overview.state(home)

    async def _page(self, _request: web.Request) -> web.Response:
        return show(self.home)

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(overview.state(self.home))

    async def _history(self, _request: web.Request) -> web.Response:
        return web.json_response(overview.history(self.home))

    async def _prices(self, request: web.Request) -> web.Response:
        """Answer what is published of today and tomorrow; ?date=YYYY-MM-DD: of one day, 404 if nothing is."""
        home = self.home
        now = home.now
        if home.prices.outages.now(now):
            raise web.HTTPServiceUnavailable(text="the price service is out of order")
        if (told := request.query.get("date")) is None:
            return web.json_response(overview.prices(home, home.prices.known(now)))
        try:
            day = date.fromisoformat(told)
        except ValueError as error:
            raise web.HTTPBadRequest(text="date is YYYY-MM-DD") from error
        if (slots := home.prices.day(day, now)) is None:
            raise web.HTTPNotFound(text="not published")
        return web.json_response(overview.prices(home, slots))

    async def _forecast(self, _request: web.Request) -> web.Response:
        home = self.home
        now = home.now
        if home.forecast.outages.now(now):
            raise web.HTTPServiceUnavailable(text="the forecast service is out of order")
        return web.json_response(overview.solar_forecast(home, home.forecast.known(now)))
