"""Charging: settings, the session at the cable, and the energy that flows as time passes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from simulator.car.battery import Battery
from simulator.car.charge_port import ChargePort
from simulator.car.power import NO_FLOW, Flow, Supply, flow_at, seconds_to
from simulator.car.quirks import Quirk, Quirks

LIMIT_MIN, LIMIT_STD, LIMIT_MAX = 50, 80, 100
GENERIC_MAX_AMPS = 16
LOW_AMPS = 5
STEP_SECONDS = 60.0
_FULL_ENOUGH = 1e-6

type ChargingState = Literal[
    "Disconnected", "NoPower", "Starting", "Charging", "Complete", "Stopped"
]


class Charging:
    """The charger and its session. `at` is the moment, in physics seconds, up to which all is computed.

    `energy_added_kwh` is the session's counter, which sinks with what the battery loses meanwhile;
    `charged_kwh` is all that ever went into the battery and never sinks. `heater_kw` is what a battery
    heater takes of the power that flows. `rests`: full enough, although drain took it below the limit.
    """

    def __init__(
        self,
        battery: Battery,
        port: ChargePort,
        *,
        limit: int,
        max_amps: int,
        phases: int,
        at: float,
        quirks: Quirks,
        starting_seconds: float = 0.0,
        low_amps_need_two: bool = True,
    ) -> None:
        """Begin without a cable. `max_amps` and `phases` are what the car's own charger can take."""
        self.battery = battery
        self.port = port
        self.limit = limit
        self.onboard_max_amps = max_amps
        self.onboard_phases = phases
        self.amps = max_amps
        self.user_enable: bool | None = None
        self.energy_added_kwh = 0.0
        self.charged_kwh = 0.0
        self.heater_kw = 0.0
        self.rests = False
        self.active_until = at
        self.starting_seconds = starting_seconds
        self.low_amps_need_two = low_amps_need_two
        self._low_amps_asked: int | None = None
        self._quirks = quirks
        self._last_max_amps: int | None = None
        self._at = at
        self._flowing_since: float | None = None
        self.on_flow: Callable[[float, float, Flow], object] | None = None
        """Told what flowed from when to when (seconds of physics), in order of time."""

    @property
    def supply(self) -> Supply | None:
        """What the cable offers and this car can take of it."""
        offered = self.port.supply
        if offered is None:
            return None
        return replace(
            offered,
            max_amps=min(offered.max_amps, self.onboard_max_amps),
            phases=min(offered.phases, self.onboard_phases),
        )

    @property
    def max_amps(self) -> int:
        """charge_current_request_max; a generic figure without a cable."""
        if (supply := self.supply) is not None:
            return supply.max_amps
        if self._last_max_amps is not None and Quirk.LAST_CABLE_MAXIMUM in self._quirks:
            return self._last_max_amps
        return min(GENERIC_MAX_AMPS, self.onboard_max_amps)

    @property
    def current_request(self) -> int:
        """charge_current_request: the setting, as far as the cable allows it."""
        return min(self.amps, self.max_amps)

    @property
    def wants_to_charge(self) -> bool:
        """charge_enable_request: below the limit and not stopped by a person."""
        return not self.is_full and self.user_enable is not False

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self.rests or self.battery.kwh_to(self.limit) <= _FULL_ENOUGH

    @property
    def state(self) -> ChargingState:
        """charging_state, in Tesla's words."""
        supply = self.port.supply
        if supply is None:
            return "Disconnected"
        if not supply.powered:
            return "NoPower"
        if self.is_full:
            return "Complete"
        if self.user_enable is False or not self.port.latched:
            return "Stopped"
        since = self._at if self._flowing_since is None else self._flowing_since
        return "Starting" if self._at - since < self.starting_seconds else "Charging"

    @property
    def busy(self) -> bool:
        """Whether the charger is at work."""
        return self.state in {"Starting", "Charging"}

    @property
    def busy_for(self) -> float:
        """For how many seconds it has been at work."""
        return 0.0 if self._flowing_since is None else self._at - self._flowing_since

    @property
    def flow(self) -> Flow:
        """What flows at this moment."""
        supply = self.supply
        if supply is None or self.state != "Charging":
            return NO_FLOW
        return flow_at(self.battery.level, self.current_request, supply)

    @property
    def seconds_to_limit(self) -> float:
        """How long it takes from here to the limit; 0 when nothing flows."""
        supply = self.supply
        if supply is None or not self.busy:
            return 0.0
        capacity = self.battery.capacity_kwh
        target = capacity * self.limit / 100
        seconds = seconds_to(
            self.battery.energy_kwh, target, capacity, self.current_request, supply
        )
        return 0.0 if seconds == float("inf") else seconds

    def advance(self, to: float) -> None:
        """Let time pass until `to`."""
        while self._at < to:
            if not self.busy:
                self._flowing_since = None
                self._at = to
                return
            if self._flowing_since is None:
                self._flowing_since = self._at
            self._step(to)
            self.active_until = self._at

    def _step(self, to: float) -> None:
        supply = self.supply
        assert supply is not None
        if self.state == "Starting":
            assert self._flowing_since is not None
            self._at = min(to, self._flowing_since + self.starting_seconds)
            return
        flow = flow_at(self.battery.level, self.current_request, supply)
        power = flow.battery_kw - self.heater_kw
        missing = self.battery.kwh_to(self.limit)
        seconds = min(STEP_SECONDS, to - self._at)
        if power > 0 and missing / power * 3600 <= seconds:
            self._told(flow, self._at + missing / power * 3600)
            self._add(missing)
            self._at += missing / power * 3600
            return
        self._told(flow, to if seconds == to - self._at else self._at + seconds)
        self._add(power * seconds / 3600)
        self._at = to if seconds == to - self._at else self._at + seconds

    def _told(self, flow: Flow, until: float) -> None:
        if self.on_flow is not None:
            self.on_flow(self._at, until, flow)

    def _add(self, kwh: float) -> None:
        self.battery.add(kwh)
        self.charged_kwh += max(0.0, kwh)
        self.count(kwh)

    def count(self, kwh: float) -> None:
        """Add to the session's counter; negative for what the battery loses at the cable."""
        self.energy_added_kwh = max(0.0, self.energy_added_kwh + kwh)

    def plug_in(self, supply: Supply) -> None:
        """A cable arrives: a new session, which starts by itself."""
        self.port.plug(supply)
        self.energy_added_kwh = 0.0
        self.rests = False
        self._last_max_amps = min(supply.max_amps, self.onboard_max_amps)
        self.user_enable = None
        self._flowing_since = None
        self.amps = max(self.amps, min(LOW_AMPS, self.onboard_max_amps))
        self._low_amps_asked = None

    def unplug(self) -> None:
        """The cable leaves. What was added stays on show until the next plug-in."""
        self.port.unplug()
        self.rests = False
        self.user_enable = None
        self._flowing_since = None

    def set_powered(self, powered: bool) -> None:
        """The wall connector gains or loses power."""
        if self.port.supply:
            self.port.supply = replace(self.port.supply, powered=powered)

    def start(self) -> None:
        """Charge, with a locked cable."""
        self.user_enable = True
        self.port.latched = True

    def stop(self) -> None:
        """Do not charge until told otherwise."""
        self.user_enable = False
        self._flowing_since = None

    def set_limit(self, percent: int) -> None:
        """Set the limit; the car keeps it between 50 and 100."""
        self.limit = min(LIMIT_MAX, max(LIMIT_MIN, percent))
        self.rests = False

    def set_amps(self, amps: int) -> None:
        """Set the current, within what cable and car can do.

        Below 5 A the car settles on 5 until it is asked for the same value a second time (widely
        reported; switched off by `low_amps_need_two`).
        """
        ceiling = self.supply.max_amps if self.supply else self.onboard_max_amps
        amps = min(max(0, amps), ceiling)
        asked_before = self._low_amps_asked == amps
        self._low_amps_asked = amps if amps < LOW_AMPS else None
        if amps < LOW_AMPS and self.low_amps_need_two and not asked_before:
            amps = min(LOW_AMPS, ceiling)
        self.amps = amps
