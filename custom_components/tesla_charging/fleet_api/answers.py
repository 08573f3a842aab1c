"""Reading what Tesla's services answer: bounded, decoded, and failures turned into their meaning."""

from collections.abc import Mapping
import re
from typing import Any, Final

from aiohttp import ClientResponse
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
    VehicleTimeout,
    VehicleUnsupported,
    WrongRegion,
)

MAX_DETAIL_LENGTH: Final = 300
MAX_RETRY_AFTER: Final = 86_400.0
DEFAULT_RETRY_AFTER: Final = 60.0

# Rows of (status, words in the body, meaning), first match wins; no words match any body.
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
    (408, "offline", VehicleAsleep),
    (408, "asleep", VehicleAsleep),
    (408, "", VehicleTimeout),
    (412, "", NotRegistered),
    (421, "", WrongRegion),
    (422, "does not support signed commands", SigningUnsupported),
    (424, "", RegistrationFailed),
    (451, "", Forbidden),
    (503, "", VehicleAsleep),
)
_SCOPES = re.compile(r"missing scopes?:?\s*\[?([a-z_,\s]*)\]?", re.IGNORECASE)


async def read_bounded(response: ClientResponse, limit: int) -> bytes:
    """Return the whole body. Raises InvalidApiAnswer when it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > limit:
            response.close()
            raise InvalidApiAnswer("the answer is too long", status=response.status)
    return bytes(body)


def decode_object(body: bytes, status: int) -> dict[str, Any]:
    """Return the JSON object in a body. Raises InvalidApiAnswer."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidApiAnswer("the answer is not JSON", status=status) from None
    if not isinstance(decoded, dict):
        raise InvalidApiAnswer("the answer is not a JSON object", status=status)
    return decoded


def failure(status: int, headers: Mapping[str, str], body: bytes) -> FleetApiError:
    """Return what an answer with a status other than 2xx means."""
    try:
        fields = decode_object(body[:65_536], status)
    except InvalidApiAnswer:
        fields = {}
    detail = _detail(fields) or _printable(body[:MAX_DETAIL_LENGTH].decode("utf-8", "replace"))
    txid = _text(fields.get("txid")) or _printable(headers.get("x-txid", ""))[:64] or None
    if status == 429:
        return RateLimited(retry_after(headers, fields), detail, status=status, txid=txid)
    if status == 403 and (match := _SCOPES.search(detail)):
        scopes = tuple(re.findall(r"[a-z_]+", match[1].lower()))
        return MissingScope(scopes, detail, status=status, txid=txid)
    words = detail.lower()
    for code, text, meaning in _MEANINGS:
        if code == status and text in words:
            return meaning(detail, status=status, txid=txid)
    meaning = InvalidRequest if status < 500 else ServerFailure
    return meaning(detail, status=status, txid=txid)


def retry_after(headers: Mapping[str, str], fields: Mapping[str, Any]) -> float:
    """Return how many seconds to wait after a 429: Retry-After, a reset header, or the body's `after`."""
    named = [headers.get("Retry-After"), fields.get("after")]
    named += [value for name, value in headers.items() if name.lower().endswith("-reset")]
    for value in named:
        try:
            seconds = float(str(value))
        except ValueError:
            continue
        if seconds >= 0:
            return min(seconds, MAX_RETRY_AFTER)
    return DEFAULT_RETRY_AFTER


def lost(err: Exception, *, sent: bool) -> Unreachable:
    """Return the error for a request without an answer; `sent` if Tesla may have received it."""
    return Unreachable(f"{type(err).__name__}", may_have_executed=sent)


def _detail(fields: Mapping[str, Any]) -> str:
    parts = [_text(fields.get(name)) for name in ("error", "error_description")]
    messages = fields.get("messages")
    if isinstance(messages, dict):
        parts += [_text(value) for value in messages.values()]
    return _printable(": ".join(part for part in parts if part))


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(_text(item) for item in value[:5])
    return value[:MAX_DETAIL_LENGTH] if isinstance(value, str) else ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_DETAIL_LENGTH]).strip()
