"""Tesla.SS256, checked against the vectors that Tesla and others publish."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from simulator.telemetry import TokenRefused, read_token, schnorr

from .telemetry import point, sign, token, unpadded

# The scalar of the published test vectors: 0x03 followed by 31 zero bytes.
KEY = ec.derive_private_key(0x03 << 248, ec.SECP256R1())
HELLO = bytes.fromhex(
    "7cfdbeb5baa730540401550bdefa20976453e8539ae4b2f26ce33125801a08f9"
    "0ed20c3d846497ff82cc9772e3db4703982f47bd0b0b89dfb9a49cd2e524054602"
    "b1e05fbf95f5686faea7a5809eb92f5ecc22eae74ceccc5e2a65dd67ff20fc"
)
CLAIMS = {
    "ca": "CA",
    "fields": {"Soc": {"interval_seconds": 60}},
    "hostname": "telemetry.example.com",
    "port": 443,
}


def test_the_published_signature_verifies() -> None:
    assert schnorr.verify(point(KEY), b"hello world", HELLO)


@pytest.mark.parametrize("position", [0, 31, 40, 63, 64, 95])
def test_a_changed_byte_does_not(position: int) -> None:
    changed = bytearray(HELLO)
    changed[position] ^= 1
    assert not schnorr.verify(point(KEY), b"hello world", bytes(changed))


def test_another_message_or_key_does_not() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    assert not schnorr.verify(point(KEY), b"hello worle", HELLO)
    assert not schnorr.verify(point(other), b"hello world", HELLO)
    assert not schnorr.verify(point(KEY), b"hello world", HELLO[:-1])
    assert not schnorr.verify(b"\x04" + bytes(64), b"hello world", HELLO)
    assert not schnorr.verify(b"", b"hello world", HELLO)


def test_a_response_beyond_the_order_is_refused() -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    response = int.from_bytes(HELLO[64:]) + order
    if response < 2**256:
        assert not schnorr.verify(point(KEY), b"hello world", HELLO[:64] + response.to_bytes(32))
    assert not schnorr.verify(point(KEY), b"hello world", HELLO[:64] + order.to_bytes(32))


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_what_a_key_signs_verifies(size: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    message = bytes(size)
    assert schnorr.verify(point(key), message, sign(key, message))


def test_the_published_token_is_read() -> None:
    issuer = (
        "BGRv9/ZbO1vTQpz7KudQDukidYu654YL4It655K0p7UGvBEqnQZKGKVaYeMxgEqP6Ekt/E/AjmmVyXnBJSs2+UY="
    )
    claims = (
        '{"aud":"com.tesla.fleet.TelemetryClient","ca":"CA",'
        '"fields":{"Soc":{"interval_seconds":60}},"hostname":"telemetry.example.com",'
        f'"iss":"{issuer}","port":443}}'
    )
    header = '{"alg":"Tesla.SS256","typ":"JWT"}'
    signature = (
        "3LaQPbEtVm832KH2veZPVc7MTdGkY0YHbYa-6H9aOHsvRpjQ0x76Z4XMMBAEk5e6wy2YzA9VKUTukpkrKu7pmeEt"
        "WkohEx5IE63kADu2n04uWFVNwqGU67zDD5jLDIZC"
    )
    read = read_token(f"{unpadded(header.encode())}.{unpadded(claims.encode())}.{signature}")
    assert read.claims == CLAIMS
    assert read.public_key == point(KEY) == base64.b64decode(issuer)


@pytest.mark.parametrize(
    "spoilt",
    [
        "",
        "a.b",
        "a.b.c.d",
        "!.!.!",
        token(KEY, CLAIMS, header={"alg": "ES256", "typ": "JWT"}),
        token(KEY, CLAIMS, header={"alg": "Tesla.SS256"}),
        token(KEY, CLAIMS, aud="com.tesla.vehicle"),
        token(KEY, CLAIMS, iss="?"),
        token(KEY, CLAIMS, iss=None),
        token(KEY, CLAIMS, iss=base64.b64encode(bytes(65)).decode()),
        token(KEY, CLAIMS)[:-4] + "AAAA",
        token(KEY, CLAIMS) + "==",
        token(KEY, CLAIMS | {"exp": float("nan")}),
        token(KEY, CLAIMS).replace(".", "..", 1),
    ],
)
def test_what_is_no_token_of_the_key_is_refused(spoilt: str) -> None:
    with pytest.raises(TokenRefused):
        read_token(spoilt)


@pytest.mark.parametrize(("right", "wrong"), [("-", "+"), ("_", "/")])
def test_the_other_alphabet_of_base64_is_refused(right: str, wrong: str) -> None:
    good = next(
        made
        for number in range(200)
        if right in (made := token(KEY, CLAIMS | {"exp": number})).rpartition(".")[2]
    )
    assert read_token(good).claims["port"] == 443
    head, dot, signature = good.rpartition(".")
    with pytest.raises(TokenRefused, match="base64url"):
        read_token(head + dot + signature.replace(right, wrong))


def test_a_good_token_is_not() -> None:
    assert read_token(token(KEY, CLAIMS)).claims == CLAIMS
