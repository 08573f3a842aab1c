"""Checks Tesla.SS256 signatures: Schnorr (RFC 8235 style) on P-256, verifying side only.

Source: teslamotors/vehicle-command, internal/schnorr and internal/authentication/jwt.go.
"""

import hashlib

SIGNATURE_LENGTH = 96
_POINT_LENGTH = 65

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

type Affine = tuple[int, int]
type _Jacobian = tuple[int, int, int]

_INFINITY: _Jacobian = (1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` (Vx, Vy, r: 32 bytes each) over `message` is of this 65-byte point."""
    signer = _point(public_key)
    if signer is None or len(signature) != SIGNATURE_LENGTH:
        return False
    commitment = _point(b"\x04" + signature[:64])
    response = int.from_bytes(signature[64:])
    if commitment is None or not response < _N:
        return False
    challenge = _challenge(public_key, b"\x04" + signature[:64], message)
    total = _add(_multiply(challenge, signer), _multiply(response, _G))
    return _affine(total) == commitment


def _challenge(public_key: bytes, commitment: bytes, message: bytes) -> int:
    digest = hashlib.sha256()
    generator = b"\x04" + _G[0].to_bytes(32) + _G[1].to_bytes(32)
    for item in (generator, commitment, public_key, message):
        digest.update(len(item).to_bytes(4) + item)
    return int.from_bytes(digest.digest()) % _N


def _point(encoded: bytes) -> Affine | None:
    if len(encoded) != _POINT_LENGTH or encoded[0] != 4:
        return None
    x, y = int.from_bytes(encoded[1:33]), int.from_bytes(encoded[33:])
    if x >= _P or y >= _P or (y * y - (x * x * x - 3 * x + _B)) % _P:
        return None
    return x, y


def _affine(point: _Jacobian) -> Affine | None:
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if z == 0 or y == 0:
        return _INFINITY
    square = y * y % _P
    s = 4 * x * square % _P
    z2 = z * z % _P
    m = 3 * (x - z2) * (x + z2) % _P
    x3 = (m * m - 2 * s) % _P
    return x3, (m * (s - x3) - 8 * square * square) % _P, 2 * y * z % _P


def _add(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    (x1, y1, z1), (x2, y2, z2) = left, right
    if z1 == 0:
        return right
    if z2 == 0:
        return left
    z1z1, z2z2 = z1 * z1 % _P, z2 * z2 % _P
    u1, u2 = x1 * z2z2 % _P, x2 * z1z1 % _P
    s1, s2 = y1 * z2 * z2z2 % _P, y2 * z1 * z1z1 % _P
    if u1 == u2:
        return _double(left) if s1 == s2 else _INFINITY
    h, r = (u2 - u1) % _P, (s2 - s1) % _P
    hh = h * h % _P
    hhh, v = h * hh % _P, u1 * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - s1 * hhh) % _P, h * z1 * z2 % _P


def _multiply(scalar: int, point: Affine) -> _Jacobian:
    base: _Jacobian = (*point, 1)
    total = _INFINITY
    for bit in f"{scalar:b}":
        total = _double(total)
        if bit == "1":
            total = _add(total, base)
    return total
