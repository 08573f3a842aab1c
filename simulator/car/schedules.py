"""Schedules a car was told. It stores and shows them; it does not act on them yet."""

from dataclasses import dataclass, field

from simulator.car.firmware import is_at_least

type Schedule = dict[str, object]

#: From this firmware on a car has schedules; before, only one time to charge or to depart.
SCHEDULES_FROM = (2024, 26)


def has_schedules(firmware: str) -> bool:
    """Say whether a firmware has charge and preconditioning schedules."""
    return is_at_least(firmware, SCHEDULES_FROM)


@dataclass(slots=True)
class ScheduledCharging:
    """The older, single settings shown in charge_state (minutes after local midnight)."""

    mode: str = "Off"
    start_minutes: int | None = None
    departure_minutes: int = 480
    departure_set_at: float | None = None
    """When a person last set it, in unix seconds."""
    preconditioning_enabled: bool = False
    preconditioning_times: str = "all_week"
    off_peak_charging_enabled: bool = False
    off_peak_charging_times: str = "all_week"
    off_peak_hours_end_minutes: int = 360


@dataclass(slots=True)
class Schedules:
    """Everything about time that a car was told."""

    legacy: ScheduledCharging = field(default_factory=ScheduledCharging)
    charge: dict[int, Schedule] = field(default_factory=dict)
    precondition: dict[int, Schedule] = field(default_factory=dict)
