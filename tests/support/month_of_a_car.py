"""Thirty days of a car that does not exist, and those who ask it: what they pay, and how old is what they show.

No HTTP and no Home Assistant: the car is a timeline, and the decision when to ask is called as the coordinator calls
it. Times are unix seconds.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
import random
from typing import Any, Literal

from custom_components.tesla_charging.fleet_api import Connectivity
from custom_components.tesla_charging.polling.decision import PollTarget
from custom_components.tesla_charging.polling.observations import PollObservations
from custom_components.tesla_charging.polling.usage_pattern import UsagePattern
from custom_components.tesla_charging.vehicle.location import UNKNOWN_PROXIMITY, HomeProximity
from custom_components.tesla_charging.vehicle.push import PushChannel
from custom_components.tesla_charging.vehicle.state import VehicleState, readings_of

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MONDAY = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
PACK, MILES_PER_PERCENT = 75.0, 3.0
"""kWh, and the rated range."""
LOSS = 0.92
"""What of a charger's power reaches the battery."""
CORE_INTERVAL = 600.0
"""How often Home Assistant's own integration asks a car that is awake (tesla_fleet, VEHICLE_INTERVAL)."""
SAMPLE = 20.0

type Kind = Literal["drive", "charge", "visit"]


@dataclass(frozen=True, slots=True)
class Doing:
    """Something that keeps the car awake; percent per second that the level changes by."""

    start: float
    end: float
    kind: Kind
    level: float
    rate: float
    state: str
    """The charging state meanwhile."""
    after: str
    """The same when it is over."""
    limit: int = 80


@dataclass
class Timeline:
    """What a car does in a month, if nobody asks it."""

    doings: list[Doing] = field(default_factory=list)
    level: float = 71.0
    sleep_after: float = 15 * MINUTE
    sentry: bool = False
    """Whether it never sleeps, and why."""
    tells_sentry: bool = True
    kept_by_asking: bool = True
    """Older cars do not fall asleep while they are asked, newer ones do: nobody may rely on either."""

    def drive(self, start: float, miles: float, mph: float = 35) -> float:
        """Return when it is there."""
        percent = min(miles / MILES_PER_PERCENT, self.level - 5)
        return self._do("drive", start, miles / mph * HOUR, -percent, "Disconnected")

    def plug_in(self, start: float) -> float:
        """Plug in where there is no power yet."""
        return self._do("visit", start, 1.0, 0.0, "NoPower")

    def unplug(self, start: float) -> float:
        """Unplug without driving away."""
        return self._do("visit", start, 1.0, 0.0, "Disconnected")

    def charge(self, start: float, kw: float, limit: int = 80, minutes: float = 9999.0) -> float:
        """Charge to a limit, or so long; return when that is over."""
        rate = kw * LOSS / PACK * 100 / HOUR
        seconds = min((limit - self.level) / rate, minutes * MINUTE)
        if seconds <= 0:
            return start
        return self._do("charge", start, seconds, seconds * rate, "Charging", "Complete", limit)

    def visit(self, start: float) -> float:
        """Somebody looks into the app."""
        state = self.doings[-1].after if self.doings else "Disconnected"
        return self._do("visit", start, 1.0, 0.0, state)

    def _do(
        self,
        kind: Kind,
        start: float,
        seconds: float,
        percent: float,
        state: str,
        after: str | None = None,
        limit: int = 80,
    ) -> float:
        assert not self.doings or start >= self.doings[-1].end, "one thing after the other"
        end, rate = start + seconds, percent / seconds
        doing = Doing(start, end, kind, self.level, rate, state, after or state, limit)
        self.doings.append(doing)
        self.level += percent
        return end


class Car:
    """A timeline as somebody sees it who asks."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.doings = timeline.doings
        self.starts = [doing.start for doing in self.doings]
        self.touched_at = 0.0
        self.asks = 0
        self.needless = 0.0

    def doing(self, now: float) -> Doing:
        """What it does now, or did last."""
        return self.doings[max(0, bisect_right(self.starts, now) - 1)]

    def busy(self, now: float) -> bool:
        doing = self.doing(now)
        return doing.start <= now < doing.end

    def awake(self, now: float) -> bool:
        since = max(self.doing(now).end, self.touched_at)
        return self.timeline.sentry or self.busy(now) or now - since < self.timeline.sleep_after

    def level(self, now: float) -> int:
        doing = self.doing(now)
        return int(doing.level + doing.rate * (min(now, doing.end) - doing.start) + 1e-6)

    def charging(self, now: float) -> bool:
        return self.busy(now) and self.doing(now).kind == "charge"

    def charging_state(self, now: float) -> str:
        doing = self.doing(now)
        return doing.state if now < doing.end else doing.after

    def changes(self) -> list[float]:
        """When its charging state became another one."""
        found, before = [], "Disconnected"
        for doing in self.doings:
            for moment, state in ((doing.start, doing.state), (doing.end, doing.after)):
                if state != before:
                    found.append(moment)
                before = state
        return found

    def ask(self, now: float) -> dict[str, dict[str, Any]]:
        """Answer as `vehicle_data`."""
        assert self.awake(now), "a question that is billed for nothing"
        doing, timeline = self.doing(now), self.timeline
        self.asks += 1
        if timeline.kept_by_asking and not timeline.sentry and not self.busy(now):
            until = max(doing.end, self.touched_at) + timeline.sleep_after
            after = bisect_right(self.starts, now)
            comes = self.starts[after] if after < len(self.starts) else float("inf")
            self.needless += max(0.0, min(now + timeline.sleep_after, comes) - until)
            self.touched_at = now
        exact = doing.level + doing.rate * (min(now, doing.end) - doing.start)
        driving = self.busy(now) and doing.kind == "drive"
        driven = sum(
            min(now, one.end) - one.start
            for one in self.doings
            if one.kind == "drive" and one.start < now
        )
        charging = self.charging(now)
        stamp = {"timestamp": now * 1000}
        return {
            "charge_state": stamp
            | {
                "battery_level": int(exact + 1e-6),
                "battery_range": round(exact * MILES_PER_PERCENT, 2),
                "charging_state": self.charging_state(now),
                "charge_limit_soc": doing.limit,
                "charge_rate": round(doing.rate * HOUR * MILES_PER_PERCENT, 1) if charging else 0,
                "minutes_to_full_charge": round((doing.end - now) / 60) if charging else 0,
            },
            "drive_state": stamp | {"shift_state": "D" if driving else None},
            "vehicle_state": stamp
            | {
                "odometer": round(1000 + driven / 60, 2),
                "sentry_mode": timeline.sentry and timeline.tells_sentry and not driving,
                "is_user_present": driving,
            },
        }


@dataclass
class Seen:
    """What an asker has to show, and when it got it."""

    car: Car
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    """When it asked, the level and the charging state."""

    def take(self, now: float) -> dict[str, dict[str, Any]]:
        data = self.car.ask(now)
        charge = data["charge_state"]
        self.answers.append((now, charge["battery_level"], charge["charging_state"]))
        return data

    @property
    def cost(self) -> float:
        return self.car.asks * 0.002

    def ages(self) -> dict[str, tuple[float, float]]:
        """Median and 95th percentile, in seconds, of three ages.

        While it charges: of the data (since they were measured), and of the level (since it was what is shown). From
        every change of the charging state until it is shown: of the state.
        """
        ages: dict[str, list[float]] = {"data": [], "level": [], "state": []}
        moments = [answer[0] for answer in self.answers]
        for doing in self.car.doings:
            if doing.kind != "charge":
                continue
            was: dict[int, float] = {}
            now = doing.start + SAMPLE / 2
            while now < doing.end:
                was[self.car.level(now)] = now
                asked_at, level, _ = self.answers[bisect_right(moments, now) - 1]
                ages["data"].append(now - asked_at)
                ages["level"].append(now - was.get(level, doing.start))
                now += SAMPLE
        ages["state"] = self.delays()
        return {name: _median_and_95th(found) for name, found in ages.items()}

    def delays(self) -> list[float]:
        """How many seconds after every change of the charging state it was shown, or was over."""
        moments = [answer[0] for answer in self.answers]
        changes = self.car.changes()
        return [
            min(moments[bisect_right(moments, change)], after) - change
            for change, after in zip(changes, [*changes[1:], float("inf")], strict=True)
        ]


def _median_and_95th(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]


def ask_as_core(timeline: Timeline, days: float = 31) -> Seen:
    """Ask as Home Assistant's own integration does: a car that is awake, every ten minutes."""
    seen = Seen(Car(timeline))
    now = MONDAY + 137.0
    while now < MONDAY + days * DAY:
        if seen.car.awake(now):
            seen.take(now)
        now += CORE_INTERVAL
    return seen


def ask_as_we_do(
    timeline: Timeline,
    days: float = 31,
    *,
    vin: str = "LRW3E7EK0PC000101",
    stretch: float = 1.0,
    whereabouts: Callable[[float], HomeProximity] = lambda _: UNKNOWN_PROXIMITY,
    on_ask: Callable[[float, str], None] = lambda _now, _why: None,
) -> Seen:
    """Ask as the coordinator does."""
    seen, push, state = Seen(Car(timeline)), PushChannel(), VehicleState()
    now = MONDAY
    asking = PollObservations(vin, UsagePattern(), now, lambda _: whereabouts(now))
    asking.stretch = lambda: stretch
    while now < MONDAY + days * DAY:
        if asking.decide(state, push, now).target is PollTarget.STATE:
            online = Connectivity.ONLINE if seen.car.awake(now) else Connectivity.ASLEEP
            asking.record_connectivity(online, state.connectivity, now)
            state = state.with_connectivity(online)
            plan = asking.decide(state, push, now, connectivity=online)
            if plan.target is PollTarget.DATA:
                on_ask(now, plan.reason)
                asking.record_poll(now)
                after = state.merge(readings_of(seen.take(now), now=now), now=now)
                asking.record_answer(after, state, now)
                state = after
                asking.decide(state, push, now, connectivity=online)
        now += asking.wait(now).total_seconds()
    return seen


def commuter(kw: float = 11.0, *, seed: int = 1, hours: float = 5.0, **options: Any) -> Timeline:
    """Half an hour to work and back, charging for so many hours most nights, trips at the weekend."""
    dice, timeline = random.Random(seed), Timeline(**options)
    for day in range(30):
        midnight = MONDAY + day * DAY
        if day % 7 < 5:
            timeline.drive(midnight + 7.4 * HOUR + dice.uniform(0, 40) * MINUTE, 18)
            if dice.random() < 0.3:
                timeline.visit(midnight + dice.uniform(9, 16) * HOUR)
            home = timeline.drive(midnight + 17.2 * HOUR + dice.uniform(0, 60) * MINUTE, 18)
        else:
            out = timeline.drive(midnight + dice.uniform(9, 13) * HOUR, dice.uniform(10, 30))
            home = timeline.drive(out + dice.uniform(1, 3) * HOUR, dice.uniform(10, 30))
        if dice.random() < 0.85:
            # something else has used it, too
            needs = kw * LOSS / PACK * 100 * hours * dice.uniform(0.8, 1.2)
            timeline.level = min(timeline.level, 80 - needs)
            timeline.charge(home + dice.uniform(1, 4) * MINUTE, kw)
    return timeline


def night_charger(*, seed: int = 7, **options: Any) -> Timeline:
    """The same way to work; plugs in at home, where power comes at 23:00, and charges an hour; a fast charge a month."""
    dice, timeline = random.Random(seed), Timeline(**options)
    for day in range(30):
        midnight = MONDAY + day * DAY
        if day % 7 < 5:
            there = timeline.drive(midnight + 7.4 * HOUR + dice.uniform(0, 40) * MINUTE, 18)
            home = timeline.drive(there + 9 * HOUR + dice.uniform(0, 60) * MINUTE, 18)
        elif day % 7 == 5:
            there = timeline.drive(midnight + 10.5 * HOUR, 6, 25)
            home = timeline.drive(there + 1.2 * HOUR, 6, 25)
        elif day % 14 == 6:
            there = timeline.drive(midnight + 9.5 * HOUR, 70, 50)
            full = timeline.charge(there + 5 * MINUTE, 120, minutes=20)
            home = timeline.drive(timeline.unplug(full) + 4.5 * HOUR, 70, 50)
        else:
            there = timeline.drive(midnight + 9.5 * HOUR, 15, 50)
            home = timeline.drive(there + 3 * HOUR, 15, 50)
        if day % 7 == 6 or (day % 7 < 5 and dice.random() < 0.8):
            timeline.plug_in(home + 3 * MINUTE)
            start = midnight + 23 * HOUR + dice.uniform(0, 10) * MINUTE
            timeline.charge(max(start, home + 10 * MINUTE), 11.0)
    return timeline


def mostly_parked(*, seed: int = 1, **options: Any) -> Timeline:
    """Kept awake by Sentry; a trip on two days a week, and plugged in for a day after one of them."""
    dice, timeline = random.Random(seed), Timeline(sentry=True, **options)
    for day in range(30):
        midnight = MONDAY + day * DAY
        if day % 7 == 2:
            there = timeline.drive(midnight + 18 * HOUR + dice.uniform(0, 60) * MINUTE, 4, 25)
            timeline.drive(there + 1.5 * HOUR, 4, 25)
        elif day % 7 == 5:
            there = timeline.drive(midnight + 10 * HOUR + dice.uniform(0, 90) * MINUTE, 15)
            home = timeline.drive(there + 2 * HOUR, 15)
            # Sentry has used about a quarter of the battery since
            timeline.level = min(timeline.level, dice.uniform(40, 55))
            timeline.charge(home + 3 * MINUTE, 11.0)
        elif day % 7 == 6:
            timeline.unplug(midnight + 11 * HOUR)
    return timeline
