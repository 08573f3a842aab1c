"""The keys a car knows, and what their owners may do."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from simulator.car.security.agreement import load_point

CAPACITY = 20


class Role(IntEnum):
    """Keys.Role of Tesla's keys.proto."""

    NONE = 0
    SERVICE = 1
    OWNER = 2
    DRIVER = 3
    FLEET_MANAGER = 4
    VEHICLE_MONITOR = 5
    CHARGING_MANAGER = 6
    GUEST = 8


FULL_CONTROL = frozenset({Role.OWNER, Role.DRIVER, Role.FLEET_MANAGER, Role.GUEST})
"""Roles that may do whatever this car can do."""
CHARGING = FULL_CONTROL | {Role.CHARGING_MANAGER}
"""Roles that may start, stop and set charging. A Charging Manager has been seen refused at the port
and at waking the car, so those need FULL_CONTROL here."""


class KeychainFull(Exception):
    """The car holds as many keys as it can."""


@dataclass(frozen=True, slots=True)
class PairedKey:
    """One entry of the keychain."""

    role: Role
    active: bool = True


class Keychain:
    """Up to 20 public keys (65-byte uncompressed points) and their roles."""

    def __init__(self) -> None:
        """Start without keys."""
        self._keys: dict[bytes, PairedKey] = {}

    def add(self, public_key: bytes, role: Role = Role.FLEET_MANAGER) -> None:
        """Pair a key. NotAPoint for bytes that are no key, KeychainFull at the limit."""
        load_point(public_key)
        if public_key not in self._keys and len(self._keys) >= CAPACITY:
            raise KeychainFull
        self._keys[bytes(public_key)] = PairedKey(Role(role))

    def remove(self, public_key: bytes) -> None:
        """Forget a key, if it is there."""
        self._keys.pop(public_key, None)

    def disable(self, public_key: bytes) -> None:
        """Keep a key but refuse what it signs (INACTIVE_KEY)."""
        self._keys[public_key] = replace(self._keys[public_key], active=False)

    def find(self, public_key: bytes) -> PairedKey | None:
        """Return the entry of a key."""
        return self._keys.get(public_key)

    def contains(self, public_key: bytes) -> bool:
        """Say whether a key is paired."""
        return public_key in self._keys

    def __contains__(self, public_key: object) -> bool:
        """Say whether a key is paired."""
        return public_key in self._keys

    def __iter__(self) -> Iterator[bytes]:
        """Go through the paired keys."""
        return iter(self._keys)

    def __len__(self) -> int:
        """Count the paired keys."""
        return len(self._keys)
