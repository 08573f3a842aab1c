"""The virtual key: generated, read from a file, and nothing but P-256."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
import pytest

from custom_components.tesla_charging.vehicle_command import InvalidKey, VirtualKey


def pem_of(
    key: PrivateKeyTypes,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    password: bytes | None = None,
) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def test_a_key_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = VirtualKey.generate()
    path.write_bytes(key.private_pem())
    assert VirtualKey.load(path).public_key == key.public_key


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_both_pem_forms_are_read(form: serialization.PrivateFormat) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    key = VirtualKey.from_pem(pem_of(private, form).decode())
    assert key.public_pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert len(key.public_key) == 65
    assert key.public_key[0] == 4


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (pem_of(ec.generate_private_key(ec.SECP384R1())), "secp384r1"),
        (pem_of(ec.generate_private_key(ec.SECP256K1())), "secp256k1"),
        (pem_of(rsa.generate_private_key(65537, 2048)), "elliptic-curve"),
        (pem_of(ed25519.Ed25519PrivateKey.generate()), "elliptic-curve"),
        (pem_of(ec.generate_private_key(ec.SECP256R1()), password=b"secret"), "password"),
        (VirtualKey.generate().public_pem.encode(), "public half"),
        (b"", "PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM"),
        (b"\xff\xfe garbage", "PEM"),
        (b"x" * 10_000, "too long"),
    ],
    ids=[
        "P-384",
        "secp256k1",
        "RSA",
        "Ed25519",
        "password",
        "public",
        "empty",
        "broken",
        "noise",
        "long",
    ],
)
def test_what_is_not_a_p256_key_is_refused_in_plain_words(pem: bytes, says: str) -> None:
    with pytest.raises(InvalidKey, match=says):
        VirtualKey.from_pem(pem)


def test_neither_repr_nor_errors_show_the_key() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    text = pem_of(private).decode()
    key = VirtualKey.from_pem(text)
    secret = f"{private.private_numbers().private_value:x}"
    assert secret not in repr(key)
    assert key.fingerprint in repr(key)
    with pytest.raises(InvalidKey) as caught:
        VirtualKey.from_pem(text.replace("BEGIN", "BEGUN"))
    assert text.splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize(
    "point", [b"", b"\x04" + bytes(64), b"\x02" + bytes(32), b"\x04" + b"\x01" * 64]
)
def test_a_vehicle_key_off_the_curve_is_refused(point: bytes) -> None:
    with pytest.raises(InvalidKey):
        VirtualKey.generate().shared_key(point)
