"""Tesla's own Charge on Solar: what it lets a car take, and what managed_charging_state says of it."""

from dataclasses import dataclass

from simulator.car.charging import Charging

#: Percent: below, the car charges from anything.
LOWER_LIMIT = 20.0
#: What a site must have to spare (kW), and the least current a car takes (amps).
NEEDED_KW, NEEDED_AMPS = 1.2, 5
#: For how long a car waits for its site before that is an error (seconds).
WAITS_FOR_SERVER = 900.0
#: Reasons not to charge.
TOO_LITTLE_SUN = 2


@dataclass(slots=True)
class ChargeOnSolar:
    """The manager of one car's site. Seconds are those of physics."""

    surplus_kw: float | None = None
    """What the site has to spare; None while it says nothing."""
    silent_since: float = 0.0
    """Since when it says nothing."""

    def amps(self, charging: Charging) -> int:
        """Return the current that it lets a car take above the lower limit; 0 for none."""
        supply = charging.supply
        if supply is None or supply.fast_kw or self.surplus_kw is None:
            return 0
        kw_per_amp = supply.volts * supply.phases / 1000
        if self.surplus_kw < max(NEEDED_KW, NEEDED_AMPS * kw_per_amp):
            return 0
        return int(self.surplus_kw / kw_per_amp + 1e-9)

    def section(self, charging: Charging, *, at_home: bool, now: float) -> dict[str, object]:
        """Return charge_on_solar_state of managed_charging_state."""
        if not at_home or charging.port.is_fast or charging.supply is None:
            return {"not_allowed": {}}
        if charging.user_enable is False:
            return {"user_stopped": {}}
        if charging.battery.level < LOWER_LIMIT:
            return {"charging_on_anything": {}}
        if self.surplus_kw is None:
            waiting = now - self.silent_since < WAITS_FOR_SERVER
            return {"waiting_for_server": {}} if waiting else {"error": {}}
        if self.amps(charging):
            return {"charging_on_excess_solar": {}}
        return {"no_charge_recommended": {"reason": TOO_LITTLE_SUN}}
