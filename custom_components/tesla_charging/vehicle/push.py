"""Applies what one car's push channel delivers to the car's state: records, connections, the stage of the channel."""

from collections import deque
from dataclasses import replace
from typing import Final

from homeassistant.util import dt as dt_util

from ..fleet_api import Connectivity
from ..fleet_telemetry import (
    MAX_CLOCK_AHEAD,
    Alert,
    AlertRecord,
    ConnectivityRecord,
    ErrorRecord,
    Record,
    SignalRecord,
    VehicleError,
    billed_signals,
    settle,
)
from .signals import IN_GEAR
from .state import RECEIVED_GRAIN, UNKNOWN_TIME, VehicleState, pushed_readings
from .telemetry_status import NO_PROBLEM, TelemetryDiagnosis, TelemetryStage

MAX_KEPT: Final = 10
CHARGING_ALERTS: Final = ("BMS_", "CC_", "CHG", "CP_", "HVP_", "PCS_", "UMC_")
"""Prefixes of the names of alerts about charging: battery, wall or mobile connector, charger, charge port, high
voltage, power conversion. Not documented by Tesla; the source is service menus and reports of owners."""
MAX_ERROR_LENGTH: Final = 200


class CarEvents:
    """The last errors and charging alerts of one car since the start."""

    def __init__(self) -> None:
        self._errors: deque[VehicleError] = deque(maxlen=MAX_KEPT)
        self._alerts: deque[Alert] = deque(maxlen=MAX_KEPT)
        self.other_alerts = 0
        """Number of alerts that were not about charging."""

    @property
    def errors(self) -> tuple[VehicleError, ...]:
        """The last errors, oldest first."""
        return tuple(self._errors)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The last charging alerts, started or ended, oldest first."""
        return tuple(self._alerts)

    def add(self, record: AlertRecord | ErrorRecord | ConnectivityRecord) -> str:
        """Store a record; return the error that the car reports in it, "" for none."""
        match record:
            case ErrorRecord(errors=errors) if errors:
                self._errors.extend(errors)
                return f"{errors[-1].name}: {errors[-1].body}"[:MAX_ERROR_LENGTH]
            case AlertRecord(alerts=alerts):
                about_charging = [a for a in alerts if a.name.startswith(CHARGING_ALERTS)]
                self._alerts.extend(about_charging)
                self.other_alerts += len(alerts) - len(about_charging)
        return ""


CLOCK_GRAIN: Final = 1.0
"""Seconds by which the car's time of a push can be too early: some of the car's clients count whole seconds."""


class PushChannel:
    """Keeps what is not part of the state of a car. Each method returns the state after the change."""

    def __init__(self) -> None:
        self.connected = False
        self.pushed_at: float | None = None
        """When the car pushed something last, unix seconds by our clock; None: not since the start."""
        self.pushed: set[str] = set()
        """The signals that the car pushed since it connected."""
        self.events = CarEvents()
        self._streamed: tuple[int, int] | None = None

    def receive(self, state: VehicleState, record: Record, now: float) -> VehicleState:
        """Apply a record. A record that a broker had retained does not show that the car is alive."""
        if not (isinstance(record, SignalRecord) and record.retained):
            self.pushed_at = record.received_at
            if isinstance(record, SignalRecord):
                self._count(state, billed_signals(record))
            state = self._note_received(state, record.received_at)
        if not isinstance(record, SignalRecord):
            return self.report_error(state, self.events.add(record))
        measured_at = _measured_at(record)
        # an assumed value, and one dated ahead, have a time of our clock, a push one of the car's: in whole seconds, and
        # older by the time of transport
        lag = max(0.0, record.received_at - measured_at) + CLOCK_GRAIN
        if record.is_resend or measured_at == UNKNOWN_TIME:
            # it is old, which says nothing about the car's clock
            lag = 0.0
        values = settle(record.values, state.value("DetailedChargeState"))
        ahead = record.ahead if measured_at == record.received_at else 0.0
        readings = pushed_readings(values, measured_at=measured_at, ahead=ahead)
        if not record.retained:
            self.pushed.update(readings)
        state = state.merge(readings, now=now, lag=lag)
        live = record.brokered and not record.retained
        return state.with_broker_time(record.received_at) if live else state

    def _count(self, state: VehicleState, signals: int) -> None:
        """Count signals as Tesla bills them: each value of each message is one signal, also in a message sent again."""
        today = dt_util.now().toordinal()
        day, count = self._streamed or state.streamed
        self._streamed = (today, (count if day == today else 0) + signals)

    def _note_received(
        self, state: VehicleState, at: float, grain: float = RECEIVED_GRAIN
    ) -> VehicleState:
        """Store the moment, and the number of signals until then."""
        noted = state.with_received_at(at, grain)
        if noted is state or self._streamed is None:
            return noted
        return replace(noted, streamed=self._streamed)

    def set_connected(self, state: VehicleState, connected: bool) -> VehicleState:
        """Apply that the car connected (only an awake car does), or disconnected."""
        self.connected = connected
        if not connected:
            if state.value("Gear") in IN_GEAR and "Gear" not in self.pushed:
                # a poll said so, and the car would not have pushed that it was parked
                state = state.with_unknown(("Gear",))
            self.pushed.clear()
        if state.telemetry is not TelemetryStage.OFF:
            state = state.with_stage(
                TelemetryStage.CONNECTED if connected else TelemetryStage.SYNCED
            )
        if connected:
            # the reported error may be over; if not, the car reports it again
            state = state.with_diagnosis(replace(state.diagnosis, reported=""))
            return state.with_connectivity(Connectivity.ONLINE)
        return (
            state if self.pushed_at is None else self._note_received(state, self.pushed_at, grain=0)
        )

    def set_stage(
        self, state: VehicleState, stage: TelemetryStage, diagnosis: TelemetryDiagnosis = NO_PROBLEM
    ) -> VehicleState:
        """Apply the stage of the channel, and its diagnosis. A connection outranks the stage that Tesla reports."""
        state = state.with_stage(TelemetryStage.CONNECTED if self.connected else stage)
        return state.with_diagnosis(replace(diagnosis, reported=state.diagnosis.reported))

    @staticmethod
    def report_error(state: VehicleState, error: str) -> VehicleState:
        """Store the error that the car reports, until the car connects again; "" changes nothing."""
        return state.with_diagnosis(replace(state.diagnosis, reported=error)) if error else state


def _measured_at(record: SignalRecord) -> float:
    """Return when the car measured a record, UNKNOWN_TIME if that is not known."""
    if record.retained:
        return UNKNOWN_TIME
    if not record.is_resend or 0 < record.created_at < record.received_at:
        return record.created_at or record.received_at
    # it was measured before it arrived: without a date nobody knows when, dated ahead at most MAX_CLOCK_AHEAD before
    if 0 < record.ahead < MAX_CLOCK_AHEAD:
        return record.received_at - (MAX_CLOCK_AHEAD - record.ahead)
    return UNKNOWN_TIME
