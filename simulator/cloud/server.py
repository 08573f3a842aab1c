"""All routes of the simulated cloud on one aiohttp application."""

from aiohttp import web

from simulator.cloud.auth.authorize import PATH, REVOKE_PATH, AuthorizePages
from simulator.cloud.auth.tokens import TokenEndpoint
from simulator.cloud.context import MAX_BODY, Cloud
from simulator.cloud.control.control import Control
from simulator.cloud.control.status_page import StatusPage
from simulator.cloud.fleet.pairing import PairingPages
from simulator.cloud.router import FleetApi
from simulator.cloud.world import World
from simulator.home.service import HomeService

_OAUTH = "/auth/oauth2/v3"
_REGION = "/{region:na|eu}"


def build(cloud: Cloud) -> web.Application:
    """Return the web application; request bodies are limited to 64 KiB."""
    tokens, browser, fleet = TokenEndpoint(cloud), AuthorizePages(cloud), FleetApi(cloud)
    home = HomeService(lambda: cloud.home)
    pairing, control = PairingPages(cloud), Control(cloud, home)
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(
        [
            web.get("/", StatusPage(cloud).handle),
            web.get(PATH, browser.authorize),
            web.post(PATH, browser.authorize),
            web.get(REVOKE_PATH, browser.revoke),
            web.post(REVOKE_PATH, browser.revoke),
            web.post(f"{_OAUTH}/token", tokens.handle),
            web.get(f"{_OAUTH}/thirdparty/.well-known/openid-configuration", tokens.metadata),
            web.get(f"{_OAUTH}/thirdparty/discovery/keys", tokens.keys),
            web.get("/_ak/{domain}", pairing.handle),
            web.post("/_ak/{domain}", pairing.handle),
            web.get(f"{_REGION}/status", fleet.status),
            web.route("*", _REGION + "/api/1/{tail:.+}", fleet.handle),
            web.get("/_sim/world/{domain}/{path:.+}", World(cloud).handle),
            *home.routes(),
            *control.routes(),
        ]
    )
    return app
