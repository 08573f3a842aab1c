"""What Tesla's Fleet API can answer instead of a result, by meaning rather than by number."""


class FleetApiError(Exception):
    """A request did not give a result.

    `status` is the HTTP status (None when there was no answer), `detail` Tesla's own words, `txid` the number
    to quote to Tesla. `may_have_executed` is True when the request may have had its effect all the same.
    """

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        txid: str | None = None,
        may_have_executed: bool = False,
    ) -> None:
        """Remember what is known of the failure."""
        super().__init__(detail or type(self).__name__)
        self.detail = detail
        self.status = status
        self.txid = txid
        self.may_have_executed = may_have_executed


class Unreachable(FleetApiError):
    """No connection, or no answer in time."""


class InvalidApiAnswer(FleetApiError):
    """An answer that is not what this request is answered with: not JSON, the wrong shape, too long."""


class ServerFailure(FleetApiError):
    """Tesla's service failed (5xx); not billed."""


class TokenRejected(FleetApiError):
    """The access token is expired or not accepted; a renewed one may be."""


class LoginRequired(FleetApiError):
    """The sign-in is over (refresh token used up, password changed): the owner has to sign in again."""


class ConsentRevoked(LoginRequired):
    """The owner withdrew this application's access to the account."""


class MissingScope(FleetApiError):
    """The sign-in lacks a permission; `scopes` are the ones Tesla names, possibly none."""

    def __init__(self, scopes: tuple[str, ...], detail: str, **known: object) -> None:
        """Remember the scopes that Tesla asks for."""
        super().__init__(detail, **known)  # type: ignore[arg-type]  # same keywords as the base class
        self.scopes = scopes


class Forbidden(FleetApiError):
    """Refused for a reason that has no meaning of its own here."""


class MobileAccessDisabled(FleetApiError):
    """The owner switched mobile access off in the car."""


class SigningRequired(FleetApiError):
    """The car takes only signed commands."""


class SigningUnsupported(FleetApiError):
    """The car does not speak the vehicle command protocol; it takes plain REST commands."""


class VehicleUnsupported(FleetApiError):
    """Tesla does not offer this for this car."""


class AccountUnpaid(FleetApiError):
    """The developer account has no valid payment method, or exceeded its own spending limit."""


class NotFound(FleetApiError):
    """No such car, or not in this account."""


class VehicleAsleep(FleetApiError):
    """The car is asleep or without a connection; nothing was executed."""


class VehicleTimeout(FleetApiError):
    """Tesla could not get the request to the car in time; nothing was executed."""


class NotRegistered(FleetApiError):
    """The application is not registered in this region (or the domain does not fit it)."""


class WrongRegion(FleetApiError):
    """The account lives in another region, whose base URL is not one to be trusted."""


class RegistrationFailed(FleetApiError):
    """Tesla could not take the public key from the domain."""


class RateLimited(FleetApiError):
    """Too many requests; `retry_after` is seconds to wait."""

    def __init__(self, retry_after: float, detail: str = "", **known: object) -> None:
        """Remember how long to wait."""
        super().__init__(detail, **known)  # type: ignore[arg-type]  # same keywords as the base class
        self.retry_after = retry_after


class InvalidRequest(FleetApiError):
    """Tesla calls the request wrong: a fault of this software or of its configuration."""


class InvalidClient(FleetApiError):
    """Client ID or client secret is not what Tesla knows."""


class OverBudget(FleetApiError):
    """Not sent: it would cost more than its owner wants to spend in this month.

    `amount` is what that is, `until` the day on which the next month begins, both in words.
    """

    def __init__(self, detail: str, *, amount: str, until: str) -> None:
        """Remember the budget."""
        super().__init__(detail)
        self.amount = amount
        self.until = until


class AutomationOverBudget(OverBudget):
    """The same for a command that no person gave: what is left is for later, or for people."""


class RefreshOverBudget(OverBudget):
    """The same for data that no person asked for: what is left is for commands."""
