"""The one door through which every request to the Fleet API goes.

Here a request is authorised, bounded in time and size, counted, and turned into a typed result or error.
"""

import asyncio
from collections.abc import Callable, Mapping
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
_URLS: Final = re.compile(r"https?://[^\s,;\"'<>()\[\]]+")


class Authorization(Protocol):
    """Where access tokens come from."""

    async def access_token(self) -> str:
        """Return a token that is believed to be good."""

    async def renew(self, rejected: str) -> None:
        """Make access_token() return another token than the one that Tesla rejected."""


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

        `now` is a clock in seconds (any origin); `on_request` hears of every request that may have reached
        Tesla, `on_base_url` of a move to another region, `on_outcome` of what every call of request() came to:
        operation, VIN, and the error or None. `suspension` is what is known of the bill from an earlier client
        with this clock.
        `permit` is asked before every attempt, repetitions included: what it raises keeps it from being sent, what it
        returns is called when the attempt is over and `on_request` has heard of it.
        """
        self._session = session
        self._authorization = authorization
        self._endpoints = endpoints
        self._now = now
        self._on_request = on_request or (lambda _: None)
        self._on_base_url = on_base_url or (lambda _: None)
        self._on_outcome = on_outcome or (lambda *_: None)
        self._permit = permit or (lambda *_: lambda: None)
        self._blocked_until: dict[Category, float] = {}
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

        It is repeated only when Tesla says that it was not executed: once with a renewed token, once in the
        right region, once when the car could not be reached in time. After a refusal over the bill data are left
        alone for a while (suspension.py), unless somebody asks for them by hand (`insist`). Raises FleetApiError.
        """
        try:
            if not insist:
                self.suspension.check(operation.category, self._now())
            answer = await self._request(operation, vin, command, params, body)
        except FleetApiError as err:
            if isinstance(err, AccountUnpaid) and err.status is not None:
                self.suspension.refused(operation.category, self._now())
            self._on_outcome(operation, vin, err)
            raise
        if operation is not USERS_REGION:  # which answers everybody
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
    ) -> dict[str, Any]:
        path = operation.path.format(vin=vin, command=command)
        renewals = switches = resends = 0
        while True:
            self._check_limits(operation)
            token = await self._authorization.access_token()
            base_url = self.base_url
            try:
                return await self._send(operation, base_url + path, token, vin, params, body)
            except TokenRejected:
                if (renewals := renewals + 1) > MAX_RENEWALS:
                    raise
                await self._authorization.renew(token)
            except WrongRegion as err:
                if (switches := switches + 1) > MAX_REGION_SWITCHES:
                    raise
                self._switch_region(err, base_url)
            except VehicleTimeout:
                # every attempt is billed: only a command is worth a second one at once
                resends += 1
                if operation.category is not Category.COMMAND or resends > MAX_RESENDS:
                    raise
                await asyncio.sleep(RESEND_PAUSE)
            except RateLimited as err:
                self._block(operation.category, err.retry_after)
                raise

    def check_bill(self) -> None:
        """Return if data may be asked for. Raises AccountUnpaid while Tesla is left alone after a refusal."""
        self.suspension.check(Category.DATA, self._now())

    async def find_region(self) -> Region | None:
        """Ask Tesla for the account's region and move there; return it if it has a name here."""
        answer = await self.request(USERS_REGION)
        response = answer.get("response")
        url = response.get("fleet_api_base_url") if isinstance(response, dict) else None
        trusted = self._endpoints.trusted_base_url(url) if isinstance(url, str) else None
        if trusted is None:
            raise InvalidApiAnswer("the answer names no base URL of Tesla's")
        self._move(trusted)
        return next((r for r, base in self._endpoints.regions.items() if base == trusted), None)

    def _check_limits(self, operation: Operation) -> None:
        """Keep Tesla's Retry-After: nothing of that category leaves before."""
        remaining = self._blocked_until.get(operation.category, float("-inf")) - self._now()
        if remaining > 0:
            raise RateLimited(remaining, "still waiting for Tesla's rate limit to pass")

    def _block(self, category: Category, seconds: float) -> None:
        """Let a category rest; of several answers, the longest rest counts."""
        until = self._now() + seconds
        self._blocked_until[category] = max(until, self._blocked_until.get(category, until))

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
            # no cause: aiohttp quotes what it could not read, and that may repeat the token
            raise lost(err, sent=operation.changes_something) from None
        except FleetApiError as err:
            # from 499 (Tesla's gateway gave up waiting) on, and where the answer cannot be read, the request
            # may have been executed; Tesla's own client makes an exception for 503 only
            if operation.changes_something and err.status != 503:
                unread = isinstance(err, InvalidApiAnswer)
                err.may_have_executed = unread or (err.status is not None and err.status >= 499)
            raise

    def _counting(self, operation: Operation, vin: str | None) -> ClientMiddlewareType:
        """Return what counts every attempt: aiohttp repeats some by itself when a kept connection breaks.

        It replaces the session's own middlewares. Home Assistant's looks after redirects; none is followed here.
        """

        async def count(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            status: int | None = None
            over = self._permit(operation, vin)
            try:
                response = await handler(request)
                status = response.status
                return response
            finally:
                # as soon as it is on its way it may arrive, whatever becomes of the answer, or of who waits for it
                if cast(ClientResponse | None, request.response) is not None:
                    self._on_request(RequestRecord(operation, vin, status))
                over()

        return count

    def _switch_region(self, err: WrongRegion, asked: str) -> None:
        """Go where a 421 from `asked` says that the account lives, if that is a place of Tesla's."""
        for word in _URLS.findall(err.detail):
            if url := self._endpoints.trusted_base_url(word.rstrip(".")):
                if url == asked:
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
    """Return a VIN that is fit for a URL. Raises InvalidRequest."""
    if not is_vin(vin):
        raise InvalidRequest("not a VIN")
    return vin


def is_vin(text: str) -> bool:
    """Return whether a text can be a VIN and is fit for a URL."""
    return text.isascii() and text.isalnum() and 5 <= len(text) <= 20
