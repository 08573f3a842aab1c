"""Decides whether a command would change nothing, by what the car pushes: such a command is not sent and not billed.

Only values that the car pushed over its present connection count, and only after the car had time to correct them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..fleet_api import FleetApiError
from ..vehicle.charge_status import SILENCE
from ..vehicle.push import PushChannel
from ..vehicle.signals import CHARGING
from ..vehicle.state import VehicleState
from ..vehicle_command import (
    CommandRequest,
    CommandResult,
    Outcome,
    Parameters,
    VehicleCommandError,
)
from .queue import Order
from .rate_limit import LimitReached

CONTRADICTION_TIME: Final = 6.5
"""Seconds in which the car can correct a value: 5 until a lost connection is reported as lost (or is back, and the car has
pushed everything again), and the second after which these signals are pushed, with their transmission."""
CHECK_INTERVAL: Final = 0.1
DOUBT: Final = 60.0
"""Seconds after a command with an unknown outcome in which every command is sent: the first one may still arrive."""
LOW_CURRENT: Final = 5
"""What a car makes of a setting up to this depends on the setting before it (vehicle-command, issue 256)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One row: the signals that show that a command would change nothing."""

    signals: tuple[str, ...]
    is_redundant: Callable[[VehicleState, Parameters], bool]


def _has_current(state: VehicleState, parameters: Parameters) -> bool:
    """A car whose setting exceeds the cable's maximum shows the maximum: only below it is the setting known."""
    wanted, maximum = parameters["charging_amps"], state.number("ChargeCurrentRequestMax")
    if maximum is None or not LOW_CURRENT < int(wanted) < maximum:
        return False
    return state.value("ChargeCurrentRequest") == wanted


# Opening the charge port is never redundant: it also releases the cable.
PROOFS: Final[Mapping[str, Proof]] = {
    "charge_start": Proof(
        ("DetailedChargeState",), lambda state, _: state.value("DetailedChargeState") in CHARGING
    ),
    "charge_stop": Proof(
        ("DetailedChargeState",), lambda state, _: state.value("DetailedChargeState") == "Stopped"
    ),
    "set_charge_limit": Proof(
        ("ChargeLimitSoc",),
        lambda state, parameters: state.value("ChargeLimitSoc") == parameters["percent"],
    ),
    "set_charging_amps": Proof(("ChargeCurrentRequest", "ChargeCurrentRequestMax"), _has_current),
    "charge_port_door_close": Proof(
        ("ChargePortDoorOpen",), lambda state, _: state.value("ChargePortDoorOpen") is False
    ),
}


def _is_told_closed(state: VehicleState, _: Parameters) -> bool:
    reading = state.readings.get("ChargePortDoorOpen")
    return reading is not None and reading.value is False and not reading.assumed


ASLEEP_PROOFS: Final[Mapping[str, Callable[[VehicleState, Parameters], bool]]] = {
    "charge_stop": lambda _state, _parameters: True,
    "charge_port_door_close": _is_told_closed,
}
"""What a sleeping car certainly is: it does not charge, and its charge port is as it was reported last."""


class RedundantCommandFilter:
    """Decides for one car. Its line of commands (queue.py) has it decide about one command at a time."""

    def __init__(
        self, push: PushChannel, state: Callable[[], VehicleState], now: Callable[[], float]
    ) -> None:
        """`push` knows which values of `state` the car pushed; `now` returns unix seconds."""
        self._push = push
        self._state = state
        self._now = now
        self._uncertain_until = 0.0

    async def is_redundant(self, order: Order, others_wait: Callable[[], bool]) -> bool:
        """Return whether the command would change nothing, after the car had time to correct its values.

        Commands behind it wait for this decision; if there is one (`others_wait`), the command is sent at once.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + CONTRADICTION_TIME
        while self._seems_redundant(order.request) and not others_wait():
            if (remaining := deadline - clock()) <= 0:
                return True
            async with order.waiting():
                await asyncio.sleep(min(CHECK_INTERVAL, remaining))
        return False

    def is_redundant_asleep(self, request: CommandRequest) -> bool:
        """Return whether the command would certainly change nothing if the car is asleep."""
        proof = ASLEEP_PROOFS.get(request.command.name)
        if proof is None or self._now() < self._uncertain_until:
            return False
        return proof(self._state(), request.parameters)

    async def watch(self, sending: Awaitable[CommandResult]) -> CommandResult:
        """Send a command. For DOUBT after an unknown outcome, no command is redundant."""
        uncertain = True
        try:
            result = await sending
            uncertain = result.outcome is Outcome.UNKNOWN
        except FleetApiError, VehicleCommandError, LimitReached:  # it certainly did not execute
            uncertain = False
            raise
        finally:
            if uncertain:
                self._uncertain_until = self._now() + DOUBT
        return result

    def _seems_redundant(self, request: CommandRequest) -> bool:
        """Return whether the values that the car pushed show that the command changes nothing, for now."""
        proof = PROOFS.get(request.command.name)
        if proof is None or not self._is_streaming():
            return False
        state = self._state()
        return all(self._is_pushed(state, name) for name in proof.signals) and proof.is_redundant(
            state, request.parameters
        )

    def _is_streaming(self) -> bool:
        """Return whether the car is connected and pushed something lately: a stream may stop without a disconnection."""
        now = self._now()
        if not self._push.connected or self._push.pushed_at is None or now < self._uncertain_until:
            return False
        return 0 <= now - self._push.pushed_at <= SILENCE.total_seconds()

    def _is_pushed(self, state: VehicleState, name: str) -> bool:
        """Return whether the car pushed this value itself: a polled one is old, a stored or assumed one uncertain."""
        reading = state.readings.get(name)
        return (
            reading is not None
            and name in self._push.pushed
            and not reading.assumed
            and not reading.outdated
        )
