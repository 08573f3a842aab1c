"""The client that sends every request to the Fleet API.

It authorises a request, limits it in time and size, counts it, and returns a typed result or raises a typed error.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
import re
from typing import Any, Final, Protocol, cast

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientMiddlewareType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)

from .answers import decode_object, failure, lost, read_bounded, read_refusal
from .endpoints import Endpoints, Region
from .errors import (
    AccountUnpaid,
    FleetApiError,
    InvalidApiAnswer,
    InvalidRequest,
    OverBudget,
    RateLimited,
    TokenRejected,
    VehicleTimeout,
    WrongRegion,
)
from .operations import USERS_REGION, Operation, RequestRecord
from .prices import Category
from .suspension import Suspension

TIMEOUT: Final = ClientTimeout(total=35, connect=10)
MAX_RENEWALS: Final = 1
MAX_REGION_SWITCHES: Final = 1
MAX_RESENDS: Final = 1
RESEND_PAUSE: Final = 1.0
LONGEST_BLOCK: Final = 3600.0
"""Seconds after which one request of a blocked category is sent to see whether Tesla's limit still holds."""
_URLS: Final = re.compile(r"https?://[^\s,;\"'<>()\[\]]+")


class Authorization(Protocol):
    """The source of access tokens."""

    async def access_token(self) -> str:
        """Return a token that is expected to be valid."""

    async def renew(self, rejected: str) -> None:
        """Make access_token() return another token than the one that Tesla rejected."""


@dataclass(slots=True)
class _Block:
    """A category of requests that Tesla refuses; seconds of the client's clock."""

    until: float
    try_at: float
    """When the next single request is sent all the same."""
    is_tried: bool = False
    """Whether such a request was sent."""


class FleetApiClient:
    """Requests to one region, for one account (or one application)."""

    def __init__(
        self,
        session: ClientSession,
        authorization: Authorization,
        endpoints: Endpoints,
        base_url: str,
        *,
        now: Callable[[], float],
        on_request: Callable[[RequestRecord], None] | None = None,
        on_base_url: Callable[[str], None] | None = None,
        on_outcome: Callable[[Operation, str | None, FleetApiError | None], None] | None = None,
        suspension: Suspension | None = None,
        permit: Callable[[Operation, str | None], Callable[[], None]] | None = None,
    ) -> None:
        """Prepare a client.

        `now` is a clock in seconds (any origin). `on_request` is called for every request that may have reached
        Tesla, `on_base_url` after a change to another region, and `on_outcome` after every call of request(), with the
        operation, the VIN, and the error or None. `suspension` is the suspension of an earlier client with the same
        clock.
        `permit` is called before every attempt, repetitions included. If it raises, the attempt is not sent; what it
        returns is called when the attempt is over, after `on_request`.
        """
        self._session = session
        self._authorization = authorization
        self._endpoints = endpoints
        self._now = now
        self._on_request = on_request or (lambda _: None)
        self._on_base_url = on_base_url or (lambda _: None)
        self._on_outcome = on_outcome or (lambda *_: None)
        self._permit = permit or (lambda *_: lambda: None)
        self._blocks: dict[Category, _Block] = {}
        self.suspension = suspension or Suspension()
        self.base_url = base_url

    async def request(
        self,
        operation: Operation,
        *,
        vin: str | None = None,
        command: str | None = None,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        insist: bool = False,
    ) -> dict[str, Any]:
        """Send a request and return the whole JSON object of its answer.

        It is repeated only when Tesla's answer shows that it was not executed: once with a renewed token, once in the
        right region, and a command once when the car could not be reached in time. After a refusal because of the
        bill, no data are requested for a while (suspension.py), unless the user requests them (`insist`). Raises
        FleetApiError.
        """
        try:
            if not insist:
                self.suspension.check(operation.category, self._now())
            answer = await self._request(operation, vin, command, params, body, insist=insist)
        except FleetApiError as err:
            if isinstance(err, AccountUnpaid) and err.status is not None:
                self.suspension.refused(operation.category, self._now())
            self._on_outcome(operation, vin, err)
            raise
        if operation is not USERS_REGION:  # Tesla answers it also for a suspended account
            self.suspension.served(operation.category)
        self._on_outcome(operation, vin, None)
        return answer

    async def _request(
        self,
        operation: Operation,
        vin: str | None,
        command: str | None,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
        *,
        insist: bool,
    ) -> dict[str, Any]:
        path = operation.path.format(vin=vin, command=command)
        renewals = switches = resends = 0
        while True:
            self._check_limits(operation, insist=insist)
            token = await self._authorization.access_token()
            base_url = self.base_url
            try:
                answer = await self._send(operation, base_url + path, token, vin, params, body)
            except TokenRejected:
                if (renewals := renewals + 1) > MAX_RENEWALS:
                    raise
                await self._authorization.renew(token)
            except WrongRegion as err:
                if (switches := switches + 1) > MAX_REGION_SWITCHES:
                    raise
                self._switch_region(err, base_url)
            except VehicleTimeout:
                # every attempt is billed: only a command is repeated at once
                resends += 1
                if operation.category is not Category.COMMAND or resends > MAX_RESENDS:
                    raise
                await asyncio.sleep(RESEND_PAUSE)
            except RateLimited as err:
                self._block(operation.category, err.retry_after)
                raise
            except FleetApiError:
                self._unblock(operation.category)
                raise
            else:
                self._unblock(operation.category)
                return answer

    def check_bill(self) -> None:
        """Return if data may be requested. Raises AccountUnpaid during the pause after a refusal."""
        self.suspension.check(Category.DATA, self._now())

    def is_permitted(self, operations: Iterable[Operation], vin: str | None) -> bool:
        """Return whether all these requests may be sent now, one after another. None of them is counted."""
        finished: list[Callable[[], None]] = []
        try:
            finished.extend(self._permit(operation, vin) for operation in operations)
        except OverBudget:
            return False
        finally:
            for finish in finished:
                finish()
        return True

    async def find_region(self) -> Region | None:
        """Request the account's region and change to it; return it if it is a known one."""
        answer = await self.request(USERS_REGION)
        response = answer.get("response")
        url = response.get("fleet_api_base_url") if isinstance(response, dict) else None
        trusted = self._endpoints.trusted_base_url(url) if isinstance(url, str) else None
        if trusted is None:
            raise InvalidApiAnswer("the answer names no base URL of Tesla's")
        self._move(trusted)
        return next((r for r, base in self._endpoints.regions.items() if base == trusted), None)

    def _check_limits(self, operation: Operation, *, insist: bool) -> None:
        """Respect Tesla's Retry-After: no request of that category is sent before. Raises RateLimited.

        But no answer blocks what users do for longer than an hour: then one request is sent, and tells. Data that
        no user wants wait until the end, because Tesla bills its refusals.
        """
        now, block = self._now(), self._blocks.get(operation.category)
        if block is None or now >= block.until:
            return
        try_at = block.try_at if insist or operation.category is not Category.DATA else block.until
        if now < try_at:
            raise RateLimited(try_at - now, "still waiting for Tesla's rate limit to pass")
        block.try_at, block.is_tried = min(block.until, now + LONGEST_BLOCK), True

    def _block(self, category: Category, seconds: float) -> None:
        """Block a category. Of several answers the longest time counts, but the answer to a single try replaces all."""
        now = self._now()
        until, block = now + seconds, self._blocks.get(category)
        if block is None or block.is_tried or block.until <= until:
            self._blocks[category] = _Block(until, min(until, now + LONGEST_BLOCK))

    def _unblock(self, category: Category) -> None:
        """End a block after a single try that was not refused because of it, or was not answered at all."""
        block = self._blocks.get(category)
        if block is not None and block.is_tried:
            del self._blocks[category]

    async def _send(
        self,
        operation: Operation,
        url: str,
        token: str,
        vin: str | None,
        params: Mapping[str, str] | None,
        body: Mapping[str, object] | None,
    ) -> dict[str, Any]:
        if not (token.isascii() and token.isprintable()):
            raise TokenRejected("the access token does not fit into a header")
        try:
            async with self._session.request(
                operation.method,
                url,
                params=params,
                json=body if body is not None or operation.method == "GET" else {},
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                },
                timeout=TIMEOUT,
                allow_redirects=False,
                middlewares=(self._counting(operation, vin),),
            ) as response:
                if not 200 <= response.status < 300:
                    refusal = await read_refusal(response, (token,))
                    raise failure(
                        response.status,
                        response.headers,
                        refusal,
                        about_vehicle=operation.reaches_car,
                    )
                raw = await read_bounded(response, operation.max_answer_length)
                return decode_object(raw, response.status)
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as err:
            raise lost(err, sent=False) from err
        except (ClientError, TimeoutError, ValueError) as err:
            # no cause: aiohttp quotes the text that it could not parse, and that may repeat the token
            raise lost(err, sent=operation.changes_something) from None
        except FleetApiError as err:
            # with a status from 499 (Tesla's gateway gave up waiting), or if the answer cannot be read, the request
            # may have been executed; Tesla's own client makes an exception for 503 only
            if operation.changes_something and err.status != 503:
                unread = isinstance(err, InvalidApiAnswer)
                err.may_have_executed = unread or (err.status is not None and err.status >= 499)
            raise

    def _counting(self, operation: Operation, vin: str | None) -> ClientMiddlewareType:
        """Return a middleware that counts every attempt: aiohttp repeats some itself when a kept connection breaks.

        It replaces the session's own middlewares. Home Assistant's one checks redirects; here none is followed.
        """

        async def count(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            status: int | None = None
            finished = self._permit(operation, vin)
            try:
                response = await handler(request)
                status = response.status
                return response
            finally:
                # once sending has started the request may arrive, also if the answer is lost or the caller cancelled
                if cast(ClientResponse | None, request.response) is not None:
                    self._on_request(RequestRecord(operation, vin, status))
                finished()

        return count

    def _switch_region(self, err: WrongRegion, used: str) -> None:
        """Change to the base URL that a 421 from the base URL `used` names, if it is one of Tesla's."""
        for named in _URLS.findall(err.detail):
            if url := self._endpoints.trusted_base_url(named.rstrip(".")):
                if url == used:
                    break
                self._move(url)
                return
        raise err

    def _move(self, base_url: str) -> None:
        if base_url != self.base_url:
            self.base_url = base_url
            self._on_base_url(base_url)


def expect(
    answer: Mapping[str, Any], kind: type, what: str, *, may_have_executed: bool = False
) -> Any:
    """Return `response` of an answer if it has the expected type. Raises InvalidApiAnswer."""
    response = answer.get("response")
    if not isinstance(response, kind):
        raise InvalidApiAnswer(
            f"the answer holds no {what}", status=200, may_have_executed=may_have_executed
        )
    return response


def check_vin(vin: str) -> str:
    """Return the VIN if it can be put into a URL. Raises InvalidRequest."""
    if not is_vin(vin):
        raise InvalidRequest("not a VIN")
    return vin


def is_vin(text: str) -> bool:
    """Return whether a text can be a VIN and can be put into a URL."""
    return text.isascii() and text.isalnum() and 5 <= len(text) <= 20
