"""Watches one car for what a person does beside the plan, at every change of the car, and notes it in the car's record."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from homeassistant.util import dt as dt_util

from ..vehicle.state import VehicleState
from .car_record import CarRecord, Mode
from .car_view import charge_view
from .hand_over import STEP, ends_charge, lets_charge, minute_of_week
from .override import START_SLACK, Expected, Override, OverrideKind, detected, is_over
from .presence import is_plugged_in

SLACK: Final = timedelta(seconds=START_SLACK)
SLACK_MINUTES: Final = int(START_SLACK) // 60
ODOMETER: Final = "Odometer"
MOVED: Final = 2.0
"""Miles: a car that has moved was unplugged, also if nobody has seen it. Less may be a late report of the way home."""


class OverrideWatch:
    """What was seen of a car last. Every change has to be shown to it: between two of them it can miss a wish."""

    def __init__(self, state: VehicleState) -> None:
        """Begin with the car as it is: what it does now is nobody's wish."""
        self._seen = charge_view(state)
        self._plugged_at: float | None = None

    def noted(
        self, state: VehicleState, record: CarRecord, now: datetime, *, at_home: bool
    ) -> CarRecord:
        """Return the record with what a person has done since, and without what is over.

        `at_home` is whether the car is plugged in at home.
        """
        plugged_in = is_plugged_in(state)
        if plugged_in is None:  # not known is not unplugged: whatever a person wanted stays
            return record
        before, seconds = self._seen, now.timestamp()
        if plugged_in and not before.plugged_in:
            self._plugged_at = seconds
        after = charge_view(
            state,
            self._plugged_at if plugged_in else None,
            has_charged=before.has_charged and before.plugged_in,
        )
        self._seen = after
        odometer = state.number(ODOMETER)
        has_moved = (
            odometer is not None
            and record.odometer is not None
            and odometer - record.odometer > MOVED
        )
        if has_moved or (before.plugged_in and not plugged_in):
            record = replace(record, paused=False, charge_now=None, verification=None)
            record = replace(record, override=None, odometer=odometer)
        if record.override is not None and is_over(record.override, after, _target(state, record)):
            record = replace(record, override=None)
        if record.mode is Mode.OFF or not at_home:
            return record
        if record.charge_now is not None:
            stopped = record.charge_now.started and before.charging and after.stopped
            return self._overridden(record, OverrideKind.STOP, seconds) if stopped else record
        kind = detected(before, after, self._expected(state, record, now), seconds)
        return record if kind is None else self._overridden(record, kind, seconds)

    def _overridden(self, record: CarRecord, kind: OverrideKind, seconds: float) -> CarRecord:
        return replace(record, charge_now=None, override=Override(kind, seconds))

    def _expected(self, state: VehicleState, record: CarRecord, now: datetime) -> Expected:
        slack = SLACK + STEP
        inside = [one for one in record.blocks if one.start - slack <= now <= one.end + slack]
        well = any(one.start + SLACK <= now <= one.end - SLACK for one in inside)
        minute = minute_of_week(now.astimezone(dt_util.get_default_time_zone()))
        # what the car holds counts as well: it may not have been told of the newest plan
        return Expected(
            may_charge=bool(inside)
            or any(lets_charge(one, minute, SLACK_MINUTES) for one in record.held),
            must_charge=well
            and not record.paused
            and not any(ends_charge(one, minute, SLACK_MINUTES) for one in record.held),
            command=record.command,
            target=_target(state, record),
        )


def _target(state: VehicleState, record: CarRecord) -> float:
    limit = state.number("ChargeLimitSoc")
    return record.target if limit is None else min(record.target, limit)
