"""Reads the answers of Tesla's services: with a size limit, decoded, and failures mapped to typed errors."""

from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
import re
import time
from typing import Any, Final

from aiohttp import ClientError, ClientResponse
import orjson

from .errors import (
    AccountUnpaid,
    ConsentRevoked,
    FleetApiError,
    Forbidden,
    InvalidApiAnswer,
    InvalidRequest,
    LoginRequired,
    MissingScope,
    MobileAccessDisabled,
    NotFound,
    NotRegistered,
    RateLimited,
    RegistrationFailed,
    ServerFailure,
    SigningRequired,
    SigningUnsupported,
    TokenRejected,
    Unreachable,
    VehicleAsleep,
    VehicleInService,
    VehicleTimeout,
    VehicleUnsupported,
    WrongRegion,
)

MAX_DETAIL_LENGTH: Final = 300
MAX_REFUSAL_LENGTH: Final = 65_536
MIN_SECRET_LENGTH: Final = 8
MAX_LIST_DEPTH: Final = 3
MAX_RETRY_AFTER: Final = 86_400.0
DEFAULT_RETRY_AFTER: Final = 60.0
FIRST_POINT_IN_TIME: Final = 1_000_000_000.0
"""A larger number (from the year 2001 on, unix seconds) is a point in time and not a duration of 31 years."""
FIRST_MILLISECONDS: Final = 100_000_000_000.0
"""A larger number is in milliseconds: as seconds it would be after the year 5000."""

# Rows of (status, text in the body, meaning). The first match wins; an empty text matches any body.
_MEANINGS: Final[tuple[tuple[int, str, type[FleetApiError]], ...]] = (
    (401, "mobile_access_disabled", MobileAccessDisabled),
    (401, "revoked", ConsentRevoked),
    (401, "login_required", LoginRequired),
    (401, "", TokenRejected),
    (402, "", AccountUnpaid),
    (403, "vehicle command protocol required", SigningRequired),
    (403, "exceeded_limit", AccountUnpaid),
    (403, "exceeded limit", AccountUnpaid),
    (403, "unsupported vehicle", VehicleUnsupported),
    (403, "", Forbidden),
    (404, "", NotFound),
    (405, "invalid_method", InvalidRequest),
    (405, "method not allowed", InvalidRequest),
    # "vehicle is currently in service" (teslamate, issue 1222)
    (405, "", VehicleInService),
    (408, "offline", VehicleAsleep),
    (408, "asleep", VehicleAsleep),
    (408, "", VehicleTimeout),
    # a command that Tesla accepts only signed, or not for this car (vehicle-command, issue 371)
    (412, "not supported", VehicleUnsupported),
    (412, "", NotRegistered),
    (421, "", WrongRegion),
    (422, "does not support signed commands", SigningUnsupported),
    (423, "", Forbidden),
    (424, "", RegistrationFailed),
    (451, "", Forbidden),
    (499, "", Unreachable),
    (503, "", VehicleAsleep),
)
# Replacements for the meanings about cars if the request did not have to reach a car.
_WITHOUT_VEHICLE: Final[dict[type[FleetApiError], type[FleetApiError]]] = {
    VehicleAsleep: ServerFailure,
    VehicleInService: InvalidRequest,
    VehicleTimeout: Unreachable,
}
_SCOPES: Final = re.compile(r"missing scopes?:?\s*(?:\[([a-z_,\s]*)|([a-z_]*))", re.IGNORECASE)


async def read_bounded(response: ClientResponse, limit: int) -> bytes:
    """Return the whole body. Raises InvalidApiAnswer when it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > limit:
            response.close()
            raise InvalidApiAnswer("the answer is too long", status=response.status)
    return bytes(body)


async def read_refusal(response: ClientResponse, secrets: Iterable[str]) -> bytes:
    """Return the body of a refusal, or the part that was received: the status alone has a meaning already.

    `secrets` are the secret texts of the request: they are replaced, so that an answer that repeats them does not
    bring them into a log.
    """
    body = bytearray()
    try:
        async for chunk in response.content.iter_chunked(65_536):
            body += chunk
            if len(body) > MAX_REFUSAL_LENGTH:
                response.close()
                break
    except ClientError, TimeoutError:
        response.close()
    for secret in secrets:
        if len(secret) >= MIN_SECRET_LENGTH:
            body = body.replace(secret.encode(), b"[hidden]")
    return bytes(body[:MAX_REFUSAL_LENGTH])


def decode_object(body: bytes, status: int) -> dict[str, Any]:
    """Return the JSON object in a body. Raises InvalidApiAnswer."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidApiAnswer("the answer is not JSON", status=status) from None
    if not isinstance(decoded, dict):
        raise InvalidApiAnswer("the answer is not a JSON object", status=status)
    return decoded


def failure(
    status: int, headers: Mapping[str, str], body: bytes, *, about_vehicle: bool
) -> FleetApiError:
    """Return the error for an answer with a status other than 2xx.

    `about_vehicle` is true if the request had to reach a car: a 503 then means that the car is not online.
    """
    try:
        fields = decode_object(body, status)
        detail = _detail(fields)
    except InvalidApiAnswer:
        fields = {}
        detail = _printable(body[:MAX_DETAIL_LENGTH].decode("utf-8", "replace"))
    txid = _printable(_text(fields.get("txid")) or headers.get("x-txid", ""))[:64] or None
    if status == 429:
        return RateLimited(retry_after(headers, fields), detail, status=status, txid=txid)
    if status == 403 and (match := _SCOPES.search(detail)):
        scopes = tuple(re.findall(r"[a-z_]+", (match[1] or match[2] or "").lower()))
        return MissingScope(scopes, detail, status=status, txid=txid)
    meaning = _meaning(status, detail.lower())
    if not about_vehicle:
        meaning = _WITHOUT_VEHICLE.get(meaning, meaning)
    return meaning(detail, status=status, txid=txid)


def _meaning(status: int, detail: str) -> type[FleetApiError]:
    for code, text, meaning in _MEANINGS:
        if code == status and text in detail:
            return meaning
    if status < 400:
        return InvalidApiAnswer  # a redirect: it is not followed, so the token is not sent to another host
    return InvalidRequest if status < 500 else ServerFailure


def retry_after(headers: Mapping[str, str], fields: Mapping[str, Any]) -> float:
    """Return how many seconds to wait after a 429: Retry-After, the body's `after`, or the last reset.

    Each of them is read as a duration or as a point in time: an HTTP date, or unix seconds or milliseconds.
    """
    date = headers.get("Date")
    resets = [
        seconds
        for name, value in headers.items()
        if name.lower().endswith("-reset") and (seconds := _wait(value, date)) is not None
    ]
    candidates = (
        _wait(headers.get("Retry-After"), date),
        _wait(fields.get("after"), date),
        max(resets, default=None),
        DEFAULT_RETRY_AFTER,
    )
    return min(next(seconds for seconds in candidates if seconds is not None), MAX_RETRY_AFTER)


def _wait(value: object, date: str | None) -> float | None:
    """Return the seconds to wait from a duration or a point in time, None for anything else and for the past.

    `date` is the answer's own date: a point in time counts by Tesla's clock, by ours only if the answer has no date.
    """
    seconds = _seconds(value)
    if seconds is None:
        return _seconds_until(value, date) if isinstance(value, str) else None
    if seconds < FIRST_POINT_IN_TIME:
        return seconds
    if seconds >= FIRST_MILLISECONDS:
        seconds /= 1000
    return _seconds(seconds - _unix_seconds(date))


def _unix_seconds(date: str | None) -> float:
    """Return an HTTP date in unix seconds; our own time if it is no date."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except ValueError, TypeError, OverflowError:
        return time.time()


def _seconds(value: object) -> float | None:
    """Return a non-negative number of seconds, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _seconds_until(date: str | None, now: str | None) -> float | None:
    """Return the seconds between two HTTP dates, both by Tesla's clock."""
    try:
        return _seconds(
            (parsedate_to_datetime(date or "") - parsedate_to_datetime(now or "")).total_seconds()
        )
    except ValueError, TypeError, OverflowError:
        return None


def lost(err: Exception, *, sent: bool) -> Unreachable:
    """Return the error for a request without an answer; `sent` is true if Tesla may have executed it."""
    return Unreachable(f"{type(err).__name__}", may_have_executed=sent)


def _detail(fields: Mapping[str, Any]) -> str:
    parts = [_text(fields.get(name)) for name in ("error", "error_description")]
    messages = fields.get("messages")
    if isinstance(messages, dict):
        parts += [_text(value) for value in messages.values()]
    return _printable(": ".join(part for part in parts if part))


def _text(value: object, depth: int = 0) -> str:
    if isinstance(value, list) and depth < MAX_LIST_DEPTH:
        return " ".join(_text(item, depth + 1) for item in value[:5])
    return value[:MAX_DETAIL_LENGTH] if isinstance(value, str) else ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_DETAIL_LENGTH]).strip()
