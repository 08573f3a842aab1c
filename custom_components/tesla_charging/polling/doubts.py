"""Finds values that cannot be right any more, by others that are newer: a push was lost, or this firmware never sends one.

What is in doubt is requested once. If the answer does not settle it, or no request is possible, it is not known.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..vehicle.charge_flow import POWER_SIGNALS, PUSHED_POWER, is_flowing, is_power_unlike_current
from ..vehicle.push import PushChannel
from ..vehicle.signals import CHARGING, IN_GEAR, NOT_CHARGING, SignalValue
from ..vehicle.state import Readings, VehicleState

STATE: Final = "DetailedChargeState"
FLOW: Final = (*POWER_SIGNALS, "ChargeAmps", "ChargerVoltage")
PLUGGED_IN: Final = frozenset({"NoPower", "Complete", "Stopped", *CHARGING, "Calibrating"})

PATIENCE: Final = 100.0
"""Seconds for which a doubt has to last: fields of one change are pushed up to a minute apart."""
GIVE_UP: Final = 900.0
"""Seconds after which a value that was in doubt all the time, and could not be requested, is not known."""
REQUEST_PAUSE: Final = 600.0
"""Seconds between two requests because of the same doubt, if it ceased meanwhile."""
DRIFT: Final = 5.0
"""Percent by which the battery level may change while another measure of the same energy is not reported."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two facts that cannot both be true; the one that was measured earlier is in doubt.

    Without `that`, `this` is in doubt whenever it was measured.
    """

    name: str
    applies: Callable[[VehicleState], bool]
    this: tuple[str, ...]
    that: tuple[str, ...]


def _charging_state(state: VehicleState, among: Collection[str]) -> bool:
    return state.value(STATE) in among


CONTRADICTIONS: Final = (
    Contradiction(
        "flows_without_charging",
        lambda state: _charging_state(state, NOT_CHARGING) and is_flowing(state) is True,
        (STATE,),
        FLOW,
    ),
    Contradiction(
        # a push that says Starting is the last one of some firmware (fleet-telemetry#413)
        "flows_while_starting",
        lambda state: state.value(STATE) == "Starting" and is_flowing(state) is True,
        (STATE,),
        (),
    ),
    Contradiction(
        "charges_without_flow",
        lambda state: state.value(STATE) == "Charging" and is_flowing(state) is False,
        (STATE,),
        FLOW,
    ),
    Contradiction(
        "power_of_another_current",
        is_power_unlike_current,
        ("ACChargingPower",),
        ("ChargeAmps",),
    ),
    Contradiction(
        "plugged_in_behind_closed_door",
        lambda state: (
            _charging_state(state, PLUGGED_IN) and state.value("ChargePortDoorOpen") is False
        ),
        (STATE,),
        ("ChargePortDoorOpen",),
    ),
    Contradiction(
        "plugged_in_while_driven",
        lambda state: _charging_state(state, PLUGGED_IN) and state.value("Gear") in IN_GEAR,
        (STATE,),
        ("Gear",),
    ),
    Contradiction(
        "cable_without_plug",
        lambda state: (
            state.value(STATE) == "Disconnected" and state.value("ChargingCableType") is not None
        ),
        (STATE,),
        ("ChargingCableType",),
    ),
)
MEASURES_OF_ENERGY: Final = (
    "RatedRange",
    "EstBatteryRange",
    "IdealBatteryRange",
    "Soc",
    "EnergyRemaining",
)
"""They change whenever the battery level does. An update can end one of them (core#170998, teslamate#5298)."""
MAY_CEASE: Final = frozenset({*MEASURES_OF_ENERGY, "ACChargingPower", "ChargeAmps"})
"""What is requested once for each firmware: if it is in doubt again, that firmware does not send it."""
SCHEDULE_MODE: Final = "ScheduledChargingMode"
OF_SCHEDULE: Final = ("scheduled_departure_time", "charge_schedules")
"""They are only polled. Whoever changes the mode, which is pushed, sets them, too."""
NOT_SENT: Final = "not_sent"
ALWAYS_SENT: Final = frozenset({STATE, "BatteryLevel", "ChargeLimitSoc", "ChargePortDoorOpen"})
"""What a car that connects sends in any case: none of them is ever without a value."""


@dataclass(slots=True)
class _Doubt:
    """One thing that is in doubt; times are unix seconds by our clock."""

    since: float
    suspects: tuple[str, ...]
    """The signals in doubt: those that were measured earlier when it began."""
    requested: bool = False
    requestable: bool = True
    """False if the same was requested before in vain: this firmware does not send it."""


@dataclass(slots=True)
class Doubts:
    """What is in doubt of one car."""

    _doubts: dict[str, _Doubt] = field(default_factory=dict)
    _requested_at: dict[str, float] = field(default_factory=dict)
    _anchors: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By measure of energy: when it was measured, and the battery level then."""
    _modes: dict[str, tuple[float, SignalValue]] = field(default_factory=dict)
    """By signal of OF_SCHEDULE: when it was measured, and the mode then."""
    _drift_requested: set[tuple[str, SignalValue | None]] = field(default_factory=set)
    """The signals of MAY_CEASE that were requested, with the firmware that did not send them."""
    _was_connected: bool = False

    def review(
        self, state: VehicleState, push: PushChannel, shown: Collection[str], now: float
    ) -> VehicleState:
        """Return the state, without the values that are in doubt and could not be requested.

        `shown` names the signals that somebody sees: others are not worth a request.
        """
        found = self._found(state, push, shown)
        self._doubts = {
            name: self._doubts.get(name) or self._doubt(state, suspects, now)
            for name, suspects in found.items()
        }
        for doubt in self._doubts.values():
            # also if our clock was set back since
            doubt.since = min(doubt.since, now)
        lost: set[str] = set()
        for doubt in self._doubts.values():
            if not doubt.requested and now - doubt.since >= (
                GIVE_UP if doubt.requestable else PATIENCE
            ):
                doubt.requested = True
                lost.update(doubt.suspects)
        return state.with_unknown(name for name in sorted(lost) if state.value(name) is not None)

    def _doubt(self, state: VehicleState, suspects: tuple[str, ...], now: float) -> _Doubt:
        version = state.value("Version")
        in_vain = all((suspect, version) in self._drift_requested for suspect in suspects)
        return _Doubt(now, suspects, requestable=not in_vain)

    def is_request_due(self, now: float) -> bool:
        """Return whether something has been in doubt for long enough to be requested."""
        return any(self._is_due(name, doubt, now) for name, doubt in self._doubts.items())

    def record_answer(self, state: VehicleState, answer: Readings, now: float) -> VehicleState:
        """Return the state after an answer, without the values in doubt that the answer does not contain."""
        lost: set[str] = set()
        for name, doubt in self._doubts.items():
            if not doubt.requested:
                doubt.requested = True
                self._requested_at[name] = now
                lost.update(doubt.suspects)
                self._drift_requested.update(
                    (suspect, state.value("Version"))
                    for suspect in doubt.suspects
                    if suspect in MAY_CEASE
                )
        lost.difference_update(name for name, reading in answer.items() if not reading.unknown)
        if "charger_power" in answer and not answer["charger_power"].unknown:
            # the same facts under another name
            lost.difference_update(PUSHED_POWER)
        return state.with_unknown(sorted(lost))

    def _is_due(self, name: str, doubt: _Doubt, now: float) -> bool:
        last = self._requested_at.get(name)
        return (
            not doubt.requested
            and doubt.requestable
            and now - doubt.since >= PATIENCE
            and (last is None or not 0 <= now - last < REQUEST_PAUSE)
        )

    def _found(
        self, state: VehicleState, push: PushChannel, shown: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        """Return what is in doubt: by its name, the signals that were measured earlier."""
        found = {
            row.name: suspects
            for row in CONTRADICTIONS
            if row.applies(state)
            and (row.name in self._doubts or _earlier(state, row.this, row.that))
            and (suspects := _earlier(state, row.this, row.that) or row.this)
        }
        found |= self._not_sent(push, shown)
        for name in (*self._drifted(state, push, shown), *self._rescheduled(state, shown)):
            found[f"drift_{name}"] = (name,)
        return found

    def _rescheduled(self, state: VehicleState, shown: Collection[str]) -> list[str]:
        """Return what is of a schedule and was polled before its mode changed."""
        mode = state.value(SCHEDULE_MODE)
        rescheduled: list[str] = []
        for name in OF_SCHEDULE:
            reading = state.readings.get(name)
            if mode is None or reading is None or reading.unknown or name not in shown:
                continue
            then = self._modes.get(name)
            if then is None or then[0] != reading.measured_at:
                self._modes[name] = (reading.measured_at, mode)
            elif then[1] != mode:
                # also if the mode is soon the same again
                self._modes[name] = (reading.measured_at, "")
                rescheduled.append(name)
        return rescheduled

    def _not_sent(self, push: PushChannel, shown: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the charging state if the car sends everything but that since it connected."""
        is_new = push.connected and not self._was_connected
        self._was_connected = push.connected
        if is_new:
            self._doubts.pop(NOT_SENT, None)
        if not push.connected or STATE not in shown or STATE in push.pushed:
            return {}
        return {NOT_SENT: (STATE,)} if ALWAYS_SENT & push.pushed else {}

    def _drifted(self, state: VehicleState, push: PushChannel, shown: Collection[str]) -> list[str]:
        """Return the measures of energy that were not reported while the battery level changed."""
        level = state.number("BatteryLevel")
        drifted: list[str] = []
        for name in MEASURES_OF_ENERGY:
            reading = state.readings.get(name)
            if level is None or reading is None or reading.value is None or name not in shown:
                self._anchors.pop(name, None)
                continue
            measured_at, level_then = self._anchors.setdefault(name, (reading.measured_at, level))
            if measured_at != reading.measured_at:
                self._anchors[name] = (reading.measured_at, level)
            elif abs(level - level_then) >= DRIFT and name not in state.diagnosis.left_out:
                drifted.append(name)
        return drifted


def _earlier(state: VehicleState, this: tuple[str, ...], that: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of two groups of signals was measured earlier; none if they are of the same moment."""
    if not that:
        return this
    newest = [
        max((state.measured_at(name) or 0.0 for name in group), default=0.0)
        for group in (this, that)
    ]
    if newest[0] == newest[1]:
        return ()
    return this if newest[0] < newest[1] else that
