"""The errors between the signer and the car, by meaning."""

from typing import ClassVar


class VehicleCommandError(Exception):
    """A command was not confirmed by the car.

    `may_have_executed` is true if the car may have executed the command all the same; only if it is false is it safe to
    repeat the command.
    """

    may_have_executed: ClassVar[bool] = False


class InvalidKey(VehicleCommandError):
    """The text or file is not a key on NIST P-256, the only curve that Tesla accepts."""

    def __init__(self, message: str, reason: str = "wrong_kind") -> None:
        """Create the error; `reason` is one of wrong_kind, not_pem, public_half, password."""
        super().__init__(message)
        self.reason = reason


class AnswerLost(VehicleCommandError):
    """The command was sent, but no answer was received (raised by the transport)."""

    may_have_executed = True


class NotDelivered(VehicleCommandError):
    """The command did not reach the car (raised by the transport, with its own error as the cause)."""


class InvalidAnswer(VehicleCommandError):
    """The answer cannot be the car's answer to this request."""

    may_have_executed = True


class SessionInfoRejected(VehicleCommandError):
    """Session info that must not be trusted: invalid tag, another vehicle key, received too late, or an older clock."""


class HandshakeFailed(VehicleCommandError):
    """No session could be opened with the car, so no command was sent."""


class VehicleFault(VehicleCommandError):
    """The car refused the message itself (`signed_message_fault`), with the fault's number and name."""

    def __init__(self, fault: int, name: str) -> None:
        """Create the error with Tesla's number (0 for a request to wait) and name of the fault."""
        super().__init__(f"{name} ({fault})")
        self.fault = fault
        self.name = name


class KeyNotPaired(VehicleFault):
    """The virtual key is not on the car's keychain."""


class KeyDisabled(VehicleFault):
    """The virtual key is on the keychain, but not active."""


class NotAuthorized(VehicleFault):
    """The key's role, or the car's current state, forbids this command."""


class RemoteAccessDisabled(VehicleFault):
    """The owner switched mobile access off in the car."""


class CommandUnsupported(VehicleFault):
    """The car's firmware does not support this command, or not over the internet."""


class VehicleBusy(VehicleFault):
    """The car cannot accept a command now: it is busy or booting, or its subsystem does not answer."""


class CarUnreachable(VehicleFault):
    """The car's subsystem did not answer in the car's own network in time."""


class SessionOutOfSync(VehicleFault):
    """Session, counter, clock or signature did not match the car's, even with a new session."""


class ProtocolRejected(VehicleFault):
    """The car reports a malformed message: a fault of this software."""


class OutcomeUnknownFault(VehicleFault):
    """The car may have executed the command, but could not answer."""

    may_have_executed = True
