"""The errors of Tesla's Fleet API, by meaning instead of HTTP status."""


class FleetApiError(Exception):
    """A request did not give a result.

    `status` is the HTTP status (None when there was no answer), `detail` Tesla's own text, `txid` the transaction id
    for a report to Tesla. `may_have_executed` is true when the request may have had its effect all the same.
    """

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        txid: str | None = None,
        may_have_executed: bool = False,
    ) -> None:
        super().__init__(detail or type(self).__name__)
        self.detail = detail
        self.status = status
        self.txid = txid
        self.may_have_executed = may_have_executed


class Unreachable(FleetApiError):
    """No connection, or no answer in time."""


class InvalidApiAnswer(FleetApiError):
    """The answer does not fit the request: not JSON, the wrong shape, or too long."""


class ServerFailure(FleetApiError):
    """Tesla's service failed (5xx); not billed."""


class TokenRejected(FleetApiError):
    """The access token is expired or not accepted; a renewed one may be accepted."""


class LoginRequired(FleetApiError):
    """The sign-in has ended (refresh token used up, password changed): the owner has to sign in again."""


class ConsentRevoked(LoginRequired):
    """The owner withdrew this application's access to the account."""


class MissingScope(FleetApiError):
    """The sign-in lacks a permission; `scopes` are the ones that Tesla names, possibly none."""

    def __init__(self, scopes: tuple[str, ...], detail: str, **known: object) -> None:
        super().__init__(detail, **known)  # type: ignore[arg-type]  # same keywords as the base class
        self.scopes = scopes


class Forbidden(FleetApiError):
    """Refused for a reason that has no class of its own."""


class MobileAccessDisabled(FleetApiError):
    """The owner switched mobile access off in the car."""


class SigningRequired(FleetApiError):
    """The car accepts only signed commands."""


class SigningUnsupported(FleetApiError):
    """The car does not support the vehicle command protocol; it accepts unsigned REST commands."""


class VehicleUnsupported(FleetApiError):
    """Tesla does not offer this for this car."""


class AccountUnpaid(FleetApiError):
    """The developer account has no valid payment method, or has exceeded its own spending limit."""


class NotFound(FleetApiError):
    """No such car, or not in this account."""


class VehicleAsleep(FleetApiError):
    """The car is asleep or without a connection; nothing was executed."""


class VehicleInService(FleetApiError):
    """The car is at a service center: Tesla passes nothing on to it; nothing was executed."""


class VehicleTimeout(FleetApiError):
    """Tesla could not get the request to the car in time; nothing was executed."""


class NotRegistered(FleetApiError):
    """The application is not registered in this region (or the domain does not fit it)."""


class WrongRegion(FleetApiError):
    """The account is in another region, and the base URL in the answer is not trusted."""


class RegistrationFailed(FleetApiError):
    """Tesla could not fetch the public key from the domain."""


class RateLimited(FleetApiError):
    """Too many requests; `retry_after` is seconds to wait."""

    def __init__(self, retry_after: float, detail: str = "", **known: object) -> None:

        super().__init__(detail, **known)  # type: ignore[arg-type]  # same keywords as the base class
        self.retry_after = retry_after


class InvalidRequest(FleetApiError):
    """Tesla reports an invalid request: a fault of this software or of its configuration."""


class InvalidClient(FleetApiError):
    """Tesla does not accept client id or client secret."""


class OverBudget(FleetApiError):
    """Not sent: it would exceed the user's budget of this month.

    `amount` is the budget, `until` the first day of the next month, both as texts.
    """

    def __init__(self, detail: str, *, amount: str, until: str) -> None:
        super().__init__(detail)
        self.amount = amount
        self.until = until


class AutomationOverBudget(OverBudget):
    """The same for a command of an automation: the rest of the budget is for commands of the user, or for later."""


class RefreshOverBudget(OverBudget):
    """The same for data that the user did not request: the rest of the budget is for commands."""
