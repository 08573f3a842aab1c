"""A simulated Tesla with one driver's car, a twin of it that nobody ever asks, and somebody who compares and counts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, override

from devtools.bench.cost_age import LevelAge, StateDelay
from devtools.bench.cost_drivers import Driver
from simulator import Account, Application, Car, TeslaSimulator
from simulator.drivers.moments import HOME, MINUTE, Moment

VIN, TWIN_VIN = "LRW3E7EK0PC000101", "LRW3E7EK0PC000102"
CLIENT_ID, CLIENT_SECRET = "bench-client", "bench-secret"  # of an application that only it knows
DOMAIN = "home.example.com"
REDIRECT_URI = "https://my.home-assistant.io/redirect/oauth"
SCOPES = ("openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds")
#: Volts: about what a house sees; a steady voltage would send no signals, which are billed.
MAINS_WAVER = 3.0
STEP, CLOSE_STEP = 10.0, 1.0
#: How long (seconds) it is looked at closely after something happened at the car, and before a charge ends.
CLOSE = 60.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a contender shows at a moment; None for nothing."""

    level: float | None
    charging: str | None


class WatchedCar(Car):
    """A car that remembers what it told when it was asked."""

    on_asked: Callable[[float], None] | None = None

    @override
    def vehicle_data(self, sections: frozenset[str]) -> dict[str, dict[str, object]]:
        if self.on_asked is not None:
            self.on_asked(self.snapshot().battery_level)
        return super().vehicle_data(sections)


class World:
    """What every contender meets: the same account, the same car, the same days."""

    def __init__(self, tesla: TeslaSimulator, driver: Driver) -> None:
        """Deliver the car and its twin."""
        self.tesla = tesla
        self.application: Application = tesla.add_application(
            CLIENT_ID,
            CLIENT_SECRET,
            allowed_origin=f"https://{DOMAIN}",
            redirect_uris=(REDIRECT_URI,),
        )
        self.account: Account = tesla.add_account("driver@example.com", region="eu")
        options: dict[str, Any] = {
            "home": HOME,
            "name": "Pearl",
            "clock": tesla.clock,
            **driver.car,
        }
        options["mains_waver"] = MAINS_WAVER
        self.car = WatchedCar(VIN, **options)
        self.twin = Car(TWIN_VIN, **options)
        tesla.add_car(self.account, self.car)
        self.level, self.charging = LevelAge(), StateDelay()
        self.awake = self.needlessly_awake = 0.0
        self._told_at = self._look_at = self._close_until = 0.0
        self.car.on_asked = lambda level: self.level.told(level, tesla.clock.now())

    async def live(
        self, moments: Sequence[Moment], start: float, end: float, shown: Callable[[], Shown]
    ) -> None:
        """Let time pass, do to both cars what the driver does, and compare what is shown with what is true.

        The moments are seconds after `start`; it ends at `end` (both unix seconds).
        """
        now = self.tesla.clock.now()
        waiting = list(reversed(moments))
        while now < end:
            step = CLOSE_STEP if now < self._close_until or self._ends_soon() else STEP
            until = min(now + step, start + waiting[-1].at if waiting else end)
            await asyncio.sleep(max(0.0, until - now))
            passed, now = self.tesla.clock.now() - now, self.tesla.clock.now()
            while waiting and start + waiting[-1].at <= now + 1e-3:
                moment = waiting.pop()
                for car in (self.car, self.twin):
                    getattr(car, moment.deed)(**moment.arguments)
                self._close_until = now + CLOSE
            self._compare(shown(), now, passed)

    def _compare(self, shown: Shown, now: float, passed: float) -> None:
        truth = self.car.snapshot()
        for stream in self.tesla.telemetry(VIN).streams.values():
            at, level = stream.outbox.acknowledged.get("BatteryLevel", (0.0, None))
            if at > self._told_at and isinstance(level, float):
                self._told_at = at
                self.level.told(level, at)
        doing = None
        if now >= self._look_at:  # moments that are looked at closely must not weigh more
            self._look_at = now + STEP - 1e-3
            doing = "driving" if truth.driving else "charging" if truth.charge_kw else None
        self.level.look(truth.battery_level, shown.level, now, doing)
        if self.charging.look(_word(truth.charging_state), shown.charging, now):
            self._close_until = now + CLOSE
        if truth.reachability == "online":
            self.awake += passed / MINUTE
            if self.twin.state != "online":
                self.needlessly_awake += passed / MINUTE

    def _ends_soon(self) -> bool:
        left = self.car.signals(["TimeToFullCharge"])["TimeToFullCharge"]
        return isinstance(left, float) and left * 3600 <= CLOSE

    def bill(self) -> dict[str, Any]:
        """Return what Tesla's simulator wrote down."""
        billing = self.tesla.billing
        paths: dict[str, list[float]] = {}
        for line in billing.requests:
            row = paths.setdefault(f"{line.method} {_kind(line.path)} {line.status}", [0, 0.0])
            row[0] += 1
            row[1] += line.price
        return {
            "dollars": billing.cost(),
            "signals": billing.count("streaming"),
            "wakes": billing.count("wake"),
            "paths": {path: [int(n), cost] for path, (n, cost) in sorted(paths.items())},
        }


def _kind(path: str) -> str:
    return path.removeprefix("/api/1/").replace(VIN, "…")


def _word(state: str) -> str:
    """Return a state of charging as both integrations write it: NoPower is no_power."""
    return "no_power" if state == "NoPower" else state.lower()
