"""What keeps a car from charging, or goes along with it, as it tells it."""

from simulator.car.battery import COLD_BELOW_CELSIUS
from simulator.car.quirks import Quirk
from simulator.car.systems import Systems

HEATER_KW = 1.5
IDLE_VOLTS_PLUGGED = 2
IDLE_VOLTS = 1
ODOMETER_AHEAD = 0.00015


def battery_heater_on(car: Systems) -> bool:
    """Whether the battery is warmed up: it is cold, and the cable gives enough for that."""
    if Quirk.HEATER_OUTDRAWS_CHARGER in car.quirks and car.charging.busy:
        return True
    return _is_cold(car) and car.charging.flow.kw >= HEATER_KW


def not_enough_power_to_heat(car: Systems) -> bool | None:
    """Whether a cold battery has to go without; None without a cable."""
    if car.port.supply is None:
        return None
    return _is_cold(car) and car.charging.busy and car.charging.flow.kw < HEATER_KW


def scheduled_charging_pending(car: Systems) -> bool:
    """Whether a schedule is what the plugged-in car waits for."""
    return car.schedules.legacy.mode != "Off" and car.charging.state == "Stopped"


def session_kwh(car: Systems) -> float:
    """What the session's counter shows of the energy in the battery."""
    return 0.0 if Quirk.COUNTER_READS_ZERO in car.quirks else car.charging.energy_added_kwh


def ideal_range(car: Systems) -> float:
    """The ideal range in miles."""
    sentinel = car.quirks.get(Quirk.SENTINEL_RANGE)
    return sentinel.miles if sentinel else round(car.battery.range_miles, 2)


def lifetime_energy_used(car: Systems) -> float:
    """The kWh that all its miles took."""
    return car.journey.odometer_miles * car.battery.kwh_per_mile


def phases(car: Systems) -> int | None:
    """How many phases are told; None while nothing flows."""
    told = car.charging.flow.phases
    return 2 if told == 3 and Quirk.TWO_PHASES in car.quirks else told or None


def volts(car: Systems) -> int:
    """What the AC charger measures per phase, and what is told of a fast charger."""
    flow = car.charging.flow
    if flow.volts and not (flow.dc_kw and Quirk.FAST_CHARGER_READS_IDLE in car.quirks):
        return flow.volts
    return IDLE_VOLTS_PLUGGED if car.port.supply else IDLE_VOLTS


def pushed_odometer(car: Systems) -> float:
    """The odometer as it is streamed."""
    miles = car.journey.odometer_miles
    if Quirk.ODOMETER_DIFFERS in car.quirks:
        return round(miles + ODOMETER_AHEAD, 6)
    return round(miles, 3)


def pushed_charging_state(car: Systems) -> str:
    """The charging state as it is streamed."""
    state = car.charging.state
    stuck = state == "Charging" and Quirk.STUCK_ON_STARTING in car.quirks
    return "Starting" if stuck else state


def _is_cold(car: Systems) -> bool:
    return car.battery.temperature_c < COLD_BELOW_CELSIUS
