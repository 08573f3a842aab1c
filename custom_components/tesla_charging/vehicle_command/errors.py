"""What can go wrong between the signer and the car, by meaning."""

from typing import ClassVar


class VehicleCommandError(Exception):
    """A command was not confirmed by the car.

    `may_have_executed` tells whether the car may have carried the command out all the same; only when it
    is False can the command be repeated without a second thought.
    """

    may_have_executed: ClassVar[bool] = False


class InvalidKey(VehicleCommandError):
    """The text or file is no key on NIST P-256, the only curve Tesla accepts."""

    def __init__(self, message: str, reason: str = "wrong_kind") -> None:
        """Say what is wrong; `reason` is one of wrong_kind, not_pem, public_half, password."""
        super().__init__(message)
        self.reason = reason


class AnswerLost(VehicleCommandError):
    """The command left, and its answer never came (raised by the transport)."""

    may_have_executed = True


class NotDelivered(VehicleCommandError):
    """The command never reached the car (raised by the transport, whose own error is its cause)."""


class InvalidAnswer(VehicleCommandError):
    """The answer is not one that the car can have given to this request."""

    may_have_executed = True


class SessionInfoRejected(VehicleCommandError):
    """Session info that must not be believed: bad tag, foreign, stale, or from before what we know."""


class HandshakeFailed(VehicleCommandError):
    """No session could be opened with the car, so nothing was commanded."""


class VehicleFault(VehicleCommandError):
    """The car refused the message itself (`signed_message_fault`), with the fault's number and name."""

    def __init__(self, fault: int, name: str) -> None:
        """Remember Tesla's number (0 for a mere request to wait) and name of the fault."""
        super().__init__(f"{name} ({fault})")
        self.fault = fault
        self.name = name


class KeyNotPaired(VehicleFault):
    """The virtual key is not on the car's keychain."""


class KeyDisabled(VehicleFault):
    """The virtual key is on the keychain, but not active."""


class NotAuthorized(VehicleFault):
    """The key's role, or the state that the car is in, forbids this command."""


class RemoteAccessDisabled(VehicleFault):
    """The owner switched mobile access off in the car."""


class CommandUnsupported(VehicleFault):
    """The car's firmware does not know this command, or not over the internet."""


class VehicleBusy(VehicleFault):
    """The car cannot take a command just now: busy, booting, or its subsystem is silent."""


class CarUnreachable(VehicleFault):
    """The car's subsystem did not answer its own network in time."""


class SessionOutOfSync(VehicleFault):
    """Session, counter, clock or signature did not match the car's, even after a fresh start."""


class ProtocolRejected(VehicleFault):
    """The car calls the message malformed: a fault of this software."""


class OutcomeUnknownFault(VehicleFault):
    """The car may have carried the command out, but could not answer."""

    may_have_executed = True
