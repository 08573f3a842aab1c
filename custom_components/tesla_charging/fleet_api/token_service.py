"""Tesla's token service: a form goes there, a token comes back.

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
    """Send a form and return the answer, in which these can be relied on.

    `access_token` fits into a header, `expires_in` is a whole number of seconds, and a `refresh_token`, if
    there is one, is a text. A redirect is not followed: the secret of the application would go along.

    Raises LoginRequired when Tesla says that the sign-in is over, InvalidClient when it does not know client id
    and secret, and another FleetApiError for whatever may be different next time.
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
        # ValueError: Home Assistant's session looks into redirects that are not followed;
        # no cause: aiohttp quotes what it could not read, and that may repeat a secret
        raise lost(err, sent=False) from None
    if not _is_token(answer.get("access_token")):
        raise InvalidApiAnswer("the token service gave no token", status=200)
    if answer.get("refresh_token") is None:
        answer.pop("refresh_token", None)  # what is stored goes on counting
    elif not _is_token(answer["refresh_token"]):
        raise InvalidApiAnswer("the token service gave no refresh token", status=200)
    return {**answer, "expires_in": _lifetime(answer.get("expires_in"))}


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> FleetApiError:
    """Return what a refusal means.

    Tesla ends a sign-in with 401 `login_required`; other codes with 401 are taken for the same, and with 400 the
    ones that OAuth has for it (RFC 6749, section 5.2). A 400 or 401 without an OAuth error is not Tesla's: a
    proxy or a login page of a network has answered.
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
    """Return the seconds that a token lives. Raises InvalidApiAnswer."""
    try:
        seconds = int(value) if isinstance(value, str | int | float) else 0
    except ValueError, OverflowError:
        seconds = 0
    if not 0 < seconds <= MAX_LIFETIME:
        raise InvalidApiAnswer(
            "the token service does not say how long the token lives", status=200
        )
    return seconds
