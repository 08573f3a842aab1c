"""Charging: settings, the session at the cable, and the energy that flows as time passes."""

from collections.abc import Callable
from dataclasses import replace
import math
from typing import Literal

from simulator.car.ac_meter import AcMeter
from simulator.car.battery import COLD_BELOW_CELSIUS, Battery
from simulator.car.charge_port import ChargePort
from simulator.car.habits import Setting
from simulator.car.power import (
    EFFICIENCY,
    NO_FLOW,
    Flow,
    Supply,
    edges,
    flow_at,
    seconds_to,
    taken_of,
)
from simulator.car.quirks import Quirk, Quirks
from simulator.car.readings import OtherReading

LIMIT_MIN, LIMIT_STD, LIMIT_MAX = 50, 80, 100
GENERIC_MAX_AMPS = 16
LOW_AMPS = 5
#: For how long a car keeps to fewer (seconds); "after seconds" is all that is reported.
LOW_AMPS_SECONDS = 30.0
#: What a battery heater takes at most, and by how many degrees a kWh of it warms the battery: orders of magnitude.
HEATER_KW = 6.0
HEATER_NEEDS_KW = 1.5
DEGREES_PER_KWH = 8.0
NEAR_LIMIT_PERCENT = 1.5
_FULL_ENOUGH = 1e-6

type ChargingState = Literal[
    "Disconnected", "NoPower", "Starting", "Charging", "Complete", "Stopped"
]


class Charging:
    """The charger and its session. `at` is the moment, in physics seconds, up to which all is computed.

    `energy_added_kwh` is the session's counter, which sinks with what the battery loses meanwhile;
    `charged_kwh` is all that ever went into the battery and never sinks. `heater_kw` is what a battery
    heater takes of the power that flows. `rests`: full enough, although drain took it below the limit.
    `blocked`: a schedule does not let it charge; `override`: a person made it charge all the same.
    `cabin_kw` is what the cabin draws while it is conditioned, from the cable if `cabin_at_cable`.
    `hot` is how a hot plug lowers the ceiling of current, `sun_amps` what a manager of solar power allows (None: all).
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
        self.cabin_kw = 0.0
        self.cabin_at_cable = True
        self.rests = False
        self.completed = False
        self.blocked = False
        self.override = False
        self.cuts = 0
        self.hot: Setting | None = None
        self.sun_amps: int | None = None
        self.sun_above = 0.0
        self.meter = AcMeter(at)
        self.on_flow: Callable[[float, float, Flow], object] | None = None
        """Told what flowed from when to when (seconds of physics), in order of time."""
        self.active_until = at
        self.starting_seconds = starting_seconds
        self.low_amps_need_two = low_amps_need_two
        self._low_amps_asked: int | None = None
        self._low_until = math.inf
        self._quirks = quirks
        self._last_max_amps: int | None = None
        self._at = at
        self._flowing_since: float | None = None
        self._idle_since = at
        self._is_hot = False

    @property
    def supply(self) -> Supply | None:
        """What the cable offers and this car can take of it."""
        offered = self.port.supply
        return offered and taken_of(offered, self.onboard_max_amps, self.onboard_phases)

    @property
    def max_amps(self) -> int:
        """charge_current_request_max; a generic figure without a cable."""
        if (supply := self.supply) is not None:
            hot = self.hot if self._is_hot else None
            return min(supply.max_amps, hot.amps) if hot else supply.max_amps
        if self._last_max_amps is not None and Quirk.LAST_CABLE_MAXIMUM in self._quirks:
            return self._last_max_amps
        return min(GENERIC_MAX_AMPS, self.onboard_max_amps)

    @property
    def current_request(self) -> int:
        """charge_current_request: the setting, as far as the cable allows it."""
        allowed = min(self.amps, self.max_amps)
        return min(allowed, self.sun_amps or allowed) if self._sun_rules else allowed

    @property
    def held(self) -> bool:
        """Whether a schedule keeps it from charging."""
        return self.blocked and not self.override

    @property
    def waits_for_sun(self) -> bool:
        """Whether a manager of solar power keeps it from charging."""
        return self._sun_rules and self.sun_amps == 0

    @property
    def _sun_rules(self) -> bool:
        above = self.battery.level >= self.sun_above - 1e-9
        return self.sun_amps is not None and above and not self.port.is_fast

    @property
    def wants_to_charge(self) -> bool:
        """charge_enable_request: below the limit, not stopped by a person, and let by a schedule."""
        return not self.is_full and self.user_enable is not False and not self.held

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        stays = self.completed and OtherReading.STAYS_COMPLETE in self._quirks
        rests = self._flowing_since is None and Quirk.RESTS_NEAR_LIMIT in self._quirks
        near = self.battery.capacity_kwh * NEAR_LIMIT_PERCENT / 100 if rests else _FULL_ENOUGH
        return self.rests or stays or self.battery.kwh_to(self.limit) <= near

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
        if self._stopped or not self.port.latched:
            return "Stopped"
        since = self._at if self._flowing_since is None else self._flowing_since
        return "Starting" if self._at - since < self.starting_seconds else "Charging"

    @property
    def _stopped(self) -> bool:
        """Whether a person, a schedule, a manager of solar power or the car's own patience keeps it from charging."""
        patience = self._quirks.get(Quirk.GIVES_UP)
        given_up = patience is not None and self.cuts >= patience.code
        return self.user_enable is False or self.held or self.waits_for_sun or given_up

    @property
    def busy(self) -> bool:
        """Whether the charger is at work."""
        return self.state in {"Starting", "Charging"}

    @property
    def busy_for(self) -> float:
        """For how many seconds it has been at work."""
        return 0.0 if self._flowing_since is None else self._at - self._flowing_since

    @property
    def heating_seconds(self) -> float:
        """For how long all power goes into a cold battery before it charges."""
        cold = COLD_BELOW_CELSIUS - self.battery.temperature_c
        supply = self.supply
        if cold <= 1e-9 or supply is None or self.port.is_fast or not self.busy:
            return 0.0
        if OtherReading.HEATS_WHILE_CHARGING in self._quirks:
            return 0.0
        kw = self.current_request * supply.volts * supply.phases / 1000
        if kw < HEATER_NEEDS_KW:
            return 0.0
        return cold / (DEGREES_PER_KWH * min(kw, HEATER_KW)) * 3600

    @property
    def flow(self) -> Flow:
        """What flows at this moment."""
        supply = self.supply
        if supply is None or self.state != "Charging":
            return self._cabin_flow(supply)
        if self.heating_seconds:
            kw_per_amp = supply.volts * supply.phases / 1000
            amps = min(self.current_request, HEATER_KW / kw_per_amp)
            heat_kw = amps * kw_per_amp * EFFICIENCY + self.cabin_kw
            return Flow(amps, supply.volts, supply.phases, aside_kw=heat_kw)
        flow = flow_at(self.battery.level, self.current_request, supply)
        return replace(flow, aside_kw=self.cabin_kw) if self.cabin_kw else flow

    def _cabin_flow(self, supply: Supply | None) -> Flow:
        """Return what flows while only the cabin draws power."""
        if not self.cabin_kw:
            return NO_FLOW
        at_cable = self.cabin_at_cable and self.port.latched and not self.port.is_fast
        if supply is None or not supply.powered or not at_cable:
            return replace(NO_FLOW, aside_kw=self.cabin_kw)
        needed = self.cabin_kw / EFFICIENCY / (supply.volts * supply.phases / 1000)
        amps = min(needed, supply.max_amps)
        return Flow(amps, supply.volts, supply.phases, aside_kw=self.cabin_kw)

    @property
    def seconds_to_limit(self) -> float:
        """How long it takes from here to the limit; 0 when nothing flows."""
        supply = self.supply
        if supply is None or not self.busy:
            return 0.0
        capacity = self.battery.capacity_kwh
        target = capacity * self.limit / 100
        seconds = self.heating_seconds + seconds_to(
            self.battery.energy_kwh, target, capacity, self.current_request, supply
        )
        return 0.0 if seconds == math.inf else seconds

    def advance(self, to: float) -> None:
        """Let time pass until `to`, from one change of the power to the next."""
        while self._at < to:
            if not self.busy:
                self._idle(to)
                return
            if self._flowing_since is None:
                self._begin()
            self._step(to)
            self._idle_since = self.active_until = self._at
            self._let_low_amps_lapse()

    def _begin(self) -> None:
        """Begin to charge, with no less than 5 A."""
        self._flowing_since = self._at
        self.amps = self.at_least_low(self.amps)
        if self.hot is None or self._at - self._idle_since >= self.hot.seconds:
            self._is_hot = False

    def _let_low_amps_lapse(self) -> None:
        if self._low_until <= self._at:
            self.amps, self._low_until = self.at_least_low(self.amps), math.inf

    def _idle(self, to: float) -> None:
        """Let time pass in which it does not charge; the cabin may draw power."""
        self._flowing_since = None
        self.completed = self.completed or self.is_full
        flow = self.flow
        self._tell(flow, to)
        if flow.aside_kw:
            self.battery.add(flow.battery_kw * (to - self._at) / 3600)
        self._at = to
        self._let_low_amps_lapse()

    def _step(self, to: float) -> None:
        """Let time pass until the power changes, `to` at the latest."""
        assert self._flowing_since is not None
        if self.state == "Starting":
            self._at = min(to, self._flowing_since + self.starting_seconds)
            return
        until, level = min(to, self._next_heat(), self._low_until), None
        flow, heating = self.flow, self.heating_seconds
        power = 0.0 if heating else flow.battery_kw - self.heater_kw
        if self._is_between_steps(power):
            power = 0.0
        if heating:
            until = min(until, self._at + heating)
        elif power and (reached := self._next_level(power)) is not None:
            seconds = self.battery.kwh_to(reached) / power * 3600
            if self._at + seconds <= until:
                until, level = self._at + seconds, reached
        self._pass(flow, power, until, level, heats=heating > 0)

    def _pass(
        self, flow: Flow, power: float, until: float, level: float | None, *, heats: bool
    ) -> None:
        seconds = until - self._at
        self._tell(flow, until)
        self._add(power * seconds / 3600 if level is None else self.battery.kwh_to(level))
        if heats:
            warmer = flow.ac_kw * seconds / 3600 * DEGREES_PER_KWH
            temperature = self.battery.temperature_c + warmer
            near = abs(temperature - COLD_BELOW_CELSIUS) < 1e-6
            self.battery.temperature_c = COLD_BELOW_CELSIUS if near else temperature
        self._at = until
        self.completed = self.completed or self.battery.kwh_to(self.limit) <= _FULL_ENOUGH

    def _tell(self, flow: Flow, until: float) -> None:
        self.meter.add(self._at, until, flow.ac_kw)
        if self.on_flow is not None and flow.kw:
            self.on_flow(self._at, until, flow)

    def _next_heat(self) -> float:
        """Return when the plug gets hot; it is from then on."""
        if self.hot is None or self._is_hot or self._flowing_since is None:
            return math.inf
        hot_at = self._flowing_since + self.hot.seconds
        self._is_hot = hot_at <= self._at
        return math.inf if self._is_hot else hot_at

    def _next_level(self, power: float) -> float | None:
        """Return the next level at which the power changes or charging ends."""
        level = self.battery.level
        lower, upper = edges(level)
        if power > 0:
            return min(self.limit, upper, *self._sun_edge(level))
        if level - lower < 1e-7:
            lower = edges(level - 1e-6)[0]
        return None if lower == -math.inf else lower

    def _sun_edge(self, level: float) -> tuple[float, ...]:
        rules_later = self.sun_amps is not None and level < self.sun_above - 1e-9
        return (self.sun_above,) if rules_later else ()

    def _is_between_steps(self, power: float) -> bool:
        """Say whether the battery would sink at this step and rise at the one below: so it stays where it is."""
        level, supply = self.battery.level, self.supply
        if power >= 0 or supply is None or level - edges(level)[0] > 1e-7:
            return False
        below = flow_at(level - 1e-6, self.current_request, supply).battery_kw
        return below - self.cabin_kw - self.heater_kw > 0

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
        self.rests = self.completed = self._is_hot = False
        self.cuts = 0
        self._last_max_amps = self.supply.max_amps if self.supply else None
        self.user_enable = None
        self._flowing_since = None
        self.amps = self.at_least_low(self.amps)
        self._low_amps_asked = None

    def unplug(self) -> None:
        """The cable leaves. What was added stays on show until the next plug-in."""
        self.port.unplug()
        self.rests = self.completed = self.blocked = self.override = False
        self.user_enable = None
        self._flowing_since = None

    def set_powered(self, powered: bool) -> None:
        """The wall connector gains or loses power."""
        if self.port.supply:
            self.cuts += self.port.supply.powered and not powered
            self.port.supply = replace(self.port.supply, powered=powered)

    def start(self) -> None:
        """Charge, with a locked cable."""
        self.user_enable = True
        self.override = self.blocked
        self.completed = False
        self.port.latched = True

    def stop(self) -> None:
        """Do not charge until told otherwise."""
        self.user_enable = False
        self.override = False
        self._flowing_since = None

    def set_limit(self, percent: int) -> None:
        """Set the limit; the car keeps it between 50 and 100."""
        self.limit = min(LIMIT_MAX, max(LIMIT_MIN, percent))
        self.rests = False

    def at_least_low(self, amps: int) -> int:
        """Return the current with which a charge begins: below 5 A none does."""
        return max(amps, min(LOW_AMPS, self.onboard_max_amps))

    def set_amps(self, amps: int) -> None:
        """Set the current, within what cable and car can do.

        Below 5 A the car settles on 5 until it is asked for the same value a second time (widely
        reported; switched off by `low_amps_need_two`), and goes back to 5 after seconds.
        """
        if self.busy and self._flowing_since is None:
            self._begin()
        ceiling = self.supply.max_amps if self.supply else self.onboard_max_amps
        amps = min(max(0, amps), ceiling)
        asked_before = self._low_amps_asked == amps
        self._low_amps_asked = amps if amps < LOW_AMPS else None
        if amps < LOW_AMPS and self.low_amps_need_two and not asked_before:
            amps = min(LOW_AMPS, ceiling)
        self.amps = amps
        lasts = not self.low_amps_need_two or OtherReading.LOW_AMPS_LAST in self._quirks
        low = amps < LOW_AMPS and not lasts
        self._low_until = self._at + LOW_AMPS_SECONDS if low else math.inf
