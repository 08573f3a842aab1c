"""Who is signed in, in which browser."""

from collections.abc import Mapping
from dataclasses import dataclass
import hmac
import secrets

from aiohttp import web

from simulator.cloud.accounts import Account
from simulator.cloud.auth import pages
from simulator.cloud.context import Cloud

COOKIE = "tesla_simulator_session"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person behind one page request."""

    account: Account | None
    session: str = ""
    just_signed_in: bool = False
    error: str = ""

    def remember(self, response: web.Response) -> web.Response:
        """Let the browser stay signed in."""
        if self.just_signed_in:
            response.set_cookie(COOKIE, self.session, httponly=True, samesite="Lax", path="/")
        return response

    def fields(self, others: Mapping[str, str]) -> dict[str, str]:
        """Return hidden fields that carry the session too, for clients without cookies."""
        return {**others, "session": self.session}


async def form_of(request: web.Request) -> list[tuple[str, str]]:
    """Return the text fields of a POST, in order; nothing for a GET."""
    form = await request.post() if request.method == "POST" else {}
    return [(name, value) for name, value in form.items() if isinstance(value, str)]


def visitor(cloud: Cloud, request: web.Request, given: Mapping[str, str]) -> Visitor:
    """Find out who is there; carries out the sign-in form if that is what was sent."""
    if given.get("step") == "signin":
        account = cloud.directory.accounts.get(given.get("email", "").strip().lower())
        password = given.get("password", "")
        if account is None or not hmac.compare_digest(password.encode(), account.password.encode()):
            return Visitor(None, error="Email or password is wrong.")
        session = secrets.token_urlsafe(24)
        cloud.sessions[session] = account
        return Visitor(account, session, just_signed_in=True)
    session = given.get("session", "") or request.cookies.get(COOKIE, "")
    return Visitor(cloud.sessions.get(session), session)


def sign_in_page(
    cloud: Cloud, action: str, fields: Mapping[str, str], error: str = ""
) -> web.Response:
    """Return the sign-in form that comes back to `action` with the same fields."""
    hints = [(account.email, account.password) for account in cloud.directory.accounts.values()]
    return pages.sign_in(action, fields, hints, error)
