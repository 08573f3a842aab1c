"""The rest of the internet: what the domains of the simulated world serve, for whoever looks from outside."""

import aiohttp
from aiohttp import web

from simulator.cloud.context import Cloud

MAX_ANSWER = 65_536
#: What a browser or a checker needs to see; hop-by-hop headers stay behind.
SHOWN_HEADERS = ("Content-Type", "Location")


class World:
    """Leads `/_sim/world/<domain>/<path>` to the server that the domain's name leads to.

    A name that leads nowhere, and a server that does not answer, break the connection off: there is nobody to
    send an HTTP status.
    """

    def __init__(self, cloud: Cloud) -> None:
        """Use this cloud's names."""
        self._cloud = cloud

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Fetch without following redirects, and hand on what came."""
        domain = request.match_info["domain"].lower()
        origin = self._cloud.dns.get(domain)
        if origin is None:
            return _nobody(request)
        url = f"{origin}/{request.match_info['path']}"
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, headers={"Host": domain}, allow_redirects=False) as got,
            ):
                body = bytearray()
                async for chunk in got.content.iter_chunked(8192):
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        return _nobody(request)
                headers = {name: got.headers[name] for name in SHOWN_HEADERS if name in got.headers}
                return web.Response(status=got.status, body=bytes(body), headers=headers)
        except aiohttp.ClientError, TimeoutError:
            return _nobody(request)


def _nobody(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)
