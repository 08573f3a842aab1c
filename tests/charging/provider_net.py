"""The internet of the price providers: their addresses lead to a server of the test, over loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest
from yarl import URL

HOST = "X-Asked-Host"

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ProviderNet:
    """Leads requests to known hosts to the functions that answer for them; other hosts cannot be reached."""

    def __init__(self, server: TestServer, answers: dict[str, Answer]) -> None:
        self._server = server
        self._answers = answers
        self.down = False
        """Whether every connection to a provider fails."""

    def serve(self, host: str, answer: Answer) -> None:
        """Have a function answer for a host."""
        self._answers[host] = answer

    @property
    def url(self) -> str:
        """The address of the server itself, for libraries that do not use aiohttp."""
        return str(self._server.make_url("")).rstrip("/")

    def lead(self, asked: URL) -> URL:
        """Return where a request really goes."""
        if asked.host in {"127.0.0.1", "localhost"}:
            return asked
        if self.down or asked.host not in self._answers:
            raise aiohttp.ClientConnectionError(f"{asked.host} cannot be reached")
        return self._server.make_url("").with_path(asked.path).with_query(asked.query)


@asynccontextmanager
async def provider_net(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProviderNet]:
    """Run the server while the context is open."""
    answers: dict[str, Answer] = {}

    async def handle(request: web.Request) -> web.StreamResponse:
        host = request.headers.get(HOST, "")
        # a library that does not use aiohttp asks the server itself: the only host without a name
        if net.down:
            return web.Response(status=500)
        return await answers[host](request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    server = TestServer(application)
    await server.start_server(access_log=None)
    net = ProviderNet(server, answers)
    request = aiohttp.ClientSession._request

    async def led(
        session: aiohttp.ClientSession, method: str, address: Any, **more: Any
    ) -> aiohttp.ClientResponse:
        asked = URL(address)
        headers = {**(more.pop("headers", None) or {}), HOST: asked.host or ""}
        if (params := more.pop("params", None)) is not None:
            asked = asked.update_query(params)
        if (to := net.lead(asked)) is not asked:
            more.pop("ssl", None)
        return await request(session, method, to, headers=headers, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", led)
    try:
        yield net
    finally:
        await server.close()
