"""The token endpoint: codes, rotation of refresh tokens, partner tokens, and their refusals."""

from typing import Any

import pytest

from tests.simulator.tokens import claims

from .world import CHARGING_SCOPES, REDIRECT, World


def code(world: World, *, redirect: str = REDIRECT) -> str:
    world.sign_in()
    cloud = world.tesla._cloud
    grant = cloud.grants.open(world.application, world.account, frozenset(CHARGING_SCOPES))
    return cloud.grants.code(grant, redirect, None)


def exchange(world: World, **changes: str) -> dict[str, str]:
    form = {
        "grant_type": "authorization_code",
        "client_id": "client-1",
        "client_secret": "secret-1",
        "code": "EU_none",
        "redirect_uri": REDIRECT,
        "audience": world.tesla.region_url("eu"),
    }
    return {name: value for name, value in (form | changes).items() if value}


async def refresh(world: World, token: str, **changes: str) -> Any:
    form = {"grant_type": "refresh_token", "client_id": "client-1", "refresh_token": token}
    return await world.token(**(form | changes))


async def test_a_code_becomes_tokens_that_say_who_where_and_what(world: World) -> None:
    answer = await world.token(**exchange(world, code=code(world)))
    assert answer.status == 200
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] == 28800
    assert answer.body["refresh_token"].startswith("EU_")
    assert "scope" not in answer.body
    told = claims(answer.body["access_token"])
    assert told["sub"] == world.account.sub
    assert told["ou_code"] == "EU"
    assert told["azp"] == "client-1"
    assert told["scp"] == sorted(CHARGING_SCOPES)
    assert told["exp"] - told["iat"] == 28800
    assert set(told["aud"]) == {
        world.tesla.region_url("na"),
        world.tesla.region_url("eu"),
        world.tesla.auth_url,
    }


async def test_a_code_works_once(world: World) -> None:
    form = exchange(world, code=code(world))
    assert (await world.token(**form)).status == 200
    again = await world.token(**form)
    assert (again.status, again.error) == (400, "invalid_auth_code")
    assert again.body["referenceID"]


async def test_a_code_expires(world: World) -> None:
    form = exchange(world, code=code(world))
    world.tesla.clock.advance(121)
    assert (await world.token(**form)).error == "invalid_auth_code"


async def test_a_code_belongs_to_its_application(world: World) -> None:
    world.tesla.add_application("client-2", "secret-2")
    form = exchange(world, code=code(world), client_id="client-2", client_secret="secret-2")
    assert (await world.token(**form)).error == "invalid_auth_code"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": REDIRECT + "/"}, "invalid_redirect_url"),
        ({"client_secret": "wrong"}, "unauthorized_client"),
        ({"client_secret": ""}, "unauthorized_client"),
        ({"client_id": "nobody"}, "unauthorized_client"),
        ({"audience": ""}, "invalid_request"),
        ({"audience": "https://fleet-api.example.com"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": "EU_invented"}, "invalid_auth_code"),
    ],
)
async def test_a_wrong_exchange_is_refused(
    world: World, changes: dict[str, str], error: str
) -> None:
    answer = await world.token(**(exchange(world, code=code(world)) | changes))
    assert (answer.status, answer.error) == (400, error)


async def test_json_is_not_a_form(world: World) -> None:
    url = f"{world.tesla.auth_url}/oauth2/v3/token"
    answer = await world.request("POST", url, json=exchange(world, code=code(world)))
    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_refreshing_rotates_the_refresh_token(world: World) -> None:
    first = world.tokens["refresh_token"]
    answer = await refresh(world, first)
    assert answer.status == 200
    assert answer.body["refresh_token"] != first
    assert (await refresh(world, answer.body["refresh_token"])).status == 200


async def test_the_token_used_last_works_for_another_day(world: World) -> None:
    first = world.tokens["refresh_token"]
    await refresh(world, first)
    world.tesla.clock.advance(24 * 3600 - 10)
    assert (await refresh(world, first)).status == 200
    world.tesla.clock.advance(20)
    late = await refresh(world, first)
    assert (late.status, late.error) == (401, "login_required")
    assert late.body["error_description"] == "The refresh_token is invalid"


async def test_older_refresh_tokens_are_dead(world: World) -> None:
    first = world.tokens["refresh_token"]
    second = (await refresh(world, first)).body["refresh_token"]
    await refresh(world, second)
    assert (await refresh(world, first)).error == "login_required"
    assert (await refresh(world, second)).status == 200


async def test_repeating_a_refresh_kills_the_answer_that_was_lost(world: World) -> None:
    first = world.tokens["refresh_token"]
    lost = (await refresh(world, first)).body["refresh_token"]
    kept = (await refresh(world, first)).body["refresh_token"]
    assert (await refresh(world, lost)).error == "login_required"
    assert (await refresh(world, kept)).status == 200


async def test_a_refresh_token_lives_three_months(world: World) -> None:
    world.tesla.clock.advance(90 * 86400 - 60)
    token = (await refresh(world, world.tokens["refresh_token"])).body["refresh_token"]
    world.tesla.clock.advance(90 * 86400)
    assert (await refresh(world, token)).error == "login_required"


async def test_refreshing_needs_the_right_application_but_no_secret(world: World) -> None:
    world.tesla.add_application("client-2", "secret-2")
    token = world.tokens["refresh_token"]
    assert (await refresh(world, token, client_id="client-2")).error == "login_required"
    assert (await refresh(world, token, client_secret="wrong")).error == "unauthorized_client"
    assert (await refresh(world, token, client_secret="secret-1")).status == 200


async def test_a_refresh_ends_the_former_access_token(world: World) -> None:
    before = world.tokens["access_token"]
    after = (await refresh(world, world.tokens["refresh_token"])).body["access_token"]
    old = await world.api("GET", "vehicles", token=before)
    assert (old.status, old.error) == (401, "invalid bearer token")
    assert (await world.api("GET", "vehicles", token=after)).status == 200


async def test_two_authorizations_are_two_lineages(world: World) -> None:
    first = world.tokens
    second = world.sign_in()
    assert (await refresh(world, first["refresh_token"])).status == 200
    assert (await world.api("GET", "vehicles", token=second["access_token"])).status == 200


async def test_without_offline_access_there_is_nothing_to_refresh(world: World) -> None:
    assert "refresh_token" not in world.sign_in("openid", "vehicle_device_data")


async def test_an_access_token_expires_after_eight_hours(world: World) -> None:
    world.tesla.clock.advance(8 * 3600 - 5)
    assert (await world.api("GET", "vehicles")).status == 200
    world.tesla.clock.advance(10)
    late = await world.api("GET", "vehicles")
    assert (late.status, late.error) == (401, "token expired (401)")


async def test_a_revoked_consent_ends_everything(world: World) -> None:
    world.tesla.pair(world.car, world.public_key)
    world.tesla.revoke_consent(world.account, world.application)
    call = await world.api("GET", "vehicles")
    assert (call.status, call.error) == (401, "user revoked the consent")
    assert (await refresh(world, world.tokens["refresh_token"])).error == "login_required"
    assert world.public_key not in world.car.keychain


async def test_consenting_again_does_not_revive_old_tokens(world: World) -> None:
    old = world.tokens["access_token"]
    world.tesla.revoke_consent(world.account, world.application)
    world.sign_in()
    assert (await world.api("GET", "vehicles")).status == 200
    assert (await world.api("GET", "vehicles", token=old)).error == "user revoked the consent"


async def test_a_new_password_ends_the_tokens(world: World) -> None:
    world.tesla.reset_password(world.account, "another")
    assert (await world.api("GET", "vehicles")).error == "token revoked"
    assert (await refresh(world, world.tokens["refresh_token"])).error == "login_required"


async def test_a_removed_scope_is_gone_at_once_and_from_the_next_token(world: World) -> None:
    world.tesla.remove_scope(world.account, world.application, "vehicle_device_data")
    refused = await world.api("GET", "vehicles")
    assert refused.status == 403
    assert refused.error == "Unauthorized missing scopes [vehicle_device_data]"
    answer = await refresh(world, world.tokens["refresh_token"])
    assert "vehicle_device_data" not in claims(answer.body["access_token"])["scp"]


async def test_a_partner_token_is_the_application_in_one_region(world: World) -> None:
    told = claims(await world.partner_token("eu"))
    assert told["sub"] == "client-1"
    assert told["scp"] == ["openid"]
    assert told["aud"] == [world.tesla.region_url("eu"), world.tesla.auth_url]


async def test_a_partner_token_has_no_refresh_token(world: World) -> None:
    form = exchange(world, grant_type="client_credentials", scope="openid")
    assert "refresh_token" not in (await world.token(**form)).body


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": ""}, "invalid_request"),
        ({"scope": "openid world_peace"}, "invalid_scope"),
        ({"audience": ""}, "invalid_request"),
        ({"client_secret": "wrong"}, "unauthorized_client"),
    ],
)
async def test_a_wrong_partner_request_is_refused(
    world: World, changes: dict[str, str], error: str
) -> None:
    form = exchange(world, grant_type="client_credentials", scope="openid") | changes
    answer = await world.token(**form)
    assert (answer.status, answer.error) == (400, error)


async def test_more_than_twenty_token_requests_a_second_are_too_many(world: World) -> None:
    statuses = [(await refresh(world, "EU_none")).status for _ in range(21)]
    assert 429 in statuses
    assert statuses[0] == 401


async def test_the_keys_that_sign_are_published(world: World) -> None:
    url = f"{world.tesla.auth_url}/oauth2/v3/thirdparty/.well-known/openid-configuration"
    metadata = (await world.request("GET", url)).body
    assert metadata["token_endpoint"] == f"{world.tesla.auth_url}/oauth2/v3/token"
    keys = (await world.request("GET", metadata["jwks_uri"])).body["keys"]
    assert keys[0]["crv"] == "P-256"


async def test_refreshes_that_are_carried_out_are_counted(world: World) -> None:
    first = world.tokens["refresh_token"]
    for _ in range(2):
        await refresh(world, first)
    await refresh(world, "EU_none")
    assert world.tesla.refreshes == 2


async def test_a_repetition_does_not_prolong_the_day(world: World) -> None:
    first = world.tokens["refresh_token"]
    await refresh(world, first)
    for _ in range(3):
        world.tesla.clock.advance(7 * 3600)
        assert (await refresh(world, first)).status == 200
    world.tesla.clock.advance(3 * 3600 + 1)
    assert (await refresh(world, first)).error == "login_required"
