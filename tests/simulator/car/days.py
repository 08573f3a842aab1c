"""A car at home on a given day, and what its owner and its clock do."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulator import Car
from simulator.car import CommandReply
from simulator.car.habits import Habit
from simulator.clock import SimulatedClock

from ..by_hand import VIN

HOME = (52.37403, 4.88969)
ELSEWHERE = (52.09083, 5.12222)
ZONE = "Europe/Amsterdam"
MONDAY = "2027-01-11"
HOUR = 3600.0
KW = 3 * 230 * 16 / 1000
"""What the car draws from three phases."""
USUAL: dict[str, Any] = {
    "protocol": "not_supported",
    "battery_kwh": 200.0,
    "battery_level": 30.0,
    "home": HOME,
}
"""A car that needs almost ten hours to its limit."""


class Days:
    """A car, and its clock as it is told at its place."""

    def __init__(self, at: str, *readings: Habit, zone: str = ZONE, **settings: Any) -> None:
        self.zone = ZoneInfo(zone)
        self.clock = SimulatedClock(start=self.unix(at))
        settings = USUAL | {"time_zone": zone} | settings
        self.car = Car(VIN, name="Pearl", clock=self.clock, quirks=readings, **settings)

    def unix(self, at: str) -> float:
        """Return the unix time of a local time: "2027-01-11 22:00", or of the present day: "22:00"."""
        day = "" if " " in at else f"{self.now:%Y-%m-%d} "
        return datetime.fromisoformat(day + at).replace(tzinfo=self.zone).timestamp()

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), self.zone)

    def until(self, at: str) -> None:
        """Let time pass until a local time; of a time of the day the next one."""
        target = self.unix(at)
        if " " not in at and target <= self.clock.now():
            target += 24 * HOUR
        self.clock.advance(max(0.0, target - self.clock.now() + 1))

    def hours(self, hours: float) -> None:
        self.clock.advance(hours * HOUR)

    def add(self, start: str | None = None, end: str | None = None, **told: object) -> CommandReply:
        """Add a charge schedule at home, every day unless told otherwise."""
        body: dict[str, object] = {
            "id": 7,
            "days_of_week": "All",
            "enabled": True,
            "start_enabled": start is not None,
            "end_enabled": end is not None,
            "lat": HOME[0],
            "lon": HOME[1],
        }
        body |= {"start_time": minutes(start)} if start is not None else {}
        body |= {"end_time": minutes(end)} if end is not None else {}
        return self.car.rest_command("add_charge_schedule", body | told)

    def once(self, start: str | None = None, end: str | None = None, **told: object) -> None:
        assert self.add(start, end, one_time=True, **told).result

    def send(self, name: str, **body: object) -> CommandReply:
        return self.car.rest_command(name, body)

    def condition(self, at: str, **told: object) -> CommandReply:
        """Add a preconditioning schedule at home."""
        body: dict[str, object] = {
            "id": 9,
            "days_of_week": "All",
            "enabled": True,
            "precondition_time": minutes(at),
            "lat": HOME[0],
            "lon": HOME[1],
        }
        return self.car.rest_command("add_precondition_schedule", body | told)

    @property
    def state(self) -> str:
        return self.car.snapshot().charging_state

    @property
    def reach(self) -> str:
        """Say whether the car is online or asleep; anew each time."""
        return self.car.state

    @property
    def entries(self) -> list[dict[str, Any]]:
        section = self.section("charge_schedule_data")
        entries = section["charge_schedules"]
        assert isinstance(entries, list)
        return entries

    def section(self, name: str) -> dict[str, Any]:
        return self.car.vehicle_data(frozenset({name}))[name]

    def drawn(self, start: str, end: str) -> float:
        """Return for how many hours at full current it drew power between two local times, to half a minute."""
        since, until = (self.clock.physics_at(self.unix(at)) for at in (start, end))
        return round(self.car.ac_kwh_between(since, until) / KW, 2)


def minutes(at: str) -> int:
    hour, minute = at.split(":")
    return int(hour) * 60 + int(minute)
