"""Whether a command would change nothing, as the car itself tells: then it is not sent, and costs nothing.

Only what the car pushed over a connection that stands is believed, never what was polled (old when it comes), remembered
or assumed. Before a command is left out, the car gets time to contradict: what somebody else changed a moment ago may
still be on its way. So at the end of that time the car is known to have been as wanted since the command came.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..vehicle.charge_status import CHARGING, SILENCE
from ..vehicle.push import PushChannel
from ..vehicle.state import VehicleState
from ..vehicle_command import CommandRequest, CommandResult, Outcome, Parameters

CONTRADICTION_TIME: Final = 6.5
"""Seconds in which the car can contradict: 5 until a lost connection is told as one (or is back, and the car has said
everything anew), and the second after which these signals come, with their way here."""
CHECK_INTERVAL: Final = 0.1
DOUBT: Final = 60.0
"""Seconds after a command with an unknown outcome in which nothing is left out: it may still arrive."""
LOW_CURRENT: Final = 5
"""What a car makes of a setting up to this depends on what it was told before (vehicle-command, issue 256)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One row: the signals that tell that a command would change nothing."""

    signals: tuple[str, ...]
    is_so: Callable[[VehicleState, Parameters], bool]


def _is_current(state: VehicleState, parameters: Parameters) -> bool:
    """A car whose setting exceeds the cable's maximum shows the maximum: only below it is the setting known."""
    wanted, maximum = parameters["charging_amps"], state.number("ChargeCurrentRequestMax")
    if maximum is None or not LOW_CURRENT < int(wanted) < maximum:
        return False
    return state.value("ChargeCurrentRequest") == wanted


# Opening the charge port is never in vain: it also releases the cable.
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
    "set_charging_amps": Proof(("ChargeCurrentRequest", "ChargeCurrentRequestMax"), _is_current),
    "charge_port_door_close": Proof(
        ("ChargePortDoorOpen",), lambda state, _: state.value("ChargePortDoorOpen") is False
    ),
}


class RedundantCommandFilter:
    """Decides for one car; commands pass one after the other, in the order in which they came."""

    def __init__(
        self, push: PushChannel, state: Callable[[], VehicleState], now: Callable[[], float]
    ) -> None:
        """Decide by what `push` brings into `state`; `now` is unix seconds."""
        self._push = push
        self._state = state
        self._now = now
        self._door = asyncio.Lock()
        self._coming: list[CommandRequest] = []
        self._under_way = 0
        self._doubt_until = 0.0

    async def is_redundant(self, request: CommandRequest) -> bool:
        """Return whether the car is as wanted, after it had time to contradict. Commands that follow wait behind."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + CONTRADICTION_TIME
        self._coming.append(request)
        try:
            async with self._door:
                while self._is_so(request):
                    if any(other != request for other in self._coming):
                        return False  # it must not wait for this one
                    if (remaining := deadline - clock()) <= 0:
                        return True
                    await asyncio.sleep(min(CHECK_INTERVAL, remaining))
                return False
        finally:
            self._coming.remove(request)

    async def under_way(self, sending: Awaitable[CommandResult]) -> CommandResult:
        """Send a command; meanwhile, and while it is not certain what became of it, nothing is left out."""
        self._under_way += 1
        doubtful = True
        try:
            result = await sending
            doubtful = result.outcome is Outcome.UNKNOWN
        finally:
            self._under_way -= 1
            if doubtful:
                self._doubt_until = self._now() + DOUBT
        return result

    def _is_so(self, request: CommandRequest) -> bool:
        told = PROOFS.get(request.command.name)
        if told is None or self._under_way or not self._is_streaming():
            return False
        state = self._state()
        return all(self._is_pushed(state, name) for name in told.signals) and told.is_so(
            state, request.parameters
        )

    def _is_streaming(self) -> bool:
        """Whether the car is connected, and said something not long ago: streams are known to fall silent."""
        now = self._now()
        if not self._push.connected or self._push.pushed_at is None or now < self._doubt_until:
            return False
        return 0 <= now - self._push.pushed_at <= SILENCE.total_seconds()

    def _is_pushed(self, state: VehicleState, name: str) -> bool:
        reading = state.readings.get(name)
        return (
            reading is not None
            and name in self._push.pushed
            and not reading.assumed
            and not reading.outdated
        )
