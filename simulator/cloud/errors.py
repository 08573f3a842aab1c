"""The refusals of the Fleet API and of the token endpoint, each a status, a code and a text."""

from collections.abc import Iterable, Mapping


class ApiError(Exception):
    """A Fleet API answer other than success.

    `error` is the short code or text that Tesla puts in the field of that name, `messages` holds
    one text per bad field. Without an `error` the body is empty (Tesla does so for some 401s).
    """

    def __init__(
        self,
        status: int,
        error: str = "",
        description: str = "",
        *,
        messages: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """Keep what the answer will say."""
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.description = description
        self.messages = messages
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self, txid: str) -> dict[str, object] | None:
        """Return the JSON envelope, or None where the body is empty."""
        if not self.error:
            return None
        body: dict[str, object] = {
            "response": None,
            "error": self.error,
            "error_description": self.description,
            "txid": txid,
        }
        if self.messages is not None:
            body["messages"] = dict(self.messages)
        return body | self.extra


class TokenError(Exception):
    """A refusal of the token endpoint: status, OAuth error code, description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        """Keep what the answer will say."""
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.description = description


def payment_required() -> ApiError:
    """Return the 402 for an application without a valid payment method or with an unpaid bill."""
    return ApiError(402, "payment required", "the billing limit is exceeded")


def exceeded_limit() -> ApiError:
    """Return the 403 that an application over its limit was seen to get (vehicle-command issue 403)."""
    return ApiError(403, "EXCEEDED_LIMIT", "Account disabled: EXCEEDED_LIMIT")


def missing_scopes(scopes: Iterable[str]) -> ApiError:
    """Return the 403 that names the scopes of which (one of) the token lacks."""
    return ApiError(403, f"Unauthorized missing scopes [{', '.join(sorted(scopes))}]")


def invalid_field(field: str, text: str, *, status: int = 422) -> ApiError:
    """Return a refusal that blames one field of the request."""
    return ApiError(status, "invalid_field", f"{field}: {text}", messages={field: [text]})


def asleep() -> ApiError:
    """Return the 408 for a car that cannot be reached right now."""
    return ApiError(408, "vehicle unavailable: vehicle is offline or asleep")


def in_service() -> ApiError:
    """Return the 405 for a car that is at a service center (the text: teslamate, issue 1222)."""
    return ApiError(405, "vehicle is currently in service")


def failure(code: int) -> ApiError:
    """Return what Tesla says when it fails itself, or cannot get at a car that is online."""
    texts = {
        408: "vehicle unavailable: vehicle is offline or asleep",
        500: "internal server error",
        504: "upstream request timeout",
        540: "device error",
    }
    return ApiError(code, texts.get(code, f"status {code}"))


def not_found(what: str = "not_found") -> ApiError:
    """Return the 404 for a car of somebody else, an unknown car or an unknown path."""
    return ApiError(404, what)
