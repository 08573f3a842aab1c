"""Faults on demand: the network and the cloud misbehave for the requests that a rule matches."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
import json
from typing import Literal, TypedDict, Unpack, get_args

from aiohttp import web

type Kind = Literal[
    "lose_request",
    "lose_answer_after",
    "delay",
    "delay_answer",
    "status",
    "malformed_json",
    "wrong_type",
    "huge",
    "truncated_base64",
]
KINDS: tuple[str, ...] = get_args(Kind.__value__)

_HUGE = 8 * 1024 * 1024


class Matching(TypedDict, total=False):
    """Which requests a fault strikes besides those of its path, as in FaultRule."""

    method: str | None
    vin: str | None
    times: int | None


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault and the requests it strikes.

    `path` is a substring of the request path ("" strikes all), `times` counts down with every
    strike (None: for ever). `seconds` belongs to the delays; `code`, `body` and `headers` to status;
    `body` also to wrong_type.
    """

    kind: Kind
    path: str = ""
    method: str | None = None
    vin: str | None = None
    times: int | None = 1
    seconds: float = 0.0
    code: int = 503
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def strikes(self, method: str, path: str, vin: str | None) -> bool:
        """Whether this request is one of those meant."""
        return (
            self.path in path
            and self.method in {None, method}
            and (self.vin is None or self.vin == vin or self.vin in path)
        )


class Lost(web.Response):
    """Stands for the answer to a request that never arrived; nobody gets it."""


class Faults:
    """The rules in force, oldest first. One rule strikes per request."""

    def __init__(self) -> None:
        """Start without faults."""
        self.rules: list[FaultRule] = []

    def add(self, rule: FaultRule) -> None:
        """Put a rule in force."""
        if rule.kind not in KINDS:
            raise ValueError(f"unknown fault {rule.kind}")
        if rule.times is not None and rule.times < 1:
            raise ValueError("times must be at least 1")
        self.rules.append(rule)

    def clear(self) -> None:
        """Let everything work again."""
        self.rules.clear()

    def lose_request(self, path: str = "", **matching: Unpack[Matching]) -> None:
        """Close the connection without doing anything."""
        self.add(FaultRule("lose_request", path, **matching))

    def lose_answer_after(self, path: str = "", **matching: Unpack[Matching]) -> None:
        """Do what was asked, then close the connection without an answer."""
        self.add(FaultRule("lose_answer_after", path, **matching))

    def delay(self, seconds: float, path: str = "", **matching: Unpack[Matching]) -> None:
        """Wait (real seconds), then do what was asked: also when the client has gone by then."""
        self.add(FaultRule("delay", path, seconds=seconds, **matching))

    def delay_answer(self, seconds: float, path: str = "", **matching: Unpack[Matching]) -> None:
        """Do what was asked, then keep the answer back for so many real seconds."""
        self.add(FaultRule("delay_answer", path, seconds=seconds, **matching))

    def status(
        self,
        code: int,
        path: str = "",
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **matching: Unpack[Matching],
    ) -> None:
        """Answer with this status and do nothing. A str body is sent as it is, others as JSON."""
        self.add(FaultRule("status", path, code=code, body=body, headers=headers or {}, **matching))

    def malformed_json(self, path: str = "", **matching: Unpack[Matching]) -> None:
        """Do what was asked and cut the JSON of the answer in half."""
        self.add(FaultRule("malformed_json", path, **matching))

    def wrong_type(
        self, path: str = "", *, body: object = None, **matching: Unpack[Matching]
    ) -> None:
        """Do what was asked and answer JSON of another shape ({"response": 7} unless given)."""
        self.add(FaultRule("wrong_type", path, body=body, **matching))

    def huge(self, path: str = "", **matching: Unpack[Matching]) -> None:
        """Do what was asked and answer with 8 MiB of valid JSON."""
        self.add(FaultRule("huge", path, **matching))

    def truncated_base64(self, path: str = "signed_command", **matching: Unpack[Matching]) -> None:
        """Do what was asked and cut the base64 text in `response` so that it cannot be decoded."""
        self.add(FaultRule("truncated_base64", path, **matching))

    def _take(self, method: str, path: str, vin: str | None) -> FaultRule | None:
        for index, rule in enumerate(self.rules):
            if rule.strikes(method, path, vin):
                if rule.times is not None:
                    if rule.times == 1:
                        del self.rules[index]
                    else:
                        self.rules[index] = replace(rule, times=rule.times - 1)
                return rule
        return None

    async def around(
        self,
        request: web.Request,
        vin: str | None,
        execute: Callable[[], Awaitable[web.Response]],
    ) -> web.Response:
        """Run `execute` as far as the rules let it and return what goes to the client."""
        rule = self._take(request.method, request.path, vin)
        if rule is None:
            return await execute()
        match rule.kind:
            case "lose_request":
                _hang_up(request)
                return Lost(status=HTTPStatus.BAD_GATEWAY)
            case "status":
                return _answer(rule)
            case "delay":
                # Tesla has got the whole request before it grows slow.
                with suppress(web.HTTPRequestEntityTooLarge):
                    await request.read()
                await asyncio.sleep(rule.seconds)
                return await execute()
            case "delay_answer":
                response = await execute()
                await asyncio.sleep(rule.seconds)
                return response
            case "lose_answer_after":
                response = await execute()
                _hang_up(request)
                return response
            case _:
                return _distort(rule, await execute())


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _answer(rule: FaultRule) -> web.Response:
    if isinstance(rule.body, str):
        headers = {"Content-Type": "text/plain; charset=utf-8", **rule.headers}
        return web.Response(status=rule.code, text=rule.body, headers=headers)
    if rule.body is not None:
        return web.json_response(rule.body, status=rule.code, headers=rule.headers)
    phrase = HTTPStatus(rule.code).phrase.lower() if rule.code in _KNOWN else f"status {rule.code}"
    body = {"response": None, "error": phrase, "error_description": ""}
    return web.json_response(body, status=rule.code, headers=rule.headers)


_KNOWN = frozenset(int(status) for status in HTTPStatus)


def _distort(rule: FaultRule, response: web.Response) -> web.Response:
    text = response.text or ""
    match rule.kind:
        case "malformed_json":
            text = text[: max(1, len(text) // 2)]
        case "wrong_type":
            text = json.dumps({"response": 7} if rule.body is None else rule.body)
        case "huge":
            text = json.dumps({"response": "A" * _HUGE})
        case "truncated_base64":
            body = json.loads(text or "{}")
            if isinstance(body.get("response"), str):
                # One character more than a multiple of four can never be base64.
                body["response"] = body["response"][: len(body["response"]) // 8 * 4 + 1]
            text = json.dumps(body)
        case _:  # the other kinds never come here
            raise AssertionError(rule.kind)
    return web.Response(status=response.status, text=text, content_type="application/json")
