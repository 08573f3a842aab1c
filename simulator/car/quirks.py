"""What owners' cars were seen to do although they should not: one table, each line switched on by name."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Unpack

from simulator.car.habits import Habit, Setting, Told

CHARGE_STATE = frozenset({"DetailedChargeState"})
RANGES = frozenset({"EstBatteryRange", "IdealBatteryRange", "RatedRange"})


class Quirk(Habit):
    """What owners' cars were seen to do although they should not."""

    # -- energy -----------------------------------------------------------------------------
    COUNTER_IS_NET = (
        "counter_is_net",
        "A parked car drains 23 W; the session's counters are net of it, and a full car rests 5 % below its limit.",
        "FT issue 357",
    )
    COUNTER_READS_ZERO = (
        "counter_reads_zero",
        "The session's counters read 0, and come back to what they were.",
        "owners' reports beside FT issue 357",
        Setting(lasts=1800.0),
    )
    HEATER_OUTDRAWS_CHARGER = (
        "heater_outdraws_charger",
        "While it charges the battery heater draws 3 kW: on a slow charger counters and battery sink.",
        "owners' reports beside FT issue 357",
    )
    HOT_PLUG = (
        "hot_plug",
        "When it has charged for `seconds` plug and cable are hot: the ceiling of current sinks to `amps` until it rests.",
        "flashg1/TeslaSolarCharger issue 4",
        Setting(seconds=1800.0, amps=10),
    )
    GIVES_UP = (
        "gives_up",
        "When its power was cut `code` times the car does not charge any more until it is plugged in anew.",
        "evcc issue 971",
        Setting(code=10),
    )
    # -- starts -----------------------------------------------------------------------------
    START_FAILS = (
        "start_fails",
        "The moment of a scheduled start passes and nothing happens.",
        "smartcharge.dev wakes a car that does not charge 15 minutes into a block",
        Setting(times=1),
    )
    SLEEPS_THROUGH_START = (
        "sleeps_through_start",
        "A sleeping car does not wake for a scheduled start.",
        "owners' reports of cars that fell asleep while they were blocked",
    )
    RESTS_NEAR_LIMIT = (
        "rests_near_limit",
        "Within 1.5 percent of its limit a car does not begin to charge, and says Complete.",
        "smartcharge.dev sends nothing to such a car",
    )
    CHARGES_ON_SOLAR = (
        "charges_on_solar",
        "Tesla's Charge on Solar is on: from 20 % on the car takes at home what the sun leaves, and else nothing.",
        "Tesla, vehicle.proto: ManagedChargingState",
    )
    # -- values, pushed and polled ----------------------------------------------------------
    TWO_PHASES = (
        "two_phases",
        "Three phases are told as 2, beside 11 kW, 230 V and 16 A.",
        "ioBroker.tesla-motors issue 25",
    )
    SENTINEL_RANGE = (
        "sentinel_range",
        "The ideal range is `miles` (999, or about 5,000) beside an ordinary rated range.",
        "TeslaLogger issue 1730, teslamate issue 4957",
        Setting(miles=999.0),
    )
    FAST_CHARGER_READS_IDLE = (
        "fast_charger_reads_idle",
        "At a fast charger voltage and current are those of the idle AC charger: 2 V, 0 A.",
        "teslamate issue 827",
    )
    ODOMETER_DIFFERS = (
        "odometer_differs",
        "The pushed odometer is 0.00015 miles ahead of the polled one.",
        "home-assistant/core issue 159988",
    )
    UNKNOWN_WORD = (
        "unknown_word",
        "`fields` have a value that nobody knows: one more than the last number pushed, a new word polled.",
        "FT issue 410",
        Setting(fields=CHARGE_STATE),
    )
    LAST_CABLE_MAXIMUM = (
        "last_cable_maximum",
        "Without a cable charge_current_request_max is that of the last one.",
        "home-assistant/core issues 150673 and 118302",
    )
    DEPARTURE_KEEPS_ITS_DATE = (
        "departure_keeps_its_date",
        "scheduled_departure_time is on the day on which it was set.",
        "home-assistant/core, fixtures of tesla_fleet",
    )
    NULL_POLL = (
        "null_poll",
        "Charging state, port and power of an online car are null in one poll.",
        "alandtse/tesla issue 478",
        Setting(times=1),
    )
    READ_BACK_LAGS = (
        "read_back_lags",
        "The schedules that are read back are those of `seconds` ago.",
        "jeffborg's README: 30 to 50 seconds after a change",
        Setting(seconds=50.0),
    )
    # -- streaming --------------------------------------------------------------------------
    FIRST_RECORD_AHEAD = (
        "first_record_ahead",
        "The first record after a wake-up is dated `seconds` ahead.",
        "FT issue 386",
        Setting(seconds=60.0),
    )
    LOST_PUSH = (
        "lost_push",
        "A changed value of one of `fields` is never sent; the car believes it was.",
        "FT issue 319",
        Setting(times=1, fields=CHARGE_STATE),
    )
    NEVER_PUSHED = (
        "never_pushed",
        "This firmware never sends `fields`, although it sends the others and reports no error.",
        "FT issue 226",
        Setting(fields=CHARGE_STATE),
    )
    STOPS_AFTER_UPDATE = (
        "stops_after_update",
        "`fields` are never sent again once another firmware is installed.",
        "home-assistant/core issue 170998",
        Setting(fields=RANGES),
    )
    STUCK_ON_STARTING = (
        "stuck_on_starting",
        "The pushed state stays Starting while the car charges.",
        "FT issue 413",
    )
    # -- reach ------------------------------------------------------------------------------
    LOST_WHILE_CHARGING = (
        "lost_while_charging",
        "`seconds` after it began to charge the car loses reception; it charges on, and is gone until put online.",
        "teslamate issue 4501",
        Setting(times=1, seconds=600.0),
    )
    OUT_OF_COVERAGE = (
        "out_of_coverage",
        "The car cannot be reached or woken, and comes back by itself.",
        "teslamate issue 4501",
        Setting(lasts=900.0),
    )
    # -- the Fleet API ----------------------------------------------------------------------
    ANSWERS_ASLEEP = (
        "answers_asleep",
        "vehicle_data of a sleeping car is what it told last, without warning; by default it is 408.",
        "jeffborg's README: stale answers while asleep",
    )
    DATA_FAILS = (
        "data_fails",
        "vehicle_data answers `code` (500, 504, 540, 408) for hours; the free state call works.",
        "Fleet API, response codes; home-assistant/core issue 182023",
        Setting(code=500),
    )
    IN_SERVICE = (
        "in_service",
        "The summary says in_service; data, commands and wake-up answer 405 for days.",
        "teslamate issues 217 and 1222",
    )
    PROTOCOL_DENIED = (
        "protocol_denied",
        "Without the key fleet_status says that the car needs no command protocol; it needs it all the same.",
        "SentryGuard issue 229",
    )
    COMMAND_UNAVAILABLE = (
        "command_unavailable",
        "A command to an online car is answered 408 (offline or asleep) and not carried out.",
        "home-assistant/core issue 182023",
        Setting(times=1),
    )
    COMMAND_HANGS = (
        "command_hangs",
        "Tesla keeps a command for `seconds` before it carries it out, also when the client has gone.",
        "VC issue 200; owners of cars without the protocol",
        Setting(seconds=20.0),
    )
    ANSWER_HANGS = (
        "answer_hangs",
        "Tesla carries a command out at once and keeps the answer for `seconds`.",
        "VC issue 200; owners of cars without the protocol",
        Setting(seconds=20.0),
    )
    DELIVERED_TWICE = (
        "delivered_twice",
        "A signed command reaches the car twice; the answer is the second one, a fault.",
        "VC protocol.md: the link is lossy and may reorder",
        Setting(times=1),
    )


@dataclass(frozen=True, slots=True)
class _InForce:
    setting: Setting
    until: float | None


class Quirks:
    """The quirks that one car has at this moment; iterating names them."""

    def __init__(self, physics: Callable[[], float], quirks: Iterable[Habit] = ()) -> None:
        """Begin with these, each as the table has it. `physics` tells the time in the car's own seconds."""
        self._physics = physics
        self._on: dict[Habit, _InForce] = {}
        self.before_change: Callable[[], object] = lambda: None
        for quirk in quirks:
            self.add(quirk)

    def add(self, quirk: Habit, **told: Unpack[Told]) -> None:
        """Switch a quirk on, or on anew, as the table has it except for what is told.

        Raises ValueError for what makes no sense.
        """
        setting = replace(quirk.usual, **told)
        if setting.times is not None and setting.times < 1:
            raise ValueError("times must be at least 1")
        if setting.seconds < 0 or (setting.lasts is not None and setting.lasts <= 0):
            raise ValueError("seconds must not be negative")
        self.before_change()
        until = None if setting.lasts is None else self._physics() + setting.lasts
        self._on[quirk] = _InForce(setting, until)

    def remove(self, quirk: Habit) -> None:
        """Switch a quirk off; harmless when it is."""
        self.before_change()
        self._on.pop(quirk, None)

    def __contains__(self, quirk: object) -> bool:
        """Whether it is in force now."""
        return isinstance(quirk, Habit) and self.in_force(quirk, self._physics())

    def __iter__(self) -> Iterator[Habit]:
        """Name those that are in force now."""
        return iter([quirk for quirk in self._on if quirk in self])

    def in_force(self, quirk: Habit, at: float) -> bool:
        """Return whether it is in force at a moment of physics."""
        found = self._on.get(quirk)
        return found is not None and (found.until is None or at < found.until)

    def ends(self, after: float, before: float) -> list[float]:
        """Return the moments between two at which quirks end by themselves, in order."""
        ends = (found.until for found in self._on.values())
        return sorted(end for end in ends if end is not None and after < end < before)

    def get(self, quirk: Habit) -> Setting | None:
        """Return how it shows itself; None when it is not in force."""
        return self._on[quirk].setting if quirk in self else None

    def setting_at(self, quirk: Habit, at: float) -> Setting | None:
        """Return how it shows itself at a moment of physics; None when it is not in force then."""
        return self._on[quirk].setting if self.in_force(quirk, at) else None

    def fields(self, quirk: Habit) -> frozenset[str]:
        """Return the fields it concerns; none when it is not in force."""
        setting = self.get(quirk)
        return setting.fields if setting else frozenset()

    def take(self, quirk: Habit) -> Setting | None:
        """Let it happen once, and return how; None when it is not in force."""
        setting = self.get(quirk)
        if setting is not None and setting.times is not None:
            if setting.times == 1:
                del self._on[quirk]
            else:
                once_less = replace(setting, times=setting.times - 1)
                self._on[quirk] = replace(self._on[quirk], setting=once_less)
        return setting
