"""Tesla's vehicle command protocol: charge commands that the car itself verifies.

This library signs a command, passes the message to a transport and reads the car's answer. It depends neither on HTTP
nor on Home Assistant.
"""

from .commands import (
    COMMANDS,
    LAST_MINUTE,
    MAX_SCHEDULE_ID,
    MAX_SCHEDULE_NAME,
    Command,
    CommandRequest,
)
from .errors import (
    AnswerLost,
    CarUnreachable,
    CommandUnsupported,
    HandshakeFailed,
    InvalidAnswer,
    InvalidKey,
    KeyDisabled,
    KeyNotPaired,
    NotAuthorized,
    NotDelivered,
    ProtocolRejected,
    RemoteAccessDisabled,
    SessionInfoRejected,
    SessionOutOfSync,
    VehicleBusy,
    VehicleCommandError,
    VehicleFault,
)
from .parameters import DAYS, InvalidParameter, Parameter, Parameters
from .results import CommandResult, Outcome
from .sender import CommandSender, Transport
from .session import Domain, InvalidSessionState, Session, SessionState
from .virtual_key import VirtualKey, public_point

__all__ = [
    "COMMANDS",
    "DAYS",
    "LAST_MINUTE",
    "MAX_SCHEDULE_ID",
    "MAX_SCHEDULE_NAME",
    "AnswerLost",
    "CarUnreachable",
    "Command",
    "CommandRequest",
    "CommandResult",
    "CommandSender",
    "CommandUnsupported",
    "Domain",
    "HandshakeFailed",
    "InvalidAnswer",
    "InvalidKey",
    "InvalidParameter",
    "InvalidSessionState",
    "KeyDisabled",
    "KeyNotPaired",
    "NotAuthorized",
    "NotDelivered",
    "Outcome",
    "Parameter",
    "Parameters",
    "ProtocolRejected",
    "RemoteAccessDisabled",
    "Session",
    "SessionInfoRejected",
    "SessionOutOfSync",
    "SessionState",
    "Transport",
    "VehicleBusy",
    "VehicleCommandError",
    "VehicleFault",
    "VirtualKey",
    "public_point",
]
