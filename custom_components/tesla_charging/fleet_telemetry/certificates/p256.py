"""Points on NIST P-256, only for verification: nothing here is constant-time, so secrets must not be used."""

from typing import Final

SCALAR_LENGTH: Final = 32
PRIME: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

type Point = tuple[int, int]
"""Affine x and y; the point at infinity is None."""

GENERATOR: Final[Point] = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def encode_point(point: Point) -> bytes:
    """Return a point in uncompressed form: 0x04, x, y."""
    x, y = point
    return b"\x04" + x.to_bytes(SCALAR_LENGTH, "big") + y.to_bytes(SCALAR_LENGTH, "big")


def decode_point(data: bytes) -> Point | None:
    """Return the point in uncompressed form, None if the bytes are not a point on the curve."""
    if len(data) != 1 + 2 * SCALAR_LENGTH or data[0] != 4:
        return None
    x, y = (int.from_bytes(half, "big") for half in (data[1:33], data[33:]))
    on_curve = max(x, y) < PRIME and (y * y - x * x * x + 3 * x - _B) % PRIME == 0
    return (x, y) if on_curve else None


def combine(*terms: tuple[int, Point]) -> Point | None:
    """Return the sum of scalar times point over all terms."""
    total: Point | None = None
    for bit in range(8 * SCALAR_LENGTH - 1, -1, -1):
        total = _add(total, total)
        for scalar, point in terms:
            if scalar >> bit & 1:
                total = _add(total, point)
    return total


def _add(left: Point | None, right: Point | None) -> Point | None:
    if left is None or right is None:
        return right if left is None else left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2:
        if (y1 + y2) % PRIME == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, PRIME)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, PRIME)
    x = (slope * slope - x1 - x2) % PRIME
    return x, (slope * (x1 - x) - y1) % PRIME
