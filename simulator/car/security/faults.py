"""The protocol-layer faults a car answers with."""

from enum import IntEnum


class Fault(IntEnum):
    """MessageFault_E of Tesla's universal_message.proto, by its short names."""

    NONE = 0
    BUSY = 1
    TIMEOUT = 2
    UNKNOWN_KEY_ID = 3
    INACTIVE_KEY = 4
    INVALID_SIGNATURE = 5
    INVALID_TOKEN_OR_COUNTER = 6
    INSUFFICIENT_PRIVILEGES = 7
    INVALID_DOMAINS = 8
    INVALID_COMMAND = 9
    DECODING = 10
    INTERNAL = 11
    WRONG_PERSONALIZATION = 12
    BAD_PARAMETER = 13
    KEYCHAIN_IS_FULL = 14
    INCORRECT_EPOCH = 15
    IV_INCORRECT_LENGTH = 16
    TIME_EXPIRED = 17
    NOT_PROVISIONED_WITH_IDENTITY = 18
    COULD_NOT_HASH_METADATA = 19
    TIME_TO_LIVE_TOO_LONG = 20
    REMOTE_ACCESS_DISABLED = 21
    REMOTE_SERVICE_ACCESS_DISABLED = 22
    COMMAND_REQUIRES_ACCOUNT_CREDENTIALS = 23
    REQUEST_MTU_EXCEEDED = 24
    RESPONSE_MTU_EXCEEDED = 25
    REPEATED_COUNTER = 26
    INVALID_KEY_HANDLE = 27
    REQUIRES_RESPONSE_ENCRYPTION = 28
    COMMAND_REQUIRES_PHYSICAL_PROXIMITY = 29


DESYNCHRONISED = frozenset(
    {
        Fault.INVALID_SIGNATURE,
        Fault.INVALID_TOKEN_OR_COUNTER,
        Fault.BAD_PARAMETER,
        Fault.INCORRECT_EPOCH,
        Fault.TIME_EXPIRED,
        Fault.TIME_TO_LIVE_TOO_LONG,
    }
)
"""Faults that a signer with an outdated session may run into; their answers carry fresh session info."""


class MessageRefused(Exception):
    """A message is answered with a fault instead of being executed."""

    def __init__(self, fault: Fault) -> None:
        """Remember the fault to answer with."""
        super().__init__(fault.name)
        self.fault = fault
