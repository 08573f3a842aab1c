"""Requests to Tesla's token service.

Sources: developer.tesla.com, "Partner tokens" and "Third-party tokens". Requests here are free.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from .answers import decode_object, failure, lost, read_bounded, read_refusal
from .errors import (
    ConsentRevoked,
    FleetApiError,
    InvalidApiAnswer,
    InvalidClient,
    InvalidRequest,
    LoginRequired,
)

TIMEOUT: Final = ClientTimeout(total=30, connect=10)
MAX_TOKEN_LENGTH: Final = 65_536
MAX_LIFETIME: Final = 10 * 365 * 86_400
_SECRETS: Final = ("client_secret", "refresh_token", "code")
_CLIENT_CODES: Final = frozenset({"unauthorized_client", "invalid_client"})
_ENDED_CODES: Final = frozenset({"login_required", "invalid_grant", "consent_required"})


async def request_token(
    session: ClientSession, token_url: str, form: Mapping[str, str]
) -> dict[str, Any]:
    """Send a form and return the checked answer.

    In the answer, `access_token` fits into a header, `expires_in` is a whole number of seconds, and `refresh_token`, if
    there is one, is a text. A redirect is not followed: the application's secret would be sent to another host.

    Raises LoginRequired when Tesla reports that the sign-in has ended, InvalidClient when it does not accept client id
    and secret, and another FleetApiError for failures that may be temporary.
    """
    try:
        async with session.post(
            token_url, data=dict(form), timeout=TIMEOUT, allow_redirects=False
        ) as response:
            if not 200 <= response.status < 300:
                secrets = [form[name] for name in _SECRETS if name in form]
                refusal = await read_refusal(response, secrets)
                raise _refusal(response.status, response.headers, refusal)
            answer = decode_object(await read_bounded(response, MAX_TOKEN_LENGTH), response.status)
    except (ClientError, TimeoutError, ValueError) as err:
        # ValueError: Home Assistant's session checks redirects even if they are not followed;
        # no cause: aiohttp quotes the text that it could not parse, and that may repeat a secret
        raise lost(err, sent=False) from None
    if not _is_token(answer.get("access_token")):
        raise InvalidApiAnswer("the token service gave no token", status=200)
    if answer.get("refresh_token") is None:
        answer.pop("refresh_token", None)  # the stored one stays valid
    elif not _is_token(answer["refresh_token"]):
        raise InvalidApiAnswer("the token service gave no refresh token", status=200)
    return {**answer, "expires_in": _lifetime(answer.get("expires_in"))}


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> FleetApiError:
    """Return the error for a refusal.

    Tesla ends a sign-in with 401 `login_required`. Other codes with 401 count as the same, and so do the codes that
    OAuth defines for it with 400 (RFC 6749, section 5.2). A 400 or 401 without an OAuth error is not Tesla's answer,
    but that of a proxy or of a network's login page.
    """
    err = failure(status, headers, body, about_vehicle=False)
    if status not in {400, 401}:
        return err
    try:
        code = decode_object(body, status).get("error")
    except InvalidApiAnswer:
        code = None
    kind: type[FleetApiError]
    if not isinstance(code, str) or not code:
        kind = InvalidApiAnswer
    elif code in _CLIENT_CODES:
        kind = InvalidClient
    elif "revoked" in err.detail.lower():
        kind = ConsentRevoked
    elif status == 401 or code in _ENDED_CODES:
        kind = LoginRequired
    else:
        kind = InvalidRequest
    return kind(err.detail, status=status, txid=err.txid)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def _lifetime(value: object) -> int:
    """Return the lifetime of a token in seconds. Raises InvalidApiAnswer."""
    try:
        seconds = int(value) if isinstance(value, str | int | float) else 0
    except ValueError, OverflowError:
        seconds = 0
    if not 0 < seconds <= MAX_LIFETIME:
        raise InvalidApiAnswer(
            "the token service does not say how long the token lives", status=200
        )
    return seconds
