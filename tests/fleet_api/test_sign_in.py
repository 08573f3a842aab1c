"""Tokens in Home Assistant: renewed once for everybody, kept through trouble, given up when Tesla says so."""

import asyncio
from collections.abc import Callable
from functools import partial
import time
import traceback
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.exceptions import (
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestReauthError,
)
import orjson
import pytest

from custom_components.tesla_charging.auth.authorization import (
    EntryAuthorization,
    async_get_authorization,
)
from custom_components.tesla_charging.fleet_api import (
    ConsentRevoked,
    FleetApiClient,
    FleetApiError,
    InvalidClient,
    LoginRequired,
    RateLimited,
    ServerFailure,
    Unreachable,
    Vehicles,
)
from tests.support.home import PEARL, Home

from .world import TOKEN, Hostile, http_answer, refused


class Account:
    """An entry with its authorization and a client, without the rest of the integration."""

    def __init__(
        self, home: Home, authorization: EntryAuthorization, client: FleetApiClient
    ) -> None:
        self.home = home
        self.authorization = authorization
        self.client = client
        self.vehicles = Vehicles(client)

    @property
    def token(self) -> dict[str, Any]:
        return dict(self.authorization.token)

    def change_token(self, **changes: Any) -> None:
        assert self.home.entry is not None
        data = self.home.entry.data
        self.home.hass.config_entries.async_update_entry(
            self.home.entry, data={**data, "token": {**data["token"], **changes}}
        )

    @property
    def asked_to_sign_in(self) -> bool:
        assert self.home.entry is not None
        return any(self.home.entry.async_get_active_flows(self.home.hass, {SOURCE_REAUTH}))


@pytest.fixture
async def account(home: Home) -> Account:
    """The account of an entry that is set up."""
    home.add_car(PEARL, "Pearl").sleep()
    entry = await home.set_up()
    authorization = await async_get_authorization(home.hass, entry)
    made = Account(home, authorization, entry.runtime_data.client)
    home.tesla.billing.reset()
    return made


async def test_requests_that_are_rejected_together_renew_once(account: Account) -> None:
    before = account.token
    account.home.tesla.clock.advance(8 * 3600 + 1)
    lists = await asyncio.gather(*(account.vehicles.list() for _ in range(6)))
    assert all(cars[0].vin == PEARL for cars in lists)
    after = account.token
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert after["expires_at"] > time.time() + 28000
    statuses = [line.status for line in account.home.tesla.billing.requests]
    assert sorted(statuses) == [200] * 6 + [401] * 6
    # Tesla's first refresh token and its only successor: it was used exactly once
    assert len(account.home.tesla._cloud.grants._refresh) == 2


async def test_a_late_rejection_of_the_old_token_renews_nothing(account: Account) -> None:
    old = account.token["access_token"]
    account.home.tesla.clock.advance(8 * 3600 + 1)
    await account.vehicles.list()
    new = account.token
    await account.client._authorization.renew(old)
    assert account.token == new


async def test_a_token_near_its_end_is_renewed_before_it_is_used(account: Account) -> None:
    before = account.token["access_token"]
    account.change_token(expires_at=time.time() + 5)
    await account.vehicles.list()
    assert account.token["access_token"] != before
    assert [line.status for line in account.home.tesla.billing.requests] == [200]


async def test_trouble_at_the_token_service_does_not_end_the_sign_in(account: Account) -> None:
    before = account.token
    account.change_token(expires_at=0)
    faults = account.home.tesla.faults
    page = "<html><body>Your consent to our terms was revoked: login_required</body></html>"
    html = {"Content-Type": "text/html"}
    unknown = {"error": "unauthorized_client", "error_description": "not known"}
    troubles: tuple[tuple[Callable[[], None], type[FleetApiError]], ...] = (
        (partial(faults.status, 500, "/token"), ServerFailure),
        (partial(faults.status, 502, "/token", body=page, headers=html), ServerFailure),
        (partial(faults.status, 503, "/token"), ServerFailure),
        (partial(faults.status, 429, "/token", headers={"Retry-After": "5"}), RateLimited),
        (partial(faults.status, 200, "/token", body=page, headers=html), Unreachable),
        (partial(faults.status, 400, "/token", body=page, headers=html), Unreachable),
        (partial(faults.status, 401, "/token", body=page, headers=html), Unreachable),
        (partial(faults.status, 401, "/token", body=""), Unreachable),
        (partial(faults.status, 401, "/token", body=["login_required"]), Unreachable),
        (partial(faults.status, 403, "/token", body="<html>blocked</html>"), Unreachable),
        (partial(faults.status, 404, "/token"), Unreachable),
        (partial(faults.status, 407, "/token", body=page, headers=html), Unreachable),
        (partial(faults.status, 511, "/token", body=page, headers=html), ServerFailure),
        (
            partial(faults.status, 302, "/token", headers={"Location": "https://example.com/"}),
            Unreachable,
        ),
        (partial(faults.status, 400, "/token", body={"error": "invalid_request"}), Unreachable),
        (partial(faults.status, 400, "/token", body=unknown), InvalidClient),
        (partial(faults.status, 401, "/token", body=unknown), InvalidClient),
        (partial(faults.lose_request, "/token"), Unreachable),
        (partial(faults.wrong_type, "/token"), Unreachable),
        (partial(faults.lose_answer_after, "/token"), Unreachable),
        (partial(faults.malformed_json, "/token"), Unreachable),
        (partial(faults.huge, "/token"), Unreachable),
    )
    for trouble, kind in troubles:
        trouble()
        with refused(kind, before["access_token"], before["refresh_token"]):
            await account.vehicles.list()
        assert not account.asked_to_sign_in
        assert account.token["refresh_token"] == before["refresh_token"]
        faults.clear()
    await account.vehicles.list()
    assert account.token["refresh_token"] != before["refresh_token"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"access_token": "", "expires_in": 28800},
        {"access_token": {"a": 1}, "expires_in": 28800},
        {"access_token": "a\r\nX: y", "expires_in": 28800},
        {"access_token": "abc"},
        {"access_token": "abc", "expires_in": "soon"},
        {"access_token": "abc", "expires_in": 1e300},
        {"access_token": "abc", "expires_in": -5},
        {"access_token": "abc", "expires_in": 28800, "refresh_token": ["x"]},
        [],
        7,
        None,
    ],
)
async def test_an_answer_that_is_no_token_is_not_stored(answer: object, account: Account) -> None:
    before = account.token
    account.change_token(expires_at=0)
    account.home.tesla.faults.wrong_type("/token", body=answer or {"x": 1})
    with refused(Unreachable):
        await account.vehicles.list()
    assert account.token == {**before, "expires_at": 0}
    assert not account.asked_to_sign_in


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, "login_required", LoginRequired),
        (400, "login_required", LoginRequired),
        (400, "invalid_grant", LoginRequired),
        (401, "something_new", LoginRequired),
        (401, "user revoked the consent", ConsentRevoked),
    ],
)
async def test_a_refusal_asks_the_owner_to_sign_in(
    status: int, error: str, kind: type[FleetApiError], account: Account
) -> None:
    before = account.token
    account.change_token(expires_at=0)
    account.home.tesla.faults.status(status, "/token", body={"error": error})
    with refused(kind, before["refresh_token"]):
        await account.vehicles.list()
    assert account.asked_to_sign_in


async def test_a_password_reset_asks_the_owner_to_sign_in(account: Account) -> None:
    account.home.tesla.reset_password(account.home.account, "another")
    account.change_token(expires_at=0)
    with refused(LoginRequired):
        await account.vehicles.list()
    assert account.asked_to_sign_in


async def test_a_sign_in_without_offline_access_ends_with_its_token(account: Account) -> None:
    token = account.token
    token.pop("refresh_token")
    assert account.home.entry is not None
    data = {**account.home.entry.data, "token": {**token, "expires_at": 0}}
    account.home.hass.config_entries.async_update_entry(account.home.entry, data=data)
    with refused(LoginRequired):
        await account.vehicles.list()
    assert account.asked_to_sign_in


async def test_the_secret_follows_no_redirect(
    account: Account, hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.answers = [http_answer(200, orjson.dumps({"access_token": TOKEN, "expires_in": 9}))]
    faults = account.home.tesla.faults
    for status in (301, 302, 303, 307, 308):
        account.change_token(expires_at=0)
        faults.status(status, "/token", headers={"Location": f"{hostile.url}/thief"})
        with refused(Unreachable):
            await account.vehicles.list()
    assert hostile.received == []


CODE = {"code": "EU_0123456789abcdef", "state": {"redirect_uri": "https://example.com/"}}


async def test_a_code_that_tesla_does_not_know(account: Account) -> None:
    with pytest.raises(OAuth2TokenRequestReauthError, match="invalid_auth_code") as info:
        await account.authorization.implementation.async_resolve_external_data(CODE)
    assert info.value.status == 400


@pytest.mark.parametrize("answer", [{"access_token": TOKEN}, [TOKEN], {"refresh_token": TOKEN}])
async def test_a_sign_in_with_a_strange_answer_is_not_logged(
    answer: object, account: Account
) -> None:
    account.home.tesla.faults.status(200, "/token", body=answer)
    with pytest.raises(OAuth2TokenRequestConnectionError) as info:
        await account.authorization.implementation.async_resolve_external_data(CODE)
    assert TOKEN not in "".join(traceback.format_exception(info.value))
