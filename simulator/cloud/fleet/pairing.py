"""The pairing link: a person lets an application's virtual key into a car."""

from html import escape
from urllib.parse import urlencode

from aiohttp import web

from simulator.car import KeychainFull
from simulator.cloud.accounts import Account, Application, CarAccess, Registration
from simulator.cloud.auth import pages, sessions
from simulator.cloud.context import Cloud
from simulator.cloud.fleet.partner import KeyNotUsable, download_key

#: One of these grants must exist before a key can be paired (virtual keys developer guide).
_ONE_OF = frozenset({"vehicle_device_data", "vehicle_cmds", "vehicle_location"})


class NotReady(Exception):
    """Pairing cannot begin; the text tells the person why."""


class PairingPages:
    """Serves `/_ak/<domain>`, which stands for https://tesla.com/_ak/<domain>."""

    def __init__(self, cloud: Cloud) -> None:
        """Serve this cloud."""
        self._cloud = cloud

    async def handle(self, request: web.Request) -> web.Response:
        """Answer the link (GET) and its forms (POST)."""
        cloud = self._cloud
        domain = request.match_info["domain"]
        given = dict(await sessions.form_of(request))
        source = given or request.query
        fields = {name: source[name] for name in ("vin", "back") if name in source}
        visitor = sessions.visitor(cloud, request, given)
        if visitor.account is None:
            return sessions.sign_in_page(cloud, f"/_ak/{domain}", fields, visitor.error)
        try:
            application, registration = await self._ready(domain, visitor.account)
        except NotReady as error:
            page = pages.message("Cannot add a key", str(error), status=409)
            return visitor.remember(page)
        problem, key = "", registration.public_key
        if "pair" in given:
            problem = _add_key(visitor.account, given["pair"], key)
            if not problem:  # so that reloading the page does not send the form again
                return pages.redirect(f"/_ak/{domain}?{urlencode(fields)}", status=303)
        shown = [a for a in visitor.account.garage if fields.get("vin", a.car.vin) == a.car.vin]
        rows = "".join(_row(access, key, visitor.fields(fields)) for access in shown)
        back = fields.get("back", "")
        if any(back.startswith(uri) for uri in application.redirect_uris):
            rows += f'<p><a class="button" id="continue" href="{escape(back)}">Continue</a></p>'
        failure = f'<p class="error" id="error">{escape(problem)}</p>' if problem else ""
        content = f"""
<h1>Add {escape(domain)} as a key</h1>
<p class="note">{escape(application.name)} can then send commands to the car.
Signed in as {escape(visitor.account.email)}</p>{failure}{rows}"""
        return visitor.remember(pages.page("Add a key", content, status=409 if problem else 200))

    async def _ready(self, domain: str, account: Account) -> tuple[Application, Registration]:
        """Check everything that Tesla's app checks first; raises NotReady."""
        for application in self._cloud.directory.applications.values():
            registration = application.registrations.get(account.region)
            if registration is not None and registration.domain == domain:
                break
        else:
            raise NotReady(f"{domain} is not registered in your region.")
        if not account.consents.get(application.client_id, frozenset()) & _ONE_OF:
            raise NotReady(f"You have not given {application.name} access to your cars.")
        try:
            key = await download_key(self._cloud, domain)
        except KeyNotUsable as error:
            raise NotReady(f"{domain} is not registered ({error}).") from error
        if key != registration.public_key:
            raise NotReady(f"{domain} now serves another key than the registered one.")
        return application, registration


def _add_key(account: Account, vin: str, key: bytes) -> str:
    access = account.access(vin)
    if access is None:
        return "This car is not in your account."
    car = access.car
    if car.state != "online":
        return f"{car.name} cannot be reached. Wake it and try again."
    if key not in car.keychain:
        try:
            car.keychain.add(key)
        except KeychainFull:
            return f"{car.name} holds {len(car.keychain)} keys already."
    return ""


def _row(access: CarAccess, key: bytes, fields: dict[str, str]) -> str:
    car = access.car
    if car.protocol != "required":
        action = "<p>This car needs no key.</p>"
    elif key in car.keychain:
        action = f'<p id="paired-{escape(car.vin)}">The key is in this car.</p>'
    else:
        action = f"""<form method="post">{pages.hidden(fields)}
<button class="main" id="pair-{escape(car.vin)}" name="pair" value="{escape(car.vin)}">
Add key</button></form>"""
    return f"""<div class="card"><h2>{escape(car.name)}</h2>
<p class="note">{escape(car.vin)} · {escape(car.state)}</p>{action}</div>"""
