"""The token endpoint (RFC 6749 sections 4.1.3, 4.4.2 and 6, with Tesla's error codes)."""

from collections.abc import Callable, Mapping
import hmac
from uuid import uuid4

from aiohttp import web

from simulator.cloud.accounts import PARTNER_SCOPES, SCOPES, Application, Region
from simulator.cloud.context import Cloud
from simulator.cloud.errors import ApiError, TokenError

type Form = Mapping[str, str]

FORM = "application/x-www-form-urlencoded"


def _need(form: Form, name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise TokenError(400, "invalid_request", f"{name} is missing")
    return value


def _application(cloud: Cloud, form: Form, *, secret_optional: bool = False) -> Application:
    """Identify the application; a wrong secret is refused even where none is needed."""
    application = cloud.directory.applications.get(_need(form, "client_id"))
    secret = form.get("client_secret")
    known = application is not None and (
        (secret is None and secret_optional)
        or hmac.compare_digest((secret or "").encode(), application.client_secret.encode())
    )
    if application is None or not known:
        raise TokenError(400, "unauthorized_client", "Client id and secret are not known")
    return application


def _audience(cloud: Cloud, form: Form) -> Region:
    region = cloud.grants.regional(_need(form, "audience"))
    if region is None:
        raise TokenError(400, "invalid_request", "audience is not a Fleet API base URL")
    return region


def _code(cloud: Cloud, form: Form) -> dict[str, object]:
    application = _application(cloud, form)
    _audience(cloud, form)
    code, redirect_uri = _need(form, "code"), _need(form, "redirect_uri")
    return cloud.grants.redeem(code, application, redirect_uri)


def _refresh(cloud: Cloud, form: Form) -> dict[str, object]:
    application = _application(cloud, form, secret_optional=True)
    return cloud.grants.refresh(_need(form, "refresh_token"), application)


def _client_credentials(cloud: Cloud, form: Form) -> dict[str, object]:
    application = _application(cloud, form)
    region = _audience(cloud, form)
    scopes = frozenset(_need(form, "scope").split())
    if unknown := scopes - SCOPES.keys() - PARTNER_SCOPES:
        raise TokenError(400, "invalid_scope", f"unknown scope {' '.join(sorted(unknown))}")
    return cloud.grants.partner(application, region, scopes)


GRANT_TYPES: dict[str, Callable[[Cloud, Form], dict[str, object]]] = {
    "authorization_code": _code,
    "refresh_token": _refresh,
    "client_credentials": _client_credentials,
}


class TokenEndpoint:
    """`POST /auth/oauth2/v3/token`, form encoded."""

    def __init__(self, cloud: Cloud) -> None:
        """Serve tokens of this cloud."""
        self._cloud = cloud

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request, faults included."""
        grants = self._cloud.grants
        grants.requests = number = grants.requests + 1
        grants.waiting.add(number)

        async def execute() -> web.Response:
            grants.waiting.discard(number)
            try:
                return web.json_response(
                    await self._grant(request), headers={"Cache-Control": "no-store"}
                )
            except TokenError as error:
                reference = str(uuid4())
                body = {
                    "error": error.error,
                    "error_description": error.description,
                    "referenceID": reference,
                }
                return web.json_response(body, status=error.status)
            except ApiError as error:  # the rate limit
                return web.json_response(
                    error.body(str(uuid4())), status=error.status, headers=error.headers
                )

        try:
            return await self._cloud.faults.around(request, None, execute)
        finally:
            grants.waiting.discard(number)

    async def _grant(self, request: web.Request) -> dict[str, object]:
        if request.content_type != FORM:
            raise TokenError(400, "invalid_request", f"the body must be {FORM}")
        posted = await request.post()
        form = {name: value for name, value in posted.items() if isinstance(value, str)}
        self._cloud.limits.take("auth", "", form.get("client_id", ""))
        grant_type = GRANT_TYPES.get(form.get("grant_type", ""))
        if grant_type is None:
            raise TokenError(400, "unsupported_grant_type", "The grant type is not supported")
        return grant_type(self._cloud, form)

    async def metadata(self, _request: web.Request) -> web.Response:
        """Answer the OpenID Connect discovery document."""
        auth = f"{self._cloud.base_url}/auth"
        return web.json_response(
            {
                "issuer": self._cloud.grants.issuer,
                "authorization_endpoint": f"{auth}/oauth2/v3/authorize",
                "token_endpoint": f"{auth}/oauth2/v3/token",
                "jwks_uri": f"{auth}/oauth2/v3/thirdparty/discovery/keys",
                "response_types_supported": ["code"],
                "grant_types_supported": list(GRANT_TYPES),
                "scopes_supported": list(SCOPES),
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def keys(self, _request: web.Request) -> web.Response:
        """Answer the public keys that sign tokens."""
        return web.json_response(self._cloud.grants.signer.jwks())
