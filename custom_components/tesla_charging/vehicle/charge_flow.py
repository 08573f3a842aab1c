"""What flows into a car while it charges: power, phases, and which readings are those of an idle AC charger."""

from typing import Final

from .state import VehicleState

ROUNDING_KW: Final = 1.0
"""A poll has the power in whole kW, rounded or cut off."""
IDLE_VOLTS: Final = 50.0
"""Below this no charger works: the AC charger idles (at a fast charger it reports 2 V and 0 A, teslamate#827)."""
LEAST_KW: Final = 0.5
LEAST_AMPS: Final = 2.0
"""More than these certainly flows; the last change of a push may be missing up to its least step."""
NO_KW: Final = 0.05
NO_AMPS: Final = 0.5
"""Not more than these certainly is nothing."""
UNLIKE_KW, UNLIKE_SHARE = 2.0, 0.25
"""A power that is further from what voltage and current make up, in kW and as a share of it, is of another current."""
PHASES: Final = (1, 2, 3)
PUSHED_POWER: Final = ("ACChargingPower", "DCChargingPower")
POWER_SIGNALS: Final = ("charger_power", *PUSHED_POWER)


def charge_power(state: VehicleState) -> float | None:
    """Return the current power, kW.

    The car pushes AC power (of the inlet) and DC power (of the fast charger) separately; a poll contains one value, in
    whole kW. Nothing flows after charging was stopped, also where the car tells the power later, or not at all.
    """
    power = _raw_power(state) if _pushed_names(state) else polled_power(state)
    return 0 if power and _is_outdated_by_stop(state) else power


def _is_outdated_by_stop(state: VehicleState) -> bool:
    """Return whether charging was stopped after the power and the current were told."""
    stop = state.readings.get("DetailedChargeState")
    if stop is None or stop.value != "Stopped":
        return False
    flows = (state.measured_at(name) for name in (*POWER_SIGNALS, "ChargeAmps"))
    return all(at is None or at < stop.measured_at for at in flows)


def _raw_power(state: VehicleState) -> float | None:
    """Return the power as it was reported last, kW."""
    names = _pushed_names(state) or ("charger_power",)
    return max((power for name in names if (power := state.number(name)) is not None), default=None)


def is_pushed_later(state: VehicleState, name: str) -> bool:
    """Return whether the car pushed one of PUSHED_POWER after a poll has told the power, or that there is none."""
    polled_at = state.measured_at("charger_power")
    return state.number(name) is not None and (
        polled_at is None or (state.measured_at(name) or 0) > polled_at
    )


def _pushed_names(state: VehicleState) -> tuple[str, ...]:
    """Return which power the car pushed after it was polled.

    That nothing flows the one way does not outdate a poll that told what flows the other way.
    """
    names = tuple(name for name in PUSHED_POWER if is_pushed_later(state, name))
    if state.number("charger_power") is None or any(state.number(name) for name in names):
        return names
    polled = PUSHED_POWER[state.value("FastChargerPresent") is True]
    return names if polled in names else ()


def at_fast_charger(state: VehicleState) -> bool:
    """Return whether the car is plugged in to a fast charger, as far as is known."""
    return state.value("FastChargerPresent") is True or (state.number("DCChargingPower") or 0) > 0


def is_idle_reading(state: VehicleState, name: str) -> bool:
    """Return whether `ChargerVoltage` or `ChargeAmps` is that of the AC charger, which idles at a fast charger."""
    if not at_fast_charger(state):
        return False
    volts = state.number("ChargerVoltage")
    if volts is not None and volts < IDLE_VOLTS:
        return True
    return name == "ChargeAmps" and state.number(name) == 0 and (_raw_power(state) or 0) > 0


def phases(state: VehicleState) -> float | None:
    """Return the number of phases in use. Cars report 2 also for three: power, voltage and current tell."""
    reported = state.number("ChargerPhases")
    return 3 if reported == 2 and _fitting_phases(state) == 3 else reported


def polled_power(state: VehicleState) -> float | None:
    """Return the power that a poll reports in whole kW as exactly as voltage and current tell it, kW."""
    power, flow = state.number("charger_power"), _volt_amperes(state)
    if power is None or state.value("FastChargerPresent") is True:
        return power
    if _is_outdated_by_current(state):
        return _power_by_current(state)
    if flow is None:
        return power
    count = phases(state) or _fitting_phases(state)
    exact = None if count is None else flow * count
    if exact is None or abs(exact - power) > ROUNDING_KW:
        count = _fitting_phases(state)
        exact = None if count is None else flow * count
    return power if exact is None else round(exact, 2)


def _is_outdated_by_current(state: VehicleState) -> bool:
    """Return whether the polled power is older than the current: an answer without the power told another current."""
    power_at, amperes_at = state.measured_at("charger_power"), state.measured_at("ChargeAmps")
    return power_at is not None and amperes_at is not None and power_at < amperes_at


def _power_by_current(state: VehicleState) -> float | None:
    """Return the power of AC charging without a measurement of it, kW; None if the phases are not certain."""
    amperes, flow = state.number("ChargeAmps"), _volt_amperes(state)
    if amperes is None or flow is None:
        return None if amperes is None or amperes > NO_AMPS else 0
    reported = state.number("ChargerPhases")
    count = _fitting_phases(state) or (reported if reported in (1, 3) else None)
    return None if count is None else round(flow * count, 2)


def _fitting_phases(state: VehicleState) -> int | None:
    """Return the number of phases with which voltage and current make up the power, None without one."""
    power, flow = _raw_power(state), _volt_amperes(state)
    if power is None or flow is None:
        return None
    count = min(PHASES, key=lambda count: abs(flow * count - power))
    return count if abs(flow * count - power) <= ROUNDING_KW else None


def _volt_amperes(state: VehicleState) -> float | None:
    """Return what flows in one phase, kW; None if nothing does, or it is not known."""
    volts, amperes = state.number("ChargerVoltage"), state.number("ChargeAmps")
    if volts is None or amperes is None or volts < IDLE_VOLTS or amperes <= 0:
        return None
    return volts * amperes / 1000


def is_power_unlike_current(state: VehicleState) -> bool:
    """Return whether the AC power that was pushed cannot be that of the current: a change of one was not pushed."""
    power, amperes = state.number("ACChargingPower"), state.number("ChargeAmps")
    volts, reported = state.number("ChargerVoltage"), state.number("ChargerPhases")
    if power is None or amperes is None or volts is None or volts < IDLE_VOLTS:
        return False
    if at_fast_charger(state) or not is_pushed_later(state, "ACChargingPower"):
        return False
    counts = (reported,) if reported in (1, 3) else PHASES
    apart = min(abs(volts * amperes / 1000 * count - power) for count in counts)
    return apart > max(UNLIKE_KW, UNLIKE_SHARE * power)


def is_flowing(state: VehicleState) -> bool | None:
    """Return whether energy flows in, by power and current; None if that is not certain."""
    power, amperes = _raw_power(state), state.number("ChargeAmps")
    if (power or 0) > LEAST_KW:
        return True
    if (amperes or 0) >= LEAST_AMPS and (state.number("ChargerVoltage") or 0) >= IDLE_VOLTS:
        return True
    known = [(power, NO_KW), (amperes, NO_AMPS)]
    if any(value is not None and value > most for value, most in known):
        return None
    return None if power is None and amperes is None else False
