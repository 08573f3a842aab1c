"""Tesla.SS256: Tesla's published vectors, and agreement with somebody else's code."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from tesla_fleet_api.tesla import jws as theirs

from custom_components.tesla_charging.fleet_telemetry import TokenError, read_token, sign_token
from custom_components.tesla_charging.fleet_telemetry.certificates import jws as ours
from custom_components.tesla_charging.fleet_telemetry.certificates.p256 import (
    GENERATOR,
    ORDER,
    combine,
    decode_point,
    encode_point,
)

# Tesla's published test key (vehicle-command, internal/schnorr) and the one of RFC 6979, A.2.5
TEST_KEY = ec.derive_private_key(int("03" + 31 * "00", 16), ec.SECP256R1())
RFC_KEY = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
HELLO_WORLD = bytes.fromhex(
    "7cfdbeb5baa730540401550bdefa20976453e8539ae4b2f26ce33125801a08f90ed20c3d846497ff82cc9772e3db4703982f"
    "47bd0b0b89dfb9a49cd2e524054602b1e05fbf95f5686faea7a5809eb92f5ecc22eae74ceccc5e2a65dd67ff20fc"
)
CLAIMS = {
    "ca": "CA",
    "fields": {"Soc": {"interval_seconds": 60}},
    "hostname": "telemetry.example.com",
    "port": 443,
}
PUBLIC_KEY = theirs.public_key_bytes(TEST_KEY)


def test_the_published_signature() -> None:
    assert ours.sign(TEST_KEY, b"hello world") == HELLO_WORLD
    assert ours.verify(PUBLIC_KEY, b"hello world", HELLO_WORLD)


def test_the_nonce_is_that_of_rfc_6979() -> None:
    assert ours._nonce(RFC_KEY.private_numbers().private_value, b"sample") == int(
        "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60", 16
    )


def test_the_computed_token() -> None:
    header, claims, signature = sign_token(CLAIMS, TEST_KEY).split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {
        "alg": "Tesla.SS256",
        "typ": "JWT",
    }
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert decoded == CLAIMS | {
        "aud": "com.tesla.fleet.TelemetryClient",
        "iss": "BGRv9/ZbO1vTQpz7KudQDukidYu654YL4It655K0p7UGvBEqnQZKGKVaYeMxgEqP6Ekt/E/AjmmVyXnBJSs2+UY=",
    }
    assert signature == (
        "3LaQPbEtVm832KH2veZPVc7MTdGkY0YHbYa-6H9aOHsvRpjQ0x76Z4XMMBAEk5e6wy2YzA9VKUTukpkrKu7pmeEtWkohEx5I"
        "E63kADu2n04uWFVNwqGU67zDD5jLDIZC"
    )


def test_what_the_caller_calls_issuer_does_not_count() -> None:
    assert sign_token(CLAIMS | {"iss": "me", "aud": "you"}, TEST_KEY) == sign_token(
        CLAIMS, TEST_KEY
    )


@pytest.mark.parametrize("n", range(8))
def test_both_sides_make_the_same_tokens_and_believe_them(n: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    claims = CLAIMS | {"port": n, "hostname": f"höst-{n}.example.com"}
    token = sign_token(claims, key)
    assert token == theirs.sign_fleet_telemetry_config(key, claims)
    message, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature)
    assert theirs.verify(theirs.public_key_bytes(key), message.encode(), raw)
    read = read_token(theirs.sign_fleet_telemetry_config(key, claims))
    assert {name: read[name] for name in claims} == claims


def test_an_altered_token_is_not_believed() -> None:
    token = sign_token(CLAIMS, TEST_KEY)
    header, claims, signature = token.split(".")
    other = sign_token(CLAIMS | {"port": 444}, TEST_KEY).split(".")
    for altered in (
        f"{header}.{other[1]}.{signature}",
        f"{header}.{claims}.{other[2]}",
        f"{header}.{claims}.{signature[:-4]}",
        f"{header}.{claims}.",
        f"{header}.{claims}",
        token + ".x",
        "é" + token,
        "!" + token,
        theirs.sign_jws(TEST_KEY, CLAIMS, "com.tesla.vehicle.X"),
        "e30." + claims + "." + signature,
        "W10." + claims + "." + signature,
        "x" * 200_000 + token,
    ):
        with pytest.raises(TokenError):
            read_token(altered)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("change", ["+", "/", "=", "==", "\n", " "])
def test_a_token_in_another_alphabet_is_refused(part: int, change: str) -> None:
    """As by Tesla's Go code: base64url without padding, and nothing else."""
    parts = sign_token(CLAIMS, TEST_KEY).split(".")
    assert read_token(".".join(parts))
    if change in "+/":
        standard = parts[part].replace("-", "+").replace("_", "/")
        parts[part] = standard if standard != parts[part] else change + parts[part][1:]
    else:
        parts[part] += change
    with pytest.raises(TokenError, match="base64url"):
        read_token(".".join(parts))


@pytest.mark.parametrize("issuer", [None, 5, "", "AAAA", "!!"])
def test_a_token_without_a_key_is_not_believed(issuer: object) -> None:
    header = sign_token(CLAIMS, TEST_KEY).split(".")[0]
    claims = {"aud": "com.tesla.fleet.TelemetryClient", "iss": issuer}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(TokenError):
        read_token(f"{header}.{body}.{128 * 'A'}")


def test_every_part_of_a_signature_counts() -> None:
    for position in (0, 31, 32, 63, 64, 95):
        altered = bytearray(HELLO_WORLD)
        altered[position] ^= 1
        assert not ours.verify(PUBLIC_KEY, b"hello world", bytes(altered))
    assert not ours.verify(PUBLIC_KEY, b"hello worle", HELLO_WORLD)
    assert not ours.verify(theirs.public_key_bytes(RFC_KEY), b"hello world", HELLO_WORLD)
    assert not ours.verify(PUBLIC_KEY[:-1], b"hello world", HELLO_WORLD)
    assert not ours.verify(PUBLIC_KEY, b"hello world", HELLO_WORLD + b"\0")
    # the same response, written larger than the group's order, would be a second valid signature
    larger = HELLO_WORLD[:64] + bytes(32 * [255])
    assert not ours.verify(PUBLIC_KEY, b"hello world", larger)


def test_only_keys_on_p_256_sign() -> None:
    with pytest.raises(TokenError):
        sign_token(CLAIMS, ec.generate_private_key(ec.SECP384R1()))


def test_points_and_what_is_none() -> None:
    assert decode_point(encode_point(GENERATOR)) == GENERATOR
    assert decode_point(bytes(65)) is None
    assert decode_point(b"\x04" + bytes(64)) is None
    assert decode_point(b"\x02" + encode_point(GENERATOR)[1:]) is None
    assert combine((ORDER, GENERATOR)) is None
    assert combine((1, GENERATOR), (ORDER - 1, GENERATOR)) is None
    assert combine((ORDER + 1, GENERATOR)) == GENERATOR
    assert combine((2, GENERATOR)) == combine((1, GENERATOR), (1, GENERATOR))
