"""Decides which fields are due: on change, never too often, and again after a while."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
import math

from simulator.car.signals import Reading
from simulator.telemetry.config import FieldRule
from simulator.telemetry.fields import (
    DEFAULT_DELTAS,
    DELTA_FROM,
    INCLUDES_FROM,
    LOCATION_DELTA_FROM,
    Firmware,
    firmware_for,
)

_METRES_PER_DEGREE = 111_195.0
_ROUNDING = 1e-9


@dataclass(slots=True)
class _Sent:
    reading: Reading
    at: float


class Schedule:
    """The fields of one configuration. Times are unix seconds of the simulated clock."""

    def __init__(self, fields: Mapping[str, FieldRule], firmware: Firmware) -> None:
        """Begin with nothing sent. What the firmware does not know is left out."""
        rules = {name: _as_understood(name, rule, firmware) for name, rule in fields.items()}
        included = [name for rule in rules.values() for name in rule.include_fields]
        asked = dict.fromkeys([*fields, *included])
        self.unsupported = tuple(name for name in asked if firmware < firmware_for(name))
        self._rules = {name: rule for name, rule in rules.items() if name not in self.unsupported}
        self._sent: dict[str, _Sent] = {}

    @property
    def names(self) -> Iterable[str]:
        """The fields that this car reports."""
        return self._rules.keys()

    @property
    def begun(self) -> bool:
        """Whether anything has been sent since the start."""
        return bool(self._sent)

    def restart(self) -> None:
        """Forget what was sent: a new connection begins with every value."""
        self._sent.clear()

    def open(self, now: float) -> list[str]:
        """Return the fields that may be sent at this moment, if they have something to say."""
        sent = self._sent
        return [
            name
            for name, rule in self._rules.items()
            if name not in sent or now - sent[name].at >= rule.interval_seconds
        ]

    def due(self, readings: Mapping[str, Reading], now: float) -> dict[str, Reading]:
        """Return what has to be sent of these readings, and take it as sent."""
        due = {name: value for name, value in readings.items() if self._is_due(name, value, now)}
        self.take(due, now)
        return due

    def along(self, due: Collection[str]) -> list[str]:
        """Return what goes along with these fields, due or not (`include_fields`)."""
        rules = [self._rules[name] for name in due]
        names = dict.fromkeys(name for rule in rules for name in rule.include_fields)
        return [name for name in names if name not in due and name not in self.unsupported]

    def take(self, readings: Mapping[str, Reading], now: float) -> None:
        """Take these readings as sent."""
        for name, value in readings.items():
            self._sent[name] = _Sent(value, now)

    def _is_due(self, name: str, reading: Reading, now: float) -> bool:
        before, rule = self._sent.get(name), self._rules[name]
        if before is None:
            return True
        resend = rule.resend_interval_seconds
        if resend is not None and now - before.at >= resend:
            return True
        return _changed(before.reading, reading, rule.minimum_delta or 0.0)


def _as_understood(name: str, rule: FieldRule, firmware: Firmware) -> FieldRule:
    """Return the rule as this firmware reads it: older ones know of no delta, resending or including."""
    if firmware < DELTA_FROM:
        return FieldRule(rule.interval_seconds)
    delta = rule.minimum_delta
    if firmware < LOCATION_DELTA_FROM:
        delta = None if name == "Location" else delta
    elif delta is None:
        delta = DEFAULT_DELTAS.get(name)
    included = rule.include_fields if firmware >= INCLUDES_FROM else ()
    return FieldRule(rule.interval_seconds, delta, rule.resend_interval_seconds, included)


def _changed(before: Reading, now: Reading, delta: float) -> bool:
    if before == now or not delta:
        return before != now
    match before, now:
        case (bool(), _) | (_, bool()):
            return True
        case (int() | float() as old, int() | float() as new):
            return abs(new - old) >= delta - _ROUNDING
        case ((north, east), (new_north, new_east)):
            shrink = math.cos(math.radians(north))
            metres = math.hypot(new_north - north, (new_east - east) * shrink) * _METRES_PER_DEGREE
            return metres >= delta
    return True
