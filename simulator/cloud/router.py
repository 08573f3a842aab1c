"""The door of the Fleet API: every request is authorised, limited, answered and billed here."""

import json
from typing import Any, cast
from uuid import uuid4

from aiohttp import web

from simulator.cloud.accounts import Account, Application, Region
from simulator.cloud.auth.grants import Refusal
from simulator.cloud.context import Call, Cloud
from simulator.cloud.control.faults import Lost
from simulator.cloud.endpoints import Endpoint, find
from simulator.cloud.errors import ApiError, missing_scopes, not_found


class FleetApi:
    """Answers everything below /na/api/1/ and /eu/api/1/."""

    def __init__(self, cloud: Cloud) -> None:
        """Serve this cloud."""
        self._cloud = cloud

    async def status(self, _request: web.Request) -> web.Response:
        """Answer `GET <region>/status`, which needs no token."""
        return web.Response(text="ok")

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request, faults and bill included."""
        cloud = self._cloud
        endpoint, tags, methods = find(request.method, request.match_info["tail"])
        tag = tags.get("tag")
        vin = (cloud.directory.vin_of(tag) or tag) if tag is not None else None
        txid = uuid4().hex

        async def execute() -> web.Response:
            try:
                if endpoint is None:
                    raise _no_endpoint(methods)
                body, headers = await self._answer(request, endpoint, tags)
            except ApiError as error:
                return _refuse(error, txid)
            return web.json_response(body, headers={"x-txid": txid} | headers)

        response = await cloud.faults.around(request, vin, execute)
        # an id token names no application: it is no access token, and on nobody's bill
        application = (self._claims(request) or {}).get("azp")
        cloud.billing.record(
            endpoint.category if endpoint else "free",
            request.method,
            f"/api/1/{request.match_info['tail']}",
            response.status,
            vin=vin,
            application=str(application) if application is not None else None,
            lost=isinstance(response, Lost),
        )
        return response

    def _claims(self, request: web.Request) -> dict[str, Any] | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._cloud.grants.signer.read(token) if kind.lower() == "bearer" else None

    async def _answer(
        self, request: web.Request, endpoint: Endpoint, tags: dict[str, str]
    ) -> tuple[dict[str, object], dict[str, str]]:
        cloud = self._cloud
        region = cast(Region, request.match_info["region"])  # the route allows no other
        claims = self._authenticate(request, region)
        body = await _json_body(request, endpoint) if request.method == "POST" else {}
        application = cloud.directory.applications[claims["azp"]]
        account = cloud.directory.account_of(claims["sub"])
        self._admit(endpoint, region, application, account)
        scopes = frozenset(claims["scp"])
        if account is not None:
            scopes &= account.consents.get(application.client_id, frozenset())
        if account is not None or endpoint.caller != "either":
            self._check_scopes(endpoint, scopes)
        call = Call(cloud, region, application, scopes, account, tags, request.query, body)
        headers: dict[str, str] = {}
        if "tag" in tags and account is not None:
            vehicle = call.vehicle()
            if endpoint.rate_class is not None:
                headers = cloud.limits.take(endpoint.rate_class, vehicle.car.vin, call.account.sub)
        try:
            return await endpoint.handler(call), headers
        except ApiError as error:
            error.headers = headers | error.headers  # a refusal counts, and says so
            raise

    def _authenticate(self, request: web.Request, region: Region) -> dict[str, Any]:
        if "Authorization" not in request.headers:
            raise ApiError(401)  # the body is empty
        claims = self._claims(request)
        if claims is None:
            raise ApiError(401, Refusal.GARBLED)
        if (refusal := self._cloud.grants.judge(claims)) is not None:
            raise ApiError(401, refusal)
        if self._cloud.region_url(region) not in claims["aud"]:
            raise ApiError(401, Refusal.GARBLED, "the token is not meant for this region")
        return claims

    def _admit(
        self,
        endpoint: Endpoint,
        region: Region,
        application: Application,
        account: Account | None,
    ) -> None:
        caller = "partner" if account is None else "user"
        if endpoint.caller not in {caller, "either"}:
            raise ApiError(403, f"Unauthorized: this endpoint takes a {endpoint.caller} token")
        if (refusal := self._cloud.suspended.get(application.client_id)) is not None:
            raise refusal()
        if endpoint.needs_registration and region not in application.registrations:
            raise ApiError(
                412,
                f"Account {application.client_id} must be registered in the current region",
            )
        if account is not None and account.region != region and not endpoint.any_region:
            url = self._cloud.region_url(account.region)
            raise ApiError(
                421, f"user out of region, use base URL: {url}, see {self._cloud.base_url}/"
            )

    def _check_scopes(self, endpoint: Endpoint, scopes: frozenset[str]) -> None:
        wanted = endpoint.scopes
        if endpoint.category == "wake" and self._cloud.wake_with_charging_scope:
            wanted |= {"vehicle_charging_cmds"}
        if wanted and not wanted & scopes:
            raise missing_scopes(wanted)


def _no_endpoint(methods: tuple[str, ...]) -> ApiError:
    if methods:
        return ApiError(405, "invalid_method", headers={"Allow": ", ".join(methods)})
    return not_found()


def _refuse(error: ApiError, txid: str) -> web.Response:
    headers = {"x-txid": txid} | error.headers
    body = error.body(txid)
    if body is None:
        return web.Response(status=error.status, headers=headers)
    return web.json_response(body, status=error.status, headers=headers)


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON (RFC 8259, section 6)."""
    raise ValueError(name)


async def _json_body(request: web.Request, endpoint: Endpoint) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise ApiError(406, "not_acceptable", "Content-Type must be application/json")
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "request_too_large") from error
    if not raw:
        return {}
    try:
        body = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "invalid_request", "the body is not JSON") from error
    if body is None and endpoint.takes_null:
        return {}
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_request", "the body is not a JSON object")
    return body
