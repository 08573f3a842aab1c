"""The browser steps of OAuth: sign in, consent, and taking consent back."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Self
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from simulator.cloud.accounts import FIXED_SCOPES, SCOPES, Account, Application
from simulator.cloud.auth import pages, sessions
from simulator.cloud.context import Cloud

PATH = "/auth/oauth2/v3/authorize"
REVOKE_PATH = "/auth/user/revoke/consent"

#: Parameters of the authorize link that the forms carry along.
_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "locale",
    "prompt",
    "prompt_missing_scopes",
    "require_requested_scopes",
    "show_keypair_step",
)


class BadLink(Exception):
    """The authorize link is unusable, and so is its redirect: a page says why."""


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A checked authorize link."""

    application: Application
    redirect_uri: str
    scopes: tuple[str, ...]
    fields: Mapping[str, str]

    @classmethod
    def read(cls, cloud: Cloud, given: Mapping[str, str]) -> Self:
        """Check the parameters; raises BadLink."""
        # The consent form sends ticked scopes as `scope`; the link's own go by another name.
        fields = {name: given[name] for name in _PARAMETERS if name in given}
        if "requested" in given:
            fields["scope"] = given["requested"]
        application = cloud.directory.applications.get(fields.get("client_id", ""))
        if application is None:
            raise BadLink("The client_id is not known.")
        if fields.get("redirect_uri") not in application.redirect_uris:
            raise BadLink("The redirect_uri is not registered for this application.")
        if fields.get("response_type") != "code":
            raise BadLink("response_type must be code.")
        if not fields.get("state"):
            raise BadLink("state is missing.")
        scopes = tuple(dict.fromkeys(fields.get("scope", "").split()))
        if not scopes or "openid" not in scopes:
            raise BadLink("scope must contain openid.")
        if unknown := set(scopes) - SCOPES.keys():
            raise BadLink(f"Unknown scope: {', '.join(sorted(unknown))}.")
        return cls(application, fields["redirect_uri"], scopes, fields)

    def flag(self, name: str) -> bool:
        """Whether a boolean parameter is on."""
        return self.fields.get(name) == "true"

    def fixed(self) -> frozenset[str]:
        """Return the scopes that the person cannot untick."""
        return frozenset(self.scopes) if self.flag("require_requested_scopes") else FIXED_SCOPES

    def carried(self) -> dict[str, str]:
        """Return the hidden fields that bring this request back."""
        fields = dict(self.fields)
        fields["requested"] = fields.pop("scope", "")
        return fields

    def back(self, **parameters: str) -> str:
        """Return the redirect with these parameters and the state."""
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        query = urlencode({**parameters, "state": self.fields["state"]})
        return f"{self.redirect_uri}{joint}{query}"


class AuthorizePages:
    """Serves the pages."""

    def __init__(self, cloud: Cloud) -> None:
        """Serve this cloud."""
        self._cloud = cloud

    async def authorize(self, request: web.Request) -> web.Response:
        """Answer the authorize link (GET) and its forms (POST)."""
        cloud = self._cloud
        form = await sessions.form_of(request)
        given = dict(form)
        try:
            asked = AuthorizeRequest.read(cloud, given or request.query)
        except BadLink as error:
            return pages.message("This link does not work", str(error), status=400)
        visitor = sessions.visitor(cloud, request, given)
        if visitor.account is None:
            return sessions.sign_in_page(cloud, PATH, asked.carried(), visitor.error)
        if given.get("step") == "consent":
            ticked = frozenset(value for name, value in form if name == "scope")
            return self._decide(asked, visitor.account, given.get("decision", ""), ticked)
        if asked.fields.get("prompt") == "login" and not visitor.just_signed_in:
            return sessions.sign_in_page(cloud, PATH, asked.carried())
        return visitor.remember(self._after_sign_in(asked, visitor.account, visitor))

    def _after_sign_in(
        self, asked: AuthorizeRequest, account: Account, visitor: sessions.Visitor
    ) -> web.Response:
        """Ask for consent, or reuse the one that exists as silently as Tesla does."""
        existing = account.consents.get(asked.application.client_id)
        missing = set(asked.scopes) - (existing or frozenset())
        if existing is not None and not (missing and asked.flag("prompt_missing_scopes")):
            return self._finish(asked, account)
        boxes = pages.scope_boxes(asked.scopes, SCOPES, asked.fixed(), asked.scopes)
        return pages.consent(
            PATH, visitor.fields(asked.carried()), asked.application.name, account.email, boxes
        )

    def _decide(
        self, asked: AuthorizeRequest, account: Account, decision: str, ticked: frozenset[str]
    ) -> web.Response:
        if decision != "approve":
            return pages.redirect(asked.back(error="access_denied"))
        client_id = asked.application.client_id
        untouched = account.consents.get(client_id, frozenset()) - set(asked.scopes)
        account.consents[client_id] = ((ticked | asked.fixed()) & set(asked.scopes)) | untouched
        return self._finish(asked, account)

    def _finish(self, asked: AuthorizeRequest, account: Account) -> web.Response:
        application = asked.application
        scopes = frozenset(asked.scopes) & account.consents[application.client_id]
        grant = self._cloud.grants.open(application, account, scopes)
        code = self._cloud.grants.code(grant, asked.redirect_uri, asked.fields.get("nonce"))
        target = asked.back(code=code, issuer=self._cloud.grants.issuer)
        registration = application.registrations.get(account.region)
        if asked.flag("show_keypair_step") and registration is not None:
            target = f"/_ak/{registration.domain}?{urlencode({'back': target})}"
        return pages.redirect(target)

    async def revoke(self, request: web.Request) -> web.Response:
        """Answer the page on which a person changes or takes back a consent."""
        cloud = self._cloud
        form = await sessions.form_of(request)
        given = dict(form)
        source = given or request.query
        fields = {n: source[n] for n in ("revoke_client_id", "back_url") if n in source}
        application = cloud.directory.applications.get(fields.get("revoke_client_id", ""))
        if application is None:
            return pages.message("Unknown application", "No such application.", status=400)
        visitor = sessions.visitor(cloud, request, given)
        account = visitor.account
        if account is None:
            return sessions.sign_in_page(cloud, REVOKE_PATH, fields, visitor.error)
        if given.get("decision") == "revoke":
            cloud.revoke_consent(account, application)
        elif given.get("decision") == "save" and application.client_id in account.consents:
            kept = frozenset(value for name, value in form if name == "scope")
            account.consents[application.client_id] &= kept | FIXED_SCOPES
        return visitor.remember(_consent_settings(application, account, visitor.fields(fields)))


def _consent_settings(
    application: Application, account: Account, fields: Mapping[str, str]
) -> web.Response:
    back = fields.get("back_url", "")
    link = (
        f'<p><a class="button" id="back" href="{escape(back)}">Back</a></p>'
        if urlsplit(back).scheme in {"http", "https"}
        else ""
    )
    consent = account.consents.get(application.client_id)
    if consent is None:
        return pages.message(
            "No access", f"{application.name} has no access to {account.email}.", extra=link
        )
    boxes = pages.scope_boxes(sorted(consent), SCOPES, FIXED_SCOPES, consent)
    content = f"""
<h1>{escape(application.name)}</h1>
<p class="note">What it may do for {escape(account.email)}</p>
<form class="card" method="post" action="{REVOKE_PATH}">{pages.hidden(fields)}{boxes}
<div class="buttons">
<button id="save" class="main" name="decision" value="save">Save</button>
<button id="revoke" name="decision" value="revoke">Remove access</button>
</div></form>{link}"""
    return pages.page("Third-party access", content)
