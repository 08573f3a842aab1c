"""The door of the Fleet API: who gets in, and in which words the others are turned away."""

from typing import Literal

import pytest

from simulator import Car

from .world import World


async def test_the_status_needs_no_token(world: World) -> None:
    for region in ("na", "eu"):
        url = f"{world.tesla.base_url}/{region}/status"
        answer = await world.request("GET", url)
        assert (answer.status, answer.text) == (200, "ok")


async def test_no_token_gets_an_empty_401(world: World) -> None:
    url = f"{world.tesla.region_url('eu')}/api/1/vehicles"
    answer = await world.request("GET", url)
    assert (answer.status, answer.text) == (401, "")


@pytest.mark.parametrize("token", ["x", "a.b.c", "ä", "."])
async def test_a_garbled_token_is_refused(world: World, token: str) -> None:
    answer = await world.api("GET", "vehicles", token=token)
    assert (answer.status, answer.error) == (401, "invalid bearer token")


async def test_a_token_with_one_changed_letter_is_refused(world: World) -> None:
    head, middle, tail = world.tokens["access_token"].split(".")
    forged = ".".join((head, middle[:10] + ("A" if middle[10] != "A" else "B") + middle[11:], tail))
    assert (await world.api("GET", "vehicles", token=forged)).status == 401


@pytest.mark.parametrize(("right", "wrong"), [("-", "+"), ("_", "/"), ("", "==")])
async def test_a_token_in_the_other_alphabet_of_base64_is_refused(
    world: World, right: str, wrong: str
) -> None:
    tokens = (str(world.sign_in()["access_token"]) for _ in range(200))
    good = next(made for made in tokens if right in made.rpartition(".")[2])
    head, dot, signature = good.rpartition(".")
    assert (await world.api("GET", "vehicles", token=good)).status == 200
    bent = signature.replace(right, wrong) if right else signature + wrong
    answer = await world.api("GET", "vehicles", token=head + dot + bent)
    assert (answer.status, answer.error) == (401, "invalid bearer token")


async def test_a_token_whose_last_character_means_the_same_is_refused(world: World) -> None:
    """Two bits of the last character of a signature stand for nothing: they are 0."""
    good = world.tokens["access_token"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    forged = good[:-1] + alphabet[alphabet.index(good[-1]) + 1]
    assert (await world.api("GET", "vehicles", token=forged)).status == 401


async def test_an_id_token_is_no_access_token(world: World) -> None:
    assert (await world.api("GET", "vehicles", token=world.tokens["id_token"])).status == 401


async def test_every_answer_has_a_transaction_id(world: World) -> None:
    assert (await world.api("GET", "vehicles")).headers["x-txid"]
    refused = await world.api("GET", "vehicles/unknown")
    assert refused.headers["x-txid"] == refused.body["txid"]


async def test_missing_scopes_are_named(world: World) -> None:
    world.sign_in("openid", "vehicle_charging_cmds")
    answer = await world.api("GET", "vehicles")
    assert answer.status == 403
    assert answer.error == "Unauthorized missing scopes [vehicle_device_data]"
    assert answer.body["response"] is None


async def test_an_unknown_path_is_404(world: World) -> None:
    assert (await world.api("GET", "no_such_thing")).status == 404
    assert (await world.car_api("GET", "no_such_thing")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "vehicles", "GET"), ("GET", "vehicles/fleet_status", "POST")],
)
async def test_a_wrong_method_is_405(world: World, method: str, path: str, allowed: str) -> None:
    answer = await world.api(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"] == allowed


async def test_null_is_no_body_where_none_is_needed(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await world.car_api("POST", "wake_up", data=b"null", headers=headers)
    assert answer.status == 200
    assert answer.response["vin"] == world.car.vin
    answer = await world.car_api("POST", "signed_command", data=b"null", headers=headers)
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_post_must_be_json(world: World, content_type: str) -> None:
    answer = await world.car_api(
        "POST", "wake_up", data=b"{}", headers={"Content-Type": content_type}
    )
    assert answer.status == 406


async def test_a_post_without_content_type_is_406(world: World) -> None:
    url = f"{world.tesla.region_url('eu')}/api/1/vehicles/{world.car.vin}/wake_up"
    headers = {"Authorization": f"Bearer {world.tokens['access_token']}"}
    answer = await world.request("POST", url, headers=headers, skip_auto_headers=["Content-Type"])
    assert answer.status == 406


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"7",
        b'"x"',
        b"\xff",
        b"[" * 60000,
        b'{"a":NaN}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16-le"),
    ],
)
async def test_a_body_that_is_no_object_is_400(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await world.api("POST", "vehicles/fleet_status", data=body, headers=headers)
    assert (answer.status, answer.error) == (400, "invalid_request")


async def test_a_body_beyond_64_kib_is_413(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'{"vins":["' + b"x" * 70000 + b'"]}'
    answer = await world.api("POST", "vehicles/fleet_status", data=body, headers=headers)
    assert answer.status == 413


async def test_an_unregistered_application_is_412(world: World) -> None:
    world.application.registrations.pop("eu")
    answer = await world.api("GET", "vehicles")
    assert answer.status == 412
    assert "must be registered in the current region" in answer.error
    assert (await world.api("GET", "users/region")).status == 412


async def test_another_region_is_421_and_names_the_right_one(world: World) -> None:
    answer = await world.api("GET", "vehicles", region="na")
    assert answer.status == 421
    assert f"user out of region, use base URL: {world.tesla.region_url('eu')}, see" in answer.error


async def test_an_account_that_moves_is_found_in_its_new_region_with_the_same_token(
    world: World,
) -> None:
    world.tesla.move_account(world.account, "na")
    answer = await world.api("GET", "vehicles", region="eu")
    assert answer.status == 421
    assert f"use base URL: {world.tesla.region_url('na')}, see" in answer.error
    assert (await world.api("GET", "vehicles", region="na")).status == 200
    world.application.registrations.pop("na")
    assert (await world.api("GET", "vehicles", region="na")).status == 412


@pytest.mark.parametrize(("status", "words"), [(402, "payment required"), (403, "EXCEEDED_LIMIT")])
async def test_an_application_over_its_bill_is_refused_everything_until_that_is_settled(
    world: World, status: Literal[402, 403], words: str
) -> None:
    world.tesla.exceed_billing_limit(world.application, status=status)
    for _ in range(2):
        answer = await world.api("GET", "vehicles")
        assert (answer.status, answer.error) == (status, words)
    assert (await world.car_api("GET", "vehicle_data")).status == status
    world.tesla.raise_billing_limit(world.application)
    assert (await world.api("GET", "vehicles")).status == 200


async def test_the_region_is_told_in_every_region(world: World) -> None:
    for region in ("na", "eu"):
        answer = await world.api("GET", "users/region", region=region)
        assert answer.response == {
            "region": "eu",
            "fleet_api_base_url": world.tesla.region_url("eu"),
        }


async def test_somebody_elses_car_is_404(world: World) -> None:
    stranger = world.tesla.add_account("other@example.com", region="eu")
    car = Car("5YJ3E1EA8NF000202", name="Midnight", clock=world.tesla.clock)
    world.tesla.add_car(stranger, car)
    assert (await world.api("GET", f"vehicles/{car.vin}")).status == 404
    assert (await world.api("POST", f"vehicles/{car.vin}/wake_up")).status == 404
    asked = {"vins": [world.car.vin, car.vin]}
    assert (await world.api("POST", "vehicles/fleet_status", json=asked)).status == 404


async def test_a_partner_token_sees_no_cars(world: World) -> None:
    token = await world.partner_token("eu", "openid vehicle_device_data")
    assert (await world.api("GET", "vehicles", token=token)).status == 403
