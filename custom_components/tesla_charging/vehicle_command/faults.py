"""The table of message faults: their meaning, and whether the command may be repeated.

Numbers and remedies: `MessageFault_E` in universal_message.proto; repeatable ones as in `pkg/protocol/error.go`
(both teslamotors/vehicle-command).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from .errors import (
    CarUnreachable,
    CommandUnsupported,
    KeyDisabled,
    KeyNotPaired,
    NotAuthorized,
    OutcomeUnknownFault,
    ProtocolRejected,
    RemoteAccessDisabled,
    SessionOutOfSync,
    VehicleBusy,
    VehicleFault,
)


class Retry(Enum):
    """Under which condition another attempt can succeed."""

    NEVER = "never"
    AFTER_PAUSE = "after_pause"
    """The car did not execute the command; the same message may be accepted after a pause."""
    RESIGN = "resign"
    """The car did not execute the command; it has to be signed again, with the car's current session info."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: Tesla's name, the error to raise, and the remedy."""

    name: str
    error: type[VehicleFault]
    retry: Retry = Retry.NEVER

    def exception(self, number: int) -> VehicleFault:
        """Return the typed error for this fault."""
        return self.error(number, self.name)


FAULTS: dict[int, Fault] = {
    1: Fault("BUSY", VehicleBusy, Retry.AFTER_PAUSE),
    2: Fault("TIMEOUT", CarUnreachable, Retry.AFTER_PAUSE),
    3: Fault("UNKNOWN_KEY_ID", KeyNotPaired),
    4: Fault("INACTIVE_KEY", KeyDisabled),
    5: Fault("INVALID_SIGNATURE", SessionOutOfSync, Retry.RESIGN),
    6: Fault("INVALID_TOKEN_OR_COUNTER", SessionOutOfSync, Retry.RESIGN),
    7: Fault("INSUFFICIENT_PRIVILEGES", NotAuthorized),
    8: Fault("INVALID_DOMAINS", ProtocolRejected),
    9: Fault("INVALID_COMMAND", CommandUnsupported),
    10: Fault("DECODING", ProtocolRejected),
    11: Fault("INTERNAL", VehicleBusy, Retry.AFTER_PAUSE),
    12: Fault("WRONG_PERSONALIZATION", ProtocolRejected),
    13: Fault("BAD_PARAMETER", ProtocolRejected),
    14: Fault("KEYCHAIN_IS_FULL", NotAuthorized),
    15: Fault("INCORRECT_EPOCH", SessionOutOfSync, Retry.RESIGN),
    16: Fault("IV_INCORRECT_LENGTH", ProtocolRejected),
    17: Fault("TIME_EXPIRED", SessionOutOfSync, Retry.RESIGN),
    18: Fault("NOT_PROVISIONED_WITH_IDENTITY", NotAuthorized),
    19: Fault("COULD_NOT_HASH_METADATA", ProtocolRejected),
    20: Fault("TIME_TO_LIVE_TOO_LONG", SessionOutOfSync, Retry.RESIGN),
    21: Fault("REMOTE_ACCESS_DISABLED", RemoteAccessDisabled),
    22: Fault("REMOTE_SERVICE_ACCESS_DISABLED", RemoteAccessDisabled),
    23: Fault("COMMAND_REQUIRES_ACCOUNT_CREDENTIALS", CommandUnsupported),
    24: Fault("REQUEST_MTU_EXCEEDED", ProtocolRejected),
    25: Fault("RESPONSE_MTU_EXCEEDED", OutcomeUnknownFault),
    26: Fault("REPEATED_COUNTER", SessionOutOfSync, Retry.RESIGN),
    27: Fault("INVALID_KEY_HANDLE", ProtocolRejected),
    28: Fault("REQUIRES_RESPONSE_ENCRYPTION", ProtocolRejected),
    29: Fault("COMMAND_REQUIRES_PHYSICAL_PROXIMITY", CommandUnsupported),
}


COUNTER_FAULTS: Final = frozenset({6, 26})
"""The car has already received a message with this counter, or a later one: perhaps this very message."""


def fault_row(number: int) -> Fault:
    """Return the row of a fault; a number that is not in the table is a refusal without a retry."""
    return FAULTS.get(number) or Fault(f"MESSAGE_FAULT_{number}", ProtocolRejected)


WAIT = Fault("OPERATIONSTATUS_WAIT", VehicleBusy, Retry.AFTER_PAUSE)
"""Not a fault, but `operation_status` 1: the car is busy or still waking up."""
