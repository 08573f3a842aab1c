"""What one car's push channel tells, turned into the car's state: records, connections, how far it has come."""

from collections import deque
from dataclasses import replace
from typing import Final

from homeassistant.util import dt as dt_util

from ..fleet_api import Connectivity
from ..fleet_telemetry import (
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
from .state import RECEIVED_GRAIN, UNKNOWN_TIME, VehicleState, pushed_readings
from .telemetry_status import NO_PROBLEM, TelemetryDiagnosis, TelemetryStage

MAX_KEPT: Final = 10
CHARGING_ALERTS: Final = ("BMS_", "CC_", "CHG", "CP_", "HVP_", "PCS_", "UMC_")
"""How the names of alerts begin that come from what charges: battery, wall or mobile connector, charger, charge port,
high voltage, power conversion. Not documented by Tesla; service menus and owners' reports name them so."""
MAX_ERROR_LENGTH: Final = 200


class CarEvents:
    """The last errors and charging alerts of one car since the start."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._errors: deque[VehicleError] = deque(maxlen=MAX_KEPT)
        self._alerts: deque[Alert] = deque(maxlen=MAX_KEPT)
        self.other_alerts = 0
        """How many came that have nothing to do with charging."""

    @property
    def errors(self) -> tuple[VehicleError, ...]:
        """The last errors, oldest first."""
        return tuple(self._errors)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The last charging alerts, begun or ended, oldest first."""
        return tuple(self._alerts)

    def add(self, record: AlertRecord | ErrorRecord | ConnectivityRecord) -> str:
        """Note a record; return what the car complains about in it, "" for nothing."""
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
"""Seconds by which the car's time of a push can be too early: some of its clients count whole seconds."""


class PushChannel:
    """Remembers what is no part of the state; every method returns the state after what it is told."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.connected = False
        self.pushed_at: float | None = None
        """When the car pushed something last since the start, unix seconds by our clock."""
        self.pushed: set[str] = set()
        """The signals that it pushed since it connected."""
        self.events = CarEvents()
        self._streamed: tuple[int, int] | None = None

    def receive(self, state: VehicleState, record: Record, now: float) -> VehicleState:
        """Take a record in. What a broker had kept is no sign of life."""
        if isinstance(record, SignalRecord) and record.retained:
            measured_at, lag = UNKNOWN_TIME, 0.0
        else:
            self.pushed_at = record.received_at
            if isinstance(record, SignalRecord):
                self._count(state, billed_signals(record))
            state = self._note_received(state, record.received_at)
            measured_at = record.created_at or record.received_at
            # an assumption lives on our clock, a push on the car's: whole seconds, and behind by its way here
            lag = max(0.0, record.received_at - measured_at) + CLOCK_GRAIN
            if (
                isinstance(record, SignalRecord)
                and record.is_resend
                and record.created_at == record.received_at
            ):
                # when it was measured is not known, but that it is no news
                measured_at, lag = UNKNOWN_TIME, 0.0
        if not isinstance(record, SignalRecord):
            return self.report_error(state, self.events.add(record))
        values = settle(record.values, state.value("DetailedChargeState"))
        readings = pushed_readings(values, measured_at=measured_at)
        if not record.retained:
            self.pushed.update(readings)
        state = state.merge(readings, now=now, lag=lag)
        live = record.brokered and not record.retained
        return state.with_broker_time(record.received_at) if live else state

    def _count(self, state: VehicleState, signals: int) -> None:
        """Count signals as Tesla bills them: one value in one message is one; also what is sent again."""
        today = dt_util.now().toordinal()
        day, count = self._streamed or state.streamed
        self._streamed = (today, (count if day == today else 0) + signals)

    def _note_received(
        self, state: VehicleState, at: float, grain: float = RECEIVED_GRAIN
    ) -> VehicleState:
        """Note the moment, and what was counted until then."""
        noted = state.with_received_at(at, grain)
        if noted is state or self._streamed is None:
            return noted
        return replace(noted, streamed=self._streamed)

    def set_connected(self, state: VehicleState, connected: bool) -> VehicleState:
        """Note that the car connected, which it does only awake, or that it is gone."""
        self.connected = connected
        if not connected:
            self.pushed.clear()
        if state.telemetry is not TelemetryStage.OFF:
            state = state.with_stage(
                TelemetryStage.CONNECTED if connected else TelemetryStage.SYNCED
            )
        if connected:
            # what it complained about may be over; if not, it says so again
            state = state.with_diagnosis(replace(state.diagnosis, reported=""))
            return state.with_connectivity(Connectivity.ONLINE)
        return (
            state if self.pushed_at is None else self._note_received(state, self.pushed_at, grain=0)
        )

    def set_stage(
        self, state: VehicleState, stage: TelemetryStage, diagnosis: TelemetryDiagnosis = NO_PROBLEM
    ) -> VehicleState:
        """Note how far the channel has come, and why no further; a connection outranks what Tesla tells."""
        state = state.with_stage(TelemetryStage.CONNECTED if self.connected else stage)
        return state.with_diagnosis(replace(diagnosis, reported=state.diagnosis.reported))

    @staticmethod
    def report_error(state: VehicleState, error: str) -> VehicleState:
        """Note what the car complains about, until it connects again; "" is nothing new."""
        return state.with_diagnosis(replace(state.diagnosis, reported=error)) if error else state
